"""Margin and a random draw in one batch, margin with twice the weight.

Margin has two thirds of the places, rounded down or up by chance so that it is two thirds on average; the
i-th of m places of a method is due at (i + ½)/m of the batch, and a coin says which of two comes first that
are due together. Whose turn it was is hidden: the law averages over it.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import permutations, product

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of, uniform

__all__ = ["DEFINITION", "memory"]

_WEIGHTS = (2, 1)
_MARGIN, _RANDOM = 0, 1


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    ordered = np.sort(np.asarray(question.signals["proba"], np.float64), axis=1)
    closeness = ordered[:, -2] - ordered[:, -1]
    weights = np.zeros(question.n)
    for chance, turns in _turns(question.batch):
        for place in range(len(picked) + 1):
            before = picked[:place]
            law = uniform(question.n, before) if turns[place] == _RANDOM else first_of(closeness, before)
            law /= law.sum()
            if place < len(picked):
                chance *= law[picked[place]]
        weights += chance * law
    return weights


def _turns(batch: int) -> Iterator[tuple[float, list[int]]]:
    """Every order of turns, with its chance."""
    share = batch * _WEIGHTS[_MARGIN] / sum(_WEIGHTS)
    for places, chance in ((int(share), 1.0 - share % 1.0), (int(share) + 1, share % 1.0)):
        if chance > 1e-9:
            counts = (places, batch - places)
            due: dict[Fraction, list[int]] = {}
            for part, count in enumerate(counts):
                for nth in range(count):
                    due.setdefault(Fraction(2 * nth + 1, 2 * count), []).append(part)
            orders = list(product(*(sorted(set(permutations(due[when]))) for when in sorted(due))))
            for order in orders:
                yield chance / len(orders), [part for parts in order for part in parts]


DEFINITION = Definition(
    "mixture",
    frozenset({"proba"}),
    weights=_weights,
    parameters={"of": ["margin", "random"], "weights": _WEIGHTS},
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs: margins, a permutation, the places."""
    return 96.0 * sizes["n"] + 400.0 * sizes["b"] + 4e6
