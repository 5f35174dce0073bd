"""An export as a table: which columns it has, what stands in them, and its rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

from nextlabel.campaign.formats.columns import ITEM_COLUMNS, own_id, titles
from nextlabel.campaign.formats.content import Export
from nextlabel.campaign.item_sheet import reason_cell, skip_cell
from nextlabel.campaign.predicting import Guesses
from nextlabel.campaign.shown import Shown, owned
from nextlabel.core.pool import Pool
from nextlabel.core.task import Label

__all__ = ["Column", "Kind", "Table", "answers_table", "items_table", "new_items_table", "predicted_table"]

Kind = Literal["text", "label", "time", "real", "count"]
"""Text; a label; seconds since 1970; a number; a whole number. None stands for nothing."""

_KINDS: dict[str, Kind] = {
    "label": "label",
    "time": "time",
    "probability": "real",
    "answers": "count",
    "agreeing": "count",
    "batch": "count",
}
_ANSWER = ("id", "label", "skip", "annotator", "time")
_PREDICTED = ("label", "probability", "by")
_BY_MODEL = "model"


@final
@dataclass(frozen=True)
class Column:
    """The title of a column, and the kind of what stands in it."""

    title: str
    kind: Kind = "text"


@final
@dataclass(frozen=True)
class Table:
    """A table that is written row by row.

    Parameters
    ----------
    columns : tuple of Column
    rows : iterator of list
        As many values each as there are columns.
    """

    columns: tuple[Column, ...]
    rows: Iterator[list[Any]]


def items_table(export: Export) -> Table:
    """A row for each item, in the order of the data.

    Parameters
    ----------
    export : Export

    Returns
    -------
    Table
        The columns of the data as they are; ``id``, unless one of these is it; ``label``, what most
        annotators say; ``annotator``, those who answered, or else those who skipped, with semicolons
        between them; ``time``, when the last of them did; ``arm``, what it was asked for: ``active``,
        ``control``, ``certificate`` or nothing where nobody asked; ``probability`` of the label, by the
        model, but for items to measure by; ``skip``, the reason where nobody has answered; ``answers``, how
        many; ``agreeing``, how many of them say the label; ``batch``, the number of the query, from 1.
    """
    return _beside_the_data(export, ITEM_COLUMNS, lambda id: _said_of(id, export))


def _said_of(id: str, export: Export) -> list[Any]:
    state = export.state
    answers = state.answers(id)
    label = state.label(id)
    asked = state.asked.get(id)
    said = [one for one in export.statements.get(id, ()) if (one.label is not None) == bool(answers)]
    return [
        label,
        "; ".join(one.annotator for one in said),
        max((one.at for one in said if one.at is not None), default=None),
        None if asked is None else asked.arm,
        None if label is None else _probability(id, label, export),
        skip_cell(id, state) or None,
        len(answers),
        sum(one == label for one in answers.values()),
        None if asked is None else asked.round + 1,
    ]


def _probability(id: str, label: Label, export: Export) -> float | None:
    """Of what people say, by the model; none where that would tell what it says of an item to measure by."""
    if export.predictions is None or not export.is_shown(id):
        return None
    return export.predictions.probability(id, label)


def answers_table(export: Export) -> Table:
    """A row for each answer and each skip, those of one item together in the order of telling.

    Parameters
    ----------
    export : Export

    Returns
    -------
    Table
        ``id``, ``label``, ``skip``, ``annotator``, ``time``. Told to a new campaign over the same items, it
        gives the same answers.
    """
    columns = tuple(Column(name, _KINDS.get(name, "text")) for name in _ANSWER)
    return Table(columns, _answers(export))


def _answers(export: Export) -> Iterator[list[Any]]:
    for id in export.state.roster.ids:
        for one in export.statements.get(id, ()):
            skip = None if one.label is not None else reason_cell(one.reason)
            yield [id, one.label, skip, one.annotator, one.at]


def predicted_table(export: Export) -> Table:
    """A row for each item with a label: a person's where there is one, else the model's.

    Parameters
    ----------
    export : Export
        With predictions.

    Returns
    -------
    Table
        The columns of the data as they are; ``id``, unless one of these is it; ``label``; ``probability`` of
        it, by the model, but for a person's label of an item to measure by; ``by``, ``person`` or ``model``.
    """
    return _beside_the_data(export, _PREDICTED, lambda id: _by_whom(id, export))


def _by_whom(id: str, export: Export) -> list[Any]:
    label, guesses = export.state.label(id), export.predictions
    if label is not None:
        return [label, _probability(id, label, export), "person"]
    return _guessed(None if guesses is None else guesses.of(id))


def new_items_table(pool: Pool, guesses: Guesses) -> Table:
    """A row for each item of another pool, with the label that the model gives it.

    Parameters
    ----------
    pool : Pool
    guesses : Guesses
        Of the items of this pool, by its ids.

    Returns
    -------
    Table
        As of `predicted_table`, each label by the model.
    """
    source = None if pool.source is None else pool.source.params
    return _beside(owned(pool), source, pool.ids, _PREDICTED, lambda id: _guessed(guesses.of(id)))


def _guessed(guess: tuple[Label, float] | None) -> list[Any]:
    return [None, None, None] if guess is None else [*guess, _BY_MODEL]


def _beside_the_data(export: Export, names: tuple[str, ...], said: Callable[[str], list[Any]]) -> Table:
    return _beside(export.owned, export.state.pool_source, export.ids, names, said)


def _beside(
    shown: Shown | None,
    source: Mapping[str, object] | None,
    ids: Sequence[str],
    names: tuple[str, ...],
    said: Callable[[str], list[Any]],
) -> Table:
    """The columns of the data, the id where they lack it, and ours."""
    header = () if shown is None else shown.header
    has_id = own_id(source, header) is not None
    named = titles(names if has_id else ("id", *names), header)
    columns = (
        *(Column(title) for title in header),
        *(Column(title, _KINDS.get(name, "text")) for name, title in named.items()),
    )

    def rows() -> Iterator[list[Any]]:
        for id in ids:
            cells = () if shown is None else shown.cells(id)
            yield [*cells, *(() if has_id else (id,)), *said(id)]

    return Table(columns, rows())
