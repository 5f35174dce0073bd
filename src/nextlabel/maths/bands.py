"""A band for a share that is looked at again and again, each time against what a binomial law says."""

from collections.abc import Callable

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

from nextlabel.errors import ParameterError
from nextlabel.maths.intervals import Interval
from nextlabel.maths.parameters import checked_number, checked_whole

__all__ = ["BAND_LEVEL", "ratio_band"]

BAND_LEVEL = 0.11
"""What 17 looks at 50, 63, 79, ... 1,777 items may use so that all are right in at least 95 % of cases."""


def ratio_band(right: int, asked: int, *, level: float = BAND_LEVEL) -> Interval:
    """All shares under which the count seen is not far less likely than under a share drawn evenly.

    Wider than an interval for one look, so that several looks set in advance may be believed together.

    Parameters
    ----------
    right : int
        Items of which something holds.
    asked : int
        Items that were looked at, at least one.
    level : float
        Between 0 and 1, both left out. A share is kept while the count's probability under it is more than
        this part of its mean over all shares.

    Returns
    -------
    Interval
        Shares, between 0 and 1; always holds right / asked.

    Raises
    ------
    ParameterError
        Counts that are no whole numbers, more right than asked, or a level outside (0, 1).

    Notes
    -----
    {p : binomial(right; asked, p) > level / (asked + 1)}; the right side is the level times the probability
    of the count under a uniform prior. Markov's inequality gives a miss at most `level` at any one share;
    the true chance of a miss is far smaller, and it is the sum of these over the looks that is held to 5 %.
    Each end by bisection to the last place; time O(1).

    References
    ----------
    Waudby-Smith, Ramdas. Confidence sequences for sampling without replacement. Advances in Neural
    Information Processing Systems 33, 2020: the prior-posterior ratio.

    Examples
    --------
    >>> band = ratio_band(40, 50)
    >>> round(band.low, 4), round(band.high, 4)
    (0.6099, 0.9269)
    """
    asked = checked_whole(asked, "asked", least=1, advice="Look at one item at least.")
    right = checked_whole(right, "right", least=0)
    level = checked_number(level, "level", above=0, below=1, advice="Give for example 0.11.")
    if right > asked:
        message = (
            f"'right' must be at most the {asked} items asked; received {right}. Count both over the same "
            "items."
        )
        raise ParameterError(message)
    chosen = gammaln(asked + 1) - gammaln(right + 1) - gammaln(asked - right + 1)
    least = np.log(level / (asked + 1))

    def is_kept(share: float) -> bool:
        likelihood = chosen + xlogy(right, share) + xlog1py(asked - right, -share)
        return bool(likelihood > least)

    centre = right / asked
    low = 0.0 if right == 0 else _edge(is_kept, centre, 0.0)
    high = 1.0 if right == asked else _edge(is_kept, centre, 1.0)
    return Interval(low, high)


def _edge(is_kept: Callable[[float], bool], inside: float, outside: float) -> float:
    """The first number from inside to outside that is not kept any more."""
    while True:
        middle = (inside + outside) / 2.0
        if middle in (inside, outside):
            return outside
        if is_kept(middle):
            inside = middle
        else:
            outside = middle
