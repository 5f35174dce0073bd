"""What an experiment may leave out to be fast, and what it must repeat to go on where models remember."""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Picks, Signals, Strategy, arrays, classes
from nextlabel.campaign.turn import Turn
from nextlabel.core.dataset import Dataset
from nextlabel.core.learner import Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.task import Task
from nextlabel.errors import MissingSignal, ParameterError
from nextlabel.experiment.bench import load, run_settings
from nextlabel.experiment.curves import Results, Run
from nextlabel.experiment.grid import Setting
from nextlabel.experiment.lines import Line, Record
from nextlabel.experiment.lockstep import lockstep
from nextlabel.experiment.reading import Reading
from nextlabel.experiment.runner import Cell, Experiment, run_group
from nextlabel.experiment.wording import facts
from nextlabel.learners.ensemble import Ensemble
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.maths.axes import Labels, Positions
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.random import Random


def clusters() -> Dataset:
    """Three clusters on a line, one class each, which overlap."""
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    items = (labels[:, None] + 0.5 * rng.standard_normal((90, 2))).astype(np.float32)
    return Dataset("clusters", "three clusters", arrays(items), labels, classes("a", "b", "c"))


def experiment(**changes: Any) -> Experiment:
    settings: dict[str, Any] = {
        "dataset": clusters(),
        "learner": SklearnLearner("logistic"),
        "strategies": {"margin": Margin(), "random": Random()},
        "start": 4,
        "batch": 3,
        "budget": 21,
        "seeds": 2,
        "test": 30,
        **changes,
    }
    return Experiment(**settings)


def setting(**changes: Any) -> Setting:
    return Setting("clusters", experiment(**changes), (0,), Reading("margin"))


def everything(results: Results) -> list[tuple[Any, ...]]:
    """All but the seconds."""
    return [(run.strategy, run.seed, run.labels, run.accuracy, run.queried) for run in results.runs]


def test_leaving_out_measurements_changes_nothing_else() -> None:
    whole, few = experiment().run(), experiment(measure_every=4).run()
    for one, other in zip(whole.runs, few.runs, strict=True):
        assert one.queried == other.queried
        assert [place for place, value in enumerate(other.accuracy) if value is not None] == [0, 4, 6]
        assert [one.accuracy[place] for place in (0, 4, 6)] == [other.accuracy[place] for place in (0, 4, 6)]
    assert few.labels.tolist() == [4, 16, 21]
    assert np.array_equal(few.accuracy("margin"), whole.accuracy("margin")[:, [0, 4, 6]])
    assert [row[2] for row in few.rows()] == [4, 16, 21] * 4


def test_the_last_checkpoint_is_measured_once_where_the_rhythm_meets_it() -> None:
    assert experiment(measure_every=3).measured == (0, 3, 6)
    assert experiment(measure_every=100).measured == (0, 6)
    assert experiment().measured == tuple(range(7))


def test_a_cut_budget_is_measured_at_its_end_and_an_extended_one_no_longer(tmp_path: Path) -> None:
    (long,) = run_settings(tmp_path / "a", [setting(measure_every=4)])
    (short,) = run_settings(tmp_path / "a", [setting(measure_every=4, budget=13)])
    (fresh,) = run_settings(tmp_path / "b", [setting(measure_every=4, budget=13)])
    (again,) = run_settings(tmp_path / "b", [setting(measure_every=4)])
    assert everything(short) == everything(fresh)
    assert everything(again) == everything(long)
    assert again.labels.tolist() == [4, 16, 21]
    assert everything(load(tmp_path / "b")[0]) == everything(long)


def test_runs_measured_at_different_checkpoints_are_refused() -> None:
    def run(strategy: str, accuracy: tuple[float | None, ...]) -> Run:
        return Run(strategy, 0, (2, 4), accuracy, ((), ()), (0.0, 0.0), (0.0,))

    with pytest.raises(ParameterError, match=r"measured at the same checkpoints .* 2 different sets"):
        Results({}, [run("a", (0.5, 0.6)), run("b", (0.5, None))])
    with pytest.raises(ParameterError, match="at least at one; received 1 different sets"):
        Results({}, [run("a", (None, None)), run("b", (None, None))])


def test_a_line_without_accuracy_is_written_and_read(tmp_path: Path) -> None:
    lines = [Line(0, 2, 0.5, ("a",), (1,), 0.0, None), Line(1, 4, None, ("b",), (2,), 0.0, 0.0)]
    record = Record(tmp_path / "a.jsonl", {})
    for line in lines:
        record.append(line)
    assert record.lines((2, 4), measured=(0,)) == lines
    assert record.lines((2, 4)) == lines[:1]
    assert record.lines((2, 4), measured=()) == [dataclasses.replace(lines[0], accuracy=None), lines[1]]


@final
@dataclass(frozen=True)
class Counted(Strategy):
    """Takes the first items, and fails where it sees another number of them than it should."""

    items: int

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"proba"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        assert signals.n == self.items
        return Picks(np.arange(batch))


def test_strategies_see_the_candidates_alone_and_others_each_time() -> None:
    made = experiment(strategies={"a": Counted(12), "random": Random()}, candidates=12)
    (one, _) = run_group(made, [Cell("a", 0), Cell("random", 0)])
    everybody = [int(id) for batch in one.queried[1:] for id in batch]
    assert max(everybody) > 30  # the first of twelve drawn anew, not the first of the pool


