"""The command ``hubmis-frames``: arguments, progress and exit codes. It decides nothing."""

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import __about__
from ..catalogue.reference import describe, endpoints
from ..connections import connect, connect_group, demo
from ..errors import BadArgumentError, HubmisError, HubmisWarning, did_you_mean
from ..export import CORE, WINDOW
from ..export.manifest import manifests
from ..group import Group
from ..operations import CATALOGUE
from ..reports.notebooks import FOLDER, copy_notebooks, need_jupyterlab, run_jupyterlab
from ..reports.page import report
from ..school import School
from ..setup.settings import USUAL
from . import setup as cli_setup
from .console import COMPLETE, FAILED, PARTLY, print_json, progress_line
from .console import print_table as _print

_STATUSES = (
    "exit status: 0 complete, all well; 1 failed, or something to do; 2 wrong usage; 3 complete but for what was not "
    "permitted or failed; 130 interrupted"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    if hasattr(sys.stdout, "reconfigure"):  # a redirected Windows console cannot show every name
        sys.stdout.reconfigure(errors="replace")
    given = _parser().parse_args(arguments)
    warnings.simplefilter("always", HubmisWarning)
    warnings.showwarning = lambda message, *_, **__: print(f"note: {message}", file=sys.stderr)
    if given.verbose:
        _log_to_screen()
    command: Callable[[argparse.Namespace], int] = given.command
    try:
        status = command(given)
        sys.stdout.flush()
    except HubmisError as error:
        print(f"hubmis-frames: {error}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # who reads has seen enough, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COMPLETE
    except OSError as error:
        print(
            f"hubmis-frames: {error.filename or 'A file'} cannot be used: {error.strerror or error}. Make it writable, "
            "free some disk, or choose another place.",
            file=sys.stderr,
        )
        return FAILED
    except KeyboardInterrupt:
        print(
            "\nhubmis-frames: interrupted. What was fetched is kept; the same command goes on from there.",
            file=sys.stderr,
        )
        return 130
    return status


def _log_to_screen() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("hubmis_frames")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hubmis-frames",
        description="HUBmis, a school's management information system, as tidy tables.",
        epilog=_STATUSES,
    )
    parser.add_argument("--version", action="version", version=__about__.__version__)
    parser.add_argument("-v", "--verbose", action="store_true", help="log requests, waits and new attempts to stderr")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = _command(commands, "demo", _demo, "export the simulated school; needs no credentials")
    command.add_argument("directory", nargs="?", default="data/demo-school", type=Path)
    command.add_argument("--students", type=int, default=240, help="how many students it has (default %(default)s)")

    command = _command(
        commands, "login", cli_setup.login, "ask for the credentials, try them, and keep them in the system's keyring"
    )
    command.add_argument("--realm", help="asked for unless given")
    command.add_argument("--base-url", help="the address of a test host, if any")
    command.add_argument("--forget", action="store_true", help="remove what is kept")

    command = _command(commands, "doctor", cli_setup.doctor, "look for what stands in the way, and say what to do")
    _add_connection(command, with_offline=False)

    command = _command(commands, "endpoints", _endpoints, "list the operations, or describe one")
    command.add_argument("name", nargs="?", help="a table, a loader or a part of a title")
    _add_json(command)

    command = _command(commands, "plan", _plan, "say what an export would cost; sends nothing")
    _add_tables(command)
    command.add_argument("--refresh", action="store_true", help="what 'export --refresh' would cost")
    _add_json(command)
    _add_connection(command, several=True)

    command = _command(commands, "export", _export, "write tables to Parquet files")
    command.add_argument("directory", type=Path)
    _add_tables(command)
    command.add_argument("--free-text", action="store_true", help="write notes and descriptions about children too")
    command.add_argument("--pseudonymise", action="store_true", help="write pseudonyms, and nothing that names people")
    command.add_argument(
        "--refresh", action="store_true",
        help="bring the export up to date: ask anew whatever the cache holds, but of marks for their last days alone",
    )  # fmt: skip
    command.add_argument(
        "--window", type=int, default=WINDOW, metavar="DAYS",
        help="with --refresh: for how many days before a student's last mark corrections are looked for "
        "(default %(default)s)",
    )  # fmt: skip
    _add_json(command)
    _add_connection(command, several=True)

    command = _command(commands, "report", _report, "write an export's attendance and wellbeing as one HTML file")
    command.add_argument("directory", type=Path, help="the folder that export wrote")
    command.add_argument("--file", type=Path, help="where to write (default: report-<date>.html in that folder)")
    command.add_argument("--realm", help="which school, where the folder holds several")
    command.add_argument(
        "--praise", action="append", default=[], metavar="CATEGORY",
        help="a category of pastoral events that is praise and no concern; may be given several times",
    )  # fmt: skip

    command.add_argument("--year-group", metavar="NAME", help="lists of names for this year group alone")

    command = _command(commands, "lab", _lab, "copy the notebooks to a folder of yours and open JupyterLab there")
    command.add_argument("directory", nargs="?", default=FOLDER, type=Path, help="default: %(default)s")
    command.add_argument("--no-browser", action="store_true", help="show the address alone")

    spec = commands.add_parser("spec", help="the vendor's OpenAPI file, ours, and what can be known without")
    specs = spec.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command = _command(specs, "check", cli_setup.spec_check, "compare the vendor's OpenAPI file with our declarations")
    command.add_argument("file", type=Path)
    command.add_argument("--details", action="store_true", help="list every difference and every flaw")
    _add_json(command)
    command = _command(specs, "export", cli_setup.spec_export, "write our declarations as OpenAPI")
    command.add_argument("file", type=Path, help="the file to write to ('-' for the screen)")
    command = _command(
        specs, "probe", cli_setup.spec_probe, "ask each operation once: which paths hold, and with what fields"
    )
    command.add_argument("file", type=Path, nargs="?", default="hubmis-probe.json", help="default %(default)s")
    command.add_argument(
        "--budget",
        type=int,
        default=150,
        metavar="N",
        help="requests at most (default %(default)s: each operation once, and a few to spare)",
    )
    _add_json(command)
    _add_connection(command, with_offline=False)

    command = _command(commands, "cache", _cache, "say what the cache of a school holds, or remove it from the disk")
    command.add_argument("what", nargs="?", choices=["info", "purge"], default="info")
    command.add_argument(
        "--student", type=int, metavar="ID", help="purge: only the answers in which this student may stand"
    )
    _add_json(command)
    _add_connection(command)
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], int],
    purpose: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".")
    command.set_defaults(command=run)
    return command


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="write JSON to the screen instead of a table")


