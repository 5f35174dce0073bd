"""The penalty matrix as a picture: how often each strategy beats each other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nextlabel.figures.canvas import INK, new_figure
from nextlabel.maths.axes import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["penalty_matrix"]


def penalty_matrix(
    names: Sequence[str],
    matrix: Array,
    penalties: Array,
    *,
    most: float,
    title: str,
    size: tuple[float, float] = (7.0, 6.0),
) -> "Figure":
    """A square of numbers with darker grounds for larger ones, and below it the column means.

    Parameters
    ----------
    names : sequence of str
        Of rows and columns.
    matrix : array of float, axes (a, a)
        Entry (i, j): how often i beats j.
    penalties : array of float, axes (a,)
        Column means.
    most : float
        The largest entry there can be: the number of settings.
    title : str
        Above the picture.
    size : tuple of float
        Width and height in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingExtra
        Matplotlib is not installed.
    """
    with new_figure(*size) as figure:
        axes = figure.subplots()
        shown = np.vstack([matrix, penalties])
        axes.imshow(shown, cmap="Blues", vmin=0.0, vmax=1.6 * most)  # pale enough for dark figures on it
        for (i, j), value in np.ndenumerate(shown):
            if i != j:
                axes.text(j, i, f"{value:.2f}", ha="center", va="center", color="#000000")
        axes.axhline(len(names) - 0.5, color=INK, linewidth=1.5)
        axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names) + 1), [*names, "column mean"])
        axes.set_ylabel("this strategy beats …")
        axes.set_xlabel("… that one; in the last row, lower is better")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_title(title, loc="left", fontsize=13, fontweight="bold")
        return figure
