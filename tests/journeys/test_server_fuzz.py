"""Calls that nobody meant, made from the description: refused in words, and never a fault of the server."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from starlette.testclient import TestClient

from nextlabel import Campaign, classes
from nextlabel.campaign.rebuilding import rebuilt_pool
from nextlabel.core.registry import build
from nextlabel.server.app import make_app
from nextlabel.server.chronicle import Chronicle
from nextlabel.server.desk import Desk
from nextlabel.server.openapi import CALLS, description
from nextlabel.server.people import People
from nextlabel.server.schema import check
from nextlabel.server.schemas import SCHEMAS
from nextlabel.server.settings import Settings
from nextlabel.server.training import Training

Page = TestClient
schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis: pip install schemathesis")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    (folder / "items.csv").write_text("key,body\n" + "".join(f"{one},text {one}\n" for one in range(40)))
    pool = {"name": "csv", "path": str(folder / "items.csv"), "text": "body", "id": "key"}
    learner = {"name": "sklearn", "estimator": "logistic", "features": "tfidf"}
    journal = folder / "a.db"
    with Campaign.create(journal, pool, learner, "margin", classes("no", "yes"), 0):
        pass
    people, _ = People.beside(journal, {}, is_local=True)
    campaign = Campaign.open(journal, only_answers=True)
    chronicle = Chronicle(build("store", {"name": "sqlite", "path": str(journal), "read_only": True}))
    items = rebuilt_pool(campaign.state, folder)
    desk = Desk(campaign, items, chronicle, Training(journal, 20), people, Settings(), lambda: 1e9)
    headers = {"Authorization": f"Bearer {people.token}", "X-Nextlabel-Person": "ann", "X-Nextlabel": "1"}
    with TestClient(make_app(desk), "http://127.0.0.1", headers=headers) as client:
        yield client


def seeded(page: Page) -> dict[str, Any]:
    """The description with what there is in it, so that calls are not only made but do something."""
    items = page.post("/api/next", json={"want": 20}).json()["items"]
    said = description()
    schemas = said["components"]["schemas"]
    there = {
        "id": {"enum": [one["id"] for one in items]},
        "token": {"enum": [*{one["token"] for one in items}, None]},
        "label": {"enum": ["no", "yes"]},
        "suggestion": {"enum": ["no", "yes", None]},
    }
    for name in ("Answer", "Skip", "Flag", "Note", "Retract"):
        properties = schemas[name]["properties"]
        properties.update({key: one for key, one in there.items() if key in properties})
    schemas["Heartbeat"]["properties"]["tokens"]["items"] = {"enum": there["token"]["enum"][:-1]}
    schemas["Actions"]["properties"]["actions"].update(minItems=3, maxItems=12)
    return dict(said)


def test_calls_that_mean_something_do_it_and_are_no_fault_of_the_server(page: Page) -> None:
    described = schemathesis.openapi.from_dict(seeded(page))
    done = Counter[str]()

    @given(described["/api/actions"]["POST"].as_strategy())
    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    def fuzz(case: Any) -> None:
        # what one request has done is not done again, so each needs its own
        for place, one in enumerate(case.body["actions"]):
            one["request"] = f"{sum(done.values())} {place} {one['request']}"[:200]
        answer = send(page, case)
        if answer.status_code != 200:
            assert answer.status_code == 400, answer.text
            return
        check(answer.json(), SCHEMAS["ActionsDone"], "answer")
        for sent, one in zip(case.body["actions"], answer.json()["results"], strict=True):
            done[sent["kind"]] += one["ok"]

    @given(described["/api/heartbeat"]["POST"].as_strategy())
    @settings(max_examples=5, suppress_health_check=list(HealthCheck))
    def beat(case: Any) -> None:
        answer = send(page, case)
        assert answer.status_code == 200, answer.text

    fuzz()
    beat()
    assert set(done) == {"answer", "skip", "flag", "note", "retract", "undo"}
    assert all(done.values()), done
    history = page.get("/api/history?limit=500").json()["entries"]
    assert {one["kind"] for one in history} == {"answer", "skip", "flag", "note", "retract", "undo"}
    assert any(one["undone"] for one in history)


@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize(("method", "path"), sorted(CALLS))
def test_no_call_is_a_fault_of_the_server(page: Page, method: str, path: str, mode: str) -> None:
    described = schemathesis.openapi.from_dict(description())
    cases = described[path][method].as_strategy(generation_mode=schemathesis.GenerationMode(mode))

    @given(cases)
    @settings(max_examples=6, suppress_health_check=list(HealthCheck))
    def fuzz(case: Any) -> None:
        answer = send(page, case)
        assert answer.status_code < 500, (case.body, answer.text)
        if answer.status_code != 200:
            assert set(answer.json()["error"]) == {"message", "kind"}
        elif CALLS[method, path]["answer"] is not None:
            check(answer.json(), SCHEMAS[CALLS[method, path]["answer"]], "answer")

    fuzz()


def send(page: Page, case: Any) -> Any:
    """A made call, with the token of somebody who may do everything."""
    body: dict[str, Any] = {}
    if isinstance(case.body, bytes):
        body = {"content": case.body}
    elif not isinstance(case.body, schemathesis.core.NotSet):
        body = {"content": json.dumps(case.body), "headers": {"Content-Type": "application/json"}}
    query = {name: str(value) for name, value in (case.query or {}).items()}
    return page.request(case.method, quote(case.formatted_path, safe="/%"), params=query, **body)
