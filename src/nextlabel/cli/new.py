"""``nextlabel new``: a file of items becomes a campaign."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from nextlabel.campaign.state import State
    from nextlabel.core.pool import Pool
    from nextlabel.core.task import Label, Task

__all__ = ["new"]

_FILE = "file"  # the annotator of labels that the file has already


def new(
    file: Annotated[
        Path,
        typer.Argument(help="csv, tsv, jsonl, parquet, npy, npz, idx.gz, or a folder of images."),
    ],
    text: Annotated[str | None, typer.Option(help="The column whose texts are to be labelled.")] = None,
    features: Annotated[
        str, typer.Option(help="The columns that a model may read, with commas between them; else all.")
    ] = "",
    labels: Annotated[
        str, typer.Option(help="The classes, with commas between them; else those of the label column.")
    ] = "",
    label_column: Annotated[
        str | None,
        typer.Option(help="The column of labels that are there already; `label` where there is one."),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            "--task",
            help="class: one class an item; classes: those that apply, in cells with semicolons between "
            "them, and (none) where none does.",
        ),
    ] = "class",
    id: Annotated[
        str | None, typer.Option(help="The column that names each item; else its content does.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of the file, where it is not UTF-8: for example latin-1.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The journal; FILE with the ending .db when left out.")
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="A name of `nextlabel list strategies`, JSON with settings; or auto: see `nextlabel "
            "advise`. When left out: badge; with --task classes, auto."
        ),
    ] = None,
    learner: Annotated[
        str | None,
        typer.Option(
            help="A name of `nextlabel list learners`, JSON with settings, or file.py:function; else "
            "logistic regression on what suits the items."
        ),
    ] = None,
    control: Annotated[
        float,
        typer.Option(help="The share of each batch drawn at random, to measure by: 0, or from 0.05 to 0.2."),
    ] = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
) -> None:
    """Begin a campaign: read items from a file, write a journal beside it."""
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.cli.items import label_column as named_column
    from nextlabel.cli.items import read_items, suited
    from nextlabel.cli.journal import call

    journal = out or _beside(file)
    _require_new(journal)
    params = {"id": id, "text": text, "features": _listed(features) or None, "encoding": encoding}
    pool, column = read_items(file, params, label_column)
    if column is not None:
        named_column(pool, column, "--label-column")
    cells = _cells(pool, column)
    task = _task(kind, _listed(labels), cells, column)
    known = _known(task, cells, column)
    _require_work(pool, known)
    trained = _spec(learner, "--learner") if learner else suited(pool)
    picked = _spec(strategy or _usual(task), "--strategy")
    with (
        _whole(journal) as unfinished,
        Campaign.create(unfinished, pool, trained, picked, task, seed, control=control) as campaign,
    ):
        if known:
            campaign.tell(known, annotator=_FILE)
        state = campaign.state
    _say(file, pool, state, column)
    typer.echo(f"Journal: {journal}")
    typer.echo(f"Next: {call('ask', journal)}")


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _beside(file: Path) -> Path:
    """The journal's name: that of the file up to its first dot, so that reviews.csv.gz has reviews.db."""
    whole = file.resolve()
    stem = whole.name if whole.is_dir() else whole.name.partition(".")[0] or whole.name
    return file.parent / f"{stem}.db" if file.name else whole.with_name(f"{stem}.db")


def _require_new(journal: Path) -> None:
    from nextlabel.errors import CampaignError

    if journal.exists():
        message = (
            f"A new journal must not be there yet; {journal} is. Go on with it (nextlabel status), or name "
            "another with --out."
        )
        raise CampaignError(message)


def _cells(pool: "Pool", column: str | None) -> dict[str, str]:
    """What the column of labels holds, where it holds something."""
    from nextlabel.experiment.labelled import MISSING

    if column is None:
        return {}
    cells = zip(pool.ids, pool.columns[column], strict=True)
    return {id: cell.strip() for id, cell in cells if cell.strip() not in MISSING}


def _usual(task: "Task") -> str:
    """The strategy where nobody names one; BADGE has no form for several classes an item."""
    return "auto" if task.is_several else "badge"


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
    return Task("classes" if kind == "classes" else "class", tuple(labels or found))


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


def _spec(text: str, option: str) -> Any:
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


def _say(file: Path, pool: "Pool", state: "State", column: str | None) -> None:
    known = f"; labels in the column {column}: {state.labelled:,}" if state.labelled else ""
    typer.echo(f"{len(pool.ids):,} items read from {file}: {_what(pool)}{known}.")
    several = "; an item may have several, or none" if state.task.is_several else ""
    typer.echo(f"Classes: {', '.join(state.task.classes)}{several}.")
    learner = state.created.learner or {"name": state.created.learner_repr}
    parts = ", ".join(str(value) for value in learner.values() if isinstance(value, str))
    typer.echo(f"Learner: {parts}. Strategy: {state.created.name}.")
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
