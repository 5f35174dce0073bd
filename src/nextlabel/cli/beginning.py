"""How a file of items becomes a campaign: what the commands that begin one share."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import typer

if TYPE_CHECKING:
    from nextlabel.campaign.state import State
    from nextlabel.core.pool import Pool
    from nextlabel.core.task import Label, Task

__all__ = ["FILE", "Wanted", "begin", "beside", "listed", "named", "say", "spec", "usual"]

FILE = "file"
"""The annotator of labels that a file has already."""

_LARGE = 50_000  # items, from which on models see a window of so many


@final
@dataclass(frozen=True)
class Wanted:
    """What somebody asks for when they begin.

    Parameters
    ----------
    file : Path
    params : mapping of str to object
        Of the reader; those that are None are left out.
    labels : sequence of str
        The classes; those found where it is empty.
    label_column : str or None
    kind : str
        ``"class"`` or ``"classes"``.
    strategy : str
        A name, or settings as JSON.
    learner : str or None
        Likewise; None for what suits the items.
    control : float
    seed : int
    overlap : int
    candidates : int or None
    has_window : bool
        Whether a pool of more than 50,000 items gets a window of so many where `candidates` is None.
    encoder : str or None
        A name or folder of a model that makes the features.
    """

    file: Path
    params: Mapping[str, Any]
    labels: Sequence[str]
    label_column: str | None
    kind: str
    strategy: str
    learner: str | None = None
    control: float = 0.1
    seed: int = 0
    overlap: int = 1
    candidates: int | None = None
    has_window: bool = False
    encoder: str | None = None


def begin(journal: Path, wanted: Wanted) -> "tuple[Pool, State, str | None]":
    """Make the journal: whole, or not at all.

    Parameters
    ----------
    journal : Path
        Not there yet.
    wanted : Wanted

    Returns
    -------
    Pool
    State
    str or None
        The column of labels.

    Raises
    ------
    NextlabelError
        The file cannot be read, an option contradicts it, or somebody has made the journal meanwhile.
    """
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.cli.items import label_cells, read_items
    from nextlabel.cli.items import label_column as named_column

    pool, column = read_items(wanted.file, wanted.params, wanted.label_column)
    if column is not None:
        named_column(pool, column, "--label-column")
    cells = label_cells(pool, column, wanted.labels)
    task = _task(wanted.kind, wanted.labels, cells, column)
    known = _known(task, cells, column)
    _require_work(pool, known)
    candidates = wanted.candidates
    if candidates is None and wanted.has_window and len(pool.ids) > _LARGE:
        candidates = _LARGE
    with (
        _whole(journal) as unfinished,
        Campaign.create(
            unfinished,
            pool,
            _learner(wanted, pool),
            spec(wanted.strategy, "--strategy"),
            task,
            wanted.seed,
            control=wanted.control,
            overlap=wanted.overlap,
            candidates=candidates,
        ) as campaign,
    ):
        if known:
            campaign.tell(known, annotator=FILE)
        state = campaign.state
    return pool, state, column


def _learner(wanted: Wanted, pool: "Pool") -> Any:
    from nextlabel.cli.items import suited
    from nextlabel.errors import ParameterError

    if wanted.learner is not None and wanted.encoder is not None:
        message = (
            "Features come from --encoder or from the learner of --learner; received both "
            f"{wanted.encoder!r} and {wanted.learner!r}. Leave one of them out."
        )
        raise ParameterError(message)
    if wanted.learner is not None:
        return spec(wanted.learner, "--learner")
    made = suited(pool)
    if wanted.encoder is not None:
        made |= {"estimator": "logistic", "features": {"name": "encoder", "path": wanted.encoder}}
    return made


def named(settings: Mapping[str, Any]) -> str:
    """What has a name in the settings of a learner or strategy, each part with settings of its own.

    Examples
    --------
    >>> named({"name": "sklearn", "estimator": {"name": "logistic", "C": 10}, "chunk": 4096})
    'sklearn, logistic (C 10)'
    """
    parts = []
    for value in settings.values():
        if isinstance(value, Mapping):
            own = ", ".join(f"{key} {one}" for key, one in value.items() if key != "name")
            parts.append(f"{value.get('name')} ({own})" if own else str(value.get("name")))
        elif isinstance(value, str):
            parts.append(value)
    return ", ".join(parts)


def listed(text: str) -> list[str]:
    """What stands between commas.

    Examples
    --------
    >>> listed("cat, dog,")
    ['cat', 'dog']
    """
    return [part.strip() for part in text.split(",") if part.strip()]


def beside(file: Path) -> Path:
    """The journal's name: that of the file up to its first dot, so that reviews.csv.gz has reviews.db."""
    whole = file.resolve()
    stem = whole.name if whole.is_dir() else whole.name.partition(".")[0] or whole.name
    return file.parent / f"{stem}.db" if file.name else whole.with_name(f"{stem}.db")


def usual(kind: str) -> str:
    """The strategy where nobody names one; BADGE has no form for several classes an item."""
    return "auto" if kind == "classes" else "badge"


