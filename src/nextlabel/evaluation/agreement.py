"""How far the people who label agree, and what they say together."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, final

import numpy as np

from nextlabel.campaign.state import State
from nextlabel.core.task import Label
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
        of = f"of {count(len(self.people), 'person', 'people')} on {count(self.items, 'item')}"
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
    people = sorted({name for answers in kept.values() for name, _ in answers})
    parts = {
        name: _part(answers, 2 if name else len(state.task.classes))
        for name, answers in _questions(kept, state)
    }
    return Agreement(len(kept), tuple(people), parts)


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
    ids = list(state.kept)
    found = {
        name: _posterior(answers, 2 if name else len(state.task.classes))
        for name, answers in _questions(state.kept, state)
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


Codes = Sequence[Sequence[tuple[str, int]]]
"""For each item, who says what: the class as a number."""


def _questions(
    kept: Mapping[str, Sequence[tuple[str, Label]]], state: State
) -> Iterable[tuple[str, list[list[tuple[str, int]]]]]:
    """The question, or one for each class, with the answers of each item."""
    if not state.task.is_several:
        index = {name: k for k, name in enumerate(state.task.classes)}
        yield "", [[(who, index[str(label)]) for who, label in answers] for answers in kept.values()]
        return
    for name in state.task.classes:
        yield name, [[(who, int(name in label)) for who, label in answers] for answers in kept.values()]


def _part(answers: Codes, classes: int) -> Part:
    counts = np.zeros((len(answers), classes), dtype=np.int64)
    for row, said in enumerate(answers):
        for _, k in said:
            counts[row, k] += 1
    return Part(
        _pairs(answers, classes), _fleiss(counts), _coefficient(krippendorff_alpha(counts), len(counts))
    )


def _pairs(answers: Codes, classes: int) -> tuple[Pair, ...]:
    tables: dict[tuple[str, str], Array] = defaultdict(lambda: np.zeros((classes, classes), dtype=np.int64))
    for said in answers:
        for (a, first), (b, second) in combinations(sorted(said), 2):
            tables[a, b][first, second] += 1
    return tuple(
        Pair(a, b, _coefficient(cohen_kappa(table), int(table.sum())))
        for (a, b), table in sorted(tables.items())
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


def _posterior(answers: Codes, classes: int) -> Array:
    people = {name: k for k, name in enumerate(sorted({who for said in answers for who, _ in said}))}
    votes = [(row, people[who], k) for row, said in enumerate(answers) for who, k in said]
    return dawid_skene(votes, classes).posterior