def test_candidates_are_drawn_uniformly_and_follow_from_seed_and_round() -> None:
    """Each of 20 items is among 5 candidates with probability 1/4, over 4,000 rounds: binomial.

    A count leaves 1000 ± 5.7 standard deviations (156) with a chance of 1.2e-8 for each of 20, together below
    1e-6. The twin, the first five items, leaves it.
    """
    data = clusters()
    turn = Turn(data.pool, data.task, 0, 0, np.arange(0), np.arange(0), np.arange(10, 30))
    counts = np.zeros(20)
    for round in range(4000):
        counts[dataclasses.replace(turn, round=round).among(5).unlabelled - 10] += 1
    assert np.all(np.abs(counts - 1000) < 156)
    assert not np.all(np.abs(4000.0 * (np.arange(20) < 5) - 1000) < 156)
    assert turn.among(5).unlabelled.tolist() == turn.among(5).unlabelled.tolist()
    assert turn.among(5).unlabelled.tolist() != dataclasses.replace(turn, seed=1).among(5).unlabelled.tolist()
    assert turn.among(20) is turn.among(None) is turn


def test_as_many_candidates_as_items_are_no_candidates() -> None:
    assert everything(experiment(candidates=90).run()) == everything(experiment().run())


def test_accuracy_may_be_that_of_the_average_over_draws() -> None:
    learner = Ensemble(SklearnLearner({"name": "random_forest", "n_estimators": 3}), members=2)
    made = experiment(learner=learner, measures="mean_proba")
    assert made.run().labels.tolist() == experiment().run().labels.tolist()
    with pytest.raises(
        MissingSignal, match="measured on 'mean_proba', which SklearnLearner does not provide"
    ):
        experiment(measures="mean_proba")
    with pytest.raises(ParameterError, match="one of proba, mean_proba; received 'logits'"):
        experiment(measures="logits")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"candidates": 2}, "'candidates' must be at least the batch of 3; received 2"),
        ({"candidates": 0}, "Experiment's 'candidates' must be a whole number from 1 up; received 0"),
        ({"measure_every": 0}, "Experiment's 'measure_every' must be a whole number from 1 up; received 0"),
    ],
)
def test_options_without_sense_are_refused(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(ParameterError, match=expected):
        experiment(**changes)


def test_options_are_told_where_they_are_not_as_usual() -> None:
    usual, other = (
        experiment().protocol(),
        experiment(candidates=12, measure_every=4, learner=Ensemble(SklearnLearner()), measures="mean_proba"),
    )
    assert not {"candidates", "measure_every", "measures"} & set(usual)
    said = facts(other.protocol())
    assert "among 12 items" in " ".join(said.values())
    assert "by mean_proba after every 4 batches and at the end" in " ".join(said.values())
    assert "batches and at the end" not in " ".join(facts(usual).values())


@final
@dataclass(frozen=True)
class Remembering(Learner):
    """Hands on how many models there were before: each turns the classes on by one."""

    says_so: bool = True

    @property
    def remembers(self) -> bool:
        return self.says_so

    @property
    def provides(self) -> frozenset[str]:
        return frozenset({"proba", "embedding"})

    def fit(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        rng: np.random.Generator,
        *,
        task: Task,
        previous: Model | None = None,
    ) -> Model:
        before = previous.before + 1 if isinstance(previous, Turning) else 0
        inner = SklearnLearner("logistic").fit(pool, labelled, labels, unlabelled, rng, task=task)
        return Turning(inner, before)

    def load(self, path: Path) -> Model:
        raise NotImplementedError


@final
class Turning(Model):
    def __init__(self, inner: Model, before: int) -> None:
        self.inner, self.before = inner, before

    @property
    def fingerprint(self) -> str:
        return self.inner.fingerprint

    def signals(
        self, pool: Pool, positions: Positions, names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        said = self.inner.signals(pool, positions, names, rng)
        proba = np.roll(said["proba"], self.before, axis=1) ** (1 + self.before)
        return Signals({"proba": proba / proba.sum(axis=1, keepdims=True)}, n=said.n)

    def save(self, path: Path) -> None:
        raise NotImplementedError


def gone_on(made: Experiment, kept: int) -> dict[Cell, list[Line]]:
    """The lines of both cells of a seed that was killed once `kept` of them were written."""
    cells = [Cell("margin", 0), Cell("random", 0)]
    lines: dict[Cell, list[Line]] = {cell: [] for cell in cells}
    for number, (cell, line) in enumerate(lockstep(made, cells, {})):
        if number == kept:
            break
        lines[cell].append(line)
    for cell, line in lockstep(made, cells, {cell: tuple(lines[cell]) for cell in cells}):
        lines[cell].append(line)
    return {
        cell: [dataclasses.replace(one, training_seconds=0.0, selection_seconds=None) for one in lines[cell]]
        for cell in cells
    }


@pytest.mark.parametrize("kept", range(14))
def test_a_run_whose_models_remember_goes_on_as_if_unbroken(kept: int) -> None:
    made = experiment(learner=Remembering())
    assert gone_on(made, kept) == gone_on(made, 14)


def test_without_the_fits_before_it_would_not() -> None:
    made = experiment(learner=Remembering(says_so=False))
    assert gone_on(made, 7) != gone_on(made, 14)
