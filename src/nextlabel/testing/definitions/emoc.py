"""Expected model output change: the step of the last layer that moves the pool's probabilities most."""

from collections.abc import Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "memory"]


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    proba = np.asarray(question.signals["proba"], np.float64)
    proba = proba / proba.sum(axis=1, keepdims=True)
    embedding = np.asarray(question.signals["embedding"], np.float64)
    scores = [_expected_change(item, proba, embedding) for item in range(question.n)]
    return first_of(scores, picked)


def _expected_change(item: int, proba: Weights, embedding: Weights) -> float:
    """Of a pool of at most a thousand items, which are all watched."""
    total = 0.0
    for label, chance in enumerate(proba[item]):
        gradient = np.outer(proba[item] - np.eye(proba.shape[1])[label], embedding[item])
        for other, features in zip(proba, embedding, strict=True):
            jacobian = np.diag(other) - np.outer(other, other)
            total += chance * np.abs(jacobian @ gradient @ features).sum() / len(proba)
    return float(total)


DEFINITION = Definition("emoc", frozenset({"proba", "embedding"}), weights=_weights)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    watched = min(sizes["n"], 1000)
    return 64.0 * sizes["n"] + 24.0 * watched * (sizes["d"] + sizes["c"]) + 1e8
