"""The pool as the journal knows it: the same items, positions in the journal's order of ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from nextlabel.campaign.state import State
from nextlabel.core.pool import Pool, View
from nextlabel.core.spec import Spec
from nextlabel.errors import PoolChanged
from nextlabel.maths.axes import Array, Positions

__all__ = ["Ordered", "matched"]


@final
@dataclass(frozen=True, eq=False)
class Ordered:
    """A pool whose items stand in another order than the journal's.

    Parameters
    ----------
    pool : Pool
        Holds the same items.
    ids : sequence of str
        In the journal's order.
    places : array of int64, axes (n,)
        Where in `pool` each of them is.
    """

    pool: Pool
    ids: Sequence[str] = field(repr=False)
    places: Positions = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """That of the pool: it does not depend on the order."""
        return self.pool.fingerprint

    @property
    def source(self) -> Spec | None:
        """What makes the pool again, in its own order."""
        return self.pool.source

    @property
    def columns(self) -> Mapping[str, Sequence[str]]:
        """What else the data say, in the journal's order."""
        return {name: [cells[place] for place in self.places] for name, cells in self.pool.columns.items()}

    def take(self, positions: Positions) -> Array:
        """The items at these positions of the journal."""
        return self.pool.take(self.places[positions])

    def show(self, id: str) -> View:
        """One item as a person should see it."""
        return self.pool.show(id)


def matched(pool: Pool, state: State) -> Pool:
    """The pool with its positions in the journal's order, when it holds the journal's items.

    Raises
    ------
    PoolChanged
        Items came or went, or their content is another.
    """
    there = tuple(pool.ids)
    if there == state.ids and pool.fingerprint == state.pool_fingerprint:
        return pool
    came, went = set(there) - state.roster.index.keys(), state.roster.index.keys() - set(there)
    if came or went or pool.fingerprint != state.pool_fingerprint:
        what = "the ids are the same, and the content changed"
        advice = "Answers can be told without the data: Campaign.open(path, only_answers=True)."
        if came or went:
            what = f"{_some(came)} came and {_some(went)} went"
        if came and not went:
            advice = "To take the new ones in: Campaign.open(path, only_answers=True).extend(pool)."
        message = (
            f"The pool must be that of the journal, of {len(state.roster):,} items; in what is there now, of "
            f"{len(there):,}, {what}. Open the campaign with the data as they were. {advice}"
        )
        raise PoolChanged(message)
    index: dict[str, Any] = {id: place for place, id in enumerate(there)}
    return Ordered(pool, state.ids, np.array([index[id] for id in state.ids], dtype=np.int64))


def _some(ids: set[str]) -> str:
    """How many, and the first of them by name."""
    if not ids:
        return "0 items"
    first = ", ".join(repr(id) for id in sorted(ids)[:3])
    return f"{len(ids):,} item{'s' * (len(ids) > 1)} ({first}{', ...' * (len(ids) > 3)})"
