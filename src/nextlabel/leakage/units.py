"""The unit of each value of an item: a column's own spread, and of a pixel no less than is usual."""

from typing import Final

import numpy as np

from nextlabel.core.disclosure import Array

__all__ = ["EVEN_SPAN", "errors_in", "levels_of", "pixel_units", "spreads_of"]

EVEN_SPAN: Final = 12**0.5
"""The width of an even law whose standard deviation is one: the range of a value, in its unit."""

_MIDDLE_HALF = 1.349  # the width of the middle half of a normal law, in standard deviations
_SINGLE = float(np.finfo(np.float32).eps)
_ROUNDING = 4 * _SINGLE
# Of pixels: no digit of scikit-learn's is spread more than 1.7 times as wide as is usual for them.
_WIDE = 4.0


def spreads_of(rows: Array) -> Array:
    """The unit of each column: how far its values lie apart; 0 for a column that tells nothing.

    Parameters
    ----------
    rows : array of float, first axis n

    Returns
    -------
    array of float, the axes of a row
        The standard deviation, or what the middle half of the values would have of a normal law, where that
        is less: a few huge values make no small ones equal. Zero where it is below what single precision
        tells apart.

    Examples
    --------
    >>> spreads_of(np.array([[1.0, 5.0], [1.0, 5.0], [-1.0, 5.0], [-1.0, 5.0]]))
    array([1., 0.])
    """
    rows = np.asarray(rows, np.float64)
    largest = np.abs(rows).max(0)
    scaled = rows / np.where(largest > 0, largest, 1.0)  # squares of huge values would overflow
    deviation = scaled.std(0)
    low, high = np.quantile(scaled, (0.25, 0.75), axis=0)
    middle = (high - low) / _MIDDLE_HALF
    spread = np.where(middle > _ROUNDING, np.minimum(deviation, middle), deviation)
    made: Array = np.where(spread > _ROUNDING, spread * largest, 0.0)
    return made


def pixel_units(items: Array) -> Array:
    """The unit of each pixel: its spread, or the middle one of all spreads above 0 where that is more.

    Parameters
    ----------
    items : array of float, first axis n

    Returns
    -------
    array of float, the axes of an item
        A wide column of pixels stretches its own unit alone, and a margin that is dark in nearly all pictures
        decides nothing. Zero everywhere where no pixel differs from one item to another.

    Examples
    --------
    >>> pixel_units(np.outer([1.0, 1.0, -1.0, -1.0], [0.0, 1.0, 3.0, 900.0]))
    array([  3.,   3.,   3., 900.])
    """
    spreads = spreads_of(items)
    told = spreads[spreads > 0]
    made: Array = np.maximum(spreads, np.median(told)) if len(told) else spreads
    return made


def levels_of(units: Array) -> Array | None:
    """By what pixels are to be multiplied so that none outweighs the others; None where none does.

    Parameters
    ----------
    units : array of float, above 0
        As `pixel_units` says.

    Returns
    -------
    array of float, the axes of an item, or None
        One, and for a pixel whose unit is over four times the usual one what makes it the usual one.

    Examples
    --------
    >>> levels_of(np.array([3.0, 3.0, 300.0])).tolist(), levels_of(np.array([3.0, 3.0, 9.0]))
    ([1.0, 1.0, 0.01], None)
    """
    usual = units.min()
    is_wide = units > _WIDE * usual
    return np.where(is_wide, usual / units, 1.0) if is_wide.any() else None


def errors_in(units: Array, found: Array, true: Array) -> Array:
    """How far values are off, in units of their own; as shares of themselves within single precision.

    Parameters
    ----------
    units : array of float, the axes of an item
        Values whose unit is 0 are left out.
    found, true : array of float, the axes of an item, with others before them or none
        Messages are of single precision. A value that is off by no more than a step of it came back, however
        many units that is: a value of 1 in a column that is spread by a millionth but for a few.

    Returns
    -------
    array of float, axes (..., t)
        For the t values whose unit is above 0.

    Examples
    --------
    >>> found, true = np.array([1.0, 9.0, 1.0]), np.array([0.0, 5.0, 1.0 + 1e-7])
    >>> errors_in(np.array([2.0, 0.0, 1e-6]), found, true).round(9).tolist()
    [0.5, 1e-07]
    """
    told = units > 0
    ours, theirs = (np.asarray(one, np.float64)[..., told] for one in (found, true))
    with np.errstate(over="ignore"):
        apart, size = np.abs(ours - theirs), np.abs(theirs)
        own = apart / np.where(size > 0.0, size, 1.0)
        errors = apart / units[told]
        return np.asarray(np.where(apart <= _SINGLE * size, np.minimum(own, errors), errors))
