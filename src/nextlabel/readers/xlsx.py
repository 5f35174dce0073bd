"""A sheet of an xlsx workbook as a pool."""

import datetime
import warnings
import zipfile
from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import openpyxl

from nextlabel.errors import ReaderError
from nextlabel.readers.arrays import ArrayPool
from nextlabel.readers.faults import Faults
from nextlabel.readers.files import Source, open_bytes, reading
from nextlabel.readers.header import column_names
from nextlabel.readers.table import Parts, Table, table_pool
from nextlabel.readers.zipped import opened_archive, require_plain_xml

__all__ = ["xlsx"]

_MOST_ROWS = 1 << 20  # of the format itself
_ERRORS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#GETTING_DATA", "#SPILL!", "#CALC!")
_MISSING = "#N/A"
_FORMULA = (b"<f>", b"<f ", b":f>", b":f ")
_PIECE = 1 << 20
_EXACT = 1 << 53


def xlsx(
    path: Source,
    *,
    sheet: str | None = None,
    id: str | None = None,
    text: str | None = None,
    features: Sequence[str] | None = None,
    label: str | None = None,
    skip_faulty: bool = False,
) -> ArrayPool:
    """The rows of one sheet of a workbook; the first row that is not empty names the columns.

    Parameters
    ----------
    path : str or path
        A file in Excel's format of 2007 and later.
    sheet : str, optional
        The name of the sheet; the first that is not hidden when left out.
    id : str, optional
        The column that names each item; from the content of the items when left out.
    text : str, optional
        The column whose texts are the items.
    features : sequence of str, optional
        The columns that make the items; all but id and label when left out. Not beside `text`.
    label : str, optional
        The column of labels: never a feature.
    skip_faulty : bool
        Whether rows at fault are left out, and listed in the pool's `faults`. When false, one such row
        refuses the file.

    Returns
    -------
    ArrayPool
        As of a CSV file: texts; numbers; or objects where some column is not of numbers. Every column is in
        `columns`, as text: whole numbers without a decimal point, dates and times as ISO 8601 has them,
        ``true`` and ``false``, formulas as the values that the spreadsheet computed; ``#N/A`` is missing.

    Raises
    ------
    ReaderError
        The file is not there, no whole workbook, encrypted, or unpacks to more than a gigabyte or 10,000
        parts or 200 times its size; there is no such sheet or nothing in it; a column name or an id comes
        twice; a cell holds an error value, or a formula that was never computed; or there is no column of
        a given name. Messages count rows as the spreadsheet does.

    Notes
    -----
    Needs openpyxl (the extra ``data``). Rows are read one by one; of merged cells the first holds the
    value, as in the file. Empty rows are passed over, empty columns without a name left out. Nothing is
    computed, no link followed, no macro run, no picture read. About 15 s for a million cells.
    """
    parts = Parts(id, text, features, label, skip_faulty)
    faults = Faults(str(path), "row", is_skipping=skip_faulty)
    with open_bytes(path) as file, reading(path), opened_archive(file, path) as archive:
        require_plain_xml(archive, path)
        try:
            table = _table(archive, file, path, sheet, faults)
        except ReaderError:
            raise
        except Exception as cause:  # what damaged XML makes a parser raise has no end
            message = (
                f"A whole xlsx workbook is needed; received {str(path)!r}, which cannot be read: {cause}. "
                "Open it in a spreadsheet and save it again."
            )
            raise ReaderError(message) from cause
    return table_pool(table, parts, parts.spec("xlsx", path, sheet=sheet))


