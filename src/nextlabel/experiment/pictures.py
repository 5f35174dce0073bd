"""The pictures of a report: each drawn twice for the page, broad and for phones, and kept as files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from nextlabel.experiment.across import Posterior, Ranks
from nextlabel.experiment.many import are_many, forest_rows, outstanding
from nextlabel.experiment.penalty import Penalties, median_ratio
from nextlabel.experiment.study import Study
from nextlabel.experiment.wording import width
from nextlabel.figures.canvas import inline, png, svg
from nextlabel.figures.curves import learning_curves
from nextlabel.figures.errors import error_distribution
from nextlabel.figures.forest import forest
from nextlabel.figures.page import Picture
from nextlabel.figures.penalty import penalty_matrix
from nextlabel.figures.posterior import posterior_bars
from nextlabel.figures.ranks import critical_difference_diagram

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Drawn", "curves", "errors", "gained", "matrix", "posterior", "rank_line"]

_PHONE = 4.4
_WIDTH = 8.0  # of all pictures, so that their type is of one size on the page


@final
@dataclass(frozen=True)
class Drawn:
    """A picture for the page, and the files of it.

    Parameters
    ----------
    name : str
        Of the files, without ending.
    picture : Picture
    svg : str
    png : bytes
    """

    name: str
    picture: Picture
    svg: str
    png: bytes

    def files(self) -> dict[str, bytes]:
        """What each file holds."""
        return {f"{self.name}.svg": self.svg.encode(), f"{self.name}.png": self.png}


def curves(one: Study, name: str) -> Drawn:
    """Learning curves of a setting, and what each strategy gains; of many strategies a few."""
    results = one.results
    is_cut = are_many(results.strategies)
    shown = outstanding(one) if is_cut else results.strategies
    ends = "; ".join(
        f"{row.strategy} {100 * row.final_mean:.1f} %" for row in one.rows if row.strategy in shown
    )
    chosen = (
        f" Of {len(results.strategies)} strategies are drawn {one.lead}, {one.baseline}, and those of the "
        "two largest and the two smallest areas."
        if is_cut
        else ""
    )
    return _drawn(
        lambda size: learning_curves(
            results.labels,
            {strategy: results.accuracy(strategy) for strategy in shown},
            baseline=one.baseline,
            title=f"{one.name}: accuracy over labels",
            size=size,
            ceiling=one.ceiling_mean,
        ),
        name,
        (_WIDTH, 7.0),
        6.2,
        alt=f"Learning curves up to {one.budget} labels. Mean final test accuracy: {ends}.",
        caption=(
            f"Test accuracy over labelled items, and below it the gain on {one.baseline} with the same seed. "
            f"Lines: means over {one.seeds} seeds. Bands: 95 % intervals of the mean, Student's t, each "
            f"checkpoint by itself.{chosen}"
        ),
    )


def gained(one: Study, name: str) -> Drawn:
    """What each of many strategies gains on the baseline in area, with intervals."""
    rows = forest_rows(one)
    said = "; ".join(f"{row.name} {row.gain:+.1f}".replace("-", "−") for row in rows)
    height = 1.4 + 0.27 * len(rows)
    within = f" Grey band: within {width(one.rope)} of {one.baseline}." if one.rope else ""
    return _drawn(
        lambda size: forest(
            rows,
            baseline=one.baseline,
            title=f"{one.name}: gain in area",
            rope=100 * one.rope if one.rope else None,
            size=size,
        ),
        name,
        (_WIDTH, height),
        height,
        alt=f"Gain in AUBC on {one.baseline}, in points: {said}.",
        caption=(
            f"Mean difference of the area under the budget curve to {one.baseline}, paired by seed, "
            f"{one.seeds} seeds. Thick: the 95 % interval of the row alone; thin: of all rows together. "
            f"Triangles up: better; down: worse (Holm's procedure); discs: neither.{within}"
        ),
    )


def matrix(found: Penalties) -> Drawn:
    """The penalty matrix."""
    means = "; ".join(
        f"{name} {value:.2f}" for name, value in zip(found.strategies, found.penalties, strict=True)
    )
    height = 2.0 + 0.45 * len(found.strategies)
    return _drawn(
        lambda size: penalty_matrix(
            found.strategies,
            np.array(found.matrix),
            np.array(found.penalties),
            most=float(found.settings),
            title="Who beats whom how often",
            size=size,
        ),
        "penalty",
        (_WIDTH, height),
        height,
        alt=(
            f"Penalty matrix over {found.settings} setting{'s' if found.settings > 1 else ''}. "
            f"Column means, lower is better: {means}."
        ),
        caption="How often the row's strategy beats the column's; below, the column means.",
    )


def errors(found: Penalties, baseline: str) -> Drawn:
    """The distribution of errors beside the baseline's."""
    medians = "; ".join(f"{name} {median_ratio(found, name):.2f}" for name in found.ratios)
    return _drawn(
        lambda size: error_distribution(
            {name: np.array(values) for name, values in found.ratios.items()},
            np.array(found.weights),
            baseline=baseline,
            title=f"Errors beside {baseline}'s",
            size=size,
        ),
        "errors",
        (_WIDTH, 4.5),
        4.4,
        alt=f"Distribution of the error as a multiple of {baseline}'s. Medians: {medians}.",
        caption=(
            f"Share of checkpoints where the mean error is at most so many times {baseline}'s, weighted as "
            "in the matrix. Further left and up is better."
        ),
    )


def rank_line(ranks: Ranks) -> Drawn | None:
    """Mean ranks with the critical difference, where it may be given."""
    difference = ranks.difference
    if difference is None:
        return None
    said = "; ".join(f"{name} {rank:.2f}" for name, rank in zip(ranks.strategies, ranks.ranks, strict=True))
    return _drawn(
        lambda size: critical_difference_diagram(
            ranks.strategies,
            np.array(ranks.ranks),
            difference,
            title=f"Mean ranks over {ranks.sets} data sets",
            size=size,
        ),
        "ranks",
        (_WIDTH, 2.0 + 0.35 * len(ranks.strategies)),
        2.0 + 0.35 * len(ranks.strategies),
        alt=f"Mean ranks: {said}. Critical difference {difference:.2f}.",
        caption="Strategies under one bar are not distinguishable (Nemenyi's test, 5 %).",
    )


def posterior(found: Sequence[Posterior]) -> Drawn | None:
    """Probabilities that the lead is better, practically equal or worse."""
    if not found:
        return None
    lead = found[0].strategy
    said = "; ".join(
        f"against {one.other}: better {one.better:.2f}, equal {one.equal:.2f}, worse {one.worse:.2f}"
        for one in found
    )
    height = 1.8 + 0.45 * len(found)
    return _drawn(
        lambda size: posterior_bars(
            lead,
            [one.other for one in found],
            np.array([(one.better, one.equal, one.worse) for one in found]),
            title=f"{lead} on the next data set",
            size=size,
        ),
        "posterior",
        (_WIDTH, height),
        height,
        alt=f"Probabilities of {lead} {said}.",
        caption=f"Bayesian signed rank over {found[0].sets} data sets.",
    )


def _drawn(
    draw: "Callable[[tuple[float, float]], Figure]",
    name: str,
    size: tuple[float, float],
    phone_height: float,
    *,
    alt: str,
    caption: str,
) -> Drawn:
    broad = draw(size)
    drawing = svg(broad)
    slim = svg(draw((_PHONE, phone_height)))
    picture = Picture(
        inline(drawing, alt=alt, mark=f"{name}-"), inline(slim, alt=alt, mark=f"{name}-phone-"), caption
    )
    return Drawn(name, picture, drawing, png(broad))
