"""What `status`, `ask` and `tell` remark of a campaign that began in Python."""

import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from nextlabel import classes
from nextlabel.campaign.campaign import Campaign
from nextlabel.cli.main import main


def said(*words: object) -> str:
    """What a command says, which must end well."""
    out, before = StringIO(), sys.argv
    sys.argv = ["nextlabel", *map(str, words)]
    code: object = 0
    try:
        with redirect_stdout(out):
            main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.argv = before
    assert code == 0
    return out.getvalue()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    np.save(tmp_path / "points.npy", np.arange(8.0).reshape(4, 2))
    pool = {"name": "npy", "path": str(tmp_path / "points.npy")}
    path = tmp_path / "j.db"
    with Campaign.create(path, pool, "sklearn", "random", classes("cat", "dog"), seed=0) as campaign:
        campaign.ask(1, "anna", lease_seconds=None)
    return path


def test_the_status_says_what_the_next_model_has_to_go_by(journal: Path) -> None:
    assert "model: none yet; the next batch is picked without labels\n" in said("status", journal)
    with Campaign.open(journal) as campaign:
        campaign.tell(dict.fromkeys(campaign.state.ids[:3], "cat"))
    assert "model: none yet; labels to train it on: 3\n" in said("status", journal)


def test_a_lease_without_an_end_is_for_ever(journal: Path) -> None:
    assert "out: 1 of 1 items with anna, for ever (token " in said("status", journal)
    with Campaign.open(journal) as campaign:
        (token,) = campaign.state.leases
    assert " They are yours for ever.\n" in said("ask", journal, "--token", token)


def test_a_changed_row_that_changes_nothing_is_remarked_and_the_advice_works(journal: Path) -> None:
    with Campaign.open(journal) as campaign:
        id = campaign.state.ids[0]
        campaign.tell({id: "cat"}, annotator="anna")
        campaign.tell({id: "dog"}, annotator="ben")
    sheet = journal.with_name("s.csv")
    sheet.write_text(f"id,label,annotators\n{id},cat,anna; ben\n", encoding="utf-8")
    told = said("tell", journal, sheet, "--annotator", "anna")
    assert f"No new answer.\nChanged here to what the annotator says already: {id!r}. The answers of" in told
    sheet.write_text(f"id,label,annotator\n{id},cat,ben\n", encoding="utf-8")
    assert said("tell", journal, sheet, "--annotator", "anna").startswith("1 answer told (cat 1).\n")
    sheet.write_text(f"id,label,skip,annotator\n{id},,dark,anna\n", encoding="utf-8")
    told = said("tell", journal, sheet, "--annotator", "ben")
    assert f"labelled by others: {id!r}. Their answers stay; to take one back" in told
    sheet.write_text(f"id,label,skip,annotator\n{id},,dark,ben\n", encoding="utf-8")
    assert "\nLabelled: 0 of 4 items.\n" in said("tell", journal, sheet)
