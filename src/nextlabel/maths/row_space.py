"""How many directions a matrix really has: the rank at the widest gap of its singular values."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.errors import ParameterError
from nextlabel.maths.axes import Floats
from nextlabel.maths.column_space import least_falls
from nextlabel.maths.parameters import checked_number

__all__ = ["Spectrum", "gaps_of", "spectrum_of"]


@final
@dataclass(frozen=True)
class Spectrum:
    """Singular values, largest first, the rank at their widest gap, and that gap.

    Parameters
    ----------
    values : tuple of float
        Singular values, from the largest.
    rank : int
        How many come before the widest gap; 0 where all are zero.
    gap : float
        How many times larger the last of them is than the first beyond; 1 where there is no gap.
    """

    values: tuple[float, ...]
    rank: int
    gap: float


def gaps_of(values: ArrayLike, *, precision: float, least_gap: float = 10.0) -> Floats:
    """The falls between neighbouring singular values that are gaps; 0 for those that may be chance.

    Parameters
    ----------
    values : array of float, axes (k,)
        Singular values in any order, not negative.
    precision : float
        The relative rounding of the matrix, above 0: values below this share of the largest are rounding,
        whatever lies between them.
    least_gap : float
        A fall by less than this factor is no gap, from 1.

    Returns
    -------
    array of float64, axes (k - 1,)
        How many times larger each value is than the next, or 0.

    Raises
    ------
    ParameterError
        No values, values that are negative or not finite, or another parameter out of its range.

    Notes
    -----
    Values below ``precision`` times the largest count as that much, and a fall to these is a gap. Any other
    must also exceed `nextlabel.maths.column_space.least_gap` of the values left over: the last two values of
    a square matrix of full rank lie more than ten times apart in nearly a tenth of draws, and none of them is
    noise. Time O(k log k).

    Examples
    --------
    >>> gaps_of([5.0, 2.0, 0.1], precision=1e-7)
    array([0., 0.])
    >>> gaps_of([5.0, 2.0, 0.1e-3], precision=1e-7)
    array([    0., 20000.])
    """
    found, precision, least_gap = _checked(values, precision, least_gap)
    if found[0] == 0:
        return np.zeros(len(found) - 1)
    lifted = np.maximum(found, precision * found[0])
    # where even the smallest stands clear of rounding, nothing says that one more direction would be noise
    falls = lifted[:-1] / lifted[1:]
    needed = least_falls(found, precision * float(found[0]), least_gap)
    return np.asarray(np.where(falls >= needed, falls, 0.0))


def spectrum_of(values: ArrayLike, *, precision: float, least_gap: float = 10.0) -> Spectrum:
    """The rank of a matrix from its singular values: where they fall by the largest factor.

    A threshold would need to know how noisy the matrix is; the gap between signal and rounding shows itself.

    Parameters
    ----------
    values, precision, least_gap
        As of `gaps_of`. Where nothing is a gap the rank is full.

    Returns
    -------
    Spectrum

    Raises
    ------
    ParameterError
        As `gaps_of`.

    Notes
    -----
    Values below ``precision`` times the largest count as that much. Time O(k log k).

    Examples
    --------
    >>> spectrum_of([5.0, 2.0, 1e-7, 3e-8], precision=1e-7).rank
    2
    """
    gaps = gaps_of(values, precision=precision, least_gap=least_gap)
    found = np.sort(np.asarray(values, dtype=np.float64).ravel())[::-1]
    listed = tuple(float(value) for value in found)
    if not gaps.any():
        return Spectrum(listed, int((found > precision * found[0]).sum()), 1.0)
    place = int(np.argmax(gaps))
    return Spectrum(listed, place + 1, float(gaps[place]))


def _checked(values: ArrayLike, precision: float, least_gap: float) -> tuple[Floats, float, float]:
    """Singular values, the largest first, and the parameters."""
    precision = checked_number(precision, "precision", above=0, below=1, advice="Give the rounding unit.")
    least_gap = checked_number(least_gap, "least_gap", least=1, advice="Give for example 10.")
    found = np.sort(np.asarray(values, dtype=np.float64).ravel())[::-1]
    if found.size == 0 or not np.isfinite(found).all() or found[-1] < 0:
        message = (
            "Singular values must be one or more finite numbers from 0 up; received "
            f"{np.array2string(found, threshold=5)}. Give those of numpy.linalg.svd."
        )
        raise ParameterError(message)
    return found, precision, least_gap
