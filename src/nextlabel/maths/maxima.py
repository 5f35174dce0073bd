"""How large a maximum of noisy scores is in truth: estimates that do not profit from the noise."""

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.errors import SignalError
from nextlabel.maths.axes import Scores, Sizes, checked, checked_batch
from nextlabel.maths.parameters import checked_number

__all__ = ["double", "self_correcting", "shrunken", "single"]


def single(scores: ArrayLike, *, batch: int = 1) -> float:
    """The mean of the largest scores, which overestimates: noise has helped to choose them.

    Parameters
    ----------
    scores : array of float, axes (n,)
        One noisy score for each candidate.
    batch : int
        How many, between 1 and n.

    Returns
    -------
    float
        In the unit of the scores.

    Raises
    ------
    SignalError
        Other axes, no scores, or scores that are not finite.
    BatchSizeError
        The batch is below 1 or above n.

    Examples
    --------
    >>> single([0.1, 0.9, 0.4])
    0.9
    """
    return self_correcting(scores, scores, beta=0.0, batch=batch)


def double(value: ArrayLike, other: ArrayLike, *, batch: int = 1) -> float:
    """The mean of one estimate over the items that are largest by an independent one.

    Never above the true mean of the largest scores on average; below it where noise misleads the choice.

    Parameters
    ----------
    value : array of float, axes (n,)
        What is reported.
    other : array of float, axes (n,)
        What chooses.
    batch : int
        How many, between 1 and n.

    Returns
    -------
    float
        In the unit of the scores.

    Raises
    ------
    SignalError
        Other axes, unequal lengths, no scores, or scores that are not finite.
    BatchSizeError
        The batch is below 1 or above n.

    References
    ----------
    van Hasselt. Double Q-learning. NeurIPS 2010.

    Examples
    --------
    >>> double([0.1, 0.9, 0.4], [0.2, 0.3, 0.5])
    0.4
    """
    return self_correcting(value, other, beta=1.0, batch=batch)


def self_correcting(value: ArrayLike, other: ArrayLike, *, beta: float = 1.0, batch: int = 1) -> float:
    """The mean of one estimate over the items that are largest after correction by another one.

    Parameters
    ----------
    value : array of float, axes (n,)
        What is reported, s¹.
    other : array of float, axes (n,)
        Another estimate of the same scores, s².
    beta : float
        How much is corrected, from 0: with estimates from disjoint halves of the draws, 0 is `single`
        and 1 is `double`; between, bias is traded for variance. Above 1 it underestimates.
    batch : int
        How many items, between 1 and n.

    Returns
    -------
    float
        In the unit of the scores. Of items that are equal after the correction, the mean counts.

    Raises
    ------
    SignalError
        Other axes, unequal lengths, no scores, or scores that are not finite.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        A beta that is not a finite number from 0 up.

    Notes
    -----
    The mean of s¹ over the largest of s¹ − β(s¹ − s²). Of n scores that are equal in truth, with independent
    normal errors of standard deviation σ in both halves, one is off by σ·e(n)·(1 − β)/√((1 − β)² + β²), with
    e(n) the expected maximum of n standard normal numbers. Time and memory O(n).

    References
    ----------
    Zhu, Rigotti. Self-correcting Q-learning. AAAI 2021, arXiv 2012.01100; there of successive estimates,
    which are not independent.

    Examples
    --------
    >>> self_correcting([0.1, 0.9, 0.4], [0.2, 0.3, 0.5], beta=0.5)
    0.9
    """
    sizes: Sizes = {}
    value = np.asarray(checked(value, "n", "value", sizes), np.float64)
    other = np.asarray(checked(other, "n", "other", sizes), np.float64)
    checked_batch(batch, len(value))
    beta = checked_number(beta, "beta", least=0, advice="Give 1.0 for disjoint halves.")
    corrected = value - beta * (value - other) if beta != 1.0 else other
    last = np.partition(corrected, len(value) - batch)[len(value) - batch]
    above, level = value[corrected > last], value[corrected == last]
    return float((above.sum() + (batch - len(above)) * level.mean()) / batch)


def shrunken(scores: ArrayLike, noise: ArrayLike) -> Scores:
    """Noisy scores moved towards their mean, each by the share of noise in it.

    For choosing among scores of unequal noise: of two equal ones the surer is left larger above the mean.
    With equal noise the order stays.

    Parameters
    ----------
    scores : array of float, axes (n,)
        Estimates.
    noise : array of float, axes (n,)
        The variance of each estimate, from 0.

    Returns
    -------
    array of float64, axes (n,)
        μ + (s − μ)·τ²/(τ² + noise).

    Raises
    ------
    SignalError
        Other axes, unequal lengths, values that are not finite, or a variance below zero.

    Notes
    -----
    μ is the mean of the scores, and τ² what their variance leaves after that of the noise, at least 0. Where
    that is 0 all differences may be noise: what has noise moves to the mean. Time and memory O(n).

    References
    ----------
    Efron, Morris. Stein's estimation rule and its competitors: an empirical Bayes approach. JASA 68, 1973.

    Examples
    --------
    >>> shrunken([0.0, 2.0, 4.0], [0.0, 0.0, 4.0]).round(2).tolist()
    [0.0, 2.0, 2.8]
    """
    sizes: Sizes = {}
    scores = np.asarray(checked(scores, "n", "scores", sizes), np.float64)
    noise = np.asarray(checked(noise, "n", "noise", sizes), np.float64)
    if noise.size and noise.min() < 0.0:
        position = int(noise.argmin())
        message = (
            f"'noise' must be variances from 0 up; received {noise[position]:g} at position {position}. "
            "Give the square of each standard error."
        )
        raise SignalError(message)
    if len(scores) < 2:
        return scores
    mean = scores.mean()
    spread = max(scores.var(ddof=1) - noise.mean(), 0.0)
    share = np.divide(spread, spread + noise, out=np.ones(len(scores)), where=noise > 0.0)
    return np.asarray(mean + (scores - mean) * share)
