"""What is wrong with the rows of a file: each fault with its place, and one message for all."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final, overload

from nextlabel.errors import ReaderError

__all__ = ["MENDS", "Fault", "Faults"]

_KEPT = 10_000  # faults that are held: a file of nothing else must not fill the memory
_SHOWN = 5
_LONGEST = 120  # characters of what was seen

MENDS = {
    "cells": "A cell that holds the delimiter or a line end must stand in double quotes.",
    "quotes": "Close the quote, or double a quote that belongs to the text.",
    "zero byte": "Take the zero byte out; it is no text.",
    "too long": "Check that the file has line ends and that its quotes come in pairs.",
    "bytes": "Save the file in one encoding, best UTF-8.",
    "JSON": "Write one JSON object a line, each key once.",
    "id": "Fill in or rename the id, or leave the id column out.",
    "formula": "Let the spreadsheet calculate and save the file once more.",
    "error value": "Mend the formula in the spreadsheet.",
    "image": "Repair the image, or take it out.",
    "path": "Name a file in the folder, or below it, by its path from there.",
}
"""What a row can have wrong, and how it is mended."""


@final
@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a file.

    Parameters
    ----------
    line : int
        Where the row begins, from 1; in formats without lines, the number of the row or file; 0 where
        there is none.
    what : str
        A key of `MENDS`.
    seen : str
        What was found there, in words.
    """

    line: int
    what: str
    seen: str


@final
class Faults(Sequence[Fault]):
    """The faults of one file, in the order in which they were found.

    At most 10,000 are held; `total` counts all.

    Parameters
    ----------
    path : str
        The file, for messages.
    unit : str
        What `Fault.line` counts: ``"line"``, ``"row"`` or ``"file"``.
    is_skipping : bool
        Whether the rest of the file is wanted all the same.
    """

    def __init__(self, path: str, unit: str = "line", *, is_skipping: bool = False) -> None:
        self.path = path
        self.unit = unit
        self.is_skipping = is_skipping
        self.total = 0
        self._held: list[Fault] = []

    @overload
    def __getitem__(self, index: int) -> Fault: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Fault]: ...
    def __getitem__(self, index: int | slice) -> Fault | Sequence[Fault]:
        """One of the faults that are held, or some."""
        return self._held[index]

    def __iter__(self) -> Iterator[Fault]:
        """Over the faults that are held."""
        return iter(self._held)

    def __len__(self) -> int:
        """The number of faults that are held."""
        return len(self._held)

    @property
    def is_refused(self) -> bool:
        """Whether there are faults and nobody has said that the rest is wanted."""
        return bool(self.total) and not self.is_skipping

    def add(self, line: int, what: str, seen: str) -> None:
        """Take down one fault.

        Parameters
        ----------
        line : int
            Where the row begins.
        what : str
            A key of `MENDS`.
        seen : str
            What was found there; its middle is left out where it is long.
        """
        self.total += 1
        if len(self._held) < _KEPT:
            half = _LONGEST // 2
            short = seen if len(seen) <= _LONGEST else f"{seen[:half]} ... {seen[-half:]}"
            self._held.append(Fault(line, what, short))

    def refuse(self, *, always: bool = False) -> None:
        """Refuse the file where there are faults, unless they are to be skipped.

        Parameters
        ----------
        always : bool
            Also where they are to be skipped: nothing of the file can be used.

        Raises
        ------
        ReaderError
            There are faults; the message shows the first five, the attribute `faults` is this object.
        """
        if self.total and (always or not self.is_skipping):
            raise ReaderError(self._message(always=always), faults=self)

    def words(self) -> str:
        """The first five faults in words, and how many more there are."""
        shown = [
            f"{self.unit} {one.line}: {one.seen}" if one.line else one.seen for one in self._held[:_SHOWN]
        ]
        more = self.total - len(shown)
        return "; ".join(shown) + (f"; and {more:,} more" if more else "")

    def write(self, path: str | Path) -> None:
        """A csv report with the columns line, fault and seen.

        Parameters
        ----------
        path : str or path
            Overwritten where it is there. A last row says how many faults are not held.
        """
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            report = csv.writer(file)
            report.writerow([self.unit, "fault", "seen"])
            # what a spreadsheet would calculate is set behind an apostrophe
            report.writerows(
                [one.line, one.what, f"'{one.seen}" if one.seen[:1] in "=+-@\t\r" else one.seen]
                for one in self._held
            )
            if self.total > len(self._held):
                report.writerow(["", "", f"and {self.total - len(self._held):,} more"])

    def _message(self, *, always: bool) -> str:
        kinds = dict.fromkeys(one.what for one in self._held)
        mends = " ".join(MENDS[kind] for kind in kinds)
        skip = "" if always else " Or leave such rows out with skip_faulty=True (--skip-faulty)."
        are = "that is not" if self.total == 1 else "that are not"
        return (
            f"Every row must be readable; received {self.total:,} of {self.path!r} {are}: {self.words()}. "
            f"{mends}{skip}"
        )
