"""The best of many scores with ties broken at random, and draws without replacement by weight."""

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import SignalError
from nextlabel.maths.axes import Positions, Scores, checked_batch

__all__ = ["drawn_by_weight", "ranks", "top"]


def top(scores: Scores, batch: int, *, rng: np.random.Generator) -> Positions:
    """Positions of the largest scores, best first, equal scores in random order.

    Parameters
    ----------
    scores : array of float, axes (n,)
        Larger is more wanted; minus infinity is allowed and comes last.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        Breaks ties: every order of equal scores is equally likely.

    Returns
    -------
    array of int64, axes (b,)

    Raises
    ------
    SignalError
        Other axes, or a score that is not a number.
    BatchSizeError
        The batch is below 1 or above n.

    Notes
    -----
    A partition finds the last score that is wanted; what lies above it is ordered, and what equals it is
    drawn from. Time O(n + b log b) however many scores are equal, memory O(n).

    Examples
    --------
    >>> top(np.array([0.1, 0.9, 0.5]), 2, rng=np.random.default_rng(0)).tolist()
    [1, 2]
    """
    scores = _ranked(scores)
    n = len(scores)
    checked_batch(batch, n)
    last = np.partition(scores, n - batch)[n - batch]
    above = np.flatnonzero(scores > last)
    order = np.lexsort((rng.random(len(above)), -scores[above]))
    level = rng.choice(np.flatnonzero(scores == last), batch - len(above), replace=False)
    return np.concatenate([above[order], level]).astype(np.int64)


def ranks(scores: Scores, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rank of each score, 1 for the largest, equal scores in random order.

    Parameters
    ----------
    scores : array of float, axes (n,)
        Larger is more wanted.
    rng : numpy.random.Generator
        Breaks ties: a random permutation, followed by a stable sort.

    Returns
    -------
    array of int64, axes (n,)
        A permutation of 1..n.

    Raises
    ------
    SignalError
        Other axes, or a score that is not a number.

    Notes
    -----
    Time O(n log n).

    Examples
    --------
    >>> ranks(np.array([0.1, 0.9, 0.5]), rng=np.random.default_rng(0)).tolist()
    [3, 1, 2]
    """
    scores = _ranked(scores)
    shuffled = rng.permutation(len(scores))
    order = shuffled[np.argsort(-scores[shuffled], kind="stable")]
    result = np.empty(len(scores), np.int64)
    result[order] = np.arange(1, len(scores) + 1)
    return result


def drawn_by_weight(
    log_weights: Scores, batch: int, *, rng: np.random.Generator
) -> tuple[Positions, NDArray[np.float64]]:
    """Draw without replacement, each time in proportion to the weights of those that are left.

    Parameters
    ----------
    log_weights : array of float, axes (n,)
        Natural logarithms of the weights, up to a common summand. Minus infinity is a weight of zero:
        such items are drawn, uniformly, only when no others are left.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        Gives each item one Gumbel variable.

    Returns
    -------
    positions : array of int64, axes (b,)
        In the order drawn.
    propensities : array of float64, axes (b,)
        The probability of each draw given those before it.

    Raises
    ------
    SignalError
        Other axes, or a weight that is not a number or infinite.
    BatchSizeError
        The batch is below 1 or above n.

    Notes
    -----
    The largest values of log w + Gumbel(0, 1) come in the order of successive draws without replacement.
    The weight that is left at each draw is added up from the last draw backwards: subtracting from
    the total would lose the small weights beside the large ones. Time O(n + b log b), memory O(n).

    References
    ----------
    Kool, van Hoof, Welling. Stochastic beams and where to find them: the Gumbel-top-k trick for sampling
    sequences without replacement. ICML 2019, arXiv 1903.06059. Appendix A.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> positions, propensities = drawn_by_weight(np.log([0.5, 0.25, 0.25]), 3, rng=rng)
    >>> positions.tolist(), propensities.round(3).tolist()
    ([2, 1, 0], [0.25, 0.333, 1.0])
    """
    log_weights = _ranked(log_weights)
    if np.isposinf(log_weights).any():
        message = (
            f"Weights must be finite; the item at {int(np.argmax(log_weights))} has an infinite one. "
            "Scale the scores down."
        )
        raise SignalError(message)
    positions = top(log_weights + rng.gumbel(size=len(log_weights)), batch, rng=rng)
    drawn = log_weights[positions]
    rest = np.ones(len(log_weights), bool)
    rest[positions] = False
    left = np.logaddexp.accumulate(
        np.append(np.logaddexp.reduce(log_weights[rest], initial=-np.inf), drawn[::-1])
    )
    filled = np.isneginf(drawn)
    uniform = 1.0 / (len(log_weights) - np.arange(batch))  # only fillers are left when the first is drawn
    propensities = np.exp(np.subtract(drawn, left[:0:-1], out=np.zeros(batch), where=~filled))
    return positions, np.where(filled, uniform, propensities)


def _ranked(scores: Scores) -> NDArray[np.float64]:
    array = np.asarray(scores, dtype=np.float64)
    wrong = np.isnan(array)
    if array.ndim != 1 or wrong.any():
        received = f"shape {array.shape}" if array.ndim != 1 else f"nan at position {int(np.argmax(wrong))}"
        message = (
            f"Scores must be one number for each item, axes (n,); received {received}. Score every item."
        )
        raise SignalError(message)
    return array
