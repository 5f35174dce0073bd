"""Kernel coding rate: the item that multiplies the determinant of kernel plus noise most comes first."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "memory"]

_SIGMA, _ETA = 0.1, 0.1


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    noisy = _noisy_kernel(question)
    chosen = list(picked)
    before = np.linalg.slogdet(noisy[np.ix_(chosen, chosen)])[1] if chosen else 0.0
    ratios = np.full(question.n, -np.inf)
    for item in range(question.n):
        if item not in picked:
            after = [*chosen, item]
            ratios[item] = np.exp(np.linalg.slogdet(noisy[np.ix_(after, after)])[1] - before)
    return first_of(ratios, picked)


def _noisy_kernel(question: Question) -> NDArray[np.float64]:
    """The kernel of a Gaussian process given the labelled rows, plus σ² and η times the entropy."""
    tangent = np.asarray(question.signals["tangent"], np.float64)
    proba = np.asarray(question.signals["proba"], np.float64)
    kernel = tangent @ tangent.T
    if question.labelled is not None and len(question.labelled["tangent"]):
        seen = np.asarray(question.labelled["tangent"], np.float64)
        across = tangent @ seen.T
        observed = seen @ seen.T + _SIGMA**2 * np.eye(len(seen))
        kernel = kernel - across @ np.linalg.solve(observed, across.T)
    logarithms = np.log(np.where(proba > 0.0, proba, 1.0))
    entropies = -(proba * logarithms).sum(axis=1)
    return kernel + np.diag(_SIGMA**2 + _ETA * entropies)


DEFINITION = Definition(
    "kecor", frozenset({"tangent", "proba"}), needs_labelled=frozenset({"tangent"}), weights=_weights
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    n, r, b, labelled = (sizes[letter] for letter in ("n", "r", "b", "l"))
    return 120.0 * n + 8.0 * r * (b + 4.0 * labelled) + 16.0 * 4096.0 * (r + b) + 1e7
