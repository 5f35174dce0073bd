"""Faults that have been made in earnest, each as an implementation of its own beside the right one.

Those of methods that look at more than one thing are in `misreadings`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from nextlabel.maths.axes import Array
from nextlabel.testing.conformance import definition_of
from nextlabel.testing.conformity.answers import Pick
from nextlabel.testing.faults import Bend, Twin, follow
from nextlabel.testing.laws import Question, Weights, uniform
from nextlabel.testing.misreadings import MISREADINGS

__all__ = ["TWINS", "Twin"]


def _bent(name: str, bend: Bend) -> Pick:
    return follow(definition_of(name), bend=bend)


def _root(weights: Weights, question: Question, picked: Sequence[int]) -> Weights:
    """D where D² is meant."""
    return np.asarray(np.sqrt(weights))


def _squared(weights: Weights, question: Question, picked: Sequence[int]) -> Weights:
    return np.asarray(weights**2)


def _origin(weights: Weights, question: Question, picked: Sequence[int]) -> Weights:
    """A centre at the origin that nobody asked for: no distance is longer than the gradient itself."""
    residual = np.array(question.signals["proba"], np.float64)
    residual[np.arange(question.n), residual.argmax(axis=1)] -= 1.0
    square = (residual**2).sum(axis=1) * (np.asarray(question.signals["embedding"]) ** 2).sum(axis=1)
    nearest: Weights = np.minimum(weights, square)
    return nearest if picked and nearest.any() else weights


def _again(weights: Weights, question: Question, picked: Sequence[int]) -> Weights:
    """Once all distances are zero, the whole pool is drawn from, the picks among it."""
    is_spent = np.array_equal(weights, uniform(question.n, picked))
    return np.ones(question.n) if is_spent else weights


def _forgetting(*, labelled: Any = None, **call: Any) -> Any:
    """The labelled items are no centres."""
    return follow(definition_of("coreset"))(**call)


def _from_the_top(*, batch: int, seed: int, embedding: Array, labelled: Any = None) -> Any:
    """The first row begins where nothing is labelled."""
    if labelled is not None or batch == 1:
        picks = follow(definition_of("coreset"))(
            batch=batch, seed=seed, embedding=embedding, labelled=labelled
        )
        return picks if labelled is not None else [0]
    rest = {"embedding": embedding[1:], "labelled": {"embedding": embedding[:1]}}
    return [0, *(1 + one for one in follow(definition_of("coreset"))(batch=batch - 1, seed=seed, **rest))]


def _in_own_precision(*, batch: int, seed: int, embedding: Array, labelled: Any = None) -> Any:
    """‖a‖² + ‖b‖² − 2ab, in the precision of the features."""
    points, rng = _finite(embedding), np.random.default_rng(seed)
    nearest = -((points - points.mean(axis=0)) ** 2).sum(axis=1)
    if labelled is not None:
        nearest = np.min([_expanded(points, one) for one in labelled["embedding"]], axis=0)
    picked: list[int] = []
    while len(picked) < batch:
        nearest[picked] = -np.inf
        best = int(rng.choice(np.flatnonzero(nearest == nearest.max())))
        is_first = not picked and labelled is None
        picked.append(best)
        new = _expanded(points, points[best])
        nearest = new if is_first else np.minimum(nearest, new)
    return picked


def _expanded(points: Array, centre: Array) -> Array:
    with np.errstate(all="ignore"):
        square = (points * points).sum(axis=1) + (centre * centre).sum() - 2.0 * (points @ centre)
    return np.asarray(np.nan_to_num(np.maximum(square, 0.0)))


def _unguarded(*, batch: int, seed: int, proba: Array) -> Any:
    """0 · log 0 is no number, and sorts last."""
    with np.errstate(all="ignore"):
        entropy = -(_finite(proba).astype(np.float64) * np.log(proba)).sum(axis=1)
    return _ranked(-entropy, seed)[:batch]


def _by_place(*, batch: int, seed: int, proba: Array) -> Any:
    """Of equal margins, the first row wins."""
    return np.argsort(_margin(proba).round(12), kind="stable")[:batch]


def _own_part(*, batch: int, seed: int, proba: Array) -> Any:
    """The first rows, not a random part of the pool."""
    return _ranked(_margin(proba)[: max(3, batch)], seed)[:batch]


def _all_pairs(*, batch: int, seed: int, proba: Array) -> Any:
    """Every pair of items is compared at once."""
    margin = _margin(proba)
    return _ranked((margin[:, None] > margin[None]).astype(np.float64).sum(axis=1), seed)[:batch]


def _sorting(*, batch: int, seed: int, proba: Array) -> Any:
    """The caller's rows are sorted in place."""
    _finite(proba).sort(axis=1)
    return _ranked(_margin(proba), seed)[:batch]


