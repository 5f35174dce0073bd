"""Implementations that are wrong on purpose: what an examination must refuse, or it proves nothing.

`follow` makes a right implementation of a definition, slow and plain, or one with other weights. `PLANTED`
spoils any implementation so that one promise is broken. A `Twin` is wrong in one way of its own method.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Any, final

import numpy as np

from nextlabel.testing.conformity.answers import Pick
from nextlabel.testing.laws import Definition, Question, Weights

__all__ = ["PLANTED", "Bend", "Twin", "follow"]

Bend = Callable[[Weights, Question, Sequence[int]], Weights]
"""From the weights of a definition, the question and the picks so far to other weights."""


@final
@dataclass(frozen=True)
class Twin:
    """A faulty implementation.

    Parameters
    ----------
    of : str
        The strategy that it pretends to be.
    says : str
        What is wrong with it.
    breaks : str
        The promise that shows it.
    pick : callable
        The implementation.
    against : Definition, optional
        What it is held against; the registered definition when left out.
    """

    of: str
    says: str
    breaks: str
    pick: Pick
    against: Definition | None = None

    @property
    def definition(self) -> Definition | str:
        """For `nextlabel.testing.conformance.examine`."""
        return self.of if self.against is None else self.against


def follow(definition: Definition, *, bend: Bend | None = None) -> Pick:
    """An implementation that draws each pick by the weights of a definition.

    Parameters
    ----------
    definition : Definition
        One with `weights`.
    bend : callable, optional
        Changes the weights: the fault.

    Returns
    -------
    callable
        From batch, seed, labelled, labels and signals to positions.

    Examples
    --------
    >>> from nextlabel.testing.conformance import definition_of, examine
    >>> margin = definition_of("margin")
    >>> examine(follow(margin), margin).is_kept
    True
    """

    def pick(*, batch: int, seed: int, labelled: Any = None, labels: Any = None, **signals: Any) -> list[int]:
        if not all(np.isfinite(array).all() for array in signals.values()):
            raise ValueError("signals must be finite")
        question = Question(signals, batch, labelled, labels)
        rng, picked = np.random.default_rng(seed), list[int]()
        for _ in range(batch):
            weights = np.asarray(definition.weights(question, picked) if definition.weights else ())
            weights = weights if bend is None else bend(weights, question, picked)
            picked.append(int(rng.choice(question.n, p=weights / weights.sum())))
        return picked

    return pick


def _wrong_way(pick: Pick, definition: Definition) -> Pick:
    """What the definition wants least comes first."""

    def least(weights: Weights, question: Question, picked: Sequence[int]) -> Weights:
        left = np.delete(np.arange(question.n), picked)
        other = np.zeros(question.n)
        other[left] = weights[left] <= weights[left].min()
        return other

    def worst(**call: Any) -> Any:
        question = _question(call)
        every = combinations(range(question.n), question.batch)
        return min(every, key=lambda batch: definition.worth(question, batch) if definition.worth else 0.0)

    return follow(definition, bend=least) if definition.weights else worst


def _by_place(pick: Pick, definition: Definition) -> Pick:
    """The first places are likelier than the law says."""

    def leaning(weights: Weights, question: Question, picked: Sequence[int]) -> Weights:
        return np.asarray(weights / (1.0 + np.arange(len(weights))))

    return follow(definition, bend=leaning)


def _repeating(pick: Pick, definition: Definition) -> Pick:
    """The first pick comes again as the last."""
    return lambda **call: [*(picks := list(pick(**call)))[:-1], picks[0]]


def _dropping_copies(pick: Pick, definition: Definition) -> Pick:
    """Repeated rows are dropped, even where too few are left."""

    def spoilt(**call: Any) -> Any:
        question = _question(call)
        rows = np.concatenate(
            [np.reshape(one, (question.n, -1)) for one in question.signals.values()], axis=1
        )
        kept = np.sort(np.unique(rows, axis=0, return_index=True)[1])
        return kept[np.asarray(pick(**_rows(call, kept)))]

    return spoilt


def _never_all(pick: Pick, definition: Definition) -> Pick:
    """The whole pool cannot be taken."""

    def spoilt(**call: Any) -> Any:
        question = _question(call)
        if question.batch == question.n:
            raise IndexError("index out of bounds")
        return pick(**call)

    return spoilt


def _one_seed(pick: Pick, definition: Definition) -> Pick:
    """The seed is passed over, so that the same of equal items always wins."""
    return lambda **call: pick(**{**call, "seed": 0})


def _any_seed(pick: Pick, definition: Definition) -> Pick:
    """The seed comes from the global generator."""

    def spoilt(**call: Any) -> Any:
        return pick(**{**call, "seed": int(np.random.randint(1000))})  # noqa: NPY002 - the fault

    return spoilt


def _not_the_first(pick: Pick, definition: Definition) -> Pick:
    """The first row is left out as long as there are others."""

    def spoilt(**call: Any) -> Any:
        question = _question(call)
        if question.batch == question.n:
            return pick(**call)
        return 1 + np.asarray(pick(**_rows(call, np.arange(1, question.n))))

    return spoilt


def _half_precision(pick: Pick, definition: Definition) -> Pick:
    """What comes in float32 is rounded to three digits."""

    def short(array: Any) -> Any:
        if np.asarray(array).dtype != np.float32:
            return array
        exponent = np.floor(np.log10(np.maximum(np.abs(array), 1e-30)))
        return np.asarray(np.round(array / 10.0**exponent, 0) * 10.0**exponent, np.float32)

    def spoilt(**call: Any) -> Any:
        with np.errstate(all="ignore"):
            signals = {name: _even(name, short(array)) for name, array in _question(call).signals.items()}
        return pick(**{**call, **signals})

    return spoilt


def _logarithms(pick: Pick, definition: Definition) -> Pick:
    """A logarithm is taken of every probability."""

    def spoilt(**call: Any) -> Any:
        signals = _question(call).signals
        if any((np.asarray(array) == 0.0).any() for name, array in signals.items() if name in _PROBABILITIES):
            raise FloatingPointError("divide by zero encountered in log")
        return pick(**call)

    return spoilt


def _all_pairs(pick: Pick, definition: Definition) -> Pick:
    """Eight numbers for every pair of items are held beside it all."""

    def spoilt(**call: Any) -> Any:
        n = _question(call).n
        held = np.ones((n, n, 8))
        return pick(**call) if held.size else ()

    return spoilt


def _writing(pick: Pick, definition: Definition) -> Pick:
    """The caller's arrays are overwritten once the answer is there."""

    def spoilt(**call: Any) -> Any:
        picks = pick(**call)
        for array in _question(call).signals.values():
            array *= 0.5
        return picks

    return spoilt


