"""Confidence intervals for few seeds: Student's t, the BCa bootstrap, and labels to reach a level."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from nextlabel.errors import ParameterError
from nextlabel.maths.axes import checked
from nextlabel.maths.summaries import checked_checkpoints

__all__ = ["Interval", "bca_interval", "reach_interval", "student_interval"]


@final
@dataclass(frozen=True)
class Interval:
    """All values from `low` to `high`, both included; an end may be infinite."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether the value lies in the interval."""
        return self.low <= value <= self.high


def student_interval(values: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Student's t interval for the mean of a few numbers, for example of paired differences.

    Parameters
    ----------
    values : array of float, axes (s,)
        One for each seed; for a paired comparison, the differences.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    Interval
        In the unit of the values; a single point where all values are equal.

    Raises
    ------
    ParameterError
        Fewer than two values, or a confidence outside (0, 1).
    SignalError
        Wrong axes, or values that are not finite.

    Notes
    -----
    mean ± t(s − 1) · sd / √s. Exact for normal values, however few; a percentile bootstrap of five
    values covers 84 % where it says 95 %.

    References
    ----------
    Student. The probable error of a mean. Biometrika 6(1), 1908.

    Examples
    --------
    >>> interval = student_interval([1.0, 2.0, 3.0])
    >>> round(interval.low, 3), round(interval.high, 3)
    (-0.484, 4.484)
    """
    array = _checked_values(values, confidence)
    half = _quantile(len(array), confidence) * array.std(ddof=1) / np.sqrt(len(array))
    return Interval(float(array.mean() - half), float(array.mean() + half))


def bca_interval(
    values: ArrayLike, rng: np.random.Generator, *, confidence: float = 0.95, resamples: int = 9_999
) -> Interval:
    """Bias-corrected and accelerated bootstrap interval for the mean of a few numbers.

    Assumes no normal law, at the price of covering less than it says when there are few values;
    shown beside Student's t, where disagreement warns of a skewed law.

    Parameters
    ----------
    values : array of float, axes (s,)
        One for each seed; for a paired comparison, the differences.
    rng : numpy.random.Generator
        Draws the resamples.
    confidence : float
        Between 0 and 1.
    resamples : int
        How many means of resampled values.

    Returns
    -------
    Interval
        In the unit of the values; a single point where all values are equal.

    Raises
    ------
    ParameterError
        Fewer than two values, or a confidence outside (0, 1).
    SignalError
        Wrong axes, or values that are not finite.

    Notes
    -----
    Time and memory O(s · resamples).

    References
    ----------
    Efron. Better bootstrap confidence intervals. Journal of the American Statistical Association 82, 1987.

    Examples
    --------
    >>> interval = bca_interval([1.0, 2.0, 3.0, 10.0], np.random.default_rng(0))
    >>> interval.low < 4.0 < interval.high
    True
    """
    array = _checked_values(values, confidence)
    if (array == array[0]).all():
        return Interval(float(array[0]), float(array[0]))  # the acceleration would be 0 divided by 0
    from scipy.stats import bootstrap  # half a second to load, and seldom wanted

    found = bootstrap(
        (array,),
        np.mean,
        n_resamples=resamples,
        confidence_level=confidence,
        method="BCa",
        random_state=rng,
    ).confidence_interval
    return Interval(float(found.low), float(found.high))


def reach_interval(
    labels: ArrayLike, curves: ArrayLike, levels: ArrayLike, *, confidence: float = 0.95
) -> Interval:
    """Confidence interval for the labels at which an expected learning curve reaches an expected level.

    All label counts at which a paired t test cannot tell the curve from the level.

    Parameters
    ----------
    labels : array of int, axes (k,)
        Labelled items at each checkpoint, increasing.
    curves : array of float, axes (s, k)
        What was measured, one row for each seed.
    levels : array of float, axes (s,)
        What is to be reached, for each seed; for example what another method ended with on the same
        split and start. Differences are taken seed by seed, so what a seed makes easy or hard for
        both cancels.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    Interval
        In labels. The upper end is infinite where the end of the budget cannot be told from the level or
        lies below it; the lower end is at least the first checkpoint, where curves begin.

    Raises
    ------
    ParameterError
        Fewer than two seeds or checkpoints, labels that do not increase, or a confidence outside (0, 1).
    SignalError
        Wrong axes, unequal lengths, or values that are not finite.

    Notes
    -----
    At x labels the differences d(x) = curve(x) − level have a mean and a standard error over seeds;
    x is kept where |mean| ≤ t(s − 1) · se. The test at the true x keeps it with exactly the stated
    probability for normal differences, however few seeds, so the interval covers at least as often; no
    seed has to reach the level by itself, and none is dropped because it did not. Curves are linear
    between checkpoints; x runs over whole numbers; the interval is the hull of what is kept. Time and
    memory O(s · budget).

    References
    ----------
    Fieller. Some problems in interval estimation. Journal of the Royal Statistical Society B 16(2), 1954:
    the same inversion of a t test, for a ratio.

    Examples
    --------
    Three seeds climb from 0 to 1 over 100 labels and differ by 0.1; the level is 0.5:

    >>> reach_interval([0, 100], [[0.0, 0.9], [0.0, 1.0], [0.0, 1.1]], [0.5, 0.5, 0.5])
    Interval(low=41.0, high=66.0)
    """
    counts, rows = checked_checkpoints(labels, curves)
    wanted = checked(levels, "s", "levels", {"s": (len(rows), "curves")}).astype(np.float64)
    factor = _quantile(_checked_seeds(len(rows)), _checked_confidence(confidence))
    grid = np.arange(np.ceil(counts[0]), np.floor(counts[-1]) + 1)
    gaps = np.stack([np.interp(grid, counts, row) for row in rows]) - wanted[:, None]
    mean = gaps.mean(axis=0)
    reach = factor * gaps.std(axis=0, ddof=1) / np.sqrt(len(rows))
    kept = np.flatnonzero(np.abs(mean) <= reach)
    above = np.flatnonzero(mean > reach)
    if not len(kept):  # the seeds agree so well that the level is passed between two label counts
        kept = above[:1]
    if not len(kept):
        return Interval(np.inf, np.inf)
    ends_above = len(above) and above[-1] == len(grid) - 1
    return Interval(float(grid[kept[0]]), float(grid[kept[-1]]) if ends_above else np.inf)


def _quantile(seeds: int, confidence: float) -> float:
    return float(stdtrit(seeds - 1, 0.5 + confidence / 2))


def _checked_values(values: ArrayLike, confidence: float) -> NDArray[np.float64]:
    array = checked(values, "s", "values").astype(np.float64)
    _checked_seeds(len(array))
    _checked_confidence(confidence)
    return array


def _checked_seeds(seeds: int) -> int:
    if seeds < 2:
        message = (
            f"An interval over seeds needs at least 2 of them; received {seeds}. "
            "Run more seeds, ten if you can."
        )
        raise ParameterError(message)
    return seeds


def _checked_confidence(confidence: float) -> float:
    if not 0.0 < confidence < 1.0:
        message = f"The confidence must lie between 0 and 1; received {confidence!r}. Pass for example 0.95."
        raise ParameterError(message)
    return confidence
