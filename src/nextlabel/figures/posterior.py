"""Probabilities of better, practically equal and worse as bars of one length."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nextlabel.figures.canvas import new_figure
from nextlabel.maths.axes import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["posterior_bars"]

_PARTS = (
    ("better", "#0072B2", "#ffffff"),
    ("practically equal", "#b0b7c0", "#000000"),
    ("worse", "#E69F00", "#000000"),
)


def posterior_bars(
    lead: str,
    others: Sequence[str],
    probabilities: Array,
    *,
    title: str,
    size: tuple[float, float] = (7.0, 3.2),
) -> "Figure":
    """A bar for each other strategy, in three parts.

    Parameters
    ----------
    lead : str
        The strategy that the parts speak of.
    others : sequence of str
        What it is compared with.
    probabilities : array of float, axes (a, 3)
        That the lead is better, practically equal, worse; rows sum to 1.
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
        table = np.asarray(probabilities)
        left = np.zeros(len(table))
        for (word, ground, ink), shares in zip(_PARTS, table.T, strict=True):
            axes.barh(range(len(table)), shares, left=left, color=ground, label=word)
            for row, share in enumerate(shares):
                if share >= 0.08:  # narrower parts have no room for figures
                    axes.text(left[row] + share / 2, row, f"{share:.2f}", ha="center", va="center", color=ink)
            left = left + shares
        axes.set_yticks(range(len(table)), [f"against {name}" for name in others])
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.set_xlim(0.0, 1.0)
        axes.set_xlabel(f"probability that {lead} is …")
        axes.set_title(title, loc="left", fontsize=13, fontweight="bold")
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
        return figure
