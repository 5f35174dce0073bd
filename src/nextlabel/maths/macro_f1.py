"""The mean over classes of the harmonic mean of precision and recall, and how far resampling moves it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.errors import SignalError
from nextlabel.maths.axes import Sizes, checked
from nextlabel.maths.intervals import Interval
from nextlabel.maths.parameters import checked_number, checked_whole

__all__ = ["class_f1", "macro_f1", "macro_f1_bootstrap"]


def class_f1(truth: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """The F1 of each class.

    Parameters
    ----------
    truth, predicted : array of int, axes (n, c)
        1 where an item has a class and 0 elsewhere; rows may hold several.

    Returns
    -------
    array of float, axes (c,)
        Between 0 and 1; nan for a class that is neither there nor predicted.

    Raises
    ------
    SignalError
        Wrong axes, unequal sizes, no items, or numbers other than 0 and 1.

    Notes
    -----
    2·tp / (2·tp + fp + fn). Time O(n·c).

    References
    ----------
    van Rijsbergen. Information retrieval, second edition. Butterworths, 1979. Chapter 7.

    Examples
    --------
    >>> class_f1([[1, 0, 0], [1, 0, 0], [0, 1, 0]], [[1, 0, 0], [0, 1, 0], [0, 1, 0]]).round(4).tolist()
    [0.6667, 0.6667, nan]
    """
    hits, sums = _parts(truth, predicted)
    return _f1(hits.sum(axis=0), sums.sum(axis=0))


def macro_f1(truth: ArrayLike, predicted: ArrayLike) -> float:
    """The mean of `class_f1` over the classes that are there or predicted; nan where there are none.

    Examples
    --------
    >>> round(macro_f1([[1, 0, 0], [1, 0, 0], [0, 1, 0]], [[1, 0, 0], [0, 1, 0], [0, 1, 0]]), 4)
    0.6667
    """
    hits, sums = _parts(truth, predicted)
    return float(_mean_f1(hits.sum(axis=0), sums.sum(axis=0)))


def macro_f1_bootstrap(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    rng: np.random.Generator,
    confidence: float = 0.95,
    resamples: int = 1_000,
) -> Interval:
    """Percentiles of the macro-F1 of resampled items: indicative, and no band that covers what it says.

    Parameters
    ----------
    truth, predicted : array of int, axes (n, c)
        As for `class_f1`.
    rng : numpy.random.Generator
        Draws the resamples.
    confidence : float
        Between 0 and 1.
    resamples : int
        How many, from 2.

    Returns
    -------
    Interval
        Of nan where no item has or is given any class.

    Raises
    ------
    SignalError
        As for `class_f1`.
    ParameterError
        Parameters outside their range.

    Notes
    -----
    Classes with few items make it too narrow. Time O(resamples·n·c), memory O(resamples·n).

    Examples
    --------
    >>> rows = [[1, 0], [0, 1]] * 20
    >>> macro_f1_bootstrap(rows, rows, rng=np.random.default_rng(0))
    Interval(low=1.0, high=1.0)
    """
    hits, sums = _parts(truth, predicted)
    confidence = checked_number(confidence, "confidence", above=0, below=1, advice="Give for example 0.95.")
    resamples = checked_whole(resamples, "resamples", least=2, advice="Give for example 1000.")
    n = len(hits)
    times = rng.multinomial(n, np.full(n, 1.0 / n), size=resamples).astype(np.float64)
    values = _mean_f1(times @ hits, times @ sums)
    values = values[~np.isnan(values)]  # a resample may hold no class at all
    if not len(values):
        return Interval(np.nan, np.nan)
    low, high = np.quantile(values, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    return Interval(float(low), float(high))


def _parts(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each item and class: whether both say it, and how many of the two do."""
    sizes: Sizes = {}
    first = checked(truth, "n c", "truth", sizes).astype(np.float64)
    second = checked(predicted, "n c", "predicted", sizes).astype(np.float64)
    both = np.concatenate([first, second])
    if not len(first) or not np.isin(both, (0.0, 1.0)).all():
        message = (
            "'truth' and 'predicted' must hold 0 and 1, for at least one item; received "
            f"{len(first)} items with values from {both.min(initial=0.0):g} to {both.max(initial=0.0):g}. "
            "Give a row of zeros and ones for each item."
        )
        raise SignalError(message)
    return first * second, first + second


def _f1(hits: NDArray[np.float64], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(2.0 * hits, sums, out=np.full_like(sums, np.nan), where=sums > 0.0)


def _mean_f1(hits: NDArray[np.float64], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the last axis, of the classes that occur; nan where none does."""
    found = _f1(hits, sums)
    occurs = ~np.isnan(found)
    total, many = np.where(occurs, found, 0.0).sum(axis=-1), occurs.sum(axis=-1)
    means: NDArray[np.float64] = np.divide(total, many, out=np.full_like(total, np.nan), where=many > 0)
    return means
