"""What decides a cell and its random numbers: codes, pools, rounds, digests and draws, each by itself."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Picks, Signals, Strategy, arrays, classes
from nextlabel.core.dataset import Dataset
from nextlabel.core.learner import Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.task import Task
from nextlabel.errors import LearnerError
from nextlabel.experiment.bench import run_settings
from nextlabel.experiment.cells import code_version
from nextlabel.experiment.grid import Setting
from nextlabel.experiment.lines import Line, Record
from nextlabel.experiment.reading import Reading
from nextlabel.experiment.runner import Cell, Experiment, run_group
from nextlabel.learners.self_training import SelfTraining
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.maths.axes import Labels, Positions
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.random import Random


def clusters(shift: float = 0.0, test: Any = None) -> Dataset:
    """Sixty items of three classes; all are called alike, whatever they hold."""
    labels = np.arange(60) % 3
    items = labels[:, None] + 0.3 * np.random.default_rng(0).standard_normal((60, 2)) + shift
    tasks = classes("a", "b", "c")
    return Dataset("clusters", "three clusters", arrays(items.astype(np.float32)), labels, tasks, test=test)


def experiment(**changes: Any) -> Experiment:
    given: dict[str, Any] = {
        "dataset": clusters(),
        "learner": SklearnLearner("logistic"),
        "strategies": {"margin": Margin(), "random": Random()},
        "start": 10,
        "batch": 3,
        "budget": 16,
        "seeds": 2,
        "test": 20,
        **changes,
    }
    return Experiment(**given)


def setting(ceiling_seeds: tuple[int, ...] = (), **changes: Any) -> Setting:
    return Setting("clusters", experiment(**changes), ceiling_seeds, Reading("margin"))


@final
@dataclass(frozen=True)
class Noting(Learner):
    """Offers embeddings from the start, and notes the first draw of each generator it is given."""

    drawn: list[tuple[int, ...]] = field(default_factory=list)

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
        self.drawn.append((len(labelled), *rng.integers(10**9, size=4).tolist()))
        return Even()

    def load(self, path: Path) -> Model:
        raise NotImplementedError


@final
@dataclass(frozen=True)
class Even(Model):
    """Holds all classes for equally probable."""

    @property
    def fingerprint(self) -> str:
        raise NotImplementedError

    def signals(
        self, pool: Pool, positions: Positions, names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        said = {"proba": np.full((len(positions), 3), 1 / 3), "embedding": pool.take(positions)}
        return Signals({name: said[name] for name in names})

    def save(self, path: Path) -> None:
        raise NotImplementedError


@final
@dataclass(frozen=True)
class Seeing(Strategy):
    """Takes the first items, and notes which signals it was given."""

    wanted: frozenset[str]
    seen: list[frozenset[str]] = field(default_factory=list)

    @property
    def needs(self) -> frozenset[str]:
        return self.wanted

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        self.seen.append(frozenset(signals))
        return Picks(np.arange(batch))


def test_official_test_items_leave_a_start_that_is_drawn_for_each_seed() -> None:
    """Of 40 items 10 start; that two seeds, or a seed and the first ten, start alike has a chance of 1e-9."""
    test = np.arange(0, 60, 3)
    made = experiment(dataset=clusters(test=test), test=None)
    starts = [frozenset(made.split(seed)[1].tolist()) for seed in range(3)]
    assert len({*starts, frozenset(np.setdiff1d(np.arange(60), test)[:10].tolist())}) == 4
    assert all(not one & set(test.tolist()) for one in starts)


def test_a_cell_is_of_its_code_and_of_its_pool() -> None:
    made = experiment().spec(Cell("margin", 0), "digest")
    assert made["code"] == code_version()
    assert made["pool"] is None
    assert experiment(pool=30).spec(Cell("margin", 0), "digest") == {**made, "pool": 30}


def test_each_round_has_a_stream_of_its_own_also_where_nothing_is_labelled_at_first() -> None:
    learner = Noting()
    seeing = Seeing(frozenset({"embedding"}))
    made = experiment(learner=learner, strategies={"seeing": seeing}, start=0, budget=9)
    run_group(made, (Cell("seeing", 0),))
    assert [labels for labels, *_ in learner.drawn] == [0, 3, 6, 9]
    assert len({tuple(rest) for _, *rest in learner.drawn}) == 4


def test_a_strategy_sees_what_it_declared_whoever_runs_beside_it() -> None:
    one, two = Seeing(frozenset({"embedding"})), Seeing(frozenset({"proba"}))
    made = experiment(learner=Noting(), strategies={"one": one, "two": two})
    run_group(made, (Cell("one", 0), Cell("two", 0)))
    assert [("embedding" in seen, "proba" in seen) for seen in one.seen] == [(True, False)] * 2
    assert [("embedding" in seen, "proba" in seen) for seen in two.seen] == [(False, True)] * 2


def test_data_of_one_name_are_told_apart_by_their_content(tmp_path: Path) -> None:
    given = [setting(), setting(dataset=clusters(shift=5.0), learner=SklearnLearner("logistic"))]
    run_settings(tmp_path, given)
    assert len(list((tmp_path / "runs").iterdir())) == 2 * 2 * 2


def test_each_seed_has_a_ceiling_of_its_own(tmp_path: Path) -> None:
    run_settings(tmp_path, [setting((0, 1), strategies={"random": Random(), "margin": Margin()})])
    assert len(list((tmp_path / "runs").iterdir())) == 2 * 2 + 2


LINE = Line(0, 2, 0.5, ("a",), (1, 1), 0.5, None)


def test_of_two_lines_of_a_round_the_one_of_the_wanted_size_counts(tmp_path: Path) -> None:
    record = Record(tmp_path / "cell.jsonl", {})
    cut, whole = replace(LINE, round=1, labels=3), replace(LINE, round=1, labels=4)
    for one in (LINE, whole, cut):
        record.append(one)
    assert record.lines([2, 4]) == [LINE, whole]
    assert record.lines([2, 3]) == [LINE, cut]
    assert record.lines([2, 5]) == [LINE]


@pytest.mark.parametrize("torn", [1, 10_000])
def test_what_a_kill_left_of_a_line_is_cut_off_however_long(tmp_path: Path, torn: int) -> None:
    record = Record(tmp_path / "cell.jsonl", {})
    record.append(LINE)
    content = record.path.read_bytes()
    record.path.write_bytes(content + b"x" * torn)
    second = replace(LINE, round=1, labels=4)
    record.append(second)
    assert record.lines([2, 4]) == [LINE, second]
    assert record.path.read_bytes().endswith(b"}\n")


def test_items_that_a_learner_does_not_read_are_refused_before_anything_runs() -> None:
    """It was said in the first cell, of the estimator, with the advice to label more."""
    made = clusters()
    words = replace(made, pool=arrays([f"item {one}" for one in range(len(made.pool.ids))], made.pool.ids))
    with pytest.raises(LearnerError, match="Give it features='tfidf' for texts"):
        experiment(dataset=words, learner=SklearnLearner())
    usual = SklearnLearner(features="tfidf")
    wrapped = {"margin": SelfTraining(SklearnLearner(), rule="threshold")}
    with pytest.raises(LearnerError, match="Give it features='tfidf' for texts"):
        experiment(dataset=words, learner=usual, learners=wrapped)
    assert experiment(dataset=words, learner=usual).sizes
