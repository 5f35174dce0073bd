"""What the page of the status says, where a campaign begins, where it ends, and where little is known."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, final

import pytest
from starlette.testclient import TestClient

from nextlabel import Campaign, classes
from nextlabel.campaign.planning import Plan
from nextlabel.cli.beginning import FILE
from nextlabel.server.app import make_app
from nextlabel.server.chronicle import Chronicle
from nextlabel.server.desk import Desk
from nextlabel.server.people import People
from nextlabel.server.settings import Settings
from nextlabel.server.training import Training
from nextlabel.stores.sqlite import SQLiteStore


@final
class Page:
    """A desk over some texts; its trainer, which is not started, has nothing to do."""

    def __init__(self, folder: Path, items: int, told: "dict[str, dict[str, str]] | None" = None) -> None:
        rows = "".join(f"{one},item number {one}\n" for one in range(items))
        (folder / "items.csv").write_text(f"key,body\n{rows}")
        pool = {"name": "csv", "path": str(folder / "items.csv"), "text": "body", "id": "key"}
        learner = {"name": "sklearn", "estimator": "logistic", "features": "tfidf"}
        path = folder / "a.db"
        with Campaign.create(path, pool, learner, "random", classes("no", "yes"), 0, control=0.1) as whole:
            for who, labels in (told or {}).items():
                whole.tell(labels, annotator=who)
            read = whole.pool
        people, _ = People.beside(path, {}, is_local=True)
        training = Training(path, 20)
        training._hear({"said": "plan", "plan": None, "changed": 10**6})
        campaign = Campaign.open(path, only_answers=True)
        chronicle = Chronicle(SQLiteStore(path, read_only=True))
        self.desk = Desk(campaign, read, chronicle, training, people, Settings(), lambda: 1_000_000.0)
        self._key = people.token

    def client(self) -> TestClient:
        headers = {
            "Authorization": f"Bearer {self._key}",
            "X-Nextlabel": "1",
            "X-Nextlabel-Person": "ann",
        }
        return TestClient(make_app(self.desk), "http://127.0.0.1", headers=headers)

    def words(self) -> str:
        with self.client() as ann:
            return ann.get("/status").text


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[..., Page]]:
    pages: list[Page] = []

    def make(*given: Any) -> Page:
        pages.append(Page(tmp_path, *given))
        return pages[-1]

    yield make
    for one in pages:
        one.desk.close()


def test_without_labels_there_is_no_model_to_be_up_to_date(made: Callable[..., Page]) -> None:
    words = made(600).words()
    assert "There is no model yet: it learns once items are labelled." in words
    assert "up to date" not in words
    assert "It begins with the first look, at 50 answered control items." in words


def test_without_control_items_no_curve_is_promised(made: Callable[..., Page]) -> None:
    words = made(30).words()
    assert "it is drawn from control items, and none are asked in this campaign" in words
    assert "It begins with the first look" not in words


def test_labels_that_a_file_came_with_are_nobodys(made: Callable[..., Page]) -> None:
    page = made(30, {FILE: {"0": "no", "1": "yes"}, "bob": {"2": "no"}})
    with page.client() as ann:
        people = {
            one["name"]: (one["role"], one["labels"]) for one in ann.get("/api/status").json()["people"]
        }
    assert people == {FILE: ("file", 2), "bob": ("owner", 1)}
    row = page.words().partition(f"<bdi>{FILE}</bdi>")[2].partition("</tr>")[0]
    assert "labels that were there at the beginning" in row
    assert "owner" not in row
    assert "<time" not in row
    assert "not yet" not in row


def test_a_certificate_without_a_model_is_refused_in_words_for_the_page(made: Callable[..., Page]) -> None:
    page = made(30, {"bob": {"2": "no"}})
    with page.client() as ann:
        refused = ann.post("/api/certificate", json={"size": 5})
    assert (refused.status_code, refused.json()["error"]["kind"]) == (409, "campaign")
    message = refused.json()["error"]["message"]
    assert "there is none yet (1 label). Label some more" in message
    assert "fit()" not in message


def test_no_certificate_is_offered_where_every_item_is_labelled(made: Callable[..., Page]) -> None:
    page = made(30, {"bob": {str(one): "no" for one in range(29)}})
    last = {"kind": "answer", "request": "r", "id": "29", "label": "yes"}
    with page.client() as ann:
        assert 'id="certify"' in ann.get("/status").text
        done = ann.post("/api/actions", json={"actions": [last], "want": 0}).json()
        assert done["results"] == [{"request": "r", "ok": True}]
        assert 'id="certify"' not in ann.get("/status").text


def test_settings_of_a_strategy_are_folded_away(made: Callable[..., Page]) -> None:
    page = made(30)
    page.desk._training.plan = Plan(
        0, 1, ("1",), None, None, None, {"name": "margin", "of": "proba"}, "", why="unsure: because"
    )
    folded = page.words().partition("Strategy: <strong>margin</strong>. Unsure: because")[2]
    before, _, after = folded.partition("<code>")
    assert "<details>" in before
    assert after.partition("</details>")[0].startswith("{")
