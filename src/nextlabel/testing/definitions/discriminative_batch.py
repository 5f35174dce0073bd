"""Discriminative batches: what a batch is worth under the labels that suit it best, by trying all of them.

By default: likelihoods of labelled and guessed items less the entropy of the rest, under a softmax regression
refitted to both, weights penalised by 1 and biases of classes without a label as well; at most
⌊(1/K + 0.1)·b⌋ items guessed to be of one class, and any number where the batch has fewer items than classes.
Only items of large entropy may be picked, so few here that it matters, and they stand for the pool.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from nextlabel.maths.axes import Array
from nextlabel.testing.laws import Definition, Question, Sizes, Weights

__all__ = ["DEFINITION", "best_labels", "memory", "worth_with_labels"]

_PENALTY, _SLACK = 1.0, 0.1
_CANDIDATES = 5


def worth_with_labels(
    question: Question, batch: Sequence[int], guesses: Sequence[int], *, entropy_weight: float = 1.0
) -> float:
    """What a batch is worth if its items were of these classes.

    Parameters
    ----------
    question : Question
        With labelled rows and labels.
    batch, guesses : sequences of int
        Positions, and a class for each.
    entropy_weight : float
        What the entropy of an item that is left counts.

    Returns
    -------
    float
    """
    assert question.labelled is not None
    assert question.labels is not None
    pool, seen = _with_one(question.signals["embedding"]), _with_one(question.labelled["embedding"])
    classes = question.signals["proba"].shape[1]
    taken = list(batch)
    rows = np.vstack([seen, pool[taken]])
    labels = np.concatenate([np.asarray(question.labels, int), np.asarray(guesses, int)])
    unseen = ~np.isin(np.arange(classes), question.labels)
    head = _refitted(rows, np.eye(classes)[labels], unseen)
    likelihood = _log_proba(rows, head)[np.arange(len(rows)), labels].sum()
    left = _log_proba(np.delete(pool, taken, axis=0), head)
    entropy = -(np.exp(left) * left).sum()
    return float(likelihood - entropy_weight * entropy)


def best_labels(question: Question, batch: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The label vectors that the caps admit."""
    size, classes = len(batch), question.signals["proba"].shape[1]
    cap = max(np.floor((1 / classes + _SLACK) * size + 1e-9), np.ceil(size / classes))
    for labels in product(range(classes), repeat=size):
        if size < classes or np.bincount(labels).max() <= cap:
            yield labels


def _worth(question: Question, batch: Sequence[int]) -> float:
    proba = np.asarray(question.signals["proba"], np.float64)
    doubt = -(proba * np.log(proba)).sum(axis=1)
    offered = np.argsort(-doubt)[: max(len(batch), _CANDIDATES)]
    if not np.isin(batch, offered).all():
        return -np.inf
    among = {name: np.asarray(array)[offered] for name, array in question.signals.items()}
    places = [int(np.flatnonzero(offered == item)[0]) for item in batch]
    labels = best_labels(question, batch)
    return max(worth_with_labels(replace(question, signals=among), places, some) for some in labels)


def _refitted(rows: Array, targets: Array, unseen: Array) -> Array:
    """The weights and biases, axes (c, d + 1), of the largest penalised likelihood."""
    from scipy.optimize import minimize

    shape = targets.shape[1], rows.shape[1]

    def loss(flat: Array) -> tuple[float, Array]:
        head = flat.reshape(shape)
        logs = _log_proba(rows, head)
        bias = head[:, -1] - head[:, -1].mean()
        value = -(targets * logs).sum() + _PENALTY / 2 * (
            (head[:, :-1] ** 2).sum() + (unseen * bias**2).sum()
        )
        slope = (np.exp(logs) - targets).T @ rows
        slope[:, :-1] += _PENALTY * head[:, :-1]
        pull = _PENALTY * unseen * bias
        slope[:, -1] += pull - pull.mean()
        return float(value), slope.ravel()

    found = minimize(loss, np.zeros(shape).ravel(), jac=True, method="BFGS", options={"gtol": 1e-7})
    return np.asarray(found.x).reshape(shape)


def _log_proba(rows: Array, head: Array) -> Array:
    scores = rows @ head.T
    scores = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))


def _with_one(features: Array) -> Array:
    return np.column_stack([np.asarray(features, np.float64), np.ones(len(features))])


def _questions(rng: np.random.Generator) -> Iterator[Question]:
    """Two classes, then three, around means of their own; two labels of each; what a linear model says."""
    for classes, n in ((2, 8), (2, 9), (2, 10), (3, 8), (3, 9)):
        means = 1.5 * rng.normal(size=(classes, 2))
        labels = np.tile(np.arange(classes), 2)
        seen = means[labels] + rng.normal(size=(len(labels), 2))
        pool = means[rng.integers(classes, size=n)] + rng.normal(size=(n, 2))
        proba: Weights = np.exp(_log_proba(pool, means))
        yield Question({"proba": proba, "embedding": pool}, 2, labelled={"embedding": seen}, labels=labels)


DEFINITION = Definition(
    "discriminative_batch",
    frozenset({"proba", "embedding"}),
    frozenset({"embedding"}),
    worth=_worth,
    questions=_questions,
    share=0.8,
    reads_labels=True,
    parameters={"candidates": _CANDIDATES},
    moderate={"n": 1000, "c": 3, "m": 2, "d": 8, "b": 5, "l": 20},
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    candidates = max(_CANDIDATES, sizes["b"])
    weights = sizes["c"] * (sizes["d"] + 1)
    dense = 32.0 * min(weights, 1500) ** 2
    guesses = candidates * sizes["c"] * (24.0 * sizes["b"] + 2000.0)
    rows = candidates + sizes["l"]
    return (
        dense
        + guesses
        + 64.0 * rows * (sizes["d"] + sizes["c"])
        + sizes["n"] * (16.0 * sizes["c"] + 64.0)
        + 2e7
    )
