"""What a model's outputs say before any method asks: softmax, residual, and sums over draws."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import (
    Array,
    Draws,
    Logits,
    Probabilities,
    Residuals,
    reads,
    row_chunks,
)

__all__ = [
    "mean_proba",
    "own_class_mixture",
    "residual_from_logits",
    "residual_from_proba",
    "softmax",
    "spread",
    "votes",
]


@reads("n c")
def softmax(logits: Logits) -> Probabilities:
    """Class probabilities of unnormalised scores.

    Parameters
    ----------
    logits : array of float, axes (n, c)
        Unnormalised class scores.

    Returns
    -------
    array of float, axes (n, c)
        In the precision of the logits; rows sum to one.

    Raises
    ------
    SignalError
        Wrong axes, or values that are not finite.

    Notes
    -----
    exp(u − max u) / Σ exp(u − max u), in float64 per chunk of rows. Time O(n·c).

    Examples
    --------
    >>> softmax(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    proba = np.empty(logits.shape, logits.dtype)
    for rows in row_chunks(logits):
        exponentials = _exponentials(logits[rows])
        proba[rows] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return proba


@reads("n c")
def residual_from_logits(logits: Logits) -> Residuals:
    """Probability minus the one-hot of the most probable class, exact for confident rows.

    Parameters
    ----------
    logits : array of float, axes (n, c)
        Unnormalised class scores.

    Returns
    -------
    array of float, axes (n, c)
        In the precision of the logits; rows sum to zero. The entry of the most probable class (the first,
        when tied) is minus the sum of the others, so it does not round to zero where 1 − p would.

    Raises
    ------
    SignalError
        Wrong axes, or values that are not finite.

    Notes
    -----
    Computed in float64: float32 keeps residuals down to e⁻¹⁰³, far below the e⁻¹⁷ at which a probability in
    float32 has rounded to one. Time O(n·c); a few megabytes beside the result.

    Examples
    --------
    >>> residual_from_logits(np.array([[0.0, 0.0]])).tolist()
    [[-0.5, 0.5]]
    >>> bool(residual_from_logits(np.array([[60.0, 0.0]]))[0, 0] < 0.0)
    True
    """
    residual = np.empty(logits.shape, logits.dtype)
    for rows in row_chunks(logits):
        chunk = logits[rows]
        others = _exponentials(chunk)
        row, predicted = np.arange(len(chunk)), chunk.argmax(axis=1)
        top = others[row, predicted]
        others[row, predicted] = 0.0
        rest = others.sum(axis=1)
        others[row, predicted] = -rest
        residual[rows] = others / (top + rest)[:, None]
    return residual


@reads("n c", probabilities=True)
def residual_from_proba(proba: Probabilities) -> Residuals:
    """Probability minus the one-hot of the most probable class.

    Parameters
    ----------
    proba : array of float, axes (n, c)
        Class probabilities; rows sum to one.

    Returns
    -------
    array of float, axes (n, c)
        In the precision of the probabilities. The entry of the most probable class (the first, when
        tied) is minus the sum of the others.

    Raises
    ------
    SignalError
        Wrong axes, or rows that do not sum to one.

    Notes
    -----
    Time O(n·c). A float32 softmax that saturated at one has lost its residual; logits keep it.

    Examples
    --------
    >>> residual_from_proba(np.array([[0.25, 0.75]])).tolist()
    [[0.25, -0.25]]
    """
    residual = np.empty(proba.shape, proba.dtype)
    for rows in row_chunks(proba):
        chunk = proba[rows]
        row, predicted = np.arange(len(chunk)), chunk.argmax(axis=1)
        others = residual[rows]
        others[...] = chunk
        others[row, predicted] = 0.0
        # the sum of the others, not p - 1: the two differ where p has been rounded
        others[row, predicted] = -np.einsum("nc->n", others, dtype=np.float64)
    return residual


@reads("n m c", probabilities=True)
def mean_proba(draws: Draws) -> Probabilities:
    """Class probabilities averaged over draws of the model.

    Parameters
    ----------
    draws : array of float, axes (n, m, c)
        Class probabilities under each draw; rows sum to one.

    Returns
    -------
    array of float, axes (n, c)

    Raises
    ------
    SignalError
        Wrong axes, or rows that do not sum to one.

    Notes
    -----
    Probabilities are averaged, never logits. Time O(n·m·c).

    Examples
    --------
    >>> mean_proba(np.array([[[1.0, 0.0], [0.0, 1.0]]])).tolist()
    [[0.5, 0.5]]
    """
    n, m, classes = draws.shape
    average = np.empty((n, classes), draws.dtype)
    ones = np.ones(m)
    for rows in row_chunks(draws, megabytes=0.5):  # a chunk and its copy in float64 stay in the cache
        average[rows] = (ones @ draws[rows].astype(np.float64)) / m
    return average


@reads("n m c", probabilities=True)
def votes(draws: Draws) -> NDArray[Any]:
    """How many draws name each class as the most probable.

    Parameters
    ----------
    draws : array of float, axes (n, m, c)
        Class probabilities under each draw; rows sum to one.

    Returns
    -------
    array of float, axes (n, c)
        Whole numbers that sum to the number of draws in each row; a tie counts for the first class.

    Raises
    ------
    SignalError
        Wrong axes, or rows that do not sum to one.

    Notes
    -----
    Time O(n·m·c).

    Examples
    --------
    >>> votes(np.array([[[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]])).tolist()
    [[2.0, 1.0]]
    """
    n, _, classes = draws.shape
    counts = np.zeros((n, classes), draws.dtype)
    items = np.arange(n)
    for draw in range(draws.shape[1]):
        counts[items, draws[:, draw].argmax(axis=1)] += 1
    return counts


@reads("n m c", probabilities=True)
def spread(draws: Draws) -> NDArray[Any]:
    """Standard deviation over draws of each class's probability.

    Parameters
    ----------
    draws : array of float, axes (n, m, c)
        Class probabilities under each draw; rows sum to one.

    Returns
    -------
    array of float, axes (n, c)
        Population standard deviation (divided by m, not m − 1), between 0 and 0.5.

    Raises
    ------
    SignalError
        Wrong axes, or rows that do not sum to one.

    Notes
    -----
    Two passes per chunk of rows, so that equal draws give exactly 0. Time O(n·m·c).

    Examples
    --------
    >>> spread(np.array([[[1.0, 0.0], [0.0, 1.0]]])).tolist()
    [[0.5, 0.5]]
    """
    result = np.empty((len(draws), draws.shape[2]), draws.dtype)
    for rows in row_chunks(draws):
        # shift by the first draw: equal draws then have deviation exactly zero
        shifted = draws[rows].astype(np.float64) - draws[rows, :1]
        result[rows] = shifted.std(axis=1)
    return result


@reads("n c", probabilities=True)
def own_class_mixture(proba: Probabilities) -> NDArray[Any]:
    """The class mixture of an item that is one region: its prediction, in the row of its class.

    Parameters
    ----------
    proba : array of float, axes (n, c)
        Class probabilities; rows sum to one.

    Returns
    -------
    array of float, axes (n, c, c)
        Row k of an item is its prediction where k is the predicted class, and zero elsewhere.

    Raises
    ------
    SignalError
        Wrong axes, or rows that do not sum to one.

    Notes
    -----
    Time and memory O(n·c²).

    Examples
    --------
    >>> own_class_mixture(np.array([[0.25, 0.75]])).tolist()
    [[[0.0, 0.0], [0.25, 0.75]]]
    """
    n, classes = proba.shape
    mixture = np.zeros((n, classes, classes), proba.dtype)
    mixture[np.arange(n), proba.argmax(axis=1)] = proba
    return mixture


def _exponentials(logits: Array) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    result: NDArray[np.float64] = np.exp(shifted, out=shifted)
    return result
