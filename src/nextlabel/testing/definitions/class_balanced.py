"""Class balance among margin's candidates: of the class with fewest labels, one of its items at random.

What is hidden is averaged over: which of equal margins are candidates, and as which of equally probable
classes an item counts.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations, product

import numpy as np

from nextlabel.maths.axes import Array
from nextlabel.testing.laws import Definition, Question, Sizes, Weights

__all__ = ["DEFINITION", "memory"]

_SHARE = 0.6


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    proba = np.asarray(question.signals["proba"], np.float64)
    labels = np.zeros(0, np.int64) if question.labels is None else np.asarray(question.labels)
    counts = np.bincount(labels, minlength=proba.shape[1])
    weights = np.zeros(question.n)
    for candidates in _candidates(proba, max(question.batch, int(np.ceil(_SHARE * question.n - 1e-9)))):
        most = [np.flatnonzero(proba[item] == proba[item].max()) for item in candidates]
        for classes in product(*most):
            weights += _given(
                dict(zip(candidates, map(int, classes), strict=True)), counts, picked, question.n
            )
    return weights


def _candidates(proba: Array, size: int) -> Iterable[tuple[int, ...]]:
    """The items of the smallest margins, and each choice among those that tie for the last places."""
    ordered = np.sort(proba, axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    last = np.sort(margin)[size - 1]
    sure, level = np.flatnonzero(margin < last), np.flatnonzero(margin == last)
    for some in combinations(level, size - len(sure)):
        yield tuple(int(item) for item in (*sure, *some))


def _given(classes: dict[int, int], counts: Array, picked: Sequence[int], n: int) -> Weights:
    """The law of the next pick times the chance of those before it, where all that is hidden is known."""
    chance, counts, left = 1.0, counts.copy(), dict(classes)
    for item in picked:
        chance *= _law(left, counts, n)[item]
        if chance == 0.0:
            return np.zeros(n)
        counts[left.pop(item)] += 1
    return chance * _law(left, counts, n)


def _law(left: dict[int, int], counts: Array, n: int) -> Weights:
    """First a class, each of the rarest alike; then an item of it, each alike."""
    law = np.zeros(n)
    fewest = min(counts[one] for one in left.values())
    rarest = [one for one in set(left.values()) if counts[one] == fewest]
    for one in rarest:
        items = [item for item, its in left.items() if its == one]
        law[items] = 1.0 / len(rarest) / len(items)
    return law


def _questions(rng: np.random.Generator) -> Iterable[Question]:
    """A rarest class of which one candidate, then none is left; then any predictions."""
    for predicted, labels in (([2, 0, 0, 1], [0, 0, 1, 1]), ([1, 0, 0, 2], [0, 0, 2, 2])):
        yield Question({"proba": _predictions(rng, predicted, 2)}, 3, labels=rng.permutation(labels))
    for n, batch, known in ((4, 2, [0, 0, 1]), (4, 3, None), (6, 3, [0, 1, 1, 2]), (8, 4, [2, 2, 2])):
        values = np.exp(1.5 * rng.normal(size=(n, 3)))
        proba = (values / values.sum(axis=1, keepdims=True)).astype(np.float32).astype(np.float64)
        yield Question({"proba": proba}, batch, labels=None if known is None else np.array(known))


def _predictions(rng: np.random.Generator, predicted: Sequence[int], sure: int) -> Array:
    """Unsure ones of these classes, and so many sure ones, which are no candidates; in any order."""
    classes = np.append(predicted, rng.integers(3, size=sure))
    proba = rng.dirichlet(np.full(3, 9.0), size=len(classes))
    proba += np.eye(3)[classes] * np.where(np.arange(len(classes)) < len(predicted), 1.0, 9.0)[:, None]
    proba /= proba.sum(axis=1, keepdims=True)
    return np.asarray(rng.permutation(proba).astype(np.float32).astype(np.float64))


DEFINITION = Definition(
    "class_balanced",
    frozenset({"proba"}),
    weights=_weights,
    questions=_questions,
    reads_labels=True,
    parameters={"of": "margin", "share": _SHARE},
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs: margins, and the candidates' rows."""
    return 150.0 * sizes["n"] + 24.0 * sizes["n"] * sizes["c"] + 4e6
