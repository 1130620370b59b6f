"""A report as one HTML page: the notebooks on attendance and wellbeing, run over an export, without their code."""

import asyncio
import contextlib
import html
import importlib.util
import os
import re
import tempfile
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, wait
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

from ..analysis.columns import natural_key
from ..errors import BadArgumentError, ExportError, did_you_mean, warn
from ..export.places import remember
from ..files import private_folder, safe_name, shared_by, whole_file, why
from ..school_data import SchoolData, open_export
from ..school_data.tables import ExportTables
from ..transport import SLICE
from ..wellbeing import concerns, events

SECTIONS = ("02-attendance", "03-wellbeing")
# Tags of notebook cells. notebooks/README.md explains them.
_LEFT_OUT = ("simulated", "aside")
_SETTINGS = "parameters"
_SUMMARY = "summary"
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ margin-top: 3rem; border-bottom: 2px solid #1a1a1a; }}
h1:first-of-type {{ margin-top: 0; }}
h2 {{ margin-top: 2.5rem; }}
nav ul {{ list-style: none; padding: 0; columns: 2; }}
nav .level2 {{ padding-left: 1rem; }}
nav .level1 {{ font-weight: bold; }}
img {{ max-width: 100%; height: auto; }}
.output_html, .jp-OutputArea-output {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; margin: 0.5rem 0 1rem; }}
th, td {{ padding: 0.25rem 0.6rem; border-bottom: 1px solid #ccc; vertical-align: top; }}
th {{ background: #f2f2f2; }}
pre {{ white-space: pre-wrap; margin: 0.5rem 0; font: inherit; }}
[class*="stderr"] pre {{ border-left: 4px solid #D55E00; padding-left: 0.75rem; }}
@media print {{ body {{ font-size: 11px; max-width: none; }} img, table {{ break-inside: avoid; }} }}
</style>
</head>
<body>
{head}
{contents}
{body}
</body>
</html>
"""


def notebooks() -> Path:
    """Return the folder of the notebooks: inside an installed package, or beside the package in a clone."""
    package = Path(__file__).parent.parent
    installed = package / "notebooks"
    return installed if installed.is_dir() else package.parent / "notebooks"


def report(
    directory: str | PathLike[str],
    file: str | PathLike[str] | None = None,
    *,
    realm: str | None = None,
    praise: Iterable[str] = (),
    year_group: str | None = None,
) -> tuple[Path, list[str]]:
    """Write an export's attendance and wellbeing as one HTML file, which needs no other files and no network.

    The report names children. Store it only where people who may see the register can open it.

    Parameters
    ----------
    directory
        The folder of an export that has at least the tables of ``core``.
    file
        Where to write. The default is ``report-<date>.html`` in that folder, with the year group after the date. A
        report of the same day is replaced.
    realm
        Which school, if the folder holds several.
    praise
        The categories of pastoral events that record something good; without any, those in ``school.toml``. All other
        categories count as concerns, and the report names them.
    year_group
        Limit lists of names to the students of this year group, such as ``"Year 9"``. Charts and other tables still
        show the whole school.

    Returns
    -------
    tuple
        The file, and a sentence for each part that could not be made. The file has the same sentence in that place.

    Raises
    ------
    ExportError
        The folder holds no export, or several schools and ``realm`` is none of them. Or no part of the report could
        be made, or the file could not be written.
    BadArgumentError
        The export has no such year group or category.
    SettingsError
        ``school.toml`` cannot be used.
    """
    folder = Path(directory).absolute()
    tables = ExportTables.of_folder(folder, realm)
    if len(tables.realms) > 1:
        raise ExportError(f"{folder} holds {', '.join(tables.realms)}. Choose one with --realm (or realm=).")
    manifest = tables.manifest()
    praise = [praise] if isinstance(praise, str) else list(praise)
    _check(open_export(folder, realm=manifest["realm"]), praise, year_group)
    if importlib.util.find_spec("nbconvert") is None or importlib.util.find_spec("nbclient") is None:
        raise ExportError(
            "A report needs more packages. Install them in your clone of hubmis_frames: "
            'python -m pip install -e ".[notebooks]"'
        )
    plain = re.fullmatch(r"[\w ]{1,40}", year_group or "")
    suffix = f"-{year_group.replace(' ', '-') if plain else safe_name(year_group)}" if year_group else ""
    target = Path(file).absolute() if file else folder / f"report-{datetime.now():%Y-%m-%d}{suffix}.html"
    if service := shared_by(target):
        warn(
            f"{target} seems to be in {service}, so the report leaves this machine. It names children. Choose a folder "
            "that is not synced, unless you may store such data there."
        )
    values = (str(folder), manifest["realm"], year_group, None, praise or None)
    settings = f"EXPORT, REALM, YEAR_GROUP, ROWS, PRAISE = {values!r}"
    parts = _run(SECTIONS, settings)
    problems = [problem for _, problem in parts if problem]
    if len(problems) == len(SECTIONS):
        raise ExportError(f"No part of the report could be made. {' '.join(problems)}")
    body, contents = _with_contents("\n".join(part for part, _ in parts))
    title = f"Attendance and wellbeing: {manifest['realm']}"
    head = _head(title, manifest, year_group)
    page = _PAGE.format(policy=_POLICY, title=html.escape(title), head=head, contents=contents, body=body)
    try:
        private_folder(target.parent)
        with whole_file(target) as scratch:
            scratch.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ExportError(f"Cannot write {target}: {why(error)}. Choose another file.") from error
    remember(folder, target)
    return target, problems


def _check(data: SchoolData, praise: list[str], year_group: str | None) -> None:
    """Check the names of year group and categories before the notebooks run."""
    with contextlib.suppress(ExportError):  # if a table is missing, the report says so in that part
        if year_group is not None:
            groups = sorted(set(data.students()["year_group_name"].dropna()), key=natural_key)
            if year_group not in groups:
                raise BadArgumentError(
                    f"No student is in the year group {year_group!r}.{did_you_mean(year_group, groups)} The year "
                    f"groups are {', '.join(groups)}."
                )
        if praise:
            concerns(events(data["pastoral_events"]), praise, categories=data["pastoral_categories"])


def _with_contents(body: str) -> tuple[str, str]:
    """Give each heading an id of its own, as two notebooks may use the same, and return the page and its contents."""
    entries: list[str] = []

    def with_id(heading: re.Match[str]) -> str:
        level, text = heading[1], heading[2]
        entries.append(f'<li class="level{level}"><a href="#part-{len(entries)}">{text}</a></li>')
        return f'<h{level} id="part-{len(entries) - 1}">{text}</h{level}>'

    body = re.sub(r"<h([12])[^>]*>(.*?)(?:<a class=\"anchor-link\".*?</a>)?</h\1>", with_id, body)
    return body, f"<nav><ul>{''.join(entries)}</ul></nav>"


def _head(title: str, manifest: Mapping[str, Any], year_group: str | None) -> str:
    """Return the beginning of the page as HTML. It is not Markdown, so that text from outside is never markup."""
    fetched = manifest["operations"].get("student_attendance", {}).get("fetched_to")
    when = f"on {datetime.fromisoformat(fetched).astimezone():%d %B %Y at %H:%M}" if fetched else "at an unknown time"
    names = "lists children by pseudonym" if manifest.get("pseudonymised") else "names children"
    lines = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p>Made on {datetime.now():%d %B %Y at %H:%M}. The newest marks were fetched {when}.</p>",
        f"<p><strong>This report {names}.</strong> Store it only where people who may see the register can open it, "
        "and delete it when you no longer need it.</p>",
    ]
    if year_group:
        lines.append(
            f"<p><strong>Lists of names show only {html.escape(year_group)}.</strong> Charts and other tables show the "
            "whole school.</p>"
        )
    partly = [
        f"{table}: {entry['status']}. {' '.join(entry['remarks'])}"
        for table, entry in manifest["operations"].items()
        if entry["status"] != "complete"
    ]
    if partly or not manifest["finished_at"]:
        lines.append(
            "<p><strong>The export is not complete</strong>, so figures that use these tables are not complete "
            "either:</p>"
        )
        items = (f"<li>{html.escape(text)}</li>" for text in partly or ["The export was interrupted."])
        lines.append(f"<ul>{''.join(items)}</ul>")
    return "\n".join(lines)


_STARTS = 300
"""How many seconds a kernel may take to start: the first time, virus scanners look at every file that it loads."""


def _run(sections: Iterable[str], settings: str) -> list[tuple[str, str]]:
    """Run notebooks over an export, all at once; return what :func:`_run_one` does of each.

    They run in another thread, as the event loop of a Jupyter notebook may be running in this one, which waits in
    slices: on Windows Ctrl-C is not noticed before a wait ends. After Ctrl-C the kernels are ended too.
    """
    interrupted = threading.Event()

    async def run_all() -> list[tuple[str, str]]:
        tasks = [asyncio.create_task(_run_one(section, settings)) for section in sections]
        running = set(tasks)
        while running and not interrupted.is_set():
            _, running = await asyncio.wait(running, timeout=SLICE)
        for task in running:
            task.cancel()
        return await asyncio.gather(*tasks)

    def run() -> None:
        try:
            # The default loop of Windows cannot wait for the sockets of kernels.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                done.set_result(runner.run(run_all()))
        except BaseException as error:
            done.set_exception(error)

    done: Future[list[tuple[str, str]]] = Future()
    threading.Thread(target=run, name="hubmis-report").start()
    try:
        while not done.done():
            wait([done], SLICE)
    finally:
        interrupted.set()
    return done.result()


async def _run_one(section: str, settings: str) -> tuple[str, str]:
    """Run a notebook over an export; return its HTML and "", or HTML that says why it failed, and the reason."""
    import nbclient
    import nbformat

    notebook = nbformat.read(notebooks() / f"{section}.ipynb", as_version=4)
    notebook.cells = [cell for cell in notebook.cells if not _tagged(cell, *_LEFT_OUT)]
    for cell in notebook.cells:
        if _tagged(cell, _SETTINGS):
            cell.source = settings
    try:
        with tempfile.TemporaryDirectory() as elsewhere:  # files that a notebook writes are removed
            quiet = ["--log-level=40"]
            client = nbclient.NotebookClient(
                notebook,
                timeout=1800,
                startup_timeout=_STARTS,
                resources={"metadata": {"path": elsewhere}},
                extra_arguments=quiet,
                coalesce_streams=True,  # or one sentence may become two paragraphs
            )
            # The notebooks read an export and need no login.
            await client.async_execute(env=_environment_without_login())
    except nbclient.exceptions.CellExecutionError as error:
        return _missing(section, error.ename, error.evalue)
    except (nbclient.exceptions.DeadKernelError, nbclient.exceptions.CellTimeoutError) as error:
        return _missing(section, type(error).__name__)
    except RuntimeError as error:
        if "Kernel" not in str(error):
            raise
        text = f"its Jupyter kernel did not start within {_STARTS // 60} minutes. Close other programs, then try again."
        return _missing(section, ExportError.__name__, text)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    if shown := [output for output in outputs if output.output_type == "error"]:  # for example, a table that failed
        return _missing(section, shown[0].ename, shown[0].evalue)
    title, *cells = notebook.cells
    notebook.cells = [title, *sorted(cells, key=lambda cell: not _tagged(cell, _SUMMARY))]
    return await asyncio.to_thread(_to_html, section, notebook), ""


def _environment_without_login() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("HUBMIS_")}


def _missing(section: str, error: str, message: str = "") -> tuple[str, str]:
    """Return a part that says why it is missing, and the reason as text."""
    # Only our own messages are known to contain no child's data.
    own = error in ("ExportError", "BadArgumentError", "MissingFieldError", "SettingsError")
    reason = message if own else f"{error}. To see where, run the notebook {section} over the export."
    problem = f"{section} could not be made: {reason}"
    text = f"<p><strong>This part is missing.</strong> {html.escape(problem)}</p>"
    return f"<h1>{html.escape(section[3:].capitalize())}</h1>\n{text}", problem


def _to_html(section: str, notebook: Any) -> str:
    import nbconvert

    heading = ""
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{section}-{number}"  # two notebooks may use the same ids
        heading = next((line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")), heading)
        cell.metadata["alt"] = f"Chart below the heading: {heading}"
    exporter = nbconvert.HTMLExporter(template_name="basic", exclude_input=True, exclude_output_prompt=True)
    body: str = exporter.from_notebook_node(notebook)[0]
    return body


def _tagged(cell: Any, *tags: str) -> bool:
    return not set(tags).isdisjoint(cell.metadata.get("tags", []))
