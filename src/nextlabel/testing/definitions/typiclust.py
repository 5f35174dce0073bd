"""TypiClust: the most typical item of each cluster, clusters of few labels and many items first.

k-means finds its clusters by chance; asked are pools whose clusters stand so far apart that every run finds
the same: those left when the pool is cut at its widest gaps.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from nextlabel.maths.axes import Array
from nextlabel.testing.laws import Definition, Question, Sizes, Weights

__all__ = ["DEFINITION", "memory"]

_NEIGHBOURS, _SMALLEST = 20, 6
_TIE = 1e-9
_APART = 1e6  # beside a spread of one: that k-means++ begins twice in one cluster has a chance of some 1e-12


def _questions(rng: np.random.Generator) -> Iterable[Question]:
    for sizes, labelled in (((7, 6), 0), ((6, 8, 7), 1), ((9, 6, 7), 0), ((6, 6, 6, 9), 2)):
        cluster = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
        centres = _APART * np.eye(len(sizes), 3) + _APART * (np.arange(len(sizes)) == 3)[:, None]
        seen = {"embedding": _points(centres[:labelled], rng)} if labelled else None
        yield Question({"embedding": _points(centres[cluster], rng)}, len(sizes) - labelled, labelled=seen)


def _points(centres: Array, rng: np.random.Generator) -> Array:
    """Near their centres, on a grid that float32 can hold at this distance."""
    return np.asarray(centres + np.round(8.0 * rng.standard_normal(centres.shape)) / 8.0, np.float64)


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    points, n = np.asarray(question.signals["embedding"], np.float64), question.n
    if question.labelled is not None:
        points = np.concatenate([points, np.asarray(question.labelled["embedding"], np.float64)])
    groups = _groups(points, len(points) - n + question.batch)
    left = [group for group in groups if any(item < n and item not in picked for item in group)]
    left = [group for group in left if len(group) >= _SMALLEST] or left
    turns = [_rank(group, n, picked) for group in left]
    weights = np.zeros(n)
    for group in (group for group, turn in zip(left, turns, strict=True) if turn == min(turns)):
        spread = {item: _spread(points, item, group) for item in group if item < n and item not in picked}
        least = min(spread.values())
        weights[[item for item, one in spread.items() if one <= least * (1.0 + _TIE)]] = 1.0
    return weights


def _rank(group: list[int], n: int, picked: Sequence[int]) -> tuple[int, int, int]:
    """Picks of this group so far, its labels, its size: the smallest rank comes next."""
    picks = sum(item in picked for item in group)
    labels = sum(item >= n for item in group)
    return picks, labels + picks, -len(group)


def _groups(points: Array, count: int) -> list[list[int]]:
    """Join the two nearest groups until so many are left."""
    apart = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    groups = [[item] for item in range(len(points))]
    while len(groups) > count:
        gaps = [
            (apart[np.ix_(groups[one], groups[other])].min(), one, other)
            for one in range(len(groups))
            for other in range(one)
        ]
        _, one, other = min(gaps)
        groups[other] += groups.pop(one)
    return groups


def _spread(points: Array, item: int, group: list[int]) -> float:
    """The mean distance to the nearest others of the group; the most typical item has the least."""
    others = [other for other in group if other != item]
    nearest = np.sort(np.linalg.norm(points[others] - points[item], axis=1))
    kept = nearest[: min(_NEIGHBOURS, len(group) // 2)]
    return float(kept.mean()) if len(kept) else 0.0


DEFINITION = Definition(
    "typiclust",
    frozenset({"embedding"}),
    frozenset({"embedding"}),
    weights=_weights,
    is_law=False,
    questions=_questions,
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    return 32.0 * (sizes["n"] + sizes["l"]) * (sizes["d"] + 8) + 4e7
