"""The experiment's own control: one strategy under two names makes no difference."""

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from nextlabel import Picks, Signals, Strategy, arrays, classes
from nextlabel.core.dataset import Dataset
from nextlabel.core.rng import generator
from nextlabel.experiment.curves import Results
from nextlabel.experiment.runner import Experiment
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.maths.intervals import Interval, student_interval
from nextlabel.maths.summaries import area_under_budget_curve
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.random import Random

SEEDS = 12


@final
@dataclass(frozen=True)
class Alike(Strategy):
    """The broken twin of random: asks for the items nearest to the first one, so for copies."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        far = np.linalg.norm(signals["embedding"] - signals["embedding"][0], axis=1)
        return Picks(np.argsort(far)[:batch])


@final
@dataclass(frozen=True)
class Unlike(Strategy):
    """Asks for items drawn at random, but none that is a copy of the first."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        rows, counts = np.unique(signals["embedding"], axis=0, return_counts=True)
        copied = (signals["embedding"] == rows[counts.argmax()]).all(axis=1)
        return Picks(rng.choice(np.flatnonzero(~copied), batch, replace=False))


def clusters(seed: int, copies: int = 400) -> Dataset:
    """Eight overlapping clusters in 32 dimensions, and copies of one item whose labels do not help."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(8, size=1_500)
    items = 2.5 * np.eye(8, 32)[labels] + rng.standard_normal((1_500, 32))
    items[:copies], labels[:copies] = items[0], labels[0]
    return Dataset(
        "clusters", "eight clusters", arrays(items.astype(np.float32)), labels, classes(list("abcdefgh"))
    )


def test_random_under_another_name_gains_nothing(seed: int) -> None:
    """Null law: paired differences of AUBC of two equal strategies have mean 0; their t is Student's.

    Statistic: whether the t interval of 12 differences at confidence 1 − 1e-6 holds 0; a correct
    experiment fails with probability 1e-6, as far as a mean of 500 test items at each of four checkpoints
    is normal. The twin asks for copies of one item.
    """
    strategies: dict[str, Strategy] = {"random": Random(), "again": Random(), "alike": Alike()}
    experiment = Experiment(
        clusters(seed),
        SklearnLearner("logistic"),
        strategies,
        start=24,
        batch=48,
        budget=168,
        seeds=SEEDS,
        test=500,
    )
    results = experiment.run()

    assert gain(results, "again").holds(0.0)
    assert not gain(results, "alike").holds(0.0)


def gain(results: Results, name: str) -> Interval:
    """Of the area under the curve on random, at confidence 1 − 1e-6."""
    ours, theirs = (
        area_under_budget_curve(results.labels, results.accuracy(one)) for one in (name, "random")
    )
    assert not np.array_equal(ours, theirs)
    return student_interval(ours - theirs, confidence=1.0 - 1e-6)


def test_with_permuted_labels_no_strategy_beats_random(seed: int) -> None:
    """Labels that follow nothing leave nothing to gain.

    Null law: the permuted labels hold every class equally often and follow nothing, so whatever is asked and
    predicted, a test item's label is hit with probability 1/8; the paired differences of AUBC of 16
    seeds have mean 0, and their t is Student's as far as a mean of 300 test items at four checkpoints is
    normal. Statistic: whether the t interval at confidence 1 − 1e-6 lies above 0, for each of two strategies:
    a correct experiment fails with probability 1e-6. The twin leaves the labels as they were: a strategy that
    asks no copies then gains.
    """
    honest = clusters(seed, copies=1_000)
    chance = generator(seed, 1).permutation(np.arange(len(honest.labels)) % 8)
    for dataset, gains in ((replace(honest, labels=chance), False), (honest, True)):
        results = Experiment(
            dataset,
            SklearnLearner("logistic"),
            {"random": Random(), "unlike": Unlike(), "margin": Margin()},
            start=16,
            batch=32,
            budget=112,
            seeds=16,
            test=300,
        ).run()
        found = [gain(results, name).low > 0.0 for name in ("unlike", "margin")]
        assert any(found) == gains, found
