"""The experiment's own control: one strategy under two names makes no difference."""

from dataclasses import dataclass
from typing import final

import numpy as np

from nextlabel import Picks, Signals, Strategy, arrays, classes
from nextlabel.core.dataset import Dataset
from nextlabel.experiment.runner import Experiment
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.maths.intervals import Interval, student_interval
from nextlabel.maths.summaries import area_under_budget_curve
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


def clusters(seed: int) -> Dataset:
    """Eight overlapping clusters in 32 dimensions, and 400 copies of one item whose labels do not help."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(8, size=1_500)
    items = 2.5 * np.eye(8, 32)[labels] + rng.standard_normal((1_500, 32))
    items[:400], labels[:400] = items[0], labels[0]
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

    def gain(name: str) -> Interval:
        ours, theirs = (
            area_under_budget_curve(results.labels, results.accuracy(one)) for one in (name, "random")
        )
        assert not np.array_equal(ours, theirs)
        return student_interval(ours - theirs, confidence=1.0 - 1e-6)

    assert gain("again").holds(0.0)
    assert not gain("alike").holds(0.0)
