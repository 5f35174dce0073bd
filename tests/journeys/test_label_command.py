"""``nextlabel label`` as people start it: how it begins, goes on, ends, and what happens to the trainer."""

import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest
from typer.testing import CliRunner

from nextlabel import Campaign, classes
from nextlabel.cli.app import app
from nextlabel.errors import ParameterError
from nextlabel.testing.serving import Serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and processes of POSIX systems")

GOOD, BAD = ("delightful", "warm", "clever"), ("dreadful", "dull", "silly")
OPTIONS = ("--text", "body", "--labels", "good,bad", "--id", "key")


def reviews(folder: Path, items: int = 200) -> Path:
    file = folder / "reviews.csv"
    rows = (f"{one},a {(GOOD, BAD)[one % 2][one % 3]} film of {one} minutes\n" for one in range(items))
    file.write_text("key,body\n" + "".join(rows))
    return file


def client(serving: Serving, name: str = "ann") -> httpx.Client:
    key = serving.journal.with_name(f"{serving.journal.name}.key").read_text().strip()
    headers = {"Authorization": f"Bearer {key}", "X-Nextlabel": "1", "X-Nextlabel-Person": name}
    return httpx.Client(base_url=serving.base, headers=headers, timeout=30)


def truth(item: dict[str, Any]) -> str:
    return "good" if any(word in item["view"]["text"] for word in GOOD) else "bad"


def answers(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "kind": "answer",
            "request": uuid4().hex,
            "id": one["id"],
            "label": truth(one),
            "token": one["token"],
        }
        for one in items
    ]


def label(caller: httpx.Client, times: int, want: int = 5) -> dict[str, Any]:
    """Answer so many batches; the progress at the end."""
    items = caller.post("/api/next", json={"want": want}).json()["items"]
    said: dict[str, Any] = {}
    for _ in range(times):
        said = caller.post("/api/actions", json={"actions": answers(items), "want": want}).json()
        assert all(one["ok"] for one in said["results"]), said["results"]
        items = said["items"]
    progress: dict[str, Any] = said["progress"]
    return progress


def training(caller: httpx.Client) -> dict[str, Any]:
    said: dict[str, Any] = caller.get("/api/status").json()["training"]
    return said


def suggested(caller: httpx.Client) -> list[dict[str, Any]]:
    """The items that somebody holds, once each comes with a suggestion."""
    items: list[dict[str, Any]] = caller.post("/api/next", json={"want": 5}).json()["items"]
    return items if all(one["suggestion"] for one in items) else []


def until(holds: Callable[[], Any], seconds: float = 120) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError("it does not hold in time")


def trainer(serving: Serving) -> psutil.Process:
    found: list[psutil.Process] = until(
        lambda: [
            one
            for one in psutil.Process(serving.pid).children(recursive=True)
            if "nextlabel.server.trainer" in one.cmdline()
        ]
    )
    return found[0]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    with Serving(reviews(tmp_path), *OPTIONS) as made:
        yield made


def test_it_begins_labels_ends_and_goes_on(serving: Serving) -> None:
    with client(serving) as ann:
        assert label(ann, 3)["labelled"] == 15
        until(lambda: training(ann)["state"] == "idle" and training(ann)["model_labels"] == 15)
        process = trainer(serving)
    assert serving.stop() == 0
    assert serving.said.rstrip().splitlines()[-1] == (
        f"15 items labelled, all in {serving.journal}. To go on: nextlabel label {serving.journal}"
    )
    assert not process.is_running()
    serving.start()
    with client(serving) as ann:
        assert ann.get("/api/campaign").json()["items"] == 200
        assert label(ann, 1)["labelled"] == 20
    journal = serving.journal
    left = {"reviews.csv", "reviews.csv.log", "reviews.db", "reviews.db.key", "reviews.db.models"}
    assert {one.name for one in journal.parent.iterdir()} - {"reviews.db-journal"} == left


def test_a_server_that_is_killed_leaves_no_orphan(serving: Serving) -> None:
    process = trainer(serving)
    serving.kill()
    until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, 10)


def test_asked_to_end_it_ends_in_order(serving: Serving) -> None:
    process = trainer(serving)
    server = psutil.Process(serving.pid)
    server.send_signal(signal.SIGTERM)
    server.wait(20)
    assert "To go on: nextlabel label" in serving.said
    assert not process.is_running()


def test_a_trainer_that_is_killed_comes_back_and_labelling_goes_on(serving: Serving) -> None:
    with client(serving) as ann:
        label(ann, 4)
        until(lambda: training(ann)["model_labels"] == 20)
        first = trainer(serving)
        first.kill()
        assert label(ann, 2)["labelled"] == 30
        until(lambda: training(ann)["model_labels"] == 30)
        assert trainer(serving).pid != first.pid
        assert training(ann)["starts"] == 2


def test_a_model_whose_file_is_damaged_is_fitted_again(serving: Serving) -> None:
    with client(serving) as ann:
        label(ann, 4)
        until(lambda: training(ann)["state"] == "idle" and training(ann)["model_labels"] == 20)
    serving.stop()
    models = serving.journal.with_name(f"{serving.journal.name}.models")
    for file in models.rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[:100])
    serving.start()
    with client(serving) as ann:
        shown = until(lambda: suggested(ann))  # some time after the plan: the whole pool is predicted first
        assert training(ann)["model_labels"] == 20
    assert len(shown) == 5


def test_a_model_without_memory_fails_and_labelling_goes_on(tmp_path: Path) -> None:
    with Serving(reviews(tmp_path), *OPTIONS, "--model-memory", "0.1") as made, client(made) as ann:
        assert label(ann, 3)["labelled"] == 15
        failed = until(lambda: training(ann)["message"] and training(ann))
        assert failed["model_labels"] == 0
        assert label(ann, 1)["labelled"] == 20


