"""Strategies ranked over several data sets: Friedman, Nemenyi's critical difference, Kendall's tau."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.errors import ParameterError
from nextlabel.maths.axes import checked
from nextlabel.maths.parameters import checked_number, checked_whole

__all__ = ["alike_groups", "critical_difference", "friedman_p", "kendall_tau", "mean_ranks"]


def mean_ranks(scores: ArrayLike) -> NDArray[np.float64]:
    """Mean rank of each strategy over data sets; 1 is the best.

    Parameters
    ----------
    scores : array of float, axes (g, a)
        Larger is better; one row for each data set, one column for each strategy.

    Returns
    -------
    array of float64, axes (a,)
        Between 1 and a; strategies that tie on a data set share the mean of their ranks.

    Raises
    ------
    SignalError
        Wrong axes, or values that are not finite.

    Examples
    --------
    >>> mean_ranks([[0.9, 0.8, 0.7], [0.6, 0.8, 0.6]]).tolist()
    [1.75, 1.5, 2.75]
    """
    from scipy.stats import rankdata  # half a second to load, and seldom wanted

    table = checked(scores, "g a", "scores")
    return np.asarray(rankdata(-table.astype(np.float64), axis=1).mean(axis=0))


def friedman_p(scores: ArrayLike) -> float:
    """P-value of Friedman's test that strategies rank alike over data sets.

    Parameters
    ----------
    scores : array of float, axes (g, a)
        One row for each data set, one column for each strategy.

    Returns
    -------
    float
        Between 0 and 1; 1 where all strategies tie everywhere.

    Raises
    ------
    ParameterError
        Fewer than three strategies or two data sets.
    SignalError
        Wrong axes, or values that are not finite.

    Notes
    -----
    The chi-square limit, good from about ten data sets on.

    References
    ----------
    Friedman. The use of ranks to avoid the assumption of normality implicit in the analysis of variance.
    Journal of the American Statistical Association 32, 1937.

    Examples
    --------
    >>> round(friedman_p([[3, 2, 1]] * 4), 4)
    0.0183
    """
    table = checked(scores, "g a", "scores").astype(np.float64)
    sets, strategies = table.shape
    if strategies < 3 or sets < 2:
        message = (
            "Friedman's test needs at least 3 strategies and 2 data sets; received "
            f"{strategies} and {sets}. Compare two strategies by the signed rank test instead."
        )
        raise ParameterError(message)
    if (table == table[:, :1]).all():
        return 1.0  # the statistic would be 0 divided by 0
    from scipy.stats import friedmanchisquare

    return float(friedmanchisquare(*table.T).pvalue)


def critical_difference(strategies: int, sets: int, *, level: float = 0.05) -> float:
    """Nemenyi's critical difference: mean ranks that are closer than this cannot be told apart.

    Parameters
    ----------
    strategies : int
        How many, from 2.
    sets : int
        Over how many data sets, from 2.
    level : float
        The chance that equal strategies are told apart, between 0 and 1.

    Returns
    -------
    float
        In ranks.

    Raises
    ------
    ParameterError
        Numbers out of range.

    Notes
    -----
    q / √2 · √(a(a + 1) / 6g) for a strategies and g data sets, with q the studentised range of a values and
    infinitely many degrees of freedom.

    References
    ----------
    Demšar. Statistical comparisons of classifiers over multiple data sets. Journal of Machine Learning
    Research 7, 2006. Section 3.2.2.

    Examples
    --------
    Demšar's example of four classifiers on fourteen data sets gives 1.25:

    >>> round(critical_difference(4, 14), 2)
    1.25
    """
    a = checked_whole(strategies, "strategies", least=2)
    g = checked_whole(sets, "sets", least=2)
    alpha = checked_number(level, "level", above=0, below=1, advice="Give for example 0.05.")
    from scipy.stats import studentized_range

    return float(studentized_range.isf(alpha, a, np.inf) / np.sqrt(2.0) * np.sqrt(a * (a + 1) / (6.0 * g)))


def alike_groups(ranks: ArrayLike, difference: float) -> list[NDArray[np.int64]]:
    """The largest groups of strategies whose mean ranks lie within a difference of one another.

    Parameters
    ----------
    ranks : array of float, axes (a,)
        Mean ranks.
    difference : float
        In ranks, for example Nemenyi's.

    Returns
    -------
    list of array of int64
        Positions, the best first; only groups of two and more, none inside another.

    Raises
    ------
    SignalError
        Wrong axes, or values that are not finite.

    Examples
    --------
    >>> [group.tolist() for group in alike_groups([1.0, 3.0, 1.5, 2.2], 1.0)]
    [[0, 2], [2, 3], [3, 1]]
    """
    values = checked(ranks, "a", "ranks").astype(np.float64)
    order = np.argsort(values, kind="stable")
    found: list[NDArray[np.int64]] = []
    end = 0
    for begin in range(len(order)):
        stop = int(np.searchsorted(values[order], values[order[begin]] + difference, side="right"))
        if stop - begin > 1 and stop > end:
            found.append(order[begin:stop])
        end = max(end, stop)
    return found


def kendall_tau(first: ArrayLike, second: ArrayLike) -> float:
    """How far two rankings agree: 1 for the same order, −1 for the reverse, about 0 for unrelated ones.

    Parameters
    ----------
    first, second : array of float, axes (a,)
        The scores that rank the same strategies twice.

    Returns
    -------
    float
        Kendall's tau-b, from −1 to 1; 0 where one of the two ranks nothing, as all its scores are equal.

    Raises
    ------
    ParameterError
        Fewer than two strategies.
    SignalError
        Wrong axes, unequal lengths, or values that are not finite.

    References
    ----------
    Kendall. The treatment of ties in ranking problems. Biometrika 33(3), 1945.

    Examples
    --------
    >>> round(kendall_tau([3, 2, 1], [3, 1, 2]), 3)
    0.333
    """
    sizes: dict[str, tuple[int, str]] = {}
    x, y = (
        checked(values, "a", name, sizes).astype(np.float64)
        for name, values in (("first", first), ("second", second))
    )
    if len(x) < 2:
        message = f"A ranking needs at least 2 strategies; received {len(x)}. Compare more."
        raise ParameterError(message)
    if (x == x[0]).all() or (y == y[0]).all():
        return 0.0
    from scipy.stats import kendalltau

    return float(kendalltau(x, y).statistic)
