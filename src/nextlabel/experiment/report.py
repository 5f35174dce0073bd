"""What an experiment leaves on disk: a page, pictures, every curve and every queried id."""

import csv
import json
import math
import platform
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from nextlabel.core.dataset import Dataset
from nextlabel.errors import ExperimentError, ParameterError
from nextlabel.experiment.comparison import Claim, Row
from nextlabel.experiment.curves import Results
from nextlabel.figures.canvas import inline, png, require_matplotlib, svg
from nextlabel.figures.curves import learning_curves
from nextlabel.figures.page import Strip, Table, page
from nextlabel.figures.strips import strip
from nextlabel.maths.intervals import Interval

__all__ = ["HEADER", "NOTES", "cells", "prepare", "versions", "write"]

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

_PAGE = "index.html"
_BESIDE = ("results.json", "curves.svg", "curves.png", "curves.csv")
_PHONE = (4.4, 6.2)
_LIBRARIES = ("nextlabel", "numpy", "scipy", "scikit-learn")
_STRIP_LENGTH = 20


def prepare(folder: Path) -> list[Path]:
    """Make the folder, and see that it can be written and pictures drawn, before anything long begins.

    Returns
    -------
    list of Path
        The folders that were made, the innermost first.

    Raises
    ------
    ParameterError
        The folder cannot be made or written, or another folder stands where a file will be.
    MissingExtra
        Matplotlib is not installed.
    """
    require_matplotlib()
    try:
        made = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        in_the_way = [str(folder / name) for name in (_PAGE, *_BESIDE) if (folder / name).is_dir()]
    except OSError as cause:
        message = (
            f"The results need a folder that can be written; {folder} cannot ({cause.strerror}). "
            "Name another one, for example --out demo."
        )
        raise ParameterError(message) from cause
    if in_the_way:
        message = (
            f"The results are written as files; folders stand in their place: {', '.join(in_the_way)}. "
            "Move them away, or name another folder, for example --out demo."
        )
        raise ParameterError(message)
    return made


def versions(learner: Any) -> dict[str, str]:
    """The versions that a result depends on.

    Parameters
    ----------
    learner : JSON value
        As the protocol writes it; torch counts where it is spoken of.
    """
    libraries = (*_LIBRARIES, "torch") if "torch" in json.dumps(learner) else _LIBRARIES
    return {"python": platform.python_version(), **{name: version(name) for name in libraries}}


def cells(row: Row, budget: int) -> list[str]:
    """A row of the table as text, in the order of `HEADER`."""
    is_baseline = row.area_interval == Interval(0.0, 0.0)
    gain = f"{100 * row.area_gain:+.1f} ({_range(row.area_interval)})".replace("-", "−")
    needed = f"> {budget}" if math.isinf(row.labels_to_final) else f"{row.labels_to_final:.0f}"
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
        "curves.csv": _csv(results).encode(),
        "curves.png": png(figure),
        "curves.svg": drawing.encode(),
        "results.json": _json({"sentence": claim.sentence(), **results.to_dict(), "protocol": protocol}),
        _PAGE: page(
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
    _put(folder, made)
    return [folder / name for name in (_PAGE, *_BESIDE)]


def _put(folder: Path, made: Mapping[str, bytes]) -> None:
    """All files or none: aside first; then the old page goes, so that none stands beside other results."""
    path = folder
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as aside:
            for name, content in made.items():
                path = folder / name
                (Path(aside) / name).write_bytes(content)
            (folder / _PAGE).unlink(missing_ok=True)
            for name in made:
                path = folder / name
                (Path(aside) / name).replace(path)
    except OSError as cause:
        message = (
            f"The results must be written to files; {path} could not be ({cause.strerror}). "
            "Make room, or name another folder, and do it again: equal seeds give equal results."
        )
        raise ExperimentError(message) from cause


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
    rest = protocol["items"] - protocol["test"]
    kind = "the official test items" if protocol["official_test"] else "drawn anew for each seed"
    return {
        "Data": f"{protocol['description']} (fingerprint {protocol['fingerprint']})",
        "Split": f"{protocol['test']} items measure accuracy, {kind}; {rest} are the pool",
        "Labels": (
            f"{protocol['start']} drawn at random to start, then batches of {protocol['batch']} up to "
            f"{protocol['budget']}; answered from the data set"
        ),
        "Held equal": (
            "split, start set, initial weights and data order of a seed; trained from scratch each round"
        ),
        "Seeds": ", ".join(map(str, protocol["seeds"])),
        "Learner": _spelled(protocol["learner"]),
        "Strategies": ", ".join(f"{name}: {_spelled(spec)}" for name, spec in protocol["strategies"].items()),
        "Second opinion": (
            f"{claim.strategy}'s gain in AUBC on {claim.baseline} is {100 * claim.area_gain:+.1f} points; "
            f"95 % interval {_range(claim.area_interval)} by Student's t, {_range(claim.area_bootstrap)} by "
            "the BCa bootstrap"
        ).replace("-", "−"),
        "Versions": ", ".join(f"{name} {number}" for name, number in protocol["versions"].items()),
        "Time": f"{protocol['seconds']:.0f} seconds",
    }


def _spelled(spec: Any) -> str:
    """A spec for people: the name, and in brackets the settings that say something."""
    if not isinstance(spec, dict) or "name" not in spec:
        return str(spec)
    settings = [
        f"{key} {_spelled(value)}" for key, value in spec.items() if key != "name" and value is not None
    ]
    return f"{spec['name']} ({', '.join(settings)})" if settings else str(spec["name"])


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


def _csv(results: Results) -> str:
    written = StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["strategy", "seed", "labels", "accuracy"])
    writer.writerows(results.rows())
    return written.getvalue()


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False) + "\n").encode()


def _range(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}".replace("-", "−")
