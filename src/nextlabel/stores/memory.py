"""A journal in memory, for trials and tests: gone with the process."""

from collections.abc import Sequence
from threading import Lock
from typing import final

from nextlabel.core.store import Entry, Store
from nextlabel.errors import JournalError, StaleJournal
from nextlabel.stores.entries import read_text, written

__all__ = ["MemoryStore"]


@final
class MemoryStore(Store):
    """Keeps a journal in this process; nothing is written to disk, and it ends with the process.

    Notes
    -----
    Entries are held as the text that a file would hold, so whatever can be kept here can be kept on disk,
    and what `read` returns is a copy. Threads may share it.

    Cost: O(size of the entries read or written) time; memory for the text of all entries.

    References
    ----------
    The interface: nextlabel.core.store.

    Examples
    --------
    >>> store = MemoryStore()
    >>> store.append([{"event": "noted", "version": 1, "at": 0.0, "text": "begun"}], 0)
    1
    >>> store.read()[0]["text"]
    'begun'
    """

    def __init__(self) -> None:
        self._bodies: list[str] = []
        self._lock = Lock()
        self._is_closed = False

    def append(self, entries: Sequence[Entry], at: int) -> int:
        """Write entries at the end, all or none.

        Parameters
        ----------
        entries : sequence of mapping
            JSON values, each with ``event``, ``version`` and ``at``.
        at : int
            How many entries the writer has read.

        Returns
        -------
        int
            The number of entries now.

        Raises
        ------
        StaleJournal
            There are more or fewer entries than `at`.
        JournalError
            An entry is not JSON, or the store is closed.
        """
        bodies = [written(entry) for entry in entries]
        with self._lock:
            end = len(self._open())
            if at != end:
                raise StaleJournal(
                    f"The journal in memory was expected to end after {at:,} entries and has {end:,}. "
                    "Read on and try again; nothing was written."
                )
            self._bodies.extend(bodies)
            return len(self._bodies)

    def read(self, since: int = 0) -> Sequence[Entry]:
        """The entries from position `since` on, in order, as copies.

        Raises
        ------
        JournalError
            `since` is below 0 or after the end, or the store is closed.
        """
        with self._lock:
            bodies = self._open()
            if not 0 <= since <= len(bodies):
                raise JournalError(
                    f"Entries are read from a position between 0 and {len(bodies):,}, the end of the journal "
                    f"in memory; received {since:,}. Read from 0."
                )
            wanted = bodies[since:]
        return [read_text(body) for body in wanted]

    def close(self) -> None:
        """Forget the entries; a second call does nothing."""
        with self._lock:
            self._is_closed = True
            self._bodies = []

    def _open(self) -> list[str]:
        if self._is_closed:
            raise JournalError(
                "A journal in memory is read and written until it is closed; this one is closed, and its "
                "entries are gone with it. Make a new MemoryStore, or keep the journal in a file."
            )
        return self._bodies
