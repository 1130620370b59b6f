"""Ctrl-C while a report is made: heard at once, also on Windows, and no kernel goes on."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import nbclient
import nbformat
import psutil
import pytest

from hubmis_frames.reports import page
from tests.helpers.interrupts import interrupted


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, str]]]:
    """Run notebooks of one code cell each."""
    monkeypatch.setattr(page, "notebooks", lambda: tmp_path)

    def run_codes(*codes: str) -> list[tuple[str, str]]:
        for number, code in enumerate(codes):
            cells = [nbformat.v4.new_markdown_cell("# Part"), nbformat.v4.new_code_cell(code)]
            nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / f"{number}-part.ipynb")
        return page._run([f"{number}-part" for number in range(len(codes))], "")

    return run_codes


def test_ctrl_c_ends_a_report_and_its_kernels(run: Callable[..., object], tmp_path: Path):
    files = [tmp_path / "one", tmp_path / "other"]
    codes = [
        f"import os, time\nwith open({str(file)!r}, 'w') as file: file.write(str(os.getpid()))\n"
        "while True: time.sleep(0.1)"
        for file in files
    ]
    with (
        interrupted(lambda: all(file.exists() and file.read_text() for file in files)),
        pytest.raises(KeyboardInterrupt),
    ):
        run(*codes)
    ended = time.monotonic() + 30
    kernels = [int(file.read_text()) for file in files]
    while any(map(psutil.pid_exists, kernels)) and time.monotonic() < ended:
        time.sleep(0.1)
    assert not any(map(psutil.pid_exists, kernels))


@pytest.mark.parametrize("said", ["Kernel didn't respond in 60 seconds", "Kernel died before replying to kernel_info"])
def test_a_kernel_that_does_not_start_is_a_part_that_is_missing(
    run: Callable[..., list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch, said: str
):
    """As on a slow machine, where programs start under the eyes of a virus scanner."""

    async def never(client: object, **_: object) -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(nbclient.NotebookClient, "async_execute", never)
    ((part, problem),) = run("1")
    assert "This part is missing." in part
    assert problem.startswith("0-part could not be made: its Jupyter kernel did not start")


def test_the_loop_of_a_report_can_wait_for_sockets_of_kernels(
    run: Callable[..., list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
):
    """The default loop of Windows cannot: there every report began with a note about it."""
    loops = []
    one = page._run_one

    async def noted(section: str, settings: str) -> tuple[str, str]:
        loops.append(asyncio.get_running_loop())
        return await one(section, settings)

    monkeypatch.setattr(page, "_run_one", noted)
    [(html, problem), (_, other)] = run("print(6 * 7)", "1 / 0")
    assert "42" in html
    assert problem == ""
    assert "ZeroDivisionError" in other
    assert all(isinstance(loop, asyncio.SelectorEventLoop) for loop in loops)
    assert len(loops) == 2


def test_a_report_can_be_made_in_a_notebook(run: Callable[..., list[tuple[str, str]]]):
    async def cell() -> list[tuple[str, str]]:
        return run("print(42)")

    assert "42" in asyncio.run(cell())[0][0]