def _task(kind: str, labels: Sequence[str], cells: Mapping[str, str], column: str | None) -> "Task":
    """The task, with the classes that were named, or found in the cells."""
    from nextlabel.core.task import Task, multilabel
    from nextlabel.errors import ParameterError

    kinds = ("class", "classes")
    if kind not in kinds:
        message = f"--task must be class or classes; received {kind!r}. Leave it out for one class an item."
        raise ParameterError(message)
    split = multilabel("any").names if kind == "classes" else lambda cell: (cell,)
    found = sorted({name for cell in set(cells.values()) for name in split(cell)})
    if not labels and not found:
        where = f"the column {column!r} is empty" if column else "there is no column of labels"
        message = (
            f"The classes must be known; none are named and {where}. "
            "Add them with commas between, for example --labels positive,negative."
        )
        raise ParameterError(message)
    named = tuple(labels or found)
    if kind == "class" and len(named) == 1:
        message = (
            f"One of two classes or more is what an item is to have; received {named[0]!r} alone. Name them "
            f"with commas between, for example --labels {named[0]},other; or --task classes for a class that "
            "an item has or has not."
        )
        raise ParameterError(message)
    return Task("classes" if kind == "classes" else "class", named)


def _known(task: "Task", cells: Mapping[str, str], column: str | None) -> "dict[str, Label]":
    """The labels that the file has already."""
    from nextlabel.errors import LabelError

    named = {cell: task.names(cell) for cell in set(cells.values())}
    each = {name for one in named.values() for name in ([one] if isinstance(one, str) else one)}
    outside = sorted(each - set(task.classes))
    if outside:
        message = (
            f"The labels in the column {column!r} must be among {', '.join(task.classes)}; received also "
            f"{', '.join(map(repr, outside[:10]))}. Add them to --labels, or mend the file."
        )
        raise LabelError(message)
    return {id: task.check(named[cell]) for id, cell in cells.items()}


def _require_work(pool: "Pool", known: "Mapping[str, Label]") -> None:
    from nextlabel.errors import CampaignError

    if len(known) == len(pool.ids):
        message = (
            f"A campaign needs items without a label; all {len(known):,} have one. "
            "To see what strategies would have saved on them, call nextlabel simulate."
        )
        raise CampaignError(message)


def spec(text: str, option: str) -> Any:
    """A name, or the settings that somebody wrote as JSON."""
    import json

    from nextlabel.errors import ParameterError

    if not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as cause:
        message = (
            f"{option} must be a name or JSON; received {text!r}, which ends being JSON at character "
            f'{cause.pos + 1} ({cause.msg}). Write for example \'{{"name": "margin"}}\'.'
        )
        raise ParameterError(message) from cause


@contextmanager
def _whole(journal: Path) -> Iterator[Path]:
    """A journal under another name, which takes its own when the block ends well: whole or not there."""
    import secrets

    from nextlabel.campaign.sheets import place
    from nextlabel.errors import CampaignError

    unfinished = journal.with_name(f".{journal.name}.{secrets.token_hex(4)}")
    try:
        yield unfinished
        place(unfinished, journal)
    except FileExistsError as cause:
        message = f"A new journal must not be there yet; somebody has made {journal} meanwhile. Name another."
        raise CampaignError(message) from cause
    finally:
        for name in (unfinished.name, f"{unfinished.name}-journal"):
            unfinished.with_name(name).unlink(missing_ok=True)


def say(wanted: Wanted, pool: "Pool", state: "State", column: str | None) -> None:
    """Tell in the terminal what was begun.

    Parameters
    ----------
    wanted : Wanted
    pool : Pool
    state : State
    column : str or None
        Of labels.
    """
    from nextlabel.cli.items import remarks

    known = f"; labels in the column {column}: {state.labelled:,}" if state.labelled else ""
    typer.echo(f"{len(pool.ids):,} items read from {wanted.file}: {_what(pool)}{known}.")
    several = "; an item may have several, or none" if state.task.is_several else ""
    typer.echo(f"Classes: {', '.join(state.task.classes)}{several}.")
    learner = state.created.learner or {"name": state.created.learner_repr}
    for remark in remarks(pool, wanted.params.get("encoding")):
        typer.echo(remark)
    typer.echo(f"Learner: {named(learner)}. Strategy: {state.created.name}.")
    if state.control:
        typer.echo(
            f"Control: {state.control:.0%} of each batch is drawn at random from {len(state.reserve):,} "
            "items set aside, to measure by."
        )
    else:
        typer.echo(f"Control: none, since {state.control_reason}.")


def _what(pool: "Pool") -> str:
    params = pool.source.params if pool.source is not None else {}
    if params.get("text"):
        return f"texts of the column {params['text']}"
    names: Sequence[str] = getattr(pool, "names", ())
    if names:
        shown = ", ".join(names[:_NAMED]) + (
            f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        )
        return f"rows of {shown}"
    view = pool.show(pool.ids[0])
    shape = getattr(view.content, "shape", ())
    size = " × ".join(map(str, shape))
    if view.medium == "row":
        return f"rows of {size} numbers"
    return f"{view.medium}s, the first of {size}" if shape else f"{view.medium}s"


_NAMED = 8
