"""The command ``hubmis-frames``: arguments, progress and exit codes. It decides nothing.

Exit status: 0 complete, 1 failed, 2 wrong usage, 3 complete but for tables that were not permitted or failed.
"""

import argparse
import json
import shutil
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from . import __about__
from .connect import connect, demo
from .endpoints import CATALOGUE
from .errors import HubmisError, HubmisWarning
from .export import CORE, WINDOW
from .lab import FOLDER, copy_notebooks, need_jupyterlab, run_jupyterlab
from .reference import describe, endpoints
from .report import report
from .school import School
from .settings import USUAL

COMPLETE, FAILED, PARTLY = 0, 1, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    if hasattr(sys.stdout, "reconfigure"):  # a redirected Windows console cannot show every name
        sys.stdout.reconfigure(errors="replace")
    given = _parser().parse_args(arguments)
    warnings.simplefilter("always", HubmisWarning)
    warnings.showwarning = lambda message, *_, **__: print(f"note: {message}", file=sys.stderr)
    command: Callable[[argparse.Namespace], int] = given.command
    try:
        return command(given)
    except HubmisError as error:
        print(f"hubmis-frames: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(
            "\nhubmis-frames: interrupted. What was fetched is kept; the same command goes on from there.",
            file=sys.stderr,
        )
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hubmis-frames", description="HUBmis, a school's management information system, as tidy tables."
    )
    parser.add_argument("--version", action="version", version=__about__.__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = _command(commands, "demo", _demo, "export the simulated school; needs no credentials")
    command.add_argument("directory", nargs="?", default="data/demo-school", type=Path)
    command.add_argument("--students", type=int, default=240, help="how many students it has (default %(default)s)")

    command = _command(commands, "endpoints", _endpoints, "list the operations, or describe one")
    command.add_argument("name", nargs="?", help="a table, a loader or a part of a title")

    command = _command(commands, "plan", _plan, "say what an export would cost; sends nothing")
    _add_tables(command)
    _add_connection(command)

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
    _add_connection(command)

    command = _command(commands, "report", _report, "write an export's attendance and wellbeing as one HTML file")
    command.add_argument("directory", type=Path, help="the folder that export wrote")
    command.add_argument("--file", type=Path, help="where to write (default: report-<date>.html in that folder)")
    command.add_argument("--realm", help="which school, where the folder holds several")
    command.add_argument(
        "--praise", action="append", default=[], metavar="CATEGORY",
        help="a category of pastoral events that is praise and no concern; may be given several times",
    )  # fmt: skip

    command = _command(commands, "lab", _lab, "copy the notebooks to a folder of yours and open JupyterLab there")
    command.add_argument("directory", nargs="?", default=FOLDER, type=Path, help="default: %(default)s")
    command.add_argument("--no-browser", action="store_true", help="show the address alone")

    command = _command(
        commands, "spec", _spec, "hold the vendor's OpenAPI file against our declarations, or write ours"
    )
    command.add_argument("what", choices=["check", "export"])
    command.add_argument("file", type=Path, help="the file to check, or to write to ('-' for the screen)")

    command = _command(commands, "cache", _cache, "say what the cache of a school holds, or remove it from the disk")
    command.add_argument("what", nargs="?", choices=["info", "purge"], default="info")
    command.add_argument(
        "--student", type=int, metavar="ID", help="purge: only the answers in which this student may stand"
    )
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


def _add_tables(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tables",
        default="core",
        help=f"'core' ({len(CORE)} operations that attendance and wellbeing need; the default) or names, with commas",
    )


def _add_connection(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group(
        "connection", "each falls back to HUBMIS_REALM, HUBMIS_BASE_URL, HUBMIS_OPENAPI and HUBMIS_CACHE_DIR; the "
        "client is taken from HUBMIS_CLIENT_ID and HUBMIS_CLIENT_SECRET alone, as arguments can be seen by others"
    )  # fmt: skip
    group.add_argument("--realm")
    group.add_argument("--base-url")
    group.add_argument("--openapi", help="the vendor's OpenAPI file")
    group.add_argument("--cache-dir")
    group.add_argument("--offline", action="store_true", help="answer from the cache alone")


def _school(given: argparse.Namespace) -> School:
    return connect(
        given.realm, None, None, given.base_url, given.openapi, given.cache_dir or USUAL, offline=given.offline
    )


def _tables(given: argparse.Namespace) -> str | list[str]:
    return "core" if given.tables == "core" else [name.strip() for name in given.tables.split(",") if name.strip()]


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
    with _school(given) as school:
        choices = {
            "refresh": given.refresh,
            "window": given.window,
            "free_text": given.free_text,
            "pseudonymise": given.pseudonymise,
        }
        return _export_to(school, given.directory, _tables(given), **choices)


def _export_to(school: School, directory: Path, tables: str | list[str], **choices: Any) -> int:
    watched = sys.stderr.isatty()
    width = shutil.get_terminal_size().columns - 1

    def show(table: str) -> None:
        if watched:
            print(f"  {table} ...".ljust(width), end="\r", file=sys.stderr, flush=True)

    done = school.export(directory, tables, each=show, **choices)
    if watched:
        print(" " * width, end="\r", file=sys.stderr, flush=True)
    _print(done)
    print(f"\n{school.sent} requests sent. Written to {directory}")
    if (done["status"] == "complete").all():
        return COMPLETE
    print("Not everything could be had: the manifest in that folder says why.", file=sys.stderr)
    return PARTLY


def _report(given: argparse.Namespace) -> int:
    print("Running the notebooks over the export; this takes about a minute ...", file=sys.stderr)
    file, missing = report(given.directory, given.file, realm=given.realm, praise=given.praise)
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
    with _school(given) as school:
        cost = school.plan(_tables(given))
    _print(cost)
    unknown = int(cost["requests"].isna().sum())
    minutes = cost["minutes"].sum()
    print(
        f"\nAt least {int(cost['requests'].sum() - cost['cached'].sum())} requests to send, in {minutes:.1f} minutes: "
        "quickly while the burst of up to 500 lasts, then one every five seconds, the documented rate."
    )
    if unknown:
        print(
            f"{unknown} tables depend on lists that are not loaded yet. Export those first (they are few) to count "
            "them."
        )
    return COMPLETE


def _endpoints(given: argparse.Namespace) -> int:
    known = endpoints()
    if given.name is None:
        _print(known[["loader", "title", "section", "path_source", "grain"]])
        return COMPLETE
    name = given.name.removeprefix("load_").lower()
    exact = known[known["loader"] == f"load_{name}"]
    found = (
        exact
        if len(exact)
        else known[(known["loader"] + " " + known["title"].str.lower()).str.contains(name, regex=False)]
    )
    if len(found) == 1:
        print(describe(found["loader"].iloc[0]))
        return COMPLETE
    if found.empty:
        print(
            f"hubmis-frames: no operation is called {given.name!r}. 'hubmis-frames endpoints' lists all.",
            file=sys.stderr,
        )
        return FAILED
    _print(found[["loader", "title", "section", "path_source", "grain"]])
    return COMPLETE


def _spec(given: argparse.Namespace) -> int:
    from .spec import as_openapi, compare, read_spec  # it takes libraries that nothing else needs

    if given.what == "export":
        text = json.dumps(as_openapi(CATALOGUE.values()), indent=1, ensure_ascii=False)
        if str(given.file) == "-":
            print(text)
        else:
            given.file.write_text(text, encoding="utf-8")
            print(f"Written to {given.file}. What is inferred is marked x-inferred.")
        return COMPLETE
    spec = read_spec(given.file)
    print(f"{len(spec.endpoints)} of {len(CATALOGUE)} operations matched.")
    for said, tables in (("not in the file", spec.missing), ("only in the file", tuple(spec.others))):
        for table in tables:
            print(f"  {said}: {(spec.others.get(table) or CATALOGUE[table]).title}")
    for table, reason in spec.unusable.items():
        print(f"  cannot be asked: {CATALOGUE[table].title}: {reason}")
    changes = compare(spec)
    if len(changes):
        print("\nWhere the file and the declarations differ:")
        _print(changes)
    return FAILED if spec.missing or spec.unusable else COMPLETE


def _cache(given: argparse.Namespace) -> int:
    with _school(given) as school:
        if given.what == "purge":
            print(f"Removed {school.purge_cache(given.student)} answers from {school.cache()['file']}")
        else:
            for name, value in school.cache().items():
                print(f"{name:10} {value}")
    return COMPLETE


def _print(frame: pd.DataFrame) -> None:
    shown = frame.astype(object).where(frame.notna(), "")
    for column in frame.select_dtypes("float"):
        shown[column] = [f"{value:,.1f}" if isinstance(value, float) else value for value in shown[column]]
    print(shown.to_string(index=False, max_colwidth=60))


if __name__ == "__main__":
    sys.exit(main())
