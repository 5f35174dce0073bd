"""Mean standard deviation: the class probabilities that vary most over draws come first."""

from collections.abc import Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "memory"]

_ROUNDING = 1e-8  # a variance of zero leaves the root of 1e-16


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    draws = np.asarray(question.signals["draws"], np.float64)
    return first_of(draws.std(axis=1).mean(axis=1), picked, slack=_ROUNDING)


DEFINITION = Definition("mean_std", frozenset({"draws"}), weights=_weights, is_law=False)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    return 32.0 * sizes["n"] * sizes["c"] + 100.0 * sizes["n"] + 4e6
