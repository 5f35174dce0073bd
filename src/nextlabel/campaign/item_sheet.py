"""An exported sheet of items that comes back: what in it is new, and whose that is."""

import re
from typing import TYPE_CHECKING

from nextlabel.campaign.sheets import Row
from nextlabel.core.task import Label

if TYPE_CHECKING:
    from nextlabel.campaign.state import State

__all__ = ["is_item_row", "is_said", "reason_cell", "skip_cell", "whose"]

_SKIPPED = "skipped"
_OTHERS = ("annotator", "token")  # a sheet with one of these says by itself whose its answers are


def reason_cell(reason: str) -> str:
    """The reason of a skip as sheets have it: never empty, which would be an item left for later.

    Examples
    --------
    >>> reason_cell("too dark "), reason_cell("")
    ('too dark', 'skipped')
    """
    return reason.strip() or _SKIPPED


def skip_cell(id: str, state: "State") -> str:
    """What the column ``skip`` says of an item: the reasons, where nobody has answered it.

    Parameters
    ----------
    id : str
    state : State
    """
    if state.answers(id):
        return ""
    return "; ".join(dict.fromkeys(reason_cell(reason) for _, reason in state.skips.get(id, ())))


def is_item_row(row: Row) -> bool:
    """Whether a row is of a sheet of items, whose label is what most annotators say.

    Examples
    --------
    >>> is_item_row(Row(2, {"id": "a", "label": "cat", "annotators": "anna; ben"}))
    True
    """
    return "annotators" in row.cells and not any(name in row.cells for name in _OTHERS)


def is_said(id: str, label: Label | None, reason: str, state: "State") -> bool:
    """Whether a row says what stands already.

    Parameters
    ----------
    id : str
    label : str, tuple of str or None
        None where the row skips the item.
    reason : str
        Empty where it does not.
    state : State
    """
    return state.label(id) == label if label is not None else skip_cell(id, state).strip() == reason


def whose(row: Row, id: str, state: "State", annotator: str) -> str | None:
    """Whose answer a row of items is, once it was changed.

    Parameters
    ----------
    row : Row
        With the column ``annotators``.
    id : str
    state : State
    annotator : str
        Who tells the sheet; empty where nobody says.

    Returns
    -------
    str or None
        The annotator who tells it; else the only one who has answered the item, or, where nobody has answered
        it, skipped it. For an item that nobody in this campaign has spoken of, the one named in the row, or
        nobody where several are. None where several have spoken, so that it cannot be known.
    """
    if annotator:
        return annotator
    said = list(state.answers(id) or dict(state.skips.get(id, ())))
    if said:
        return said[0] if len(said) == 1 else None
    named = re.split(r";\s*", row.cells["annotators"].strip())
    return named[0] if len(named) == 1 else ""
