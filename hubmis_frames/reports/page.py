"""An export as one page to read: the notebooks on attendance and wellbeing, run over it, their code hidden."""

import asyncio
import contextlib
import html
import re
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

from ..analysis.columns import natural_key
from ..errors import BadArgumentError, ExportError, did_you_mean, warn
from ..export import read
from ..export.manifest import manifests
from ..files import private_folder, safe_name, shared_by, whole_file
from ..wellbeing import concerns, events

SECTIONS = ("02-attendance", "03-wellbeing")
_ASIDE = ("simulated", "aside")  # the tags of cells that speak of the simulated school, or of other pages, alone
_SETTINGS = "export"  # the tag of the one cell that says where the export lies
_SUMMARY = "summary"  # the tag of cells at the end that stand at the beginning of a report
_CONTENTS = "[contents]"  # where they are to stand
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
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
{body}
</body>
</html>
"""


def notebooks() -> Path:
    """The folder of the notebooks: in the package where it is installed, beside it in a clone of the repository."""
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
    """Write an export's attendance and wellbeing as one HTML file that needs nothing else, not even a network.

    Parameters
    ----------
    directory
        The folder that ``hubmis-frames export`` wrote, with at least the tables of ``core``.
    file
        Where to write; ``report-<date>.html`` in that folder unless given, with the year group behind the date. One
        of the same day is written anew.
    realm
        Which school, where the folder holds several.
    praise
        The categories of pastoral events that record something good; all others are counted as concerns, and the
        report says which.
    year_group
        Lists of names hold the students of this year group alone, such as ``"Year 9"``; charts and other tables stay
        those of the whole school.

    Returns
    -------
    tuple
        The file, and a sentence for each part that could not be made; the file says so in its place.

    Raises
    ------
    ExportError
        The folder holds no export, or several schools and ``realm`` names none of them; or nothing could be made or
        written.
    BadArgumentError
        There is no such year group, or no such category.
    """
    folder = Path(directory).absolute()
    manifest = _manifest(folder, realm)
    praise = [praise] if isinstance(praise, str) else list(praise)
    _check(folder, manifest["realm"], praise, year_group)
    try:
        import nbconvert
        import nbformat
    except ImportError:
        raise ExportError('A report takes more packages: pip install "hubmis-frames[notebooks]".') from None
    plain = re.fullmatch(r"[\w ]+", year_group or "")
    named = f"-{year_group.replace(' ', '-') if plain else safe_name(year_group)}" if year_group else ""
    target = Path(file).absolute() if file else folder / f"report-{datetime.now():%Y-%m-%d}{named}.html"
    if service := shared_by(target):
        warn(f"{target} seems to lie in {service}, and a report holds the names of children.")
    whole = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(_head(manifest, year_group))])
    given = (str(folder), manifest["realm"], year_group, None, praise)
    settings = f"EXPORT, REALM, YEAR_GROUP, ROWS, PRAISE = {given!r}"
    with ThreadPoolExecutor(len(SECTIONS)) as pool:
        parts = list(pool.map(lambda section: _run(section, settings), SECTIONS))
    missing = [problem for _, problem in parts if problem]
    if len(missing) == len(SECTIONS):
        raise ExportError(f"Nothing of the report could be made. {' '.join(missing)}")
    whole.cells += [cell for cells, _ in parts for cell in cells]
    heading = ""
    for number, cell in enumerate(whole.cells):
        cell.id = f"cell-{number}"  # two notebooks may use the same ones
        heading = next((line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")), heading)
        cell.metadata["alt"] = f"Chart below the heading: {heading}"
    exporter = nbconvert.HTMLExporter(template_name="basic", exclude_input=True, exclude_output_prompt=True)
    body, _ = exporter.from_notebook_node(whole)
    body, contents = _with_contents(body)
    title = html.escape(f"Attendance and wellbeing: {manifest['realm']}")
    page = _PAGE.format(title=title, body=body.replace(f"<p>{_CONTENTS}</p>", contents))
    try:
        private_folder(target.parent)
        with whole_file(target) as part:
            part.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ExportError(f"Cannot write {target}: {error.strerror or error}. Choose another file.") from error
    return target, missing


def _manifest(folder: Path, realm: str | None) -> dict[str, Any]:
    had = [each for each in manifests(folder) if any(entry["tables"] for entry in each["operations"].values())]
    found = {content["realm"]: content for content in had}
    if not found:
        if list(folder.parent.glob("manifest-*.json")):
            raise ExportError(f"{folder} is a table of an export. Give the folder above it: {folder.parent}")
        below = sorted({str(file.parent) for file in folder.glob("*/manifest-*.json")})
        instead = f"There is one in {' and in '.join(below)}." if below else f"Make one: hubmis-frames export {folder}"
        raise ExportError(f"{folder} holds no export. {instead}")
    if realm is None and len(found) == 1:
        return next(iter(found.values()))
    if realm not in found:
        raise ExportError(f"{folder} holds {', '.join(sorted(found))}: say which with --realm (or realm=).")
    return found[realm]


def _check(folder: Path, realm: str, praise: list[str], year_group: str | None) -> None:
    """Refuse names that the export does not know, before the notebooks run."""
    with contextlib.suppress(ExportError):  # a part that cannot be made says so in its place
        if year_group is not None:
            groups = sorted(set(read(folder, "students", realm=realm)["year_group_name"].dropna()), key=natural_key)
            if year_group not in groups:
                raise BadArgumentError(
                    f"No student is in the year group {year_group!r}.{did_you_mean(year_group, groups)} There are: "
                    f"{', '.join(groups)}."
                )
        if praise:
            categories = read(folder, "pastoral_categories", realm=realm)
            concerns(events(read(folder, "pastoral_events", realm=realm)), praise, categories=categories)


def _with_contents(body: str) -> tuple[str, str]:
    """A page whose headings have names of their own, two notebooks using the same ones, and a list of them."""
    entries: list[str] = []

    def name(found: re.Match[str]) -> str:
        level, text = found[1], found[2]
        entries.append(f'<li class="level{level}"><a href="#part-{len(entries)}">{text}</a></li>')
        return f'<h{level} id="part-{len(entries) - 1}">{text}</h{level}>'

    body = re.sub(r"<h([12])[^>]*>(.*?)(?:<a class=\"anchor-link\".*?</a>)?</h\1>", name, body)
    return body, f"<nav><ul>{''.join(entries[1:])}</ul></nav>"


def _head(manifest: dict[str, Any], year_group: str | None) -> str:
    fetched = manifest["operations"].get("student_attendance", {}).get("fetched_to")
    known = f"{datetime.fromisoformat(fetched).astimezone():%d %B %Y at %H:%M}" if fetched else "an unknown time"
    whom = "lists children by pseudonym" if manifest.get("pseudonymised") else "names children"
    lines = [
        f"# Attendance and wellbeing: {manifest['realm']}",
        f"Made on {datetime.now():%d %B %Y at %H:%M}. Marks were fetched up to {known}.",
        f"**This page {whom}.** Keep it where only those may read it who may read the register, and remove it "
        "when it has been read.",
    ]
    if year_group:
        lines.append(f"**Lists of names hold {year_group} alone**; charts and other tables are of the whole school.")
    partly = [
        f"- `{table}`: {entry['status']}. {' '.join(entry['remarks'])}"
        for table, entry in manifest["operations"].items()
        if entry["status"] != "complete"
    ]
    if partly or not manifest["finished_at"]:
        lines.append("**The export is not complete**, so figures that build on these are not:")
        lines.append("\n".join(partly) or "- it was interrupted.")
    lines.append(_CONTENTS)
    return "\n\n".join(lines)


def _run(section: str, settings: str) -> tuple[list[Any], str]:
    """The cells of a notebook run over an export, or a cell that says why there are none, and the reason."""
    import nbclient
    import nbformat

    notebook = nbformat.read(notebooks() / f"{section}.ipynb", as_version=4)
    notebook.cells = [cell for cell in notebook.cells if not _tagged(cell, *_ASIDE)]
    for cell in notebook.cells:
        if _tagged(cell, _SETTINGS):
            cell.source = settings
    try:
        with tempfile.TemporaryDirectory() as elsewhere:  # a notebook shall leave nothing behind
            quiet = ["--log-level=40"]
            client = nbclient.NotebookClient(
                notebook, timeout=1800, resources={"metadata": {"path": elsewhere}}, extra_arguments=quiet
            )
            asyncio.run(client.async_execute())  # a loop of its own, in a notebook too
    except nbclient.exceptions.CellExecutionError as error:
        # Only our own messages are known to hold nothing of a child.
        own = error.ename in ("ExportError", "BadArgumentError", "MissingFieldError")
        reason = error.evalue if own else f"{error.ename}; run the notebook {section} over the export to see where."
        problem = f"{section} could not be made: {reason}"
        return [
            nbformat.v4.new_markdown_cell(f"# {section[3:].capitalize()}\n\n**This part is missing.** {problem}")
        ], problem
    title, *cells = notebook.cells
    return [title, *sorted(cells, key=lambda cell: not _tagged(cell, _SUMMARY))], ""


def _tagged(cell: Any, *tags: str) -> bool:
    return not set(tags).isdisjoint(cell.metadata.get("tags", []))
