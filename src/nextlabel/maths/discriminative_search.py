"""The best batch of a discriminative problem: ascents from several starts, rounded, exchanged, compared."""

from dataclasses import dataclass
from itertools import product
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.ascent import climb
from nextlabel.maths.discriminative import BatchProblem, State
from nextlabel.maths.exchange import Whole, exchanged
from nextlabel.maths.information import entropy
from nextlabel.maths.polytope import Polytope, largest_first

__all__ = ["Found", "Guess", "Start", "best_batch"]

Guess = Literal["optimistic", "expected"]
"""Whose labels: the best for the batch, or the model's, each as probable as it says."""

Start = Literal["even", "entropy"]
"""Where an ascent begins: every guess alike, or the items of largest entropy with their likeliest classes."""

_Floats = NDArray[np.float64]
_Places = NDArray[np.int64]

_ROUNDS = 10  # exchanges beyond one for each item
_VECTORS = 16  # label vectors that an expectation is taken over at most; one less than a prime


@final
@dataclass(frozen=True, eq=False)
class Found:
    """The best batch found.

    Parameters
    ----------
    items : array of int64, axes (b,)
        What F would lose most without comes first.
    scores : array of float64, axes (b,)
        The derivative of F by the share of each item in the batch.
    value : float
        What the batch is worth.
    gap : float
        How much more the relaxation might hold to first order where its ascent was cut short; else 0.
    """

    items: _Places
    scores: _Floats
    value: float
    gap: float


@final
@dataclass(frozen=True, eq=False)
class _Relaxation:
    """Points of a polytope as guesses: themselves, or the share of an item times its probabilities."""

    problem: BatchProblem
    proba: _Floats
    polytope: Polytope
    is_expected: bool

    def spread(self, point: _Floats) -> _Floats:
        return point * self.proba if self.is_expected else point

    def back(self, slopes: _Floats) -> _Floats:
        return (slopes * self.proba).sum(axis=1, keepdims=True) if self.is_expected else slopes

    def start(self, name: Start) -> _Floats:
        return self.polytope.even() if name == "even" else self.polytope.corner(*self.most_uncertain())

    def most_uncertain(self) -> tuple[_Places, _Places]:
        """The items of largest entropy, each in its likeliest class that is not full."""
        first = np.argsort(-entropy(self.proba), kind="stable")[: self.polytope.total]
        if self.is_expected:
            return first, np.zeros_like(first)
        wanted = np.zeros_like(self.proba)
        wanted[first] = 1.0
        return largest_first(self.polytope, wanted, self.proba)

    def slopes(self, batch: Whole) -> _Floats:
        """The derivatives of the worth of a whole batch by the share of each guess."""
        if not self.is_expected:
            return self.problem.gradient(batch.state)[0]
        total = np.zeros((len(self.proba), 1))
        for chance, labels in self._vectors(batch.items):
            state = self._state(batch.items, labels, batch.state)
            guesses = self.proba.copy()
            guesses[batch.items] = state.guesses[batch.items]
            total += chance * (guesses * self.problem.gradient(state)[0]).sum(axis=1, keepdims=True)
        return total

    def evaluated(self, items: _Places, classes: _Places, near: State) -> Whole:
        """A whole batch with its worth."""
        if not self.is_expected:
            state = self._state(items, classes, near)
            return Whole(items, classes, state.value, state)
        value = 0.0
        for chance, labels in self._vectors(items):
            near = self._state(items, labels, near)
            value += chance * near.value
        return Whole(items, classes, value, near)

    def _state(self, items: _Places, labels: _Places, near: State) -> State:
        guesses = np.zeros_like(self.proba)
        guesses[items, labels] = 1.0
        return self.problem.state(guesses, near.matrix)

    def _vectors(self, items: _Places) -> list[tuple[float, _Places]]:
        """Label vectors of a batch with their probabilities: all, or as many as `_VECTORS`."""
        classes, size = self.proba.shape[1], len(items)
        if classes ** min(size, _VECTORS) <= _VECTORS:
            every = (np.array(labels, np.int64) for labels in product(range(classes), repeat=size))
            weighed = ((float(np.prod(self.proba[items, labels])), labels) for labels in every)
            return [(chance, labels) for chance, labels in weighed if chance > 0.0]
        rank = np.argsort(np.argsort(items))  # labels depend on the set, not on its order
        bounds = np.cumsum(self.proba[items], axis=1)
        vectors = []
        for r in range(1, _VECTORS + 1):
            # for each item another permutation of the same levels, so that items are not alike
            level = (r * (rank % _VECTORS + 1) % (_VECTORS + 1) - 0.5) / _VECTORS
            labels = (level[:, None] * bounds[:, -1:] >= bounds).sum(axis=1)
            vectors.append((1.0 / _VECTORS, np.minimum(labels, classes - 1)))
        return vectors


def best_batch(
    problem: BatchProblem,
    proba: _Floats,
    batch: int,
    *,
    cap: int,
    objective: Guess = "optimistic",
    starts: tuple[Start, ...] = ("even", "entropy"),
    steps: int = 50,
    exchanges: int = 16,
) -> Found:
    """The batch of largest worth, as far as ascents from these starts find it.

    Parameters
    ----------
    problem : BatchProblem
    proba : array of float64, axes (n, c)
        What the model says of the candidates, rows of sum one.
    batch : int
        Between 1 and n.
    cap : int
        How many items may be guessed to be of one class; of an expectation it has no meaning.
    objective : {"optimistic", "expected"}
    starts : tuple of {"even", "entropy"}
    steps, exchanges : int
        As `nextlabel.maths.ascent.climb` and `nextlabel.maths.exchange.exchanged`.

    Returns
    -------
    Found

    Raises
    ------
    ConvergenceError
        A refit did not reach its solution.

    Notes
    -----
    An expectation over the labels of a batch is over all their vectors where these are at most 16, else over
    16 in which every class of an item has its share to a sixteenth. Ascents have one refit in its place, with
    every class of an item at its probability; what is rounded from them, its exchanges and comparisons go by
    the expectation itself.
    """
    is_expected = objective == "expected"
    n, classes = proba.shape
    polytope = Polytope(n, 1, batch, batch) if is_expected else Polytope(n, classes, batch, cap)
    relaxed = _Relaxation(problem, proba, polytope, is_expected)
    found: list[tuple[Whole, float]] = []
    for name in starts:
        summit = climb(
            problem, polytope, relaxed.start(name), spread=relaxed.spread, back=relaxed.back, steps=steps
        )
        rounded = relaxed.evaluated(*largest_first(polytope, summit.point, summit.gradient), summit.state)
        whole = exchanged(
            polytope,
            rounded,
            evaluated=relaxed.evaluated,
            slopes=relaxed.slopes,
            tries=exchanges,
            rounds=batch + _ROUNDS,
        )
        found.append((whole, 0.0 if summit.is_reached else summit.gap))
    best, gap = max(found, key=lambda one: one[0].value)
    worth = relaxed.slopes(best)[best.items, best.classes]
    order = np.lexsort((best.items, -worth))
    return Found(best.items[order], worth[order], best.value, gap)
