"""An experiment with control items: asked like any other, seen by no strategy and no model."""

from collections.abc import Collection
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Campaign, Picks, Signals, Strategy, arrays, build, classes
from nextlabel.core.dataset import Dataset
from nextlabel.core.learner import Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.errors import ParameterError
from nextlabel.experiment.arms import active_items, control_items, set_aside
from nextlabel.experiment.bench import run_settings
from nextlabel.experiment.cells import data_digest
from nextlabel.experiment.curves import Results
from nextlabel.experiment.grid import Setting
from nextlabel.experiment.reading import Reading
from nextlabel.experiment.runner import Cell, Experiment, run_group
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.maths.axes import Labels, Positions
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.random import Random
from nextlabel.strategies.typiclust import TypiClust

ITEMS, TEST = 640, 30
STRATEGIES: dict[str, Strategy] = {"margin": Margin(), "random": Random()}


def clouds(labels: Labels | None = None) -> Dataset:
    rng = np.random.default_rng(3)
    of = rng.integers(3, size=ITEMS)
    spots = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])[of] + rng.normal(scale=0.8, size=(ITEMS, 2))
    truth = of if labels is None else labels
    return Dataset("clouds", "three clouds", arrays(spots.astype(np.float32)), truth, classes("a", "b", "c"))


def experiment(**changes: Any) -> Experiment:
    given: dict[str, Any] = {
        "dataset": clouds(),
        "learner": SklearnLearner("logistic"),
        "strategies": STRATEGIES,
        "start": 10,
        "batch": 15,
        "budget": 64,
        "seeds": 2,
        "test": TEST,
        "control": 0.2,
        **changes,
    }
    return Experiment(**given)


def setting(**changes: Any) -> Setting:
    return Setting("clouds", experiment(**changes), (0,), Reading("margin"))


def queried(results: Results) -> dict[tuple[str, int], Any]:
    return {(run.strategy, run.seed): run.queried for run in results.runs}


def outcome(results: Results) -> dict[tuple[str, int], Any]:
    """Everything but the seconds."""
    return {
        (run.strategy, run.seed): (run.labels, run.accuracy, run.queried, run.class_counts)
        for run in results.runs
    }


@final
@dataclass(frozen=True)
class Watched(Learner):
    """Fits as another does, and notes every item that it or its models are given."""

    seen: set[int] = field(default_factory=set)

    @property
    def provides(self) -> frozenset[str]:
        return SklearnLearner("logistic").provides

    def fit(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        rng: np.random.Generator,
        **settings: Any,
    ) -> Model:
        self.seen.update(labelled.tolist(), unlabelled.tolist())
        return Watching(
            self.seen, SklearnLearner("logistic").fit(pool, labelled, labels, unlabelled, rng, **settings)
        )

    def load(self, path: Path) -> Model:
        raise NotImplementedError


