"""Commands without a process of their own; a real browser, where there is one, and its pages."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING

import pytest

from nextlabel.cli.main import main
from nextlabel.testing.serving import Serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_HOW = (
    "needs Chromium and Playwright: install a browser that is called "
    f"{', '.join(_NAMES)} (on Debian: apt-get install chromium), and pip install playwright"
)


@pytest.fixture(scope="session")
def at_once() -> Callable[..., CompletedProcess[str]]:
    """``at_once(*words, cwd=None, encoding="utf-8")``: how the command ends and what it says.

    As in a process of its own with no terminal, without loading Python and the libraries again: seconds each.
    """

    def call(*words: object, cwd: Path | None = None, encoding: str = "utf-8") -> CompletedProcess[str]:
        command, code = ["nextlabel", *map(str, words)], 0
        out, err = (TextIOWrapper(BytesIO(), encoding=encoding, write_through=True) for _ in range(2))
        with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(err):
            patched.setenv("COLUMNS", "80")
            patched.setattr(sys, "argv", command)
            try:
                with chdir(cwd or Path.cwd()):
                    main()
            except SystemExit as end:
                code = int(end.code or 0)
        said, complained = (stream.detach().getvalue().decode(encoding) for stream in (out, err))
        return CompletedProcess(command, code, said, complained)

    return call


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium without a window; the test is skipped where there is none.

    It ends with the module: Playwright's loop in this thread would be in the way of other asynchronous tests.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason=_HOW)
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(_HOW)
    arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """An empty page; the test fails where a script throws, a dialog opens or the policy is violated."""
    context = browser.new_context(viewport={"width": 1200, "height": 800}, accept_downloads=True)
    page = context.new_page()
    wrong: list[str] = []

    def dismiss(dialog: "Dialog") -> None:
        wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def listen(said: "ConsoleMessage") -> None:
        if "Content Security Policy" in said.text:
            wrong.append(f"policy: {said.text}")

    page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    page.on("dialog", dismiss)
    page.on("console", listen)
    yield page
    context.close()
    assert not wrong


@pytest.fixture
def enter() -> Callable[..., None]:
    """``enter(page, serving, name)`` opens the address, says one's name, and waits for the first item."""

    def come(page: "Page", serving: Serving, name: str = "Ann") -> None:
        page.goto(serving.address)
        page.fill("#name-field", name)
        page.keyboard.press("Enter")
        page.wait_for_selector("#facts span")

    return come


@pytest.fixture
def saved() -> Callable[["Page"], None]:
    """``saved(page)`` waits until the server has all that was said."""

    def wait(page: "Page") -> None:
        page.wait_for_selector("#saved[data-state=saved]")

    return wait
