"""What holds on Windows alone, or breaks there alone, as far as it can be seen on any system."""

import ast
import contextlib
import errno
import inspect
import ntpath
import os
import re
import shutil
import subprocess
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace
from typing import cast

import pandas as pd
import platformdirs
import platformdirs.macos
import platformdirs.unix
import platformdirs.windows
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import hubmis_frames as hf
from hubmis_frames import files
from hubmis_frames.display.shell import argument, powershell_text
from hubmis_frames.export.folder import DELETED, INCOMPLETE, ExportFolder, is_link, table_folder
from hubmis_frames.export.refresh import HISTORIES
from hubmis_frames.frames import empty
from hubmis_frames.operations import CATALOGUE
from hubmis_frames.privacy import open_key
from hubmis_frames.setup.doctor import _writable
from hubmis_frames.setup.settings import look_up
from hubmis_frames.transport import cache, sqlite_files
from tests.helpers import windows_rules

TOP = Path(__file__).parents[2]
PACKAGE = sorted((TOP / "hubmis_frames").rglob("*.py"))
DEVICES = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
DEVICES += [f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789\u00b9\u00b2\u00b3"]
TESTS = sorted((TOP / "tests").rglob("*.py"))


def calls(file: Path, *names: str) -> list[ast.Call]:
    """The calls of methods with these names."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [call for call in found if call.func.attr in names]  # type: ignore[attr-defined]


# --- waits


def test_nothing_waits_without_an_end():
    """On Windows the main thread does not notice Ctrl-C before a wait for a lock, a thread or a process ends."""
    endless = [
        f"{file.relative_to(TOP)}:{call.lineno} {ast.unparse(call)}"
        for file in PACKAGE
        for call in calls(file, "wait", "join", "acquire", "communicate")
        if not call.args and not call.keywords
    ]
    assert endless == []


def test_no_pool_is_waited_for_in_one_go():
    assert [file.name for file in PACKAGE if calls(file, "map") and "ThreadPool" in file.read_text("utf-8")] == []


# --- files


def test_a_file_that_is_open_is_not_removed_or_renamed_in_any_test_and_rename_replaces_none(tmp_path: Path):
    """The rules of ``tests/helpers/windows_rules.py``, which the code of this package keeps in all tests."""
    file, other = tmp_path / "file", tmp_path / "other"
    file.touch()
    other.touch()
    with file.open("rb"):
        for forbidden in (file.unlink, lambda: file.rename(tmp_path / "new"), lambda: other.replace(file)):
            with pytest.raises(PermissionError):
                forbidden()
        assert windows_rules.is_open(file) or os.name == "nt"
    with pytest.raises(FileExistsError):
        other.rename(file)
    other.replace(file)
    file.unlink()


@pytest.mark.parametrize(
    ("python", "private"),
    [
        ((3, 11, 9), False), ((3, 11, 10), True), ((3, 12, 3), False), ((3, 12, 4), True), ((3, 13, 0), True),
        ((3, 14, 1), True),
    ],
)  # fmt: skip
def test_whether_new_folders_are_private_on_windows_is_known(python: tuple[int, ...], private: bool):
    assert files.keeps_others_out(True, python) == private
    assert files.keeps_others_out(False, python)


@pytest.mark.skipif(os.name != "nt", reason="icacls is Windows'")
def test_new_folders_are_private_on_windows(tmp_path: Path):
    folder = files.private_folder(tmp_path / "new" / "folder")
    file = files.private_file(folder / "file")
    shown = subprocess.run(["icacls", str(folder)], capture_output=True, text=True, check=False).stdout
    if ":" not in shown.replace(str(folder), ""):
        pytest.skip("this icacls, as Wine's, shows nothing")
    assert files.keeps_others_out() == ("(I)" not in shown), "nothing is inherited from the folder above"
    assert "Everyone" not in subprocess.run(["icacls", str(file)], capture_output=True, text=True, check=False).stdout


SYSTEMS = {
    "Windows": platformdirs.windows.Windows,
    "macOS": platformdirs.macos.MacOS,
    "Linux": platformdirs.unix.Unix,
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_key_for_pseudonyms_lies_apart_from_the_cache_on_every_system(system: str, monkeypatch: pytest.MonkeyPatch):
    places = {"CSIDL_APPDATA": r"C:\Users\Ann\AppData\Roaming", "CSIDL_LOCAL_APPDATA": r"C:\Users\Ann\AppData\Local"}
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", lambda kind: places[kind])
    for name in ("CACHE", "CONFIG", "STATE"):
        monkeypatch.delenv(f"XDG_{name}_HOME", raising=False)
    monkeypatch.setattr(platformdirs, "PlatformDirs", SYSTEMS[system])
    key = PureWindowsPath(files.user_folder("config"))
    for other in (PureWindowsPath(files.user_folder(kind)) for kind in ("cache", "state")):
        if system == "Windows":
            assert not key.is_relative_to(other)
            assert not other.is_relative_to(key)
    assert not key.is_relative_to(PureWindowsPath(files.user_folder("cache")))


@pytest.mark.parametrize("folder", ["Q:\\hubmis\\school", "Q:\\", "\\\\server\\share\\school", "Q:school"])
def test_a_folder_on_a_drive_or_share_that_is_not_there_is_an_error(folder: str, monkeypatch: pytest.MonkeyPatch):
    """There, not even the first of its parents exists; elsewhere there is always a root."""
    if os.name != "nt":
        monkeypatch.setattr(Path, "is_dir", lambda path: False)
        monkeypatch.setattr(os, "mkdir", lambda path, *_, **__: (_ for _ in ()).throw(FileNotFoundError(2, "", path)))
    with pytest.raises(OSError, match=r".*"):
        files.private_folder(Path(folder if os.name == "nt" else "/" + folder.replace("\\", "/")))


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
    | st.builds(
        "".join, st.tuples(st.sampled_from(DEVICES), st.sampled_from(["", " ", ".", ".txt", " .txt", "x", "-1"]))
    )
)
@example("Year 9: marks.csv")
@example("report.")
@example("Con.csv")
@example("com\u00b9.csv")
@example("console.csv")
def test_a_name_that_means_something_else_on_windows_is_refused_there(name: str):
    """To a device, to a hidden stream of another file, or to a file with another name."""
    stem = name.partition(".")[0].rstrip(" ").upper()
    means_itself = (
        not set(name) & {*'<>:"/\\|?*', *map(chr, range(32))} and name[-1] not in ". " and stem not in DEVICES
    )
    assert files.fits_every_system(name) == means_itself
    if reserved := getattr(ntpath, "isreserved", None):  # from Python 3.13 on
        assert not (reserved(name) and means_itself)  # it lets COM0 and LPT0 pass
    files._refuse_name(cast(Path, SimpleNamespace(name=name)), windows=False)
    with contextlib.nullcontext() if means_itself else pytest.raises(OSError, match="on Windows the name of a file"):
        files._refuse_name(cast(Path, SimpleNamespace(name=name)), windows=True)


@pytest.mark.parametrize("name", ["Year 9: marks.csv", "con.csv", "a?.csv"])
def test_no_file_is_written_under_a_name_that_means_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.setattr(files._refuse_name, "__kwdefaults__", {"windows": True})
    with pytest.raises(hf.ExportError, match="on Windows the name of a file has none of"):
        hf.to_csv(pd.DataFrame({"a": [1]}), tmp_path / "out" / name)
    with pytest.raises(hf.SettingsError, match="on Windows the name of a file has none of"):
        hf.attendance.CodeMap.england().save(tmp_path / "out" / name)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(("length", "named"), [(200, False), (247, False), (248, True), (260, True), (400, True)])
@pytest.mark.parametrize("number", [errno.ENOENT, errno.EINVAL])
def test_a_path_that_is_too_long_for_windows_is_named(length: int, named: bool, number: int):
    path = "C:\\" + "a" * (length - 3)
    error = OSError(number, os.strerror(number), path)
    assert ("Windows takes 259" in files.why(error, windows=True)) == named
    assert f"{length} characters" in files.why(error, windows=True) or not named
    assert files.why(error, windows=False) == os.strerror(number)
    assert files.why(OSError(errno.ENOSPC, "full", path), windows=True) == "full"


def test_the_limit_is_named_wherever_a_file_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As on Windows: a path beyond the limit is not found."""
    makes = os.mkdir

    def mkdir(path: str | os.PathLike[str], *more: int, **options: int) -> None:
        if len(os.fspath(path)) >= 248:
            raise FileNotFoundError(errno.ENOENT, "The system cannot find the path specified", os.fspath(path))
        makes(path, *more, **options)

    monkeypatch.setattr(os, "mkdir", mkdir)
    windows = inspect.signature(files.why).parameters["windows"]
    monkeypatch.setattr(files.why, "__kwdefaults__", {windows.name: True})
    deep = tmp_path / ("a" * 120) / ("b" * 120)
    with hf.demo(students=7) as school:
        for write in (
            lambda: school.export(deep, ["genders"]),
            lambda: hf.to_parquet(hf.load_genders(school), deep / "genders.parquet"),
            lambda: hf.connect("S1", "id", "secret", cache_dir=deep),
        ):
            with pytest.raises(hf.HubmisError, match="Windows takes 259"):
                write()


def test_a_junction_of_windows_is_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    junction = SimpleNamespace(st_reparse_tag=0xA0000003)
    monkeypatch.setattr(os, "lstat", lambda path: junction)
    assert is_link(tmp_path)


def longest_in_an_export(folder: Path) -> int:
    """The length of the longest path below an export, with a realm of up to ten characters."""
    export = ExportFolder(folder, "REALM00001")
    tables = {table for endpoint in CATALOGUE.values() for table in empty(endpoint)}
    tables |= {f"{table}{DELETED}" for table in HISTORIES}
    made = [export.manifest]
    for table in tables:
        export.make(table)
        made += [export.file(table), export.of_table(table) / INCOMPLETE]
        with files.scratch_file(folder / table_folder(table)) as part, files.scratch_file(part) as copy:
            made += [part, copy]
    with files.scratch_file(export.manifest) as part:
        made.append(part)
    return max(len(str(path.relative_to(folder))) for path in made)


def longest_in_the_cache(folder: Path) -> int:
    """The length of the longest path below the cache, that of a damaged file included."""
    cache.open_store(folder, "https://api.hubmis.com", "R" * 60, "client").close()  # type: ignore[no-untyped-call]
    (file,) = folder.rglob("*.sqlite")
    file = file.rename(file.with_name(file.name.replace("answers", "answers-encrypted")))
    file.with_name(f"{file.name}-journal").touch()
    sqlite_files.set_aside(file)
    return max(len(str(path.relative_to(folder))) for path in folder.rglob("*"))


def test_the_page_about_windows_gives_the_lengths_of_our_longest_paths(tmp_path: Path):
    page = " ".join((TOP / ".github" / "WINDOWS.md").read_text("utf-8").split())
    said = re.search(r"an export needs (\d+) of them below its folder .*? the cache (\d+)", page)
    assert said is not None
    assert [*map(int, said.groups())] == [longest_in_an_export(tmp_path / "e"), longest_in_the_cache(tmp_path / "c")]


# --- shells


def as_powershell(text: str) -> str:
    """What PowerShell makes of one argument: a plain word, or text in single quotes, of which there are five."""
    if re.fullmatch(r"[\w.:\\/-]+", text, re.ASCII):
        return text
    quotes = "'\u2018\u2019\u201a\u201b"
    assert text[0] == "'"
    assert text[-1] == "'"
    inside, taken = text[1:-1], ""
    while inside:
        if inside[0] in quotes:
            assert inside[1:2] in tuple(quotes), "the text would end here"
            taken, inside = taken + inside[0], inside[2:]
        else:
            taken, inside = taken + inside[0], inside[1:]
    return taken


@pytest.mark.parametrize("form", ['"{}"', '"{}" ', "{} ", "{}"])
def test_a_variable_set_in_cmd_has_neither_its_quotes_nor_the_spaces_behind(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """``set HUBMIS_REALM="S1"`` stores the quotes there, and ``set HUBMIS_REALM=S1 && ...`` a space."""
    wanted = {"realm": "S1", "client_secret": 'a "b" c', "cache_dir": str(tmp_path / "our cache")}
    for name, value in wanted.items():
        monkeypatch.setenv(f"HUBMIS_{name.upper()}", form.format(value))
    found = look_up()
    assert {name: found[name].value for name in wanted} == wanted
    if form.strip() == form:
        monkeypatch.setenv("HUBMIS_PSEUDONYM_KEY", form.format(tmp_path / "our.key"))
        open_key()
        assert (tmp_path / "our.key").exists()


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)
    | st.text("$`'\"\u2018\u2019\u201a\u201b a", min_size=1)
)
@example("pa$$word")
@example("C:\\Ann's files")
@example("\u2019")
def test_powershell_takes_a_text_as_it_stands(text: str):
    assert as_powershell(powershell_text(text)) == text
    assert as_powershell(argument(text, windows=True)) == text


