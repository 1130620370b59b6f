"""The commands of ``hubmis-frames`` with their arguments and help; ``actions.py`` says which function runs each.

It imports no pandas, nor anything that does: help comes at once.
"""

import argparse
from pathlib import Path
from typing import TypeAlias

from .. import __about__

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_STATUSES = (
    "exit status: 0 complete; 1 failed, or there is something for you to do; 2 wrong usage; 3 complete except for "
    "tables that were not permitted or failed; 130 interrupted"
)


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; it stores the name of the command that was chosen in ``command``."""
    parser = argparse.ArgumentParser(
        prog="hubmis-frames",
        description="HUBmis, a school's management information system, as tidy tables.",
        epilog=_STATUSES,
    )
    parser.add_argument("--version", action="version", version=__about__.__version__)
    parser.add_argument("-v", "--verbose", action="store_true", help="log requests, waits and retries to stderr")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_setup(commands)
    _add_tables_and_exports(commands)
    _add_reports(commands)
    _add_spec(commands)
    return parser


def _add_setup(commands: Subparsers) -> None:
    command = _command(commands, "login", "ask for the credentials, try them, and store them in the system's keyring")
    command.add_argument("--realm", help="asked for if you leave it out")
    command.add_argument("--base-url", help="the address of a test host, if you have one")
    command.add_argument("--forget", action="store_true", help="remove the stored credentials")

    command = _command(commands, "doctor", "find out why something does not work, and say what to do")
    _add_connection(command, with_offline=False)

    command = _command(commands, "cache", "show what the cache of a school holds, or remove it from the disk")
    command.add_argument("what", nargs="?", choices=["info", "purge"], default="info")
    command.add_argument("--student", metavar="ID", help="with purge: only responses that may contain this student")
    _add_json(command)
    _add_connection(command)


def _add_tables_and_exports(commands: Subparsers) -> None:
    command = _command(commands, "demo", "export the simulated school; needs no credentials")
    command.add_argument("directory", nargs="?", default="data/demo-school", type=Path, help="default: %(default)s")
    command.add_argument("--students", type=int, default=240, help="how many students it has (default: %(default)s)")
    command.add_argument(
        "--profile", default="england", metavar="NAME",
        help="what kind of school it is: england (the default), daily, boarding, gulf, dubai, january or scotland",
    )  # fmt: skip

    command = _command(commands, "endpoints", "list the operations, or describe one")
    command.add_argument("name", nargs="*", help="a table, a loader, or words: parent, telephone, SEN")
    _add_json(command)

    command = _command(commands, "table", "write tables of an export to one file for Excel, or a table to CSV")
    command.add_argument("directory", type=Path, help="the folder of an export")
    command.add_argument("table", nargs="+", help="a table, such as students; several become the sheets of a workbook")
    command.add_argument("--to", type=Path, required=True, metavar="FILE", help="ends in .xlsx or .csv")
    command.add_argument("--columns", default="", help="names separated by commas, in this order (default: all)")
    command.add_argument(
        "--where", action="append", default=[], metavar="COLUMN=VALUE",
        help='only these rows: year_group_name="Year 9". Several values of one column are alternatives; several '
        "columns must all agree. COLUMN= asks for rows without a value",
    )  # fmt: skip
    command.add_argument("--realm", help="one school, if the folder holds several (default: all)")

    command = _command(commands, "plan", "show what an export would cost; sends nothing without --count")
    _add_tables(command)
    command.add_argument("--refresh", action="store_true", help="show what 'export --refresh' would cost")
    command.add_argument(
        "--count", action="store_true",
        help="load the lists whose rows say how many requests the other tables take, so that all are counted",
    )  # fmt: skip
    _add_json(command)
    _add_connection(command, several=True)

    command = _command(commands, "export", "write tables to Parquet files")
    command.add_argument("directory", type=Path, help="where to write; created if it does not exist")
    _add_tables(command)
    command.add_argument("--free-text", action="store_true", help="include notes and descriptions about children")
    command.add_argument(
        "--pseudonymise", action="store_true", help="write pseudonyms instead of ids, and leave out names"
    )
    command.add_argument(
        "--compression", choices=["zstd", "snappy"], default="zstd",
        help="of the Parquet files; snappy makes them larger and is for readers that know no other",
    )  # fmt: skip
    command.add_argument(
        "--refresh", action="store_true",
        help="bring an export up to date: ask for everything again, but for marks only of the last days",
    )  # fmt: skip
    command.add_argument(
        "--window", type=int, metavar="DAYS",
        help="with --refresh: look for corrections from this many days before each student's newest mark "
        "(default: 21)",
    )  # fmt: skip
    _add_json(command)
    _add_connection(command, several=True)


def _add_reports(commands: Subparsers) -> None:
    command = _command(commands, "report", "write one HTML page: whom to act on and why, then figures and checks")
    command.add_argument("directory", type=Path, help="the folder of an export")
    command.add_argument("--file", type=Path, help="where to write (default: report-<date>.html in that folder)")
    command.add_argument("--realm", help="which school, if the folder holds several")
    command.add_argument(
        "--praise", action="append", default=[], metavar="CATEGORY",
        help="a category of pastoral events that is praise and not a concern; can be used several times",
    )  # fmt: skip
    command.add_argument("--year-group", metavar="NAME", help="limit lists, figures and charts to this year group")
    command.add_argument("--form", metavar="NAME", help="limit them to this form")
    command.add_argument("--house", metavar="NAME", help="limit them to this academic or boarding house")
    command.add_argument(
        "--split", choices=["year group", "form", "house"], metavar="GROUP",
        help='write a page for each group: form, house or "year group"',
    )  # fmt: skip
    command.add_argument("--excel", action="store_true", help="write a workbook beside each page")

    command = _command(commands, "lab", "copy the notebooks to a folder of yours and open JupyterLab there")
    command.usage = "%(prog)s [-h] [--no-browser] [directory] [-- OPTION ...]"
    command.epilog = "What follows -- goes to JupyterLab: hubmis-frames lab -- --port=9000"
    command.set_defaults(options=[])
    command.add_argument("directory", nargs="?", default="hubmis-notebooks", type=Path, help="default: %(default)s")
    command.add_argument("--no-browser", action="store_true", help="only show the address")


def _add_spec(commands: Subparsers) -> None:
    spec = commands.add_parser("spec", help="work with the vendor's OpenAPI file, or find out what works without it")
    specs = spec.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command = _command(specs, "check", "compare the vendor's OpenAPI file with our declarations", "spec check")
    command.add_argument("file", type=Path)
    command.add_argument(
        "-v", "--verbose", action="store_true", dest="details", help="list every difference and every flaw"
    )
    _add_json(command)
    command = _command(specs, "export", "write our declarations as OpenAPI", "spec export")
    command.add_argument("file", type=Path, help="the file to write ('-' for the screen)")
    command = _command(
        specs, "probe", "ask each operation once, and report which paths work and which fields come back", "spec probe"
    )
    command.add_argument("file", type=Path, nargs="?", default="hubmis-probe.json", help="default: %(default)s")
    command.add_argument(
        "--budget", type=int, default=150, metavar="N",
        help="the most requests to send (default: %(default)s, which is each operation once and a few to spare)",
    )  # fmt: skip
    _add_json(command)
    _add_connection(command, with_offline=False)
    command = _command(
        specs, "draft", "write an OpenAPI file to correct by hand, from what 'spec probe' recorded", "spec draft"
    )
    command.add_argument(
        "file", type=Path, nargs="?", default="hubmis-draft.json",
        help="the file to write ('-' for the screen; default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--probe", type=Path, default="hubmis-probe.json", metavar="FILE",
        help="the file that 'spec probe' wrote (default: %(default)s)",
    )  # fmt: skip


def _command(commands: Subparsers, name: str, purpose: str, full_name: str = "") -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".")
    command.set_defaults(command=full_name or name)
    return command


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="write JSON to the screen instead of a table")


def _add_tables(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tables",
        default="core",
        help="'core' (the default: the tables that attendance and wellbeing need), 'all', 'leavers' (the marks of "
        "students who have left), or names separated by commas",
    )


def _add_connection(command: argparse.ArgumentParser, with_offline: bool = True, several: bool = False) -> None:
    group = command.add_argument_group(
        "connection", "without these, HUBMIS_REALM, HUBMIS_BASE_URL, HUBMIS_OPENAPI and HUBMIS_CACHE_DIR are used. The "
        "client comes from HUBMIS_CLIENT_ID and HUBMIS_CLIENT_SECRET or from the keyring (see 'login'), never from "
        "arguments, because other users can see those"
    )  # fmt: skip
    if several:
        group.add_argument("--realm", action="append", help="use it several times for a group of schools")
    else:
        group.add_argument("--realm")
    group.add_argument("--base-url")
    group.add_argument("--openapi", help="the vendor's OpenAPI file")
    group.add_argument("--cache-dir")
    if with_offline:
        group.add_argument("--offline", action="store_true", help="use only what is in the cache")
