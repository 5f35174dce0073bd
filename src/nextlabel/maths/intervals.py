"""Confidence intervals for few seeds: Student's t, the BCa bootstrap, labels to reach a level, and counts."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, stdtrit

from nextlabel.errors import ParameterError
from nextlabel.maths.axes import Array, checked
from nextlabel.maths.parameters import checked_number, checked_whole
from nextlabel.maths.summaries import checked_checkpoints

__all__ = ["Interval", "bca_interval", "binomial_interval", "reach_interval", "student_interval"]


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
    values: ArrayLike, *, rng: np.random.Generator, confidence: float = 0.95, resamples: int = 9_999
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
        How many means of resampled values, from 2.

    Returns
    -------
    Interval
        In the unit of the values; a single point where all values are equal.

    Raises
    ------
    ParameterError
        Fewer than two values or resamples, or a confidence outside (0, 1).
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
    >>> interval = bca_interval([1.0, 2.0, 3.0, 10.0], rng=np.random.default_rng(0))
    >>> interval.low < 4.0 < interval.high
    True
    """
    array = _checked_values(values, confidence)
    resamples = checked_whole(resamples, "resamples", least=2, advice="Give for example 9999.")
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


def binomial_interval(successes: int, trials: int, *, confidence: float = 0.95) -> Interval:
    """Exact interval for a chance of which so many of so many independent trials came true.

    Parameters
    ----------
    successes : int
        From 0 to `trials`.
    trials : int
        From 0 up; none say nothing, and the interval is all of [0, 1].
    confidence : float
        Between 0 and 1.

    Returns
    -------
    Interval
        Of chances. The lower end is 0 where nothing came true, the upper end 1 where everything did.

    Raises
    ------
    ParameterError
        Counts that are no whole numbers, more successes than trials, or a confidence outside (0, 1).

    Notes
    -----
    All chances p under which neither so many successes or more, nor so few or fewer, have a probability
    below (1 − confidence) / 2. It covers at least as often as it says, for every p and any number of
    trials. With 0 of n the upper end is 1 − ((1 − confidence) / 2)^(1/n).

    References
    ----------
    Clopper, Pearson. The use of confidence or fiducial limits illustrated in the case of the binomial.
    Biometrika 26(4), 1934.

    Examples
    --------
    >>> interval = binomial_interval(0, 20)
    >>> interval.low, round(interval.high, 4)
    (0.0, 0.1684)
    """
    trials = checked_whole(trials, "trials", least=0)
    successes = checked_whole(successes, "successes", least=0)
    if successes > trials:
        message = (
            f"'successes' must be at most the number of trials, {trials}; received {successes}. "
            "Give the successes among the trials."
        )
        raise ParameterError(message)
    tail = (1.0 - _checked_confidence(confidence)) / 2
    low = betaincinv(successes, trials - successes + 1, tail) if successes else 0.0
    high = betaincinv(successes + 1, trials - successes, 1.0 - tail) if successes < trials else 1.0
    return Interval(float(low), float(high))


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
    seed has to reach the level by itself, and none is dropped because it did not. Curves are linear between
    checkpoints, so that mean² − t² · se² is a quadratic in x there, and its roots are the exact ends; the
    interval is the hull of what is kept, and always holds the x at which the mean is 0. Time and memory
    O(s · checkpoints).

    References
    ----------
    Fieller. Some problems in interval estimation. Journal of the Royal Statistical Society B 16(2), 1954:
    the same inversion of a t test, for a ratio.

    Examples
    --------
    Three seeds climb from 0 to 1 over 100 labels and differ by 0.1; the level is 0.5:

    >>> interval = reach_interval([0, 100], [[0.0, 0.9], [0.0, 1.0], [0.0, 1.1]], [0.5, 0.5, 0.5])
    >>> round(interval.low, 1), round(interval.high, 1)
    (40.1, 66.5)
    """
    counts, rows = checked_checkpoints(labels, curves)
    wanted = checked(levels, "s", "levels", {"s": (len(rows), "curves")}).astype(np.float64)
    factor = _quantile(_checked_seeds(len(rows)), _checked_confidence(confidence))
    gaps = rows - wanted[:, None]
    mean = gaps.mean(axis=0)
    reach = factor * gaps.std(axis=0, ddof=1) / np.sqrt(len(rows))
    kept = [
        x
        for k in range(len(counts) - 1)
        for x in _kept_between(counts[k : k + 2], gaps[:, k : k + 2], factor)
    ]
    starts_above, ends_above = mean[0] > reach[0], mean[-1] > reach[-1]
    low = counts[0] if starts_above else min(kept, default=np.inf)
    return Interval(float(low), float(max(kept, default=low)) if ends_above else np.inf)


def _kept_between(ends: Array, gaps: Array, factor: float) -> list[float]:
    """The outermost label counts between two checkpoints at which a t test keeps that the gap is 0.

    At u of the way the gaps are p + q·u, and mean² − t²·variance/s is the quadratic a·u² + 2b·u + c.
    """
    p, q = gaps[:, 0], gaps[:, 1] - gaps[:, 0]
    (var_p, cov), (_, var_q) = np.cov(np.stack([p, q])) * factor**2 / len(gaps)
    a, b, c = q.mean() ** 2 - var_q, p.mean() * q.mean() - cov, p.mean() ** 2 - var_p
    shares = [0.0] if c <= 0.0 else []
    shares += [1.0] if a + 2.0 * b + c <= 0.0 else []
    if b * b - a * c >= 0.0:
        # the numerically stable pair of roots; a or the sum may be zero
        turn = -(b + np.copysign(np.sqrt(b * b - a * c), b))
        shares += [float(top / bottom) for top, bottom in ((turn, a), (c, turn)) if bottom]
    if q.mean():
        shares.append(float(-p.mean() / q.mean()))  # the mean is 0: kept even where rounding hides the roots
    return [float(ends[0] + u * (ends[1] - ends[0])) for u in shares if 0.0 <= u <= 1.0]


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
    return checked_number(confidence, "confidence", above=0, below=1, advice="Give for example 0.95.")
