"""Stochastic batches of kind power, of margin: items are drawn in proportion to one minus the margin."""

from collections.abc import Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, uniform

__all__ = ["DEFINITION", "memory"]


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    ordered = np.sort(np.asarray(question.signals["proba"], np.float64), axis=1)
    weights: Weights = 1.0 - (ordered[:, -1] - ordered[:, -2])
    weights[list(picked)] = 0.0
    return weights if weights.any() else uniform(question.n, picked)


DEFINITION = Definition("stochastic", frozenset({"proba"}), weights=_weights, parameters={"of": "margin"})


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    return 128.0 * sizes["n"] + 4e6