def test_a_port_that_is_taken_gives_way_to_the_next(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Serving(reviews(tmp_path), *OPTIONS, "--port", str(port)) as made:
            assert made.port != port
            assert f"Port {port} is taken; this is {made.port}." in made.said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--labels", "good,worse"), "--labels must be what the journal reviews.db began with, good, bad"),
        (("--overlap", 2), "--overlap must be what the journal reviews.db began with, 1; received 2"),
        (("--text", "key"), "--text must be what the journal reviews.db began with, body; received key"),
        (("--host", "0.0.0.0"), "every person needs a token of their own"),
        (
            ("--host", "192.0.2.1", "--people", "a:owner"),
            "--host and --port must be an address of this machine",
        ),
        (("--people", "a:boss"), "received 'a:boss'"),
        (("--guidelines", "none.txt"), "--guidelines must be a text file in UTF-8; none.txt is not"),
    ],
)
def test_what_contradicts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[object, ...], says: str
) -> None:
    file = reviews(tmp_path)
    journal = tmp_path / "reviews.db"
    pool = {"name": "csv", "path": str(file), "text": "body", "id": "key"}
    learner = {"name": "sklearn", "estimator": "logistic", "features": "tfidf"}
    with Campaign.create(journal, pool, learner, "auto", classes("good", "bad"), 0, control=0.1):
        pass
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["label", "reviews.csv", "--no-open", *map(str, words)])
    assert isinstance(done.exception, ParameterError)
    assert says in str(done.exception)


def test_people_elsewhere_get_addresses_of_their_own_once(tmp_path: Path) -> None:
    named = ("--host", "0.0.0.0", "--people", "ann:annotator,bob:owner")
    with Serving(reviews(tmp_path), *OPTIONS, *named) as made:
        until(lambda: "Ctrl-C" in made.said)
        pattern = r"^(ann|bob) \((\w+)\): http://(\S+:\d+)/enter\?token=(\S+)$"
        found = re.findall(pattern, made.said, re.MULTILINE)
        assert [one[:2] for one in found] == [("ann", "annotator"), ("bob", "owner")]
        for name, role, where, token in found:
            assert not where.startswith("127.0.0.1:")  # which on their machine is their own
            headers = {"Authorization": f"Bearer {token}", "Host": where}
            with httpx.Client(base_url=made.base, headers=headers) as caller:
                about = caller.get("/api/campaign").json()
                assert (about["person"], about["role"]) == (name, role)


def test_ten_thousand_rows_show_their_first_item_within_ten_seconds(tmp_path: Path) -> None:
    file = reviews(tmp_path, 10_000)
    begun = time.monotonic()
    with Serving(file, *OPTIONS) as made, client(made) as ann:
        items = ann.post("/api/next", json={"want": 5}).json()["items"]
        took = time.monotonic() - begun
        assert len(items) == 5
        assert ann.get("/").status_code == 200
    assert took < 10


def test_a_window_on_many_items_is_said(tmp_path: Path) -> None:
    with Serving(reviews(tmp_path, 700), *OPTIONS, "--candidates", "100") as made, client(made) as ann:
        assert "Of 700 items the model sees 100 at a time, drawn at random" in made.said
        assert ann.get("/api/campaign").json()["candidates"] == 100
        assert label(ann, 6)["labelled"] == 30
        until(lambda: training(ann)["state"] == "idle" and training(ann)["model_labels"])


def test_what_the_training_says_of_itself_is_on_the_status_page(tmp_path: Path) -> None:
    learner = '{"name": "self_training", "of": {"name": "sklearn", "features": "tfidf"}}'
    with Serving(reviews(tmp_path), *OPTIONS, "--learner", learner) as made, client(made) as ann:
        assert training(ann)["remarks"] == []
        assert label(ann, 3)["labelled"] == 15
        (said,) = until(lambda: training(ann)["remarks"])
        assert re.fullmatch(r"Trained on \d+ labels of its own too, of \d+ items that it looked at\.", said)
        assert said in ann.get("/status").text


def test_labels_told_by_a_command_appear_at_once(serving: Serving) -> None:
    with client(serving) as ann:
        with Campaign.open(serving.journal, only_answers=True) as other:
            other.tell({"0": "good", "1": "bad"}, annotator="bob")
        until(lambda: ann.get("/api/items?filter=labelled").json()["total"] == 2, 5)
        status = ann.get("/api/status").json()
        assert [one["name"] for one in status["people"]] == ["bob"]


def test_quality_is_looked_at_and_a_certificate_is_given(tmp_path: Path) -> None:
    with Serving(reviews(tmp_path, 600), *OPTIONS, "--control", "0.2") as made, client(made) as ann:
        assert label(ann, 6, 50)["labelled"] == 300
        quality = until(lambda: (said := ann.get("/api/status").json()["quality"])["looks"] and said)
        assert "Accuracy on new items like the 600 of the pool" in quality["sentence"]
        until(lambda: training(ann)["state"] == "idle")
        held = ann.post("/api/next", json={"want": 50}).json()["items"]
        ann.post("/api/actions", json={"actions": answers(held), "want": 0})
        begun = ann.post("/api/certificate", json={"size": 30})
        assert begun.json() == {"size": 30}, begun.text
        sample = ann.post("/api/next", json={"want": 50}).json()["items"]
        assert len(sample) == 30
        assert [one["suggestion"] for one in sample] == [None] * 30
        ann.post("/api/actions", json={"actions": answers(sample), "want": 0})
        found = until(
            lambda: (said := ann.get("/api/status").json()["certificate"])["state"] == "done" and said
        )
        assert found["newest"]["sample"] == 30
        assert "nobody had labelled, 30 were drawn and checked" in found["sentence"]