def test_no_command_that_we_print_or_document_quotes_for_one_shell_alone():
    """cmd knows no single quotes: ``pip install -e '.[x]'`` fails there."""
    pages = [
        *PACKAGE,
        *TOP.glob("*.md"),
        *TOP.glob("hubmis_frames/**/*.md"),
        *TOP.glob("notebooks/*"),
        *TOP.glob(".github/*.md"),
    ]
    found = [
        page.name for page in pages if page.is_file() and re.search(r"pip install[^\n]* '", page.read_text("utf-8"))
    ]
    assert found == []


# --- these tests


def test_every_test_is_collected_on_windows():
    """Nothing that only POSIX has is looked up when a module of tests is imported."""
    only_posix = {"SIGKILL", "SIGALRM", "SIGXFSZ", "SIGUSR1", "fork", "geteuid", "getuid", "killpg", "setsid", "mkfifo"}
    modules = {"pty", "resource", "fcntl", "pwd", "grp", "termios"}
    found = []
    for file in (file for file in TESTS if file.parent.name != "benchmarks"):
        waiting: list[ast.AST] = list(ast.parse(file.read_text(encoding="utf-8")).body)
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                waiting += getattr(node, "decorator_list", [])  # these run on import
                continue
            named = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            attribute = node.attr if isinstance(node, ast.Attribute) else ""
            if attribute in only_posix or named & modules:
                found.append(f"{file.relative_to(TOP)}:{node.lineno}")  # type: ignore[attr-defined]
            waiting += ast.iter_child_nodes(node)
    assert found == []


