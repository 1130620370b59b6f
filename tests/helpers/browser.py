"""JupyterLab, as ``hubmis-frames lab`` starts it, in a browser that nobody sees."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
_CONFIG = {
    "ServerApp": {"allow_root": True},  # as in a container
    "LabApp": {"check_for_updates_class": "jupyterlab.NeverCheckForUpdate", "news_url": None},
}


@contextlib.contextmanager
def lab(folder: Path, home: Path) -> Iterator[str]:
    """The address of a JupyterLab on a folder, with settings of its own; it is ended in any case."""
    command = [sys.executable, "-m", "hubmis_frames", "lab", str(folder), "--no-browser"]
    settings = {name: str(home / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    config = Path(settings["JUPYTER_CONFIG_DIR"]) / "jupyter_server_config.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps(_CONFIG), encoding="utf-8")
    news = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text('{"fetchNews": "false"}', encoding="utf-8")
    settings |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "HOME": str(home)}
    said = home / "said.txt"
    with said.open("w") as file, subprocess.Popen(
        command, env={**os.environ, **settings}, stderr=file, stdout=file, start_new_session=True
    ) as server:  # fmt: skip
        try:
            yield _address(said, server)
        finally:
            for how in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(server.pid, how)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    server.wait(15)


def _address(said: Path, server: "subprocess.Popen[bytes]") -> str:
    """The address that JupyterLab says once it is there."""
    late = time.monotonic() + 90
    while time.monotonic() < late and server.poll() is None:
        if found := re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\w+", said.read_text(encoding="utf-8")):
            return found[0]
        time.sleep(0.2)
    raise RuntimeError("JupyterLab did not start: " + said.read_text(encoding="utf-8"))


@contextlib.contextmanager
def page(width: int = 1280, height: int = 960, scale: float = 1.0) -> Iterator[Page]:
    """An empty page of the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=[*_QUIET], timeout=60_000)
        try:
            opened = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=scale)
            opened.set_default_timeout(60_000)
            yield opened
        finally:
            browser.close()


def run_notebook(shown: Page, address: str, name: str) -> None:
    """Open a notebook, run all its cells from nothing, and save it."""
    open_notebook(shown, address, name)
    choose(shown, "Edit", "Clear Outputs of All Cells")
    choose(shown, "Run", "Run All Cells")
    _kernel(shown, "Busy").wait_for()
    waiting = shown.locator(".jp-InputPrompt").get_by_text("[*]:", exact=True)
    while waiting.count():  # the kernel is idle for a moment between two cells
        waiting.last.wait_for(state="detached", timeout=180_000)
    _kernel(shown, "Idle").wait_for(timeout=180_000)
    choose(shown, "File", "Save Notebook")
    shown.locator(".jp-mod-current.jp-mod-dirty").wait_for(state="detached")


def open_notebook(shown: Page, address: str, name: str) -> None:
    """Open a notebook and wait for its kernel."""
    base, token = address.split("/lab?")
    shown.goto(f"{base}/lab/tree/{name}?{token}")
    _kernel(shown, "Idle").wait_for()


def _kernel(shown: Page, state: str) -> Locator:
    """What the status bar says of the kernel; the notebook's own sign is idle before there is one."""
    return shown.locator(".jp-StatusBar-TextItem").get_by_text(re.compile(rf"^(?!No Kernel).+ \| {state}$"))


def choose(shown: Page, menu: str, item: str) -> None:
    """Choose an item of a menu."""
    shown.locator(".lm-MenuBar-itemLabel").get_by_text(menu, exact=True).click()
    shown.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()
