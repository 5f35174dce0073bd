"""A query as a sheet for somebody to fill in."""

import re
from collections.abc import Sequence
from pathlib import Path

from nextlabel.campaign.sheets import write_sheet
from nextlabel.campaign.shown import shown
from nextlabel.core.pool import Pool

__all__ = ["MARK", "guarded", "unguarded", "write_batch"]

MARK = "q-"
"""Before the token in a sheet: a spreadsheet would take 1234e5678 for a number, and round it."""

_UNTOUCHED = re.compile(r"0|[1-9]\d{0,14}")
_CHANGED = re.compile(  # numbers, dates and times, months, truth: all but whole numbers of up to 15 digits
    r"(?=.*\d)([-+.,:/%eE\d\s]+|(\d{1,4}[-. /]?)?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
    r"[-. /]?\d*|[\d:\s]+[ap]m?)|true|false",
    re.IGNORECASE,
)

_BEFORE, _AFTER = ("id", "label", "skip"), ("token",)
_MEANT = ("annotator", "annotators")  # what `tell_sheet` would take for who answered


def guarded(id: str) -> str:
    """An id that a spreadsheet saves as it was; `unguarded` gives it back.

    Parameters
    ----------
    id : str

    Returns
    -------
    str
        With an apostrophe before it where a spreadsheet would read another value: it makes 123 of 00123,
        3.4E+18 of 34e17, and a day of SEPT2 and 1-2.

    Examples
    --------
    >>> guarded("00123"), guarded("34e17"), guarded("1-2"), guarded("r12"), guarded("12")
    ("'00123", "'34e17", "'1-2", 'r12', '12')
    """
    return f"'{id}" if _is_changed(id) else id


def unguarded(cell: str) -> str:
    """The id that `guarded` has written so.

    Examples
    --------
    >>> unguarded("'00123"), unguarded("'tis")
    ('00123', "'tis")
    """
    return cell[1:] if cell.startswith("'") and _is_changed(cell) else cell


def _is_changed(id: str) -> bool:
    """Whether a spreadsheet saves another value, behind any number of apostrophes."""
    bare = id.lstrip("'")
    return bool(_CHANGED.fullmatch(bare)) and not _UNTOUCHED.fullmatch(bare)


def write_batch(path: Path, ids: Sequence[str], token: str, pool: Pool) -> None:
    """Write the items of a query, a row each, with empty cells for the answers.

    Parameters
    ----------
    path : Path
        A new file.
    ids : sequence of str
        The items, in the order they are asked in.
    token : str
        Names the query.
    pool : Pool
        Shows the items: texts and the cells of rows; images and rows without names are known by their ids.

    Raises
    ------
    CampaignError
        The file is there already, or cannot be written; nothing was.

    Notes
    -----
    Columns: ``id``, ``label``, ``skip``, those of the item, ``token``. `tell_sheet` reads it. Control items
    look like all others.
    """
    items = shown(pool, taken=(*_BEFORE, *_AFTER, *_MEANT))
    rows = ([guarded(id), "", "", *items.cells(id), f"{MARK}{token}"] for id in ids)
    write_sheet(path, [*_BEFORE, *items.header, *_AFTER], rows)
