"""Tests of paired differences, and what several of them may say together: Student, Wilcoxon, Holm."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

from nextlabel.errors import ParameterError
from nextlabel.maths.axes import checked

__all__ = ["holm", "paired_t_p", "signed_rank_p"]

_ROUNDING = 1e-12


def paired_t_p(differences: ArrayLike) -> NDArray[np.float64]:
    """Two-sided p-values of Student's t test that paired differences have mean 0.

    Parameters
    ----------
    differences : array of float, axes (s, k)
        One row for each seed, one column for each test.

    Returns
    -------
    array of float64, axes (k,)
        Between 0 and 1; 1 where all differences are 0, and 0 where all are equal and not 0.
        What is below 1e-12 counts as 0.

    Raises
    ------
    ParameterError
        Fewer than two seeds.
    SignalError
        Wrong axes, or values that are not finite.

    Notes
    -----
    t = mean / (sd / √s) with s − 1 degrees of freedom. Time O(s·k). Differences are of accuracies, at most 1:
    sums of these in another order differ by 1e-15 or so, which is no gain, however steady.

    References
    ----------
    Student. The probable error of a mean. Biometrika 6(1), 1908.

    Examples
    --------
    >>> paired_t_p([[1.0], [2.0], [3.0]]).round(4).tolist()
    [0.0742]
    """
    rows = _rounded(checked(differences, "s k", "differences"))
    _check_seeds(len(rows))
    mean, error = rows.mean(axis=0), rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
    steady = np.ptp(rows, axis=0) <= _ROUNDING  # their sd may be a rounding error instead of 0
    ratio = np.abs(mean) / np.where(steady, 1.0, error)
    tested = 2.0 * stdtr(len(rows) - 1, -ratio)
    return np.where(steady, np.where(rows[0] == 0.0, 1.0, 0.0), tested)


def signed_rank_p(differences: ArrayLike) -> float:
    """Two-sided p-value of Wilcoxon's signed rank test; a second opinion that assumes no normal law.

    Parameters
    ----------
    differences : array of float, axes (s,)
        One for each seed.

    Returns
    -------
    float
        Between 0 and 1; 1 where all differences are 0. With s seeds never below 2^(1 − s).

    Raises
    ------
    ParameterError
        Fewer than two seeds.
    SignalError
        Wrong axes, or values that are not finite.

    Notes
    -----
    Differences below 1e-12 are taken for 0 and left out, as Wilcoxon leaves out 0. SciPy chooses between the
    exact law and its normal limit.

    References
    ----------
    Wilcoxon. Individual comparisons by ranking methods. Biometrics Bulletin 1(6), 1945.

    Examples
    --------
    >>> signed_rank_p([1.0, 2.0, 3.0])
    0.25
    """
    values = _rounded(checked(differences, "s", "differences"))
    _check_seeds(len(values))
    if not values.any():
        return 1.0
    from scipy.stats import wilcoxon  # half a second to load, and seldom wanted

    return float(wilcoxon(values[values != 0.0]).pvalue)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """P-values adjusted so that all that lie below a level may be believed together.

    Parameters
    ----------
    p_values : array of float, axes (k,)
        One for each comparison, between 0 and 1; however they depend on one another.

    Returns
    -------
    array of float64, axes (k,)
        The chance that any true hypothesis has an adjusted value at or below a level is at most that level.

    Raises
    ------
    ParameterError
        Values outside [0, 1].
    SignalError
        Wrong axes, or values that are not finite.

    Notes
    -----
    The r-th smallest of k is multiplied by k − r + 1, and made no smaller than the one before it.
    Time O(k log k).

    References
    ----------
    Holm. A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6(2),
    1979.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    values = checked(p_values, "k", "p_values").astype(np.float64)
    if ((values < 0.0) | (values > 1.0)).any():
        message = (
            "Holm's procedure needs p-values between 0 and 1; received values from "
            f"{values.min():g} to {values.max():g}. Give probabilities."
        )
        raise ParameterError(message)
    order = np.argsort(values)
    raised = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(raised, 1.0)
    return adjusted


def _rounded(differences: NDArray[np.generic]) -> NDArray[np.float64]:
    values = differences.astype(np.float64)
    return np.where(np.abs(values) <= _ROUNDING, 0.0, values)


def _check_seeds(seeds: int) -> None:
    if seeds < 2:
        message = (
            f"A test of paired differences needs at least 2 seeds; received {seeds}. "
            "Run more seeds, ten if you can."
        )
        raise ParameterError(message)
