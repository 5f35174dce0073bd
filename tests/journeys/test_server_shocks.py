"""A running server meets a clock that jumps and a model that is damaged: nobody notices."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from nextlabel import Campaign
from nextlabel.server.predictions import predictions_file
from nextlabel.testing.serving import Serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")

# the machine's clock, as Python sees it, is ahead by what a file says
CLOCK = """
import os, time
_real, _file = time.time, os.environ["CLOCK_AHEAD"]
def _set():
    with open(_file) as said:
        return _real() + float(said.read() or 0)
time.time = _set
"""


def served(folder: Path, items: int) -> Serving:
    file = folder / "items.csv"
    rows = "".join(f"i{one},it was {('bad', 'good')[one % 2]} {one}\n" for one in range(items))
    file.write_text(f"key,body\n{rows}")
    return Serving(file, "--text", "body", "--id", "key", "--labels", "a,b", "--control", "0")


def caller(serving: Serving, person: str) -> httpx.Client:
    key = serving.journal.with_name(f"{serving.journal.name}.key").read_text().strip()
    headers = {"Authorization": f"Bearer {key}", "X-Nextlabel": "1", "X-Nextlabel-Person": person}
    return httpx.Client(base_url=serving.base, headers=headers, timeout=30)


def given(who: httpx.Client, want: int = 5) -> list[dict[str, Any]]:
    said = who.post("/api/next", json={"want": want, "have": []})
    assert said.status_code == 200, said.text
    items: list[dict[str, Any]] = said.json()["items"]
    return items


def answered(who: httpx.Client, *ids: str, tokens: "dict[str, str] | None" = None) -> None:
    actions = [
        {"kind": "answer", "request": uuid4().hex, "id": id, "label": "ab"[int(id[1:]) % 2]} for id in ids
    ]
    for action in actions:
        if tokens:
            action["token"] = tokens[action["id"]]
    said = who.post("/api/actions", json={"actions": actions, "want": 0})
    assert all(one["ok"] for one in said.json()["results"]), said.text


def until(holds: Callable[[], Any], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not hold in time"
        time.sleep(0.1)


@pytest.fixture
def ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file with the seconds by which the clock of what is started from now on is ahead."""
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(CLOCK)
    file = tmp_path / "ahead"
    file.write_text("0")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "clock"))
    monkeypatch.setenv("CLOCK_AHEAD", str(file))
    yield file
    file.write_text("0")  # the server ends after this


@pytest.mark.parametrize("jump", [3_600.0, -3_600.0])
def test_a_clock_that_is_set_gives_nobody_what_another_has_before_them(
    tmp_path: Path, ahead: Path, jump: float
) -> None:
    with served(tmp_path, 6) as serving, caller(serving, "ann") as ann, caller(serving, "bea") as bea:
        hers = {one["id"]: one["token"] for one in given(ann)}
        assert len(hers) == 5
        (last,) = given(bea)
        ahead.write_text(str(jump))
        assert [one["id"] for one in given(bea)] == [last["id"]]
        assert {one["id"] for one in given(ann)} == set(hers)
        answered(ann, *hers, tokens=hers)
        said = bea.post("/api/heartbeat", json={"tokens": [last["token"]]}).json()["expires"]
        assert abs(said[last["token"]] - time.time() - 600) < 60  # of the true clock, which this test has
    with Campaign.open(serving.journal, only_answers=True) as campaign:
        assert set(campaign.state.kept) == set(hers)
        told = [entry["at"] for entry in campaign.journal() if entry["event"] in ("asked", "told")]
    assert max(told) - min(told) < 60


def test_a_damaged_newest_model_takes_no_suggestion_away(tmp_path: Path) -> None:
    def training(who: httpx.Client) -> dict[str, Any]:
        said: dict[str, Any] = who.get("/api/status").json()["training"]
        return said

    with served(tmp_path, 200) as serving, caller(serving, "ann") as ann:
        answered(ann, *(f"i{one}" for one in range(20)))
        until(lambda: training(ann)["model_labels"] == 20 and training(ann)["state"] == "idle")
        models = predictions_file(serving.journal).parent
        until(predictions_file(serving.journal).exists)
        serving.kill()
        with Campaign.open(serving.journal, only_answers=True) as campaign:
            newest = campaign.state.newest
        assert newest is not None
        model = models / newest.model
        damaged = [one for one in (model, *model.rglob("*")) if one.is_file()]
        for one in damaged:
            one.write_bytes(one.read_bytes()[: one.stat().st_size // 2])
        assert damaged
        serving.start()
        with caller(serving, "ann") as again:
            (item,) = given(again, 1)
            assert item["suggestion"]["label"] in ("a", "b")  # at once
            answered(again, item["id"], *(f"i{one}" for one in range(190, 200)))
            until(lambda: training(again)["model_labels"] >= 30)
            assert training(again)["state"] != "failed"
            assert given(again, 1)[0]["suggestion"] is not None
