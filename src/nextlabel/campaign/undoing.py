"""Taking back what somebody said last, item by item."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from nextlabel.campaign.events import Retracted, Skipped, Told
from nextlabel.campaign.state import State
from nextlabel.core.store import Entry
from nextlabel.core.task import Label

__all__ = ["Undone", "backward", "undone", "undone_before"]


@final
@dataclass(frozen=True)
class Undone:
    """What was taken back.

    Parameters
    ----------
    id : str
    was : label or None
        The answer that was taken back.
    was_skip : str or None
        The reason of the skip that was taken back.
    now : label or None
        The older answer that counts again.
    token : str or None
        Of the lease by which the annotator holds the item again; None where something older counts again.
    """

    id: str
    was: Label | None
    was_skip: str | None
    now: Label | None
    token: str | None


def backward(
    state: State, annotator: str, request: str | None, now: float, expires: float
) -> Told | Skipped | Retracted | None:
    """The event that takes back an annotator's newest statement; None where there is nothing to take back.

    Parameters
    ----------
    state : State
    annotator : str
    request : str or None
    now, expires : float
        Seconds since 1970; when the item is no longer theirs, where nothing older counts again.
    """
    said = state.spoken.get(annotator, ())
    if not said:
        return None
    last = said[-1]
    if last.before is not None:
        return Told(now, {last.id: last.before}, annotator, request, undoes=last.position)
    if last.skip_before is not None:
        ids = (last.id,)
        return Skipped(now, ids, annotator, last.skip_before, request=request, undoes=last.position)
    return Retracted(now, (last.id,), annotator, request, last.position, expires)


def undone(state: State, event: Told | Skipped | Retracted) -> Undone:
    """What an event of `backward` takes back.

    Parameters
    ----------
    state : State
        Before the event.
    event : event
    """
    id = next(iter(event.labels)) if isinstance(event, Told) else event.ids[0]
    was, skip = state.answers(id).get(event.annotator), dict(state.skips.get(id, ())).get(event.annotator)
    now = event.labels[id] if isinstance(event, Told) else None
    return Undone(id, was, skip, now, f"back-{state.position}" if isinstance(event, Retracted) else None)


def undone_before(state: State, request: str, entries: Sequence[Entry]) -> Undone:
    """What an earlier call with this request took back.

    Parameters
    ----------
    state : State
    request : str
        One that is known.
    entries : sequence of mapping
        The whole journal.

    Notes
    -----
    Time O(journal): for a request that was sent again.
    """
    place = next(place for place, entry in enumerate(entries) if entry.get("request") == request)
    entry: dict[str, Any] = dict(entries[place])
    taken = entries[entry["undoes"]]
    id = next(iter(entry["labels"])) if entry["event"] == "told" else entry["ids"][0]
    was = state.class_now(taken["labels"][id]) if taken["event"] == "told" else None
    skip = str(taken["reason"]) if taken["event"] == "skipped" else None
    now = state.class_now(entry["labels"][id]) if entry["event"] == "told" else None
    return Undone(id, was, skip, now, f"back-{place}" if entry["event"] == "retracted" else None)
