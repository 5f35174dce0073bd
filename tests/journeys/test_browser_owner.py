"""What an owner does at the page: a certificate from its form to its result, the rest, exports, the end."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

from nextlabel.testing.serving import Serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

ITEMS = 80
Enter = Callable[..., None]
Saved = Callable[["Page"], None]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    file = tmp_path / "fruit.csv"
    kinds = ("red apple", "green pear")
    file.write_text("body\n" + "".join(f"{kinds[one % 2]} number {one}\n" for one in range(ITEMS)))
    options = ("--text", "body", "--labels", "apple,pear", "--control", "0", "--batch", "5")
    with Serving(file, *options) as serving:
        yield serving


def call(serving: Serving, path: str, body: Any = None) -> Any:
    """A call as scripts make it."""
    token = serving.address.partition("token=")[2]
    headers = {"Authorization": f"Bearer {token}", "X-Nextlabel-Person": "Ann", "X-Nextlabel": "1"}
    headers["Content-Type"] = "application/json"
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(serving.base + path, data, headers)) as answer:
        return json.load(answer)


def wait_until(holds: Callable[[], bool], page: "Page") -> None:
    for _ in range(300):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it does not hold; the page shows: {page.inner_text('body')}")


def label(page: "Page") -> None:
    """The item on the screen, as it is."""
    facts, words = page.inner_text("#facts"), page.inner_text("#content")
    page.keyboard.press("a" if "apple" in words else "p")
    page.wait_for_function("facts => document.getElementById('facts').innerText !== facts", arg=facts)


def test_a_certificate_from_its_form_to_its_result_and_then_the_end(
    page: "Page", serving: Serving, enter: Enter, saved: Saved
) -> None:
    enter(page, serving)
    for _ in range(12):
        label(page)
    saved(page)
    wait_until(lambda: call(serving, "/api/status")["training"]["model_labels"] >= 6, page)

    page.goto(f"{serving.base}/status")
    page.click("#certificate-title ~ details summary")
    page.evaluate("import('/static/live.js').then(({refresh}) => refresh())")
    page.wait_for_timeout(100)
    assert page.locator("#size").is_visible()  # what is open stays open when the page keeps itself fresh
    page.fill("#size", "6")
    page.select_option("#sided", "upper")
    page.click("#certify button")
    page.wait_for_selector("text=0 of 6 items of its sample are answered or skipped")

    page.goto(serving.base)
    page.wait_for_selector("#certificate:has-text('0 of 6 of its sample answered or skipped')")
    page.wait_for_selector("#facts span")
    for _ in range(12):  # what the page had at hand comes first
        label(page)
        if page.locator("#certificate").is_hidden():
            break
    saved(page)
    page.wait_for_selector("#certificate", state="hidden")
    wait_until(lambda: call(serving, "/api/status")["certificate"]["state"] == "done", page)

    page.goto(f"{serving.base}/status")
    said = page.inner_text("section:has(#certificate-title)")
    assert call(serving, "/api/status")["certificate"]["sentence"] in said
    assert "another one" in said
    page.fill("#reason", "enough for now")
    page.evaluate("() => { window.confirm = (words) => words.includes('for good'); }")
    page.click("#stop button")
    page.wait_for_selector("text=Stopped: enough for now.")
    assert page.locator("#stop").count() == 0
    assert call(serving, "/api/status")["progress"]["stopped"] == "enough for now"


def test_the_rest_can_be_labelled_once_only_control_items_are_left(
    page: "Page", tmp_path: Path, enter: Enter
) -> None:
    file = tmp_path / "many.csv"
    file.write_text("body\n" + "".join(f"word number {one}\n" for one in range(500)))
    options = ("--text", "body", "--labels", "no,yes", "--control", "0.05")
    with Serving(file, *options) as serving:
        enter(page, serving)
        page.goto(f"{serving.base}/status")
        assert page.locator("#release").is_hidden()
        while items := call(serving, "/api/next", {"want": 400, "have": []})["items"]:
            answers = [{"kind": "answer", "id": one["id"], "label": "no"} for one in items]
            actions = [{**one, "request": f"r{one['id']}"} for one in answers]
            call(serving, "/api/actions", {"actions": actions, "want": 0})
        page.reload()
        page.click("#release button")
        page.wait_for_selector("#release", state="hidden")
        assert call(serving, "/api/next", {"want": 1, "have": []})["items"]


def test_the_relevant_class_is_asked_for_and_the_journal_is_named(
    page: "Page", serving: Serving, enter: Enter, saved: Saved
) -> None:
    enter(page, serving)
    said = "1" if "apple" in page.inner_text("#content") else "0"
    label(page)
    saved(page)
    page.goto(f"{serving.base}/export")
    assert "The journal itself is fruit.db:" in page.inner_text("main")
    card = page.locator("li.card:has(#positive-asreview)")
    card.locator("a.download").click()
    page.wait_for_selector("#trouble:has-text('Choose which class')")
    card.locator("select").select_option("apple")
    with page.expect_download() as waiting:
        card.locator("a.download").click()
    with Path(waiting.value.path()).open(encoding="utf-8-sig", newline="") as file:
        found = [row["asreview_label"] for row in csv.DictReader(file)]
    assert [one for one in found if one] == [said]
