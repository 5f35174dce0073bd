"""What `nextlabel status` names as the next step: the one of how this campaign is labelled."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from nextlabel import Campaign, arrays, classes
from nextlabel.cli.app import app
from nextlabel.server.people import People


def begun(folder: Path, *, in_browser: bool) -> Path:
    pool = arrays(np.arange(12.0).reshape(6, 2))
    path = folder / "small.db"
    with Campaign.create(path, pool, "sklearn", "random", classes("no", "yes"), 0):
        pass
    if in_browser:
        People.beside(path, {}, is_local=True)
    return path


def following(journal: Path) -> str:
    made = CliRunner().invoke(app, ["status", journal.name])
    assert made.exit_code == 0, made.output
    return made.output.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("in_browser", "fresh", "out"),
    [(True, "label small.db", "label small.db"), (False, "ask small.db", "tell small.db SHEET.csv")],
)
def test_the_next_step_is_that_of_how_it_is_labelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, in_browser: bool, fresh: str, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    journal = begun(tmp_path, in_browser=in_browser)
    assert following(journal) == f"Next: nextlabel {fresh}"
    pool = arrays(np.arange(12.0).reshape(6, 2))
    with Campaign.open(journal, pool) as campaign:
        campaign.ask(6, holder="ann", lease_seconds=1e6)
    assert following(journal) == f"Next: nextlabel {out}"
    with Campaign.open(journal, pool) as campaign:
        campaign.tell(dict.fromkeys(campaign.state.ids, "no"), annotator="ann")
    assert following(journal) == "Next: nextlabel export small.db small-labelled.csv"


def test_a_campaign_that_was_stopped_in_the_browser_is_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    journal = begun(tmp_path, in_browser=True)
    with Campaign.open(journal, arrays(np.arange(12.0).reshape(6, 2))) as campaign:
        campaign.ask(2)
        campaign.stop("enough")
    assert following(journal) == "Next: nextlabel export small.db small-labelled.csv"
