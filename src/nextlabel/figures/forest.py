"""A row for each strategy: what it gains on the baseline, with intervals, the largest gain first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from nextlabel.figures.canvas import INK, new_figure
from nextlabel.figures.curves import GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ForestRow", "forest"]

_LOOKS: Final[dict[int, dict[str, Any]]] = {
    1: {"color": "#0072B2", "marker": "^"},
    0: {"color": GREY, "marker": "o"},
    -1: {"color": "#D55E00", "marker": "v"},
}


@final
@dataclass(frozen=True)
class ForestRow:
    """One strategy; differences to the baseline, in points.

    Parameters
    ----------
    name : str
    gain : float
    own, joint : tuple of float
        Lower and upper end: of its interval alone, and of that which holds with all others together.
    sign : int
        1 where it is named better, −1 worse, 0 neither.
    """

    name: str
    gain: float
    own: tuple[float, float]
    joint: tuple[float, float]
    sign: int


def forest(
    rows: Sequence[ForestRow],
    *,
    baseline: str,
    title: str,
    rope: float | None = None,
    size: tuple[float, float] = (8.0, 7.0),
) -> "Figure":
    """Points with two intervals each, sorted by the gain.

    Parameters
    ----------
    rows : sequence of ForestRow
        In any order.
    baseline : str
        For the words at the axis.
    title : str
        Above the picture.
    rope : float, optional
        Half the width of the region of practical equivalence, in points: a grey band.
    size : tuple of float
        Width and height in inches.

    Returns
    -------
    matplotlib.figure.Figure
        Thick lines are `own`, thin ones `joint`.

    Raises
    ------
    MissingExtra
        Matplotlib is not installed.
    """
    with new_figure(*size) as figure:
        axes = figure.subplots()
        ordered = sorted(rows, key=lambda row: -row.gain)
        if rope:
            axes.axvspan(-rope, rope, color=GREY, alpha=0.18, linewidth=0.0)
        axes.axvline(0.0, color=GREY, linestyle="--", linewidth=1.6)
        for place, row in enumerate(ordered):
            _row(axes, place, row)
        axes.set_yticks(range(len(ordered)), [row.name for row in ordered])
        axes.set_ylim(len(ordered) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=INK, alpha=0.12, linewidth=0.8)
        axes.set_xlabel(f"gain on {baseline}, points")
        axes.set_title(title, loc="left", fontsize=13, fontweight="bold")
        return figure


def _row(axes: "Axes", place: int, row: ForestRow) -> None:
    look = _LOOKS[row.sign]
    axes.plot(row.joint, [place] * 2, color=look["color"], linewidth=1.1)
    axes.plot(row.own, [place] * 2, color=look["color"], linewidth=3.4, solid_capstyle="butt")
    axes.plot([row.gain], [place], markersize=6.5, linestyle="none", **look)
