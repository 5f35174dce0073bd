"""Rows scaled to length one, whatever their size."""

import numpy as np

from nextlabel.maths.axes import Array, checked, row_chunks

__all__ = ["directions"]


def directions(features: Array, name: str) -> Array:
    """The rows scaled to length one; a row of zeros has no direction and stays.

    Parameters
    ----------
    features : array of float, axes (n, d)
        Any finite values: no square leaves its range.
    name : str
        How errors call the array.

    Returns
    -------
    array of float, axes (n, d)
        A copy, of the same type.

    Raises
    ------
    SignalError
        Wrong axes, or values that are not finite.

    Notes
    -----
    Time O(n·d); a few megabytes beside the result.

    Examples
    --------
    >>> directions(np.array([[3e200, 4e200], [0.0, 0.0]]), "embedding").tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    features = checked(features, "n d", name)
    scaled = np.empty_like(features)
    for rows in row_chunks(features):
        chunk = features[rows].astype(np.float64)
        largest = np.abs(chunk).max(axis=1, keepdims=True)  # first, so that no square leaves its range
        chunk /= np.where(largest > 0.0, largest, 1.0)
        length = np.linalg.norm(chunk, axis=1, keepdims=True)
        scaled[rows] = chunk / np.where(length > 0.0, length, 1.0)
    return scaled
