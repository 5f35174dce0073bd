"""What a store is: an append-only journal of entries, and nothing else."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

__all__ = ["Entry", "Store"]

Entry = Mapping[str, Any]
"""An event as JSON values: the keys ``event`` (its name), ``version`` and ``at`` (seconds since 1970, UTC),
and whatever the event holds."""


class Store(ABC):
    """An append-only journal that several processes may read and write at once.

    No other method will be added: views of a campaign are computed by folding its entries.
    """

    exceptions: ClassVar[Mapping[str, str]] = {}
    """Promises of the contract that a store does not keep, each with the reason."""

    @abstractmethod
    def append(self, entries: Sequence[Entry], at: int) -> int:
        """Write entries at the end of the journal, all or none, on the disk when this returns.

        Parameters
        ----------
        entries : sequence of Entry
            What happened, in order.
        at : int
            How many entries the writer has read: the end of the journal as it knows it.

        Returns
        -------
        int
            The number of entries in the journal now.

        Raises
        ------
        StaleJournal
            The journal has another end: somebody else has written. Nothing was appended.
        JournalError
            The journal cannot be written: read-only, a full disk, closed, busy for too long.
        """

    @abstractmethod
    def read(self, since: int = 0) -> Sequence[Entry]:
        """The entries from position `since` on, in order.

        Raises
        ------
        JournalError
            The journal cannot be read, or `since` is after its end.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back what the store holds open; a second call does nothing."""