def _add_tables(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tables",
        default="core",
        help=f"'core' (the default: {len(CORE)} that attendance and wellbeing need), 'all', or names, with commas",
    )


def _add_connection(command: argparse.ArgumentParser, with_offline: bool = True, several: bool = False) -> None:
    group = command.add_argument_group(
        "connection", "each falls back to HUBMIS_REALM, HUBMIS_BASE_URL, HUBMIS_OPENAPI and HUBMIS_CACHE_DIR; the "
        "client is taken from HUBMIS_CLIENT_ID and HUBMIS_CLIENT_SECRET, else from the keyring (see 'login'), "
        "never from arguments, which others can see"
    )  # fmt: skip
    if several:
        group.add_argument("--realm", action="append", help="given several times: a group of schools")
    else:
        group.add_argument("--realm")
    group.add_argument("--base-url")
    group.add_argument("--openapi", help="the vendor's OpenAPI file")
    group.add_argument("--cache-dir")
    if with_offline:
        group.add_argument("--offline", action="store_true", help="answer from the cache alone")


def _school(given: argparse.Namespace) -> School:
    return connect(
        given.realm, None, None, given.base_url, given.openapi, given.cache_dir or USUAL, offline=given.offline
    )


def _schools(given: argparse.Namespace) -> School | Group:
    if given.realm and len(given.realm) > 1:
        return connect_group(
            given.realm, base_url=given.base_url, openapi=given.openapi, cache_dir=given.cache_dir or USUAL,
            offline=given.offline,
        )  # fmt: skip
    given.realm = given.realm[0] if given.realm else None
    return _school(given)


def _tables(given: argparse.Namespace) -> list[str]:
    return [name.strip() for name in given.tables.split(",") if name.strip()]


def _demo(given: argparse.Namespace) -> int:
    print(f"The simulated school: {given.students} students, served on this machine, exported to {given.directory}")
    with demo(students=given.students) as school:
        status = _export_to(school, given.directory, "core")
    print(
        "\nNext, in Python or a notebook:\n"
        f'  import pandas as pd; students = pd.read_parquet(r"{given.directory / "students"}")\n'
        "  import hubmis_frames as hf; school = hf.demo(); hf.load_student_attendance(school, students.head(5))"
    )
    return status


def _export(given: argparse.Namespace) -> int:
    if given.window != WINDOW and not given.refresh:
        raise BadArgumentError("--window goes with --refresh: without it, marks are asked for whole.")
    with _schools(given) as school:
        others = [each["realm"] for each in manifests(given.directory)]
        if isinstance(school, School) and others and school.realm not in others:
            print(
                f"note: {given.directory} holds {' and '.join(others)} already, and {school.realm} comes beside it: "
                "what reads the folder gets both.",
                file=sys.stderr,
            )
        choices = {
            "refresh": given.refresh,
            "window": given.window,
            "free_text": given.free_text,
            "pseudonymise": given.pseudonymise,
        }
        return _export_to(school, given.directory, _tables(given), given.json, **choices)


