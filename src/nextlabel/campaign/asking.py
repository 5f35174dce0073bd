"""What a query is made of: how many items of each arm, picked, mixed, and why each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, final

import numpy as np

from nextlabel.campaign.control import due, mixed
from nextlabel.campaign.events import (
    ACTIVE,
    CONTROL_ARM,
    Event,
    Fitted,
    Noted,
    Renewed,
    Retracted,
    Skipped,
    Told,
)
from nextlabel.campaign.state import State
from nextlabel.core.strategy import Picks
from nextlabel.errors import CampaignError
from nextlabel.maths.axes import Positions

__all__ = ["Active", "Chosen", "Query", "Room", "chosen", "drawn", "meeting", "room", "token"]


@final
@dataclass(frozen=True)
class Query:
    """Items to label. Which of them are control items stands in the journal only.

    Parameters
    ----------
    token : str
        Give it back when you tell, renew or skip.
    ids : tuple of str
        Most wanted first, control items among them.
    expires : float or None
        Until when nobody else is asked these items, in seconds since 1970; None is for ever.
    round : int
        How many queries there were before.
    value : float or None
        What the strategy estimates the mean score of its picks to be, where it does.
    """

    token: str
    ids: tuple[str, ...]
    expires: float | None
    round: int
    value: float | None = None


@final
@dataclass(frozen=True, eq=False)
class Room:
    """What may be asked now.

    Parameters
    ----------
    available : array of int64, axes (n,)
        Positions that the strategy may pick from, ascending.
    active : int
        How many it is to pick.
    control : tuple of str
        The control items to ask, in the reserve's order.
    """

    available: Positions
    active: int
    control: tuple[str, ...]


@final
@dataclass(frozen=True)
class Active:
    """What the strategy has picked.

    Parameters
    ----------
    rows : tuple of (id, arm, rank, score or None, propensity or None)
        Most wanted first.
    has_scores, has_propensities : bool
        Whether the strategy gave any.
    value : float or None
        Of all that was picked.
    """

    rows: tuple[tuple[str, str, int, float | None, float | None], ...]
    has_scores: bool
    has_propensities: bool
    value: float | None = None

    def left(self, state: State, there: Room) -> "Active":
        """Those that may be asked still, and no more than there is room for."""
        places = np.array([state.roster.index[row[0]] for row in self.rows], dtype=np.int64)
        is_free = np.isin(places, there.available)
        rows = [row for row, stays in zip(self.rows, is_free, strict=True) if stays][: there.active]
        # the value is that of the whole; of a part nobody knows one
        return replace(self, rows=tuple(rows), value=self.value if len(rows) == len(self.rows) else None)


@final
@dataclass(frozen=True)
class Chosen:
    """The items of a query, the fields parallel; see `Asked`."""

    ids: tuple[str, ...]
    arms: tuple[str, ...]
    ranks: tuple[int, ...]
    scores: tuple[float | None, ...] | None
    propensities: tuple[float | None, ...] | None
    value: float | None = None


def room(state: State, now: float, batch: int, most: int | None = None) -> Room:
    """What may be asked at a time, and how many items of each arm make a batch.

    Parameters
    ----------
    state : State
    now : float
        Seconds since 1970.
    batch : int
        Items wanted; fewer are asked where fewer are left.
    most : int, optional
        The most that the active arm can give.

    Raises
    ------
    CampaignError
        Nothing is left to ask.

    Notes
    -----
    Control items whose lease has ended are asked again before new ones; those skipped or answered keep
    their place. So what was issued is at any time the beginning of the reserve's order.
    """
    available, pending = state.available(now), state.pending(now)
    order = state.reserve if state.control else ()
    held = [id in state.kept or id in state.skips or id in pending for id in order]
    asked = state.control_asked
    issued = max((place for place, id in enumerate(order, 1) if id in asked), default=0)
    free = [id for id, is_held in zip(order, held, strict=True) if not is_held]
    active = state.active_labels + sum(id not in state.walled for id in pending)
    control = sum(held[:issued])
    many = min(due(state.control, active, control, batch), len(free))
    few = min(batch - many, len(available) if most is None else most)
    while many and many > due(state.control, active, control, few + many):
        many -= 1  # with few active items left, fewer control items are due
    if few + many == 0:
        raise CampaignError(_empty(state, pending, len(free)))
    return Room(available, few, tuple(free[:many]))


def _empty(state: State, pending: dict[str, str], reserved: int) -> str:
    skipped = len(state.skipped)
    told = (
        f"of {len(state.roster):,} items {state.labelled:,} are labelled, {len(pending):,} are out "
        f"on a lease, {skipped:,} were skipped and {reserved:,} wait in the control reserve"
    )
    advice = [
        "tell what is out, or hand it back by campaign.renew(token, 0)" if pending else "",
        "take skips back by campaign.retract(ids, annotator)" if skipped else "",
        f"let the {reserved:,} of the reserve join the others by campaign.release()" if reserved else "",
        "take new items in by campaign.extend(pool)",
    ]
    return f"Nothing is left to ask: {told}. To go on (in Python): {'; '.join(one for one in advice if one)}."


def drawn(state: State, there: Room, pick: Callable[[Positions, int], Picks]) -> Active:
    """What the strategy picks.

    Parameters
    ----------
    state : State
    there : Room
        What may be asked.
    pick : callable
        Is given the positions available and how many to pick; its picks are positions into these.
    """
    if not there.active:
        return Active((), has_scores=False, has_propensities=False)
    picks = pick(there.available, there.active)
    columns = zip(_plain(picks.scores, there.active), _plain(picks.propensities, there.active), strict=True)
    rows = [
        (state.ids[there.available[row]], ACTIVE, rank, *said)
        for rank, (row, said) in enumerate(zip(picks.positions.tolist(), columns, strict=True))
    ]
    value = None if picks.value is None else _plain([picks.value], 1)[0]
    return Active(tuple(rows), picks.scores is not None, picks.propensities is not None, value)


def chosen(state: State, there: Room, active: Active) -> Chosen:
    """The items of a query: those of the strategy, and control items at places drawn for this round."""
    places = {id: place for place, id in enumerate(state.reserve)}
    control = [(id, CONTROL_ARM, places[id], None, None) for id in there.control]
    both = mixed(active.rows, control, state.created.seed, state.round)
    ids, arms, ranks, scores, propensities = zip(*both, strict=True)
    return Chosen(
        ids,
        arms,
        ranks,
        scores if active.has_scores else None,
        propensities if active.has_propensities else None,
        active.value,
    )


def _plain(values: Sequence[Any] | np.ndarray[Any, Any] | None, size: int) -> list[float | None]:
    """Numbers as JSON has them: none for those that are not finite."""
    if values is None:
        return [None] * size
    return [float(one) if np.isfinite(one) else None for one in values]


def meeting(state: State, ids: Sequence[str]) -> Callable[[Event], bool]:
    """Whether what somebody else has written bears on a query of these items.

    Parameters
    ----------
    state : State
        That the query was made from.
    ids : sequence of str
        Its items.

    Notes
    -----
    It does where one of the items was answered, skipped, or given back to an older query; and so does
    another query, and whatever changes the pool, the classes, the reserve or the end. Answers of other items
    do not: how many control items are due was counted before them.
    """
    wanted = frozenset(ids)

    def meets(event: Event) -> bool:
        if isinstance(event, Told):
            return not wanted.isdisjoint(event.labels)
        if isinstance(event, Skipped):
            return not wanted.isdisjoint(event.ids)
        if isinstance(event, Renewed):
            return not wanted.isdisjoint(state.leases[event.token].ids)
        return not isinstance(event, Retracted | Fitted | Noted)

    return meets


def token(state: State, now: float, ids: Sequence[str]) -> str:
    """A name that no other query of any journal has: from journal, place in it, time and items."""
    parts = (state.created.at, state.created.seed, state.pool_fingerprint, state.position, now, *ids)
    return blake2b("\0".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
