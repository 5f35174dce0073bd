"""How numbers stand in sentences."""

from collections.abc import Sequence
from math import ceil, floor

__all__ = ["between", "count", "listing", "percent", "percent_above", "percent_below", "points"]


def percent(share: float) -> str:
    """A share as a percentage with one decimal.

    Examples
    --------
    >>> percent(0.8471)
    '84.7 %'
    """
    return f"{100.0 * share:.1f} %"


def between(low: float, high: float) -> str:
    """The ends of an interval as percentages, rounded outwards: what is shown must hold what was computed.

    Examples
    --------
    >>> between(0.6099, 0.92685)
    'between 60.9 % and 92.7 %'
    """
    return f"between {percent_below(low)} and {percent_above(high)}"


def percent_above(share: float) -> str:
    """A share as a percentage with one decimal, rounded up: for "at most".

    Examples
    --------
    >>> percent_above(0.1421)
    '14.3 %'
    """
    return percent(ceil(1000.0 * share) / 1000.0)


def percent_below(share: float) -> str:
    """A share as a percentage with one decimal, rounded down: for "at least".

    Examples
    --------
    >>> percent_below(0.6099)
    '60.9 %'
    """
    return percent(floor(1000.0 * share) / 1000.0)


def points(share: float) -> str:
    """A difference of shares, in points, with as many decimals as it needs.

    Examples
    --------
    >>> points(0.009), points(0.03), points(0.0)
    ('0.9 points', '3 points', '0 points')
    """
    value = round(100.0 * share, 1)
    return f"{value:g} point{'' if value == 1.0 else 's'}"


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun.

    Examples
    --------
    >>> count(1, "item"), count(1200, "item"), count(2, "person", "people")
    ('1 item', '1,200 items', '2 people')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listing(words: Sequence[str]) -> str:
    """Words with commas between them, and an "and" before the last.

    Examples
    --------
    >>> listing(["a", "b", "c"]), listing(["a"])
    ('a, b and c', 'a')
    """
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
