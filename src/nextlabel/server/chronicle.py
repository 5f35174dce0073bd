"""Who did what, in order: the journal as the history page, the counts and the rates read it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import final

from nextlabel.campaign.events import Asked, Event, Noted, Retracted, Skipped, Told, read_entry
from nextlabel.campaign.state import State
from nextlabel.core.store import Entry, Store
from nextlabel.core.task import Label

__all__ = ["FLAG", "Act", "Chronicle"]

FLAG = "flag: "
"""A note on an item begins so where the item is flagged."""

_LARGE = 100  # answers of one telling, from which on they are a file's and not a person's work
_RECENT, _LONGEST = 50, 120.0  # answers that a rate is made from; a longer gap was a break


@final
@dataclass(frozen=True)
class Act:
    """One thing that one person did to one item, or a remark.

    Parameters
    ----------
    position : int
        Of the entry in the journal.
    at : float
        Seconds since 1970.
    who : str
    kind : str
        ``"answer"``, ``"skip"``, ``"retract"``, ``"note"``, ``"flag"`` or ``"asked"``.
    id : str or None
        The item.
    label : str, tuple of str, or None
        Of an answer.
    text : str
        Of a note or a flag, or the reason of a skip.
    undoes : int or None
        The position of what this takes back.
    """

    position: int
    at: float
    who: str
    kind: str
    id: str | None = None
    label: Label | None = None
    text: str = ""
    undoes: int | None = None


@final
class Chronicle:
    """Follows a journal through a reader of its own.

    Parameters
    ----------
    store : Store
        Of the journal; closed with this.

    Notes
    -----
    `read_on` is called by one thread, the others may be called by any: what is told is of the last reading.
    Memory: about 200 bytes for each answer; those of one large telling, such as the labels that a file had,
    count without being kept one by one.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._position = 1  # the first entry creates, and may be long
        self._of: dict[str, list[Act]] = defaultdict(list)
        self._about: dict[str, list[Act]] = defaultdict(list)
        self._said: dict[str, dict[str, str]] = defaultdict(dict)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._undone: set[int] = set()
        self._flagged: dict[str, list[str]] = defaultdict(list)
        self._choices: list[Entry] = []

    def read_on(self) -> None:
        """Take in what was written since; quick where it is little."""
        with self._lock:
            for position, entry in enumerate(self._store.read(self._position), self._position):
                self._take(position, read_entry(entry))
                if entry["event"] in _CHOICES:
                    self._choices.append(_short(entry))
                self._position = position + 1

    def choices(self, state: State) -> Sequence[Entry]:
        """Of the journal's entries those that say who picked and what was measured.

        They are what `nextlabel.evaluation.report.status` reads of a journal; short, so that it is quick.
        """
        created = state.created
        first = {"event": "created", "strategy": created.strategy, "opening": created.opening}
        with self._lock:
            return [first, *self._choices]

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def of(self, person: str) -> Sequence[Act]:
        """What a person did, oldest first."""
        with self._lock:
            return tuple(self._of.get(person, ()))

    def about(self, id: str) -> Sequence[Act]:
        """What was done to an item, oldest first."""
        with self._lock:
            return tuple(self._about.get(id, ()))

    def is_undone(self, position: int) -> bool:
        """Whether the entry at a position was taken back."""
        return position in self._undone

    def flags(self, id: str) -> Sequence[str]:
        """What the flags of an item say."""
        return tuple(self._flagged.get(id, ()))

    def flagged(self) -> Sequence[str]:
        """The items that were flagged."""
        with self._lock:
            return tuple(self._flagged)

    def count(self, person: str, kind: str = "answer") -> int:
        """How many items a person has answered, or skipped, as it stands now."""
        return self._counts[person, kind]

    def last(self, person: str) -> float | None:
        """When a person did something last."""
        with self._lock:
            acts = self._of.get(person)
            return acts[-1].at if acts else None

    def people(self) -> Sequence[str]:
        """Everybody who answered or skipped."""
        with self._lock:
            return tuple(self._said)

    def rate(self, person: str) -> float | None:
        """Answers and skips in an hour, from the last 50 without breaks; None for fewer than 3."""
        with self._lock:
            acts = [one.at for one in self._of.get(person, ())[-2 * _RECENT :] if one.kind in _SAID]
        times = acts[-_RECENT:]
        gaps = [b - a for a, b in pairwise(times) if 0 <= b - a <= _LONGEST]
        spent = sum(gaps)
        return 3600 * len(gaps) / spent if len(gaps) >= 2 and spent > 0 else None

    def _take(self, position: int, event: Event) -> None:
        take = _TAKES.get(type(event))
        if take is not None:
            for act in take(position, event):
                self._keep(act)

    def _keep(self, act: Act) -> None:
        if act.kind == "asked":
            self._about[str(act.id)].append(act)
            return
        if act.undoes is not None:
            self._undone.add(act.undoes)
        if act.id is not None and act.kind in (*_SAID, "retract"):
            self._count(act.who, act.id, act.kind)
        if act.position < 0:
            return  # one of many, of which only the count is kept
        if act.kind == "flag":
            self._flagged[str(act.id)].append(act.text)
        self._of[act.who].append(act)
        if act.id is not None:
            self._about[act.id].append(act)

    def _count(self, who: str, id: str, kind: str) -> None:
        """What somebody says of an item takes the place of what they said before."""
        said = self._said[who]
        before = said.pop(id, None)
        if before is not None:
            self._counts[who, before] -= 1
        if kind in _SAID:
            said[id] = kind
            self._counts[who, kind] += 1


_SAID = ("answer", "skip")
_CHOICES = ("asked", "noted", "measured")


def _short(entry: Entry) -> Entry:
    """An entry without the lists that grow with a batch."""
    if entry["event"] != "asked":
        return entry
    return {name: entry[name] for name in ("event", "strategy", "learner")} | {"arms": {*entry["arms"]}}


def _told(position: int, event: Told) -> list[Act]:
    place = position if len(event.labels) <= _LARGE else -1
    return [
        Act(place, event.at, event.annotator, "answer", id, label, undoes=event.undoes)
        for id, label in event.labels.items()
    ]


def _skipped(position: int, event: Skipped) -> list[Act]:
    return [
        Act(position, event.at, event.annotator, "skip", id, text=event.reason, undoes=event.undoes)
        for id in event.ids
    ]


def _retracted(position: int, event: Retracted) -> list[Act]:
    return [Act(position, event.at, event.annotator, "retract", id, undoes=event.undoes) for id in event.ids]


def _noted(position: int, event: Noted) -> list[Act]:
    is_flag = bool(event.ids) and event.text.startswith(FLAG.rstrip())
    kind, text = ("flag", event.text.removeprefix(FLAG.rstrip()).strip()) if is_flag else ("note", event.text)
    return [Act(position, event.at, event.author, kind, id, text=text) for id in event.ids or (None,)]


def _asked(position: int, event: Asked) -> list[Act]:
    return [Act(position, event.at, event.holder, "asked", id) for id in event.ids]


_TAKES: dict[type, Callable[[int, "Event"], list[Act]]] = {
    Told: _told,  # type: ignore[dict-item]
    Skipped: _skipped,  # type: ignore[dict-item]
    Retracted: _retracted,  # type: ignore[dict-item]
    Noted: _noted,  # type: ignore[dict-item]
    Asked: _asked,  # type: ignore[dict-item]
}
