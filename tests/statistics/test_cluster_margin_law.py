"""Within one cluster, Cluster-Margin draws uniformly from the candidates."""

from itertools import combinations

import numpy as np
from scipy.stats import chi2

from nextlabel.strategies.cluster_margin import cluster_margin

CANDIDATES, BATCH, RUNS = 5, 2, 4_000
SUBSETS = list(combinations(range(CANDIDATES), BATCH))
THRESHOLD = float(chi2.isf(1e-6, len(SUBSETS) - 1))


def statistic(counts: list[int]) -> float:
    expected = RUNS / len(SUBSETS)
    return float(sum((count - expected) ** 2 for count in counts) / expected)


def test_one_cluster_gives_every_subset_of_the_candidates_alike(seed: int) -> None:
    """Law: each of the 10 pairs of the 5 items of smallest margin with probability 1/10.

    Statistic: chi-square with 9 degrees of freedom, 4,000 runs, 400 expected in each cell. A correct
    implementation fails with probability 1e-6.
    """
    rng = np.random.default_rng(seed)
    lead = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.9, 0.95])
    proba = np.stack([0.5 + lead / 2.0, 0.5 - lead / 2.0], axis=1)
    counts = dict.fromkeys(SUBSETS, 0)
    for _ in range(RUNS):
        picked = cluster_margin(
            proba, np.zeros((7, 1)), BATCH, candidates=CANDIDATES / BATCH, distance=1.0, rng=rng
        )
        one, two = sorted(picked.tolist())
        counts[one, two] += 1
    assert statistic(list(counts.values())) < THRESHOLD


def test_the_same_test_rejects_draws_that_prefer_small_margins(seed: int) -> None:
    """Twin: pairs drawn with weights 5, 4, 3, 2, 1 for the five items, without replacement."""
    rng = np.random.default_rng(seed)
    weights = np.arange(5.0, 0.0, -1.0) / 15.0
    counts = dict.fromkeys(SUBSETS, 0)
    for _ in range(RUNS):
        one, two = sorted(rng.choice(CANDIDATES, BATCH, replace=False, p=weights).tolist())
        counts[one, two] += 1
    assert statistic(list(counts.values())) > THRESHOLD
