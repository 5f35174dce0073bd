"""Suggestive annotation: of the most uncertain items, the one that brings the pool nearest comes next."""

from collections.abc import Iterator, Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "memory"]

_CANDIDATES = 16


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    uncertainty = np.asarray(question.signals["uncertainty"], np.float64)
    descriptor = np.asarray(question.signals["descriptor"], np.float64)
    considered = max(_CANDIDATES, question.batch)
    # an item as uncertain as the last one considered may be considered in its place
    threshold = np.sort(uncertainty)[::-1][min(considered, question.n) - 1]
    lengths = np.linalg.norm(descriptor, axis=1)
    units = descriptor / np.where(lengths > 0.0, lengths, 1.0)[:, None]
    similarity = np.maximum(units @ units.T, 0.0)

    def value(batch: list[int]) -> float:
        return float(similarity[batch].max(axis=0).sum()) if batch else 0.0

    chosen = list(picked)
    gains = np.array([value([*chosen, one]) - value(chosen) for one in range(question.n)])
    gains[uncertainty < threshold] = -np.inf
    return first_of(gains, chosen, slack=1e-9 * question.n)


def _further(rng: np.random.Generator) -> Iterator[Question]:
    """More items than are considered, most of them apart from where the uncertain ones are."""
    for n, batch in ((24, 2), (40, 3), (40, 4)):
        descriptor, uncertainty = rng.normal(size=(n, 3)), rng.random(n)
        certain = np.argsort(uncertainty)[: n - _CANDIDATES]
        descriptor[certain] += 1.5 * rng.normal(size=3)
        signals = {"uncertainty": uncertainty, "descriptor": descriptor}
        yield Question({name: _single(one) for name, one in signals.items()}, batch)


def _single(array: Weights) -> Weights:
    """The nearest values that float32 can hold."""
    return np.asarray(array.astype(np.float32).astype(np.float64))


DEFINITION = Definition(
    "suggestive",
    frozenset({"uncertainty", "descriptor"}),
    weights=_weights,
    further=_further,
    is_law=False,
    is_scale_free=True,
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    return 16.0 * sizes["n"] * sizes["d"] + 120.0 * sizes["n"] + 2 * 2.0**25 + 4e6
