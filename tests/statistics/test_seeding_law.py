"""The picks of k-means++ follow the law of squared distances, exactly."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

from nextlabel.maths import seeding
from nextlabel.maths.seeding import outer_product_seeds

Array = NDArray[Any]

ITEMS = 8
TRIPLES = list(permutations(range(ITEMS), 3))
PAIRS = list(permutations(range(ITEMS), 2))
THRESHOLD = float(chi2.isf(1e-6, len(TRIPLES) - 1))


def eight() -> tuple[Array, Array]:
    """Residual (8, 3) and embedding (8, 4) of eight items of unlike lengths and directions."""
    angle = np.arange(ITEMS) * 0.7
    residual = np.stack([np.cos(angle), np.sin(angle), 0.4 * np.cos(3 * angle)], axis=1)
    embedding = np.stack(
        [1 + 0.2 * np.sin(angle), np.cos(2 * angle), np.sin(2 * angle), 0.5 + 0 * angle], axis=1
    )
    return residual * (1.0 + 0.1 * np.arange(ITEMS))[:, None], embedding


def triple_law(
    residual: Array, embedding: Array, size: Array, pull: Callable[[Array], Array] = lambda square: square
) -> Array:
    """Probability of each ordered triple of kinds, by the plain definition on the products written out.

    `size` is how many copies of each kind the pool holds; `pull` is what the weight of an item makes of
    its squared distance, the identity in the true law.
    """
    vectors = np.einsum("nc,nd->ncd", residual, embedding).reshape(len(residual), -1)
    square = ((vectors[:, None] - vectors[None]) ** 2).sum(2)
    start = size * (vectors**2).sum(1)
    law = np.empty(len(TRIPLES))
    for cell, (a, b, c) in enumerate(TRIPLES):
        second = size * pull(square[a])
        third = size * pull(np.minimum(square[a], square[b]))
        second[a] = third[[a, b]] = 0.0
        law[cell] = start[a] / start.sum() * second[b] / second.sum() * third[c] / third.sum()
    return law


def pair_law(size: Array) -> Array:
    """Probability of each ordered pair of kinds: the triple law, summed over the third."""
    law = dict.fromkeys(PAIRS, 0.0)
    for triple, probability in zip(TRIPLES, triple_law(*eight(), size), strict=True):
        law[triple[:2]] += probability
    return np.array(list(law.values()))


def statistic(counts: Array, law: Array) -> float:
    expected = counts.sum() * law
    assert expected.min() > 5.0, "a cell too rare for the chi-square law"
    return float(((counts - expected) ** 2 / expected).sum())


def counted_triples(runs: int, seed: int, monkeypatch: pytest.MonkeyPatch, *, compiled: bool) -> Array:
    monkeypatch.setattr(seeding, "_PLAIN_WORK", 0 if compiled else 1 << 62)
    residual, embedding = eight()
    rng = np.random.default_rng(seed)
    counts = dict.fromkeys(TRIPLES, 0)
    for _ in range(runs):
        picks, _ = outer_product_seeds(residual, embedding, 3, rng=rng, first="norm")
        a, b, c = picks.tolist()
        counts[a, b, c] += 1
    return np.array(list(counts.values()))


def counted_pairs(runs: int, size: Array, seed: int, monkeypatch: pytest.MonkeyPatch) -> Array:
    monkeypatch.setattr(seeding, "_PLAIN_WORK", 0)
    kind = np.repeat(np.arange(ITEMS), size)
    residual, embedding = (factor[kind] for factor in eight())
    rng = np.random.default_rng(seed)
    counts = dict.fromkeys(PAIRS, 0)
    for _ in range(runs):
        picks, _ = outer_product_seeds(residual, embedding, 2, rng=rng, first="norm")
        a, b = kind[picks].tolist()
        counts[a, b] += 1
    return np.array(list(counts.values()))


@pytest.mark.parametrize("compiled", [False, True], ids=["plain", "compiled"])
def test_ordered_triples_follow_the_law_of_squared_distances(
    compiled: bool, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: the product of the three conditional probabilities, first in proportion to the squared norm.

    Statistic: chi-square over all 336 ordered triples of 8 items, 60,000 runs, rarest cell above 5.
    A correct implementation fails with probability 1e-6.
    """
    counts = counted_triples(60_000, seed, monkeypatch, compiled=compiled)
    assert statistic(counts, triple_law(*eight(), np.ones(ITEMS))) < THRESHOLD


def test_items_are_found_through_the_tree_of_sums(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: the first two picks, each kind weighted by its copies, which lie in many leaves and two branches.

    Statistic: chi-square over the 56 ordered pairs of kinds, 10,000 runs on 18,400 items, rarest cell
    above 5. Fails by chance with probability 1e-6. A pick of a copy of the first would be a KeyError.
    """
    size = np.array([2_300, 1_900, 2_700, 2_300, 2_000, 2_600, 2_300, 2_300])
    counts = counted_pairs(10_000, size, seed, monkeypatch)
    assert statistic(counts, pair_law(size)) < float(chi2.isf(1e-6, len(PAIRS) - 1))


def test_the_test_of_pairs_rejects_copies_that_are_not_counted(seed: int) -> None:
    """Twin: pairs drawn as if each kind had one copy."""
    size = np.array([2_300, 1_900, 2_700, 2_300, 2_000, 2_600, 2_300, 2_300])
    drawn = np.random.default_rng(seed).multinomial(10_000, pair_law(np.ones(ITEMS)))
    assert statistic(drawn, pair_law(size)) > float(chi2.isf(1e-6, len(PAIRS) - 1))


@pytest.mark.parametrize(
    "pull",
    [np.sqrt, lambda square: np.where(square > 0.0, 1.0, 0.0), lambda square: square + 0.15 * square.mean()],
    ids=["distance not squared", "uniform", "some of the mean leaks in"],
)
def test_the_same_test_rejects_a_broken_twin(pull: Callable[[Array], Array], seed: int) -> None:
    """Twins: triples drawn, 60,000 times, from laws that are wrong in one place."""
    ones = np.ones(ITEMS)
    drawn = np.random.default_rng(seed).multinomial(60_000, triple_law(*eight(), ones, pull))
    assert statistic(drawn, triple_law(*eight(), ones)) > THRESHOLD


def test_the_same_test_rejects_bounds_taken_for_distances(seed: int) -> None:
    """Twin: the third pick is accepted by its stale weight, the distance to the first centre alone."""
    residual, embedding = eight()
    vectors = np.einsum("nc,nd->ncd", residual, embedding).reshape(ITEMS, -1)
    square = ((vectors[:, None] - vectors[None]) ** 2).sum(2)
    start = (vectors**2).sum(1)
    stale = np.empty(len(TRIPLES))
    for cell, (a, b, c) in enumerate(TRIPLES):
        third = square[a].copy()
        third[[a, b]] = 0.0
        stale[cell] = start[a] / start.sum() * square[a, b] / square[a].sum() * third[c] / third.sum()
    drawn = np.random.default_rng(seed).multinomial(60_000, stale)
    assert statistic(drawn, triple_law(residual, embedding, np.ones(ITEMS))) > THRESHOLD
