"""Tables with commas, semicolons or tabs between the cells, as a pool."""

import csv as standard
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from nextlabel.errors import ReaderError
from nextlabel.readers.arrays import ArrayPool
from nextlabel.readers.cells import LARGEST_CELL, large_cells
from nextlabel.readers.encodings import lines
from nextlabel.readers.files import Source
from nextlabel.readers.table import Parts, Table, table_pool

__all__ = ["csv", "tsv"]

_PIECE = 10_000  # rows that are turned into columns at a time
_SHARED = 4096  # different cells of a column that are kept once: classes, small integers
_SHOWN = 5  # faulty rows that a message lists
_Row = tuple[int, list[str]]  # the line where it begins, and its cells


def csv(
    path: Source,
    *,
    id: str | None = None,
    text: str | None = None,
    features: Sequence[str] | None = None,
    label: str | None = None,
    encoding: str | None = None,
) -> ArrayPool:
    """The rows of a CSV file: commas between the cells, or semicolons; the first row names the columns.

    Parameters
    ----------
    path : str or path
        A file; compressed where its name ends in ``.gz``.
    id : str, optional
        The column that names each item; from the content of the items when left out.
    text : str, optional
        The column whose texts are the items.
    features : sequence of str, optional
        The columns that make the items; all but id and label when left out. Not beside `text`.
    label : str, optional
        The column of labels: never a feature.
    encoding : str, optional
        UTF-8, or what the byte-order mark says, when left out.

    Returns
    -------
    ArrayPool
        Items are texts (n,); or numbers (n, d), missing ones NaN; or, where some column is not of
        numbers, objects (n, d): floats (missing: NaN) and strings (missing: None). Empty cells and
        ``?`` are missing. Every column is in `columns`, as text.

    Raises
    ------
    ReaderError
        The file is not there, empty, of another encoding, has rows of unequal length, an unclosed quote,
        a zero byte, a column name or an id twice, or no column of a given name; the message says where.

    Notes
    -----
    Semicolons count where the header has no comma; numbers may then have a decimal comma. Cells may
    hold line ends within quotes; empty lines are passed over. A cell may have 16 million characters.
    Two rows that differ in nothing that makes the item have ids that end in ``-2``, ``-3`` and on.
    A million rows of a text of 100 characters, a label and a number: about 6 s and 0.6 GB.
    """
    parts = Parts(id, text, features, label)
    delimiter = _delimiter(path, encoding)
    table = _read(path, encoding, delimiter, quoted=True)
    return table_pool(table, parts, parts.spec("csv", path, encoding=encoding))


def tsv(
    path: Source,
    *,
    id: str | None = None,
    text: str | None = None,
    features: Sequence[str] | None = None,
    label: str | None = None,
    encoding: str | None = None,
    quoted: bool = True,
) -> ArrayPool:
    """The rows of a file with tabs between the cells; the first row names the columns.

    Parameters
    ----------
    path : str or path
        A file; compressed where its name ends in ``.gz``.
    id, text, features, label, encoding
        As of `csv`.
    quoted : bool
        Whether a cell may stand in double quotes, as spreadsheets write it. False where quotes are
        characters like others.

    Returns
    -------
    ArrayPool
        As of `csv`.

    Raises
    ------
    ReaderError
        As of `csv`.
    """
    parts = Parts(id, text, features, label)
    table = _read(path, encoding, "\t", quoted=quoted)
    return table_pool(table, parts, parts.spec("tsv", path, encoding=encoding, quoted=quoted and None))


def _delimiter(path: Source, encoding: str | None) -> str:
    """A comma; a semicolon where only that divides the header."""
    header = next((line for line in lines(path, encoding) if line.strip()), "")
    unquoted = re.sub('"[^"]*"', "", header)
    return ";" if ";" in unquoted and "," not in unquoted else ","


def _read(path: Source, encoding: str | None, delimiter: str, *, quoted: bool) -> Table:
    pieces = _pieces(path, encoding, delimiter, quoted=quoted)
    first = next(pieces, None)
    if first is None:
        message = (
            f"A table needs a row of column names and rows of items; received {str(path)!r}, which is empty. "
            "Check how it was written."
        )
        raise ReaderError(message)
    names = _names(first.pop(0)[1], path)
    begins = array("q")
    columns: list[list[str]] = [[] for _ in names]
    shared: list[dict[str, str]] = [{} for _ in names]
    for piece in chain([first] if first else [], pieces):
        _require_even(piece, pieces, len(names), path)
        begins.extend(line for line, _ in piece)
        by_column = zip(*(row for _, row in piece), strict=True)
        for column, known, cells in zip(columns, shared, by_column, strict=True):
            if len(known) < _SHARED:
                column.extend(known.setdefault(cell, cell) for cell in cells)
            else:
                column.extend(cells)
    return Table(str(path), dict(zip(names, columns, strict=True)), begins, comma=delimiter == ";")


def _names(header: Sequence[str], path: Source) -> list[str]:
    names = [cell.strip() or f"column {place}" for place, cell in enumerate(header, start=1)]
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        places = [str(place) for place, one in enumerate(names, start=1) if one == name]
        message = (
            f"The columns of a table must have different names; received {name!r} for the columns "
            f"{' and '.join(places)} of {str(path)!r}. Rename one in the first row."
        )
        raise ReaderError(message)
    return names


def _require_even(piece: list[_Row], pieces: Iterator[list[_Row]], expected: int, path: Source) -> None:
    faulty = [(line, len(row)) for line, row in piece if len(row) != expected]
    if not faulty:
        return
    shown = "; ".join(f"{count} in line {line}" for line, count in faulty[:_SHOWN])
    more = len(faulty) - _SHOWN + sum(len(row) != expected for rest in pieces for _, row in rest)
    message = (
        f"Every row needs {expected} cells, as many as the first row has names; received {shown}"
        f"{f'; and {more:,} more' if more > 0 else ''} of {str(path)!r}. Mend these lines; a cell that holds "
        "the delimiter or a line end must stand in double quotes."
    )
    raise ReaderError(message)


def _pieces(path: Source, encoding: str | None, delimiter: str, *, quoted: bool) -> Iterator[list[_Row]]:
    """Some thousand rows at a time; lines without anything are passed over."""
    style: dict[str, Any] = {"quoting": standard.QUOTE_MINIMAL if quoted else standard.QUOTE_NONE}
    reader = standard.reader(lines(path, encoding), delimiter=delimiter, strict=True, **style)
    while True:
        piece: list[_Row] = []
        start = begins = reader.line_num + 1
        try:
            with large_cells():
                for row in islice(reader, _PIECE):
                    if row:
                        piece.append((begins, row))
                    begins = reader.line_num + 1
        except standard.Error as cause:
            raise ReaderError(_unreadable(path, begins, reader.line_num, delimiter, cause)) from cause
        if begins == start:
            return
        if piece:
            yield piece


def _unreadable(path: Source, begins: int, at: int, delimiter: str, cause: Exception) -> str:
    unquoted = " or, where quotes mean nothing, say quoted=False" if delimiter == "\t" else ""
    return (
        f"A row needs its quotes in pairs, and cells below {LARGEST_CELL:,} characters; received one in line "
        f"{begins} of {str(path)!r} that cannot be read, up to line {at}: {cause}. Close the quote, double a "
        f"quote that belongs to the text{unquoted}."
    )
