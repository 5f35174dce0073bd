"""The page under a person's hands: lists by keyboard, signs of life, pauses, and what was not accepted."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from nextlabel import Campaign
from nextlabel.server.dealing import unplanned
from nextlabel.stores.sqlite import SQLiteStore
from nextlabel.testing.serving import Serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

Enter = Callable[..., None]
Saved = Callable[["Page"], None]
HIDE = """isHidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
LEAVE = """([name, record]) => new Promise((resolve, reject) => {
  const asked = indexedDB.open(name, 1);
  asked.onsuccess = () => {
    const transaction = asked.result.transaction("outbox", "readwrite");
    transaction.objectStore("outbox").add(record);
    transaction.oncomplete = () => resolve(asked.result.close());
  };
  asked.onerror = reject;
})"""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    file = tmp_path_factory.mktemp("hands") / "words.csv"
    file.write_text("body\n" + "".join(f"word number {one}\n" for one in range(200)))
    with Serving(file, "--text", "body", "--labels", "yes,no", "--control", "0") as serving:
        yield serving


def told(serving: Serving, name: str) -> list[dict[str, Any]]:
    """Every answer of somebody, in order."""
    with closing(SQLiteStore(serving.journal, read_only=True)) as store:
        return [dict(one) for one in store.read(0) if one["event"] == "told" and one["annotator"] == name]


def press(page: "Page", key: str) -> None:
    """A key, and the next item after it."""
    before = page.inner_text("#facts")
    page.keyboard.press(key)
    page.wait_for_function("before => document.getElementById('facts').innerText !== before", arg=before)


def test_the_list_of_items_by_keyboard(page: "Page", serving: Serving, enter: Enter) -> None:
    enter(page, serving, "List")
    page.goto(f"{serving.base}/items")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.innerText") == "2"
    page.keyboard.press("/")
    page.keyboard.type("number 77")
    page.keyboard.press("Enter")
    page.wait_for_selector("#found:has-text('1 item')")
    page.focus("#filter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(300)
    assert "filter=all" in page.url  # to go through a list is not yet to choose from it
    assert page.input_value("#filter") == "unlabelled"
    page.click("form.find button")
    page.wait_for_url("**filter=unlabelled**")
    page.focus("a.open")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Item 78')")


def test_time_with_the_page_hidden_is_not_the_items(
    page: "Page", serving: Serving, enter: Enter, saved: Saved
) -> None:
    page.clock.install()
    enter(page, serving, "Pause")
    page.evaluate(HIDE, True)
    page.clock.fast_forward(50_000)
    page.evaluate(HIDE, False)
    press(page, "y")
    page.clock.fast_forward(50_000)
    press(page, "n")
    saved(page)
    first, second = (one["seconds"] for one in told(serving, "Pause"))
    assert first < 50 <= second


def test_items_that_come_during_a_sign_of_life_stay(
    page: "Page", serving: Serving, enter: Enter, saved: Saved
) -> None:
    page.clock.install()
    enter(page, serving, "Beat")
    held: list[Any] = []
    page.route("**/api/heartbeat", lambda route: held.append(route))
    page.clock.fast_forward(60_000)
    for _ in range(100):
        if held:
            break
        page.wait_for_timeout(50)
    with page.expect_response("**/api/actions"):
        press(page, "y")  # whose answer brings a new item, of which the heartbeat knows nothing
    saved(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response("**/api/heartbeat") as answered:
        held[0].continue_()
    assert set(answered.value.json()["expires"]) == set(held[0].request.post_data_json["tokens"])
    page.wait_for_timeout(300)
    assert asked == []  # nothing is missing that would be asked for again


def test_what_was_not_accepted_can_be_read_and_sent_again(
    page: "Page", serving: Serving, enter: Enter, saved: Saved
) -> None:
    enter(page, serving, "Left")
    campaign = page.evaluate("JSON.parse(document.body.dataset.campaign).id")
    action = {"kind": "answer", "id": "no such item", "label": "yes", "request": "left 1"}
    record = {"action": action, "line": "Item 999, yes", "owner": "Left"}
    page.evaluate(LEAVE, [f"nextlabel {campaign}", record])  # as an older window may have left it
    page.reload()
    page.wait_for_selector("#refused summary:has-text('1 not accepted')")
    page.click("#refused summary")
    assert "Item 999, yes: " in page.inner_text("#refused li")
    assert "no such item" in page.inner_text("#refused li")
    with page.expect_response("**/api/actions") as again:
        page.click("#refused button:has-text('Send again')")
    body: Any = again.value.request.post_data_json
    sent = body["actions"]
    assert [{**one, "request": ""} for one in sent] == [{**action, "request": ""}]
    assert sent[0]["request"] != action["request"]
    saved(page)
    page.wait_for_selector("#refused summary:has-text('1 not accepted')")
    page.click("#refused button:has-text('Seen')")
    page.wait_for_selector("#refused", state="hidden")
    assert told(serving, "Left") == []


def test_items_whose_time_is_over_go_except_the_one_that_is_read(
    page: "Page", serving: Serving, enter: Enter, saved: Saved
) -> None:
    page.clock.install()
    enter(page, serving, "Late")
    saved(page)
    with Campaign.open(serving.journal, only_answers=True) as campaign:
        held = campaign.state.held_by("Late", time.time())
        for token in set(held.values()):
            campaign.renew(token, 0)
        taken = campaign.ask(200, "Other", lease_seconds=600, plan=unplanned()).ids
    assert len(held) == 5
    assert set(held) <= set(taken)
    with page.expect_response("**/api/next") as asked:
        page.clock.fast_forward(60_000)
    body: Any = asked.value.request.post_data_json
    assert body["want"] == 4  # the others are with somebody else
    assert len(body["have"]) == 1
    press(page, "y")
    saved(page)
    (late,) = told(serving, "Late")  # a late answer is kept
    assert set(late["labels"]) <= set(held)
