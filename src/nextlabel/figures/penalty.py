"""The penalty matrix as a picture: how often each strategy beats each other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nextlabel.figures.canvas import INK, new_figure
from nextlabel.maths.axes import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["penalty_matrix"]

_GROUND = "#0072B2"
_STRONGEST = 0.5


def penalty_matrix(
    names: Sequence[str],
    matrix: Array,
    penalties: Array,
    *,
    most: float,
    title: str,
    size: tuple[float, float] = (8.0, 4.0),
) -> "Figure":
    """Numbers on grounds that are stronger for larger ones, and below them the column means.

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
        from matplotlib.patches import Rectangle

        axes = figure.subplots()
        shown = np.vstack([matrix, penalties])
        # grounds let the page through: pale by day and dark by night, as the figures on them want it
        print_size = min(11.0, 24.0 * (size[0] - 1.6) / len(names))
        for (i, j), value in np.ndenumerate(shown):
            if i != j:
                ground = Rectangle((j - 0.5, i - 0.5), 1.0, 1.0, facecolor=_GROUND, linewidth=0.0)
                ground.set_alpha(_STRONGEST * value / most)
                axes.add_patch(ground)
                axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=print_size)
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.set_ylim(len(names) + 0.5, -0.5)
        axes.axhline(len(names) - 0.5, color=INK, linewidth=1.5)
        axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names) + 1), [*names, "column mean"])
        axes.set_ylabel("this strategy beats …")
        axes.set_xlabel("… that one; in the last row, lower is better")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_title(title, loc="left", fontsize=13, fontweight="bold")
        return figure
