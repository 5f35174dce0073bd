"""A query as a sheet for somebody to fill in."""

from collections.abc import Sequence
from pathlib import Path

from nextlabel.campaign.sheets import write_sheet
from nextlabel.campaign.shown import shown
from nextlabel.core.pool import Pool

__all__ = ["MARK", "write_batch"]

MARK = "q-"
"""Before the token in a sheet: a spreadsheet would take 1234e5678 for a number, and round it."""

_BEFORE, _AFTER = ("id", "label", "skip"), ("token",)


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
    items = shown(pool, taken=(*_BEFORE, *_AFTER))
    rows = ([id, "", "", *items.cells(id), f"{MARK}{token}"] for id in ids)
    write_sheet(path, [*_BEFORE, *items.header, *_AFTER], rows)
