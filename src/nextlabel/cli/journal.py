"""A journal as the commands speak of it: read without its data, with days and further commands in words."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextlabel.campaign.state import State
    from nextlabel.core.store import Store

__all__ = ["call", "counted", "day", "read_state"]


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
    from nextlabel.campaign.events import read_entry
    from nextlabel.campaign.folding import fold
    from nextlabel.core.registry import build

    store: Store = build("store", {"name": "sqlite", "path": str(journal), "read_only": True})
    try:
        return fold(None, map(read_entry, store.read()))
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


def day(seconds: float) -> str:
    """A time in words, in the local zone; `seconds` since 1970.

    Examples
    --------
    >>> len(day(0.0).split())
    4
    """
    from datetime import datetime

    moment = datetime.fromtimestamp(seconds).astimezone()
    return f"{moment.day} {moment:%B %Y, %H:%M}"
