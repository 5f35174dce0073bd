"""Core-set by greedy k-centre: the item farthest from all labelled ones and all picks comes next."""

from collections.abc import Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "memory"]


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    points = np.asarray(question.signals["embedding"], np.float64)
    labelled = points[:0] if question.labelled is None else question.labelled["embedding"]
    centres = [*np.asarray(labelled, np.float64), *points[list(picked)]]
    if not centres:  # nothing is known yet: the item nearest the mean
        return first_of(-np.linalg.norm(points - points.mean(axis=0), axis=1))
    nearest = np.min([np.linalg.norm(points - centre, axis=1) for centre in centres], axis=0)
    return first_of(nearest, picked)


DEFINITION = Definition(
    "coreset",
    frozenset({"embedding"}),
    frozenset({"embedding"}),
    weights=_weights,
    is_law=False,
    is_scale_free=True,
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    return 200.0 * sizes["n"] + 8.0 * (sizes["l"] + sizes["b"]) * sizes["d"] + 4e6
