"""Look-ahead: of the items of largest entropy, that whose label should leave the pool least uncertain.

A linear head fitted to the labelled items, one Newton step for a candidate and a label, posterior weights,
entropy; few candidates and few items that stand for the pool, so that both matter.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations

import numpy as np

from nextlabel.maths.axes import Array
from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "defined", "left", "memory"]

_PENALTY = 1.0
_CANDIDATES, _EVALUATION = 6, 12
_TIE = 1e-12  # nats


def _weights(question: Question, picked: Sequence[int], *, candidates: int, evaluation: int) -> Weights:
    """Over all ways in which equal entropies can be cut."""
    doubt = np.array([_entropy(row) for row in np.asarray(question.signals["proba"], np.float64)])
    watched = _watched(doubt, evaluation)
    wanted = min(question.n, max(question.batch, candidates))
    last = np.sort(doubt)[::-1][wanted - 1]
    sure = [item for item in range(question.n) if doubt[item] > last + _TIE]
    tied = [item for item in range(question.n) if abs(doubt[item] - last) <= _TIE]
    values = np.full(question.n, np.inf)
    values[[*sure, *tied]] = left(question, items=[*sure, *tied], watched=watched)
    weights = np.zeros(question.n)
    for some in combinations(tied, wanted - len(sure)):
        scores = np.full(question.n, -np.inf)
        scores[[*sure, *some]] = -values[[*sure, *some]]
        chance, before = 1.0, list[int]()
        for item in picked:
            law = first_of(scores, before)
            chance *= law[item] / law.sum()
            before.append(item)
        if chance > 0.0:
            law = first_of(scores, before)
            weights += chance * law / law.sum()
    return weights


def _watched(doubt: Weights, evaluation: int) -> list[int]:
    """All items, or the middles of equal parts of the pool from the largest entropy on; none of them tie."""
    n = len(doubt)
    order = np.argsort(-doubt)
    if n <= evaluation:
        return list(range(n))
    return [int(order[int((part + 0.5) * n / evaluation)]) for part in range(evaluation)]


def left(
    question: Question,
    *,
    steps: int = 1,
    items: Sequence[int] | None = None,
    watched: Sequence[int] | None = None,
) -> Weights:
    """The entropy that the label of each of these items is expected to leave, axes (items,).

    Parameters
    ----------
    question : Question
        With labelled rows and labels.
    steps : int
        Newton steps for each label: 1, or as many as it takes.
    items : sequence of int, optional
        Whose labels are asked for; of all items when left out.
    watched : sequence of int, optional
        Those that stand for the pool; the whole pool when left out. The item that is labelled has no entropy
        left.
    """
    assert question.labelled is not None
    assert question.labels is not None
    proba = np.asarray(question.signals["proba"], np.float64)
    pool = _with_one(question.signals["embedding"])
    seen = _with_one(question.labelled["embedding"])
    labels = np.asarray(question.labels, np.int64)
    n, classes = proba.shape
    items = range(n) if items is None else items
    watched = range(n) if watched is None else watched
    absent = np.setdiff1d(np.arange(classes), labels)
    before = _fitted(seen, labels, absent, np.zeros((classes, pool.shape[1])), 200)
    values = np.zeros(len(items))
    for place, item in enumerate(items):
        for label in range(classes):
            rows, given = np.vstack([seen, pool[item]]), np.append(labels, label)
            after = _fitted(rows, given, absent, before, steps)
            entropies = {one: _entropy(_softmax(after @ pool[one])) for one in {*watched, item}}
            rest = sum(entropies[one] for one in watched) * n / len(watched) - entropies[item]
            values[place] += proba[item, label] * rest
    return values


def _fitted(rows: Array, labels: Array, absent: Array, start: Array, steps: int) -> Array:
    """Newton steps towards the penalised maximum likelihood; biases of absent classes are penalised too."""
    classes, width = start.shape
    centre = np.eye(classes) - 1.0 / classes
    of_bias = centre @ np.diag(np.isin(np.arange(classes), absent) * _PENALTY) @ centre
    is_bias = np.diag(np.arange(width) == width - 1)
    curve = np.kron(np.eye(classes), _PENALTY * (np.eye(width) - is_bias)) + np.kron(of_bias, is_bias)
    head = start.ravel()
    for _ in range(steps):
        gradient, hessian = -curve @ head, curve.copy()
        for row, label in zip(rows, labels, strict=True):
            proba = _softmax(head.reshape(classes, width) @ row)
            gradient += np.kron(np.eye(classes)[label] - proba, row)
            hessian += np.kron(np.diag(proba) - np.outer(proba, proba), np.outer(row, row))
        step = np.linalg.pinv(hessian, rcond=1e-13, hermitian=True) @ gradient
        head = head + step
        if np.abs(step).max() < 1e-14:
            break
    return head.reshape(classes, width)


def _softmax(scores: Array) -> Array:
    shares = np.exp(scores - scores.max())
    return np.asarray(shares / shares.sum())


def _entropy(proba: Array) -> float:
    return float(-sum(p * np.log(p) for p in proba if p > 0.0))


def _with_one(features: Array) -> Array:
    return np.column_stack([np.asarray(features, np.float64), np.ones(len(features))])


def _further(rng: np.random.Generator) -> Iterator[Question]:
    """More items than are looked at, and more than are watched; classes around means of their own."""
    for n, batch in ((16, 2), (20, 3)):
        means = 2.0 * rng.normal(size=(3, 2))
        labels = rng.permutation([0, 1, 2, 0, 1])
        seen = means[labels] + 0.5 * rng.normal(size=(len(labels), 2))
        pool = means[rng.integers(3, size=n)] + 1.5 * rng.normal(size=(n, 2))
        scores = np.exp(pool @ means.T + 2.0 * rng.normal(size=(n, 3)))
        signals = {"proba": scores / scores.sum(axis=1, keepdims=True), "embedding": pool}
        yield Question(
            {name: _single(one) for name, one in signals.items()},
            batch,
            labelled={"embedding": _single(seen)},
            labels=labels,
        )


def _single(array: Array) -> Array:
    """The nearest values that float32 can hold."""
    return np.asarray(array.astype(np.float32).astype(np.float64))


def defined(*, candidates: int = 100, evaluation: int = 1000) -> Definition:
    """The definition with so many candidates and items that stand for the pool.

    Parameters
    ----------
    candidates, evaluation : int
        From 1.

    Returns
    -------
    Definition
    """
    return Definition(
        "look_ahead",
        frozenset({"proba", "embedding"}),
        frozenset({"embedding"}),
        weights=partial(_weights, candidates=candidates, evaluation=evaluation),
        further=_further,
        reads_labels=True,
        parameters={"candidates": candidates, "evaluation": evaluation},
    )


DEFINITION = defined(candidates=_CANDIDATES, evaluation=_EVALUATION)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    weights = sizes["c"] * (sizes["d"] + 1)
    rows = min(sizes["n"], 1000) + sizes["l"]
    return 40.0 * weights**2 + 64.0 * sizes["n"] + 64.0 * rows * (sizes["d"] + 1 + sizes["c"]) + 2e7
