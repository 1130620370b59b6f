"""What each command does: it asks the package, and prints what comes back. It decides nothing."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from ..catalogue.reference import describe, endpoints
from ..connections import connect, connect_group, demo
from ..display.streams import is_terminal
from ..errors import BadArgumentError, did_you_mean
from ..export.manifest import manifests
from ..export.reading import is_incomplete, read
from ..frames.output import to_csv, to_excel
from ..frames.selecting import select
from ..group import Group
from ..operations import CATALOGUE
from ..reports.making import write_report
from ..reports.notebooks import copy_notebooks, need_jupyterlab, run_jupyterlab
from ..school import School
from ..school_data import open_export
from ..setup.settings import USUAL
from . import setup
from .console import COMPLETE, FAILED, PARTLY, in_command_words, print_json, print_table, progress_line


def _school(options: argparse.Namespace) -> School:
    return connect(
        options.realm, None, None, options.base_url, options.openapi, options.cache_dir or USUAL,
        offline=options.offline,
    )  # fmt: skip


def _school_or_group(options: argparse.Namespace) -> School | Group:
    if options.realm and len(options.realm) > 1:
        return connect_group(
            options.realm, base_url=options.base_url, openapi=options.openapi, cache_dir=options.cache_dir or USUAL,
            offline=options.offline,
        )  # fmt: skip
    options.realm = options.realm[0] if options.realm else None
    return _school(options)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _demo(options: argparse.Namespace) -> int:
    with demo(students=options.students, profile=options.profile) as school:
        print(
            f"The simulated school: {options.students} students, served on this machine, exported to "
            f"{options.directory}. There it is {school.today:%A} {school.today}."
        )
        status = _export_to(school, options.directory, "core")
    kind = "" if options.profile == "england" else f"profile={options.profile!r}"
    print(
        "\nNext, in Python or a notebook:\n"
        f'  import pandas as pd; students = pd.read_parquet(r"{options.directory / "students"}")\n'
        f"  import hubmis_frames as hf; school = hf.demo({kind}); hf.load_student_attendance(school, students.head(5))"
    )
    return status


def _export(options: argparse.Namespace) -> int:
    if options.window is not None and not options.refresh:
        raise BadArgumentError("--window goes with --refresh. Without --refresh, all marks are asked for.")
    with _school_or_group(options) as school:
        realms = [manifest["realm"] for manifest in manifests(options.directory)]
        if isinstance(school, School) and realms and school.realm not in realms:
            print(
                f"note: {options.directory} already holds {' and '.join(realms)}. {school.realm} will be written "
                "beside it, and programs that read the folder will get both.",
                file=sys.stderr,
            )
        choices = {
            "refresh": options.refresh,
            "free_text": options.free_text,
            "pseudonymise": options.pseudonymise,
            "compression": options.compression,
        }
        if options.window is not None:
            choices["window"] = options.window
        return _export_to(school, options.directory, _names(options.tables), options.json, **choices)


def _export_to(
    school: School | Group, directory: Path, tables: str | list[str], as_json: bool = False, **choices: Any
) -> int:
    with progress_line() as show:

        def on_table(table: str, requests: int, seconds: float) -> None:
            show(table)
            if not is_terminal(sys.stderr) and seconds > 60:
                print(f"{table}: up to {requests:,} requests, {seconds / 60:.0f} minutes", file=sys.stderr, flush=True)

        result = school.export(directory, tables, on_table=on_table, **choices)
    print_table(result if as_json else result.drop(columns="remarks"), as_json)
    remarked = result[result["remarks"].notna() & result["remarks"].ne("")]
    for row in remarked.to_dict("records"):
        realm = f"{row['realm']}, " if "realm" in row else ""
        print(f"{realm}{row['table']}: {in_command_words(row['remarks'])}", file=sys.stderr)
    sent = f"{school.sent} requests sent." if school.sent else "No requests were sent: everything was in the cache."
    print(f"\n{sent} Written to {directory}", file=sys.stderr if as_json else sys.stdout)
    if (result["status"] == "complete").all():
        return COMPLETE
    print("Some tables are missing or incomplete. Run 'hubmis-frames doctor' to find out why.", file=sys.stderr)
    return PARTLY


def _report(options: argparse.Namespace) -> int:
    with progress_line() as show:
        show("working out the lists and figures")
        data = open_export(options.directory, realm=options.realm)
        if options.praise:
            data = data.with_settings(praise=options.praise)
        files, problems = write_report(
            data, options.file, year_group=options.year_group, form=options.form, house=options.house,
            split=options.split, excel=options.excel,
        )  # fmt: skip
    for file in files:
        print(f"Written to {file}")
    print("Store it only where people who may see the register can open it.")
    for problem in problems:
        print(f"note: {problem}", file=sys.stderr)
    return PARTLY if problems else COMPLETE


def _lab(options: argparse.Namespace) -> int:
    need_jupyterlab()
    copied = copy_notebooks(options.directory)
    if copied.new:
        print(f"Copied to {options.directory}: {', '.join(copied.new)}", flush=True)
    if copied.kept:
        print(
            f"Kept as they are in {options.directory}: {', '.join(copied.kept)}. They differ from the originals. To "
            "get an original, rename your copy and run this command again.",
            flush=True,
        )
    return run_jupyterlab(options.directory, [*(["--no-browser"] if options.no_browser else []), *options.options])


def _plan(options: argparse.Namespace) -> int:
    names = _names(options.tables)
    with _school_or_group(options) as school:
        cost = school.plan(names, refresh=options.refresh)
        asked: set[str] = set()
        while options.count and (lists := _lists_to_count(cost) - asked):
            school.fetch(sorted(lists))  # their answers stay in the cache, where an export finds them too
            asked |= lists
            cost = school.plan(names, refresh=options.refresh)
    print_table(cost if options.json else cost.drop(columns="asked_by"), options.json)
    if options.json:
        return COMPLETE
    not_counted = cost["requests"].isna()
    requests = int(cost["requests"].sum() - cost["cached"].sum())
    if not_counted.any():
        print(
            f"\nThe cost is not known yet: {not_counted.sum()} of {len(cost)} tables are not counted. Each takes one "
            "request for each row of a list that is not loaded. Marks take one for each student, which is most of an "
            f"export. The other tables take at least {requests:,} requests."
        )
        left = sorted(_lists_to_count(cost) - asked)
        print(
            f"To count them, add --count. It loads {', '.join(left)} first, and an export uses what it loaded."
            if left
            else "Their lists take one request for each row of another list: an export counts them as it goes."
        )
        return COMPLETE
    minutes = cost["minutes"].sum()
    at_least = "at least " if cost["basis"].ne("").any() else ""
    duration = f"about {minutes:,.0f} minutes" if minutes >= 1 else "less than a minute"
    print(
        f"\nRequests: {at_least}{requests:,}, {duration}. They go out quickly while the burst of up to 500 lasts, then "
        "one every five seconds, which is the documented rate."
    )
    return COMPLETE


def _lists_to_count(cost: pd.DataFrame) -> set[str]:
    """The lists whose rows say how many requests other tables take, as far as they cost few requests themselves."""
    waiting = cost.loc[cost["requests"].isna(), "asked_by"]
    many = set(cost.loc[cost["asked_by"].ne(""), "table"])  # to load these takes as many requests as they have parents
    return {name or "academic_years" for names in waiting for name in names.split(", ")} - many


def _endpoints(options: argparse.Namespace) -> int:
    operations = endpoints()
    columns = list(operations) if options.json else ["loader", "title", "section", "path_source", "grain"]
    wanted = " ".join(options.name)
    if not wanted:
        print_table(operations[columns], options.json)
        return COMPLETE
    name = wanted.removeprefix("load_").lower()
    matches = operations[operations["loader"] == f"load_{name}"]
    if matches.empty:
        matches = endpoints(search=wanted)
    if len(matches) == 1 and not options.json:
        print(describe(matches["loader"].iloc[0]))
        return COMPLETE
    if matches.empty:
        print(
            f"hubmis-frames: there is no operation called {wanted!r}.{did_you_mean(name, CATALOGUE)} "
            "'hubmis-frames endpoints' lists all of them.",
            file=sys.stderr,
        )
        return FAILED
    print_table(matches[columns], options.json)
    return COMPLETE


def _table(options: argparse.Namespace) -> int:
    where: dict[str, list[str]] = {}
    for condition in options.where:
        column, equals, value = condition.partition("=")
        if not equals:
            raise BadArgumentError(f'--where takes COLUMN=VALUE, such as year_group_name="Year 9", not {condition!r}.')
        where.setdefault(column.strip(), []).append(value)
    kind = options.to.suffix.lower()
    if kind not in (".xlsx", ".csv"):
        raise BadArgumentError(f"--to {options.to}: the name of the file ends in .xlsx or .csv.")
    names = list(dict.fromkeys(options.table))
    if kind == ".csv" and len(names) > 1:
        raise BadArgumentError(f"A CSV file holds one table. Write {len(names)} tables to a workbook: --to FILE.xlsx")
    columns = _names(options.columns)
    tables = {name: select(read(options.directory, name, realm=options.realm), name, columns, where) for name in names}
    file = to_excel(tables, options.to) if kind == ".xlsx" else to_csv(tables[names[0]], options.to)
    for name, frame in tables.items():
        print(f"{name}: {len(frame):,} rows, {frame.shape[1]} columns")
    print(f"Written to {file}. Store it only where people who may see these data can open it.")
    incomplete = any(is_incomplete(options.directory, name, options.realm) for name in names)
    return PARTLY if incomplete else COMPLETE


def _cache(options: argparse.Namespace) -> int:
    if options.student is not None and options.what != "purge":
        raise BadArgumentError(f"--student goes with purge: hubmis-frames cache purge --student {options.student}")
    with _school(options) as school:
        if options.what == "purge":
            removed = school.purge_cache(options.student)
            holding = [] if options.student is None else [str(path) for path in school.exports_with(options.student)]
            if options.json:
                print_json({"removed": removed, "exports": holding, **school.cache()})
                return COMPLETE
            if options.student is not None and not removed:
                print(f"No response in the cache contains student {options.student}")
            else:
                print(f"Removed {removed} response{'' if removed == 1 else 's'} from {school.cache()['file']}")
            if holding:
                print(
                    "These exports and reports hold the student, or may. Remove them, or export again once HUBmis no "
                    "longer has the student:"
                )
                print("\n".join(f"  {path}" for path in holding))
            if options.student is not None:
                print("Files that you wrote yourself, and notebooks that you ran, are not known here.")
        elif options.json:
            print_json(school.cache())
        else:
            for name, value in school.cache().items():
                print(f"{name:10} {'none yet' if value is None else value}")
    return COMPLETE


ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "cache": _cache,
    "demo": _demo,
    "doctor": setup.doctor,
    "endpoints": _endpoints,
    "export": _export,
    "lab": _lab,
    "login": setup.login,
    "plan": _plan,
    "report": _report,
    "spec check": setup.spec_check,
    "spec draft": setup.spec_draft,
    "spec export": setup.spec_export,
    "spec probe": setup.spec_probe,
    "table": _table,
}
"""What each command calls."""
