"""What was named before there were results stays with the folder, whatever is named later."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from nextlabel import arrays, classes
from nextlabel.core.dataset import Dataset
from nextlabel.experiment.bench import load, run_settings
from nextlabel.experiment.grid import Setting
from nextlabel.experiment.reading import Reading
from nextlabel.experiment.runner import Experiment
from nextlabel.experiment.study import CHANGED, study
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.strategies.badge import BADGE
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.random import Random


def clusters() -> Dataset:
    """Three clusters on a line, one class each."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    items = (labels[:, None] + 0.3 * rng.standard_normal((60, 2))).astype(np.float32)
    return Dataset("clusters", "three clusters", arrays(items), labels, classes("a", "b", "c"))


def setting(dataset: Dataset | None = None, seeds: int = 2) -> Setting:
    strategies = {"margin": Margin(), "random": Random(), "badge": BADGE()}
    data = clusters() if dataset is None else dataset
    learner = SklearnLearner("logistic")
    made = Experiment(data, learner, strategies, start=4, batch=4, budget=8, seeds=seeds, test=20)
    return Setting("clusters", made, (), Reading("margin"))


def named(folder: Path, **changes: Any) -> dict[str, Any]:
    """What the protocol of the first setting holds after a run with another reading."""
    given = {"lead": "margin", **changes}
    made = setting()
    (results,) = run_settings(folder, [dataclasses.replace(made, reading=Reading(**given))])
    return dict(results.protocol)


def test_what_was_named_before_there_were_results_stays(tmp_path: Path) -> None:
    first = named(tmp_path)
    assert (first["lead"], first["first_lead"]) == ("margin", "margin")
    again = named(tmp_path, lead="badge", baseline="margin", rope=0.02)
    assert (again["lead"], again["baseline"], again["rope"]) == ("badge", "margin", 0.02)
    assert (again["first_lead"], again["first_baseline"], again["first_rope"]) == ("margin", "random", 0.01)
    assert named(tmp_path)["first_lead"] == "margin"


def test_a_lead_named_after_results_is_not_named_first(tmp_path: Path) -> None:
    first = named(tmp_path, lead_is_default=True)
    assert (first["first_lead_is_default"], first["first_seeds"]) == (True, [0, 1])
    (read,) = load(tmp_path, Reading("margin"))
    assert (read.protocol["lead_is_default"], read.protocol["first_lead_is_default"]) == (False, True)
    assert study(read, "clusters").naming == CHANGED
    again = named(tmp_path)
    assert (again["lead_is_default"], again["first_lead_is_default"]) == (False, True)


def test_a_folder_of_before_seeds_were_kept_is_read_by_what_it_last_said(tmp_path: Path) -> None:
    named(tmp_path, lead_is_default=True)
    path = tmp_path / "grid.json"
    (one,) = json.loads(path.read_text(encoding="utf-8"))
    for held in (one["protocol"], *one["named"].values()):
        del held["first_seeds"], held["first_lead_is_default"]
    path.write_text(json.dumps([one]), encoding="utf-8")
    (read,) = load(tmp_path, Reading("margin"))
    assert study(read, "clusters").naming == CHANGED
    again = named(tmp_path)
    assert (again["first_lead_is_default"], again["first_seeds"]) == (True, [0, 1])


def test_seeds_added_later_are_told_from_the_first(tmp_path: Path) -> None:
    run_settings(tmp_path, [setting()])
    (more,) = run_settings(tmp_path, [setting(seeds=3)])
    assert (more.protocol["seeds"], more.protocol["first_seeds"]) == ([0, 1, 2], [0, 1])
    assert "Seeds were added when results were there: 2 at first, now 3." in study(more, "n").sentence()


def test_a_data_set_left_out_for_a_while_is_not_forgotten(tmp_path: Path) -> None:
    named(tmp_path)
    moved = dataclasses.replace(clusters(), pool=arrays(np.arange(120.0).reshape(60, 2)))
    other = setting(moved)
    badge = Reading("badge")
    (results,) = run_settings(tmp_path, [dataclasses.replace(other, reading=badge)])
    assert results.protocol["first_lead"] == "badge"  # nothing of these data was seen before
    assert named(tmp_path, lead="badge")["first_lead"] == "margin"


def test_without_a_result_names_may_change(tmp_path: Path) -> None:
    named(tmp_path)
    for path in (tmp_path / "runs").iterdir():
        path.unlink()
    assert named(tmp_path, lead="badge")["first_lead"] == "badge"
