"""Tables with commas, semicolons or tabs between the cells, as a pool."""

import re
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain

from nextlabel.errors import ReaderError
from nextlabel.readers.arrays import ArrayPool
from nextlabel.readers.encodings import Encoding, encoding_of, raw_lines
from nextlabel.readers.faults import Faults
from nextlabel.readers.files import Source
from nextlabel.readers.header import column_names
from nextlabel.readers.rows import Row, Rows
from nextlabel.readers.table import Parts, Table, table_pool

__all__ = ["csv", "tsv"]

_SHARED = 4096  # different cells of a column that are kept once: classes, small integers


def csv(
    path: Source,
    *,
    id: str | None = None,
    text: str | None = None,
    features: Sequence[str] | None = None,
    label: str | None = None,
    encoding: str | None = None,
    skip_faulty: bool = False,
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
        When left out: what the byte-order mark says, else UTF-16 or UTF-8 by the bytes, else what they
        can only be by the letters of one language. What was found so stands in the source.
    skip_faulty : bool
        Whether rows that cannot be read are left out, and listed in the pool's `faults`. When false, one
        such row refuses the file.

    Returns
    -------
    ArrayPool
        Items are texts (n,); or numbers (n, d), missing ones NaN; or, where some column is not of
        numbers, objects (n, d): floats (missing: NaN) and strings (missing: None). Empty cells and
        ``?`` are missing. Every column is in `columns`, as text.

    Raises
    ------
    ReaderError
        The file is not there, empty, of an encoding that nobody can tell, has rows of unequal length, an
        unclosed quote, a zero byte, a column name or an id twice, or no column of a given name; the message
        says where, the attribute `faults` lists all rows at fault.

    Notes
    -----
    Semicolons count where the header has no comma; numbers may then have a decimal comma. Cells may
    hold line ends within quotes; empty lines are passed over. A cell may have 16 million characters.
    Two rows that differ in nothing that makes the item have ids that end in ``-2``, ``-3`` and on.
    A row whose quote is never closed ends where the next quote makes no sense; its further lines are read
    again as rows.
    A million rows of a text of 100 characters, a label and a number: about 5 s and 0.5 GB.
    """
    parts = Parts(id, text, features, label, skip_faulty)
    found = encoding_of(path, encoding, is_skipping=skip_faulty)
    table = _read(path, found, parts, _delimiter(path, found), quoted=True)
    return table_pool(table, parts, parts.spec("csv", path, encoding=found.to_say(encoding)))


def tsv(
    path: Source,
    *,
    id: str | None = None,
    text: str | None = None,
    features: Sequence[str] | None = None,
    label: str | None = None,
    encoding: str | None = None,
    quoted: bool = True,
    skip_faulty: bool = False,
) -> ArrayPool:
    """The rows of a file with tabs between the cells; the first row names the columns.

    Parameters
    ----------
    path : str or path
        A file; compressed where its name ends in ``.gz``.
    id, text, features, label, encoding, skip_faulty
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
    parts = Parts(id, text, features, label, skip_faulty)
    found = encoding_of(path, encoding, is_skipping=skip_faulty)
    table = _read(path, found, parts, "\t", quoted=quoted)
    said = parts.spec("tsv", path, encoding=found.to_say(encoding), quoted=quoted and None)
    return table_pool(table, parts, said)


def _delimiter(path: Source, encoding: Encoding) -> str:
    """A comma; a semicolon where only that divides the header."""
    header = next((line for line in raw_lines(path, encoding) if line.strip()), "")
    unquoted = re.sub('"[^"]*"', "", header)
    return ";" if ";" in unquoted and "," not in unquoted else ","


def _read(path: Source, encoding: Encoding, parts: Parts, delimiter: str, *, quoted: bool) -> Table:
    faults = Faults(str(path), is_skipping=parts.skip_faulty)
    text = raw_lines(path, encoding)
    pieces = Rows(text, faults, delimiter, is_quoted=quoted, is_damaged=encoding.is_damaged).pieces()
    first = next(pieces, [])
    if faults.total and (not first or faults[0].line < first[0][0]):
        faults.refuse(always=True)  # which row names the columns is not known
    if not first:
        message = (
            f"A table needs a row of column names and rows of items; received {str(path)!r}, which is empty. "
            "Check how it was written."
        )
        raise ReaderError(message)
    names = column_names(first.pop(0)[1], path)
    begins, columns = _columns(chain([first], pieces), len(names), faults)
    faults.refuse()
    return Table(str(path), dict(zip(names, columns, strict=True)), begins, faults, comma=delimiter == ";")


def _columns(
    pieces: Iterator[list[Row]], width: int, faults: Faults
) -> tuple[Sequence[int], list[list[str]]]:
    """The cells by column and the lines where rows begin; none from where the file is to be refused."""
    begins = array("q")
    columns: list[list[str]] = [[] for _ in range(width)]
    shared: list[dict[str, str]] = [{} for _ in range(width)]
    for piece in pieces:
        even = [row for row in piece if len(row[1]) == width]
        if len(even) < len(piece):
            _add_ragged(piece, width, faults)
        if faults.is_refused or not even:
            continue
        begins.extend(line for line, _ in even)
        for column, known, cells in zip(
            columns, shared, zip(*(row for _, row in even), strict=True), strict=True
        ):
            if len(known) < _SHARED:
                column.extend(known.setdefault(cell, cell) for cell in cells)
            else:
                column.extend(cells)
    return begins, columns


def _add_ragged(piece: Sequence[Row], width: int, faults: Faults) -> None:
    for line, row in piece:
        if len(row) != width:
            cells = "1 cell" if len(row) == 1 else f"{len(row):,} cells"
            faults.add(line, "cells", f"{cells}, where the first row has {width}")
