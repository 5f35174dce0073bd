"""A journal as the commands speak of it: read without its data, with days and further commands in words."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextlabel.campaign.state import State
    from nextlabel.core.store import Entry, Store

__all__ = ["call", "counted", "read_journal", "read_state", "until"]


def read_state(journal: Path) -> "State":
    """What a journal says; neither the data nor the learner is needed for it.

    Parameters
    ----------
    journal : Path

    Raises
    ------
    JournalError
        The journal cannot be read.
    """
    return read_journal(journal)[0]


def read_journal(journal: Path) -> "tuple[State, Sequence[Entry]]":
    """What a journal says, and the entries that say it.

    Parameters
    ----------
    journal : Path

    Raises
    ------
    JournalError
        The journal cannot be read.
    """
    from nextlabel.campaign.events import read_entry
    from nextlabel.campaign.folding import fold
    from nextlabel.core.registry import build

    store: Store = build("store", {"name": "sqlite", "path": str(journal), "read_only": True})
    try:
        entries = store.read()
        return fold(None, map(read_entry, entries)), entries
    finally:
        store.close()


def call(command: str, *words: object) -> str:
    """A command as somebody would type it.

    Examples
    --------
    >>> call("tell", "my reviews.db", "batch.csv")
    "nextlabel tell 'my reviews.db' batch.csv"
    """
    import shlex

    return shlex.join(["nextlabel", command, *map(str, words)])


def counted(number: int, noun: str) -> str:
    """A number and what it counts.

    Examples
    --------
    >>> counted(1, "item"), counted(2_000, "item")
    ('1 item', '2,000 items')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def until(expires: float | None) -> str:
    """Until when a lease goes on, in the local zone.

    Parameters
    ----------
    expires : float or None
        Seconds since 1970; None, and what no calendar has, is for ever.

    Examples
    --------
    >>> len(until(0.0).split()), until(None), until(1e18)
    (5, 'for ever', 'for ever')
    """
    from datetime import datetime

    try:
        moment = None if expires is None else datetime.fromtimestamp(expires).astimezone()
    except (OverflowError, ValueError, OSError):  # each system says it in its own way
        moment = None
    return "for ever" if moment is None else f"until {moment.day} {moment:%B %Y, %H:%M}"
