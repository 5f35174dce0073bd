"""A parquet file as a pool."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow
import pyarrow.compute
import pyarrow.parquet

from nextlabel.errors import ReaderError
from nextlabel.readers.arrays import ArrayPool
from nextlabel.readers.faults import Faults
from nextlabel.readers.files import Source, open_bytes, reading
from nextlabel.readers.table import Parts, Table, table_pool

__all__ = ["parquet"]

_PIECE = 5_000  # rows
_SHARED = 4096  # different cells of a column that are kept once: classes, small integers


def parquet(
    path: Source,
    *,
    id: str | None = None,
    text: str | None = None,
    features: Sequence[str] | None = None,
    label: str | None = None,
    skip_faulty: bool = False,
) -> ArrayPool:
    """The rows of a parquet file.

    Parameters
    ----------
    path : str or path
        A file.
    id : str, optional
        The column that names each item; from the content of the items when left out.
    text : str, optional
        The column whose texts are the items.
    features : sequence of str, optional
        The columns that make the items; all but id and label when left out. Not beside `text`.
    label : str, optional
        The column of labels: never a feature.
    skip_faulty : bool
        Whether rows whose id is empty or comes twice are left out, and listed in the pool's `faults`.

    Returns
    -------
    ArrayPool
        As of a CSV file: texts; numbers; or objects where some column is not of numbers. Null is missing.
        Every column is in `columns`, as text: lists and structures as JSON, bytes in hexadecimal digits.

    Raises
    ------
    ReaderError
        The file is not there or not a whole parquet file, holds a column name or an id twice, no row, an id
        that is empty, or no column of a given name; messages count rows from 1.

    Notes
    -----
    Needs pyarrow (the extra ``data``). Rows are read some ten thousand at a time.
    """
    with open_bytes(path) as file, reading(path):
        try:
            whole = pyarrow.parquet.ParquetFile(file)
            names = whole.schema_arrow.names
            cells = _columns(whole, len(names))
        except Exception as cause:  # what damaged bytes make a decoder raise has no end
            message = (
                f"A whole parquet file is needed; received {str(path)!r}, which cannot be read: {cause}. "
                "Copy or write it again."
            )
            raise ReaderError(message) from cause
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        message = (
            f"The columns of a table must have different names; received {doubled[0]!r} for "
            f"{len(doubled)} columns of {str(path)!r}. Rename one."
        )
        raise ReaderError(message)
    columns = dict(zip(names, cells, strict=True))
    parts = Parts(id, text, features, label, skip_faulty)
    faults = Faults(str(path), "row", is_skipping=skip_faulty)
    table = Table(str(path), columns, range(1, whole.metadata.num_rows + 1), faults)
    return table_pool(table, parts, parts.spec("parquet", path))


def _columns(file: Any, width: int) -> list[list[str]]:
    """All cells by column; those of a column with few different ones are kept once."""
    columns: list[list[str]] = [[] for _ in range(width)]
    shared: list[dict[str, str]] = [{} for _ in range(width)]
    for piece in file.iter_batches(batch_size=_PIECE):
        for column, known, values in zip(columns, shared, piece.columns, strict=True):
            cells = _cells(values)
            if len(known) < _SHARED:
                cells = [known.setdefault(cell, cell) for cell in cells]
            column.extend(cells)
    return columns


def _cells(column: Any) -> list[str]:
    """A column as text; nothing where it is null."""
    kind = column.type.value_type if pyarrow.types.is_dictionary(column.type) else column.type
    if pyarrow.types.is_nested(kind) or "binary" in str(kind):
        return ["" if value is None else _plain(value) for value in column.to_pylist()]
    texts = pyarrow.compute.cast(column, pyarrow.string()).to_pylist()
    return ["" if text is None else text for text in texts]


def _plain(value: Any) -> str:
    """Bytes in hexadecimal digits, lists and structures as JSON, what JSON does not know as text."""
    if isinstance(value, bytes):
        return value.hex()
    return (
        json.dumps(value, ensure_ascii=False, default=_plain)
        if isinstance(value, list | dict)
        else str(value)
    )
