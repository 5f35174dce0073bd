"""Sheets for people: CSV files that a spreadsheet opens, changes and saves, and that lose nothing by it."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from nextlabel.campaign.replacing import place, replacing
from nextlabel.errors import CampaignError, ReaderError
from nextlabel.readers.cells import large_cells
from nextlabel.readers.encodings import lines

__all__ = ["Row", "harmless", "original", "place", "read_header", "read_sheet", "write_sheet"]

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # what makes a spreadsheet calculate, full-width forms included
_SEPARATORS = ",;\t"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@final
@dataclass(frozen=True)
class Row:
    """One row of a sheet.

    Parameters
    ----------
    line : int
        Where it begins in the file, counted from 1; a cell may go on over several lines.
    cells : mapping of str to str
        By the column's name in small letters.
    unit : str
        What is counted: ``"line"``, or for example ``"row"`` or ``"task"`` in files without lines.
    """

    line: int
    cells: Mapping[str, str]
    unit: str = "line"


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `original` gives back what it was.

    Parameters
    ----------
    cell : str

    Returns
    -------
    str
        With an apostrophe before it where a spreadsheet would calculate; numbers stay as they are.

    Examples
    --------
    >>> harmless("=cmd|' /C calc'!A0"), harmless("-3.5"), harmless("fine")
    ("'=cmd|' /C calc'!A0", '-3.5', 'fine')
    """
    return f"'{cell}" if _calculates(cell) else cell


def original(cell: str) -> str:
    """What a cell was before `harmless`; any other cell as it is.

    Examples
    --------
    >>> original("'=cmd"), original("'tis")
    ('=cmd', "'tis")
    """
    return cell[1:] if cell.startswith("'") and _calculates(cell) else cell


def _calculates(cell: str) -> bool:
    """Whether a formula stands there, behind any number of apostrophes: so each more can be told apart."""
    bare = cell.lstrip("'")
    return bare.startswith(_FORMULA) and not _NUMBER.fullmatch(bare)


def write_sheet(
    path: Path,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    is_raw: bool = False,
    replace: bool = False,
) -> int:
    """Write a sheet, whole or not at all, on the disk when this returns.

    Parameters
    ----------
    path : Path
    header : sequence of str
    rows : iterable of sequence of str
        As many cells each as the header has.
    is_raw : bool
        Leave cells as they are, also those that a spreadsheet takes for formulas.
    replace : bool
        Write over a file that is there.

    Returns
    -------
    int
        The number of rows written.

    Raises
    ------
    CampaignError
        The file is there already, or cannot be written, or a cell holds the character NUL.

    Notes
    -----
    UTF-8, with a mark of byte order, without which some spreadsheets misread what is not ASCII. Lines end
    as RFC 4180 says. Memory: one row.
    """
    kept = (lambda cell: cell) if is_raw else harmless
    count = 0
    with replacing(path, replace=replace, encoding="utf-8-sig") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        titles = [kept(title) for title in header]
        is_doubtful = any(mark in title for title in titles for mark in _SEPARATORS[1:])
        quoted = csv.writer(file, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
        (quoted if is_doubtful else writer).writerow(titles)
        for row in rows:
            writer.writerow(map(kept, row))
            count += 1
            if any("\0" in cell for cell in row):
                raise CampaignError(_has_nul(path, count, row))
    return count


def _has_nul(path: Path, number: int, row: Sequence[str]) -> str:
    cell = next(cell for cell in row if "\0" in cell)
    return (
        f"Text in {path} must be free of the character NUL, which no CSV file can hold; row {number} "
        f"holds {cell[:40]!r}. Mend the data, or export to .jsonl or .parquet; nothing was written."
    )


def read_sheet(path: Path, *, needs: Sequence[str] = (), encoding: str | None = None) -> list[Row]:
    """The rows of a sheet as a spreadsheet saved it: any of its encodings and separators.

    Parameters
    ----------
    path : Path
    needs : sequence of str
        Columns that must be there.
    encoding : str, optional
        When left out: UTF-8, or UTF-16 where a mark of byte order says so.

    Returns
    -------
    list of Row
        Cells as they were before `harmless`. Rows without any content are left out.

    Raises
    ------
    ReaderError
        No such file, another encoding, no header, a column missing or doubled, a row of another length.
        The message names the line.
    """
    with large_cells():
        try:
            reader = _reader(path, encoding)
            header = _header(reader)
            _check_header(path, header, needs)
            return list(_rows(path, header, reader))
        except csv.Error as cause:
            raise ReaderError(_unreadable(path, reader.line_num, cause)) from cause


def read_header(path: Path, encoding: str | None = None) -> list[str]:
    """The titles of a sheet's columns, in small letters.

    Parameters
    ----------
    path : Path
    encoding : str, optional
        As for `read_sheet`.

    Raises
    ------
    ReaderError
        No such file, another encoding, or no CSV file.
    """
    with large_cells():
        try:
            reader = _reader(path, encoding)
            return _header(reader)
        except csv.Error as cause:
            raise ReaderError(_unreadable(path, reader.line_num, cause)) from cause


def _reader(path: Path, encoding: str | None) -> Any:
    first = re.sub(r'"[^"]*"', "", next(iter(lines(path, encoding)), ""))
    separator = max(_SEPARATORS, key=first.count)
    return csv.reader(lines(path, encoding), delimiter=separator, strict=True)


def _header(reader: Any) -> list[str]:
    return [original(name.strip()).casefold() for name in next(reader, [])]


def _unreadable(path: Path, line: int, cause: csv.Error) -> str:
    return (
        f"{path}, line {line}, must be a row of a CSV file; it cannot be read: {cause}. "
        "Open the file in a spreadsheet and save it as CSV again."
    )


def _check_header(path: Path, header: Sequence[str], needs: Sequence[str]) -> None:
    lacking = [name for name in needs if name not in header]
    if lacking:
        message = (
            f"{path} must have the columns {' and '.join(needs)} in its first line; received "
            f"{', '.join(filter(None, header)) or 'nothing'}. Add {' and '.join(lacking)}."
        )
        raise ReaderError(message)
    doubled = [name for name in needs if header.count(name) > 1]
    if doubled:
        message = f"{path} must have each column once; {doubled[0]!r} comes twice. Take one away."
        raise ReaderError(message)


def _rows(path: Path, header: Sequence[str], reader: Any) -> Iterator[Row]:
    line = reader.line_num + 1
    for cells in reader:
        if any(cells):
            surplus = [cell for cell in cells[len(header) :] if cell]
            if surplus or len(cells) < len(header):
                message = (
                    f"{path}, line {line}, must have {len(header)} cells as the header has; received "
                    f"{len(cells)}. Put text that holds a separator between double quotes."
                )
                raise ReaderError(message)
            yield Row(line, dict(zip(header, map(original, cells), strict=False)))
        line = reader.line_num + 1
