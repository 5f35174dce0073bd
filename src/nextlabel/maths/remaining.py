"""Uncertainty left in a pool once an item has a label, over the labels that it may have."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.maths.axes import Array, Probabilities, Scores
from nextlabel.maths.information import entropy

__all__ = ["Loss", "Weights", "left_by_heads", "losses", "weighted"]

Loss = Literal["entropy", "zero_one"]
"""What uncertainty is: the entropy in nats, or the chance that the most probable class is wrong."""

Weights = Literal["posterior", "uniform", "optimistic", "pessimistic"]
"""How the values for an item's labels become one."""

_Floats = NDArray[np.float64]

_BLOCK = 1 << 17  # numbers: a block, its exponentials and the sums stay in the second-level cache


def losses(proba: Probabilities, loss: Loss) -> Scores:
    """Uncertainty of each item's class probabilities.

    Parameters
    ----------
    proba : array of float, axes (n, c)
        Class probabilities; rows sum to one.
    loss : {"entropy", "zero_one"}
        Entropy in nats, or 1 − max p.

    Returns
    -------
    array of float64, axes (n,)

    Raises
    ------
    SignalError
        Wrong axes, or rows that do not sum to one.

    Examples
    --------
    >>> losses(np.array([[0.25, 0.75]]), "zero_one").tolist()
    [0.25]
    """
    if loss == "entropy":
        return entropy(proba)
    missed: Scores = 1.0 - proba.max(axis=1).astype(np.float64)
    return missed


def weighted(values: Array, weights: Weights, proba: Array) -> float:
    """One value of an item from those for each of its labels.

    Parameters
    ----------
    values : array of float, axes (c,)
        By label; smaller is better.
    weights : {"posterior", "uniform", "optimistic", "pessimistic"}
        The mean by probability, the sum, the smallest, the largest.
    proba : array of float, axes (c,)
        How probable each label is.

    Returns
    -------
    float

    Examples
    --------
    >>> label = np.array([1.0, 3.0])
    >>> [weighted(label, how, np.array([0.5, 0.5])) for how in ("posterior", "uniform", "pessimistic")]
    [2.0, 4.0, 3.0]
    """
    if weights == "posterior":
        return float(np.dot(values, proba) / proba.sum(dtype=np.float64))
    if weights == "uniform":
        return float(np.sum(values))
    return float(np.min(values) if weights == "optimistic" else np.max(values))


def left_by_heads(heads: Array, rows: Array, counts: Array, loss: Loss, copies: ArrayLike = 1.0) -> _Floats:
    """The uncertainty that each of several softmax heads leaves in weighted items.

    Parameters
    ----------
    heads : array of float64, axes (k, c, w)
        Weights, the bias last.
    rows : array of float64, axes (m, w)
        Features of the items, the last one 1.
    counts : array of float64, axes (m,)
        How often each item counts.
    loss : {"entropy", "zero_one"}
    copies : array of float64, axes (c,)
        How many classes of equal weights a row of a head stands for.

    Returns
    -------
    array of float64, axes (k,)

    Notes
    -----
    Time O(k·c·m·w), memory a few megabytes and 8·k·c bytes.

    Examples
    --------
    >>> even = np.zeros((1, 2, 1))
    >>> left_by_heads(even, np.ones((3, 1)), np.ones(3), "zero_one").tolist()
    [1.5]
    """
    labels, classes, width = heads.shape
    flat = np.moveaxis(heads, 1, 0).reshape(classes * labels, width)
    every = np.broadcast_to(np.asarray(copies, np.float64), classes)[:, None, None]
    left = np.zeros(labels)
    step = max(1, _BLOCK // (classes * labels))
    for start in range(0, len(rows), step):
        scores = (flat @ rows[start : start + step].T).reshape(classes, labels, -1)
        scores -= scores.max(axis=0)
        shares = np.exp(scores)
        shares *= every
        total = shares.sum(axis=0)
        if loss == "entropy":
            found = np.log(total) - np.einsum("ckm,ckm->km", shares, scores) / total
        else:
            found = 1.0 - 1.0 / total
        left += found @ counts[start : start + step]
    return left
