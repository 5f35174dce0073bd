"""A certificate from the command line: begun, labelled, and said."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nextlabel import Campaign
from nextlabel.cli.app import app
from nextlabel.stores.sqlite import SQLiteStore

GOOD = ("fine", "lovely", "bright")
ALL = (*GOOD, "awful", "dull", "broken")


def truth(text: str) -> str:
    return "good" if any(word in text for word in GOOD) else "bad"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A campaign of which 12 of 60 items are labelled."""
    rows = [(f"r{one}", f"a {ALL[one % 6]} film, number {one}") for one in range(60)]
    with (tmp_path / "films.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ("key", "body", "label"),
                *((key, text, truth(text) if place < 12 else "") for place, (key, text) in enumerate(rows)),
            ]
        )
    said("new", str(tmp_path / "films.csv"), "--text", "body", "--id", "key", "--strategy", "random")
    return tmp_path / "films.db"


def said(*words: str) -> str:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def label(journal: Path, batch: int) -> None:
    """Ask, fill in the sheet as the truth says, and tell it."""
    sheet = journal.with_name("sheet.csv")
    sheet.unlink(missing_ok=True)
    said("ask", str(journal), "--batch", str(batch), "--out", str(sheet))
    with sheet.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    with sheet.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "label": truth(row["body"])} for row in rows)
    said("tell", str(journal), str(sheet))


@pytest.mark.parametrize(("sided", "words"), [("two", "wrong labels are left"), ("upper", "At most")])
def test_a_certificate_is_begun_labelled_and_said(journal: Path, sided: str, words: str) -> None:
    begun = said("certify", str(journal), "--size", "10", "--sided", sided)
    assert "10 items drawn of the 48 that nobody has labelled" in begun
    label(journal, 4)
    assert "4 of 10 items are answered or skipped" in said("certify", str(journal))
    assert "10 items drawn from the 48 that nobody had labelled" in said("status", str(journal))
    label(journal, 10)  # of which 6 are left
    assert f"Next: nextlabel certify {journal}" in said("status", str(journal)).replace("\n", "")
    done = said("certify", str(journal))
    assert "Of 48 items that nobody had labelled, 10 were drawn and checked" in done
    assert words in done
    report = json.loads(said("status", str(journal), "--json"))["report"]["certificate"]
    assert report["state"] == "done"
    assert report["sentence"] in done
    assert (report["newest"]["sample"], report["newest"]["sided"]) == (10, sided)
    assert report["sentence"] in said("status", str(journal))


def test_the_result_is_the_one_of_the_model_that_was_frozen(journal: Path) -> None:
    """A newer one has learnt the opposite; were it asked, it would be right throughout."""
    said("certify", str(journal), "--size", "20")
    with Campaign.open(journal) as campaign:
        frozen = campaign.state.certifying
        assert frozen is not None
        flipped = {"good": "bad", "bad": "good"}
        asked = (*campaign.state.sample, *campaign.state.kept)
        told = {id: flipped[truth(campaign.pool.show(id).content)] for id in asked}
        campaign.tell(told, annotator="ann")
        campaign.fit()
        assert campaign.state.newest is not None
        assert campaign.state.newest.model != frozen.model
    said("certify", str(journal))
    with Campaign.open(journal) as campaign:
        (found,) = (one.values for one in campaign.state.measured if one.what == "certificate")
    assert found["model"] == frozen.model
    assert found["errors"] >= 15


def test_a_second_certificate_follows_the_first(journal: Path) -> None:
    for size, more in ((10, ()), (5, ("--another",))):
        said("certify", str(journal), "--size", str(size), *more)
        label(journal, size)
        result = said("certify", str(journal))
        entries = len(SQLiteStore(journal, read_only=True).read())
        again = said("certify", str(journal))  # says it once more, and begins none
        assert again.splitlines()[0] == result.splitlines()[0]
        assert len(SQLiteStore(journal, read_only=True).read()) == entries
    newest = json.loads(said("status", str(journal), "--json"))["report"]["certificate"]
    assert (newest["number"], newest["newest"]["level"]) == (2, 0.025)


def test_what_cannot_be_certified_is_said_in_one_sentence(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("body\na\nb\nc\n")
    said("new", str(tmp_path / "new.csv"), "--text", "body", "--labels", "good,bad")
    bare = CliRunner().invoke(app, ["certify", str(tmp_path / "new.db")])
    assert "a model that was trained on labels, and this campaign has none yet" in str(bare.exception)
    side = CliRunner().invoke(app, ["certify", str(journal), "--sided", "lower"])
    assert "received 'lower'" in str(side.exception)
    said("certify", str(journal), "--size", "2")
    label(journal, 2)
    shutil.rmtree(tmp_path / "films.db.models")
    lost = CliRunner().invoke(app, ["certify", str(journal)])
    assert "its file has gone from the folder of models" in str(lost.exception)


def test_new_takes_an_overlap_and_candidates(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("body\n" + "".join(f"text {one}\n" for one in range(30)))
    said(
        "new",
        str(tmp_path / "new.csv"),
        "--text",
        "body",
        "--labels",
        "a,b",
        "--overlap",
        "2",
        "--candidates",
        "10",
    )
    found = json.loads(said("status", str(tmp_path / "new.db"), "--json"))
    assert (found["overlap"], found["candidates"]) == (2, 10)
