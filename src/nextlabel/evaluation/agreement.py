"""How far the people who label agree, and what they say together."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from nextlabel.campaign.state import State
from nextlabel.core.task import Label, Task
from nextlabel.evaluation.words import count, listing
from nextlabel.maths.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha
from nextlabel.maths.axes import Array
from nextlabel.maths.dawid_skene import DawidSkene, dawid_skene

__all__ = [
    "Agreement",
    "Coefficient",
    "DawidSkene",
    "Pair",
    "Part",
    "aggregated",
    "agreement",
    "dawid_skene",
]

_FILE = "file"  # the annotator of labels that a column of the data had already
_ONE_CLASS = "all answers name one class, which chance would give too"


@final
@dataclass(frozen=True)
class Coefficient:
    """A number for agreement, and of how many items; or why there is none.

    Parameters
    ----------
    value : float or None
        1 is full agreement, 0 what chance gives.
    items : int
        That it was computed from.
    why : str
        Why there is no value, or which items were left out; else empty.
    """

    value: float | None
    items: int
    why: str = ""

    def values(self) -> dict[str, Any]:
        """As JSON values."""
        return {"value": self.value, "items": self.items, "why": self.why}


@final
@dataclass(frozen=True)
class Pair:
    """Cohen's kappa of two people, on the items that both answered."""

    a: str
    b: str
    cohen: Coefficient

    def values(self) -> dict[str, Any]:
        """As JSON values."""
        return {"a": self.a, "b": self.b, **self.cohen.values()}


@final
@dataclass(frozen=True)
class Part:
    """Agreement on one question: which class an item has, or whether it has a certain one.

    Parameters
    ----------
    cohen : tuple of Pair
        Every pair of people with an item in common.
    fleiss : Coefficient
        Of the items with the number of answers that most have.
    krippendorff : Coefficient
        Of all items with two answers or more.
    """

    cohen: tuple[Pair, ...]
    fleiss: Coefficient
    krippendorff: Coefficient

    def values(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "cohen": [pair.values() for pair in self.cohen],
            "fleiss": self.fleiss.values(),
            "krippendorff": self.krippendorff.values(),
        }


@final
@dataclass(frozen=True)
class Agreement:
    """How far people agree.

    Parameters
    ----------
    items : int
        With answers of two people or more.
    people : tuple of str
        Those who gave these answers.
    parts : mapping of str to Part
        One with the empty name where an item has one class; else one for each class.
    """

    items: int
    people: tuple[str, ...]
    parts: Mapping[str, Part] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "items": self.items,
            "people": list(self.people),
            "parts": {name: part.values() for name, part in self.parts.items()},
            "sentence": self.sentence(),
        }

    def sentence(self) -> str:
        """In words."""
        if not self.items:
            return "Agreement: unknown, since no item has answers of two people."
        named = [one for one in self.people if one != _FILE]
        of = f"of {count(len(named), 'person', 'people')}"
        of += " and the labels that came with the file" if _FILE in self.people else ""
        of += f" on {count(self.items, 'item')}"
        said = [
            f"{name + ' ' if name else ''}{part.krippendorff.value:.2f}"
            if part.krippendorff.value is not None
            else f"{name or 'unknown'}: {part.krippendorff.why}"
            for name, part in self.parts.items()
        ]
        scale = "1 is full agreement, 0 what chance gives"
        return f"Agreement {of}: Krippendorff's alpha {listing(said)} ({scale})."


def agreement(state: State, ids: Collection[str] | None = None) -> Agreement:
    """How far people agree on the items that several of them answered.

    Parameters
    ----------
    state : State
    ids : collection of str, optional
        Only these: for example `state.reserve`, the control items, which are a fair draw of the pool. What a
        strategy picks is harder than most, and people agree less on it. By default all.

    Returns
    -------
    Agreement

    Notes
    -----
    Each person's newest answer counts; skips do not. Of several classes an item, each class is a question of
    its own. Time O(answers + pairs of answers to one item).
    """
    kept = {
        id: answers for id, answers in state.kept.items() if len(answers) > 1 and (ids is None or id in ids)
    }
    if not kept:
        return Agreement(0, ())
    votes = _Votes.of(kept, state)
    parts = {
        name: _part(votes, codes, 2 if name else len(state.task.classes)) for name, codes in votes.codes()
    }
    return Agreement(len(kept), votes.people, parts)


