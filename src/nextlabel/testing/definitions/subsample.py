"""A random part of the pool, of which margin picks: over all parts of the size, equally likely."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "memory"]

_SIZE = 3


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    ordered = np.sort(np.asarray(question.signals["proba"], np.float64), axis=1)
    closeness = ordered[:, -2] - ordered[:, -1]
    size = min(question.n, max(_SIZE, question.batch))
    weights = np.zeros(question.n)
    for part in combinations(range(question.n), size):
        seen = np.full(question.n, -np.inf)
        seen[list(part)] = closeness[list(part)]
        chance, before = 1.0, list[int]()
        for item in picked:
            wanted = first_of(seen, before)
            chance *= wanted[item] / wanted.sum()
            before.append(item)
        if chance > 0.0:
            wanted = first_of(seen, before)
            weights += chance * wanted / wanted.sum()
    return weights


DEFINITION = Definition(
    "subsample", frozenset({"proba"}), weights=_weights, parameters={"of": "margin", "size": _SIZE}
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs: a part of the pool, and its order."""
    part = max(_SIZE, sizes["b"])
    return 32.0 * sizes["n"] + 8.0 * part * sizes["c"] + 4e6
