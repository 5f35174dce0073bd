"""Smaller inputs that show the same fault: fewer picks, rows and columns, shorter numbers."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from nextlabel.core.signals import SIGNALS
from nextlabel.maths.axes import Array
from nextlabel.testing.conformity.answers import Fault
from nextlabel.testing.conformity.questions import each, is_probability, rows, with_batch
from nextlabel.testing.laws import Question

__all__ = ["Look", "shortened", "smallest"]

Look = Callable[[Question], "Fault | None"]
"""What is wrong when a question is asked; always the same for the same question."""

_LEAST = {"c": 2, "m": 1, "d": 1, "r": 1}


def smallest(question: Question, look: Look, fault: Fault, *, tries: int = 300) -> tuple[Question, Fault]:
    """A question that shows a fault of the same sort, from which nothing more can be left out.

    Parameters
    ----------
    question : Question
        Shows the fault.
    look : callable
        What is wrong when a question is asked.
    fault : Fault
        What is wrong with this one.
    tries : int
        How many other questions are tried at most.

    Returns
    -------
    Question, Fault
    """
    left = tries
    progress = True
    while progress:
        progress = False
        for other in _smaller(question):
            if left == 0:
                return question, fault
            left -= 1
            found = look(other)
            if found is not None and found.kind == fault.kind:
                question, fault, progress = other, found, True
                break
    return question, fault


def _smaller(question: Question) -> Iterator[Question]:
    if question.batch > 1:
        yield with_batch(question, question.batch - 1)
    if question.n > 1:
        for row in range(question.n):
            kept = [other for other in range(question.n) if other != row]
            yield rows(question, kept, min(question.batch, len(kept)))
    yield from _fewer_labelled(question)
    yield from _fewer_columns(question)
    for digits in (0, 1, 2):
        other = shortened(question, digits)
        if _differs(other, question):
            yield other


def shortened(question: Question, digits: int = 1) -> Question:
    """The question with so many digits behind the point; rows of probabilities still sum to one."""
    return each(question, lambda name, array: _rounded(name, array, digits))


def _fewer_labelled(question: Question) -> Iterator[Question]:
    seen = question.labelled or {}
    count = next((len(array) for array in seen.values()), 0)
    for row in range(count if count > 1 else 0):
        kept = [other for other in range(count) if other != row]
        labels = None if question.labels is None else question.labels[kept]
        yield replace(question, labelled={name: array[kept] for name, array in seen.items()}, labels=labels)


def _fewer_columns(question: Question) -> Iterator[Question]:
    """One class, draw or feature less, in every signal that has the axis."""
    for letter, least in _LEAST.items():
        if letter == "c" and question.labels is not None:
            continue
        count = _size(question, letter)
        for column in range(count if count > least else 0):
            yield _without(question, letter, column)


def _without(question: Question, letter: str, column: int) -> Question:
    return each(question, lambda name, array: _less(name, array, letter, column))


def _size(question: Question, letter: str) -> int:
    for name, array in question.signals.items():
        axes = SIGNALS[name].axes.split()
        if letter in axes:
            return int(array.shape[axes.index(letter)])
    return 0


def _less(name: str, array: Array, letter: str, column: int) -> Array:
    for axis, one in enumerate(SIGNALS[name].axes.split()):
        if one == letter:
            array = np.delete(array, column, axis=axis)
    return _summing_to_one(array) if letter == "c" and is_probability(name) else array


def _summing_to_one(array: Array) -> Array:
    total = array.sum(axis=-1, keepdims=True)
    even = np.full_like(array, 1.0 / array.shape[-1])
    return np.asarray(np.where(total > 0.0, array / np.where(total > 0.0, total, 1.0), even))


def _rounded(name: str, array: Array, digits: int) -> Array:
    """Fewer digits; rows of probabilities keep their sum, by their largest entry."""
    if array.dtype.kind != "f" or not np.isfinite(array).all():
        return array
    if not is_probability(name):
        return np.asarray(np.round(array, digits) + 0.0)
    digits = max(digits, 1)
    short = np.round(array.astype(np.float64), digits)
    top = short.argmax(axis=-1)[..., None]
    rest = short.sum(axis=-1, keepdims=True) - np.take_along_axis(short, top, axis=-1)
    np.put_along_axis(short, top, np.round(1.0 - rest, digits), axis=-1)
    return np.asarray(short.astype(array.dtype))


def _differs(other: Question, question: Question) -> bool:
    pairs = [(other.signals, question.signals), (other.labelled or {}, question.labelled or {})]
    return any(
        not np.array_equal(one[name], two[name], equal_nan=True)
        for one, two in pairs
        for name in one
        if one[name].dtype.kind == "f"
    )
