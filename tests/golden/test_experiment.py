"""The experiment holds everything but the strategy equal, and says what fails."""

import dataclasses
import operator
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Picks, Signals, Strategy, arrays, build, classes
from nextlabel.core.dataset import Dataset
from nextlabel.core.learner import Learner, Model
from nextlabel.errors import ExperimentError, MissingSignal, NextlabelError, ParameterError
from nextlabel.experiment.curves import Results, Run
from nextlabel.experiment.processes import each
from nextlabel.experiment.runner import Cell, Experiment, run_group
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.strategies.badge import BADGE
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.random import Random

STRATEGIES: Mapping[str, Strategy] = {"margin": Margin(), "random": Random()}


def clusters(n: int = 60, **changes: Any) -> Dataset:
    """Three clusters on a line, one class each."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    items = (labels[:, None] + 0.3 * rng.standard_normal((n, 2))).astype(np.float32)
    made = Dataset("clusters", "three clusters", arrays(items), labels, classes("a", "b", "c"))
    return dataclasses.replace(made, **changes)


def experiment(**changes: Any) -> Experiment:
    settings: dict[str, Any] = {
        "dataset": clusters(),
        "learner": SklearnLearner("logistic"),
        "strategies": STRATEGIES,
        "start": 4,
        "batch": 3,
        "budget": 12,
        "seeds": 2,
        "test": 20,
        **changes,
    }
    return Experiment(**settings)


def outcome(results: Results) -> list[tuple[Any, ...]]:
    """Everything but the seconds."""
    return [(run.strategy, run.seed, run.labels, run.accuracy, run.queried) for run in results.runs]


@final
@dataclass(frozen=True)
class First(Strategy):
    """Takes items in their order."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset()

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        return Picks(np.arange(batch))


