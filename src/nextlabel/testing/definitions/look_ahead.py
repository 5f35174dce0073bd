"""Look-ahead: of the items of largest entropy, that whose label should leave the pool least uncertain.

By default: a linear head fitted to the labelled items, one Newton step for a candidate and a label, posterior
weights, entropy, 100 candidates, at most 1,000 items in the pool.
"""

from collections.abc import Sequence

import numpy as np

from nextlabel.maths.axes import Array
from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "left", "memory"]

_PENALTY = 1.0
_CANDIDATES = 100


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    proba = np.asarray(question.signals["proba"], np.float64)
    doubt = np.array([_entropy(row) for row in proba])
    offered = np.argsort(-doubt, kind="stable")[: max(question.batch, _CANDIDATES)]
    scores = np.full(question.n, -np.inf)
    values = left(question)
    scores[offered] = -values[offered]
    return first_of(scores, picked)


def left(question: Question, *, steps: int = 1) -> Weights:
    """The entropy that each item's label is expected to leave, axes (n,).

    Parameters
    ----------
    question : Question
        With labelled rows and labels.
    steps : int
        Newton steps for each label: 1, or as many as it takes.
    """
    assert question.labelled is not None
    assert question.labels is not None
    proba = np.asarray(question.signals["proba"], np.float64)
    pool = _with_one(question.signals["embedding"])
    seen = _with_one(question.labelled["embedding"])
    labels = np.asarray(question.labels)
    n, classes = proba.shape
    absent = np.setdiff1d(np.arange(classes), labels)
    before = _fitted(seen, labels, absent, np.zeros((classes, pool.shape[1])), 200)
    values = np.zeros(n)
    for item in range(n):
        others = np.delete(np.arange(n), item)
        for label in range(classes):
            rows, given = np.vstack([seen, pool[item]]), np.append(labels, label)
            after = _fitted(rows, given, absent, before, steps)
            values[item] += proba[item, label] * sum(_entropy(_softmax(after @ pool[x])) for x in others)
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


DEFINITION = Definition(
    "look_ahead",
    frozenset({"proba", "embedding"}),
    frozenset({"embedding"}),
    weights=_weights,
    reads_labels=True,
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    weights = sizes["c"] * (sizes["d"] + 1)
    rows = min(sizes["n"], 1000) + sizes["l"]
    return 40.0 * weights**2 + 64.0 * sizes["n"] + 64.0 * rows * (sizes["d"] + 1 + sizes["c"]) + 2e7