@final
@dataclass(frozen=True)
class Watching(Model):
    """What `Watched` fits."""

    seen: set[int]
    of: Model

    @property
    def fingerprint(self) -> str:
        raise NotImplementedError

    def signals(
        self, pool: Pool, positions: Positions, names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        self.seen.update(positions.tolist())
        return self.of.signals(pool, positions, names, rng)

    def save(self, path: Path) -> None:
        raise NotImplementedError


@final
@dataclass(frozen=True)
class Counts(Strategy):
    """Notes how many items it may choose from."""

    offered: list[int]

    @property
    def needs(self) -> frozenset[str]:
        return frozenset()

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        self.offered.append(signals.n)
        return Picks(np.arange(batch))


def test_labels_of_the_reserve_change_no_id_and_no_accuracy() -> None:
    honest = experiment()
    for seed in honest.all_seeds:
        reserve = honest.reserve(seed)
        blind, sighted = honest.dataset.labels.copy(), honest.dataset.labels.copy()
        blind[reserve] = (blind[reserve] + 1) % 3
        start = honest.split(seed)[1]
        sighted[start] = sighted[np.roll(start, 1)]
        cells = [Cell(name, seed) for name in STRATEGIES]
        known = run_group(honest, cells)
        unknown = run_group(experiment(dataset=clouds(blind)), cells)
        assert [(run.queried, run.accuracy, run.class_counts) for run in known] == [
            (run.queried, run.accuracy, run.class_counts) for run in unknown
        ]
        # labels that are trained on do change ids, so the test can fail
        assert [run.queried for run in run_group(experiment(dataset=clouds(sighted)), cells)] != [
            run.queried for run in known
        ]


def test_neither_model_nor_strategy_is_given_an_item_of_the_reserve() -> None:
    learner, offered = Watched(), list[int]()
    watched = experiment(learner=learner, strategies={"counts": Counts(offered)})
    run_group(watched, [Cell("counts", 0)])
    everything = set(range(ITEMS))
    assert everything - learner.seen == set(watched.reserve(0).tolist())
    assert offered[0] == ITEMS - TEST - 10 - watched.reserved


@pytest.mark.parametrize("start", [0, 10, 60])
def test_at_every_checkpoint_the_reserve_has_its_share_of_the_labels(start: int) -> None:
    held = experiment(start=start, budget=start + 54, strategies={"margin": Margin()})
    for run in run_group(held, [Cell("margin", seed) for seed in held.all_seeds]):
        order = [str(one) for one in held.reserve(run.seed)]
        asked: list[str] = []
        for labels, batch, counts in zip(run.labels, run.queried, run.class_counts, strict=True):
            behind = sum(one in order for one in asked)
            asked += batch
            control = [one for one in asked if one in order]
            assert control == order[: len(control)]
            # the floor of a fifth of all labels, or a batch whole while a large start set is made up for
            drawn = bool(start) and labels == start
            assert len(control) == (0 if drawn else min(int(Fraction("0.2") * labels), behind + len(batch)))
            assert len(asked) == len(set(asked)) == labels
            assert sum(counts) == labels - len(control)


def test_a_batch_of_control_items_alone_teaches_nothing() -> None:
    held = experiment(start=100, batch=10, budget=130)
    for run in run_group(held, [Cell("margin", 0)]):
        assert {int(one) for one in run.queried[1]} == set(held.reserve(0)[:10].tolist())
        assert run.class_counts[1] == run.class_counts[0]
        assert run.selection_seconds[0] == 0


@pytest.mark.parametrize("start", [10, 0])
def test_a_run_cut_anywhere_goes_on_as_if_unbroken(tmp_path: Path, start: int) -> None:
    one = setting(start=start, strategies={**STRATEGIES, "typiclust": TypiClust()})
    whole = outcome(run_settings(tmp_path, [one])[0])
    rng = np.random.default_rng(start)
    for _ in range(3):
        for path in (tmp_path / "runs").iterdir():
            content = path.read_bytes()
            path.write_bytes(content[: rng.integers(len(content) + 1)])
        assert outcome(run_settings(tmp_path, [one])[0]) == whole


@pytest.mark.parametrize("strategy", ["margin", "typiclust"])
def test_it_asks_what_a_campaign_with_control_items_asks(strategy: str) -> None:
    data = clouds()
    whole = Dataset(
        data.name,
        data.description,
        arrays(np.vstack([data.pool.take(np.arange(ITEMS)), [[9.0, 9.0]]]).astype(np.float32)),
        np.append(data.labels, 0),
        data.task,
        test=np.array([ITEMS]),
    )
    made = {strategy: build("strategy", strategy)}
    one = experiment(dataset=whole, test=None, start=0, strategies=made)
    expected = run_group(one, [Cell(strategy, 3)])[0].queried
    spec = {"name": "sklearn", "estimator": "logistic"}
    campaign = Campaign.create(
        None, data.pool, spec, strategy, data.task, seed=3, control=0.2, opening=strategy
    )
    for place, batch in enumerate(expected):
        query = campaign.ask(len(batch))
        if place == 0 and strategy == "margin":  # nothing to go by: each draws its own active items
            campaign.renew(query.token, 0)
        else:
            assert query.ids == batch
        campaign.tell({id: data.task.classes[data.labels[int(id)]] for id in batch})


def test_only_cells_with_a_control_arm_are_named_by_it(tmp_path: Path) -> None:
    cell = Cell("margin", 0)
    digest = data_digest(clouds())
    assert "control" not in experiment(control=0).spec(cell, digest)
    assert experiment().spec(cell, digest)["control"] == 0.2
    (without,) = run_settings(tmp_path, [setting(control=0)])
    before = {path.name for path in (tmp_path / "runs").iterdir()}
    (with_control,) = run_settings(tmp_path, [setting()])
    assert queried(with_control) != queried(without)
    # both share the ceiling: the labels of the whole pool, the reserve among them
    assert len({path.name for path in (tmp_path / "runs").iterdir()}) == 2 * len(before) - 1
    assert (without.protocol["control"], without.protocol["reserve"]) == (0, 0)
    assert (with_control.protocol["control"], with_control.protocol["reserve"]) == (0.2, 120)


def test_fewer_than_500_items_beside_the_start_have_no_reserve() -> None:
    few = {"test": ITEMS - 509, "seeds": [0, 1]}
    small, plain = experiment(**few), experiment(**few, control=0)
    assert (small.reserved, len(small.reserve(0))) == (0, 0)
    assert [run.queried for run in run_group(small, small.cells())] == [
        run.queried for run in run_group(plain, plain.cells())
    ]
    assert experiment(test=ITEMS - 510).reserved == 100


def test_a_budget_that_the_items_outside_the_reserve_cannot_meet_is_refused() -> None:
    assert experiment(budget=610).reserved == 120  # a fifth of the budget would be more: all of it is asked
    with pytest.raises(
        ParameterError,
        match=r"a budget of 610, of which 580 labels are not of the reserve, and 610 items, 120 of them",
    ):
        experiment(budget=610, control=0.05)


@pytest.mark.parametrize("share", [0.04, 0.3, "much"])
def test_a_share_that_a_campaign_would_refuse_is_refused(share: Any) -> None:
    with pytest.raises(ParameterError, match=rf"(?i)control.*{share}"):
        experiment(control=share)


def test_the_reserve_is_asked_as_far_as_it_goes() -> None:
    assert control_items(0.2, active=80, control=0, batch=20, held=7) == 7
    assert control_items(0.2, active=80, control=7, batch=20, held=7) == 0
    assert control_items(0.2, active=80, control=0, batch=20, held=0) == 0
    assert active_items(0.2, (100, 200), started=0, held=7) == 193
    assert len(set_aside(np.arange(10_001), 0.1, seed=0)) == 2000
