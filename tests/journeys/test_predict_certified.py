"""``nextlabel predict`` beside certificates: which model labelled, and which one the words are about."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from nextlabel import Campaign
from nextlabel.cli.app import app
from nextlabel.errors import CampaignError

ABOUT = "A certificate is about the model of its day, and this file is by a newer one"


def called(*words: str, expected: int = 0) -> str:
    done = CliRunner().invoke(app, list(words))
    if isinstance(done.exception, Exception):
        raise done.exception
    assert done.exit_code == expected, done.output
    return " ".join(done.output.split())


def answer_sample(file: Path) -> None:
    with Campaign.open(file, only_answers=True) as campaign:
        campaign.tell({id: truth(id) for id in campaign.state.sample})


def truth(id: str) -> str:
    return ("good", "bad")[int(id) % 2]


@pytest.fixture
def certified(tmp_path: Path) -> Path:
    """A certificate is issued, of a model of 10 labels; then 20 more are told."""
    rows = (f"{one},a {('fine', 'dull')[one % 2]} film of {one} minutes\n" for one in range(90))
    (tmp_path / "reviews.csv").write_text("key,body\n" + "".join(rows))
    file = tmp_path / "reviews.db"
    words = ("--text", "body", "--id", "key", "--labels", "good,bad", "--strategy", "margin")
    called("new", str(tmp_path / "reviews.csv"), *words, "--out", str(file))
    with Campaign.open(file, only_answers=True) as campaign:
        campaign.tell({str(one): truth(str(one)) for one in range(10)})
    called("certify", str(file), "--size", "5")
    answer_sample(file)
    assert "Of 80 items that nobody had labelled, 5 were drawn" in called("certify", str(file))
    with Campaign.open(file, only_answers=True) as campaign:
        free = [id for id in campaign.state.ids if id not in campaign.state.kept]
        campaign.tell({id: truth(id) for id in free[:20]})
    return file


def test_a_newer_model_is_said_to_be_newer_while_a_second_certificate_is_under_way(certified: Path) -> None:
    out = str(certified.with_name("out.csv"))
    assert ABOUT in called("predict", str(certified), "--out", out)
    called("certify", str(certified), "--size", "5", "--another")  # of the very model that labels now
    said = called("predict", str(certified), "--out", out, "--force")
    assert "by the model of 30 labels" in said
    assert "A certificate is under way: 0 of 5 items are answered or skipped. As of 20" in said
    assert ABOUT in said
    said = called("predict", str(certified), "--out", out, "--force", "--certified")
    assert "by the model of 10 labels" in said
    assert ABOUT not in said
    answer_sample(certified)
    called("certify", str(certified))
    assert ABOUT not in called("predict", str(certified), "--out", out, "--force")


def test_a_certificate_of_other_classes_names_no_model(certified: Path) -> None:
    with Campaign.open(certified, only_answers=True) as campaign:
        campaign.revise(["good", "poor"], {"bad": "poor"})
    with pytest.raises(CampaignError, match=r"of these classes that was finished\. Leave it out"):
        called("predict", str(certified), "--certified", expected=2)
    assert ABOUT not in called("predict", str(certified))
