"""What a school says of itself: the settings, their values, and the file ``school.toml`` beside an export."""

import contextlib
import json
import re
import tomllib
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..analysis.calendar import SESSIONS, WEEKDAYS
from ..attendance.codes import CodeMap
from ..attendance.rules import RULES, AbsenceRule, check_rules
from ..errors import BadArgumentError, SettingsError, did_you_mean
from ..files import whole_file

FILE = "school.toml"
CODE_MAP_FILE = "code-map.csv"
LISTS = ("praise", "about_attendance")
"""The settings that list categories of pastoral events."""
_REALMS = "realms"
_DAYS = {name.casefold(): number for number, name in enumerate(WEEKDAYS)}
_RULE_FIELDS = [field.name for field in fields(AbsenceRule)]

Settings = dict[str, Any]
"""Checked values by the name of the setting."""


def check_settings(given: Mapping[str, object], caller: str) -> Settings:
    """The settings that a user gave in Python, checked.

    Raises
    ------
    BadArgumentError
        There is no such setting, or its value cannot be used.
    """
    checked = {}
    for name, value in given.items():
        try:
            checked[name] = _checked(name, value)
        except _ProblemError as problem:
            raise BadArgumentError(f"{caller}: {problem}") from None
    return checked


def read_settings(folder: Path) -> tuple[Settings, dict[str, Settings]]:
    """The settings in ``school.toml`` for every school of a folder, and those of single schools by realm.

    Raises
    ------
    SettingsError
        The file cannot be read, or has a value that cannot be used. The message names the line.
    """
    file = folder / FILE
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}, {}
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not in UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise SettingsError(f"{file} cannot be read: {reason}. Save it as plain text in UTF-8.") from None
    try:
        content = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f'{file}: {error}. Each setting is a line such as timezone = "Europe/London" or '
            'weekdays = ["Monday", "Tuesday"].'
        ) from None
    realms = content.pop(_REALMS, {})
    if not isinstance(realms, dict) or not all(isinstance(table, dict) for table in realms.values()):
        raise SettingsError(
            f'{_where(file, text, (_REALMS,))}: {_REALMS} takes a table for each school: [realms."S1"].'
        )
    return (
        _read_table(content, (), file, text),
        {realm: _read_table(table, (_REALMS, realm), file, text) for realm, table in realms.items()},
    )


