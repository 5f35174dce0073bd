"""Lines to rows of cells: what is no row is a fault, and what follows it is read on."""

import csv
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any, final

from nextlabel.readers.cells import LARGEST_CELL, large_cells
from nextlabel.readers.encodings import escaped, wrong_text
from nextlabel.readers.faults import Faults

__all__ = ["Row", "Rows"]

Row = tuple[int, list[str]]
"""The line where it begins, and its cells."""

_PIECE = 10_000
_AGAIN = (
    10_000  # lines that may be read twice, beside one for each line: so that many quotes never closed end
)


@final
class Rows:
    """The rows of a table of text, with the lines where they begin.

    Parameters
    ----------
    text : iterator of str
        Lines with their ends.
    faults : Faults
        Takes down the rows that cannot be read; they are left out.
    delimiter : str
        One character.
    is_quoted : bool
        Whether a cell may stand in double quotes.
    is_damaged : bool
        Whether lines may hold bytes that are not of the file's encoding.

    Notes
    -----
    After a row whose quotes are wrong, reading begins anew at its second line. Time O(lines), since no more
    than one line for each other, and ten thousand, are read twice; beyond that a wrong row takes all its
    lines with it. Memory: one row, and 10,000 for a piece.
    """

    def __init__(
        self,
        text: Iterator[str],
        faults: Faults,
        delimiter: str,
        *,
        is_quoted: bool,
        is_damaged: bool = False,
    ) -> None:
        self._text = text
        self._faults = faults
        self._wrong = _either if is_damaged else wrong_text
        self._style: dict[str, Any] = {
            "delimiter": delimiter,
            "quoting": csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE,
            "strict": True,
        }
        self._read = 0  # lines of rows that are done with
        self._again = 0
        self._held: list[str] = []  # the lines of the row that is being read
        self._waiting: deque[str] = deque()  # lines that are read again
        self._found: tuple[str, str] | None = None  # what is wrong with one of the lines held

    def pieces(self) -> Iterator[list[Row]]:
        """Some thousand rows at a time; lines without anything are passed over.

        Yields
        ------
        list of Row
            None is empty.
        """
        while True:
            before = self._read
            piece: list[Row] = []
            with large_cells():
                for row in islice(self._rows(), _PIECE):
                    if row[1]:
                        piece.append(row)
            if self._read == before:
                return
            if piece:
                yield piece

    def _rows(self) -> Iterator[Row]:
        held = self._held
        reader = csv.reader(self._lines(), **self._style)
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as cause:
                self._refuse(cause)
                reader = csv.reader(self._lines(), **self._style)
                yield self._read, []  # so that what is asked for a piece ends
                continue
            begins = self._read + 1
            self._read += len(held)
            held.clear()
            if self._found is not None:
                self._faults.add(begins, *self._found)
                self._found = None
                row = []
            yield begins, row

    def _lines(self) -> Iterator[str]:
        waiting, held, wrong = self._waiting, self._held, self._wrong
        while True:
            line = waiting.popleft() if waiting else next(self._text, None)
            if line is None:
                return
            self._found = self._found or wrong(line)
            held.append(line)
            yield line

    def _refuse(self, cause: Exception) -> None:
        """Take down a row that is none, and put back its lines but the first."""
        begins, held = self._read + 1, self._held
        if self._found is not None:
            self._faults.add(begins, *self._found)
        else:
            self._faults.add(begins, "quotes", self._words(begins + len(held) - 1, cause))
        again = held[1:] if self._again + len(held) <= _AGAIN + self._read else []
        self._again += len(again)
        self._waiting.extendleft(reversed(again))
        self._read += len(held) - len(again)
        held.clear()
        self._found = None

    def _words(self, ends: int, cause: Exception) -> str:
        if "field limit" in str(cause):
            return f"a cell of more than {LARGEST_CELL:,} characters, up to line {ends}"
        unquoted = "; where quotes mean nothing, say quoted=False" if self._style["delimiter"] == "\t" else ""
        return f"quotes that are no pair, up to line {ends} ({cause}{unquoted})"


def _either(line: str) -> tuple[str, str] | None:
    return wrong_text(line) or escaped(line)
