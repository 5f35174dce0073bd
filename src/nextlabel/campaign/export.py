"""What a campaign knows, as a sheet: an item a row, or an answer a row."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nextlabel.campaign.item_sheet import reason_cell, skip_cell
from nextlabel.campaign.sheets import write_sheet
from nextlabel.campaign.shown import Shown, shown
from nextlabel.core.pool import Pool

if TYPE_CHECKING:
    from nextlabel.campaign.state import State

__all__ = ["export_answers", "export_items"]

_ITEM = ("id", "label", "skip", "annotators", "answers", "agreeing", "arm", "batch")
_ANSWER = ("id", "label", "skip", "annotator")
_MEANT = (
    "annotator",
    "token",
)  # columns of the data with these names would be taken for whose answers they are


def export_items(
    state: "State",
    path: Path,
    *,
    pool: Pool | None = None,
    is_whole: bool = False,
    is_raw: bool = False,
    replace: bool = False,
) -> int:
    """Write a row for each item that has an answer or was skipped, in the order of the data.

    Parameters
    ----------
    state : State
    path : Path
    pool : Pool, optional
        Shows the items; ids and answers alone where it is left out.
    is_whole : bool
        All items, those without an answer too.
    is_raw : bool
        Cells as they are, also those that a spreadsheet takes for formulas.
    replace : bool
        Write over a file that is there.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    CampaignError
        The file is there already, or cannot be written; nothing was.

    Notes
    -----
    Columns: ``id``; ``label``, what most annotators say, of equals what was told last; ``skip``, the reason
    of an item passed over; ``annotators``, with semicolons between them; ``answers``, how many; ``agreeing``,
    how many of them say the label; ``arm``, ``active``, ``control`` or nothing where nobody asked;
    ``batch``, the number of the query that asked it, from 1; then the columns of the data. `tell_sheet`
    reads it back.
    """
    items = None if pool is None else shown(pool, taken=(*_ITEM, *_MEANT), is_whole=True)
    header = [*_ITEM, *(items.header if items else ())]
    return write_sheet(path, header, _items(state, items, is_whole), is_raw=is_raw, replace=replace)


def _items(state: "State", items: Shown | None, is_whole: bool) -> Iterator[list[str]]:
    for id in state.roster.ids:
        answers, skips = state.answers(id), state.skips.get(id, ())
        if not (answers or skips or is_whole):
            continue
        label = state.label(id)
        asked = state.asked.get(id)
        yield [
            id,
            "" if label is None else state.task.text(label),
            skip_cell(id, state),
            "; ".join(answers),
            str(len(answers)),
            str(sum(one == label for one in answers.values())),
            asked.arm if asked else "",
            str(asked.round + 1) if asked else "",
            *(items.cells(id) if items else ()),
        ]


def export_answers(state: "State", path: Path, *, is_raw: bool = False, replace: bool = False) -> int:
    """Write a row for each answer and each skip, those of one item together in the order of telling.

    Parameters
    ----------
    state : State
    path : Path
    is_raw : bool
        Cells as they are, also those that a spreadsheet takes for formulas.
    replace : bool
        Write over a file that is there.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    CampaignError
        The file is there already, or cannot be written; nothing was.

    Notes
    -----
    Columns: ``id``, ``label``, ``skip``, ``annotator``. Told to a new campaign over the same items, it gives
    the same answers.
    """
    return write_sheet(path, _ANSWER, _answers(state), is_raw=is_raw, replace=replace)


def _answers(state: "State") -> Iterator[list[str]]:
    for id in state.roster.ids:
        said = state.answers(id).items()
        yield from ([id, state.task.text(label), "", annotator] for annotator, label in said)
        yield from ([id, "", reason_cell(reason), annotator] for annotator, reason in state.skips.get(id, ()))
