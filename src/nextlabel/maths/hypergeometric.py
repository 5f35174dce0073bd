"""How many of a finite number of items have a flaw, from a sample of them without replacement: exact."""

from collections.abc import Callable
from typing import Literal

from nextlabel.errors import ParameterError
from nextlabel.maths.parameters import checked_choice, checked_number, checked_whole

__all__ = ["flaws_interval"]


def flaws_interval(
    flaws: int,
    sample: int,
    items: int,
    *,
    level: float = 0.05,
    sided: Literal["two", "upper"] = "two",
) -> tuple[int, int]:
    """Exact interval for the number of items with a flaw, from a uniform sample without replacement.

    Parameters
    ----------
    flaws : int
        Items of the sample that have the flaw.
    sample : int
        Items of the sample, at least one.
    items : int
        All items, those of the sample among them.
    level : float
        The chance of a miss, between 0 and 1.
    sided : str
        ``"two"``: both ends, half the level each. ``"upper"``: an upper end with the whole level; the lower
        one is then the flaws found, which needs no chance.

    Returns
    -------
    (int, int)
        The fewest and the most flaws among all items that the sample does not speak against; at least the
        flaws found, at most the items less those found sound.

    Raises
    ------
    ParameterError
        Counts that contradict one another, or a level outside (0, 1).

    Notes
    -----
    All K with P(X ≤ flaws | K) > α and P(X ≥ flaws | K) > α, X hypergeometric, α the level of a side. Both
    probabilities are monotone in K, so each end is found by bisection: O(log items) calls of SciPy's tails.
    The law is discrete, so the chance of a miss is at most the level, and usually less.

    References
    ----------
    Buonaccorsi. A note on confidence intervals for proportions in finite populations. The American
    Statistician 41(3), 1987.

    Examples
    --------
    >>> flaws_interval(3, 100, 1000)
    (7, 82)
    >>> flaws_interval(3, 100, 1000, sided="upper")
    (3, 73)
    """
    flaws, sample, items = _counts(flaws, sample, items)
    level = checked_number(level, "level", above=0, below=1, advice="Give for example 0.05.")
    side = level if checked_choice(sided, "sided", ("two", "upper")) == "upper" else level / 2.0
    from scipy.stats import hypergeom  # half a second to load, and seldom wanted

    fewest, most = flaws, items - (sample - flaws)

    def is_too_few(k: int) -> bool:
        return bool(hypergeom.sf(flaws - 1, items, k, sample) <= side)

    def is_kept(k: int) -> bool:
        return bool(hypergeom.cdf(flaws, items, k, sample) > side)

    low = fewest if sided == "upper" else _first(lambda k: not is_too_few(k), fewest, most)
    return low, _first(lambda k: not is_kept(k), fewest, most + 1) - 1


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The smallest whole number from low to high of which something holds; it holds of high, unasked."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _counts(flaws: int, sample: int, items: int) -> tuple[int, int, int]:
    items = checked_whole(items, "items", least=1, advice="Give the number of all items.")
    sample = checked_whole(sample, "sample", least=1, advice="Sample one item at least.")
    flaws = checked_whole(flaws, "flaws", least=0)
    if not flaws <= sample <= items:
        message = (
            f"Flaws must be at most the sample, and the sample at most all items; received {flaws} flaws in "
            f"a sample of {sample} of {items} items. Count the sample's flaws, and every item once."
        )
        raise ParameterError(message)
    return flaws, sample, items
