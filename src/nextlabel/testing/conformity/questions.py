"""Questions for a definition: by rule from the table of signals; and the same permuted, repeated, spoilt."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np

from nextlabel.core.rng import generator
from nextlabel.core.signals import SIGNALS
from nextlabel.maths.axes import Array
from nextlabel.testing.laws import Definition, Question
from nextlabel.testing.signals import example_arrays

__all__ = [
    "cast",
    "each",
    "example",
    "further",
    "hard",
    "has_one_answer",
    "identical",
    "is_probability",
    "of_zeros_and_ones",
    "questions",
    "repeated",
    "rows",
    "sizes_of",
    "spoilt",
    "with_batch",
]

_LADDER = ((4, 3), (4, 2), (6, 3), (9, 5))
_LABELLED = 3
_ANY = frozenset({"embedding"})  # for methods that read nothing: something must say how many items there are
_FAR = 1e3
_LARGE = 2.0**66  # its square is beyond float32, its cube is not beyond float64


def questions(definition: Definition, seed: int) -> list[Question]:
    """Small questions that suit the method, smallest first.

    Parameters
    ----------
    definition : Definition
        Its own questions, if it has some; else by rule.
    seed : int
        Zero or larger.

    Returns
    -------
    list of Question
    """
    if definition.questions is not None:
        return list(definition.questions(generator(seed, 1)))
    return [
        example(
            definition, n=n, batch=batch, seed=seed + place, labelled=definition.reads_labels or place != 2
        )
        for place, (n, batch) in enumerate(_LADDER)
    ]


def further(definition: Definition, seed: int) -> list[Question]:
    """Questions of a definition beside those by rule; none where it has none.

    Parameters
    ----------
    definition : Definition
        Whose questions are wanted.
    seed : int
        Zero or larger.

    Returns
    -------
    list of Question
    """
    return [] if definition.further is None else list(definition.further(generator(seed, 2)))


def example(
    definition: Definition,
    *,
    n: int,
    batch: int,
    seed: int,
    labelled: bool = True,
    c: int = 3,
    m: int = 3,
    d: int = 2,
    rows_labelled: int = _LABELLED,
) -> Question:
    """A question without ties, of values that float32 can hold.

    Parameters
    ----------
    definition : Definition
        Whose signals are wanted.
    n, c, m, d : int
        Items, classes, draws, features.
    batch : int
        Between 1 and n.
    seed : int
        Zero or larger.
    labelled : bool
        Whether there are labelled rows, for methods that read them.
    rows_labelled : int
        How many.

    Returns
    -------
    Question
    """
    arrays = example_arrays(sorted(definition.needs or _ANY), n=n, c=c, m=m, d=d, seed=seed)
    if not labelled or not (definition.needs_labelled or definition.reads_labels):
        return Question(arrays, batch)
    seen = example_arrays(
        sorted(definition.needs_labelled), n=rows_labelled, c=c, m=m, d=d, seed=seed + 1_000
    )
    labels = np.arange(rows_labelled) % c if definition.reads_labels else None
    return Question(arrays, batch, labelled=seen or None, labels=labels)


def each(
    question: Question, change: Callable[[str, Array], Array], *, also_labelled: bool = True
) -> Question:
    """The question with every array changed.

    Parameters
    ----------
    question : Question
        As it was.
    change : callable
        From the name of a signal and its array to another array.
    also_labelled : bool
        Whether arrays of the labelled rows change too.

    Returns
    -------
    Question
    """
    seen = question.labelled
    if seen is not None and also_labelled:
        seen = {name: change(name, array) for name, array in seen.items()}
    return replace(
        question,
        signals={name: change(name, array) for name, array in question.signals.items()},
        labelled=seen,
    )


def rows(question: Question, positions: "Array | list[int]", batch: int | None = None) -> Question:
    """Some of the items, in this order."""
    taken = each(question, lambda _, array: array[np.asarray(positions, np.int64)], also_labelled=False)
    return with_batch(taken, question.batch if batch is None else batch)


def with_batch(question: Question, batch: int) -> Question:
    """The question with another number of picks."""
    return replace(question, batch=batch)


def identical(question: Question, n: int, batch: int) -> Question:
    """The first item, n times."""
    return rows(question, [0] * n, batch)


def repeated(question: Question, batch: int) -> Question:
    """Every item twice, copies not side by side."""
    return rows(question, [*range(question.n), *reversed(range(question.n))], batch)


def cast(question: Question, dtype: type) -> Question:
    """The same values in another precision."""
    return each(question, lambda _, array: array.astype(dtype) if array.dtype.kind == "f" else array)


def hard(question: Question) -> list[Question]:
    """The question with features far from the origin, and with features whose squares leave float32."""

    def features(change: Callable[[Array], Array]) -> Question:
        return each(question, lambda name, array: change(array) if _is_feature(name) else array)

    return [features(lambda array: _single(array + _FAR)), features(lambda array: _single(array * _LARGE))]


def spoilt(question: Question, name: str, bad: float) -> Question:
    """The question with a value that is no finite number in one signal of the last item."""

    def change(one: str, array: Array) -> Array:
        if one != name:
            return array
        other = np.array(array, np.float64)
        other[-1] = bad
        return other

    return each(question, change, also_labelled=False)


def of_zeros_and_ones(question: Question) -> Question | None:
    """Rows that are certain, rows with an impossible class; None where no signal is a probability."""
    if not any(map(is_probability, question.signals)):
        return None
    return each(question, lambda name, array: _certain(array) if is_probability(name) else array)


def _certain(array: Array) -> Array:
    """Of three items each: one certain of a class, one without its least class, one as it is."""
    other = np.array(array, np.float64)
    top = other.max(axis=-1, keepdims=True)
    other[::3] = (other == top)[::3]
    least = other.argmin(axis=-1)
    np.put_along_axis(other[1::3], least[1::3, ..., None], 0.0, axis=-1)
    return np.asarray(other / other.sum(axis=-1, keepdims=True))


def is_probability(name: str) -> bool:
    """Whether the rows of a signal are probabilities that sum to one."""
    return SIGNALS[name].rows_sum_to_one


def has_one_answer(definition: Definition, question: Question) -> "tuple[int, ...] | None":
    """The only picks that a definition admits; None where it leaves a choice, or looks at whole batches."""
    if definition.weights is None:
        return None
    picked: list[int] = []
    for _ in range(question.batch):
        wanted = np.flatnonzero(np.asarray(definition.weights(question, picked)) > 0.0)
        if len(wanted) != 1:
            return None
        picked.append(int(wanted[0]))
    return tuple(picked)


def _has_copies(question: Question) -> bool:
    """Whether two items are equal in all signals."""
    keys = sorted(
        b"".join(np.ascontiguousarray(array[row]).tobytes() for array in question.signals.values())
        for row in range(question.n)
    )
    return any(one == other for one, other in pairwise(keys))


def _is_feature(name: str) -> bool:
    return name in ("embedding", "descriptor")


def _single(array: Array) -> Array:
    """The nearest values that float32 can hold."""
    return np.asarray(array.astype(np.float32).astype(np.float64))


def sizes_of(question: Question) -> Mapping[str, int]:
    """What the axes of a question measure, by letter, with its batch and labelled rows."""
    found: dict[str, int] = {"n": question.n, "b": question.batch}
    for name, array in question.signals.items():
        found.update(zip(SIGNALS[name].axes.split(), array.shape, strict=True))
    seen = question.labelled or {}
    labelled = next((len(array) for array in seen.values()), 0)
    return found | {"l": labelled if question.labels is None else len(question.labels)}
