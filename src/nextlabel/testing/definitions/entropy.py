"""Entropy: the prediction most spread over the classes comes first."""

from collections.abc import Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "memory"]


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    proba = np.asarray(question.signals["proba"], np.float64)
    return first_of(-(proba * np.log(np.where(proba > 0.0, proba, 1.0))).sum(axis=1), picked)


DEFINITION = Definition("entropy", frozenset({"proba"}), weights=_weights, is_law=False)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    return 64.0 * sizes["n"] + 4e6
