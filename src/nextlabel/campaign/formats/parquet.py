"""Parquet files: written with real types, and read back."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextlabel.campaign.formats.rows import columns_of, require_columns, rows_of, text_of
from nextlabel.campaign.formats.statements import moment
from nextlabel.campaign.formats.table import Column, Table
from nextlabel.campaign.replacing import replacing
from nextlabel.campaign.sheets import Row
from nextlabel.core.task import Task
from nextlabel.errors import MissingExtra, ReaderError

if TYPE_CHECKING:
    from nextlabel.campaign.state import State

__all__ = ["read", "write"]

_GROUP = 10_000  # rows that are in memory at once


def write(path: Path, table: Table, task: Task, *, replace: bool = False) -> int:
    """Write a table.

    Parameters
    ----------
    path : Path
    table : Table
    task : Task
    replace : bool
        Write over a file that is there.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    CampaignError
        The file is there already, or cannot be written; nothing was.
    MissingExtra
        pyarrow is not installed.

    Notes
    -----
    Columns of text are plain strings; a label of several classes is a list of strings; times are timestamps
    in UTC, to the microsecond. Memory: 10,000 rows.
    """
    arrow, parquet = _arrow()
    fields = [arrow.field(column.title, _type(arrow, column, task)) for column in table.columns]
    schema = arrow.schema(fields)
    rows, count = iter(table.rows), 0
    with (
        replacing(path, replace=replace, encoding=None) as file,
        parquet.ParquetWriter(file, schema) as writer,
    ):
        while group := list(islice(rows, _GROUP)):
            columns = [
                arrow.array([_value(value, column) for value in values], field.type)
                for column, field, values in zip(table.columns, fields, zip(*group, strict=True), strict=True)
            ]
            writer.write_table(arrow.Table.from_arrays(columns, schema=schema))
            count += len(group)
    return count


def _type(arrow: Any, column: Column, task: Task) -> Any:
    if column.kind == "label" and task.is_several:
        return arrow.list_(arrow.string())
    kinds = {
        "time": arrow.timestamp("us", tz="UTC"),
        "real": arrow.float64(),
        "count": arrow.int64(),
    }
    return kinds.get(column.kind, arrow.string())


def _value(value: Any, column: Column) -> Any:
    if column.kind == "time":
        return moment(value)
    return list(value) if isinstance(value, tuple) else value


def read(path: Path, state: "State") -> list[Row]:
    """The answers of a file.

    Parameters
    ----------
    path : Path
        With the columns ``id`` and ``label``; ``skip`` and ``annotator`` where there are any. Those of an
        export of items as well.
    state : State

    Returns
    -------
    list of Row
        As `tell_rows` takes them; rows are counted from 1.

    Raises
    ------
    ReaderError
        The file cannot be read, or a column is missing.
    LabelError
        Labels that a model has given.
    MissingExtra
        pyarrow is not installed.
    """
    _, parquet = _arrow()
    try:
        with path.open("rb") as file:
            whole = parquet.ParquetFile(file)
            names = [name.strip().casefold() for name in whole.schema_arrow.names]
            columns = columns_of(names, state)
            require_columns(path, names, columns.needed)
            wanted = {*columns.needed, *columns.items.values(), *filter(None, [columns.by]), *_SAID} & {
                *names
            }
            titles = [
                title for title, name in zip(whole.schema_arrow.names, names, strict=True) if name in wanted
            ]
            sheet = whole.read(columns=titles).to_pylist()
    except ReaderError:
        raise
    except Exception as cause:  # what damaged bytes make a decoder raise has no end
        message = (
            f"A whole parquet file is needed; received {str(path)!r}, which cannot be read: {cause}. "
            "Copy or write it again."
        )
        raise ReaderError(message) from cause
    rows = [
        Row(
            number,
            {name.strip().casefold(): text_of(value, state.task) for name, value in row.items()},
            "row",
        )
        for number, row in enumerate(sheet, start=1)
    ]
    return rows_of(path, rows, columns)


_SAID = ("skip", "annotator", "annotators", "token")


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as cause:
        message = (
            "Parquet files need the library 'pyarrow', which is not installed. "
            "Install it with: pip install 'nextlabel[data]'."
        )
        raise MissingExtra(message, extra="data") from cause
    return pyarrow, pyarrow.parquet
