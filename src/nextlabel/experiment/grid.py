"""A grid of experiments as it is written in a file: every data set with every learner, start and batch."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from itertools import product
from pathlib import Path
from typing import Any, final

from nextlabel.campaign.control import checked_share
from nextlabel.core.dataset import Dataset
from nextlabel.core.registry import build
from nextlabel.core.spec import Spec
from nextlabel.errors import ParameterError
from nextlabel.experiment.reading import ROPE, Reading
from nextlabel.experiment.runner import Experiment
from nextlabel.maths.parameters import checked_number, checked_whole, settle

__all__ = ["Grid", "Setting", "held_out", "read_grid", "reading", "settings"]

_DISPLAY = "as"


@final
@dataclass(frozen=True)
class Grid:
    """What a file of an experiment says; each value as it is written there.

    Parameters
    ----------
    datasets : sequence of str or mapping
        Registered names, or mappings of the key ``name`` and settings; ``as`` gives a name to show.
    learners : sequence of str or mapping
        Likewise.
    strategies : sequence of str or mapping
        Likewise.
    budget : int
        Labels at the end.
    start : int, mapping, or sequence of these
        Items drawn before the first selection; ``{"per_class": 1}`` is one of each class; 0 starts from
        nothing.
    batch : int or sequence of int
        Items asked at once.
    seeds : int or sequence of int
        How many, counted from zero; or which.
    test : int or float, optional
        Items held out, or their share, where a data set has no official test items.
    pool : int, optional
        Cuts the pool to so many items, a uniform draw for each seed.
    lead : str, optional
        The strategy whose saving is quoted, named beforehand; the first when left out.
    baseline : str
        What the others are compared with; added where it is missing.
    ceiling_seeds : int
        With how many of the seeds the learner is also trained with the labels of the whole pool.
    control : float
        Share of control items, as in a campaign; none when left out.
    rope : float
        A difference in accuracy that does not matter, from 0 to below 1.
    target : float or sequence of float
        Accuracies whose labels are counted.
    title : str
    notes : str or sequence of str
        What a reader should know; shown with the results.

    Raises
    ------
    ParameterError
        A value that makes no sense.
    """

    datasets: Sequence[Any]
    learners: Sequence[Any]
    strategies: Sequence[Any]
    budget: int
    start: Any = 20
    batch: Any = 20
    seeds: Any = 10
    test: float | None = None
    pool: int | None = None
    lead: str | None = None
    baseline: str = "random"
    ceiling_seeds: int = 3
    control: float = 0.0
    rope: float = ROPE
    target: Any = ()
    title: str = ""
    notes: Any = ()

    def __post_init__(self) -> None:
        several = ("datasets", "learners", "strategies", "start", "batch", "notes")
        lists = {name: tuple(_listed(getattr(self, name))) for name in several}
        for name in ("datasets", "learners", "strategies", "start", "batch"):
            if not lists[name]:
                message = f"A grid needs at least one value of {name!r}; received none. Name some."
                raise ParameterError(message)
        for name in ("start", "batch"):
            _check_different(name, lists[name])
        settle(
            self,
            {
                **lists,
                "ceiling_seeds": checked_whole(self.ceiling_seeds, "ceiling_seeds", least=1),
                "control": checked_share(self.control),
            },
        )
        reading(self)


@final
@dataclass(frozen=True, eq=False)
class Setting:
    """One experiment of a grid.

    Parameters
    ----------
    name : str
        Data set, learner, start and batch, as far as they differ within the grid; the data set always.
    experiment : Experiment
    ceiling_seeds : tuple of int
        Seeds that are also run with all labels.
    reading : Reading
        Lead and baseline by their names in the experiment.
    """

    name: str
    experiment: Experiment
    ceiling_seeds: tuple[int, ...]
    reading: Reading

    def protocol(self) -> dict[str, Any]:
        """How the experiment is done and read, as JSON values."""
        return {"setting": self.name, **self.experiment.protocol(), **self.reading.protocol()}


def read_grid(path: Path) -> Grid:
    """The grid that a TOML file describes.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Grid

    Raises
    ------
    ParameterError
        The file cannot be read or is not TOML, a key is unknown or missing, or a value makes no sense.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as cause:
        message = (
            f"A benchmark needs the file of its grid; {path} cannot be read ({cause.strerror}). "
            "Give the path of a file such as experiments/letter.toml."
        )
        raise ParameterError(message) from cause
    except ValueError as cause:  # not TOML, or not UTF-8
        message = f"A grid is a TOML file; {path} is not: {cause}. Mend that place."
        raise ParameterError(message) from cause
    known = [one.name for one in fields(Grid)]
    for key in content:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            message = (
                f"{path} has the key {key!r}, which a grid does not know. {hint}"
                f"The keys are: {', '.join(known)}."
            )
            raise ParameterError(message)
    missing = [key for key in ("datasets", "learners", "strategies", "budget") if key not in content]
    if missing:
        message = f"A grid needs the keys {', '.join(missing)}, which {path} lacks. Add them."
        raise ParameterError(message)
    return Grid(**content)