def _export_to(
    school: School | Group, directory: Path, tables: str | list[str], as_json: bool = False, **choices: Any
) -> int:
    with progress_line() as show:

        def on_table(table: str, requests: int, seconds: float) -> None:
            show(table)
            if not sys.stderr.isatty() and seconds > 60:
                print(f"{table}: up to {requests:,} requests, {seconds / 60:.0f} minutes", file=sys.stderr, flush=True)

        done = school.export(directory, tables, on_table=on_table, **choices)
    _print(done if as_json else done.drop(columns="remarks"), as_json)
    said = done[done["remarks"].notna() & done["remarks"].ne("")]
    for row in said.to_dict("records"):
        whose = f"{row['realm']}, " if "realm" in row else ""
        print(f"{whose}{row['table']}: {row['remarks']}", file=sys.stderr)
    asked = f"{school.sent} requests sent." if school.sent else "Nothing was asked: all was in the cache."
    print(f"\n{asked} Written to {directory}", file=sys.stderr if as_json else sys.stdout)
    if (done["status"] == "complete").all():
        return COMPLETE
    print("Not everything could be had. 'hubmis-frames doctor' looks further.", file=sys.stderr)
    return PARTLY


def _report(given: argparse.Namespace) -> int:
    with progress_line() as show:
        show("running the notebooks over the export; this takes about a minute")
        file, missing = report(
            given.directory, given.file, realm=given.realm, praise=given.praise, year_group=given.year_group
        )
    print(f"Written to {file}. It names children: keep it where only those may read it who may read the register.")
    for problem in missing:
        print(f"note: {problem}", file=sys.stderr)
    return PARTLY if missing else COMPLETE


def _lab(given: argparse.Namespace) -> int:
    need_jupyterlab()
    copied = copy_notebooks(given.directory)
    if copied.new:
        print(f"Copied to {given.directory}: {', '.join(copied.new)}", flush=True)
    if copied.kept:
        print(
            f"Kept as they are in {given.directory}: {', '.join(copied.kept)}. To get the original of one, rename "
            "yours and run this again.",
            flush=True,
        )
    return run_jupyterlab(given.directory, ["--no-browser"] if given.no_browser else [])


def _plan(given: argparse.Namespace) -> int:
    with _schools(given) as school:
        cost = school.plan(_tables(given), refresh=given.refresh)
    _print(cost if given.json else cost.drop(columns="asked_by"), given.json)
    if given.json:
        return COMPLETE
    counted = cost["requests"].notna()
    unknown = cost[~counted]
    requests = int(cost["requests"].sum() - cost["cached"].sum())
    minutes = cost["minutes"].sum()
    least = "at least " if len(unknown) or cost["basis"].ne("").any() else ""
    took = f"about {minutes:,.0f} minutes" if minutes >= 1 else "less than a minute"
    print(
        f"\nRequests: {least}{requests:,}, {took}: quickly while the burst of up to 500 lasts, then one every five "
        "seconds, the documented rate."
    )
    if len(unknown):
        dear = set(cost.loc[cost["asked_by"].ne(""), "table"])
        lists = {name for names in unknown["asked_by"] for name in names.split(", ")} - dear - {""} or {
            "academic_years"
        }
        print(
            f"Tables not counted: {len(unknown)}. Each takes a request for each row of a list that is not loaded yet, "
            "marks one for each student: most of an export. To count them too, load the lists first:\n"
            f"  hubmis-frames export DIRECTORY --tables {','.join(sorted(lists))}"
        )
    return COMPLETE


def _endpoints(given: argparse.Namespace) -> int:
    known = endpoints()
    columns = list(known) if given.json else ["loader", "title", "section", "path_source", "grain"]
    if given.name is None:
        _print(known[columns], given.json)
        return COMPLETE
    name = given.name.removeprefix("load_").lower()
    exact = known[known["loader"] == f"load_{name}"]
    found = (
        exact
        if len(exact)
        else known[(known["loader"] + " " + known["title"].str.lower()).str.contains(name, regex=False)]
    )
    if len(found) == 1 and not given.json:
        print(describe(found["loader"].iloc[0]))
        return COMPLETE
    if found.empty:
        print(
            f"hubmis-frames: no operation is called {given.name!r}.{did_you_mean(name, CATALOGUE)} "
            "'hubmis-frames endpoints' lists all.",
            file=sys.stderr,
        )
        return FAILED
    _print(found[columns], given.json)
    return COMPLETE


def _cache(given: argparse.Namespace) -> int:
    if given.student is not None and given.what != "purge":
        raise BadArgumentError(f"--student goes with purge: hubmis-frames cache purge --student {given.student}")
    with _school(given) as school:
        if given.what == "purge":
            removed = school.purge_cache(given.student)
            if given.json:
                print_json({"removed": removed, **school.cache()})
            elif given.student is not None and not removed:
                print(f"No answer held student {given.student}")
            else:
                print(f"Removed {removed} answer{'' if removed == 1 else 's'} from {school.cache()['file']}")
        elif given.json:
            print_json(school.cache())
        else:
            for name, value in school.cache().items():
                print(f"{name:10} {'none yet' if value is None else value}")
    return COMPLETE


if __name__ == "__main__":
    sys.exit(main())
