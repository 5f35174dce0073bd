"""The fold: what a campaign knows, as a pure function of its events."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any, final

from nextlabel.campaign.events import (
    Asked,
    Created,
    Event,
    Extended,
    Fitted,
    Noted,
    Released,
    Renewed,
    Retracted,
    Revised,
    Skipped,
    Stopped,
    Told,
)
from nextlabel.campaign.roster import Roster
from nextlabel.campaign.state import Lease, Place, State
from nextlabel.core.task import Label, Task
from nextlabel.errors import JournalError

__all__ = ["content", "fold"]


def content(told: Told) -> str:
    """A digest of what was told, whatever the order of its labels and the time."""
    labels, suggestions = (_unordered(one) for one in (told.labels, told.suggestions))
    said = [labels, told.annotator, told.token, told.seconds, told.cost, suggestions, told.model]
    text = json.dumps(said, sort_keys=True, default=dict)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _unordered(labels: Mapping[str, Label] | None) -> dict[str, Any] | None:
    """Labels of several classes in one order, whatever order the classes had then."""
    if labels is None:
        return None
    lists = (list, tuple, set, frozenset)
    return {id: sorted({*map(str, one)}) if isinstance(one, lists) else one for id, one in labels.items()}


def fold(state: State | None, events: Iterable[Event]) -> State:
    """The state after some more events.

    Parameters
    ----------
    state : State or None
        Before them; None at the beginning of the journal.
    events : iterable of Event
        In the order of the journal.

    Returns
    -------
    State
        A new one; the given one is left as it was. Folding in pieces equals folding at once.

    Raises
    ------
    JournalError
        The first event is not ``created``, or another one is.

    Notes
    -----
    An annotator's newer statement of an item, answer or skip, replaces the older one, and those of others
    stay. Taking an answer back leaves none of that annotator, not the one before. An answer in an old
    class is read as that class is called now. Time O(touched items + events).

    Examples
    --------
    >>> told = Told(1.0, {"a": "cat"})
    >>> begun = Created(0.0, 0, {"kind": "class", "classes": ("cat", "dog")}, ("a", "b"), "", None, None, "",
    ...                 None, None, "random", 0.0, (), "0")
    >>> fold(None, [begun, told]).label("a")
    'cat'
    >>> fold(fold(None, [begun, told]), [Retracted(2.0, ("a",))]).label("a") is None
    True
    """
    remaining = iter(events)
    if state is None:
        state = _begin(next(remaining, None))
    folding = _Folding(state)
    for event in remaining:
        folding.take(event)
    return folding.state()


def _begin(event: Event | None) -> State:
    if not isinstance(event, Created):
        message = (
            "The first event of a journal must be 'created'; received "
            f"{'none' if event is None else repr(event.event)}. Give a campaign's journal from its beginning."
        )
        raise JournalError(message)
    roster = Roster(event.ids)
    task = Task(event.task["kind"], tuple(event.task["classes"]))
    reserve = tuple(event.ids[one] for one in event.reserve)
    return State(event, roster, task, event.pool_fingerprint, event.pool_source, reserve)


@final
class _Folding:
    """A state being taken further: its dictionaries copied once, then changed in place."""

    def __init__(self, state: State) -> None:
        self._from = state
        self._walled = state.walled
        self._kept = dict(state.kept)
        self._skips = dict(state.skips)
        self._held = dict(state.held)
        self._held_before = dict(state.held_before)
        self._leases = dict(state.leases)
        self._places = dict(state.asked)
        self._requests = dict(state.requests)
        self._position = state.position
        self._round = state.round
        self._changed = state.changed
        self._values: dict[str, Any] = {}
        self._by_kind: dict[type[Event], Callable[[Any], None]] = {
            Asked: self._asked,
            Told: self._told,
            Skipped: self._skipped,
            Retracted: self._retracted,
            Fitted: self._fitted,
            Extended: self._extended,
            Revised: self._revised,
            Renewed: self._renewed,
            Released: self._released,
            Stopped: self._stopped,
            Noted: self._noted,
        }

    def take(self, event: Any) -> None:
        self._position += 1
        if isinstance(event, Created):
            message = (
                f"A journal must hold 'created' once, at its beginning; received another as entry "
                f"{self._position}. Two journals were joined: give each a file of its own."
            )
            raise JournalError(message)
        self._by_kind[type(event)](event)

    def state(self) -> State:
        return replace(
            self._from,
            position=self._position,
            round=self._round,
            kept=self._kept,
            skips=self._skips,
            held=self._held,
            held_before=self._held_before,
            leases=self._leases,
            asked=self._places,
            requests=self._requests,
            changed=self._changed,
            **self._values,
        )

    def _now(self, name: str) -> Any:
        return self._values.get(name, getattr(self._from, name))

    def _touch(self, id: str) -> None:
        if id not in self._walled:
            self._changed = self._position

    def _asked(self, event: Asked) -> None:
        self._round += 1
        self._values["picking"] = event.strategy
        self._leases[event.token] = Lease(event.token, event.round, event.holder, event.expires, event.ids)
        places = {arm: Place(event.token, event.round, arm) for arm in sorted(set(event.arms))}
        for id, arm in zip(event.ids, event.arms, strict=True):
            self._places[id] = places[arm]
            if id in self._held:
                self._held_before[id] = (*self._held_before.get(id, ()), self._held[id])
            self._held[id] = event.token

    def _told(self, event: Told) -> None:
        for id, label in event.labels.items():
            answers = self._kept.get(id, ())
            self._kept[id] = (
                *(one for one in answers if one[0] != event.annotator),
                (event.annotator, self._class_now(label)),
            )
            self._hand_in(id, event)
            self._leave(self._skips, id, event.annotator)
            self._touch(id)
        if event.request is not None:
            self._requests[event.request] = content(event)

    def _skipped(self, event: Skipped) -> None:
        for id in event.ids:
            skips = (one for one in self._skips.get(id, ()) if one[0] != event.annotator)
            self._skips[id] = (*skips, (event.annotator, event.reason))
            self._hand_in(id, event)
            if self._leave(self._kept, id, event.annotator):
                self._touch(id)

    def _hand_in(self, id: str, event: Told | Skipped) -> None:
        """The queries that have an item are done with it, where their holder spoke or their token came."""
        if id not in self._held:
            return
        tokens = (*self._held_before.get(id, ()), self._held[id])
        left = tuple(token for token in tokens if not self._is_of(event, token))
        if left == tokens:
            return
        self._held_before.pop(id, None)
        del self._held[id]
        if left:
            self._held[id] = left[-1]
        if left[:-1]:
            self._held_before[id] = left[:-1]

    def _is_of(self, event: Told | Skipped, token: str) -> bool:
        is_holder = event.annotator != "" and event.annotator == self._leases[token].holder
        return is_holder or event.token == token

    def _class_now(self, label: Label) -> Label:
        task, renamed = self._now("task"), self._now("renamed")
        if isinstance(label, str):
            return label if label in task.index else str(renamed.get(label, label))
        return task.ordered(one if one in task.index else renamed[one] for one in label)  # type: ignore[no-any-return]

    def _retracted(self, event: Retracted) -> None:
        for id in event.ids:
            self._leave(self._skips, id, event.annotator)
            if self._leave(self._kept, id, event.annotator):
                self._touch(id)

    @staticmethod
    def _leave(said: dict[str, tuple[tuple[str, Any], ...]], id: str, annotator: str) -> bool:
        """Take out what an annotator said of an item; whether there was anything."""
        before = said.get(id, ())
        after = tuple(one for one in before if one[0] != annotator)
        if after:
            said[id] = after
        else:
            said.pop(id, None)
        return len(after) < len(before)

    def _fitted(self, event: Fitted) -> None:
        newest = self._now("newest")
        has_seen_more = newest is None or event.through >= newest.through
        if has_seen_more and event.through >= self._now("revised"):
            self._values["newest"] = event  # and no model of other classes, or of fewer labels

    def _extended(self, event: Extended) -> None:
        ids = (*self._now("roster").ids, *event.ids)
        self._values["roster"] = Roster(ids)
        self._values["pool_fingerprint"] = event.pool_fingerprint
        self._values["pool_source"] = event.pool_source
        more = tuple(ids[one] for one in event.reserve)
        self._values["reserve"] = (*self._now("reserve"), *more)
        if not self._now("is_released"):
            self._walled |= frozenset(more)
        self._changed = self._position

    def _revised(self, event: Revised) -> None:
        self._values["task"] = task = Task(self._now("task").kind, event.classes)
        for id, answers in self._kept.items():
            self._kept[id] = tuple((who, _mapped(label, event.mapping, task)) for who, label in answers)
        before = {old: event.mapping.get(now, now) for old, now in self._now("renamed").items()}
        self._values["renamed"] = {**before, **event.mapping}
        self._values["newest"] = None  # a model of other classes is nothing to go on from
        self._changed = self._values["revised"] = self._position

    def _renewed(self, event: Renewed) -> None:
        self._leases[event.token] = replace(self._leases[event.token], expires=event.expires)

    def _released(self, event: Released) -> None:
        self._values["is_released"] = True
        self._walled = frozenset()
        self._changed = self._position

    def _stopped(self, event: Stopped) -> None:
        self._values["stopped"] = event.reason

    def _noted(self, event: Noted) -> None:
        """Remarks change nothing."""


def _mapped(label: Label, mapping: Mapping[str, str], task: Task) -> Label:
    """A label as its classes are called now."""
    return mapping[label] if isinstance(label, str) else task.ordered(mapping[one] for one in label)