def _table(archive: zipfile.ZipFile, file: Any, path: Source, sheet: str | None, faults: Faults) -> Table:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions that nobody reads here
        rows = _rows(_sheet(file, path, sheet, with_values=True), faults)
        header = next(rows, None)
        faults.refuse(always=True)  # which row names the columns is not known
        if header is None:
            message = (
                "A sheet needs a row of column names and rows of items; received one without anything in "
                f"{str(path)!r}. Name another with sheet= (--sheet)."
            )
            raise ReaderError(message)
        width = len(header[1])
        names = column_names(header[1], path)
        begins, columns = array("q"), [list[str]() for _ in names]
        for number, cells in rows:
            if any(cells[width:]):
                faults.add(number, "cells", f"a value right of the {width} columns with a name")
            else:
                begins.append(number)
                for column, cell in zip(columns, [*cells, *[""] * (width - len(cells))], strict=False):
                    column.append(cell)
        if any(_has_formula(archive, part) for part in archive.namelist()):
            wrong = _uncomputed(_sheet(file, path, sheet, with_values=False), begins, columns, faults)
            keep = [place for place, number in enumerate(begins) if number not in wrong]
            begins = array("q", [begins[place] for place in keep])
            columns = [[column[place] for place in keep] for column in columns]
    faults.refuse()
    return Table(str(path), dict(zip(names, columns, strict=True)), begins, faults)


def _sheet(file: Any, path: Source, name: str | None, *, with_values: bool) -> Any:
    file.seek(0)
    book = openpyxl.load_workbook(file, read_only=True, data_only=with_values, keep_links=False)
    if name is not None and name not in book.sheetnames:
        message = (
            f"The sheet must be one of those of {str(path)!r}; received {name!r}. "
            f"The sheets are: {', '.join(book.sheetnames)}."
        )
        raise ReaderError(message)
    tables = [one for one in book.worksheets if name in (None, one.title)]
    if not tables:
        message = (
            f"A sheet with cells is needed; received {str(path)!r}, where {name!r} has none. Name another."
        )
        raise ReaderError(message)
    chosen = next((one for one in tables if one.sheet_state == "visible"), tables[0])
    chosen.reset_dimensions()  # what a file says of its size may be wrong
    return chosen


def _values(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The rows that are not empty, numbered as in the spreadsheet."""
    for number, row in enumerate(sheet.iter_rows(values_only=True, max_row=_MOST_ROWS), start=1):
        if any(value is not None and value != "" for value in row):
            yield number, row


def _rows(sheet: Any, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    """The rows as text, those with an error value left out; cells at the end that are empty cut off."""
    for number, row in _values(sheet):
        cells = [_as_text(value) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        wrong = next((place for place, cell in enumerate(cells) if cell in _ERRORS), None)
        if wrong is not None:
            faults.add(number, "error value", f"the error {cells[wrong]} in column {_letter(wrong)}")
        elif cells:
            yield number, cells


def _uncomputed(sheet: Any, begins: Sequence[int], columns: list[list[str]], faults: Faults) -> set[int]:
    """The rows with a formula whose value is not in the file."""
    wrong: set[int] = set()
    places = {number: place for place, number in enumerate(begins)}
    for number, row in _values(sheet):
        place = places.get(number)
        if place is None:
            continue
        for at, (value, column) in enumerate(zip(row, columns, strict=False)):
            if not column[place] and _is_formula(value):
                faults.add(number, "formula", f"a formula without its value in column {_letter(at)}")
                wrong.add(number)
                break
    return wrong


def _is_formula(value: Any) -> bool:
    return not isinstance(value, str | int | float | datetime.date | datetime.time | None) or (
        isinstance(value, str) and value.startswith("=")
    )


def _has_formula(archive: zipfile.ZipFile, part: str) -> bool:
    """Whether a sheet's XML holds the element of a formula."""
    if not part.lower().startswith("xl/worksheets/"):
        return False
    with archive.open(part) as file:
        before = b""
        while piece := file.read(_PIECE):
            if any(mark in before + piece for mark in _FORMULA):
                return True
            before = piece[-3:]
    return False


def _letter(place: int) -> str:
    return str(openpyxl.utils.get_column_letter(place + 1))


def _as_text(value: Any) -> str:
    """A cell as text: nothing where it is empty or not available."""
    if value is None or value == _MISSING:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, datetime.datetime):
        is_day = value.time() == datetime.time()
        return value.date().isoformat() if is_day else value.isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return str(value)
