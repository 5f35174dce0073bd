"""Margin and a random draw in one batch, with equal weights: they take turns.

In a batch of an even size a coin says for each pair of places whose is the first; in one of an odd size a
coin says once who begins, and has a place more. Whose turn it was is hidden: the law averages over it.
"""

from collections.abc import Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of, uniform

__all__ = ["DEFINITION", "memory"]


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    ordered = np.sort(np.asarray(question.signals["proba"], np.float64), axis=1)
    closeness = ordered[:, -2] - ordered[:, -1]
    begin = 0 if question.batch % 2 else len(picked) // 2 * 2  # where the coin was tossed last
    weights = np.zeros(question.n)
    for first in (0, 1):
        chance = 1.0
        for place in range(begin, len(picked) + 1):
            before = picked[:place]
            law = first_of(closeness, before) if (first + place - begin) % 2 else uniform(question.n, before)
            law /= law.sum()
            if place == len(picked):
                weights += chance * law
            else:
                chance *= law[picked[place]]
    return weights


DEFINITION = Definition(
    "mixture", frozenset({"proba"}), weights=_weights, parameters={"of": ["margin", "random"]}
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs: margins, a permutation, the places."""
    return 96.0 * sizes["n"] + 400.0 * sizes["b"] + 4e6