def test_what_needs_posix_says_so_and_is_proved_in_another_way_where_it_exists_on_windows():
    functions, marks = set(), {}
    for file in TESTS:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            functions.add(node.name)
            for mark in (call for call in node.decorator_list if isinstance(call, ast.Call)):
                if ast.unparse(mark.func) == "pytest.mark.posix":
                    marks[node.name] = {word.arg: ast.literal_eval(word.value) for word in mark.keywords}
                    assert [type(ast.literal_eval(value)) for value in mark.args] == [str]
                assert "nt" not in {getattr(value, "value", "") for value in ast.walk(mark)} or "!=" in ast.unparse(
                    mark
                )
    other = {options["proved_by"] for options in marks.values() if "proved_by" in options}
    assert other <= functions
    assert not other & marks.keys()
    assert len(marks) > 8


# --- names


def test_no_two_files_of_the_repository_differ_in_case_alone():
    if shutil.which("git") is None:
        pytest.skip("git is not installed here")
    listed = subprocess.run(["git", "-C", str(TOP), "ls-files", "-z"], capture_output=True, check=False).stdout
    names = listed.decode().split("\0")
    assert len({name.casefold() for name in names}) == len(names)
    reserved = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)
    assert not any(reserved.fullmatch(part) for name in names for part in name.split("/"))


def test_text_files_name_their_encoding():
    """On Windows the default is not UTF-8."""
    found = []
    for file in PACKAGE:
        for call in calls(file, "read_text", "write_text", "open"):
            mode = next((str(value.value) for value in call.args if isinstance(value, ast.Constant)), "")
            if ast.unparse(call.func) == "self.open":
                continue
            if call.func.attr == "open" and call.args and not re.fullmatch("[rwaxbt+]+", mode):  # type: ignore[attr-defined]
                continue  # a method of ours
            binary = call.func.attr == "open" and ("b" in mode or ast.unparse(call.func).startswith("os."))  # type: ignore[attr-defined]
            if not binary and "encoding" not in {word.arg for word in call.keywords} and "utf-8" not in mode:
                found.append(f"{file.relative_to(TOP)}:{call.lineno} {ast.unparse(call)[:60]}")
    assert found == []


def test_the_doctor_looks_at_a_drive_that_is_not_there(monkeypatch: pytest.MonkeyPatch):
    """As of a share that cannot be reached: on Windows not even the root exists."""
    monkeypatch.setattr(Path, "exists", lambda path: False)
    check = _writable("cache folder (argument)", Path("nowhere/cache"))
    assert check.state == "wrong"
    assert "cannot be written" in check.result
