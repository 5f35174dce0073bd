"""The rows of files that come back: which column is the id, which the label, and whose the answers are."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from nextlabel.campaign.formats.columns import ITEM_COLUMNS, found, own_id
from nextlabel.campaign.sheets import Row
from nextlabel.core.task import SEPARATOR, Task
from nextlabel.errors import LabelError, ReaderError

if TYPE_CHECKING:
    from nextlabel.campaign.state import State

__all__ = ["Columns", "columns_of", "require_columns", "rows_of", "text_of"]

_MODEL = "model"


@final
@dataclass(frozen=True)
class Columns:
    """What the columns of a file are.

    Parameters
    ----------
    id, label : str
        Their titles.
    items : mapping of str to str
        Of an export of items, from our names to the titles; else empty.
    by : str or None
        Of a file of predictions, the column that says who gave the label.
    """

    id: str
    label: str
    items: Mapping[str, str]
    by: str | None = None

    @property
    def needed(self) -> tuple[str, str]:
        """The titles that must be there."""
        return self.id, self.label


def columns_of(header: Collection[str], state: "State") -> Columns:
    """What the columns of a file are.

    Parameters
    ----------
    header : collection of str
        In small letters.
    state : State

    Returns
    -------
    Columns
        Where the file has them all, those of an export of items: the id is then the column that names the
        items in the data, if it is there. Of predictions likewise, also once it is not said any more that
        they are by a model. Else ``id``; and ``label``, or ``nextlabel_label``, which only we write.
    """
    name = own_id(state.pool_source, header)
    id = name or found("id", header)
    items = {one: found(one, header) for one in ITEM_COLUMNS}
    if id is not None and None not in items.values():
        titles = {one: str(title) for one, title in items.items()}
        return Columns(id, titles["label"], titles)
    label, by = found("label", header), found("by", header)
    is_batch = {"id", "skip", "token"} <= {*header}  # of data that have the other columns, perhaps
    if id is None or label is None or found("probability", header) is None or is_batch:
        return Columns("id", label or "label", {})
    return Columns(id, label, {}, by)


def rows_of(path: Path, sheet: Sequence[Row], columns: Columns) -> list[Row]:
    """Rows as `tell_rows` takes them.

    Parameters
    ----------
    path : Path
        For messages.
    sheet : sequence of Row
    columns : Columns

    Raises
    ------
    LabelError
        Labels that a model has given, which nobody may tell as those of people.
    """
    if columns.by is not None:
        _require_people(path, [row for row in sheet if row.cells[columns.by].strip() == _MODEL])
    return [Row(row.line, _cells(row.cells, columns), row.unit) for row in sheet]


def _cells(cells: Mapping[str, str], columns: Columns) -> dict[str, str]:
    if columns.items:  # the names of these are in the data too, perhaps, with another meaning
        said = {name: cells[columns.items[name]] for name in ("label", "skip")}
        return {"id": cells[columns.id], "annotators": cells[columns.items["annotator"]], **said}
    if columns.by is not None:
        return {"id": cells[columns.id], "label": cells[columns.label], "annotators": ""}
    return {**cells, "id": cells[columns.id], "label": cells[columns.label]}


def _require_people(path: Path, rows: Sequence[Row]) -> None:
    if rows:
        message = (
            f"Answers are told that people gave; {len(rows):,} rows of {path} have a label by a model, the "
            f"first in {rows[0].unit} {rows[0].line}. Take these rows away; where somebody has checked them, "
            "take the column away that says who gave the label; nothing was told."
        )
        raise LabelError(message)


def require_columns(path: Path, header: Collection[str], needed: Collection[str]) -> None:
    """Refuse a file in which no row has a column that is needed.

    Raises
    ------
    ReaderError
        The message names the columns.
    """
    lacking = [name for name in needed if name not in header]
    if lacking:
        message = (
            f"{path} must have {' and '.join(needed)} for each row; received "
            f"{', '.join(header) or 'nothing'}. Add {' and '.join(lacking)}."
        )
        raise ReaderError(message)


def text_of(value: Any, task: Task) -> str:
    """A value of a file with types as the text of a cell.

    Parameters
    ----------
    value : object
        A list of texts is a label of several classes.
    task : Task

    Returns
    -------
    str
        Lists and objects that are no label as JSON, which no class is called.

    Examples
    --------
    >>> from nextlabel import classes
    >>> text_of(None, classes("a")), text_of(3, classes("a")), text_of(True, classes("a"))
    ('', '3', 'true')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and task.is_several and all(_is_name(one) for one in value):
        return task.text(tuple(value))
    return json.dumps(value, ensure_ascii=False, default=str)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and SEPARATOR not in value
