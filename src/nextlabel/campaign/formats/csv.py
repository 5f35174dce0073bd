"""CSV files: written for spreadsheets, and read back."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextlabel.campaign.formats.rows import columns_of, rows_of
from nextlabel.campaign.formats.statements import moment
from nextlabel.campaign.formats.table import Kind, Table
from nextlabel.campaign.sheets import Row, read_header, read_sheet, write_sheet
from nextlabel.core.task import Task

if TYPE_CHECKING:
    from nextlabel.campaign.state import State

__all__ = ["cell", "read", "write"]


def write(path: Path, table: Table, task: Task, *, is_raw: bool = False, replace: bool = False) -> int:
    """Write a table.

    Parameters
    ----------
    path : Path
    table : Table
    task : Task
        Whose labels are written.
    is_raw : bool
        Cells as they are, also those that a spreadsheet takes for formulas.
    replace : bool
        Write over a file that is there.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    CampaignError
        The file is there already, or cannot be written, or a cell holds the character NUL; nothing was
        written.

    Notes
    -----
    Times are written as ISO 8601 in UTC, to the second. Memory: one row.
    """
    kinds = [column.kind for column in table.columns]
    return write_sheet(
        path,
        [column.title for column in table.columns],
        ([cell(value, kind, task) for value, kind in zip(row, kinds, strict=True)] for row in table.rows),
        is_raw=is_raw,
        replace=replace,
    )


def cell(value: Any, kind: Kind, task: Task) -> str:
    """A value as text; nothing is empty.

    Examples
    --------
    >>> from nextlabel import multilabel
    >>> task = multilabel("cat", "dog")
    >>> cell(("cat", "dog"), "label", task), cell(0.0, "time", task), cell(0.25, "real", task)
    ('cat; dog', '1970-01-01T00:00:00Z', '0.2500')
    """
    if value is None:
        return ""
    if kind == "label":
        return task.text(value)
    if kind == "time":
        when = moment(value)
        return "" if when is None else f"{when:%Y-%m-%dT%H:%M:%SZ}"
    return f"{value:.4f}" if kind == "real" else str(value)


def read(path: Path, state: "State", *, encoding: str | None = None) -> list[Row]:
    """The answers of a sheet: of ``nextlabel ask``, of an export, or of anybody with ids and labels.

    Parameters
    ----------
    path : Path
    state : State
        Says which column of the data is the id.
    encoding : str, optional
        As for `read_sheet`.

    Returns
    -------
    list of Row
        As `tell_rows` takes them.

    Raises
    ------
    ReaderError
        The sheet cannot be read, or lacks the columns ``id`` and ``label``.
    LabelError
        Labels that a model has given.
    """
    columns = columns_of(read_header(path, encoding), state)
    sheet = read_sheet(path, needs=columns.needed, encoding=encoding)
    return rows_of(path, sheet, columns)
