"""The process that trains: what happens when it cannot start, and what it must not listen to."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nextlabel import Campaign, classes
from nextlabel.campaign.campaign import Campaign as Whole
from nextlabel.evaluation.report import status
from nextlabel.evaluation.stopping import Snapshots, stop_set
from nextlabel.server.predictions import Predictions, campaign_id, predictions_file
from nextlabel.server.training import Training


def begun(path: Path, seed: int = 0) -> Whole:
    file = path.with_name("items.csv")
    file.write_text("size\n" + "".join(f"{one}.5\n" for one in range(40)))
    pool = {"name": "csv", "path": str(file)}
    learner = {"name": "sklearn", "estimator": "logistic", "features": "table"}
    return Campaign.create(path, pool, learner, "random", classes("no", "yes"), seed=seed)


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not hold in time"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="a folder is in the way in another manner there")
def test_training_that_cannot_start_says_so_and_starts_when_it_can(tmp_path: Path) -> None:
    """As on a full disk, or in a folder that was closed: here a file stands where the folder should."""
    path = tmp_path / "a.db"
    with begun(path) as campaign:
        campaign.tell({campaign.state.ids[0]: "no", campaign.state.ids[39]: "yes"}, annotator="ann")
        state = campaign.state
    in_the_way = predictions_file(path).parent
    assert not in_the_way.exists()
    in_the_way.write_text("")
    training = Training(path, 5)
    training.take_up(campaign_id(state.created))
    training.start()
    try:
        until(lambda: training.says(state)["state"] == "failed")
        message = training.says(state)["message"]
        assert "could not be started" in message
        assert str(in_the_way) in message
        assert training.number is None
        in_the_way.unlink()
        until(lambda: training.predictions is not None)
        assert training.says(state)["message"] == ""
    finally:
        training.close()


def test_what_a_deleted_campaign_left_is_not_shown_in_a_new_one(tmp_path: Path) -> None:
    """Somebody deletes the journal, and not the folder beside it, and begins anew over the same file."""
    path = tmp_path / "a.db"
    with begun(path) as campaign:
        said = ["no"] * 20 + ["yes"] * 20
        own = campaign_id(campaign.state.created)
        made = Predictions.made("m", ("no", "yes"), np.arange(40), said, np.full(40, 0.9), own)
        made.write(predictions_file(path))
        asked = dict.fromkeys(stop_set(campaign.state), "no")
        taken = Snapshots().take(campaign.state, asked, 0).take(campaign.state, asked, 100)
        taken.save(Snapshots.path(path))
        assert status(campaign.state, (), snapshots=taken)["stopping"]["curve"] == [[100, 0.0]]
    path.unlink()
    with begun(path) as campaign:
        training = Training(path, 5)
        training.take_up(campaign_id(campaign.state.created))
        assert training.predictions is None
        training.close()
        kept = Snapshots.load(Snapshots.path(path))
        assert kept.curve  # it is there, and of another campaign
        said_now = status(campaign.state, (), snapshots=kept)
        assert (said_now["stopping"]["curve"], said_now["stopping"]["change100"]) == ([], None)
    assert Predictions.read(predictions_file(path), own) is not None
