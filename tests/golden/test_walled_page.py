"""What is measured by is labelled blind: no page shows what the model says of it, before or after."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from starlette.testclient import TestClient

from nextlabel import Campaign, classes
from nextlabel.server.app import make_app
from nextlabel.server.chronicle import Chronicle
from nextlabel.server.desk import Desk
from nextlabel.server.people import People
from nextlabel.server.predictions import Predictions
from nextlabel.server.settings import Settings
from nextlabel.server.training import Training
from nextlabel.stores.sqlite import SQLiteStore


class Page:
    """A desk over 600 texts, of which the model says yes; people say no."""

    def __init__(self, folder: Path, *, has_suggestions: bool = True, **options: Any) -> None:
        rows = "".join(f"{one},item number {one}\n" for one in range(600))
        (folder / "items.csv").write_text(f"key,body\n{rows}")
        pool = {"name": "csv", "path": str(folder / "items.csv"), "text": "body", "id": "key"}
        learner = {"name": "sklearn", "estimator": "logistic", "features": "tfidf"}
        path = folder / "a.db"
        with Campaign.create(path, pool, learner, "random", classes("no", "yes"), 0, **options) as whole:
            read = whole.pool
        now = 1_000_000.0
        people, _ = People.beside(path, {}, is_local=True)
        self.training = Training(path, 20)
        campaign = Campaign.open(path, clock=lambda: now, only_answers=True)
        chronicle = Chronicle(SQLiteStore(path, read_only=True))
        settings = Settings(file="items.csv", has_suggestions=has_suggestions)
        self.desk = Desk(campaign, read, chronicle, self.training, people, settings, lambda: now)
        self.app = make_app(self.desk)
        self.token = people.token
        places = np.arange(600, dtype=np.int64)
        sure = np.linspace(0.9, 0.5, 600)
        self.training.predictions = Predictions.made("m", ("no", "yes"), places, ["yes"] * 600, sure)

    def client(self, name: str = "ann") -> TestClient:
        headers = {"Authorization": f"Bearer {self.token}", "X-Nextlabel": "1", "X-Nextlabel-Person": name}
        return TestClient(self.app, "http://127.0.0.1", headers=headers)

    def number(self, id: str) -> int:
        return self.desk.state.roster.index[id] + 1


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    page = Page(tmp_path, control=0.2)
    yield page
    page.desk.close()


def act(client: TestClient, *actions: dict[str, Any]) -> list[dict[str, Any]]:
    made = [{"request": uuid4().hex, **one} for one in actions]
    said = client.post("/api/actions", json={"actions": made, "want": 0}).json()["results"]
    assert all(one["ok"] for one in said), said
    return list(said)


def answered(client: TestClient, want: int = 50) -> list[dict[str, Any]]:
    """Items that somebody was given and answered with no, as they were given."""
    items = client.post("/api/next", json={"want": want}).json()["items"]
    said = ({"kind": "answer", "id": one["id"], "label": "no", "token": one["token"]} for one in items)
    act(client, *said)
    return list(items)


def listed(client: TestClient, query: str = "") -> list[dict[str, Any]]:
    first = client.get(f"/api/items?size=200&{query}").json()
    pages = range(2, first["pages"] + 1)
    more = (client.get(f"/api/items?size=200&page={one}&{query}").json()["items"] for one in pages)
    return [one for part in (first["items"], *more) for one in part]


def test_an_answered_control_item_is_listed_without_a_word_of_the_model(page: Page) -> None:
    walled = page.desk.state.walled
    with page.client() as ann:
        given = answered(ann)
        control = {one["id"] for one in given} & walled
        assert len(control) >= 5
        shown = {one["id"]: one["suggestion"] for one in listed(ann)}
        apart = {one["id"] for one in listed(ann, "filter=disagreement")}
    assert {id for id, said in shown.items() if said is None} == walled
    assert apart == {one["id"] for one in given} - walled  # all others, since the model says yes of each


@pytest.mark.parametrize("sort", ["confidence", "disagreement"])
def test_no_order_of_items_tells_what_the_model_says_of_control_items(page: Page, sort: str) -> None:
    """They stand last, in the order of the file, whatever the model says of them and they were called."""
    with page.client() as ann:
        answered(ann)
        first = [one["id"] for one in listed(ann, f"sort={sort}&filter=labelled")]
        state = page.desk.state
        kept = page.training.predictions
        assert kept is not None
        places = np.arange(600, dtype=np.int64)
        sure = kept.confidence.copy()
        sure[[state.roster.index[id] for id in state.walled]] = 0.99 - sure[:1]
        page.training.predictions = Predictions.made("n", ("no", "yes"), places, ["yes"] * 600, sure)
        then = [one["id"] for one in listed(ann, f"sort={sort}&filter=labelled")]
    assert first == then
    control = [id for id in first if id in state.walled]
    assert first[-len(control) :] == control == sorted(control, key=state.roster.index.__getitem__)


def test_pages_of_answered_control_items_say_nothing_of_the_model(page: Page) -> None:
    with page.client() as ann:
        given = answered(ann)
        control = next(one for one in given if one["id"] in page.desk.state.walled)
        other = next(one for one in given if one["id"] not in page.desk.state.walled)
        blind, seen = (ann.get(f"/api/item/{page.number(one['id'])}").json() for one in (control, other))
        assert (blind["suggestion"], blind["model"]) == (None, None)
        assert (seen["suggestion"]["label"], seen["model"]) == ("yes", "m")
        pages = [ann.get(f"/item?number={page.number(one['id'])}").text for one in (control, other)]
        history = ann.get("/api/history?limit=500").json()["entries"]
    assert ["The model says" in one for one in pages] == [False, True]
    assert not any("suggestion" in one for one in history)


def test_an_answer_that_is_taken_back_comes_without_a_suggestion(page: Page) -> None:
    with page.client() as ann:
        given = answered(ann)
        undone = [act(ann, {"kind": "undo"})[0]["undone"]["item"] for _ in given]
    walled = page.desk.state.walled
    assert {one["id"] for one in undone if one["suggestion"] is None} == {
        one["id"] for one in given if one["id"] in walled
    }


def test_what_was_set_aside_shows_the_model_once_it_is_released(page: Page) -> None:
    with page.client() as ann:
        given = answered(ann)
        control = next(one["id"] for one in given if one["id"] in page.desk.state.walled)
        assert ann.post("/api/release", json={}).status_code == 200
        assert ann.get(f"/api/item/{page.number(control)}").json()["suggestion"] is not None
        assert control in {one["id"] for one in listed(ann, "filter=disagreement")}


def test_who_has_labelled_all_but_the_reserve_is_told_how_to_go_on(tmp_path: Path) -> None:
    page = Page(tmp_path, control=0.1)
    state = page.desk.state
    assert page.desk.path is not None
    with Campaign.open(page.desk.path) as other:
        other.tell(dict.fromkeys((id for id in state.ids if id not in state.walled), "no"))
    with page.client() as ann:
        while said := ann.post("/api/next", json={"want": 50}).json():
            if not said["items"]:
                break
            answers = ({"kind": "skip", "id": one["id"], "token": one["token"]} for one in said["items"])
            act(ann, *answers)
        assert "items are left that were set aside to measure quality by" in said["waiting"]
        assert '"Label the rest" on the page Status' in said["waiting"]
        assert "/api" not in said["waiting"]
        ann.post("/api/release", json={})
        assert len(ann.post("/api/next", json={"want": 5}).json()["items"]) == 5
    page.desk.close()


def test_the_second_of_two_people_is_not_told_either(tmp_path: Path) -> None:
    page = Page(tmp_path, control=0.2, overlap=2)
    with page.client() as ann, page.client("bob") as bob:
        mine = {one["id"] for one in answered(ann)}
        given = bob.post("/api/next", json={"want": 50}).json()["items"]
    page.desk.close()
    control = [one for one in given if one["id"] in mine & page.desk.state.walled]
    assert control
    assert [one["suggestion"] for one in control] == [None] * len(control)


def test_the_sample_of_a_certificate_is_listed_without_a_word_of_the_model(tmp_path: Path) -> None:
    page = Page(tmp_path, control=0)
    with page.client() as ann:
        answered(ann, 10)
        act(ann, {"kind": "answer", "id": "0", "label": "yes"})
        assert page.desk.path is not None
        with Campaign.open(page.desk.path) as whole:
            whole.fit()
        drawn = ann.post("/api/certificate", json={"size": 20})
        assert drawn.json() == {"size": 20}
        given = answered(ann, 20)
        sample = set(page.desk.state.sample)
        assert {one["id"] for one in given} == sample
        assert [one["suggestion"] for one in given] == [None] * 20
        quiet = {one["id"] for one in listed(ann) if one["suggestion"] is None}
        apart = {one["id"] for one in listed(ann, "filter=disagreement")}
    page.desk.close()
    assert quiet == sample
    assert apart
    assert not apart & sample


def test_without_suggestions_no_page_says_what_the_model_says(tmp_path: Path) -> None:
    page = Page(tmp_path, has_suggestions=False, control=0)
    with page.client() as ann:
        given = answered(ann)
        whole = ann.get(f"/api/item/{page.number(given[0]['id'])}").json()
        text = ann.get(f"/item?number={page.number(given[0]['id'])}").text
        undone = act(ann, {"kind": "undo"})[0]["undone"]["item"]
        found = ann.get("/items").text
        assert [one["suggestion"] for one in (*given, *listed(ann), undone, whole)] == [None] * 652
        assert listed(ann, "filter=disagreement") == []
        assert [one["id"] for one in listed(ann, "sort=confidence")] == list(page.desk.state.ids)
    page.desk.close()
    assert "The model says" not in text
    assert not any(words in found for words in ("disagree", "least sure", ">Model<"))
    assert "as in the file" in found
