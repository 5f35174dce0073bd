"""How many directions a matrix really has: the rank at the widest gap of its singular values."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.errors import ParameterError
from nextlabel.maths.parameters import checked_number

__all__ = ["Spectrum", "spectrum_of"]


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


def spectrum_of(values: ArrayLike, *, precision: float, least_gap: float = 10.0) -> Spectrum:
    """The rank of a matrix from its singular values: where they fall by the largest factor.

    A threshold would need to know how noisy the matrix is; the gap between signal and rounding shows itself.

    Parameters
    ----------
    values : array of float, axes (k,)
        Singular values in any order, not negative.
    precision : float
        The relative rounding of the matrix, above 0: values below this share of the largest are rounding,
        whatever lies between them.
    least_gap : float
        A fall by less than this factor is no gap, from 1: the rank is then full.

    Returns
    -------
    Spectrum

    Raises
    ------
    ParameterError
        No values, values that are negative or not finite, or another parameter out of its range.

    Notes
    -----
    Values below ``precision`` times the largest count as that much. Time O(k log k).

    Examples
    --------
    >>> spectrum_of([5.0, 2.0, 1e-7, 3e-8], precision=1e-7).rank
    2
    """
    precision = checked_number(precision, "precision", above=0, below=1, advice="Give the rounding unit.")
    least_gap = checked_number(least_gap, "least_gap", least=1, advice="Give for example 10.")
    found = np.sort(np.asarray(values, dtype=np.float64).ravel())[::-1]
    if found.size == 0 or not np.isfinite(found).all() or found[-1] < 0:
        message = (
            "Singular values must be one or more finite numbers from 0 up; received "
            f"{np.array2string(found, threshold=5)}. Give those of numpy.linalg.svd."
        )
        raise ParameterError(message)
    listed = tuple(float(value) for value in found)
    if found[0] == 0:
        return Spectrum(listed, 0, 1.0)
    lifted = np.maximum(found, precision * found[0])
    # where even the smallest stands clear of rounding, nothing says that one more direction would be noise
    falls = lifted[:-1] / lifted[1:]
    if falls.size == 0 or falls.max() < least_gap:
        return Spectrum(listed, int((found > precision * found[0]).sum()), 1.0)
    place = int(np.argmax(falls))
    return Spectrum(listed, place + 1, float(falls[place]))
