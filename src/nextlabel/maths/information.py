"""Entropy and mutual information of class probabilities, in nats."""

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Array, Draws, Probabilities, Scores, checked_probabilities, row_chunks

__all__ = ["entropy", "expected_entropy"]


def entropy(proba: Probabilities) -> Scores:
    """Shannon entropy of each item's class probabilities.

    Parameters
    ----------
    proba : array of float, axes (n, c)
        Class probabilities; rows sum to one.

    Returns
    -------
    array of float64, axes (n,)
        In nats, between 0 and log c.

    Raises
    ------
    SignalError
        Wrong axes, or rows that do not sum to one.

    Notes
    -----
    −Σ p log p with 0·log 0 = 0. Time O(n·c).

    References
    ----------
    Shannon. A mathematical theory of communication. Bell System Technical Journal 27, 1948.

    Examples
    --------
    >>> round(float(entropy(np.array([[0.5, 0.5]]))[0]), 4)
    0.6931
    """
    proba = checked_probabilities(proba, "n c", "proba")
    result = np.empty(len(proba), np.float64)
    for rows in row_chunks(proba):
        result[rows] = _entropies(proba[rows])
    return result


def expected_entropy(draws: Draws) -> Scores:
    """Entropy of each draw's probabilities, averaged over draws.

    Parameters
    ----------
    draws : array of float, axes (n, m, c)
        Class probabilities under each draw; rows sum to one.

    Returns
    -------
    array of float64, axes (n,)
        In nats, between 0 and log c.

    Raises
    ------
    SignalError
        Wrong axes, or rows that do not sum to one.

    Notes
    -----
    Time O(n·m·c), a few megabytes beside the input.

    Examples
    --------
    >>> expected_entropy(np.array([[[1.0, 0.0], [0.0, 1.0]]])).tolist()
    [0.0]
    """
    draws = checked_probabilities(draws, "n m c", "draws")
    result = np.empty(len(draws), np.float64)
    for rows in row_chunks(draws):
        result[rows] = _entropies(draws[rows]).mean(axis=1)
    return result


def _entropies(proba: Array) -> NDArray[np.float64]:
    """Entropy along the last axis; zeros contribute nothing."""
    logs = np.log(proba, out=np.zeros_like(proba), where=proba > 0.0)
    total: NDArray[np.float64] = -np.einsum("...c,...c->...", proba, logs, dtype=np.float64)
    return np.maximum(total, 0.0, out=total)
