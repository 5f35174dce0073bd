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
    "average_over_draws",
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
    array of float64, axes (n, c)
        Rows sum to zero. The entry of the most probable class (the first, when tied) is minus the sum of
        the others, so it does not round to zero where 1 − p would.

    Raises
    ------
    SignalError
        Wrong axes, or values that are not finite.

    Notes
    -----
    Float64 holds residuals down to e⁻⁷⁴⁵; a probability in float32 rounds to one at e⁻¹⁷. Time O(n·c); a few
    megabytes beside the result.

    Examples
    --------
    >>> residual_from_logits(np.array([[0.0, 0.0]])).tolist()
    [[-0.5, 0.5]]
    >>> bool(residual_from_logits(np.array([[60.0, 0.0]]))[0, 0] < 0.0)
    True
    """
    residual = np.empty(logits.shape, np.float64)
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
    Probabilities are averaged, never logits; equal draws give the draw itself. Time O(n·m·c).

    Examples
    --------
    >>> mean_proba(np.array([[[1.0, 0.0], [0.0, 1.0]]])).tolist()
    [[0.5, 0.5]]
    """
    n, _, classes = draws.shape
    average = np.empty((n, classes), draws.dtype)
    for rows in row_chunks(draws, megabytes=0.5):  # a chunk and its copy in float64 stay in the cache
        average[rows] = average_over_draws(draws[rows])
    return average


def average_over_draws(values: Array) -> NDArray[np.float64]:
    """Mean over draws in float64, such that equal draws give exactly their value.

    Parameters
    ----------
    values : array of float, axes (n, m, c)
        Not checked.

    Returns
    -------
    array of float64, axes (n, c)

    Notes
    -----
    m times a value in float64, divided by m, may be off by the last digit. So the first 26 binary digits and
    the others are averaged apart: m times either is exact. Time O(n·m·c); three copies in float64, or one of
    values in float32, whose sums are exact as they are.

    References
    ----------
    Dekker. A floating-point technique for extending the available precision. Numerische Mathematik 18, 1971.

    Examples
    --------
    >>> average_over_draws(np.full((1, 49, 1), 0.7)).tolist(), float(np.full(49, 0.7).mean())
    ([[0.7]], 0.7000000000000001)
    """
    m = values.shape[1]
    ones = np.ones(m)  # products are faster than sums over a middle axis
    if values.dtype == np.float32:
        return np.asarray(ones @ values.astype(np.float64) / m)
    shifted = values * (2.0**27 + 1.0)
    head = shifted - values
    np.subtract(shifted, head, out=head)
    tail = np.subtract(values, head, out=shifted)
    return np.asarray(ones @ head / m + ones @ tail / m)


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
