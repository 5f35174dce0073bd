"""The best of many scores, with ties broken at random."""

import numpy as np

from nextlabel.maths.axes import Positions, Scores

__all__ = ["top"]


def top(scores: Scores, batch: int, rng: np.random.Generator) -> Positions:
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

    Notes
    -----
    A partition finds the last score that is wanted, then only the candidates are ordered.
    Time O(n + b log b) and one random number for each candidate.

    Examples
    --------
    >>> top(np.array([0.1, 0.9, 0.5]), 2, np.random.default_rng(0)).tolist()
    [1, 2]
    """
    n = len(scores)
    last = np.partition(scores, n - batch)[n - batch]
    candidates = np.flatnonzero(scores >= last)
    order = np.lexsort((rng.random(len(candidates)), -scores[candidates]))
    return candidates[order[:batch]].astype(np.int64)