def _replacing(*, batch: int, seed: int, embedding: Array) -> Any:
    return np.random.default_rng(seed).integers(len(embedding), size=batch)


def _seeding(*, batch: int, seed: int, embedding: Array) -> Any:
    np.random.seed(seed)  # noqa: NPY002 - the fault
    return np.random.permutation(len(embedding))[:batch]  # noqa: NPY002 - the fault


def _confident(*, batch: int, seed: int, proba: Array) -> Any:
    """NaN is a number like all others."""
    return _ranked(np.asarray(proba, np.float64).max(axis=1), seed)[:batch]


def _separate(*, batch: int, seed: int, draws: Array) -> Any:
    """The best items one by one, copies and all."""
    return follow(definition_of("bald"))(batch=batch, seed=seed, draws=draws)


def _undecided(*, batch: int, seed: int, draws: Array) -> Any:
    """The entropy of the mean alone: what no draw is sure of counts as disagreement."""
    return follow(definition_of("entropy"))(batch=batch, seed=seed, proba=np.mean(draws, axis=1))


def _uncovering(*, batch: int, seed: int, embedding: Array, labelled: Any = None) -> Any:
    """What earlier picks cover counts again."""
    reach = (np.linalg.norm(_finite(embedding)[:, None] - embedding[None], axis=2) < 1.0).sum(axis=1)
    return _ranked(-reach.astype(np.float64), seed)[:batch]


def _margin(proba: Array) -> Array:
    ordered = np.sort(_finite(proba).astype(np.float64), axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2])


def _finite(array: Array) -> Array:
    if not np.isfinite(array).all():
        raise ValueError("values must be finite")
    return array


def _ranked(scores: Array, seed: int) -> Array:
    """Positions from the smallest score on, equal ones at random."""
    return np.lexsort((np.random.default_rng(seed).random(len(scores)), np.round(scores, 12)))


_ALL = (
    Twin("badge", "D in place of D²", "law", _bent("badge", _root)),
    Twin("badge", "a centre at the origin", "law", _bent("badge", _origin)),
    Twin("badge", "a chosen item drawn again", "exhaustion", _bent("badge", _again)),
    Twin("bald", "entropy in place of information", "sequence", _undecided),
    Twin("batch_bald", "the best items one by one", "sequence", _separate),
    Twin("coreset", "labelled items forgotten", "sequence", _forgetting),
    Twin("coreset", "the first row to begin with", "permutation", _from_the_top),
    Twin("coreset", "squares in the precision of the features", "precision", _in_own_precision),
    Twin("entropy", "the logarithm of zero", "zeros_and_ones", _unguarded),
    Twin("least_confident", "NaN taken for a number", "refusals", _confident),
    Twin("margin", "ties by place", "ties", _by_place),
    Twin("margin", "all pairs at once", "memory", _all_pairs),
    Twin("margin", "rows sorted in place", "inputs", _sorting),
    Twin("probcover", "cover forgotten", "sequence", _uncovering),
    Twin("random", "with replacement", "distinct", _replacing),
    Twin("random", "the global generator seeded", "seed", _seeding),
    Twin("stochastic", "weights squared", "law", _bent("stochastic", _squared)),
    Twin("subsample", "the first rows", "law", _own_part),
    *MISREADINGS,
)

TWINS: Mapping[str, Twin] = MappingProxyType({f"{one.of}: {one.says}": one for one in _ALL})
"""Each faulty implementation by the strategy and the fault."""
