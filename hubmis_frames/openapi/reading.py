"""Reading a description file: JSON or YAML, within bounds of our own on its size, its depth and its anchors.

What a file means is read elsewhere. Nothing here knows OpenAPI beyond its version.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml

from ..errors import SpecError

LARGEST = 32 * 2**20
DEEPEST = 200
MOST_NODES = 5_000_000
"""How many values a YAML file may hold once its anchors are written out."""


def read_file(file: str | os.PathLike[str]) -> tuple[Mapping[str, Any], str]:
    """Read an OpenAPI 3 file and return its content and its name.

    Raises
    ------
    SpecError
        The file cannot be read, is cut short, or is something else.
    """
    path = Path(file).expanduser()
    try:
        size = path.stat().st_size
        text = path.read_bytes() if size <= LARGEST else b""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is no path"
        raise SpecError(f"The OpenAPI file {path} cannot be read: {reason}. Check HUBMIS_OPENAPI.") from None
    if size > LARGEST:
        raise SpecError(f"{path} is larger than {LARGEST >> 20} MB. An OpenAPI file of that size cannot be used.")
    content = _json(text, path) if text.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" else _yaml(text, path)
    version = str(content.get("openapi", "")) if isinstance(content, dict) else ""
    if not version.startswith("3."):
        what = "an older Swagger file" if isinstance(content, dict) and "swagger" in content else "no OpenAPI 3 file"
        raise SpecError(
            f"{path} is {what}. Download the OpenAPI specification from the vendor's document (3.0 or 3.1)."
        )
    return content, path.name


def _json(text: bytes, path: Path) -> Any:
    text = text.removeprefix(b"\xef\xbb\xbf")
    if _too_deep(text):
        raise _nested(path)
    try:
        return orjson.loads(text)
    except ValueError:
        # YAML's flow style begins with a brace too.
        return _yaml(text, path)


def _too_deep(text: bytes) -> bool:
    """Whether JSON may be nested deeper than our bound; strings are looked at only where the quick count is high."""
    if text.count(b"{") + text.count(b"[") <= DEEPEST:
        return False
    depth, quoted, escaped = 0, False, False
    for byte in text:
        if quoted:
            escaped, quoted = not escaped and byte == 0x5C, escaped or byte != 0x22
        elif byte == 0x22:
            quoted = True
        elif byte in b"{[":
            depth += 1
            if depth > DEEPEST:
                return True
        elif byte in b"}]":
            depth -= 1
    return False


def _yaml(text: bytes, path: Path) -> Any:
    try:
        _check_yaml(text, path)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe one
    except _UNREADABLE as error:
        if isinstance(error, SpecError):
            raise
        if isinstance(error, RecursionError) or "max" in str(error).casefold():  # libyaml has a limit of its own
            raise _nested(path) from None
        raise SpecError(f"{path} is neither JSON nor YAML that can be read to its end. Download it again.") from None


def _check_yaml(text: bytes, path: Path) -> None:
    """Refuse what would grow without bound: an anchor may stand for a thousand copies of another."""
    anchors: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    size = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.NodeEvent):
            size += 1
        if isinstance(event, yaml.AliasEvent):
            size += anchors.get(str(event.anchor), 0)
        elif isinstance(event, yaml.ScalarEvent) and event.anchor:
            anchors[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, size))
            if len(open_nodes) > DEEPEST:
                raise _nested(path)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor:
                anchors[anchor] = size - before
        if size > MOST_NODES:
            raise SpecError(
                f"{path} holds YAML anchors that stand for more than {MOST_NODES:,} values. Ask the vendor for the "
                "file as JSON."
            )


def _nested(path: Path) -> SpecError:
    return SpecError(f"{path} is nested more than {DEEPEST} levels deep, so it is no OpenAPI file that can be used.")


# A tag such as !!bool on other text raises whatever its constructor trips over.
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, yaml.YAMLError)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML with the scalars of JSON alone: a date is text, and so are ``no`` and ``on``."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if not tag.endswith(":timestamp") and not (tag.endswith(":bool") and first not in "tTfF")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