@final
@dataclass(frozen=True)
class Picky(Strategy):
    """Looks closely at what it is given, and fails once the batch is small."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"proba"})

    @property
    def needs_labelled(self) -> frozenset[str]:
        return frozenset({"embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        assert set(signals) == {"proba", "residual", "class_mixture"}
        assert signals.labelled is not None
        assert signals.labels is not None
        assert len(signals.labels) == signals.labelled.n == signals.class_counts.sum()
        assert signals.labelled["embedding"].shape == (len(signals.labels), 2)
        if batch < 3:
            message = "the batch is too small for me"
            raise NextlabelError(message)
        return Picks(np.arange(batch))


@final
@dataclass(frozen=True)
class Looks(Strategy):
    """Needs one signal of the labelled items."""

    signal: str

    @property
    def needs(self) -> frozenset[str]:
        return frozenset()

    @property
    def needs_labelled(self) -> frozenset[str]:
        return frozenset({self.signal})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        return Picks(np.arange(batch))


@final
@dataclass(frozen=True)
class Mute(Learner):
    """Says nothing of classes."""

    @property
    def provides(self) -> frozenset[str]:
        return frozenset({"embedding"})

    def fit(self, *given: Any, **settings: Any) -> Model:
        raise NotImplementedError

    def load(self, path: Path) -> Model:
        raise NotImplementedError


def test_every_item_is_asked_once_and_never_from_the_test_part() -> None:
    for run in experiment().run().runs:
        asked = [one for batch in run.queried for one in batch]
        test, _, _ = experiment().split(run.seed)
        assert run.labels == (4, 7, 10, 12)
        assert [len(batch) for batch in run.queried] == [4, 3, 3, 2]
        assert len(set(asked)) == 12
        assert not set(asked) & {str(position) for position in test}
        assert len(run.training_seconds) == len(run.accuracy) == 4
        assert len(run.selection_seconds) == 3


def test_strategies_of_a_seed_share_split_start_and_first_model() -> None:
    runs = {(run.strategy, run.seed): run for run in experiment().run().runs}
    for seed in (0, 1):
        assert runs["margin", seed].queried[0] == runs["random", seed].queried[0]
        assert runs["margin", seed].accuracy[0] == runs["random", seed].accuracy[0]
    assert runs["margin", 0].queried[0] != runs["margin", 1].queried[0]


def test_equal_labelled_sets_give_equal_models_whatever_the_strategy_is_called() -> None:
    # a forest of few trees is a matter of luck: equal accuracies mean equal generators
    forest = SklearnLearner({"name": "random_forest", "n_estimators": 2})
    results = experiment(learner=forest, strategies={"one": First(), "two": First()}).run()
    for seed in (0, 1):
        one, two = (results.of(name)[seed] for name in ("one", "two"))
        assert one.queried == two.queried
        assert one.accuracy == two.accuracy


def test_the_same_seed_twice_gives_the_same_curves_and_ids() -> None:
    assert outcome(experiment().run()) == outcome(experiment().run())


def test_the_number_of_processes_changes_nothing() -> None:
    random_alone = experiment(strategies={"badge": BADGE(), "random": Random()})
    seen: list[Run] = []
    spread = random_alone.run(processes=2, progress=seen.append)
    assert outcome(spread) == outcome(random_alone.run(processes=1))
    assert len(seen) == len(random_alone.cells()) == 4


def test_labels_of_the_test_part_change_no_id() -> None:
    honest = experiment()
    blind_runs = []
    for cell in honest.cells():
        test, _, _ = honest.split(cell.seed)
        labels = honest.dataset.labels.copy()
        labels[test] = 0
        blind_runs.append(run_group(experiment(dataset=clusters(labels=labels)), (cell,))[0])
    assert {(run.strategy, run.seed): run.queried for run in honest.run().runs} == {
        (run.strategy, run.seed): run.queried for run in blind_runs
    }


def test_one_strategy_under_two_names_is_two_independent_runs() -> None:
    results = experiment(strategies={"random": Random(), "again": Random()}, seeds=3).run()
    for first, second in zip(results.of("random"), results.of("again"), strict=True):
        assert first.queried[0] == second.queried[0]
        assert first.queried[1:] != second.queried[1:]


def test_official_test_items_are_used_where_there_are_any() -> None:
    official = np.array([3, 5, 8])
    held = experiment(dataset=clusters(test=official), test=None, budget=57)
    test, start, rest = held.split(0)
    assert test.tolist() == official.tolist()
    assert sorted([*start, *rest]) == sorted(set(range(60)) - {3, 5, 8})
    assert held.protocol()["official_test"]


def test_the_protocol_can_be_written_down_and_built_again() -> None:
    protocol = experiment().protocol()
    assert build("learner", protocol["learner"]) == SklearnLearner("logistic")
    assert build("strategy", protocol["strategies"]["margin"]) == Margin()
    assert (protocol["items"], protocol["test"], protocol["seeds"]) == (60, 20, [0, 1])


def test_what_is_not_registered_is_told_as_it_prints() -> None:
    assert experiment(strategies={"picky": Picky()}).protocol()["strategies"] == {"picky": "Picky()"}


def test_signals_hold_what_was_declared_and_a_failing_cell_is_named() -> None:
    with pytest.raises(NextlabelError, match="too small for me") as caught:
        experiment(strategies={"picky": Picky()}).run()
    assert caught.value.__notes__ == ["in the cell 'picky', seed 0, with 10 labels"]


def test_a_failing_cell_is_named_across_processes() -> None:
    one_class = clusters(labels=np.zeros(60, np.int64), task=classes("a"))
    failing = experiment(dataset=one_class, strategies={"margin": Margin()})
    with pytest.raises(NextlabelError) as caught:
        failing.run(processes=2)
    assert "in the cell 'margin', seed" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"strategies": {}}, "at least one strategy; received none"),
        ({"seeds": 1}, "'seeds' must be a whole number from 2 up; received 1. Of fewer than 2, nothing"),
        ({"seeds": 2.5}, "'seeds' must be a whole number from 2 up; received 2.5"),
        ({"test": None}, "'clusters' has no official test items.* its 60 items"),
        ({"start": -1}, "'start' must be a whole number from 0 up; received -1"),
        ({"start": 0, "batch": 12}, "received start 12, batch 12, budget 12"),
        ({"seeds": [3]}, r"at least 2 different whole numbers, or how many; received \[3\]"),
        ({"seeds": [3, 3]}, r"received \[3, 3\]"),
        ({"pool": 11}, "budget 12, test 20 of 60 items, which leaves 11"),
        ({"batch": "x"}, "'batch' must be a whole number from 1 up; received 'x'"),
        ({"start": 12}, "received start 12, batch 3, budget 12, test 20 of 60 items, which leaves 40"),
        ({"budget": 4}, "received start 4, batch 3, budget 4"),
        ({"budget": 41}, "budget 41, test 20 of 60 items, which leaves 40"),
        ({"test": 0}, "'test' must be a whole number from 1 up; received 0"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_before_anything_runs(
    changes: dict[str, Any], received: str
) -> None:
    with pytest.raises(ParameterError, match=received):
        experiment(**changes)


def test_a_strategy_without_its_signals_is_refused_before_anything_runs() -> None:
    with pytest.raises(MissingSignal, match="which SklearnLearner does not provide"):
        experiment(strategies={"bald": build("strategy", "bald")})


@pytest.mark.parametrize(("needed", "refused"), [("proba", False), ("tangent", True)])
def test_signals_of_labelled_items_must_be_on_offer(needed: str, refused: bool) -> None:
    strategies = {"looks": Looks(needed)}
    if not refused:
        assert experiment(strategies=strategies).strategies == strategies
        return
    with pytest.raises(
        MissingSignal,
        match="Looks needs the signals tangent of the labelled items, which SklearnLearner does",
    ):
        experiment(strategies=strategies)


def test_a_learner_without_probabilities_cannot_be_measured() -> None:
    with pytest.raises(
        MissingSignal, match=r"'proba', which Mute does not provide \(it provides embedding\)"
    ):
        experiment(learner=Mute())


def test_processes_are_at_least_one() -> None:
    with pytest.raises(ParameterError, match="'processes' must be a whole number from 1 up; received 0"):
        experiment().run(processes=0)


def test_workers_have_one_thread_each_and_leave_the_environment_alone() -> None:
    before = dict(os.environ)
    assert each(operator.call, os.getenv, ["OMP_NUM_THREADS", "NUMBA_NUM_THREADS"], processes=2) == ["1", "1"]
    assert dict(os.environ) == before


def test_an_error_of_the_work_comes_back_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        each(operator.truediv, 1, [1, 0], processes=2)


def test_a_worker_that_dies_is_one_clear_error() -> None:
    with pytest.raises(ExperimentError, match="Each of 1 worker processes must live"):
        each(operator.call, os._exit, [3], processes=2)


def test_cells_go_seed_by_seed() -> None:
    assert experiment().cells()[:3] == (Cell("margin", 0), Cell("random", 0), Cell("margin", 1))
