"""The whole numbers from zero up, of a given sum, that lie nearest to given numbers."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.errors import ParameterError
from nextlabel.maths.parameters import checked_whole

__all__ = ["nearest_counts"]


def nearest_counts(values: ArrayLike, total: int) -> NDArray[np.int64]:
    """Counts of a given sum, nearest to numbers in the sum of squares.

    Parameters
    ----------
    values : array of float, axes (c,)
        Any finite numbers, one at least.
    total : int
        The sum of the counts, from 0.

    Returns
    -------
    array of int64, axes (c,)
        Not negative; of equally near ones, those with the larger counts first.

    Raises
    ------
    ParameterError
        No values, values that are not finite, or a total that is no whole number from 0 up.

    Notes
    -----
    Exact. Let w be the nearest point of the simplex without rounding, w_c = max(v_c − t, 0). At the nearest
    counts n no n_c is below floor(w_c): else some other n_e is above w_e, and moving a unit from e to c
    changes the sum of squares by 2 − 2[(v_c − n_c) − (v_e − n_e)] < 0. From floor(w), at most c units are
    left, and giving each to the largest v_c − n_c is best, as the objective is separable and convex. Time
    O(c²) at worst.

    Examples
    --------
    >>> nearest_counts([2.2, -0.4, 1.9], 4).tolist()
    [2, 0, 2]
    """
    total = checked_whole(total, "total", least=0)
    wanted = np.asarray(values, dtype=np.float64).ravel()
    if wanted.size == 0 or not np.isfinite(wanted).all():
        message = (
            "Counts are sought near one or more finite numbers; received "
            f"{np.array2string(wanted, threshold=5)}. Give one number for each class."
        )
        raise ParameterError(message)
    counts = np.floor(_on_simplex(wanted, total)).astype(np.int64)
    for _ in range(total - int(counts.sum())):
        counts[int(np.argmax(wanted - counts))] += 1
    return counts


def _on_simplex(values: NDArray[np.float64], total: int) -> NDArray[np.float64]:
    falling = np.sort(values)[::-1]
    over = np.cumsum(falling) - total
    shifts = over / np.arange(1, len(values) + 1)
    held = int(np.flatnonzero(falling - shifts >= 0)[-1])
    point = np.maximum(values - shifts[held], 0.0)
    # rounding may lift a whole number over itself, which would spend a unit too many
    return np.asarray(np.maximum(point - 1e-9 * max(1.0, float(total)), 0.0))
