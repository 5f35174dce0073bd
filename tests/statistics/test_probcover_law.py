"""With a radius that reaches nobody, ProbCover picks uniformly."""

from collections.abc import Callable

import numpy as np
from scipy.stats import chi2

from nextlabel.strategies.probcover import probcover

ITEMS, RUNS = 6, 6_000
CELLS = ITEMS * (ITEMS - 1)
THRESHOLD = float(chi2.isf(1e-6, CELLS - 1))


def statistic(draw: Callable[[np.random.Generator], list[int]], seed: int) -> float:
    """Chi-square of ordered pairs against the uniform law."""
    rng = np.random.default_rng(seed)
    counts = np.zeros((ITEMS, ITEMS))
    for _ in range(RUNS):
        one, two = draw(rng)
        counts[one, two] += 1
    expected = RUNS / CELLS
    off = ~np.eye(ITEMS, dtype=bool)
    assert counts[~off].sum() == 0
    return float(((counts[off] - expected) ** 2 / expected).sum())


def test_a_tiny_radius_gives_every_ordered_pair_alike(seed: int) -> None:
    """Law: each of the 30 ordered pairs of 6 far items with probability 1/30, since every ball holds one.

    Statistic: chi-square with 29 degrees of freedom, 6,000 runs, 200 expected in each cell. A correct
    implementation fails with probability 1e-6.
    """
    points = np.arange(6.0)[:, None] ** 2
    assert statistic(lambda rng: probcover(points, 2, radius=1e-6, rng=rng).tolist(), seed) < THRESHOLD


def test_the_same_test_rejects_ties_broken_by_position(seed: int) -> None:
    """Twin: a random first pick, then the first position that is left."""

    def draw(rng: np.random.Generator) -> list[int]:
        one = int(rng.integers(ITEMS))
        return [one, 0 if one else 1]

    assert statistic(draw, seed) > THRESHOLD
