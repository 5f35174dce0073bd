"""Seeding in hyperbolic space follows its law: squared weights times squared hyperbolic distances."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

from nextlabel.strategies.badge import badge

Array = NDArray[Any]

ITEMS, RUNS = 6, 6_000
TRIPLES = list(permutations(range(ITEMS), 3))
THRESHOLD = float(chi2.isf(1e-6, len(TRIPLES) - 1))

POINTS = np.array([[0.9, 0.1], [0.6, -0.5], [-0.7, 0.2], [-0.3, -0.8], [0.1, 0.85], [0.35, 0.3]])
RESIDUAL = np.array([0.35, 0.4, 0.45, 0.35, 0.4, 0.5])[:, None] * np.array([[1.0, -1.0]])


def hyperbolic(left: Array, right: Array) -> Array:
    gap = ((left - right) ** 2).sum(axis=-1)
    depth = (1 - (left**2).sum(axis=-1)) * (1 - (right**2).sum(axis=-1))
    return np.asarray(np.arccosh(1 + 2 * gap / depth))


def flat(left: Array, right: Array) -> Array:
    return np.asarray(np.linalg.norm(left - right, axis=-1))


def law(distance: Callable[[Array, Array], Array], *, power: int = 2, weighted: bool = True) -> Array:
    """Probability of each ordered triple: weights and distances to a power, the first from the origin."""
    weight = np.linalg.norm(RESIDUAL, axis=1) if weighted else np.ones(ITEMS)
    between = (weight[:, None] * distance(POINTS[:, None], POINTS[None])) ** power  # row: who is drawn
    start = (weight * distance(POINTS, np.zeros(2))) ** power
    found = np.empty(len(TRIPLES))
    for cell, (a, b, c) in enumerate(TRIPLES):
        second = between[:, a]
        third = np.minimum(between[:, a], between[:, b])
        found[cell] = start[a] / start.sum() * second[b] / second.sum() * third[c] / third.sum()
    return found


def statistic(counts: Array, expected: Array) -> float:
    assert expected.min() * counts.sum() > 5.0, "a cell too rare for the chi-square law"
    return float(((counts - counts.sum() * expected) ** 2 / (counts.sum() * expected)).sum())


def test_ordered_triples_follow_the_law_of_weighted_squared_hyperbolic_distances(seed: int) -> None:
    """Law: the product of the three conditional probabilities, first in proportion to (‖r‖·d(0, x))².

    Statistic: chi-square over all 120 ordered triples of 6 items, 6,000 runs, rarest cell above 5. A
    correct implementation fails with probability 1e-6.
    """
    rng = np.random.default_rng(seed)
    counts = dict.fromkeys(TRIPLES, 0)
    for _ in range(RUNS):
        a, b, c = badge(RESIDUAL, POINTS, 3, first="norm", geometry="ball", rng=rng).tolist()
        counts[a, b, c] += 1
    assert statistic(np.array(list(counts.values())), law(hyperbolic)) < THRESHOLD


@pytest.mark.parametrize(
    "twin",
    [law(flat), law(hyperbolic, power=1), law(hyperbolic, weighted=False)],
    ids=["flat distances", "distances not squared", "no weights"],
)
def test_the_test_rejects_other_laws(twin: Array, seed: int) -> None:
    """Twins: distances of flat space, plain for squared distances, items that all weigh the same."""
    drawn = np.random.default_rng(seed).multinomial(RUNS, twin)
    assert statistic(drawn, law(hyperbolic)) > THRESHOLD
