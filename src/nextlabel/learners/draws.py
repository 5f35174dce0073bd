"""Sums over draws of a model, one draw at a time, so that the draws themselves need not be held."""

from collections.abc import Callable, Collection
from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Array, Probabilities
from nextlabel.maths.information import entropy

__all__ = ["DRAWN", "DrawSums"]

DRAWN = frozenset({"draws", "mean_proba", "expected_entropy", "votes", "spread"})
"""The signals that come of draws."""


@final
class DrawSums:
    """Running mean, entropy, votes and deviation of the class probabilities of draws.

    Parameters
    ----------
    wanted : collection of str
        Which of `DRAWN` to keep; the draws themselves only when ``"draws"`` is among them.

    Notes
    -----
    Means and squared deviations are updated in float64 by Welford's recurrence: equal draws give the
    draw itself, its own entropy and a deviation of exactly zero. Memory O(n·c), and O(n·m·c) where
    the draws are wanted; time O(n·c) a draw.

    References
    ----------
    Welford. Note on a method for calculating corrected sums of squares and products.
    Technometrics 4, 1962.

    Examples
    --------
    >>> sums = DrawSums({"mean_proba", "spread"})
    >>> sums.add(np.array([[1.0, 0.0]]))
    >>> sums.add(np.array([[0.0, 1.0]]))
    >>> sums.arrays()["mean_proba"].tolist(), sums.arrays()["spread"].tolist()
    ([[0.5, 0.5]], [[0.5, 0.5]])
    """

    def __init__(self, wanted: Collection[str]) -> None:
        self._wanted = DRAWN & set(wanted)
        self._count = 0
        self._draws: list[Array] = []
        self._mean: NDArray[np.float64] = np.empty((0, 0))
        self._squares: NDArray[np.float64] = np.empty((0, 0))
        self._entropy: NDArray[np.float64] = np.empty(0)
        self._votes: NDArray[np.float32] = np.empty((0, 0), np.float32)

    def add(self, proba: Probabilities) -> None:
        """Take in the class probabilities of all items under one more draw, axes (n, c)."""
        proba = proba.astype(np.float32)  # as the mean is given: else draws that agree have a BALD of 1e-8
        if self._count == 0:
            self._mean = np.zeros(proba.shape)
            self._squares = np.zeros(proba.shape)
            self._entropy = np.zeros(len(proba))
            self._votes = np.zeros(proba.shape, np.float32)
        self._count += 1
        if self._wanted & {"mean_proba", "spread"}:
            off = proba - self._mean
            self._mean += off / self._count
            if "spread" in self._wanted:
                self._squares += off * (proba - self._mean)
        if "expected_entropy" in self._wanted:
            self._entropy += (entropy(proba) - self._entropy) / self._count
        if "votes" in self._wanted:
            self._votes[np.arange(len(proba)), proba.argmax(axis=1)] += 1.0
        if "draws" in self._wanted:
            self._draws.append(proba.astype(np.float32))

    def arrays(self) -> dict[str, Array]:
        """The wanted signals over the draws so far: float32, the entropy float64."""
        made: dict[str, Callable[[], Array]] = {
            "mean_proba": lambda: self._mean.astype(np.float32),
            "expected_entropy": self._entropy.copy,
            "votes": self._votes.copy,
            "spread": lambda: np.sqrt(self._squares / self._count).astype(np.float32),
            "draws": lambda: np.stack(self._draws, axis=1),
        }
        return {name: made[name]() for name in made if name in self._wanted}
