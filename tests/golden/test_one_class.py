"""A model that has seen one label says it of everything: it is not shown to people, and warned of."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nextlabel import Campaign, classes, multilabel
from nextlabel.cli.app import app
from nextlabel.core.task import Task
from nextlabel.server.predictions import Predictions, campaign_id, predictions_file
from nextlabel.server.rounds import Rounds


def begun(folder: Path, task: Task) -> Path:
    rows = "".join(f"{one},{one % 7},{one % 3}\n" for one in range(20))
    (folder / "items.csv").write_text(f"key,a,b\n{rows}")
    pool = {"name": "csv", "path": str(folder / "items.csv"), "id": "key"}
    learner = {"name": "sklearn", "estimator": "logistic", "features": "table"}
    path = folder / "a.db"
    with Campaign.create(path, pool, learner, "margin" if task.kind == "class" else "auto", task, 0):
        return path


TASKS = [
    (classes("no", "yes"), {"0": "no", "1": "no"}, "yes"),
    (multilabel("red", "round"), {"0": ["red"], "1": ["red"]}, []),
]


@pytest.mark.parametrize(("task", "alike", "other"), TASKS)
def test_the_page_is_told_nothing_by_a_model_of_one_label(
    tmp_path: Path, task: Task, alike: dict[str, Any], other: Any
) -> None:
    journal = begun(tmp_path, task)
    heard: list[dict[str, Any]] = []
    with Campaign.open(journal) as campaign:
        rounds = Rounds(campaign, heard.append)
        campaign.tell(alike)
        rounds.turn(campaign.refresh(), 5, is_wanted=False)
        own = campaign_id(campaign.state.created)
        first = Predictions.read(predictions_file(journal), own)
        campaign.tell({"2": other})
        rounds.turn(campaign.refresh(), 5, is_wanted=False)
        second = Predictions.read(predictions_file(journal), own)
        newest = campaign.state.newest
    assert first is None
    assert second is not None
    assert newest is not None
    assert (second.model, second.size) == (newest.model, 20)
    assert [one["said"] for one in heard].count("predictions") == 1


def predicted(journal: Path, folder: Path) -> str:
    made = CliRunner().invoke(app, ["predict", str(journal), "--out", str(folder / "out.csv"), "--force"])
    assert made.exit_code == 0, made.output
    return made.output


@pytest.mark.parametrize(("task", "alike", "other"), TASKS)
def test_labels_by_a_model_of_one_label_come_with_a_warning(
    tmp_path: Path, task: Task, alike: dict[str, Any], other: Any
) -> None:
    journal = begun(tmp_path, task)
    name = "no" if task.kind == "class" else "red"
    with Campaign.open(journal) as campaign:
        campaign.tell(alike)
    assert f"learnt from one kind of label, {name}, and says it of every item" in predicted(journal, tmp_path)
    with Campaign.open(journal) as campaign:
        campaign.tell({"2": other})
    assert "one kind of label" not in predicted(journal, tmp_path)
