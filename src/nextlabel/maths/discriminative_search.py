"""The best batch of a discriminative problem: ascents from several starts, rounded, exchanged, compared."""

from dataclasses import dataclass
from itertools import product
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.ascent import Summit, climb
from nextlabel.maths.discriminative import BatchProblem, State
from nextlabel.maths.exchange import exchanged
from nextlabel.maths.information import entropy
from nextlabel.maths.polytope import Polytope, largest_first

__all__ = ["Found", "Guess", "Start", "best_batch"]

Guess = Literal["optimistic", "expected"]
"""Whose labels: the best for the batch, or the model's, each as probable as it says."""

Start = Literal["even", "entropy"]
"""Where an ascent begins: every guess alike, or the items of largest entropy with their likeliest classes."""

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_VECTORS = 64  # label vectors of a batch up to which their average is exact


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

    items: Whole
    scores: Floats
    value: float
    gap: float


@final
@dataclass(frozen=True, eq=False)
class _Relaxation:
    """Points of a polytope as guesses: themselves, or the share of an item times its probabilities."""

    problem: BatchProblem
    proba: Floats
    polytope: Polytope
    is_expected: bool

    def spread(self, point: Floats) -> Floats:
        return point * self.proba if self.is_expected else point

    def back(self, slopes: Floats) -> Floats:
        return (slopes * self.proba).sum(axis=1, keepdims=True) if self.is_expected else slopes

    def start(self, name: Start) -> Floats:
        return self.polytope.even() if name == "even" else self.polytope.corner(*self.most_uncertain())

    def most_uncertain(self) -> tuple[Whole, Whole]:
        """The items of largest entropy, each in its likeliest class that is not full."""
        if self.is_expected:
            items = np.argsort(-entropy(self.proba), kind="stable")[: self.polytope.total]
            return items, np.zeros_like(items)
        first = np.argsort(-entropy(self.proba), kind="stable")[: self.polytope.total]
        wanted = np.zeros_like(self.proba)
        wanted[first] = 1.0
        return largest_first(self.polytope, wanted, self.proba)

    def worth(self, items: Whole, state: State) -> float:
        """What a whole batch is worth: of an expectation the exact average where it has few terms."""
        classes = self.proba.shape[1]
        if not self.is_expected or len(items) * np.log(classes) > np.log(_VECTORS) + 1e-9:
            return state.value
        total = 0.0
        for labels in product(range(classes), repeat=len(items)):
            chance = float(np.prod(self.proba[items, labels]))
            if chance > 0.0:
                guesses = np.zeros_like(self.proba)
                guesses[items, labels] = 1.0
                total += chance * self.problem.state(guesses, state.matrix).value
        return total


def best_batch(
    problem: BatchProblem,
    proba: Floats,
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
    The expectation over the labels of a batch has cᵇ refits. In its place stands one refit with every class
    of an item at its probability; where cᵇ is at most 64, batches are compared by the exact average.
    """
    is_expected = objective == "expected"
    n, classes = proba.shape
    polytope = Polytope(n, 1, batch, batch) if is_expected else Polytope(n, classes, batch, cap)
    relaxed = _Relaxation(problem, proba, polytope, is_expected)
    if batch == n:
        found = [(relaxed.most_uncertain(), 0.0)]
    else:
        found = []
        for name in starts:
            summit = climb(
                problem, polytope, relaxed.start(name), spread=relaxed.spread, back=relaxed.back, steps=steps
            )
            found.append((largest_first(polytope, summit.point, summit.gradient), _gap(summit)))
    best: tuple[float, Whole, Whole, State, float] | None = None
    for (items, labels), gap in found:
        items, labels, state = exchanged(
            problem,
            polytope,
            items,
            labels,
            spread=relaxed.spread,
            back=relaxed.back,
            tries=exchanges,
            rounds=batch,
        )
        value = relaxed.worth(items, state)
        if best is None or value > best[0]:
            best = value, items, labels, state, gap
    assert best is not None
    value, items, labels, state, gap = best
    worth = relaxed.back(problem.gradient(state)[0])[items, labels]
    order = np.lexsort((items, -worth))
    return Found(items[order], worth[order], value, gap)


def _gap(summit: Summit) -> float:
    return 0.0 if summit.is_reached else summit.gap
