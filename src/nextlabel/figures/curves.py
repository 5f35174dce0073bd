"""Learning curves with bands, and below them what each strategy gains on the baseline."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nextlabel.figures.canvas import INK, new_figure
from nextlabel.maths.axes import Array
from nextlabel.maths.intervals import student_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["GREY", "learning_curves", "looks_of"]

# Okabe and Ito's palette, which colour-blind readers can tell apart, and two of Tol's; markers differ too.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#999933")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
_CORNER = 5  # curves: of more the legend would lie on them
_LABEL = 24  # letters of a label beside the lower panel: of more it would be cut
_NARROW = 6.0  # inches: below, a picture for a phone
GREY = "#808080"


def learning_curves(
    labels: Array,
    curves: Mapping[str, Array],
    *,
    baseline: str,
    title: str,
    size: tuple[float, float] = (8.0, 7.0),
    ceiling: float | None = None,
) -> "Figure":
    """Two panels over labels: accuracy of each strategy, and its gain on the baseline.

    Parameters
    ----------
    labels : array of int, axes (k,)
        Labelled items at each checkpoint.
    curves : mapping of str to array of float, axes (s, k)
        Accuracy between 0 and 1 of each seed, the same seeds in each array; at least two.
    baseline : str
        One of the names, drawn in grey.
    title : str
        Above the picture.
    size : tuple of float
        Width and height in inches; text is as large in a small picture as in a large one.
    ceiling : float, optional
        Mean accuracy, between 0 and 1, of the learner on all labels of the pool: a dotted line.

    Returns
    -------
    matplotlib.figure.Figure
        Lines are means over seeds, bands 95 % intervals of the mean by Student's t; in the lower panel,
        of differences paired by seed.

    Raises
    ------
    MissingExtra
        Matplotlib is not installed.
    ParameterError
        Fewer than two seeds.

    References
    ----------
    Okabe, Ito. Color universal design. 2008: six of the colours. Tol. Colour schemes. SRON technical note
    09-002, 2021: the two that follow.
    """
    with new_figure(*size) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 1.0])
        looks = looks_of(list(curves), baseline)
        for name, values in curves.items():  # the first name is drawn on top
            _band(upper, labels, 100.0 * values, looks[name], label=name)
            if name != baseline:
                _band(lower, labels, 100.0 * (values - curves[baseline]), looks[name])
        lower.axhline(0.0, color=GREY, linestyle="--", linewidth=1.6)
        if ceiling is not None:
            upper.axhline(100.0 * ceiling, color=INK, linestyle=":", linewidth=1.4, label="all labels")
        seeds = len(curves[baseline])
        upper.set_title(title, loc="left", fontsize=13, fontweight="bold")
        upper.set_ylabel("test accuracy, %")
        low, high = upper.get_ylim()
        upper.set_ylim(max(low, 0.0), min(high, 102.0))  # an interval over few seeds may leave 0 to 100 %
        lower.set_ylabel(fill(f"gain on {baseline}, points", _LABEL))
        lower.set_xlabel("labelled items")
        where: dict[str, Any] = {"loc": "lower right"}
        is_narrow = size[0] < _NARROW
        if is_narrow or len(curves) > _CORNER:  # between the two pictures: there is no corner free of curves
            where = {"loc": "upper left", "bbox_to_anchor": (0.0, -0.02), "borderaxespad": 0.0}
            where["ncols"] = 2 if is_narrow else 3
        upper.legend(frameon=False, title=f"mean of {seeds} seeds, band 95 %", alignment="left", **where)
        lower.set_xlim(float(labels[0]), float(labels[-1]) * 1.01)  # the last marker is whole
        for axes in (upper, lower):
            axes.grid(axis="y", color=INK, alpha=0.12, linewidth=0.8)
        return figure


def looks_of(names: Sequence[str], baseline: str) -> dict[str, dict[str, Any]]:
    """Colour, line and marker of each strategy, the same in every picture of a report.

    Parameters
    ----------
    names : sequence of str
        In the order of the experiment; nine and more differ in the pair of colour and marker.
    baseline : str
        Drawn in grey.
    """
    others = [name for name in names if name != baseline]
    looks: dict[str, dict[str, Any]] = {
        name: {
            "color": _COLOURS[i % len(_COLOURS)],
            "marker": _MARKERS[(i + i // len(_COLOURS)) % len(_MARKERS)],
            "zorder": 3.0 - i / len(others),
        }
        for i, name in enumerate(others)
    }
    looks[baseline] = {"color": GREY, "linestyle": "--"}
    return looks


def _band(
    axes: "Axes", labels: Array, values: NDArray[np.float64], look: Mapping[str, Any], label: str = ""
) -> None:
    ends = [student_interval(column) for column in values.T]
    axes.plot(labels, values.mean(axis=0), linewidth=1.9, markersize=4.5, label=label, **look)
    axes.fill_between(
        labels, [e.low for e in ends], [e.high for e in ends], color=look["color"], alpha=0.16, linewidth=0.0
    )
