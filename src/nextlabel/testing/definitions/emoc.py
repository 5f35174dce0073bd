"""Expected model output change: the step of the last layer that moves the pool's probabilities most."""

from collections.abc import Sequence
from functools import partial
from itertools import combinations

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "defined", "memory"]

_WATCHED = 3


def _weights(question: Question, picked: Sequence[int], *, reference: int) -> Weights:
    """Over all parts of the pool that may be watched, equally likely; or watching all of it."""
    proba = np.asarray(question.signals["proba"], np.float64)
    proba = proba / proba.sum(axis=1, keepdims=True)
    embedding = np.asarray(question.signals["embedding"], np.float64)
    changes = np.array([_expected_changes(item, proba, embedding) for item in range(question.n)])
    weights = np.zeros(question.n)
    for watched in combinations(range(question.n), min(reference, question.n)):
        scores = changes[:, watched].mean(axis=1)
        chance, before = 1.0, list[int]()
        for item in picked:
            wanted = first_of(scores, before)
            chance *= wanted[item] / wanted.sum()
            before.append(item)
        if chance > 0.0:
            wanted = first_of(scores, before)
            weights += chance * wanted / wanted.sum()
    return weights


def _expected_changes(item: int, proba: Weights, embedding: Weights) -> Weights:
    """Of the prediction of every item of the pool, axes (n,)."""
    changes = np.zeros(len(proba))
    for label, chance in enumerate(proba[item]):
        gradient = np.outer(proba[item] - np.eye(proba.shape[1])[label], embedding[item])
        for place, (other, features) in enumerate(zip(proba, embedding, strict=True)):
            jacobian = np.diag(other) - np.outer(other, other)
            changes[place] += chance * np.abs(jacobian @ gradient @ features).sum()
    return changes


def defined(*, reference: int = 1000) -> Definition:
    """The definition with so many items of the pool on which outputs are watched.

    Parameters
    ----------
    reference : int
        From 1.

    Returns
    -------
    Definition
    """
    return Definition(
        "emoc",
        frozenset({"proba", "embedding"}),
        weights=partial(_weights, reference=reference),
        parameters={"reference": reference},
    )


DEFINITION = defined(reference=_WATCHED)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    watched = min(sizes["n"], 1000)
    return 64.0 * sizes["n"] + 24.0 * watched * (sizes["d"] + sizes["c"]) + 1e8
