"""Cluster-Margin: the items of smallest margin, drawn in turn from clusters of average linkage."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from nextlabel.maths.axes import Array
from nextlabel.testing.laws import Definition, Question, Sizes, Weights

__all__ = ["DEFINITION", "memory"]

_CANDIDATES, _DISTANCE = 2.0, 1.5
_TIE = 1e-9
_BLOCKS = 2 * 2.0**25 + 4e6  # two blocks of distances, and what is small


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    """How probable it is to go on with each item, over all the ways in which equal margins can be cut."""
    clusters = _clusters(np.asarray(question.signals["embedding"], np.float64))
    pools = _smallest_margins(question)
    chances = np.zeros(question.n)
    for pool in pools:
        groups = [kept for one in clusters if (kept := [item for item in one if item in pool])]
        for item in set(pool) - set(picked):
            chances[item] += _chance([*picked, item], groups) / len(pools)
    return chances


def _smallest_margins(question: Question) -> list[tuple[int, ...]]:
    """Every set of so many items that no item of a smaller margin is left out of."""
    ordered = np.sort(np.asarray(question.signals["proba"], np.float64), axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    wanted = min(question.n, max(question.batch, int(np.ceil(_CANDIDATES * question.batch))))
    last = np.sort(margin)[wanted - 1]
    sure = [item for item in range(question.n) if margin[item] < last - _TIE]
    tied = [item for item in range(question.n) if abs(margin[item] - last) <= _TIE]
    return [(*sure, *some) for some in combinations(tied, wanted - len(sure))]


def _clusters(points: Array) -> list[list[int]]:
    """Join the two clusters of smallest mean distance while it is within reach."""
    apart = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    clusters = [[item] for item in range(len(points))]
    while len(clusters) > 1:
        pairs = list(combinations(range(len(clusters)), 2))
        means = [apart[np.ix_(clusters[one], clusters[other])].mean() for one, other in pairs]
        if min(means) > _DISTANCE:
            break
        one, other = pairs[int(np.argmin(means))]
        clusters[one] += clusters.pop(other)
    return clusters


def _chance(picks: Sequence[int], groups: list[list[int]]) -> float:
    """The probability of these picks: small groups first, each drawn from in turn, equal sizes shuffled."""
    left = [list(group) for group in groups]
    order: list[int] = []
    chance, turn = 1.0, 0
    for item in picks:
        if len(order) < len(groups):
            waiting = [one for one in range(len(groups)) if one not in order]
            size = min(len(groups[one]) for one in waiting)
            nearest = [one for one in waiting if len(groups[one]) == size]
        else:
            while not left[order[turn % len(order)]]:
                turn += 1
            nearest = [order[turn % len(order)]]
            turn += 1
        found = [one for one in nearest if item in left[one]]
        if not found:
            return 0.0
        chance /= len(nearest) * len(left[found[0]])
        left[found[0]].remove(item)
        if len(order) < len(groups):
            order.append(found[0])
    return chance


DEFINITION = Definition(
    "cluster_margin",
    frozenset({"proba", "embedding"}),
    weights=_weights,
    parameters={"candidates": _CANDIDATES, "distance": _DISTANCE},
    moderate={"n": 1500, "c": 10, "m": 8, "d": 32, "b": 10, "l": 20},
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    part = min(sizes["n"], 10_000)
    return 14.0 * part**2 + 8.0 * sizes["n"] * (sizes["c"] + sizes["d"]) + _BLOCKS
