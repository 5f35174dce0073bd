"""A random draw below two labels, margin from two labels on."""

from collections.abc import Iterable, Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of, uniform

__all__ = ["DEFINITION", "memory"]

_AFTER = 2


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    labels = 0 if question.labels is None else len(question.labels)
    if labels < _AFTER:
        return uniform(question.n, picked)
    ordered = np.sort(np.asarray(question.signals["proba"], np.float64), axis=1)
    return first_of(ordered[:, -2] - ordered[:, -1], picked)


def _questions(rng: np.random.Generator) -> Iterable[Question]:
    for n, batch, labels in ((4, 3, None), (4, 2, [1]), (4, 2, [0, 2]), (8, 5, [0, 1, 1])):
        values = np.exp(1.5 * rng.normal(size=(n, 3)))
        proba = (values / values.sum(axis=1, keepdims=True)).astype(np.float32).astype(np.float64)
        yield Question({"proba": proba}, batch, labels=None if labels is None else np.array(labels))


DEFINITION = Definition(
    "schedule",
    frozenset({"proba"}),
    weights=_weights,
    questions=_questions,
    reads_labels=True,
    parameters={"of": ["random", "margin"], "after": [_AFTER]},
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs: margins, or a permutation."""
    return 64.0 * sizes["n"] + 4e6
