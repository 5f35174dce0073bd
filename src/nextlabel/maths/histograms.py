"""How mixed a histogram of counts is."""

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import SignalError
from nextlabel.maths.axes import Scores, checked, row_chunks
from nextlabel.maths.information import entropy_terms
from nextlabel.maths.parameters import checked_number

__all__ = ["histogram_entropy"]


def histogram_entropy(histogram: NDArray[np.floating], *, smoothing: float = 0.0) -> Scores:
    """Shannon entropy of each item's counts, taken as shares.

    Parameters
    ----------
    histogram : array of float, axes (n, c)
        Counts or weights, from 0.
    smoothing : float
        Added to every count, from 0. With 1, as a counter that starts at one for each class has it, an
        item without any count has the largest entropy there is.

    Returns
    -------
    array of float64, axes (n,)
        In nats, between 0 and log c; 0 where all counts are 0 and nothing is added to them.

    Raises
    ------
    SignalError
        Wrong axes, values that are not finite, or below 0.
    ParameterError
        The smoothing is not a number from 0 up.

    Notes
    -----
    −Σ q log q with q = (count + s)/Σ(count + s) and 0·log 0 = 0. Time O(n·c).

    Examples
    --------
    >>> histogram_entropy(np.array([[2.0, 2.0], [3.0, 0.0], [0.0, 0.0]])).round(4).tolist()
    [0.6931, 0.0, 0.0]
    """
    histogram = checked(histogram, "n c", "histogram")
    smoothing = checked_number(smoothing, "smoothing", least=0, advice="Give 0 for none, or 1.")
    if histogram.size and histogram.min() < 0.0:
        row = int(histogram.min(axis=1).argmin())
        message = (
            f"The counts of 'histogram' must be 0 or more; row {row} holds {histogram[row].min():g}. "
            "Give how many objects of each class were predicted."
        )
        raise SignalError(message)
    result = np.zeros(len(histogram))
    for rows in row_chunks(histogram):
        counts = histogram[rows].astype(np.float64) + smoothing
        largest = counts.max(axis=1, keepdims=True)
        counts /= np.where(largest > 0.0, largest, 1.0)  # first, so that no sum overflows
        total = counts.sum(axis=1, keepdims=True)
        shares = counts / np.where(total > 0.0, total, 1.0)
        result[rows] = np.maximum(entropy_terms(shares).sum(axis=1), 0.0)
    return result