def settings(grid: Grid) -> tuple[Setting, ...]:
    """The experiments of a grid, checked before anything runs.

    Parameters
    ----------
    grid : Grid

    Returns
    -------
    tuple of Setting

    Raises
    ------
    NextlabelError
        A name that is not registered, a data set that is not here, sizes that do not fit, a lead that is not
        among the strategies.

    Notes
    -----
    Every data set is loaded once and shared by its settings.
    """
    read = reading(grid)
    strategies = {name: build("strategy", spec) for name, spec in _compared(grid).items()}
    datasets = {name: build("dataset", spec) for name, spec in _named("datasets", grid.datasets).items()}
    learners = {name: build("learner", spec) for name, spec in _named("learners", grid.learners).items()}
    made = []
    for dataset, learner, start, batch in product(datasets, learners, grid.start, grid.batch):
        experiment = Experiment(
            datasets[dataset],
            learners[learner],
            strategies,
            **_started(start),
            batch=batch,
            budget=grid.budget,
            seeds=list(grid.seeds) if isinstance(grid.seeds, Sequence) else grid.seeds,
            test=_test(datasets[dataset], grid.test),
            pool=grid.pool,
            control=grid.control,
        )
        varied = [
            dataset,
            *([learner] if len(learners) > 1 else []),
            *([_told(start)] if len(grid.start) > 1 else []),
            *([f"batch {batch}"] if len(grid.batch) > 1 else []),
        ]
        made.append(
            Setting(
                name=", ".join(varied),
                experiment=experiment,
                ceiling_seeds=experiment.all_seeds[: grid.ceiling_seeds],
                reading=read,
            )
        )
    return tuple(made)


def reading(grid: Grid) -> Reading:
    """How the results of a grid are read; nothing is built or loaded for it.

    Parameters
    ----------
    grid : Grid

    Returns
    -------
    Reading

    Raises
    ------
    ParameterError
        A lead that is not among the strategies, a rope or target outside its range.
    """
    compared = _compared(grid)
    lead = grid.lead if grid.lead is not None else next(iter(compared))
    if lead not in compared:
        message = (
            f"The lead must be one of the strategies {', '.join(compared)}; received {lead!r}. "
            "Name it as the grid names it."
        )
        raise ParameterError(message)
    return Reading(lead, grid.baseline, grid.rope, lead_is_default=grid.lead is None, target=grid.target)


def held_out(items: int, test: Any) -> int:
    """How many items measure accuracy.

    Parameters
    ----------
    items : int
        Of the data set.
    test : int or float
        How many, or a share above 0 and below 1.

    Raises
    ------
    ParameterError
        Neither.

    Examples
    --------
    >>> held_out(200, 0.3), held_out(200, 50)
    (60, 50)
    """
    advice = "Give a share, or how many items."
    if isinstance(test, float):
        return max(1, round(checked_number(test, "test", above=0, below=1, advice=advice) * items))
    return checked_whole(test, "test", least=1, advice=advice)


def _test(dataset: Dataset, test: Any) -> int | None:
    """The test items to draw: none where there are official ones, or nobody says how many."""
    return None if dataset.test is not None or test is None else held_out(len(dataset.pool.ids), test)


def _compared(grid: Grid) -> dict[str, Any]:
    """The strategies by the names shown, the baseline among them."""
    named = _named("strategies", grid.strategies)
    return named if grid.baseline in named else {**named, grid.baseline: grid.baseline}


def _named(key: str, listed: Sequence[Any]) -> dict[str, Any]:
    """What is shown of each, and what it is built from."""
    made: dict[str, Any] = {}
    for one in listed:
        spec = Spec.read(one)
        shown = str(spec.params.get(_DISPLAY, spec.name))
        if shown in made:
            message = (
                f"Each of {key!r} needs a name of its own; received {shown!r} twice. "
                f"Give one of them another: {{ name = {spec.name!r}, as = '...' }}."
            )
            raise ParameterError(message)
        made[shown] = Spec(spec.name, {k: v for k, v in spec.params.items() if k != _DISPLAY})
    return made


def _check_different(name: str, listed: Sequence[Any]) -> None:
    """Two equal values would be two settings of the same runs."""
    plain = [0 if one == {"per_class": 0} else one for one in listed]
    for place, one in enumerate(plain):
        if one in plain[:place]:
            message = f"Each value of {name!r} is a setting; received {one!r} twice. Leave one of them out."
            raise ParameterError(message)


def _started(start: Any) -> dict[str, Any]:
    if not isinstance(start, Mapping):
        return {"start": start}
    if set(start) != {"per_class"}:
        message = (
            f"A start is a number or {{ per_class = NUMBER }}; received {dict(start)}. "
            "Write for example start = { per_class = 1 }."
        )
        raise ParameterError(message)
    return {"start": 0, "per_class": start["per_class"]}


def _told(start: Any) -> str:
    return f"start {start['per_class']} a class" if isinstance(start, Mapping) else f"start {start}"


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