def write_settings(folder: Path, common: Settings, by_realm: Mapping[str, Settings], notes: Iterable[str]) -> Path:
    """Write ``school.toml``; ``notes`` are lines that stand in it as comments.

    Raises
    ------
    SettingsError
        The file cannot be written.
    """
    lines = ["# What this school says of itself. hubmis_frames reads it whenever it opens this export.", ""]
    lines += [*_toml(common, ()), *(line for realm, own in by_realm.items() for line in _toml(own, (_REALMS, realm)))]
    lines += ["", *(f"# {note}" for note in notes)]
    file = folder / FILE
    try:
        with whole_file(file) as part:
            part.write_text("\n".join(lines).rstrip("\n") + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise SettingsError(f"Cannot write {file}: {error.strerror or error}.") from error
    return file


def as_text(name: str, value: Any) -> str:
    """The value of a setting for people to read."""
    if value is None or value == () or value == {}:
        return "none"
    if name == "code_map":
        return value if isinstance(value, str) else f"{value.frame['code'].nunique()} codes"
    if name == "rules":
        return "; ".join(map(str, value))
    if name == "weekdays":
        return _spans(value, _names)
    if name == "short_days":
        return _spans(value, lambda days: "; ".join(f"{WEEKDAYS[day]} {', '.join(own)}" for day, own in days.items()))
    return value if isinstance(value, str) else ", ".join(value)


def is_dated(value: Any) -> bool:
    """Whether weekdays or short days are given by the first day on which they hold."""
    return isinstance(value, Mapping) and any(isinstance(key, str) for key in value)


def _names(days: Iterable[int]) -> str:
    return ", ".join(WEEKDAYS[day] for day in days)


def _spans(value: Any, show: Callable[[Any], str]) -> str:
    if not is_dated(value):
        return show(value)
    return "; ".join(f"from {day}: {show(of_span) or 'none'}" for day, of_span in value.items())


# --- checking


class _ProblemError(ValueError):
    """A value that cannot be used; the message says what to do."""

    def __init__(self, message: str, *where: str | int) -> None:
        super().__init__(message)
        self.where = where


def _checked(name: str, value: object) -> Any:
    if name not in _CHECKS:
        raise _ProblemError(
            f"there is no setting {name!r}.{did_you_mean(name, _CHECKS)} The settings are {', '.join(_CHECKS)}."
        )
    return _CHECKS[name](name, value)


def _timezone(name: str, value: object) -> str:
    try:
        if isinstance(value, str) and value.strip():
            zoneinfo.ZoneInfo(value)
            return value
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        pass
    near = did_you_mean(value, zoneinfo.available_timezones()) if isinstance(value, str) else ""
    raise _ProblemError(f"{name} takes the name of a zone, such as 'Asia/Dubai', not {value!r}.{near}")


def _school_name(name: str, value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise _ProblemError(f"{name} takes the name of the school, which heads its reports, not {value!r}.")


def _weekdays(name: str, value: object) -> tuple[int, ...] | dict[str, tuple[int, ...]]:
    if isinstance(value, Mapping):
        return _dated(name, value, lambda days: _days_of(name, days))
    return _days_of(name, value)


def _days_of(name: str, value: object) -> tuple[int, ...]:
    days = [_day(name, item) for item in _items(name, value)]
    if not days or len(set(days)) < len(days):
        raise _ProblemError(f'{name} takes the days on which school is open, each once: ["Monday", "Tuesday"].')
    return tuple(days)


def _day(name: str, item: object) -> int:
    if isinstance(item, int) and not isinstance(item, bool) and 0 <= item < len(WEEKDAYS):
        return item
    if isinstance(item, str) and item.strip().casefold() in _DAYS:
        return _DAYS[item.strip().casefold()]
    raise _ProblemError(
        f"{name}: {item!r} is not a weekday.{did_you_mean(item, WEEKDAYS)} They are {', '.join(WEEKDAYS)}."
    )


def _sessions(name: str, value: object) -> tuple[str, ...]:
    chosen = set(map(str, _items(name, value)))
    if not chosen or not chosen <= set(SESSIONS):
        raise _ProblemError(f'{name} takes the sessions with a register, ["am", "pm"] or one of them, not {value!r}.')
    return tuple(session for session in SESSIONS if session in chosen)


def _short_days(name: str, value: object) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise _ProblemError(f'{name} takes the sessions of a weekday, such as Friday = ["am"], not {value!r}.')
    if value and all(isinstance(own, Mapping) for own in value.values()):
        return _dated(name, value, lambda days: _short_days(name, days))
    return {_day(name, day): _sessions(name, sessions) for day, sessions in value.items()}


def _dated(name: str, value: Mapping[Any, Any], check: Callable[[Any], Any]) -> dict[str, Any]:
    spans = {}
    for day, own in value.items():
        try:
            first = date.fromisoformat(str(day)[:10])
        except ValueError:
            raise _ProblemError(f"{name}: {day!r} is not a date such as 2022-01-03, from which days hold.") from None
        spans[first.isoformat()] = check(own)
    if not spans:
        raise _ProblemError(f"{name} is empty.")
    return dict(sorted(spans.items()))


def _code_map(name: str, value: object) -> str | CodeMap:
    if isinstance(value, CodeMap):
        return value
    if isinstance(value, str) and re.fullmatch(r"[\w. -]+", value) and value.strip(". "):
        return value
    raise _ProblemError(f"{name} takes the name of a map, such as 'england', or of a CSV file beside the export.")


def _rules(name: str, value: object) -> tuple[AbsenceRule, ...]:
    rules = []
    for place, item in enumerate([value] if isinstance(value, AbsenceRule) else _items(name, value)):
        if isinstance(item, AbsenceRule):
            rules.append(item)
        elif isinstance(item, str):
            if item not in RULES:
                raise _ProblemError(
                    f"{name}: there is no rule {item!r}.{did_you_mean(item, RULES)} Published rules are "
                    f"{', '.join(RULES)}; a rule of your own is a table [[rules]] with name and at_least."
                )
            rules.append(RULES[item])
        elif isinstance(item, Mapping):
            rules.append(_rule(name, place, item))
        else:
            raise _ProblemError(f"{name} takes absence rules, not {item!r}.")
    try:
        checked = check_rules(rules, name)
    except BadArgumentError as error:
        raise _ProblemError(str(error)) from None
    if not checked:
        raise _ProblemError(f'{name} takes at least one rule, such as "england_persistent".')
    return checked


def _rule(name: str, place: int, item: Mapping[str, Any]) -> AbsenceRule:
    if unknown := [field for field in item if field not in _RULE_FIELDS]:
        raise _ProblemError(
            f"a rule has no {unknown[0]!r}.{did_you_mean(unknown[0], _RULE_FIELDS)} It has {', '.join(_RULE_FIELDS)}.",
            place,
            unknown[0],
        )
    if "name" not in item:
        raise _ProblemError(f'{name}: a rule has no name. Add one, such as name = "concern".', place)
    try:
        return AbsenceRule(**item)
    except BadArgumentError as error:
        raise _ProblemError(f"{error} For example: at_least = 10.", place) from None


def _categories(name: str, value: object) -> tuple[str, ...]:
    names = _items(name, value)
    if not all(isinstance(item, str) and item.strip() for item in names):
        raise _ProblemError(f'{name} takes names of categories of pastoral events, such as ["Achievement"].')
    return tuple(dict.fromkeys(map(str, names)))


def _items(name: str, value: object) -> list[object]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        raise _ProblemError(f"{name} takes a list, not {value!r}.")
    return list(value)


_CHECKS: dict[str, Callable[[str, object], Any]] = {
    "school_name": _school_name,
    "timezone": _timezone,
    "weekdays": _weekdays,
    "sessions": _sessions,
    "short_days": _short_days,
    "code_map": _code_map,
    "rules": _rules,
    "praise": _categories,
    "about_attendance": _categories,
}
NAMES = tuple(_CHECKS)


# --- the file


def _read_table(table: Mapping[str, Any], above: tuple[str, ...], file: Path, text: str) -> Settings:
    settings = {}
    for name, value in table.items():
        try:
            settings[name] = _checked(name, value)
        except _ProblemError as problem:
            raise SettingsError(f"{_where(file, text, (*above, name, *problem.where))}: {problem}") from None
    return settings


def _where(file: Path, text: str, path: tuple[str | int, ...]) -> str:
    """The file and the line in which a key stands, or the table that holds it."""
    lines = _lines(text)
    line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
    return str(file) if line is None else f"{file}, line {line}"


def _lines(text: str) -> dict[tuple[str | int, ...], int]:
    """The first line of each key and table. tomllib says where only for text that is not TOML."""
    found: dict[tuple[str | int, ...], int] = {}
    header: tuple[str | int, ...] = ()
    counts: dict[tuple[str | int, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        key = re.match(r"\s*(\[\[?.+?\]\]?|(?:[\w-]+|\"[^\"]*\"|'[^']*'|\s*\.\s*)+(?=\s*=))", line)
        if key is None:
            continue
        with contextlib.suppress(tomllib.TOMLDecodeError):
            if key[1].startswith("["):
                header = _path(tomllib.loads(key[1]))
                if key[1].startswith("[["):
                    counts[header] = counts.get(header, -1) + 1
                    found.setdefault(header, number)
                    header = (*header, counts[header])
                found.setdefault(header, number)
            else:
                found.setdefault((*header, *_path(tomllib.loads(f"{key[1]} = 0"))), number)
    return found


def _path(content: Any) -> tuple[str, ...]:
    path: tuple[str, ...] = ()
    while isinstance(content, dict) and content:
        ((name, content),) = content.items()
        path = (*path, name)
    return path


def _toml(settings: Mapping[str, Any], above: tuple[str, ...]) -> list[str]:
    """The lines of a table. Plain values come first, as a key after the head of a table would belong to that table."""
    lines = [f"[{_key(*above)}]"] if above and settings else []
    tables: list[str] = []
    for name, value in settings.items():
        if name == "rules":
            for rule in value:
                tables += ["", f"[[{_key(*above, name)}]]", *_rule_lines(rule)]
        elif name in ("weekdays", "short_days") and isinstance(value, Mapping):
            tables += _days_table(value, (*above, name))
        elif name == "weekdays":
            lines.append(f"{name} = {_value([WEEKDAYS[day] for day in value])}")
        else:
            lines.append(f"{name} = {_value(value)}")
    return [*lines, *tables, ""] if lines or tables else []


def _days_table(value: Mapping[Any, Any], path: tuple[str, ...]) -> list[str]:
    lines = ["", f"[{_key(*path)}]"]
    for key, own in value.items():
        if isinstance(own, Mapping):  # short days from a day on
            lines += _days_table(own, (*path, key))
        elif isinstance(key, str):  # weekdays from a day on
            lines.append(f"{_key(key)} = {_value([WEEKDAYS[day] for day in own])}")
        else:
            lines.append(f"{WEEKDAYS[key]} = {_value(own)}")
    return lines


def _rule_lines(rule: AbsenceRule) -> list[str]:
    plain = AbsenceRule(rule.name, at_least=1)
    values = {name: getattr(rule, name) for name in _RULE_FIELDS}
    given = {
        name: value
        for name, value in values.items()
        if value is not None and (name in ("name", "at_least", "more_than") or value != getattr(plain, name))
    }
    return [f"{name} = {_value(value)}" for name, value in given.items()]


def _key(*path: str) -> str:
    return ".".join(name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name) for name in path)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text if "." in text else f"{text}.0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"[{', '.join(map(_value, value))}]"
