"""Labelling in a real browser: what is typed is what is exported, whatever dies on the way."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nextlabel.testing.serving import Serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

CLASSES = ("positive", "negative", "neutral")
KEYS = {"positive": "p", "negative": "n", "neutral": "3"}
WORDS = {"positive": "delightful", "negative": "dreadful", "neutral": "middling"}
ITEMS = 400


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    file = tmp_path / "reviews.csv"
    with file.open("w", encoding="utf-8", newline="") as written:
        writer = csv.writer(written)
        writer.writerow(["key", "body", "stars"])
        for number in range(ITEMS):
            word = WORDS[CLASSES[number * 7 % 3]]
            writer.writerow([f"r{number:03d}", f"Number {number} was a {word} film.", number % 5])
    options = ("--text", "body", "--id", "key", "--labels", ",".join(CLASSES), "--control", "0")
    with Serving(file, *options) as serving:
        yield serving


def shown(page: "Page") -> str:
    return page.inner_text("#content")


def number(text: str) -> int:
    found = re.search(r"\d+", text)
    assert found is not None, text
    return int(found.group())


def press(page: "Page", key: str) -> str:
    """Press a key for the item on the screen, wait for the next, and return what was on the screen."""
    before = shown(page)
    page.keyboard.press(key)
    wait_until(lambda: (now := shown(page)) != before and "next item" not in now, page)
    return before


def wait_until(holds: Callable[[], bool], page: "Page") -> None:
    """Look again and again, for ten seconds."""
    for _ in range(1000):
        if holds():
            return
        page.wait_for_timeout(10)
    raise AssertionError(f"it does not hold; the page shows: {page.inner_text('body')}")


def true_label(text: str) -> str:
    return next(label for label, word in WORDS.items() if word in text)


def exported(page: "Page", serving: Serving) -> dict[str, dict[str, Any]]:
    """The rows of the csv that the page of exports gives, by id."""
    page.goto(f"{serving.base}/export")
    with page.expect_download() as waiting:
        page.locator("a.download").first.click()
    with Path(waiting.value.path()).open(encoding="utf-8-sig", newline="") as file:
        return {row["key"]: row for row in csv.DictReader(file)}


def test_what_is_typed_is_what_is_exported(
    page: "Page", serving: Serving, enter: Callable[..., None], saved: Callable[..., None]
) -> None:
    typed: dict[str, str | None] = {}

    def label(how_many: int) -> None:
        for _ in range(how_many):
            said = true_label(shown(page))
            typed[f"r{number(press(page, KEYS[said])):03d}"] = said

    enter(page, serving)
    label(60)

    page.keyboard.press("u")  # the last one is on the screen again; this time it is another class
    page.wait_for_selector("#facts .mark")
    typed[f"r{number(shown(page)):03d}"] = "neutral"
    press(page, "3")
    typed[f"r{number(press(page, 's')):03d}"] = None

    for _ in range(50):  # undone in this window ...
        page.keyboard.press("Backspace")
    page.wait_for_timeout(300)
    saved(page)
    page.reload()  # ... and after a reload, from the server's memory
    page.wait_for_selector("#facts span")
    page.keyboard.press("Control+z")
    page.wait_for_selector("#facts .mark")
    again = [one for one in typed if typed[one] is not None][:10]
    for one in [one for one in typed if one not in again]:
        del typed[one]
    label(70)

    saved(page)
    serving.kill()  # five more are said to nobody
    label(4)
    assert "waiting" in page.inner_text("#saved")
    assert "away" in page.inner_text("#banner")
    serving.start()
    saved(page)
    page.wait_for_selector("#banner", state="hidden")
    label(200 - sum(said is not None for said in typed.values()))
    saved(page)

    changed = next(iter(typed))
    page.goto(f"{serving.base}/items?search=Number+{number(changed)}+was")
    page.locator("a.open").first.click()
    page.wait_for_selector("#content .text")
    page.locator(".choice", has_text="neutral").click()
    wait_until(lambda: "neutral" in page.inner_text("section:has(#answers-title)"), page)
    typed[changed] = "neutral"

    rows = exported(page, serving)
    said = {key: label for key, label in typed.items() if label is not None}
    assert len(said) == 200
    assert {key: row["label"] for key, row in rows.items() if row["label"]} == said
    assert {row["annotator"] for row in rows.values() if row["label"]} == {"Ann"}
