"""Slips at the page: a key held down, another campaign at the same address, a browser that keeps nothing."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nextlabel.stores.sqlite import SQLiteStore
from nextlabel.testing.serving import Serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMES = [f"class{number} {'of things that have a long name ' * 4}".strip() for number in range(1, 13)]
Enter = Callable[..., None]
Saved = Callable[["Page"], None]


def words(folder: Path, name: str = "words.csv") -> Path:
    file = folder / name
    file.write_text("body\n" + "".join(f"word number {one}\n" for one in range(60)))
    return file


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Twelve classes, for which there are not keys enough."""
    labels = ",".join(NAMES)
    file = words(tmp_path_factory.mktemp("many"))
    with Serving(file, "--text", "body", "--labels", labels, "--control", "0") as serving:
        yield serving


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Ten classes, with a key each."""
    labels = ",".join(NAMES[:10])
    file = words(tmp_path_factory.mktemp("ten"))
    with Serving(file, "--text", "body", "--labels", labels, "--control", "0") as serving:
        yield serving


def told(serving: Serving) -> list[str]:
    """Every label in the journal, in order."""
    with closing(SQLiteStore(serving.journal, read_only=True)) as store:
        return [label for one in store.read(0) if one["event"] == "told" for label in one["labels"].values()]


def retracted(serving: Serving) -> int:
    with closing(SQLiteStore(serving.journal, read_only=True)) as store:
        return sum(one["event"] in ("retracted", "undone") for one in store.read(0))


def press(page: "Page", key: str) -> None:
    """A key, and the next item after it."""
    before = page.inner_text("#facts")
    page.keyboard.press(key)
    page.wait_for_function("before => document.getElementById('facts').innerText !== before", arg=before)


def hold(page: "Page", key: str, events: int = 6) -> None:
    """A key held down: one press and what the keyboard repeats."""
    for _ in range(events):
        page.keyboard.down(key)
        page.wait_for_timeout(60)
    page.keyboard.up(key)
    page.wait_for_timeout(200)


def test_a_key_held_down_is_one_decision(page: "Page", many: Serving, enter: Enter, saved: Saved) -> None:
    enter(page, many)
    page.keyboard.type("class7")
    hold(page, "Enter")
    saved(page)
    assert told(many) == [NAMES[6]]
    page.keyboard.type("class9")
    press(page, "Enter")
    saved(page)
    page.keyboard.type("abc")
    hold(page, "Backspace", 8)  # takes away what was typed, and no label
    assert page.input_value("#type") == ""
    page.keyboard.down("Control")
    hold(page, "z")  # one undo
    page.keyboard.up("Control")
    saved(page)
    assert page.locator("#facts .mark:has-text('taken back')").count() == 1
    assert len(told(many)) - retracted(many) == 1
    page.focus("[data-command=skip]")
    hold(page, "Enter")
    saved(page)
    page.keyboard.press("Tab")
    page.goto(f"{many.base}/items?filter=skipped")
    assert page.inner_text("#found").startswith("1 item")


def test_arrows_held_down_go_through_the_classes_and_enter_takes_one(
    page: "Page", many: Serving, enter: Enter, saved: Saved
) -> None:
    enter(page, many, "Arrows")
    page.focus("#type")
    hold(page, "ArrowDown", 4)
    assert page.locator(".choice.here .name").inner_text() == NAMES[3]
    press(page, "Enter")  # what is pointed at, and not what the model says
    saved(page)
    page.goto(f"{many.base}/history")
    assert f"Labelled: {NAMES[3]}" in " ".join(page.inner_text("main").split())


@pytest.mark.parametrize("size", [(1200, 800), (360, 740), (640, 400)])
def test_long_names_of_ten_classes_leave_room_for_the_rest(
    page: "Page", ten: Serving, enter: Enter, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    enter(page, ten, f"wide {size[0]}")
    if size[1] > 600:  # lower windows scroll as a whole
        edges = [0.0]
        for selector in (".top", "#item", "#suggestion", "#choices", ".decide > .acts", ".bottom"):
            box = page.locator(selector).bounding_box()
            assert box is not None
            assert box["height"] > 0
            assert box["y"] >= edges[-1] - 1, selector
            edges.append(box["y"] + box["height"])
        assert edges[-1] <= size[1] + 1
        assert page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
    for name in (0, 9):
        page.locator("#choices .choice").nth(name).click()
        page.wait_for_timeout(50)
    page.click("[data-command=undo]")
    page.wait_for_selector("#facts .mark")


def test_what_waits_never_reaches_another_campaign(
    page: "Page", tmp_path: Path, enter: Enter, saved: Saved
) -> None:
    options = ("--text", "body", "--labels", "yes,no", "--control", "0")
    with Serving(words(tmp_path, "first.csv"), *options) as first:
        enter(page, first)
        press(page, "y")
        saved(page)
        first.kill()
        for _ in range(3):
            press(page, "n")
        port = first.port
        with Serving(words(tmp_path, "second.csv"), *options, "--port", str(port)) as second:
            assert second.port == port
            other = page.context.new_page()
            enter(other, second)  # the same browser is let in here too
            page.bring_to_front()
            press(page, "n")
            page.wait_for_selector("#banner:has-text('another campaign')")
            assert "4 waiting" in page.inner_text("#saved")
            press(other, "y")
            saved(other)
            assert told(second) == ["yes"]
            other.close()
        first.start()
        saved(page)
        page.wait_for_selector("#banner", state="hidden")
        assert told(first) == ["yes", "no", "no", "no", "no"]


FULL = """() => {
  const failing = () => { throw new DOMException("The quota has been exceeded.", "QuotaExceededError"); };
  IDBObjectStore.prototype.add = failing;
}"""


def test_a_browser_that_keeps_nothing_says_so_and_goes_on(
    page: "Page", ten: Serving, enter: Enter, saved: Saved
) -> None:
    enter(page, ten, "Full")
    saved(page)
    before = len(told(ten))
    page.evaluate(FULL)
    ten.kill()
    for key in "123":
        press(page, key)
    page.wait_for_selector("#banner:has-text('Do not close this window')")
    assert "3 waiting" in page.inner_text("#saved")
    ten.start()
    saved(page)
    assert told(ten)[before:] == NAMES[:3]
    press(page, "4")
    saved(page)
    assert "quota" in page.inner_text("#banner")  # said for as long as it is so
    assert "away" not in page.inner_text("#banner")
    assert told(ten)[before:] == NAMES[:4]


def test_what_waits_outlives_the_loss_of_the_browsers_database(
    page: "Page", ten: Serving, enter: Enter, saved: Saved
) -> None:
    enter(page, ten, "Cleared")
    saved(page)
    before = len(told(ten))
    ten.kill()
    press(page, "1")
    press(page, "2")
    session = page.context.new_cdp_session(page)  # what a browser does that is told to forget a site's data
    session.send("Storage.clearDataForOrigin", {"origin": ten.base, "storageTypes": "indexeddb"})
    page.wait_for_timeout(300)
    press(page, "3")
    assert "3 waiting" in page.inner_text("#saved")
    ten.start()
    saved(page)
    assert told(ten)[before:] == NAMES[:3]


def test_the_question_for_a_name_stays_until_there_is_one(page: "Page", ten: Serving) -> None:
    page.goto(ten.address)
    page.wait_for_selector("#name-dialog[open]")
    for _ in range(3):
        page.keyboard.press("Escape")
        page.wait_for_timeout(100)
    page.fill("#name-field", "Esc")
    page.keyboard.press("Enter")
    page.wait_for_selector("#facts span")


def test_digits_count_with_and_without_shift(page: "Page", ten: Serving, enter: Enter, saved: Saved) -> None:
    """A French keyboard writes 2 with Shift, and é without."""
    enter(page, ten, "French")
    before = len(told(ten))
    press = "one => document.body.dispatchEvent(new KeyboardEvent('keydown', {...one, bubbles: true}))"
    for one in ({"key": "2", "code": "Digit2", "shiftKey": True}, {"key": "é", "code": "Digit2"}):
        page.evaluate(press, one)
        page.wait_for_timeout(200)
    page.evaluate(press, {"key": "@", "code": "Digit2", "shiftKey": True})  # an American keyboard's
    page.wait_for_timeout(100)
    saved(page)
    assert told(ten)[before:] == [NAMES[1]] * 2
