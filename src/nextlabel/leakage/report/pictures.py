"""The pictures of a report: what came back, how near, why not, how soon, and what a defence changes."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from nextlabel.core.disclosure import Array
from nextlabel.figures.canvas import INK, inline, new_figure, svg
from nextlabel.figures.curves import GREY, looks_of
from nextlabel.figures.page import Picture
from nextlabel.leakage.pixels import channel_axis
from nextlabel.leakage.report.report import Outcome, Report
from nextlabel.leakage.report.wording import error_words
from nextlabel.leakage.trials import Trial
from nextlabel.leakage.verdicts import (
    CLAIMED_WRONGLY,
    LABEL_ONLY,
    LIMITS,
    NOT_IDENTIFIABLE,
    NOT_SHOWN,
    OPTIMISER_FAILED,
)
from nextlabel.maths.intervals import binomial_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "defence_picture",
    "exhibit_picture",
    "residual_picture",
    "spectrum_picture",
    "success_picture",
    "time_picture",
]

_BROAD: Final = 8.0
_SLIM: Final = 4.4
_BLUE, _RED = "#0072B2", "#D55E00"
_FLOOR: Final = 1e-9  # errors below are drawn at it: the last digits of float32
_BY: Final = dict.fromkeys((LABEL_ONLY, NOT_SHOWN), ", and what is drawn came nearest, by")
_RAISED: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_DASHED: Final[dict[str, Any]] = {"color": GREY, "linestyle": "--", "linewidth": 1.4}


def exhibit_picture(report: Report) -> Picture | None:
    """The best, median and worst record above what came back of each; None where items are no images."""
    shown = report.exhibits
    if not shown or not report.setting.get("is_image"):
        return None
    low = float(report.setting["low"])
    high = low + float(report.setting["range"])
    words = "; ".join(
        f"{one.place}: record {one.position}, {one.verdict}"
        + (f"{_BY.get(one.verdict, ' by')} {one.attack.replace('_', ' ')}" if one.recovered else "")
        for one in shown
    )

    def draw(size: tuple[float, float]) -> "Figure":
        with new_figure(*size) as figure:
            grid = figure.subplots(2, len(shown), squeeze=False)
            for column, one in enumerate(shown):
                grid[0][column].set_title(f"{one.place}\n{one.verdict}", fontsize=11)
                _image(grid[0][column], one.original, one.shape, low, high)
                _image(grid[1][column], one.recovered, one.shape, low, high)
            grid[0][0].set_ylabel("record")
            grid[1][0].set_ylabel("came back")
            return figure

    return _drawn(
        draw,
        "exhibits",
        4.6,
        f"Records above, what came back below. {words}. Values outside the range are cut for drawing only.",
    )


def success_picture(report: Report) -> Picture | None:
    """Which share of the records came back with an error below each threshold."""
    is_text = bool(report.setting.get("is_text"))
    errors = np.array([_error(one.score) for one in report.standings])
    guesses = np.array([_error(one.baseline) for one in report.standings])
    if not len(errors) or not np.isfinite(errors).any():
        return None
    what = error_words(report)
    limit = 0.0 if is_text else LIMITS.exact
    below = int((errors < limit).sum()) if not is_text else int((errors == 0).sum())
    caption = (
        f"How many records came back with a {what} of at most the value below: {below} of {len(errors)} "
        f"{'without a wrong token' if is_text else 'below 0.001, as EXACT needs'}. The band is the "
        "exact 95 % interval at each value; grey is the guess without the message."
    )

    def draw(size: tuple[float, float]) -> "Figure":
        with new_figure(*size) as figure:
            axes = figure.subplots()
            at = np.linspace(0.0, 1.0, 201) if is_text else np.geomspace(_FLOOR, 10.0, 241)
            held = [int((np.maximum(errors, 0.0 if is_text else _FLOOR) <= value).sum()) for value in at]
            ends = [binomial_interval(count, len(errors)) for count in held]
            axes.fill_between(
                at,
                [100 * end.low for end in ends],
                [100 * end.high for end in ends],
                color=_BLUE,
                alpha=0.16,
                linewidth=0.0,
            )
            share = 100 * np.array(held) / len(errors)
            axes.plot(at, share, color=_BLUE, linewidth=2.0, label="attacks")
            known = guesses[np.isfinite(guesses)]
            if len(known):
                by_guess = [100 * float((known <= value).mean()) for value in at]
                axes.plot(at, by_guess, label="guess", **_DASHED)
            if not is_text:
                _log(axes, "x")
                axes.axvline(limit, color=INK, linestyle=":", linewidth=1.2)
            axes.set_xlabel(what)
            axes.set_ylabel("records, %")
            axes.set_ylim(-3.0, 103.0)
            axes.legend(frameon=False, loc="best")
            _grid(axes)
            return figure

    return _drawn(draw, "success", 4.2, caption)


def residual_picture(report: Report) -> Picture | None:
    """The error of each attempt over what it leaves of the message: silent failures stand out."""
    dots = [one for one in report.outcomes if one.residual is not None and one.error is not None]
    if not dots:
        return None
    failed = sum(one.why == OPTIMISER_FAILED for one in dots)
    unseen = sum(one.why == NOT_IDENTIFIABLE for one in dots)
    wrong = sum(one.why == CLAIMED_WRONGLY for one in dots)
    caption = (
        "Each dot is an attack on a message, by the share of the whole that it says it left. Lower left: the "
        "record came back. Above, it did not: where another record explains every part of the message as "
        f"well, it is not identifiable ({unseen}); where a part is left, however small its share, the "
        f"optimiser failed ({failed}) or the attack claims what is wrong ({wrong})."
    )

    def draw(size: tuple[float, float]) -> "Figure":
        with new_figure(*size) as figure:
            axes = figure.subplots()
            names = list(dict.fromkeys(one.attack for one in dots))
            looks = looks_of([*names, ""], "")
            for name in names:
                own = [one for one in dots if one.attack == name]
                axes.plot(
                    [_clipped(one.residual) for one in own],
                    [_clipped(one.error) for one in own],
                    linestyle="none",
                    markersize=6.0,
                    alpha=0.75,
                    label=name.replace("_", " "),
                    **{key: value for key, value in looks[name].items() if key != "linestyle"},
                )
            _log(axes, "x")
            _log(axes, "y")
            axes.set_xlim(_FLOOR / 2, 20.0)
            axes.set_ylim(_FLOOR / 2, 20.0)
            axes.axvline(LIMITS.residual, **_DASHED)
            axes.axhline(LIMITS.exact, **_DASHED)
            axes.set_xlabel("share of the message left unexplained")
            axes.set_ylabel(error_words(report))
            _legend_below(figure, axes, len(names))
            _grid(axes)
            return figure

    return _drawn(draw, "residual", 4.4, caption)


def spectrum_picture(report: Report) -> Picture | None:
    """The singular values that an attack looked at, with the gap at which it read off the rank."""
    found = [one for one in report.outcomes if len(one.singular_values) > 1]
    if not found:
        return None
    one = max(found, key=lambda outcome: (outcome.rank or 0) > 1)
    values = np.array(one.singular_values)
    rank = one.rank
    batch = report.setting["batch"]
    gap = ""
    if rank is not None and 0 < rank < len(values):
        ratio = values[rank - 1] / max(values[rank], np.finfo(np.float64).tiny)
        gap = f" The rank read off is {rank}, at a gap of a factor {ratio:.3g}."
    caption = (
        f"Singular values of the gradient that {one.attack.replace('_', ' ')} looked at, message "
        f"{one.message}, a batch of {batch}.{gap} As many large values as records is what lets records be "
        "told apart."
    )

    def draw(size: tuple[float, float]) -> "Figure":
        with new_figure(*size) as figure:
            axes = figure.subplots()
            places = np.arange(1, len(values) + 1)
            least = values.max() * 1e-12
            axes.plot(places, np.maximum(values, least), marker="o", markersize=4.5, color=_BLUE)
            if rank is not None and 0 < rank < len(values):
                axes.axvline(rank + 0.5, **_DASHED)
                axes.annotate(
                    f"rank {rank}",
                    (rank + 0.5, values.max()),
                    xytext=(6, -2),
                    textcoords="offset points",
                    va="top",
                )
            _log(axes, "y")
            axes.set_xlabel("number")
            axes.set_ylabel("singular value")
            axes.set_xticks(places if len(places) <= 12 else places[:: len(places) // 8])
            _grid(axes)
            return figure

    return _drawn(draw, "spectrum", 3.8, caption)


def time_picture(report: Report) -> Picture | None:
    """How long each attempt took, and whether it showed anything."""
    rows = list(dict.fromkeys(one.attack for one in report.outcomes))
    if not rows:
        return None
    leaks = [one for one in report.outcomes if set(one.verdicts) != {NOT_SHOWN}]
    soonest = min((one.seconds for one in leaks), default=None)
    caption = (
        "Seconds of each attack on each message: filled where a record was shown, hollow where none was."
    )
    if soonest is not None:
        caption += f" The soonest leak took {soonest:.2g} seconds."

    def draw(size: tuple[float, float]) -> "Figure":
        with new_figure(*size) as figure:
            axes = figure.subplots()
            for place, name in enumerate(rows):
                own = [one for one in report.outcomes if one.attack == name]
                _dots(axes, place, [one for one in own if set(one.verdicts) != {NOT_SHOWN}], is_leak=True)
                _dots(axes, place, [one for one in own if set(one.verdicts) == {NOT_SHOWN}], is_leak=False)
            _log(axes, "x")
            axes.set_yticks(range(len(rows)), [name.replace("_", " ") for name in rows])
            axes.set_ylim(len(rows) - 0.4, -0.6)
            axes.set_xlabel("seconds")
            axes.grid(axis="x", color=INK, alpha=0.12, linewidth=0.8)
            return figure

    return _drawn(draw, "time", 1.3 + 0.4 * len(rows), caption)


def defence_picture(trials: Sequence[Trial]) -> Picture | None:
    """How many records come back under each defence, and the accuracy of models trained with it."""
    if not trials:
        return None
    has_accuracy = any(one.accuracies for one in trials)
    ended = [one.words for one in trials if one.leaked == 0 and not one.left_open()]
    cut = [one.words for one in trials if one.left_open()]
    caption = (
        "Above: the share of records that came back exactly or so that they can be recognised, with exact "
        "95 % intervals. "
        + (f"Nothing came back under: {'; '.join(ended)}. " if ended else "")
        + (f"Cut short, so that more may come back, under: {'; '.join(cut)}. " if cut else "")
        + ("" if ended or cut else "Something came back under all. ")
        + (
            "Below: the accuracy of models trained on messages so defended, a dot for each seed."
            * has_accuracy
        )
    ).strip()

    def draw(size: tuple[float, float]) -> "Figure":
        with new_figure(*size) as figure:
            panels = figure.subplots(2 if has_accuracy else 1, 1, sharex=True, squeeze=False)[:, 0]
            for place, one in enumerate(trials):
                end = binomial_interval(one.leaked, one.records)
                share = 100 * one.leaked / one.records
                colour = GREY if one.leaked == 0 else _RED
                panels[0].plot([place] * 2, [100 * end.low, 100 * end.high], color=colour, linewidth=2.4)
                panels[0].plot([place], [share], marker="o", color=colour, markersize=7.0)
                if has_accuracy and one.accuracies:
                    dots = [100 * value for value in one.accuracies]
                    panels[1].plot([place] * len(dots), dots, "o", color=_BLUE, alpha=0.4, markersize=4.0)
                    panels[1].plot([place], [float(np.mean(dots))], marker="_", color=_BLUE, markersize=16)
            panels[0].set_ylabel("records, %")
            panels[0].set_ylim(-4.0, 104.0)
            if has_accuracy:
                panels[1].set_ylabel("accuracy, %")
            for axes in panels:
                _grid(axes)
            panels[-1].set_xticks(
                range(len(trials)), [one.words for one in trials], rotation=40, ha="right", fontsize=9
            )
            return figure

    return _drawn(draw, "defences", 6.4 if has_accuracy else 4.4, caption)


def _image(axes: "Axes", values: Sequence[float], shape: Sequence[int], low: float, high: float) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(True)
        side.set_linewidth(0.8)
    if not values:
        axes.text(0.5, 0.5, "nothing", ha="center", va="center", transform=axes.transAxes)
        axes.set_box_aspect(1.0)
        return
    pixels = _pixels(np.array(values).reshape(tuple(shape)))
    scaled = np.clip((np.nan_to_num(pixels) - low) / (high - low), 0.0, 1.0)
    axes.imshow(scaled, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")


def _pixels(item: Array) -> Array:
    """An image as matplotlib takes it: axes (h, w), or (h, w, 3)."""
    if item.ndim == 2:
        return item
    if channel_axis(item.shape) == 0:
        item = np.moveaxis(item, 0, 2)
    return item[:, :, :3] if item.shape[2] >= 3 else item[:, :, 0]


def _dots(axes: "Axes", place: int, own: Sequence[Outcome], *, is_leak: bool) -> None:
    # side by side: equal times would hide one another
    spread = np.linspace(-0.18, 0.18, len(own)) if len(own) > 1 else np.zeros(len(own))
    colour = _RED if is_leak else GREY
    axes.plot(
        [max(one.seconds, 1e-4) for one in own],
        place + spread,
        linestyle="none",
        marker="o",
        markersize=5.5,
        markerfacecolor=colour if is_leak else "none",
        markeredgecolor=colour,
    )


def _drawn(
    draw: Callable[[tuple[float, float]], "Figure"], name: str, height: float, caption: str
) -> Picture:
    broad = inline(svg(draw((_BROAD, height))), alt=caption, mark=f"{name}-broad-")
    slim = inline(svg(draw((_SLIM, max(3.2, 0.8 * height)))), alt=caption, mark=f"{name}-slim-")
    return Picture(broad=broad, slim=slim, caption=caption)


def _legend_below(figure: "Figure", axes: "Axes", count: int) -> None:
    if count:
        columns = 3 if figure.get_figwidth() > 6 else 1
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.0, -0.16), ncols=columns)


def _log(axes: "Axes", axis: Literal["x", "y"]) -> None:
    (axes.set_xscale if axis == "x" else axes.set_yscale)("log")
    from matplotlib.ticker import FuncFormatter, NullLocator

    ticks = axes.xaxis if axis == "x" else axes.yaxis
    ticks.set_minor_locator(NullLocator())  # labels between powers of ten crowd
    ticks.set_major_formatter(FuncFormatter(_power))  # formulas are half of the time of drawing


def _power(value: float, place: int | None = None) -> str:
    """A power of ten in characters, which read as they look."""
    return "10" + str(round(math.log10(value))).translate(_RAISED)


def _grid(axes: "Axes") -> None:
    axes.grid(axis="y", color=INK, alpha=0.12, linewidth=0.8)


def _clipped(value: float | None) -> float:
    return float(np.clip(_FLOOR if value is None else value, _FLOOR, 10.0))


def _error(score: Any) -> float:
    if score is None:
        return float("inf")
    if score.tokens is not None:
        return float(1.0 - score.tokens)
    return float("inf") if score.relative is None else float(score.relative)
