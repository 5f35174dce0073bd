"""The pairwise comparison of BADGE's authors: who beats whom how often, and errors beside random's."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.maths.axes import checked
from nextlabel.maths.comparisons import paired_t_p
from nextlabel.maths.summaries import checked_checkpoints

__all__ = ["compared_checkpoints", "error_ratios", "penalties"]

_LEVEL = 0.05
_REACHED = 0.99  # of random's accuracy at the end: beyond it nothing is left to compare


def compared_checkpoints(labels: ArrayLike, reference: ArrayLike) -> NDArray[np.int64]:
    """The checkpoints that count: the start, then 1, 2, 4, 8 ... batches, while random has more to gain.

    Parameters
    ----------
    labels : array of int, axes (k,)
        Labelled items at each checkpoint, increasing: the start, then after each batch.
    reference : array of float, axes (k,)
        Random's mean accuracy at each.

    Returns
    -------
    array of int64
        Positions in `labels`, increasing; the first is 0, the start.

    Raises
    ------
    ParameterError
        Fewer than two checkpoints, or labels that do not increase.
    SignalError
        Wrong axes, unequal lengths, or values that are not finite.

    Notes
    -----
    The start, then start + 2^(k − 1) · batch labels for k = 1, 2, ... before the first of these at which
    random has more than 99 % of its accuracy at the end; that one no longer counts, nor does any after it.
    A last batch that was cut short does not count, nor as the end. All of this as in the authors' script.
    At the start strategies that share it are equal, so no entry of their matrix reaches 1.

    References
    ----------
    Ash et al. 2020, as for `penalties`; their code, scripts/agg_results.py, ``plot_matrix``.

    Examples
    --------
    >>> compared_checkpoints([20, 30, 40, 50, 60], [0.2, 0.5, 0.7, 0.8, 0.9]).tolist()
    [0, 1, 2]
    """
    counts, rows = checked_checkpoints(labels, np.atleast_2d(np.asarray(reference)))
    batch = counts[1] - counts[0]
    whole = np.flatnonzero(counts - counts[0] == np.arange(len(counts)) * batch)
    heights, last = rows[0], int(whole[-1])
    doubling = 2 ** np.arange(int(np.log2(last)) + 1)
    is_near = heights[doubling] > _REACHED * heights[last]
    left = int(np.argmax(is_near)) if is_near.any() else len(doubling)
    return np.concatenate([[0], doubling[:left]]).astype(np.int64)


def penalties(curves: ArrayLike) -> NDArray[np.float64]:
    """How often each strategy beats each other, over the checkpoints of one setting.

    Parameters
    ----------
    curves : array of float, axes (a, s, k)
        Accuracy of each strategy with each seed at each checkpoint that counts.

    Returns
    -------
    array of float64, axes (a, a)
        Entry (i, j): the share of checkpoints at which i beats j by a paired t test at 5 %. The sum of
        such matrices over settings is the penalty matrix; column means are penalties, lower is better.

    Raises
    ------
    ParameterError
        Fewer than two seeds.
    SignalError
        Wrong axes, no checkpoints, or values that are not finite.

    Notes
    -----
    Two-sided p < 0.05, without allowance for the many tests: a summary of many settings, no verdict on any.
    Time O(a²·s·k).

    Departs from the authors' script in that all seeds given count; it takes the first five runs.

    References
    ----------
    Ash, Zhang, Krishnamurthy, Langford, Agarwal. Deep batch active learning by diverse, uncertain gradient
    lower bounds. ICLR 2020. Section 4, "Pairwise comparisons".

    Examples
    --------
    The first is above the second by about 0.1 at one of two checkpoints:

    >>> better = [[0.5, 0.81], [0.5, 0.79], [0.5, 0.80]]
    >>> penalties([better, [[0.5, 0.7]] * 3]).tolist()
    [[0.0, 0.5], [0.0, 0.0]]
    """
    rows = checked(curves, "a s k", "curves").astype(np.float64)
    strategies, seeds, checkpoints = rows.shape
    gaps = rows[:, None] - rows[None]
    flat = np.moveaxis(gaps, 2, 0).reshape(seeds, -1)
    beats = (paired_t_p(flat) < _LEVEL) & (flat.mean(axis=0) > 0.0)
    return np.asarray(beats.reshape(strategies, strategies, checkpoints).mean(axis=2))


def error_ratios(curves: ArrayLike, reference: int) -> NDArray[np.float64]:
    """Each strategy's mean error as a multiple of random's, at each checkpoint.

    Parameters
    ----------
    curves : array of float, axes (a, s, k)
        Accuracy, from 0 to 1, of each strategy with each seed at each checkpoint that counts.
    reference : int
        The position of random among the strategies.

    Returns
    -------
    array of float64, axes (a, k)
        Below 1 where the strategy errs less than random; infinite where only random errs never.

    Notes
    -----
    Departs from the authors' script in that errors are means over seeds, as their paper says; the script
    takes those of the first run.

    Raises
    ------
    SignalError
        Wrong axes, no checkpoints, or values that are not finite.

    References
    ----------
    As for `penalties`: the distribution of these ratios over settings and checkpoints, each checkpoint
    weighted by one over their number in its setting.

    Examples
    --------
    >>> error_ratios([[[0.9]], [[0.8]]], 1).round(3).tolist()
    [[0.5], [1.0]]
    """
    errors = 1.0 - checked(curves, "a s k", "curves").astype(np.float64).mean(axis=1)
    base = np.broadcast_to(errors[reference], errors.shape)
    never = np.where(errors > 0.0, np.inf, 1.0)
    return np.asarray(np.divide(errors, base, out=never, where=base > 0.0))
