"""How far annotators agree beyond chance: Cohen's kappa, Fleiss' kappa, Krippendorff's alpha, for classes."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.axes import checked

__all__ = ["cohen_kappa", "fleiss_kappa", "krippendorff_alpha"]


def cohen_kappa(counts: ArrayLike) -> float:
    """Cohen's kappa: agreement of two annotators beyond chance.

    Parameters
    ----------
    counts : array of int, axes (c, c)
        How many items the first gave the row's class and the second the column's.

    Returns
    -------
    float
        At most 1; 0 is what chance gives; nan where both name one class throughout.

    Raises
    ------
    SignalError
        Wrong axes, or counts that are no whole numbers from 0.
    ParameterError
        No items, or more rows than columns or fewer.

    Notes
    -----
    (P − Pe) / (1 − Pe): P the share of the diagonal, Pe the sum of the products of both shares of a class.
    The same as scikit-learn's from labels; time O(c²).

    References
    ----------
    Cohen. A coefficient of agreement for nominal scales. Educational and Psychological
    Measurement 20(1), 1960.

    Examples
    --------
    >>> cohen_kappa([[20, 5], [10, 15]])
    0.4
    """
    table = _checked_counts(counts)
    if table.shape[0] != table.shape[1] or not table.any():
        message = (
            "Cohen's kappa needs a row and a column for every class, and at least one item; received an "
            f"array of shape {table.shape} that counts {table.sum():g} items. Count pairs of classes."
        )
        raise ParameterError(message)
    total = table.sum()
    # in whole numbers as long as it goes: whether all is one class must not hang on a rounding
    by_chance = float(table.sum(axis=0) @ table.sum(axis=1))
    if by_chance == total**2:
        return float("nan")
    return float((total * table.trace() - by_chance) / (total**2 - by_chance))


def fleiss_kappa(counts: ArrayLike) -> float:
    """Fleiss' kappa: agreement beyond chance where every item has equally many answers.

    Parameters
    ----------
    counts : array of int, axes (n, c)
        How many annotators gave an item each class; every row has the same sum, at least 2.

    Returns
    -------
    float
        At most 1; 0 is what chance gives; nan where all answers name one class, so that chance agrees too.

    Raises
    ------
    SignalError
        Wrong axes, or counts that are no whole numbers from 0.
    ParameterError
        No items, rows of unequal sums, or fewer than 2 answers an item.

    Notes
    -----
    (P − Pe) / (1 − Pe): P the mean over items of the share of agreeing pairs, Pe the sum of squared class
    shares. Time O(n·c).

    References
    ----------
    Fleiss. Measuring nominal scale agreement among many raters. Psychological Bulletin 76(5), 1971.

    Examples
    --------
    >>> round(fleiss_kappa([[2, 0], [0, 2], [1, 1]]), 4)
    0.3333
    """
    table = _checked_counts(counts)
    answers = table.sum(axis=1)
    if answers.min() != answers.max() or answers[0] < 2:
        message = (
            "Fleiss' kappa needs equally many answers for every item, at least 2; received items with "
            f"{answers.min():g} to {answers.max():g}. Leave out items with another number, or use alpha."
        )
        raise ParameterError(message)
    agreeing = (table * (table - 1.0)).sum() / (answers * (answers - 1.0)).sum()
    shares = table.sum(axis=0) / table.sum()
    by_chance = float((shares**2).sum())
    return float((agreeing - by_chance) / (1.0 - by_chance)) if (shares < 1.0).all() else float("nan")


def krippendorff_alpha(counts: ArrayLike) -> float:
    """Krippendorff's alpha for classes: agreement beyond chance, whatever number of answers an item has.

    Parameters
    ----------
    counts : array of int, axes (n, c)
        How many annotators gave an item each class; items with fewer than 2 answers say nothing and are
        left out.

    Returns
    -------
    float
        At most 1; 0 is what chance gives; nan where all answers name one class.

    Raises
    ------
    SignalError
        Wrong axes, or counts that are no whole numbers from 0.
    ParameterError
        No item has 2 answers.

    Notes
    -----
    1 − Do / De over pairs of answers to one item: Do is the share of pairs that differ, each item's pairs
    weighted by 1 / (answers − 1), and De the same for answers paired at random without replacement.
    Time O(n·c).

    References
    ----------
    Krippendorff. Computing Krippendorff's alpha-reliability. University of Pennsylvania, 2011.

    Examples
    --------
    >>> round(krippendorff_alpha([[2, 0], [0, 2], [1, 1], [1, 0]]), 4)
    0.4444
    """
    table = _checked_counts(counts)
    table = table[table.sum(axis=1) >= 2]
    if not len(table):
        message = (
            "Krippendorff's alpha needs an item with at least 2 answers; received none. "
            "Have several people answer the same items."
        )
        raise ParameterError(message)
    answers = table.sum(axis=1)
    differing = ((answers**2 - (table**2).sum(axis=1)) / (answers - 1.0)).sum()
    totals = table.sum(axis=0)
    expected = (totals.sum() ** 2 - (totals**2).sum()) / (totals.sum() - 1.0)
    return float(1.0 - differing / expected) if expected > 0.0 else float("nan")


def _checked_counts(counts: ArrayLike) -> NDArray[np.float64]:
    if not np.size(counts):
        raise ParameterError("There must be at least one item; received none. Gather answers first.")
    table: NDArray[np.float64] = checked(counts, "n c", "counts").astype(np.float64)
    if (table < 0.0).any() or (table != np.floor(table)).any():
        row = int(np.argmax(((table < 0.0) | (table != np.floor(table))).any(axis=1)))
        message = (
            f"'counts' must be whole numbers from 0; received {table[row].tolist()} in row {row}. Give how "
            "many annotators named each class."
        )
        raise SignalError(message)
    return table
