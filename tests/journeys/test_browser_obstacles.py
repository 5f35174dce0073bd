"""What the page says and keeps when the disk is full, when two windows are open, when the server is away."""

import resource
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nextlabel.stores.sqlite import SQLiteStore
from nextlabel.testing.serving import Serving

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    file = tmp_path_factory.mktemp("obstacles") / "words.csv"
    file.write_text("body\n" + "".join(f"word number {one}\n" for one in range(300)))
    with Serving(file, "--text", "body", "--labels", "yes,no", "--control", "0") as serving:
        yield serving


@pytest.fixture
def room(serving: Serving) -> Iterator[Callable[[int | None], None]]:
    """Sets how large a file of the server may become, in bytes; without a limit afterwards."""

    def limit(size: int | None) -> None:
        most = resource.RLIM_INFINITY
        resource.prlimit(serving.pid, resource.RLIMIT_FSIZE, (most if size is None else size, most))

    yield limit
    limit(None)


def answers(serving: Serving, name: str) -> dict[str, str]:
    """What somebody said, as the journal has it, and that it has each once."""
    with closing(SQLiteStore(serving.journal, read_only=True)) as store:
        told = [one for one in store.read(0) if one["event"] == "told"]
    pairs = [pair for one in told if one["annotator"] == name for pair in one["labels"].items()]
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def test_a_full_disk_is_said_and_nothing_is_lost(
    page: "Page",
    serving: Serving,
    room: Callable[[int | None], None],
    enter: Callable[..., None],
    saved: Callable[..., None],
) -> None:
    enter(page, serving, "Full")
    _press(page, "y")
    saved(page)
    assert len(answers(serving, "Full")) == 1
    room(1)
    for key in "nyn":
        _press(page, key)
    page.wait_for_selector("#banner:has-text('Nothing can be saved now')")
    page.wait_for_selector("#saved:has-text('3 waiting')")
    assert len(answers(serving, "Full")) == 1
    room(None)
    saved(page)
    page.wait_for_selector("#banner", state="hidden")
    assert sorted(answers(serving, "Full").values()) == ["no", "no", "yes", "yes"]


def test_two_windows_of_one_person_say_everything_once(
    page: "Page", serving: Serving, enter: Callable[..., None], saved: Callable[..., None]
) -> None:
    enter(page, serving, "Two")
    other = page.context.new_page()
    other.goto(serving.base)
    other.wait_for_selector("#facts span")
    assert other.inner_text("#content") == page.inner_text("#content")  # what is held is shown in both
    for _ in range(10):
        for window in (page, other):
            seen = window.inner_text("#content")
            window.bring_to_front()
            window.keyboard.press("y")
            for one in (page, other):  # the other one hears of it a moment later, and would answer it again
                _changed(one, seen)
    saved(page)
    saved(other)
    assert len(answers(serving, "Two")) == 20


def test_what_waits_outlives_the_window(
    page: "Page", serving: Serving, enter: Callable[..., None], saved: Callable[..., None]
) -> None:
    enter(page, serving, "Away")
    saved(page)
    seen = page.inner_text("#content")
    serving.kill()
    for _ in range(2):
        page.keyboard.press("n")
        _changed(page, seen)
        seen = page.inner_text("#content")
    assert "2 waiting" in page.inner_text("#saved")
    context = page.context
    page.close()
    serving.start()
    assert answers(serving, "Away") == {}
    again = context.new_page()
    again.goto(serving.base)
    again.wait_for_selector("#facts span")
    saved(again)
    assert list(answers(serving, "Away").values()) == ["no", "no"]


def _press(page: "Page", key: str) -> None:
    """Press a key, and wait for what it does: the next item comes when the browser has kept the answer."""
    seen = page.inner_text("#content")
    page.keyboard.press(key)
    _changed(page, seen)


def _changed(page: "Page", before: str) -> None:
    for _ in range(1000):
        now = page.inner_text("#content")
        if now != before and "item …" not in now:
            return
        page.wait_for_timeout(10)
    raise AssertionError(f"still the same item: {before}")
