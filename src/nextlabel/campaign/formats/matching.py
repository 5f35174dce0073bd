"""Which item a record of somebody else's file is: by its id, or by its content."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

from nextlabel.campaign.shown import shown
from nextlabel.core.pool import Pool

if TYPE_CHECKING:
    from nextlabel.campaign.state import State

__all__ = ["ID", "Matching"]

ID = "nextlabel_id"
"""What our id of an item is called in the files of others, which keep such columns."""

_TEXT = "text"  # what a text is called where its column has no name


@final
class Matching:
    """Finds the items that records speak of.

    Parameters
    ----------
    state : State
    pool : callable, optional
        Makes the pool, which is needed only for records without an id.

    Notes
    -----
    Items of equal content are given in the order of the data: the first to the first record with that
    content, and so on.
    """

    def __init__(self, state: "State", pool: Callable[[], Pool] | None = None) -> None:
        self._state = state
        self._pool = pool
        self._times: dict[tuple[str, ...], int] = defaultdict(int)

    def id(self, record: Mapping[str, Any]) -> str | None:
        """The id of an item; None where no item is like the record.

        Parameters
        ----------
        record : mapping of str to object
            Under ``nextlabel_id`` our id; else, under the name of the column of ids, what it says; else the
            text, or the cells, that the item is made of. Names in whatever capitals.
        """
        record = {_folded(name): value for name, value in record.items()}
        source = self._state.pool_source or {}
        for name in (ID, source.get("id")):
            named = record.get(_folded(name))
            if named is not None and str(named) in self._state:
                return str(named)
        if self._pool is None:
            return None
        names, places = self._contents
        if len(names) == 1 and names[0] not in record and _TEXT in record:
            names = (_TEXT,)
        if not names or any(name not in record for name in names):
            return None
        key = tuple("" if record[name] is None else str(record[name]) for name in names)
        equal = places.get(key, ())
        if not equal:
            return None
        self._times[key] += 1
        return equal[min(self._times[key], len(equal)) - 1]

    @cached_property
    def _contents(self) -> tuple[tuple[str, ...], dict[tuple[str, ...], list[str]]]:
        """The columns that items are made of, and the ids of items by their cells."""
        assert self._pool is not None
        pool = self._pool()
        items = shown(pool, taken=())
        places: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for id in pool.ids:
            places[tuple(items.cells(id))].append(id)
        return tuple(_folded(name) for name in items.names), dict(places)


def _folded(name: object) -> str:
    """A title in small letters, as sheets are read."""
    return str(name).strip().casefold()
