"""Mean ranks on a line, with bars over those that cannot be told apart."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nextlabel.figures.canvas import INK, new_figure
from nextlabel.maths.axes import Array
from nextlabel.maths.ranks import alike_groups

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["critical_difference_diagram"]


def critical_difference_diagram(
    names: Sequence[str],
    ranks: Array,
    difference: float,
    *,
    title: str,
    size: tuple[float, float] = (7.0, 3.6),
) -> "Figure":
    """A row for each strategy at its mean rank; a bar spans ranks closer than the critical difference.

    Parameters
    ----------
    names : sequence of str
        The best first.
    ranks : array of float, axes (a,)
        Mean ranks, in the order of the names.
    difference : float
        Nemenyi's, in ranks.
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

    References
    ----------
    Demšar. Statistical comparisons of classifiers over multiple data sets. Journal of Machine Learning
    Research 7, 2006: the diagram, here with a row for each name so that none cover one another.
    """
    with new_figure(*size) as figure:
        axes = figure.subplots()
        rows = range(len(names))
        axes.plot(ranks, rows, "o", color="#0072B2", markersize=7)
        groups = alike_groups(ranks, difference)
        for number, group in enumerate(groups):
            ends = [float(ranks[group[0]]), float(ranks[group[-1]])]
            axes.plot(ends, [len(names) + 0.6 * number] * 2, color=INK, linewidth=4, alpha=0.7)
        for row, (name, rank) in enumerate(zip(names, ranks, strict=True)):
            axes.annotate(
                f"{name} {rank:.2f}",
                (float(rank), row),
                xytext=(9, 0),
                textcoords="offset points",
                va="center",
            )
        axes.set_xlim(1.0, max(2.0, float(len(names)) + 0.6))
        axes.set_ylim(len(names) + 0.6 * len(groups) + 0.3, -0.7)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"mean rank, 1 is best; bars: closer than the critical difference {difference:.2f}")
        axes.set_title(title, loc="left", fontsize=13, fontweight="bold")
        return figure