def _credulous(pick: Pick, definition: Definition) -> Pick:
    """Rows with values that are no numbers are made rows of zeros, or even ones."""

    def mended(name: str, array: Any) -> Any:
        whole = np.asarray(np.nan_to_num(array, nan=0.0, posinf=0.0, neginf=0.0))
        return _even(name, whole)

    def spoilt(**call: Any) -> Any:
        signals = {name: mended(name, array) for name, array in _question(call).signals.items()}
        return pick(**{**call, **signals})

    return spoilt


_PROBABILITIES = ("proba", "draws", "mean_proba")


def _even(name: str, array: Any) -> Any:
    """Rows of probabilities that sum to one again."""
    if name not in _PROBABILITIES:
        return array
    array = np.where(array.sum(axis=-1, keepdims=True) > 0.0, array, 1.0)
    return (array / array.sum(axis=-1, keepdims=True)).astype(array.dtype)


def _question(call: Mapping[str, Any]) -> Question:
    rest = {
        name: value for name, value in call.items() if name not in ("batch", "seed", "labelled", "labels")
    }
    return Question(rest, call["batch"], call.get("labelled"), call.get("labels"))


def _rows(call: Mapping[str, Any], kept: Any) -> dict[str, Any]:
    signals = {name: array[kept] for name, array in _question(call).signals.items()}
    return {**call, **signals, "batch": min(call["batch"], len(kept))}


PLANTED: Mapping[str, Callable[[Pick, Definition], Pick]] = MappingProxyType(
    {
        "law": _by_place,
        "sequence": _wrong_way,
        "worth": _wrong_way,
        "distinct": _repeating,
        "duplicates": _dropping_copies,
        "exhaustion": _never_all,
        "ties": _one_seed,
        "seed": _any_seed,
        "permutation": _not_the_first,
        "precision": _half_precision,
        "zeros_and_ones": _logarithms,
        "memory": _all_pairs,
        "inputs": _writing,
        "refusals": _credulous,
    }
)
"""For each promise, how to spoil an implementation so that it breaks it."""