def aggregated(state: State) -> dict[str, tuple[Label, float]]:
    """The label of every answered item by all its answers together, weighed by how each person errs.

    Parameters
    ----------
    state : State

    Returns
    -------
    dict of str to (label, float)
        The most probable label, and how probable it is: of several classes an item, the smallest over the
        classes of how probable what is said of each is. Empty where no item has answers of two people: then
        there is nothing to tell people apart by.

    Raises
    ------
    ConvergenceError
        The estimate did not settle.

    Notes
    -----
    Dawid and Skene's model: see `nextlabel.maths.dawid_skene.dawid_skene`. It takes people to err
    independently of one another given the class, and all items of a class to be equally hard; where that is
    not so, it is surer than it should be.
    """
    if not any(len(answers) > 1 for answers in state.kept.values()):
        return {}
    ids, votes = list(state.kept), _Votes.of(state.kept, state)
    found = {
        name: dawid_skene(votes.with_codes(codes), 2 if name else len(state.task.classes)).posterior
        for name, codes in votes.codes()
    }
    if not state.task.is_several:
        posterior = found[""]
        best = posterior.argmax(axis=1)
        return {
            id: (state.task.classes[k], float(row[k]))
            for id, k, row in zip(ids, best.tolist(), posterior, strict=True)
        }
    has = np.stack([found[name][:, 1] for name in state.task.classes], axis=1)
    sure = np.maximum(has, 1.0 - has).min(axis=1)
    names = [
        tuple(name for name, one in zip(state.task.classes, row, strict=True) if one >= 0.5) for row in has
    ]
    return {id: (label, float(one)) for id, label, one in zip(ids, names, sure, strict=True)}


@final
@dataclass(frozen=True, eq=False)
class _Votes:
    """All answers in parallel: of which item, by whom, and what."""

    items: int
    people: tuple[str, ...]
    item: Array
    person: Array
    labels: Sequence[Label]
    task: Task

    @classmethod
    def of(cls, kept: Mapping[str, Sequence[tuple[str, Label]]], state: State) -> "_Votes":
        people = tuple(sorted({who for answers in kept.values() for who, _ in answers}))
        index = {who: k for k, who in enumerate(people)}
        item = np.repeat(np.arange(len(kept)), [len(answers) for answers in kept.values()])
        person = np.array([index[who] for answers in kept.values() for who, _ in answers], dtype=np.int64)
        labels = [label for answers in kept.values() for _, label in answers]
        return cls(len(kept), people, item, person, labels, state.task)

    def codes(self) -> Iterable[tuple[str, Array]]:
        """The question, or one for each class, and each answer to it as a number."""
        if not self.task.is_several:
            index = {name: k for k, name in enumerate(self.task.classes)}
            yield "", np.array([index[str(label)] for label in self.labels], dtype=np.int64)
            return
        for name in self.task.classes:
            yield name, np.array([name in label for label in self.labels], dtype=np.int64)

    def with_codes(self, codes: Array) -> Array:
        """Rows of item, person and number."""
        return np.stack([self.item, self.person, codes], axis=1)


def _part(votes: _Votes, codes: Array, classes: int) -> Part:
    counts = np.bincount(votes.item * classes + codes, minlength=votes.items * classes)
    counts = counts.reshape(votes.items, classes)
    alpha = _coefficient(krippendorff_alpha(counts), len(counts))
    return Part(_pairs(votes, codes, classes), _fleiss(counts), alpha)


def _pairs(votes: _Votes, codes: Array, classes: int) -> tuple[Pair, ...]:
    """Every pair with an item in common, from one product of sparse matrices: who says what of which item."""
    from scipy.sparse import csr_matrix

    many = len(votes.people)
    ones, columns = np.ones(len(codes), dtype=np.int64), votes.person * classes + codes
    says = csr_matrix((ones, (votes.item, columns)), shape=(votes.items, many * classes))
    both = (says.T @ says).tocoo()
    a, first = np.divmod(both.row, classes)
    b, second = np.divmod(both.col, classes)
    tables: dict[tuple[int, int], Array] = {}
    for place in np.flatnonzero(a < b).tolist():
        table = tables.setdefault(
            (int(a[place]), int(b[place])), np.zeros((classes, classes), dtype=np.int64)
        )
        table[first[place], second[place]] = both.data[place]
    return tuple(
        Pair(votes.people[k], votes.people[m], _coefficient(cohen_kappa(table), int(table.sum())))
        for (k, m), table in sorted(tables.items())
    )


def _fleiss(counts: Array) -> Coefficient:
    answers = counts.sum(axis=1)
    usual, items = Counter(answers.tolist()).most_common(1)[0]
    found = _coefficient(fleiss_kappa(counts[answers == usual]), items)
    if items == len(counts) or found.why:
        return found
    left = f"only items with {usual} answers; {len(counts) - items:,} with another number are left out"
    return Coefficient(found.value, items, left)


def _coefficient(value: float, items: int) -> Coefficient:
    return Coefficient(value, items) if np.isfinite(value) else Coefficient(None, items, _ONE_CLASS)
