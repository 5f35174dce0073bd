"""Least confident: the smallest probability of the most probable class comes first."""

from collections.abc import Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "memory"]


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    return first_of(1.0 - np.asarray(question.signals["proba"], np.float64).max(axis=1), picked)


DEFINITION = Definition("least_confident", frozenset({"proba"}), weights=_weights, is_law=False)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    return 64.0 * sizes["n"] + 4e6
