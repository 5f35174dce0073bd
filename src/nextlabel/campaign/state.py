"""What a campaign knows.

The dictionaries hold items that were touched, and no others: a million items that nobody asked cost nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, final

import numpy as np

from nextlabel.campaign.control import FEWEST
from nextlabel.campaign.events import CONTROL_ARM, Created, Fitted
from nextlabel.campaign.majority import majority
from nextlabel.campaign.roster import Roster
from nextlabel.core.task import Label, Task
from nextlabel.maths.axes import Positions

__all__ = ["Lease", "Place", "State"]


@final
@dataclass(frozen=True)
class Lease:
    """A query that was asked: who has it, until when (seconds since 1970; None is for ever)."""

    token: str
    round: int
    holder: str
    expires: float | None
    ids: tuple[str, ...]

    def is_open(self, now: float) -> bool:
        """Whether it has not ended at this time."""
        return self.expires is None or self.expires > now


@final
@dataclass(frozen=True)
class Place:
    """Where an item was asked last: in which query and round, for which arm."""

    token: str
    round: int
    arm: str


@final
@dataclass(frozen=True)
class State:
    """A campaign as its journal tells it; made by `fold`, never changed.

    Parameters
    ----------
    created : Created
        The first event.
    roster : Roster
        All ids.
    task : Task
        With the classes as they are now.
    pool_fingerprint : str
    pool_source : mapping or None
        Of the pool as it is now.
    reserve : tuple of str
        Ids of the control reserve in the order of issue; also after it was released.
    is_released : bool
        Whether the reserve has joined the other items.
    position : int
        How many events were folded.
    round : int
        How many queries were asked.
    kept : mapping of str to tuple of (annotator, label)
        The current answers of each item, the one told last at the end; items in the order of their first.
    skips : mapping of str to tuple of (annotator, reason)
    held : mapping of str to str
        Items asked, with the token of the query that has them, until that query's holder answers or skips
        them; what others say of an item leaves it in the holder's hands.
    held_before : mapping of str to tuple of str
        Of these, the ones that older queries had and have not handed in either: the tokens, newest last.
    leases : mapping of str to Lease
        Every query by its token.
    asked : mapping of str to Place
        Every item that was asked, and where it was asked last.
    requests : mapping of str to str
        The digest of what was told, by request id.
    newest : Fitted or None
        The last model.
    picking : mapping or None
        The strategy of the last query.
    changed : int
        How many events there were when what a model is trained on last changed.
    revised : int
        How many there were when the classes last changed.
    renamed : mapping of str to str
        What each name that was a class became; see `class_now`.
    stopped : str or None
        The reason; None while it goes on.
    """

    created: Created
    roster: Roster
    task: Task
    pool_fingerprint: str
    pool_source: Mapping[str, Any] | None
    reserve: tuple[str, ...]
    is_released: bool = False
    position: int = 1
    round: int = 0
    kept: Mapping[str, tuple[tuple[str, Label], ...]] = field(default_factory=dict)
    skips: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)
    held_before: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    leases: Mapping[str, Lease] = field(default_factory=dict)
    asked: Mapping[str, Place] = field(default_factory=dict)
    requests: Mapping[str, str] = field(default_factory=dict)
    newest: Fitted | None = None
    picking: Mapping[str, Any] | None = None
    changed: int = 1
    revised: int = 1
    renamed: Mapping[str, str] = field(default_factory=dict)
    stopped: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids, in the order that positions follow."""
        return self.roster.ids

    def __contains__(self, id: object) -> bool:
        return id in self.roster

    @property
    def is_stopped(self) -> bool:
        """Whether nothing is asked any more."""
        return self.stopped is not None

    @property
    def control(self) -> float:
        """The share of each batch that goes to the control arm now."""
        return self.created.control if self.walled else 0.0

    @property
    def control_reason(self) -> str:
        """Why there is no control arm; empty where there is one."""
        if self.control:
            return ""
        if not self.created.control:
            return "no control share was asked for"
        if self.is_released:
            return "the control reserve was released"
        return f"the pool had {len(self.created.ids)} items, and a control arm needs at least {FEWEST}"

    @cached_property
    def walled(self) -> frozenset[str]:
        """Items that strategies do not see and models do not train on."""
        return frozenset() if self.is_released else frozenset(self.reserve)

    @cached_property
    def out(self) -> Mapping[str, str]:
        """Items asked and not answered or skipped since, with the token of the query that has them."""
        return {id: token for id, token in self.held.items() if id not in self.kept and id not in self.skips}

    @property
    def labelled(self) -> int:
        """How many items have an answer."""
        return len(self.kept)

    @property
    def control_labels(self) -> int:
        """How many of them are in the control reserve."""
        return sum(id in self.kept for id in self.walled)

    @property
    def active_labels(self) -> int:
        """How many of them a model is trained on."""
        return self.labelled - self.control_labels

    @property
    def skipped(self) -> dict[str, str]:
        """Items that were skipped and have no answer, with the reason given last."""
        return {id: skips[-1][1] for id, skips in self.skips.items() if id not in self.kept}

    @property
    def control_asked(self) -> dict[str, str]:
        """Items asked for the control arm, in the reserve's order, with the token of the query."""
        asked = ((id, self.asked[id]) for id in self.reserve if id in self.asked)
        return {id: place.token for id, place in asked if place.arm == CONTROL_ARM}

    @property
    def class_counts(self) -> dict[str, int]:
        """How many items are labelled with each class of the task, in both arms; an item may have several."""
        labels = self.labels().values()
        counts = Counter(name for label in labels for name in ([label] if isinstance(label, str) else label))
        return {name: counts[name] for name in self.task.classes}

    def class_now(self, label: object) -> Label | None:
        """What a label is called now: old names are read as `revise` said; None for what never was one."""
        if isinstance(label, str) or not self.task.is_several:
            return None if self.task.is_several else self._name_now(label)
        if not isinstance(label, list | tuple | set | frozenset):
            return None
        names = [self._name_now(one) for one in label]
        known = [name for name in names if name is not None]
        return self.task.ordered(known) if len(known) == len(names) else None

    def _name_now(self, name: object) -> str | None:
        if not isinstance(name, str):
            return None
        return name if name in self.task.index else self.renamed.get(name)

    def answers(self, id: str) -> dict[str, Label]:
        """The label that each annotator gives an item now, the one told last at the end."""
        return dict(self.kept.get(id, ()))

    def label(self, id: str) -> Label | None:
        """What most annotators say; of equally many, the one told last. None where there is no answer.

        Of several classes an item, each class is decided by itself; see `majority`.
        """
        return majority(self.kept.get(id, ()), self.task)

    def labels(self) -> dict[str, Label]:
        """The label of every labelled item, in the order in which they got their first answer."""
        return {id: label for id in self.kept if (label := self.label(id)) is not None}

    def training(self) -> dict[str, Label]:
        """The labels that a model is trained on: those of the active arm."""
        active = (id for id in self.kept if id not in self.walled)
        return {id: label for id in active if (label := self.label(id)) is not None}

    def pending(self, now: float) -> dict[str, str]:
        """Items that are out on an open lease, with its token; of several that are open, the newest.

        Parameters
        ----------
        now : float
            Seconds since 1970.
        """
        out = self.out
        is_open = {token: self.leases[token].is_open(now) for token in set(out.values())}
        found = {id: token for id, token in out.items() if is_open[token]}
        for id in self.held_before.keys() & out.keys() - found.keys():
            renewed = [token for token in self.held_before[id] if self.leases[token].is_open(now)]
            if renewed:
                found[id] = renewed[-1]
        return found

    def available(self, now: float) -> Positions:
        """Positions that the active arm may ask now, ascending.

        Returns
        -------
        array of int64, axes (n,)
            Neither answered, nor skipped, nor out, nor in the reserve.
        """
        return self._without(self.kept, self.skips, self.pending(now), self.walled)

    def unlabelled(self) -> Positions:
        """Positions without an answer that a learner may look at: not those of the reserve, ascending."""
        return self._without(self.kept, self.walled)

    def _without(self, *groups: Iterable[str]) -> Positions:
        stays = np.ones(len(self.roster), dtype=bool)
        index = self.roster.index
        for group in groups:
            stays[[index[id] for id in group]] = False
        return np.flatnonzero(stays).astype(np.int64)
