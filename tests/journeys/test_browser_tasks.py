"""Other tasks and media in a real browser: several classes, many classes, images, suggestions."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from nextlabel.stores.sqlite import SQLiteStore
from nextlabel.testing.serving import Serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


def texts(folder: Path, items: int = 60) -> Path:
    file = folder / "words.csv"
    kinds = ("red apple", "green pear")
    file.write_text("body\n" + "".join(f"{kinds[one % 2]} number {one}\n" for one in range(items)))
    return file


def keys(page: "Page", pressed: Sequence[str]) -> None:
    """All at once, faster than the page shows the next item."""
    for one in pressed:
        page.keyboard.press(one)
    page.wait_for_timeout(500)
    page.wait_for_selector("#saved[data-state=saved]")


def told(serving: Serving) -> list[dict[str, Any]]:
    with closing(SQLiteStore(serving.journal, read_only=True)) as store:
        return [dict(one) for one in store.read(0) if one["event"] == "told"]


def labels(serving: Serving) -> list[Any]:
    return [label for one in told(serving) for label in one["labels"].values()]


def test_keys_toggle_several_classes_and_enter_ends_the_item(
    page: "Page", tmp_path: Path, enter: Callable[..., None]
) -> None:
    options = ("--text", "body", "--labels", "apple,pear,plum", "--task", "classes", "--control", "0")
    with Serving(texts(tmp_path), *options) as serving:
        enter(page, serving)
        keys(page, ["a", "2", "Enter", "Enter", "l", "a", "a", "Enter"])
        assert labels(serving) == [["apple", "pear"], [], ["plum"]]


def test_the_beginning_of_a_name_chooses_among_many_classes(
    page: "Page", tmp_path: Path, enter: Callable[..., None]
) -> None:
    names = [f"{word} {letter}" for word in ("alpha", "beta", "éclair") for letter in "wxyz"]
    with Serving(texts(tmp_path), "--text", "body", "--labels", ",".join(names), "--control", "0") as serving:
        enter(page, serving)
        keys(page, ["e", "c", "ArrowDown", "Enter", "a", "Enter", "b", "e", "t", "a", " ", "z", "Enter"])
        assert labels(serving) == ["éclair x", "alpha w", "beta z"]
        page.keyboard.press("Backspace")  # in an empty box it takes back
        page.wait_for_selector("#facts .mark:has-text('taken back: beta z')")
        keys(page, ["z", "Enter"])  # no name begins so; the first that holds it
        assert labels(serving)[-1] == "alpha z"


def test_images_are_shown_by_number_and_labelled(
    page: "Page", tmp_path: Path, enter: Callable[..., None]
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a.png", "b\" onerror='alert(1)'.png", "c.jpg"):
        Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8)).save(folder / name)
    with Serving(folder, "--labels", "cat,dog", "--control", "0") as serving:
        enter(page, serving)
        page.wait_for_selector("#content img.tiny")
        picture = page.locator("#content img")
        assert picture.evaluate("one => one.naturalWidth") == 32
        assert "/media/" in str(picture.get_attribute("src"))
        assert str(picture.get_attribute("alt")).startswith("Item ")
        keys(page, ["c", "d", "c"])
        assert labels(serving) == ["cat", "dog", "cat"]
        page.wait_for_selector("#content .wait:has-text('Every item')")


def test_enter_accepts_a_suggestion_and_the_journal_knows_it_was_shown(
    page: "Page", tmp_path: Path, enter: Callable[..., None]
) -> None:
    options = ("--text", "body", "--labels", "apple,pear", "--control", "0", "--batch", "5")
    with Serving(texts(tmp_path, 200), *options) as serving:
        enter(page, serving)
        for _ in range(120):
            suggestion = page.locator("#suggestion strong")
            if suggestion.count():
                break
            keys(page, ["a" if "apple" in page.inner_text("#content") else "p"])
        said = suggestion.inner_text()
        assert page.locator(".choice.suggested .name").inner_text() == said
        assert f"The model says {said}, " in str(page.text_content("#spoken"))
        keys(page, ["Enter"])
        last = told(serving)[-1]
        assert list(last["labels"].values()) == [said]
        assert list(last["suggestions"].values()) == [said]
        assert last["model"]
        assert last["seconds"] > 0


def test_what_the_model_says_goes_with_the_lease_and_is_known_to_have_been_seen(
    page: "Page", tmp_path: Path, enter: Callable[..., None]
) -> None:
    """A window that slept too long: its items may be of a certificate, which shows nothing of the model."""
    options = ("--text", "body", "--labels", "apple,pear", "--control", "0", "--batch", "5")
    with Serving(texts(tmp_path, 200), *options) as serving:
        enter(page, serving)
        suggestion = page.locator("#suggestion strong")
        for _ in range(120):
            if suggestion.count():
                break
            keys(page, ["a" if "apple" in page.inner_text("#content") else "p"])
        said = suggestion.inner_text()
        page.route("**/api/heartbeat", lambda route: route.fulfill(json={"expires": {}}))  # ten minutes on
        with page.expect_response("**/api/heartbeat"):
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_function("!document.querySelector('#suggestion strong')")
        assert page.locator(".choice.suggested").count() == 0
        before = len(told(serving))
        keys(page, ["Enter"])
        assert len(told(serving)) == before  # Enter accepts nothing that is not shown
        keys(page, ["a"])
        assert list(told(serving)[-1]["suggestions"].values()) == [said]


def test_shift_and_enter_take_what_is_suggested_as_a_selection(
    page: "Page", tmp_path: Path, enter: Callable[..., None]
) -> None:
    options = (
        "--text",
        "body",
        "--labels",
        "apple,pear",
        "--task",
        "classes",
        "--control",
        "0",
        "--batch",
        "5",
    )
    with Serving(texts(tmp_path, 200), *options) as serving:
        enter(page, serving)
        for _ in range(120):
            suggestion = page.locator("#suggestion strong")
            if suggestion.count() and "none" not in suggestion.inner_text():
                break
            keys(page, ["a" if "apple" in page.inner_text("#content") else "p", "Enter"])
        said = suggestion.inner_text().split(", ")
        page.keyboard.press("Shift+Enter")
        page.wait_for_selector(".choice[aria-pressed=true]")
        assert page.locator(".choice[aria-pressed=true] .name").all_inner_texts() == said
        before = len(labels(serving))
        keys(page, ["Enter"])
        assert labels(serving)[before:] == [said]
