"""Margin sampling: the smallest difference between the two largest probabilities comes first."""

from collections.abc import Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "memory"]


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    ordered = np.sort(np.asarray(question.signals["proba"], np.float64), axis=1)
    return first_of(ordered[:, -2] - ordered[:, -1], picked)


DEFINITION = Definition("margin", frozenset({"proba"}), weights=_weights, is_law=False)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    return 64.0 * sizes["n"] + 4e6
