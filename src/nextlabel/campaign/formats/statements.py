"""What each annotator says of an item now, and when it was said."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, final

from nextlabel.core.store import Entry
from nextlabel.core.task import Label

if TYPE_CHECKING:
    from nextlabel.campaign.state import State

__all__ = ["Statement", "Statements", "moment", "statements"]

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


@final
@dataclass(frozen=True)
class Statement:
    """What one annotator says of one item.

    Parameters
    ----------
    annotator : str
    label : label or None
        None for a skip.
    reason : str
        Of a skip.
    at : float or None
        When it was written, in seconds since 1970; None where the entries given do not say.
    seconds : float or None
        What it took: of answers told together, each an equal part.
    position : int
        Its entry's place in the journal, from 0; −1 where the entries given do not say.
    """

    annotator: str
    label: Label | None
    reason: str = ""
    at: float | None = None
    seconds: float | None = None
    position: int = -1


Statements = dict[str, tuple[Statement, ...]]
"""By id: the answers in the order of telling, then the skips."""

_Written = tuple[float, float | None, int]


def statements(state: "State", entries: Iterable[Entry]) -> Statements:
    """All that annotators say now.

    Parameters
    ----------
    state : State
    entries : iterable of Entry
        The journal that the state was folded from; without them nothing is known of times.

    Returns
    -------
    dict of str to tuple of Statement
        Items that nobody has spoken of are not in it. Where a statement was restored, its time is that of
        the restoring.

    Notes
    -----
    One pass over the journal; memory for what was told and skipped.
    """
    told: dict[tuple[str, str], _Written] = {}
    skipped: dict[tuple[str, str], _Written] = {}
    for position, entry in enumerate(entries):
        if entry["event"] == "told":
            seconds = entry.get("seconds")
            each = None if seconds is None else float(seconds) / len(entry["labels"])
            for id in entry["labels"]:
                told[id, entry["annotator"]] = (float(entry["at"]), each, position)
        elif entry["event"] == "skipped":
            for id in entry["ids"]:
                skipped[id, entry["annotator"]] = (float(entry["at"]), None, position)
    unknown = (None, None, -1)
    found: Statements = {}
    for id in dict.fromkeys((*state.kept, *state.skips)):
        answers = (
            Statement(name, label, "", *told.get((id, name), unknown))
            for name, label in state.kept.get(id, ())
        )
        skips = (
            Statement(name, None, reason, *skipped.get((id, name), unknown))
            for name, reason in state.skips.get(id, ())
        )
        found[id] = (*answers, *skips)
    return found


def moment(at: float | None) -> datetime | None:
    """A time as the calendar has it, in UTC; None for what no calendar has.

    Parameters
    ----------
    at : float or None
        Seconds since 1970.

    Examples
    --------
    >>> str(moment(1.5)), moment(1e18), moment(None)
    ('1970-01-01 00:00:01.500000+00:00', None, None)
    """
    try:
        return None if at is None else _BEGIN + timedelta(seconds=at)
    except (OverflowError, ValueError):
        return None
