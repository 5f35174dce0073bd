"""What an experiment leaves on disk: a page, pictures, every curve and every queried id."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nextlabel.core.dataset import Dataset
from nextlabel.experiment import files
from nextlabel.experiment.cells import versions
from nextlabel.experiment.comparison import Claim, Row
from nextlabel.experiment.curves import Results
from nextlabel.experiment.many import are_many
from nextlabel.experiment.overview import overview
from nextlabel.experiment.pictures import curves, errors, gained, matrix, posterior, rank_line
from nextlabel.experiment.sections import all_sections, lead_sentence
from nextlabel.experiment.wording import at_most, facts, points, span
from nextlabel.figures.canvas import inline, png, svg
from nextlabel.figures.curves import learning_curves
from nextlabel.figures.page import Strip, Table, long_page, page
from nextlabel.figures.strips import strip
from nextlabel.maths.intervals import Interval

__all__ = ["HEADER", "NOTES", "cells", "prepare", "write", "write_report"]

HEADER = (
    "strategy",
    "AUBC\n(sd)",
    "gain on {baseline}\n(95 %)",
    "final\naccuracy",
    "labels to\n{baseline}'s end",
    "seconds\na batch",
    "seeds",
)

NOTES = (
    "AUBC: the area under the budget curve, the mean test accuracy over the budget, in %; sd over seeds.",
    "Gain: the mean difference of AUBC to {baseline}, paired by seed, in points, with Student's t interval.",
    "Labels to {baseline}'s end: where the mean curve first reaches {baseline}'s mean final accuracy; "
    "“> {budget}” where it never does.",
    "Seconds a batch: CPU seconds to compute the signals that a strategy needs and to pick, median.",
)

_BESIDE = ("results.json", "curves.svg", "curves.png", "curves.csv")
_PHONE = (4.4, 6.2)
_STRIP_LENGTH = 20


def prepare(folder: Path) -> list[Path]:
    """As `nextlabel.experiment.files.prepare`, for the files of `write`."""
    return files.prepare(folder, _BESIDE)


def cells(row: Row, budget: int, interval: Interval | None = None) -> list[str]:
    """A row of the table as text, in the order of `HEADER`.

    Parameters
    ----------
    row : Row
    budget : int
    interval : Interval, optional
        Of the gain; the row's own where it is left out.
    """
    is_baseline = row.area_interval == Interval(0.0, 0.0)
    gain = f"{points(row.area_gain)} ({span(interval or row.area_interval)})"
    needed = at_most(row.labels_to_final, budget)
    return [
        row.strategy,
        f"{100 * row.area_mean:.1f} ({100 * row.area_sd:.1f})",
        "–" if is_baseline else gain,
        f"{100 * row.final_mean:.1f} %",
        needed,
        f"{row.selection_seconds:.2g}",
        f"{row.seeds}",
    ]


def write(
    folder: Path,
    results: Results,
    claim: Claim,
    rows: Sequence[Row],
    dataset: Dataset,
    *,
    title: str,
    command: str,
    seconds: float,
    caveats: Sequence[str] = (),
) -> list[Path]:
    """Write page, pictures, results.json and curves.csv: each whole or not at all, the page last.

    Everything is written aside first, so that a full disk leaves the files of an earlier run as they were.

    Parameters
    ----------
    folder : Path
        Made where it is missing; files of an earlier run are replaced.
    results : Results
    claim : Claim
        Comes first on the page.
    rows : sequence of Row
    dataset : Dataset
        Where the pictures of what was asked come from, when its items are grey images.
    title : str
        Of the page.
    command : str
        Does it again.
    seconds : float
        How long the experiment took, by the clock.
    caveats : sequence of str
        What else a reader must know, beside what holds for every experiment.

    Returns
    -------
    list of Path
        What was written, the page first.

    Raises
    ------
    ParameterError
        The folder cannot be made or written, or another folder stands where a file will be.
    ExperimentError
        A file cannot be written: the disk is full, for example.
    MissingExtra
        Matplotlib is not installed.
    """
    prepare(folder)
    protocol = {
        **results.protocol,
        "versions": versions(results.protocol["learner"]),
        "command": command,
        "seconds": round(seconds, 1),
    }
    draw = partial(
        learning_curves,
        results.labels,
        {name: results.accuracy(name) for name in results.strategies},
        baseline=claim.baseline,
        title=f"{dataset.name.capitalize()}: accuracy over labels",
    )
    figure = draw()
    drawing = svg(figure)
    alt = _alt(claim, rows)
    made: dict[str, bytes] = {
        "curves.csv": files.as_csv(["strategy", "seed", "labels", "accuracy"], results.rows()),
        "curves.png": png(figure),
        "curves.svg": drawing.encode(),
        "results.json": files.as_json(
            {"sentence": claim.sentence(), **results.to_dict(), "protocol": protocol}
        ),
        files.PAGE: page(
            title=title,
            lead=claim.sentence(),
            picture=inline(drawing, alt=alt),
            phone_picture=inline(svg(draw(size=_PHONE)), alt=alt, mark="phone-"),
            caption=(
                f"Test accuracy over labelled items, and below it the gain on {claim.baseline} with the "
                f"same seed. Lines: means over {claim.seeds} seeds. Bands: 95 % intervals of the mean, "
                "Student's t."
            ),
            table=_table(claim, rows),
            strips=_strips(results, dataset),
            strips_title="What each strategy asked for first, with the first seed",
            facts=_facts(protocol, claim),
            caveats=[*_caveats(claim), *caveats],
            command=command,
            files=_BESIDE,
        ).encode(),
    }
    files.put(folder, made)
    return [folder / name for name in (files.PAGE, *_BESIDE)]


def write_report(
    folder: Path,
    settings: Sequence[Results],
    *,
    title: str,
    command: str,
    seconds: float,
    notes: Sequence[str] = (),
) -> list[Path]:
    """Write the report of a benchmark: a page, its pictures, every figure, every curve and every queried id.

    Everything is written aside first, so that a full disk leaves the files of an earlier report as they were.

    Parameters
    ----------
    folder : Path
        Made where it is missing; files of an earlier report are replaced.
    settings : sequence of Results
        One for each setting, with at least two seeds. Of the protocol are read `setting` (its name),
        `dataset`, `learner`, `start` and `batch` (what settings differ in), `lead`, `baseline`, `rope`,
        `ceiling`, and what the page says of how it was done; what is missing is left out.
    title : str
        Of the page.
    command : str
        Does it again.
    seconds : float
        How long the benchmark took, by the clock.
    notes : sequence of str
        What else a reader must know.

    Returns
    -------
    list of Path
        What was written, the page first.

    Raises
    ------
    ParameterError
        No settings, a setting without the baseline or the strategy named beforehand, fewer than two seeds, or
        a folder that cannot be written.
    ExperimentError
        A file cannot be written: the disk is full, for example.
    MissingExtra
        Matplotlib or baycomp is not installed.

    Notes
    -----
    A setting takes about a second to work out and to draw.
    """
    found = overview(settings)
    singles = [
        curves(one, "curves" if len(settings) == 1 else f"curves-{number}")
        for number, one in enumerate(found.studies, 1)
    ]
    forests = {
        one.name: gained(one, drawn.name.replace("curves", "gains"))
        for one, drawn in zip(found.studies, singles, strict=True)
        if are_many(one.results.strategies)
    }
    is_large = are_many(found.penalties.strategies)
    shared = {
        "matrix": None if is_large else matrix(found.penalties),
        "errors": None if is_large else errors(found.penalties, found.baseline),
        "ranks": rank_line(found.ranks),
        "posteriors": posterior(found.posteriors),
    }
    sentence = lead_sentence(found.studies)
    written = {"title": title, "command": command, "seconds": round(seconds, 1), "notes": list(notes)}
    made = {
        "results.json": files.as_json({**written, "sentence": sentence, **found.to_dict()}),
        "curves.csv": files.as_csv(
            ["setting", "strategy", "seed", "labels", "accuracy"],
            ([one.name, *row] for one in found.studies for row in one.results.rows()),
        ),
        "queried.csv": files.as_csv(
            ["setting", "strategy", "seed", "checkpoint", "rank", "id"],
            ([one.name, *row] for one in found.studies for row in one.results.asked()),
        ),
    }
    for drawn in (*singles, *forests.values(), *shared.values()):
        made |= drawn.files() if drawn else {}
    beside = list(made)
    made[files.PAGE] = long_page(
        title=title,
        lead=sentence,
        sections=all_sections(
            found,
            [drawn.picture for drawn in singles],
            {name: drawn.picture for name, drawn in shared.items() if drawn},
            notes=[*notes, f"Computing took {seconds:.0f} seconds by the clock."],
            forests={name: drawn.picture for name, drawn in forests.items()},
        ),
        command=command,
        files=beside,
    ).encode()
    files.prepare(folder, beside)
    files.put(folder, made)
    return [folder / name for name in (files.PAGE, *beside)]


def _table(claim: Claim, rows: Sequence[Row]) -> Table:
    words = {"baseline": claim.baseline, "budget": claim.budget}
    return Table(
        caption=f"Each strategy over {claim.seeds} seeds, up to {claim.budget} labels",
        header=[" ".join(cell.format(**words).split()).replace(" %", "\u00a0%") for cell in HEADER],
        rows=[cells(row, claim.budget) for row in rows],
        notes=[note.format(**words) for note in NOTES],
    )


def _strips(results: Results, dataset: Dataset) -> list[Strip]:
    """The first batch that each strategy asked for with the first seed, where items are grey images."""
    positions = {one: position for position, one in enumerate(dataset.pool.ids)}
    if np.ndim(dataset.pool.take(np.array([0]))[0]) != 2:
        return []
    made = []
    for name in results.strategies:
        asked = results.of(name)[0].queried[1][:_STRIP_LENGTH]
        where = np.array([positions[one] for one in asked])
        shown = ", ".join(dataset.task.classes[label] for label in dataset.labels[where])
        alt = f"The first {len(asked)} items that {name} asked for; their classes: {shown}"
        made.append(Strip(name, alt, strip(dataset.pool.take(where))))
    return made


def _alt(claim: Claim, rows: Sequence[Row]) -> str:
    ends = "; ".join(f"{row.strategy} {100 * row.final_mean:.1f} %" for row in rows)
    return f"Learning curves up to {claim.budget} labels. Mean final test accuracy: {ends}."


def _facts(protocol: dict[str, Any], claim: Claim) -> dict[str, str]:
    opinion = (
        f"{claim.strategy}'s gain in AUBC on {claim.baseline} is {points(claim.area_gain)} points; "
        f"95 % interval {span(claim.area_interval)} by Student's t, "
        f"{span(claim.area_bootstrap)} by the BCa bootstrap"
    )
    return {**facts(protocol), "Second opinion": opinion, "Time": f"{protocol['seconds']:.0f} seconds"}


def _caveats(claim: Claim) -> list[str]:
    return [
        "One data set and one learner: on yours the order may be another. Run it on yours.",
        "Every seed draws from the same items, so the intervals speak of these items, "
        "not of data that nobody has seen.",
        f"Only {claim.strategy} against {claim.baseline} was named beforehand. The other rows are shown "
        "beside it, and their intervals do not allow for choosing the best of several.",
        "The labels come from the data set. People make mistakes, and take longer over some items than "
        "others.",
        "Accuracy is measured at the checkpoints; label counts in between are read off straight lines.",
    ]
