"""A store and the state folded from it: read on, and write at the end or not at all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import final

from nextlabel.campaign.events import Created, Event, read_entry, to_entry
from nextlabel.campaign.folding import fold
from nextlabel.campaign.state import State
from nextlabel.core.store import Entry, Store
from nextlabel.errors import CampaignError, StaleJournal

__all__ = ["Journal"]


def _always(_: Event) -> bool:
    return True


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
        self._group: list[Event] | None = None

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
        """Read on; the state now. Not within `together`, which ends where others have written."""
        if self._group is not None:
            return self._state
        entries = self.store.read(self._state.position)
        if entries:
            self._state = fold(self._state, [read_entry(entry) for entry in entries])
        return self._state

    def offer(self, events: Sequence[Event], meets: Callable[[Event], bool] = _always) -> bool:
        """Write at the end, unless somebody else has written something that matters.

        Parameters
        ----------
        events : sequence of Event
            Made from the state as it is known.
        meets : callable
            Whether an event that somebody else wrote since bears on these; by default every one does.

        Returns
        -------
        bool
            Whether they were written; where not, the state is that of now.

        Notes
        -----
        What others wrote is read, and folded once, at the end: another try costs as much as what is new.
        """
        if self._group is not None:
            self._state = fold(self._state, events)
            self._group += events
            return True
        entries, since = [to_entry(event) for event in events], list[Event]()
        while True:
            try:
                self.store.append(entries, self._state.position + len(since))
            except StaleJournal:
                new = [read_entry(entry) for entry in self.store.read(self._state.position + len(since))]
                since += new
                if any(meets(event) for event in new):
                    self._state = fold(self._state, since)
                    return False
            else:
                self._state = fold(self._state, [*since, *events])
                return True

    def append(
        self, make: Callable[[State, float], Event | None], meets: Callable[[Event], bool] = _always
    ) -> bool:
        """Write one event, made anew from the state whenever somebody else has written.

        Parameters
        ----------
        make : callable
            Is given the state and the time; checks, and gives the event, or None where nothing is to be
            written.
        meets : callable
            As for `offer`.

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
            if self.offer([event], meets):
                return True

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written within is folded at once, and goes to the store at the end, all or none.

        Raises
        ------
        StaleJournal
            Somebody else has written meanwhile.
        CampaignError
            It is within another one.

        Notes
        -----
        Where it ends by an error, this one or any other, nothing was written, and the state is as before.
        """
        if self._group is not None:
            message = (
                "What is written together is written once, at the end; received together() within "
                "together(). Leave the inner one out."
            )
            raise CampaignError(message)
        self.refresh()
        before, self._group = self._state, []
        try:
            yield
            if self._group:
                self.store.append([to_entry(event) for event in self._group], before.position)
        except BaseException:
            self._state = before
            raise
        finally:
            self._group = None

    def entries(self) -> list[Entry]:
        """All entries, those too that are written together and not in the store yet."""
        waiting = [to_entry(event) for event in self._group or ()]
        return [*self.store.read(0), *waiting]

    def close(self) -> None:
        """Close the store."""
        self.store.close()
