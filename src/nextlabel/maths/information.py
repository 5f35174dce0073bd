"""Entropy of class probabilities, and mutual information of labels with the draw of the model, in nats."""

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Array, Draws, Probabilities, Scores, reads, row_chunks
from nextlabel.maths.predictions import average_over_draws

__all__ = ["entropy", "entropy_terms", "expected_entropy", "mutual_information", "normalised"]

_CHUNK_MEGABYTES = 0.5  # a chunk, its logarithms and a copy in float64 stay in the second-level cache


@reads("n c", probabilities=True)
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
    −Σ p log p with 0·log 0 = 0. Time O(n·c), less than a megabyte beside the result.

    References
    ----------
    Shannon. A mathematical theory of communication. Bell System Technical Journal 27, 1948.

    Examples
    --------
    >>> round(float(entropy(np.array([[0.5, 0.5]]))[0]), 4)
    0.6931
    """
    result = np.empty(len(proba))
    for rows in row_chunks(proba, _CHUNK_MEGABYTES):
        # a cast and then a sum: each row is added up in the same order wherever it lies
        result[rows] = entropy_terms(proba[rows]).astype(np.float64).sum(axis=1)
    return np.maximum(result, 0.0, out=result)


@reads("n m c", probabilities=True)
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
    Logarithms in the precision of the draws, sums in float64: over draws first, then over classes, so that
    equal draws have exactly the `entropy` of their prediction. Time O(n·m·c), about a megabyte beside the
    result.

    Examples
    --------
    >>> expected_entropy(np.array([[[1.0, 0.0], [0.0, 1.0]]])).tolist()
    [0.0]
    """
    result = np.empty(len(draws))
    for rows in row_chunks(draws, _CHUNK_MEGABYTES / 2):
        result[rows] = -average_over_draws(_negative_terms(draws[rows])).sum(axis=1)
    return np.maximum(result, 0.0, out=result)


@reads("n m c", probabilities=True)
def mutual_information(draws: Draws) -> Scores:
    """Mutual information between an item's label and the draw of the model.

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
    H[mean over m of p] − mean over m of H[p], all in float64 and of `normalised` draws: of rows that sum
    to one only within float32, the difference can fall below zero by more than rounding. The rounding
    that is left, about 1e-16, is clamped at 0; equal draws give 0 without any, for both terms are added up
    over draws first, and in the same order over classes. Time O(n·m·c), a few megabytes beside the result.

    Examples
    --------
    >>> round(float(mutual_information(np.array([[[1.0, 0.0], [0.0, 1.0]]]))[0]), 4)
    0.6931
    """
    result = np.empty(len(draws))
    for rows in row_chunks(draws, _CHUNK_MEGABYTES / 2):
        exact = normalised(draws[rows])
        within = average_over_draws(entropy_terms(exact)).sum(axis=1)
        result[rows] = entropy_terms(average_over_draws(exact)).sum(axis=1) - within
    return np.maximum(result, 0.0, out=result)


def entropy_terms(proba: Array) -> Array:
    """Each −p log p, with 0·log 0 = 0.

    Parameters
    ----------
    proba : array of float, any axes
        Probabilities; not checked.

    Returns
    -------
    array of float, axes as given
        In nats, in the precision of the probabilities.

    Notes
    -----
    Never log(p + ε), which biases small probabilities and can make an entropy negative.

    Examples
    --------
    >>> entropy_terms(np.array([0.0, 1.0])).tolist()
    [0.0, 0.0]
    """
    terms = _negative_terms(proba)
    return np.subtract(0.0, terms, out=terms)  # 0 − x, for −x would turn a zero into −0


def normalised(draws: Draws) -> NDArray[np.float64]:
    """Class probabilities in float64 with sums of one to the last digit.

    Parameters
    ----------
    draws : array of float, last axis c
        Class probabilities; not checked.

    Returns
    -------
    array of float64, axes as given

    Examples
    --------
    >>> normalised(np.array([[0.25, 0.250002]])).sum()
    np.float64(1.0)
    """
    exact = draws.astype(np.float64)
    exact /= exact.sum(axis=-1, keepdims=True)
    return exact


def _negative_terms(proba: Array) -> Array:
    """Each p log p, with 0·log 0 = 0."""
    above = proba
    if proba.min(initial=1.0) <= 0.0:
        # the smallest number above zero changes no other value, and zero times its logarithm is zero
        above = np.maximum(proba, np.finfo(proba.dtype).smallest_subnormal)
    terms: Array = np.log(above)
    terms *= proba
    return terms
