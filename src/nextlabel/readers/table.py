"""A table of text cells as a pool: which column is the id, the text, the features, the label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import final

import numpy as np

from nextlabel.core.spec import Spec
from nextlabel.errors import ReaderError
from nextlabel.maths.axes import Array
from nextlabel.readers.arrays import ArrayPool
from nextlabel.readers.faults import Faults
from nextlabel.readers.identity import content_ids

__all__ = ["Parts", "Table", "table_pool"]

_MISSING = ("", "?")


@final
@dataclass(frozen=True)
class Parts:
    """What the columns of a table are for.

    Parameters
    ----------
    id : str, optional
        The column that names each item.
    text : str, optional
        The column whose texts are the items.
    features : sequence of str, optional
        The columns that make the items; all but id and label when left out. Not beside `text`.
    label : str, optional
        The column of labels: never a feature.
    skip_faulty : bool
        Whether rows that cannot be read are left out.
    """

    id: str | None = None
    text: str | None = None
    features: Sequence[str] | None = None
    label: str | None = None
    skip_faulty: bool = False

    def spec(self, name: str, path: object, **others: object) -> Spec:
        """What makes the pool again: a reader's name, the path as it was given, and what was said."""
        said = {
            "id": self.id,
            "text": self.text,
            "features": None if self.features is None else list(self.features),
            "label": self.label,
            "skip_faulty": self.skip_faulty or None,
            **others,
        }
        return Spec(name, {"path": str(path), **{key: one for key, one in said.items() if one is not None}})


@final
@dataclass(frozen=True)
class Table:
    """Cells as text, by column.

    Parameters
    ----------
    path : str
        Where it is from, for messages.
    columns : mapping of str to sequence of str
        One cell for each row; empty where there is none.
    lines : sequence of int
        Where each row begins in the file.
    faults : Faults
        Rows that could not be read; its unit is what `lines` counts.
    comma : bool
        Whether numbers may be written with a decimal comma.
    """

    path: str
    columns: Mapping[str, Sequence[str]]
    lines: Sequence[int]
    faults: Faults
    comma: bool = False


def table_pool(table: Table, parts: Parts, source: Spec) -> ArrayPool:
    """The rows of a table as items.

    Parameters
    ----------
    table : Table
        At least one row.
    parts : Parts
        What its columns are for.
    source : Spec
        What makes this pool again.

    Returns
    -------
    ArrayPool
        Items are texts (n,) where `parts` name a text column; numbers (n, d) in float64, missing ones
        NaN, where every feature is a number; else objects (n, d): floats in the columns of
        numbers (missing: NaN), strings in the others (missing: None). Every column of the table is in
        `columns`, as text. Ids are those of the id column, else made from the content of the items.

    Raises
    ------
    ReaderError
        No rows, an unknown column, one column for two parts, no feature left, or an id that is empty
        or comes twice, unless such rows are to be skipped: of those of one id, the first counts.
    """
    if not table.lines:
        table.faults.refuse(always=True)
        message = (
            f"A table needs at least one row of items; received {table.path!r} with the columns "
            f"{', '.join(table.columns) or 'none'} and no row. Add rows."
        )
        raise ReaderError(message)
    _require_parts(table, parts)
    if parts.id is not None:
        table = _with_ids(table, parts.id)
    if parts.text is not None:
        names: tuple[str, ...] = ()
        items = _objects(table.columns[parts.text])
        compared = items
    else:
        names = _features(table, parts)
        items = _rows([_values(table.columns[name], comma=table.comma) for name in names])
        compared = items[:, np.argsort(np.array(names))]  # columns may be moved about too
    if parts.id is not None:
        ids = list(table.columns[parts.id])
    else:
        cells = [table.columns[name] for name in sorted(table.columns)]
        ids = content_ids(compared, lambda position: [column[position] for column in cells])
    return ArrayPool(items, ids, table.columns, source, names, table.lines, table.faults)


def _require_parts(table: Table, parts: Parts) -> None:
    if parts.text is not None and parts.features is not None:
        message = (
            "Items are either the texts of one column or rows of features; received both text="
            f"{parts.text!r} and features={list(parts.features)!r}. Leave one of them out."
        )
        raise ReaderError(message)
    told = {"id": parts.id, "text": parts.text, "label": parts.label}
    uses = [(one, name) for one, name in told.items() if name is not None]
    uses += [("features", name) for name in parts.features or ()]
    seen: dict[str, str] = {}
    for use, name in uses:
        if name not in table.columns:
            near = get_close_matches(name, table.columns, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            message = (
                f"The column for {use} must be one of those of {table.path!r}; received {name!r}. {hint}"
                f"The columns are: {', '.join(table.columns)}."
            )
            raise ReaderError(message)
        if name in seen:
            message = (
                f"A column has one use; received {name!r} for {seen[name]} and for {use}. "
                "A label or an id says nothing of an item that a model may learn from: name another column."
            )
            raise ReaderError(message)
        seen[name] = use


def _features(table: Table, parts: Parts) -> tuple[str, ...]:
    if parts.features is None:
        names = tuple(name for name in table.columns if name not in (parts.id, parts.label))
    else:
        names = tuple(parts.features)
    if not names:
        message = (
            f"Items need at least one column beside the id and the label; received {table.path!r} with the "
            f"columns {', '.join(table.columns)}, of which none is left. Name text= or features=."
        )
        raise ReaderError(message)
    return names


def _with_ids(table: Table, id: str) -> Table:
    """The rows whose id is neither empty nor that of a row before."""
    ids, lines = table.columns[id], table.lines
    if len(set(ids)) == len(ids) and "" not in ids:
        return table
    seen: dict[str, int] = {}
    kept = []
    for position, one in enumerate(ids):
        if not one:
            table.faults.add(lines[position], "id", f"an empty cell in the column {id!r}")
        elif one in seen:
            first = f"{table.faults.unit} {seen[one]}"
            table.faults.add(lines[position], "id", f"{one!r} in the column {id!r}, as in {first}")
        else:
            seen[one] = lines[position]
            kept.append(position)
    table.faults.refuse(always=not kept)
    columns = {name: [cells[position] for position in kept] for name, cells in table.columns.items()}
    return replace(table, columns=columns, lines=[lines[position] for position in kept])


def _values(cells: Sequence[str], *, comma: bool) -> Array:
    """A column as floats where each cell that is there is a finite number or ``nan``, else as strings."""
    numbers = _numbers(cells)
    if numbers is None and comma:
        numbers = _numbers([cell.replace(",", ".") for cell in cells])
    if numbers is not None:
        return numbers
    return _objects([None if cell.strip() in _MISSING else cell for cell in cells])


def _numbers(cells: Sequence[str]) -> Array | None:
    try:
        values = np.array([np.nan if cell.strip() in _MISSING else float(cell) for cell in cells])
    except ValueError:
        return None
    # Python reads 1_000 and infinity as numbers; in a table they are words
    return None if np.isinf(values).any() or any("_" in cell for cell in cells) else values


def _rows(columns: Sequence[Array]) -> Array:
    """Columns side by side: floats where all are, else objects."""
    if all(column.dtype.kind == "f" for column in columns):
        return np.column_stack(columns)
    rows = np.empty((len(columns[0]), len(columns)), dtype=object)
    for place, column in enumerate(columns):
        rows[:, place] = column.tolist()
    return rows


def _objects(cells: Sequence[str | None]) -> Array:
    made = np.empty(len(cells), dtype=object)
    made[:] = cells
    return made
