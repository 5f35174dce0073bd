"""Robust core-set: the batch from which the smallest radius reaches all items but one."""

from collections.abc import Iterator, Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes

__all__ = ["DEFINITION", "OUTLIERS", "memory", "radius"]

OUTLIERS = 1


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


def _further(rng: np.random.Generator) -> Iterator[Question]:
    """Groups within reach of one pick each, and items far away, one of which may be left out.

    With one item far away greedy k-centre picks it, and so does who leaves out none; with two on either side,
    as many as there are picks and one more, who may leave out both picks neither.
    """
    for far, batch in (((100.0,), 1), ((100.0, -40.0), 1), ((100.0,), 2), ((-90.0, 40.0), 2)):
        groups = [np.linspace(-1.0, 1.0, 8) + 6.0 * place for place in range(batch + 1)]
        line = np.concatenate([*groups, far]) + 0.01 * rng.normal(size=8 * (batch + 1) + len(far))
        pool = rng.permutation(line.astype(np.float32).astype(np.float64))[:, None]
        yield Question({"embedding": pool}, batch, labelled={"embedding": np.zeros((1, 1))})


DEFINITION = Definition(
    "robust_coreset",
    frozenset({"embedding"}),
    frozenset({"embedding"}),
    worth=_worth,
    further=_further,
    is_scale_free=True,
    parameters={"outliers": OUTLIERS, "time_limit": None},
    moderate={"n": 400, "c": 10, "m": 8, "d": 8, "b": 5, "l": 20},
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    pairs = sizes["n"] ** 2
    return 24.0 * pairs + 80.0 * min(pairs, 1e7) + 1e7
