"""What is checked before anything is written: everything is, and all that is wrong is listed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from nextlabel.campaign.events import Created, Event, Noted, Retracted, Revised, Skipped, Told
from nextlabel.campaign.requests import content
from nextlabel.campaign.state import State
from nextlabel.core.pool import Pool
from nextlabel.core.task import Label
from nextlabel.errors import CampaignError, LabelError, ParameterError, PoolChanged

__all__ = [
    "added",
    "check_ids",
    "check_open",
    "check_said",
    "check_token",
    "check_told",
    "complete_mapping",
    "is_known",
    "is_repeat",
    "telling",
    "worded",
]

_SHOWN = 5


def is_repeat(state: State, event: Told | Skipped | Retracted | Noted) -> bool:
    """Whether this very request was made before.

    Raises
    ------
    CampaignError
        The request id was used for something else.
    """
    is_new = event.request is None or event.request not in state.requests
    return not is_new and is_known(state, event.request, content(event))


def is_known(state: State, request: str | None, digest: str) -> bool:
    """Whether a request was made before, with this content.

    Parameters
    ----------
    state : State
    request : str or None
        None is never known.
    digest : str
        Of the content.

    Raises
    ------
    CampaignError
        The request id was used for something else.
    """
    if request is None or request not in state.requests:
        return False
    if state.requests[request] != digest:
        message = (
            f"A request id names one telling: {request!r} was told before with other content. "
            "Use a new request id; nothing was written."
        )
        raise CampaignError(message)
    return True


def telling(request: str | None) -> Callable[[Event], bool]:
    """Whether what somebody else has written bears on a telling: the same request, or other classes."""

    def meets(event: Event) -> bool:
        if isinstance(event, Told | Skipped | Retracted | Noted):
            return request is not None and event.request == request
        return isinstance(event, Revised | Created)

    return meets


def check_open(state: State) -> None:
    """Refuse to ask after the end."""
    if state.is_stopped:
        message = (
            f"A campaign asks until it is stopped; this one was: {state.stopped or 'no reason given'}. "
            "Answers can still be told; make a new campaign to ask again."
        )
        raise CampaignError(message)


def added(state: State, pool: Pool) -> tuple[str, ...]:
    """The ids that a pool holds beyond those of the journal.

    Raises
    ------
    PoolChanged
        Ids of the journal are not in it, or it holds no others.
    """
    there = dict.fromkeys(pool.ids)
    gone = {id: None for id in state.ids if id not in there}
    new = tuple(id for id in there if id not in state)
    if gone or not new:
        what = f"{len(gone):,} of these are not in it" if gone else "it holds no new one"
        shown = f": {', '.join(repr(id) for id, _ in _first(gone))}{_rest(gone)}" if gone else ""
        message = (
            f"A pool is extended by one that holds all its {len(state.roster):,} items and new ones; in the "
            f"one of {len(there):,} items received, {what}{shown}. Give the old items and the new ones "
            "together: campaign.extend(pool)."
        )
        raise PoolChanged(message)
    return new


def check_told(state: State, told: Told) -> None:
    """Refuse labels that cannot be kept.

    Raises
    ------
    LabelError
        Ids that the pool does not have, or labels outside the task; the first few are named.
    CampaignError
        The token is of no query of this journal.
    """
    check_ids(state, [*told.labels, *(told.suggestions or {})])
    for what, labels in (("label", told.labels), ("suggestion", told.suggestions or {})):
        bad = {id: label for id, label in labels.items() if state.class_now(label) is None}
        if bad:
            shown = "; ".join(f"{id!r}: {label!r}{_near(label, state)}" for id, label in _first(bad))
            message = (
                f"Each {what} must be {state.task.wanted}; {len(bad)} of {len(labels)} are not: "
                f"{shown}{_rest(bad)}. Mend these and tell again; nothing was written."
            )
            raise LabelError(message)
    check_token(state, told.token)


def worded(state: State, told: Told) -> Told:
    """What is told as the journal keeps it: several classes of an item in the task's order, each once.

    Parameters
    ----------
    state : State
    told : Told
        As `check_told` lets it pass; the words are left as they are, old names too.
    """
    if not state.task.is_several:
        return told
    index = state.task.index

    def place(name: str) -> tuple[int, str]:
        return index.get(name, len(index)), name  # old names stand at the end

    def ordered(labels: Mapping[str, Label]) -> dict[str, Label]:
        return {id: tuple(sorted(set(label), key=place)) for id, label in labels.items()}

    shown = told.suggestions
    return replace(told, labels=ordered(told.labels), suggestions=None if shown is None else ordered(shown))


def check_ids(state: State, ids: Iterable[Any]) -> None:
    """Refuse ids that the pool does not have."""
    ids = list(ids)
    bad = {repr(id): None for id in ids if not isinstance(id, str) or id not in state}
    if bad:
        shown = ", ".join(name for name, _ in _first(bad))
        message = (
            f"Ids must be of this pool of {len(state.roster):,} items, as text (for example "
            f"{state.ids[0]!r}); {len(bad)} of {len(ids)} are not: {shown}{_rest(bad)}. Mend these and call "
            "again; nothing was written."
        )
        raise LabelError(message)


def check_said(state: State, ids: Iterable[str], annotator: str) -> None:
    """Refuse to take back what an annotator has not said."""
    silent = {
        id: None
        for id in ids
        if annotator not in state.answers(id) and annotator not in dict(state.skips.get(id, ()))
    }
    if silent:
        shown = ", ".join(repr(id) for id, _ in _first(silent))
        message = (
            f"Only what was said can be taken back: the annotator {annotator!r} has neither answered nor "
            f"skipped {shown}{_rest(silent)}. Name the annotator who has; nothing was written."
        )
        raise LabelError(message)


def check_token(state: State, token: str | None) -> None:
    """Refuse a token that no query of this journal has."""
    if token is not None and token not in state.leases:
        message = (
            f"A token must be of one of the {len(state.leases)} queries of this journal; received {token!r}. "
            "Is it from another campaign? Leave it out where the answers are of no query."
        )
        raise CampaignError(message)


def complete_mapping(old: Iterable[str], new: Iterable[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """What each old class is called now: as the mapping says, or as before.

    Raises
    ------
    ParameterError
        An old class has no new one, the mapping names classes that are not there, or an old class becomes
        another one while a new class takes its name: of a late answer, nobody could say which is meant.
    """
    before, after = list(old), set(new)
    unknown = sorted(set(mapping) - set(before))
    whole = {name: mapping.get(name, name) for name in before}
    lost = {name: to for name, to in whole.items() if to not in after}
    if unknown or lost:
        wrong = [f"{name!r} is no class now" for name in unknown]
        wrong += [
            f"{name!r} would become {to!r}, which is not among the new ones" for name, to in lost.items()
        ]
        message = (
            f"Each class ({', '.join(before)}) must become one of the new ones ({', '.join(sorted(after))}); "
            f"{'; '.join(wrong)}. Give for example mapping={{'old': 'new'}}."
        )
        raise ParameterError(message)
    taken = {name: to for name, to in whole.items() if to != name and name in after}
    if taken:
        shown = "; ".join(
            f"{name!r} becomes {to!r}, and another class is called {name!r}" for name, to in taken.items()
        )
        message = (
            f"A name must mean one class, for answers that come late too; {shown}. Give the new class a name "
            "that no class has now."
        )
        raise ParameterError(message)
    return whole


def _first(bad: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    return list(bad.items())[:_SHOWN]


def _rest(bad: Mapping[Any, Any]) -> str:
    return f" and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""


def _near(label: Any, state: State) -> str:
    """The class that may have been meant: of a list, by the first of its names that is none."""
    is_list = state.task.is_several and isinstance(label, list | tuple)
    wrong = next(one for one in label if state.class_now([one]) is None) if is_list else label
    folded = {one.casefold(): one for one in state.task.classes}
    near = get_close_matches(str(wrong).strip().casefold(), folded, n=1)
    meant = f"[{folded[near[0]]!r}]" if near and state.task.is_several and not is_list else ""
    return f" (did you mean {meant or repr(folded[near[0]])}?)" if near else ""
