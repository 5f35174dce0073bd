"""ProbCover: the ball that holds most items not covered yet comes next; once all are, the farthest item."""

from collections.abc import Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "memory"]

_RADIUS = 1.0
_BLOCKS = 2 * 2.0**25 + 4e6  # two blocks of distances, and what is small


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    points = np.asarray(question.signals["embedding"], np.float64)
    labelled = points[:0] if question.labelled is None else question.labelled["embedding"]
    centres = [*np.asarray(labelled, np.float64), *points[list(picked)]]
    nearest = np.full(len(points), np.inf)
    for centre in centres:
        nearest = np.minimum(nearest, np.linalg.norm(points - centre, axis=1))
    uncovered = points[nearest >= _RADIUS]
    if not len(uncovered):
        return first_of(nearest, picked)
    return first_of([(np.linalg.norm(uncovered - one, axis=1) < _RADIUS).sum() for one in points], picked)


DEFINITION = Definition(
    "probcover",
    frozenset({"embedding"}),
    frozenset({"embedding"}),
    weights=_weights,
    is_law=False,
    parameters={"radius": _RADIUS},
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs; all pairs may be near."""
    n = sizes["n"]
    return 5.0 * n**2 + 8.0 * n * sizes["d"] + 100.0 * n + _BLOCKS
