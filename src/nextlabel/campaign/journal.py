"""A store and the state folded from it: read on, and write at the end or not at all."""

from collections.abc import Callable, Sequence
from typing import final

from nextlabel.campaign.events import Created, Event, read_entry, to_entry
from nextlabel.campaign.folding import fold
from nextlabel.campaign.state import State
from nextlabel.core.store import Store
from nextlabel.errors import StaleJournal

__all__ = ["Journal"]


@final
class Journal:
    """The journal of one campaign, which other processes may write too.

    Parameters
    ----------
    store : Store
        Closed by `close`.
    clock : callable
        Seconds since 1970.
    state : State
        Of the store's entries, or of some at its beginning.
    """

    def __init__(self, store: Store, clock: Callable[[], float], state: State) -> None:
        self.store = store
        self.clock = clock
        self._state = state

    @classmethod
    def begin(cls, store: Store, clock: Callable[[], float], created: Created) -> "Journal":
        """A new journal; `StaleJournal` where the store holds one already."""
        store.append([to_entry(created)], 0)
        return cls(store, clock, fold(None, [created]))

    @classmethod
    def resume(cls, store: Store, clock: Callable[[], float]) -> "Journal":
        """The journal that a store holds."""
        return cls(store, clock, fold(None, [read_entry(entry) for entry in store.read(0)]))

    @property
    def state(self) -> State:
        """As of the last reading."""
        return self._state

    def refresh(self) -> State:
        """Read on; the state now."""
        entries = self.store.read(self._state.position)
        if entries:
            self._state = fold(self._state, [read_entry(entry) for entry in entries])
        return self._state

    def offer(self, events: Sequence[Event]) -> bool:
        """Write at the end as it is known; where somebody else has written, read on and say False."""
        try:
            self.store.append([to_entry(event) for event in events], self._state.position)
        except StaleJournal:
            self.refresh()
            return False
        self._state = fold(self._state, events)
        return True

    def append(self, make: Callable[[State, float], Event | None]) -> bool:
        """Write one event, made anew from the state whenever somebody else has written.

        Parameters
        ----------
        make : callable
            Is given the state and the time; checks, and gives the event, or None where nothing is to be
            written.

        Returns
        -------
        bool
            Whether something was written.
        """
        self.refresh()
        while True:
            event = make(self._state, self.clock())
            if event is None:
                return False
            if self.offer([event]):
                return True

    def close(self) -> None:
        """Close the store."""
        self.store.close()
