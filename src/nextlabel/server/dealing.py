"""Which items a person gets: those that they hold already, then new ones from the newest plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.events import ACTIVE
from nextlabel.campaign.planning import Plan
from nextlabel.campaign.state import State
from nextlabel.errors import CampaignError, JournalError

__all__ = ["Dealt", "deal", "set_aside", "unplanned"]


@final
@dataclass(frozen=True)
class Dealt:
    """What was given.

    Parameters
    ----------
    items : tuple of (id, token, expires)
        ``expires`` in seconds since 1970.
    waiting : str or None
        Why there are fewer than wanted.
    is_used_up : bool
        Whether the plan had no item left, and others were drawn in its place. Control items, those of a
        certificate and those that others have begun are in no plan.
    """

    items: tuple[tuple[str, str, float | None], ...] = ()
    waiting: str | None = None
    is_used_up: bool = False


def unplanned() -> Plan:
    """A plan of nothing: what is asked with it is a uniform draw."""
    return Plan(
        round=0,
        through=0,
        ids=(),
        scores=None,
        propensities=None,
        value=None,
        strategy={"name": "random"},
        learner="",
        model=None,
        why=None,
        suggestions={},
    )


def deal(
    campaign: Campaign,
    plan: Plan | None,
    person: str,
    want: int,
    have: Sequence[str],
    *,
    now: float,
    lease_seconds: float,
) -> Dealt:
    """Give somebody items.

    Parameters
    ----------
    campaign : Campaign
        Within `together`.
    plan : Plan or None
        The newest; without one, items are drawn uniformly.
    person : str
    want : int
        How many to give now.
    have : sequence of str
        Items that their browser has, and those that it has answers to which were not sent yet.
    now : float
        Seconds since 1970.
    lease_seconds : float

    Returns
    -------
    Dealt
        First what they hold and do not have any more, after a reload; then new ones. What is about to end is
        theirs for as long again.
    """
    state = campaign.state
    seen, held = frozenset(have), state.held_by(person, now)
    again = [(id, token) for id, token in held.items() if id not in seen][:want]
    items = [(id, token, _kept(campaign, token, now, lease_seconds)) for id, token in again]
    planned = frozenset(plan.ids) if plan is not None else frozenset[str]()
    drawn = 0
    why = None
    while len(items) < want:
        missing, begun = want - len(items), campaign.state.begun
        try:
            query = campaign.ask(missing, person, lease_seconds=lease_seconds, plan=plan or unplanned())
        except JournalError:
            raise
        except CampaignError:
            why = _why(campaign.state, now, person, has_some=bool(items) or bool(have))
            break
        items += [(id, query.token, query.expires) for id in query.ids]
        drawn += sum(
            _is_drawn(campaign.state, id) for id in query.ids if id not in planned and id not in begun
        )
    return Dealt(tuple(items), why, is_used_up=plan is not None and drawn > 0)


def _is_drawn(state: State, id: str) -> bool:
    """Whether an item was asked that a strategy might have picked."""
    return state.asked[id].arm == ACTIVE


def _kept(campaign: Campaign, token: str, now: float, lease_seconds: float) -> float | None:
    """When a lease ends that is held already; one that is half over begins anew."""
    lease = campaign.state.leases.get(token)
    expires = None if lease is None else lease.expires
    if lease is None or expires is None or expires - now > lease_seconds / 2:
        return expires
    return campaign.renew(token, lease_seconds)


def set_aside(state: State) -> int:
    """How many items are left that were set aside to measure quality by, where no others are left; else 0."""
    waiting = 0 if state.is_stopped or state.is_certifying else _reserved(state)
    if not waiting:
        return 0
    skipped = [state.roster.index[id] for id in state.skips]
    return 0 if np.setdiff1d(state.unlabelled(), skipped).size else waiting


def _reserved(state: State) -> int:
    """How many items of the control reserve nobody has answered or skipped."""
    if not state.control:
        return 0
    return sum(id not in state.kept and id not in state.skips for id in state.reserve)


def _why(state: State, now: float, person: str, has_some: bool) -> str | None:
    """Why no more items come, in words for whoever waits."""
    if state.is_stopped:
        return f"This campaign was stopped: {state.stopped or 'no reason was given'}."
    if has_some:
        return None
    if any(state.leases[token].holder != person for token in state.pending(now).values()):
        return (
            "All items that are left are with other people. More come when somebody hands theirs back or is "
            "away for too long."
        )
    done = "Every item that can be asked of you is answered or skipped. What you said can be changed."
    waiting = _reserved(state)
    if not waiting:
        return done
    return (
        f"{done} {waiting:,} items are left that were set aside to measure quality by. An owner can have "
        'them labelled too, which ends that measurement: "Label the rest" on the page Status.'
    )
