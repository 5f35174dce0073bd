"""How far strategies ask for the same is counted on what they chose."""

from typing import Any

import numpy as np
import pytest

from nextlabel import arrays, classes
from nextlabel.core.dataset import Dataset
from nextlabel.core.strategy import Strategy
from nextlabel.experiment.curves import Results
from nextlabel.experiment.runner import Experiment
from nextlabel.experiment.shared import overlap
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.strategies.coreset import CoreSet
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.random import Random


def experiment(**changes: Any) -> Experiment:
    rng = np.random.default_rng(0)
    labels = np.arange(900) % 3
    items = (labels[:, None] + rng.standard_normal((900, 2))).astype(np.float32)
    given: dict[str, Any] = {
        "dataset": Dataset("clusters", "three clusters", arrays(items), labels, classes("a", "b", "c")),
        "learner": SklearnLearner("logistic"),
        "strategies": {"margin": Margin(), "coreset": CoreSet(), "random": Random()},
        "start": 20,
        "batch": 15,
        "budget": 80,
        "seeds": 2,
        "test": 100,
        **changes,
    }
    return Experiment(**given)


def expected(one: Experiment, results: Results, a: str, b: str, begin: int) -> float:
    """Counted with the reserve itself at hand."""
    shares = []
    for ours, theirs in zip(results.of(a), results.of(b), strict=True):
        reserve = {one.dataset.pool.ids[place] for place in one.reserve(ours.seed)}
        first, second = (
            {id for batch in run.queried[begin:] for id in batch} - reserve for run in (ours, theirs)
        )
        shares.append(len(first & second) / len(first | second))
    return float(np.mean(shares))


@pytest.mark.parametrize("start", [0, 20])
def test_control_items_are_left_out(start: int) -> None:
    one = experiment(start=start, control=0.2)
    results = one.run()
    assert one.reserved > 0
    found = overlap(results)
    for a, b in (("margin", "coreset"), ("margin", "random"), ("coreset", "random")):
        assert found[f"{a}, {b}"] == pytest.approx(expected(one, results, a, b, begin=1))
    counted = Results({**results.protocol, "control": 0.0}, results.runs)
    assert overlap(counted)["margin, random"] > found["margin, random"]  # as if they were chosen


def test_a_first_batch_counts_where_both_picked_it() -> None:
    strategies: dict[str, Strategy] = {
        "coreset": CoreSet(),
        "again": CoreSet(),
        "margin": Margin(),
        "random": Random(),
    }
    one = experiment(start=0, strategies=strategies, budget=45)
    results = one.run()
    found = overlap(results)
    assert found["coreset, again"] == pytest.approx(expected(one, results, "coreset", "again", begin=0))
    for other in ("coreset", "random"):
        pair = "margin, random" if other == "random" else "coreset, margin"
        a, b = pair.split(", ")
        assert found[pair] == pytest.approx(expected(one, results, a, b, begin=1))
        assert found[pair] != pytest.approx(expected(one, results, a, b, begin=0))


def test_without_random_a_first_batch_that_two_have_was_drawn() -> None:
    strategies: dict[str, Strategy] = {"coreset": CoreSet(), "margin": Margin(), "other": Margin()}
    one = experiment(start=0, strategies=strategies, budget=45)
    results = one.run()
    for a, b in (("coreset", "margin"), ("margin", "other")):
        assert overlap(results)[f"{a}, {b}"] == pytest.approx(expected(one, results, a, b, begin=1))


def test_who_chose_nothing_chose_the_same() -> None:
    runs = experiment(budget=35).run().runs
    begun = [type(run)(run.strategy, run.seed, (20,), (0.5,), run.queried[:1], (0.1,), ()) for run in runs]
    assert set(overlap(Results({"drawn": 20}, begun)).values()) == {1.0}
