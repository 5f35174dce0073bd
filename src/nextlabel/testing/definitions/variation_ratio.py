"""Variation ratio: the largest share of draws against the modal class, then the least mean prediction."""

from collections.abc import Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "memory"]


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    draws = np.asarray(question.signals["draws"], np.float64)
    votes = (draws.argmax(axis=2)[:, :, None] == np.arange(draws.shape[2])).sum(axis=1)
    wanted = first_of(draws.shape[1] - votes.max(axis=1), picked)
    doubt = 1.0 - draws.mean(axis=1).max(axis=1)
    return first_of(np.where(wanted > 0.0, doubt, -np.inf), picked, slack=1e-9)


DEFINITION = Definition("variation_ratio", frozenset({"draws"}), weights=_weights, is_law=False)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    return 32.0 * sizes["n"] * sizes["c"] + 100.0 * sizes["n"] + 4e6
