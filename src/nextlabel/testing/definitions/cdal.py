"""Contextual diversity: the item farthest in symmetric divergence from all labelled ones and all picks."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "distance", "memory"]

_SMOOTHING = 1e-8
_LARGEST = np.log((1.0 + _SMOOTHING) / _SMOOTHING)


def distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Mean over the classes present in both of ½·KL(p‖q) + ½·KL(q‖p); the largest there is without any."""
    parts = []
    for p, q in zip(one, other, strict=True):
        if p.any() and q.any():
            p, q = (row / row.sum() + _SMOOTHING for row in (p, q))
            p, q = p / p.sum(), q / q.sum()
            parts.append(0.5 * np.sum(p * np.log(p / q)) + 0.5 * np.sum(q * np.log(q / p)))
    return float(np.mean(parts)) if parts else float(_LARGEST)


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    items = np.asarray(question.signals["class_mixture"], np.float64)
    labelled = items[:0] if question.labelled is None else question.labelled["class_mixture"]
    centres = [*np.asarray(labelled, np.float64), *items[list(picked)]]
    if not centres:  # nothing is known yet: the item nearest to the middle
        return first_of([-distance(item, _middle(items)) for item in items], slack=1e-9)
    nearest = [min(distance(item, centre) for centre in centres) for item in items]
    return first_of(nearest, picked, slack=1e-9)


def _middle(items: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each class, the mean over the items in which it is present."""
    middle = np.zeros(items.shape[1:])
    for label in range(len(middle)):
        present = [item[label] / item[label].sum() for item in items if item[label].any()]
        if present:
            middle[label] = np.mean(present, axis=0)
    return middle


def _questions(rng: np.random.Generator) -> Iterator[Question]:
    """Items of one region, and of several regions."""
    for n, batch, classes, share in ((4, 3, 2, 0.0), (5, 3, 3, 0.6), (6, 4, 3, 0.3), (8, 4, 4, 0.8)):
        pool, seen = (_mixtures(rng, count, classes, share) for count in (n, 2))
        yield Question({"class_mixture": pool}, batch, labelled={"class_mixture": seen})
    yield Question({"class_mixture": _mixtures(rng, 6, 3, 0.5)}, 3)


def _mixtures(rng: np.random.Generator, n: int, classes: int, share: float) -> NDArray[np.float64]:
    """Each item's own class, and each other one with this chance; values that float32 can hold."""
    proba = rng.dirichlet(np.ones(classes), size=(n, classes))
    proba[..., np.arange(classes), np.arange(classes)] += 1.0
    present = rng.random((n, classes)) < share
    present[np.arange(n), rng.integers(classes, size=n)] = True
    return np.asarray((0.5 * proba * present[:, :, None]).astype(np.float32).astype(np.float64))


DEFINITION = Definition(
    "cdal",
    frozenset({"class_mixture"}),
    frozenset({"class_mixture"}),
    weights=_weights,
    is_law=False,
    questions=_questions,
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs; all classes may be in each item."""
    both = sizes["n"] + sizes["l"]
    return 26.0 * both * sizes["c"] ** 2 + 80.0 * both * sizes["c"] + 1e7
