"""What a learning curve comes to: the area under it, and the labels it needs to reach a level."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.errors import ParameterError
from nextlabel.maths.axes import checked

__all__ = ["area_under_budget_curve", "checked_checkpoints", "labels_to_reach"]


def area_under_budget_curve(labels: ArrayLike, curves: ArrayLike) -> NDArray[np.float64]:
    """Mean height of each learning curve over the budget (AUBC).

    Parameters
    ----------
    labels : array of int, axes (k,)
        Labelled items at each checkpoint, increasing.
    curves : array of float, axes (s, k)
        What was measured at each checkpoint, for example accuracy; one row for each seed.

    Returns
    -------
    array of float64, axes (s,)
        In the unit of `curves`: a curve that is constant has its own height as its area.

    Raises
    ------
    ParameterError
        Fewer than two checkpoints, or labels that do not increase.
    SignalError
        Wrong axes, unequal lengths, or values that are not finite.

    Notes
    -----
    The trapezoid rule over labels, divided by the labels spent after the start. Time O(s·k).

    References
    ----------
    Zhan, Wang, Huang, Xiong, Dou, Chan. A comparative survey of deep active learning. arXiv 2203.13450, 2022.

    Examples
    --------
    Half of the budget at 0, then straight up to 1:

    >>> area_under_budget_curve([0, 10, 20], [[0.0, 0.0, 1.0]]).tolist()
    [0.25]
    """
    labels, curves = checked_checkpoints(labels, curves)
    return np.asarray(np.trapezoid(curves, labels, axis=1) / (labels[-1] - labels[0]))


def labels_to_reach(labels: ArrayLike, curve: ArrayLike, level: float) -> float:
    """How many labels a learning curve needs to reach a level for the first time.

    Parameters
    ----------
    labels : array of int, axes (k,)
        Labelled items at each checkpoint, increasing.
    curve : array of float, axes (k,)
        What was measured at each checkpoint.
    level : float
        In the unit of `curve`.

    Returns
    -------
    float
        Linear between checkpoints; the first checkpoint where the curve starts at or above the level;
        infinity where it never gets there, since it then takes more than the budget.

    Raises
    ------
    ParameterError
        Fewer than two checkpoints, or labels that do not increase.
    SignalError
        Wrong axes, unequal lengths, or values that are not finite.

    Notes
    -----
    The first passage of one noisy curve comes early by luck. Pass a mean over seeds where there are several.

    Examples
    --------
    >>> labels_to_reach([20, 40, 60], [0.5, 0.7, 0.8], 0.6)
    30.0
    >>> labels_to_reach([20, 40, 60], [0.5, 0.7, 0.8], 0.9)
    inf
    """
    labels, rows = checked_checkpoints(labels, np.atleast_2d(np.asarray(curve)))
    heights = rows[0]
    reached = np.flatnonzero(heights >= level)
    if not len(reached):
        return np.inf
    last = int(reached[0])
    if last == 0:
        return float(labels[0])
    share = (level - heights[last - 1]) / (heights[last] - heights[last - 1])
    return float(labels[last - 1] + share * (labels[last] - labels[last - 1]))


def checked_checkpoints(
    labels: ArrayLike, curves: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The checkpoints (k,) and the curves (s, k) as float64, checked.

    Raises
    ------
    ParameterError
        Fewer than two checkpoints, or labels that do not increase.
    SignalError
        Wrong axes, unequal lengths, or values that are not finite.
    """
    sizes: dict[str, tuple[int, str]] = {}
    counts = checked(labels, "k", "labels", sizes).astype(np.float64)
    rows = checked(curves, "s k", "curves", sizes).astype(np.float64)
    if len(counts) < 2 or not (np.diff(counts) > 0).all():
        message = (
            "A learning curve needs at least two checkpoints, with more labels at each; received labels "
            f"{counts.tolist()}. Measure before the first batch and after each."
        )
        raise ParameterError(message)
    return counts, rows
