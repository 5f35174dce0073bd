"""Sheets for people: CSV files that a spreadsheet opens, changes and saves, and that lose nothing by it."""

import csv
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, final

from nextlabel.errors import CampaignError, ReaderError
from nextlabel.readers.cells import large_cells
from nextlabel.readers.encodings import lines

__all__ = ["Row", "harmless", "original", "place", "read_sheet", "write_sheet"]

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # what makes a spreadsheet calculate, full-width forms included
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
    """

    line: int
    cells: Mapping[str, str]


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
        The file is there already, or cannot be written.

    Notes
    -----
    UTF-8, with a mark of byte order, without which some spreadsheets misread what is not ASCII. Lines end
    as RFC 4180 says. Memory: one row.
    """
    if path.exists() and not replace:
        raise CampaignError(_is_there(path))
    kept = (lambda cell: cell) if is_raw else harmless
    count = 0
    with _replacing(path, replace) as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(map(kept, header))
        for row in rows:
            writer.writerow(map(kept, row))
            count += 1
    return count


@contextmanager
def _replacing(path: Path, replace: bool) -> Iterator[IO[str]]:
    """A new file beside the path, which takes its place when the block ends well."""
    made: Path | None = None
    try:
        with NamedTemporaryFile(
            "w", encoding="utf-8-sig", newline="", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            made = Path(file.name)
            yield file
            file.flush()
            os.fsync(file.fileno())
        made.chmod(0o666 & ~_umask())
        if replace:
            made.replace(path)
        else:
            place(made, path)
        _settled(path.parent)
    except FileExistsError as cause:
        raise CampaignError(_is_there(path)) from cause
    except UnicodeEncodeError as cause:
        message = (
            f"{path} must be text in UTF-8; {cause.object[cause.start : cause.end]!r} has no place there. "
            "Mend the data; nothing was written."
        )
        raise CampaignError(message) from cause
    except OSError as cause:
        message = (
            f"{path} must be a file that can be written; the system says: {cause.strerror or cause}. "
            "Make room, or name another place; nothing was written."
        )
        raise CampaignError(message) from cause
    finally:
        if made is not None:
            with suppress(OSError):  # it has taken its place
                made.unlink()


def place(made: Path, path: Path) -> None:
    """Give a finished file its name; the file may stay under its old name too.

    Parameters
    ----------
    made, path : Path
        In one folder.

    Raises
    ------
    FileExistsError
        Somebody was faster: the name is taken.
    """
    try:
        os.link(made, path)  # fails where the name is taken, as a rename would not
    except FileExistsError:
        raise
    except OSError:  # a file system without links, as on many memory sticks
        if path.exists():
            raise FileExistsError(str(path)) from None
        made.rename(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _settled(folder: Path) -> None:
    """Have the system write down that the folder has a new file."""
    with suppress(OSError):  # not every system opens folders
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _is_there(path: Path) -> str:
    return f"{path} must be a new file; it is there already. Name another, or move it away first."


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
    first = next(iter(lines(path, encoding)), "")
    separator = max(",;\t", key=first.count)
    reader = csv.reader(lines(path, encoding), delimiter=separator, strict=True)
    with large_cells():
        try:
            header = [original(name.strip()).casefold() for name in next(reader, [])]
            _check_header(path, header, needs)
            return list(_rows(path, header, reader))
        except csv.Error as cause:
            message = (
                f"{path}, line {reader.line_num}, must be a row of a CSV file; it cannot be read: {cause}. "
                "Open the file in a spreadsheet and save it as CSV again."
            )
            raise ReaderError(message) from cause


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
