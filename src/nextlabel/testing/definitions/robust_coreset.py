"""Robust core-set: the batch from which the smallest radius reaches all items but two."""

from collections.abc import Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes

__all__ = ["DEFINITION", "OUTLIERS", "memory", "radius"]

OUTLIERS = 2


def radius(question: Question, batch: Sequence[int], outliers: int) -> float:
    """The largest distance from an item to the nearest pick or labelled item, without the worst few."""
    points = np.asarray(question.signals["embedding"], np.float64)
    labelled = points[:0] if question.labelled is None else question.labelled["embedding"]
    centres = [*np.asarray(labelled, np.float64), *points[list(batch)]]
    nearest = np.min([np.linalg.norm(points - centre, axis=1) for centre in centres], axis=0)
    kept = np.sort(nearest)[: len(points) - outliers]
    return float(kept[-1]) if len(kept) else 0.0


def _worth(question: Question, batch: Sequence[int]) -> float:
    return -radius(question, batch, OUTLIERS)


DEFINITION = Definition(
    "robust_coreset",
    frozenset({"embedding"}),
    frozenset({"embedding"}),
    worth=_worth,
    is_scale_free=True,
    parameters={"outliers": OUTLIERS, "time_limit": None},
    moderate={"n": 400, "c": 10, "m": 8, "d": 8, "b": 5, "l": 20},
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    pairs = sizes["n"] ** 2
    return 24.0 * pairs + 80.0 * min(pairs, 1e7) + 1e7
