"""The distribution of errors beside the baseline's, as BADGE's authors draw it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from nextlabel.figures.canvas import INK, new_figure
from nextlabel.figures.curves import looks_of
from nextlabel.maths.axes import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["error_distribution"]


def error_distribution(
    ratios: Mapping[str, Array],
    weights: Array,
    *,
    baseline: str,
    title: str,
    size: tuple[float, float] = (7.0, 4.5),
) -> "Figure":
    """A staircase for each strategy: how often its error is at most so many times the baseline's.

    Parameters
    ----------
    ratios : mapping of str to array of float, axes (r,)
        Error over the baseline's error; may be infinite.
    weights : array of float, axes (r,)
        Of each ratio; they sum to 1.
    baseline : str
        One of the names, drawn in grey: a step at 1.
    title : str
        Above the picture.
    size : tuple of float
        Width and height in inches.

    Returns
    -------
    matplotlib.figure.Figure
        The further left and up a staircase, the better its strategy.

    Raises
    ------
    MissingExtra
        Matplotlib is not installed.
    """
    with new_figure(*size) as figure:
        axes = figure.subplots()
        looks = looks_of(list(ratios), baseline)
        finite = [one for values in ratios.values() for one in np.asarray(values) if np.isfinite(one)]
        low, high = min([*finite, 1.0]), max([*finite, 1.0])
        margin = 0.05 * (high - low) + 0.01
        for name, values in ratios.items():
            order = np.argsort(values)
            steps = np.asarray(values)[order]
            reached = np.cumsum(np.asarray(weights)[order])[np.isfinite(steps)]
            line = {key: value for key, value in looks[name].items() if key != "marker"}
            axes.step(
                [low - margin, *steps[np.isfinite(steps)], high + margin],
                [0.0, *reached, max([0.0, *reached])],
                where="post",
                linewidth=1.9,
                label=name,
                **line,
            )
        axes.set_xlim(low - margin, high + margin)
        axes.set_ylim(0.0, 1.03)
        axes.set_xlabel(f"error as a multiple of {baseline}'s")
        axes.set_ylabel("share of checkpoints")
        axes.set_title(title, loc="left", fontsize=13, fontweight="bold")
        axes.grid(axis="y", color=INK, alpha=0.12, linewidth=0.8)
        axes.legend(frameon=False, loc="best")
        return figure
