"""An overlap, candidates and a certificate, seen from the command line."""

import json
import sqlite3
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from nextlabel import Campaign, classes
from nextlabel.cli.doctor import doctor
from nextlabel.cli.main import main


def call(*words: object, cwd: Path) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    code: object = 0
    with mock.patch("sys.argv", ["nextlabel", *map(str, words)]):  # as a shell gives them
        try:
            with redirect_stdout(out), redirect_stderr(err), chdir(cwd):
                main()
        except SystemExit as end:
            code = end.code or 0
    return int(str(code)), out.getvalue(), err.getvalue()


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    lines = ["body", *(f"the film number {one} was {'fine' if one % 2 else 'dull'}" for one in range(30))]
    (tmp_path / "films.csv").write_text("\n".join(lines), encoding="utf-8")
    pool = {"name": "csv", "path": "films.csv", "text": "body"}
    with chdir(tmp_path):
        learner = {"name": "sklearn", "features": {"name": "tfidf"}}
        task = classes("fine", "dull")
        made = Campaign.create(Path("films.db"), pool, learner, "margin", task, 0, overlap=2, candidates=20)
        with made:
            made.tell({id: "fine" for id in made.state.ids[:2]}, annotator="Ada")
            made.tell({id: "dull" for id in made.state.ids[2:5]}, annotator="Ada")
            made.fit()
    return tmp_path


def status(folder: Path) -> dict[str, object]:
    code, out, err = call("status", "films.db", "--json", cwd=folder)
    assert (code, err) == (0, "")
    said: dict[str, object] = json.loads(out)
    return said


def test_several_people_are_asked_the_same(campaign: Path) -> None:
    code, _, err = call("ask", "films.db", cwd=campaign)
    assert code == 2
    assert "--holder must say who is going to label: this campaign asks 2 different people" in err
    code, said, err = call("ask", "films.db", "--holder", "Bob", "--batch", 5, cwd=campaign)
    assert (code, err) == (0, "")
    assert said.startswith("5 items to label")
    with Campaign.open(campaign / "films.db", only_answers=True) as one:
        first = [entry for entry in one.journal() if entry["event"] == "asked"][-1]
        assert first["ids"] == list(one.state.ids[:5])  # those that Ada has begun
    figures = status(campaign)
    assert (figures["overlap"], figures["candidates"], figures["waiting"]) == (2, 20, 5)
    code, text, _ = call("status", "films.db", cwd=campaign)
    assert "overlap: 2 people are asked each item" in text
    assert "candidates: the strategy sees 20 items at first" in text
    assert "answered or skipped by fewer people than are wanted" in text
    assert text.rstrip().endswith("nextlabel ask films.db")


def test_the_status_counts_a_certificate_apart(campaign: Path) -> None:
    before = status(campaign)
    with Campaign.open(campaign / "films.db", only_answers=True) as one:
        sample = one.certify(10)
        one.tell(dict.fromkeys(sample[:4], "fine"), annotator="Ada")
        one.tell(dict.fromkeys(sample[:3], "fine"), annotator="Bob")
    said = status(campaign)
    assert said["certificate"] == {
        "model": before["model"]["fingerprint"],  # type: ignore[index]
        "sample": 10,
        "waiting": 7,
        "remainder": 25,
        "level": 0.05,
        "sided": "two",
    }
    assert (said["left"], said["labelled"], said["reserved"]) == (15, 9, 0)
    _, text, _ = call("status", "films.db", cwd=campaign)
    assert "certificate: 10 items drawn from the 25 that nobody had labelled, 7 of them wait" in text
    with Campaign.open(campaign / "films.db", only_answers=True) as one:
        one.release()
    assert status(campaign)["certificate"] is None


def test_the_doctor_finds_a_journal_of_now_sound(campaign: Path) -> None:
    code, said, err = call("doctor", "films.db", cwd=campaign)
    assert (code, err) == (0, "")
    assert "30 items, 5 labelled" in said


@pytest.mark.parametrize(
    ("version", "is_named"),
    [((3, 6, 23), False), ((3, 7, 0), True), ((3, 40, 1), True), ((3, 51, 2), True), ((3, 51, 3), False)],
)
def test_the_doctor_names_what_is_known_of_a_version_of_sqlite(
    version: tuple[int, int, int],
    is_named: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    doctor()
    line = next(one for one in capsys.readouterr().out.splitlines() if one.startswith("sqlite"))
    assert ("journals of nextlabel are never in that mode" in line) == is_named


def test_a_journal_is_never_in_the_mode_that_is_at_risk(campaign: Path) -> None:
    db = sqlite3.connect(campaign / "films.db")
    try:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    finally:
        db.close()
    assert np.all([not one.name.endswith(("-wal", "-shm")) for one in campaign.iterdir()])
