"""Calls that nobody meant, made from the description: refused in words, and never a fault of the server."""

import json
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
