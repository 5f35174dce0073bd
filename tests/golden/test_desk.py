"""What people can do at the page, through the application itself, without a network.

More than 400 lines: one page and its small words, such as `give` and `act`, serve all of them.
"""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from starlette.testclient import TestClient

from nextlabel import Campaign, classes, multilabel
from nextlabel.core.task import Task
from nextlabel.server.app import make_app
from nextlabel.server.chronicle import Chronicle
from nextlabel.server.desk import Desk
from nextlabel.server.people import People, roles
from nextlabel.server.predictions import Predictions
from nextlabel.server.settings import Settings
from nextlabel.server.training import Training
from nextlabel.stores.sqlite import SQLiteStore

LEASE = 600.0


class Clock:
    """Set by the test."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Page:
    """A desk and its application; the trainer is not started, what it would say is set by the test."""

    def __init__(self, path: Path, people: str = "", *, is_local: bool = True, **options: Any) -> None:
        self.clock = Clock()
        self.people, self.tokens = People.beside(path, roles(people), is_local=is_local)
        self.training = Training(path, 20)
        store = SQLiteStore(path, read_only=True)
        settings = Settings(**{"file": "items.csv", **options})
        with Campaign.open(path) as whole:
            pool = whole.pool
        campaign = Campaign.open(path, clock=self.clock, only_answers=True)
        chronicle = Chronicle(store)
        self.desk = Desk(campaign, pool, chronicle, self.training, self.people, settings, self.clock)
        self.app = make_app(self.desk)

    def client(self, name: str = "ann") -> TestClient:
        token = self.tokens.get(name, self.people.token)
        headers = {"Authorization": f"Bearer {token}", "X-Nextlabel": "1", "X-Nextlabel-Person": name}
        return TestClient(self.app, "http://127.0.0.1", headers=headers)


def journal(
    folder: Path, task: Task | None = None, items: int = 30, strategy: str = "random", **options: Any
) -> Path:
    """A campaign of texts in a file."""
    rows = "".join(f"{one},item number {one}\n" for one in range(items))
    (folder / "items.csv").write_text(f"key,body\n{rows}")
    pool = {"name": "csv", "path": str(folder / "items.csv"), "text": "body", "id": "key"}
    learner = {"name": "sklearn", "estimator": "logistic", "features": "tfidf"}
    path = folder / "a.db"
    with Campaign.create(path, pool, learner, strategy, task or classes("no", "yes"), 0, **options):
        return path


def act(client: TestClient, *actions: dict[str, Any], want: int = 0, **more: Any) -> dict[str, Any]:
    made = [{"request": uuid4().hex, **one} for one in actions]
    answer = client.post("/api/actions", json={"actions": made, "want": want, **more})
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def give(client: TestClient, want: int = 5, have: "list[str] | None" = None) -> list[dict[str, Any]]:
    answer = client.post("/api/next", json={"want": want, "have": have or []})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def answer(item: dict[str, Any], label: Any = "yes", **more: Any) -> dict[str, Any]:
    return {"kind": "answer", "id": item["id"], "label": label, "token": item["token"], **more}


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(journal(tmp_path))


def test_the_campaign_is_described(page: Page) -> None:
    with page.client() as ann:
        said = ann.get("/api/campaign").json()
    assert said["task"] == {
        "kind": "class",
        "classes": [{"name": "no", "key": "n"}, {"name": "yes", "key": "y"}],
    }
    assert (said["medium"], said["items"], said["person"], said["role"]) == ("text", 30, "ann", "owner")


def test_items_are_given_once_and_again_after_a_reload(page: Page) -> None:
    with page.client() as ann, page.client("bob") as bob:
        first = give(ann, 5)
        more = give(ann, 2, [one["id"] for one in first])
        others = give(bob, 5)
        again = give(ann, 7)
    ids = [one["id"] for one in (*first, *more, *others)]
    assert len(set(ids)) == 12
    assert [one["id"] for one in again] == ids[:7]
    assert [one["token"] for one in again] == [one["token"] for one in (*first, *more)]
    assert first[0]["view"]["text"] == f"item number {first[0]['id']}"


def test_an_answer_is_kept_once_however_often_it_is_sent(page: Page) -> None:
    with page.client() as ann:
        item = give(ann, 1)[0]
        sent = {**answer(item), "request": "one", "seconds": 2.5}
        assert [act(ann, sent)["results"] for _ in range(3)] == [[{"request": "one", "ok": True}]] * 3
        changed = act(ann, {**sent, "label": "no"})["results"][0]
    assert (changed["ok"], changed["kind"]) == (False, "campaign")
    assert "told before with other content" in changed["message"]
    entries = [one for one in page_entries(page) if one["event"] == "told"]
    assert [(one["labels"], one["annotator"], one["seconds"]) for one in entries] == [
        ({item["id"]: "yes"}, "ann", 2.5)
    ]


def page_entries(page: Page) -> "list[Any]":
    assert page.desk.path is not None
    store = SQLiteStore(page.desk.path, read_only=True)
    try:
        return list(store.read(1))
    finally:
        store.close()


def test_what_is_refused_is_said_and_what_is_right_is_kept(page: Page) -> None:
    with page.client() as ann:
        one, two = give(ann, 2)
        said = act(ann, answer(one, "maybe"), answer({**two, "token": "no such"}), answer(two))["results"]
        counted = act(ann)["progress"]
    assert [each["ok"] for each in said] == [False, False, True]
    assert said[0]["kind"] == "label"
    assert counted["labelled"] == counted["mine"] == 1


def test_skips_flags_notes_and_what_is_taken_back(page: Page) -> None:
    with page.client() as ann:
        one, two, three = give(ann, 3)
        act(
            ann,
            {"kind": "skip", "id": one["id"], "reason": "blurred", "token": one["token"]},
            {"kind": "flag", "id": two["id"], "text": "look again"},
            {"kind": "note", "id": two["id"], "text": "both <b>apply</b>"},
            answer(two),
            answer(three, "no"),
        )
        whole = ann.get(f"/api/item/{int(two['id']) + 1}").json()
        skipped = ann.get("/api/items?filter=skipped").json()
        flagged = ann.get("/api/items?filter=flagged").json()
        undone = act(ann, {"kind": "undo"})["results"][0]["undone"]
        act(ann, {"kind": "retract", "id": one["id"]})
        left = ann.get("/api/items?filter=labelled").json()
        history = ann.get("/api/history").json()["entries"]
    assert whole["flags"] == 1
    assert [note["text"] for note in whole["notes"]] == ["look again", "both <b>apply</b>"]
    assert [line["text"] for line in whole["history"]] == ["Asked of ann.", "ann said yes."]
    assert [one["id"] for one in skipped["items"]] == [one["id"]]
    assert [one["id"] for one in flagged["items"]] == [two["id"]]
    assert (undone["was"], undone["now"], undone["item"]["id"]) == ("no", None, three["id"])
    assert undone["item"]["mine"] is None
    assert [one["id"] for one in left["items"]] == [two["id"]]
    kinds = ["retract", "undo", "answer", "answer", "note", "flag", "skip"]
    assert [entry["kind"] for entry in history] == kinds
    assert [entry["undone"] for entry in history] == [False, False, True, False, False, False, False]


def test_fifty_undos_go_all_the_way_back(tmp_path: Path) -> None:
    page = Page(journal(tmp_path, items=80))
    with page.client() as ann:
        items = give(ann, 60)
        act(ann, *[answer(one) for one in items])
        back = [act(ann, {"kind": "undo"})["results"][0]["undone"]["item"]["id"] for _ in range(60)]
        nothing = act(ann, {"kind": "undo"})["results"][0]
        held = give(ann, 60)
    assert back == [one["id"] for one in reversed(items)]
    assert (nothing["ok"], nothing["undone"]) == (True, None)
    assert {one["id"] for one in held} == set(back)  # they are theirs again


def test_a_late_answer_is_kept(page: Page) -> None:
    with page.client() as ann, page.client("bob") as bob:
        item = give(ann, 1)[0]
        page.clock.now += LEASE + 1
        taken = give(bob, 30)
        assert item["id"] in {one["id"] for one in taken}
        assert act(ann, answer(item))["results"][0]["ok"]
    assert page.desk.state.answers(item["id"]) == {"ann": "yes"}


def test_a_heartbeat_keeps_items_and_writes_no_more_than_it_must(page: Page) -> None:
    with page.client() as ann, page.client("bob") as bob:
        item = give(ann, 1)[0]
        before = len(page_entries(page))
        young = ann.post("/api/heartbeat", json={"tokens": [item["token"], "unknown"]}).json()["expires"]
        assert young == {item["token"]: item["expires"]}
        assert len(page_entries(page)) == before
        assert bob.post("/api/heartbeat", json={"tokens": [item["token"]]}).json() == {"expires": {}}
        page.clock.now += LEASE * 0.7
        later = ann.post("/api/heartbeat", json={"tokens": [item["token"]]}).json()["expires"]
        assert later == {item["token"]: pytest.approx(page.clock.now + LEASE)}
        page.clock.now += LEASE * 0.7
        assert item["id"] not in {one["id"] for one in give(bob, 30)}


def test_after_a_sign_of_life_an_item_is_kept_for_half_a_lease_at_least(page: Page) -> None:
    with page.client() as ann:
        item = give(ann, 1)[0]
        for passed in (0.1, 0.39, 0.02, 0.3, 0.49, 0.2):
            page.clock.now += LEASE * passed
            ends = ann.post("/api/heartbeat", json={"tokens": [item["token"]]}).json()["expires"]
            assert LEASE / 2 < ends[item["token"]] - page.clock.now <= LEASE


def test_a_lease_that_ended_before_a_certificate_is_not_renewed_for_its_sample(tmp_path: Path) -> None:
    """A window that slept holds items with what the model says; they come again without."""
    path = journal(tmp_path)
    with Campaign.open(path) as campaign:
        campaign.tell({"1": "no", "2": "yes"})
        campaign.fit()
    page = Page(path)
    with page.client() as ann:
        item = give(ann, 1)[0]
        page.clock.now += LEASE + 1
        assert page.desk.state.held_by("ann", page.clock.now) == {}
        assert ann.post("/api/certificate", json={"size": 30}).status_code == 200
        assert item["id"] in page.desk.state.sample
        assert ann.post("/api/heartbeat", json={"tokens": [item["token"]]}).json() == {"expires": {}}
        again = {one["id"]: one for one in give(ann, 30)}
        assert again[item["id"]]["suggestion"] is None
        token = again[item["id"]]["token"]
        page.clock.now += LEASE + 1  # of the certificate itself: kept as ever
        ends = ann.post("/api/heartbeat", json={"tokens": [token]}).json()["expires"]
        assert ends == {token: pytest.approx(page.clock.now + LEASE)}


def test_each_item_goes_to_as_many_people_as_are_wanted(tmp_path: Path) -> None:
    page = Page(journal(tmp_path, items=6, overlap=2))
    with page.client() as ann, page.client("bob") as bob, page.client("cy") as cy:
        theirs = [give(one, 6) for one in (ann, bob)]
        assert [len(one) for one in theirs] == [6, 6]
        waits = cy.post("/api/next", json={"want": 3}).json()
        assert waits["items"] == []
        assert "All items that are left are with other people" in waits["waiting"]
        act(ann, *[answer(one) for one in theirs[0]])
        assert act(ann)["progress"]["waiting_answers"] == 6
        act(bob, *[answer(one, "no") for one in theirs[1]])
        done = ann.post("/api/next", json={"want": 3}).json()["waiting"]
        assert done.startswith("Every item that can be asked of you")


def plan_of(page: Page, batch: int) -> None:
    """What the trainer would say now."""
    assert page.desk.path is not None
    with Campaign.open(page.desk.path, clock=page.clock) as campaign:
        page.training.plan = campaign.plan(batch)


def test_planned_items_come_first_with_what_the_model_says(tmp_path: Path) -> None:
    page = Page(journal(tmp_path, strategy="margin"))
    with page.client() as ann:
        items = give(ann, 4)
        act(ann, *[answer(one, label) for one, label in zip(items, ("no", "yes") * 2, strict=True)])
        plan_of(page, 6)
        assert page.training.plan is not None
        planned = page.training.plan
        given = give(ann, 8)
    assert [one["id"] for one in given[:6]] == list(planned.ids)
    for one in given[:6]:
        label, confidence = planned.suggestions[one["id"]]
        assert one["suggestion"] == {"label": label, "confidence": pytest.approx(confidence, abs=1e-4)}
        assert one["model"] == planned.model
    assert [one["suggestion"] for one in given[6:]] == [None, None]


def test_suggestions_can_be_left_out(tmp_path: Path) -> None:
    page = Page(journal(tmp_path), has_suggestions=False)
    with page.client() as ann:
        items = give(ann, 2)
        act(ann, answer(items[0], "no"), answer(items[1]))
        plan_of(page, 3)
        assert [one["suggestion"] for one in give(ann, 3)] == [None] * 3
        assert ann.get("/api/campaign").json()["suggestions"] is False


def predicted(page: Page) -> None:
    """The model says yes of everything, more surely the later the item."""
    ids = page.desk.state.ids
    sure = np.linspace(0.5, 0.9, len(ids))
    places = np.arange(len(ids), dtype=np.int64)
    page.training.predictions = Predictions.made("m", ("no", "yes"), places, ["yes"] * len(ids), sure)


def test_control_items_never_show_what_the_model_says(tmp_path: Path) -> None:
    page = Page(journal(tmp_path, items=600, control=0.2))
    predicted(page)
    with page.client() as ann:
        given = give(ann, 50)
        walled = [one for one in given if one["id"] in page.desk.state.walled]
        assert 5 <= len(walled) <= 15
        listed = ann.get("/api/items?size=200&sort=confidence").json()["items"]
        shown = {one["id"] for one in listed if one["suggestion"] is not None}
        assert shown
        assert not shown & set(page.desk.state.walled)
        assert [one["suggestion"] for one in walled] == [None] * len(walled)
        assert all(one["suggestion"] for one in given if one not in walled)
        number = page.desk.state.roster.index[walled[0]["id"]] + 1
        assert ann.get(f"/api/item/{number}").json()["suggestion"] is None
        act(ann, answer(walled[0], "no"))
        assert ann.get(f"/api/item/{number}").json()["suggestion"] is None  # it may still be changed


def test_items_are_searched_filtered_and_sorted(page: Page) -> None:
    predicted(page)
    with page.client() as ann:
        items = sorted(give(ann, 30), key=lambda one: int(one["id"]))
        act(ann, answer(items[3], "no"), answer(items[20], "no"), answer(items[4]))

        def ids(query: str) -> list[str]:
            return [one["id"] for one in ann.get(f"/api/items?{query}").json()["items"]]

        assert ids("search=NUMBER+2") == ["2", *map(str, range(20, 30))]
        assert ids("filter=labelled") == ["3", "4", "20"]
        assert ids("filter=labelled&label=no") == ["3", "20"]
        assert ids("filter=disagreement&sort=disagreement") == ["20", "3"]
        assert ids("filter=unlabelled&size=3&page=2") == ["5", "6", "7"]
        assert ids("sort=confidence&size=2") == ["0", "1"]
        last = ann.get("/api/items?page=2&size=20").json()
        assert (last["page"], last["pages"], last["total"], len(last["items"])) == (2, 2, 30, 10)
        beyond = ann.get("/api/items?page=99999&size=20")
        assert beyond.status_code == 404
        assert "Pages are numbered from 1 to 2 here; received 99,999." in beyond.json()["error"]["message"]
        assert ann.get("/items?page=99999").status_code == 200  # people are shown the last one there is


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("page=0", "page must be a whole number from 1"),
        ("size=1e9", "size must be a whole number from 1 to 200; received '1e9'"),
        ("filter=best", "filter must be one of all, labelled"),
        ("sort=up", "sort must be one of order, disagreement, confidence; received 'up'"),
    ],
)
def test_a_query_that_makes_no_sense_is_said(page: Page, query: str, says: str) -> None:
    with page.client() as ann:
        refused = ann.get(f"/api/items?{query}")
    assert refused.status_code == 400
    assert says in refused.json()["error"]["message"]


def test_a_history_comes_in_pages(page: Page) -> None:
    with page.client() as ann:
        items = give(ann, 7)
        act(ann, *[answer(one) for one in items])
        found, before = [], ""
        while True:
            said = ann.get(f"/api/history?limit=3{before}").json()
            found.append([one["id"] for one in said["entries"]])
            if said["older"] is None:
                break
            before = f"&before={said['older']}"
    assert [one for part in found for one in part] == [one["id"] for one in reversed(items)]
    assert [len(part) for part in found] == [3, 3, 1]


def test_several_classes_an_item(tmp_path: Path) -> None:
    page = Page(journal(tmp_path, multilabel("red", "round")))
    with page.client() as ann:
        one, two, three = give(ann, 3)
        act(ann, answer(one, ["round", "red"]), answer(two, []))
        bad = act(ann, answer(three, "red;blue"))["results"][0]
        whole = ann.get(f"/api/item/{int(one['id']) + 1}").json()
        listed = ann.get("/api/items?filter=labelled&label=red").json()["items"]
    assert bad["ok"] is False
    assert whole["label"] == ["red", "round"]
    assert page.desk.state.labels() == {one["id"]: ("red", "round"), two["id"]: ()}
    assert [each["id"] for each in listed] == [one["id"]]


OWNERS = [
    ("GET", "/api/export", None),
    ("POST", "/api/certificate", {}),
    ("POST", "/api/stop", {"reason": "enough"}),
    ("POST", "/api/release", {}),
    ("GET", "/api/history?person=bob", None),
    ("GET", "/export", None),
]


@pytest.mark.parametrize(("method", "path", "body"), OWNERS)
def test_annotators_may_not_do_what_owners_may(tmp_path: Path, method: str, path: str, body: Any) -> None:
    page = Page(journal(tmp_path), "ann:annotator,bob:owner", is_local=False)
    with page.client("ann") as ann:
        refused = ann.request(method, path, json=body)
    assert refused.status_code == 403
    assert page.desk.state.stopped is None


def test_annotators_see_no_answers_of_others(tmp_path: Path) -> None:
    page = Page(journal(tmp_path, overlap=2), "ann:annotator,bob:owner", is_local=False)
    with page.client("ann") as ann, page.client("bob") as bob:
        item = give(bob, 1)[0]
        act(
            bob,
            answer(item),
            {"kind": "note", "id": item["id"], "text": "mine"},
            {"kind": "flag", "id": item["id"], "text": "x"},
        )
        number = int(item["id"]) + 1
        theirs, own = (one.get(f"/api/item/{number}").json() for one in (ann, bob))
        listed = ann.get("/api/items?filter=labelled").json()["total"]
        people = [each["name"] for each in ann.get("/api/status").json()["people"]]
    assert (theirs["label"], theirs["answers"], theirs["notes"], theirs["mine"]) == (None, {}, [], None)
    assert not any("bob" in line["text"] for line in theirs["history"])
    assert (own["label"], own["answers"]) == ("yes", {"bob": "yes"})
    assert listed == 0
    assert people == ["ann"]


def test_the_end_is_for_good_and_what_is_told_is_kept(page: Page) -> None:
    with page.client() as ann:
        item = give(ann, 1)[0]
        assert ann.post("/api/stop", json={"reason": "enough"}).json() == {"stopped": "enough"}
        waits = ann.post("/api/next", json={"want": 3, "have": [item["id"]]}).json()
        assert waits["waiting"] == "This campaign was stopped: enough."
        assert act(ann, answer(item))["results"][0]["ok"]
    assert page.desk.state.labelled == 1


def test_items_set_aside_are_asked_when_an_owner_releases_them(tmp_path: Path) -> None:
    page = Page(journal(tmp_path, items=500, control=0.05))
    with page.client() as ann:
        assert ann.get("/api/status").json()["set_aside"] == 0  # others are left
        while items := give(ann, 200):
            act(ann, *[answer(one) for one in items])
        left = 500 - page.desk.state.labelled
        assert left > 50
        waits = ann.post("/api/next", json={}).json()["waiting"]
        assert f"{left} items are left that were set aside to measure quality by" in waits
        assert ann.get("/api/status").json()["set_aside"] == left
        assert ann.post("/api/release", json={}).json() == {"is_released": True}
        assert ann.get("/api/status").json()["set_aside"] == 0
        assert len(give(ann, 200)) == left
        refused = ann.post("/api/release", json={})
    assert refused.status_code == 409


def test_a_certificate_needs_a_model(page: Page) -> None:
    with page.client() as ann:
        refused = ann.post("/api/certificate", json={})
    assert refused.status_code == 409
    assert refused.json()["error"]["kind"] == "campaign"


def test_whoever_has_no_name_yet_may_look_and_say_it(page: Page) -> None:
    with TestClient(page.app, "http://127.0.0.1", headers={"X-Nextlabel": "1"}) as browser:
        assert browser.get("/api/campaign").status_code == 401
        came = browser.get(f"/enter?token={page.people.token}", follow_redirects=False)
        assert (came.status_code, came.headers["location"]) == (303, "/")
        cookie = came.headers["set-cookie"]
        assert re.search(r"HttpOnly; .*SameSite=strict", cookie)
        assert browser.get("/api/campaign").json()["person"] == ""
        refused = browser.post("/api/next", json={})
        assert (refused.status_code, refused.json()["error"]["kind"]) == (401, "name")
        named = browser.post("/api/name", json={"name": " Zoë "})
        assert named.json() == {"name": "Zoë", "role": "owner"}
        assert len(browser.post("/api/next", json={"want": 2}).json()["items"]) == 2
        assert browser.get("/").status_code == 200
        browser.get(f"/enter?token={page.people.token}")
        assert browser.get("/api/campaign").json()["person"] == "Zoë"  # still


def test_a_wrong_token_is_refused_and_many_are_put_off(page: Page) -> None:
    with TestClient(page.app, "http://127.0.0.1") as browser:
        assert browser.get("/enter?token=wrong").status_code == 401
        for _ in range(9):
            assert browser.get("/api/campaign", headers={"Authorization": "Bearer no"}).status_code == 401
        late = browser.get("/api/campaign", headers={"Authorization": "Bearer no"})
        assert (late.status_code, late.headers["retry-after"]) == (429, "60")
        assert browser.get("/enter?token=wrong").status_code == 429


@pytest.mark.parametrize(
    ("number", "received"), [("abc", "'abc'"), ("-1", "'-1'"), ("0", "0"), ("31", "31"), ("9" * 60, "'9999")]
)
def test_an_item_that_is_none_is_named_as_it_was_asked_for(page: Page, number: str, received: str) -> None:
    with page.client() as ann:
        refused = ann.get(f"/api/item/{number}")
    assert refused.status_code == 404
    assert f"; received {received}" in refused.json()["error"]["message"]


def test_a_fault_of_the_server_claims_only_what_is_known(page: Page) -> None:
    """Broken on purpose: no answer may promise what nobody looked at."""
    del page.desk.settings
    with TestClient(page.app, "http://127.0.0.1", raise_server_exceptions=False) as browser:
        headers = {"Authorization": f"Bearer {page.people.token}", "X-Nextlabel": "1"}
        broke = browser.post("/api/next", json={}, headers=headers)
    assert broke.status_code == 500
    said = broke.json()["error"]
    assert said["kind"] == "fault"
    assert "Nothing was lost" not in said["message"]
    assert "whether this call was done is not known" in said["message"]


def test_every_page_is_there_for_its_roles(page: Page) -> None:
    with page.client() as ann:
        for path in ("/", "/status", "/items", "/history", "/export", "/item?number=3"):
            shown = ann.get(path)
            assert shown.status_code == 200, path
            assert "default-src 'none'" in shown.headers["content-security-policy"]
            assert shown.headers["cache-control"] == "no-store"
        assert ann.get("/item?number=31").status_code == 404
        assert ann.get("/nowhere").status_code == 404
        assert ann.get("/api/nowhere").json()["error"]["kind"] == "missing"
        assert ann.get("/api/next").status_code == 405
        assert ann.get("/static/../people.py").status_code == 404
    with TestClient(page.app, "http://127.0.0.1") as stranger:
        assert stranger.get("/").status_code == 401
        assert stranger.get("/media/0").status_code == 401


def test_what_is_meant_for_another_campaign_is_not_done(page: Page) -> None:
    """Another one may be served at the address that a window still shows."""
    with page.client() as ann:
        here = ann.get("/api/campaign").json()["id"]
        (one,) = give(ann, 1)
        said = {"actions": [{"request": "r1", **answer(one)}]}
        refused = ann.post("/api/actions", json=said, headers={"X-Nextlabel-Campaign": "0123abcd"})
        assert refused.status_code == 409
        assert refused.json()["error"]["kind"] == "another"
        assert f"meant for campaign '0123abcd'; campaign {here!r} is served" in refused.text
        assert act(ann)["progress"]["labelled"] == 0
        assert ann.get("/api/status", headers={"X-Nextlabel-Campaign": "x"}).status_code == 409
        done = ann.post("/api/actions", json=said, headers={"X-Nextlabel-Campaign": here})
        assert done.json()["results"] == [{"request": "r1", "ok": True}]
    without = TestClient(page.app, "http://127.0.0.1", headers={"X-Nextlabel": "1"})
    refused = without.post("/api/next", json={}, headers={"X-Nextlabel-Campaign": "x"})
    assert refused.json()["error"]["kind"] == "another"  # said before anything is asked for
