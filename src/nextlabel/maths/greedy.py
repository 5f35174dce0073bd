"""Greedy maximisation of a set function: in full, lazily by upper bounds, or on random parts."""

from abc import ABC, abstractmethod
from typing import Literal, final, get_args

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Positions, Scores, checked_batch
from nextlabel.maths.parameters import checked_choice, checked_number

__all__ = ["Objective", "Solver", "greedy"]

Solver = Literal["lazy", "stochastic", "naive"]

_FIRST_LOOK = 32  # how many bounds are made good at first; then twice as many each time


class Objective(ABC):
    """A set function in the middle of its maximisation: what each item would add to what is taken."""

    @property
    @abstractmethod
    def n(self) -> int:
        """How many items there are to take from."""

    @property
    @abstractmethod
    def tolerance(self) -> float:
        """By how much rounding can move a gain; gains nearer than that are ties."""

    @property
    @abstractmethod
    def is_lazy(self) -> bool:
        """Whether gains are dear to compute and never rise, so that old ones are bounds worth keeping."""

    @abstractmethod
    def gains(self, positions: Positions) -> Scores:
        """What each of these items would add.

        Parameters
        ----------
        positions : array of int64, axes (b,)
            Items not taken yet.

        Returns
        -------
        array of float64, axes (b,)
        """

    @abstractmethod
    def take(self, position: int) -> None:
        """Add an item to what is taken.

        Parameters
        ----------
        position : int
            An item not taken yet.
        """


def greedy(
    objective: Objective,
    batch: int,
    *,
    rng: np.random.Generator,
    solver: Solver = "lazy",
    missed: float = 0.01,
    preference: Scores | None = None,
) -> tuple[Positions, NDArray[np.float64]]:
    """Positions taken one by one, each the one that adds most to what is taken.

    Parameters
    ----------
    objective : Objective
        With nothing taken; used up.
    batch : int
        How many, between 1 and n. All of them are taken, also where no gain is above 0.
    rng : numpy.random.Generator
        Breaks ties: of equal gains, the item first in one permutation wins. Draws the parts of "stochastic".
    solver : {"lazy", "stochastic", "naive"}
        "naive" computes all gains for every item taken; "lazy" only those that could be the largest, with
        the same result; "stochastic" those of a random part.
    missed : float
        Read by "stochastic" alone: parts have n/b·log(1/missed) items, so that b of them together miss a
        given item with about this probability. Above 0 and below 1.
    preference : array of float, axes (n,), optional
        Of equal gains, the larger is taken; the permutation decides what is equal in this as well.

    Returns
    -------
    positions : array of int64, axes (b,)
        Distinct, in the order taken.
    gains : array of float64, axes (b,)
        What each added.

    Raises
    ------
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        An unknown solver, or a number out of its range.

    Notes
    -----
    For a monotone submodular function that is 0 on the empty set, the result has at least 1 − 1/e of the
    largest value that as many items can have; with "stochastic", 1 − 1/e − missed in expectation. Where
    gains can be negative the rest of the batch is filled with what costs least, and there is no such bound.

    Lazily: a gain from earlier bounds the gain now, so items are looked at in the order of their bounds until
    no bound left reaches the best gain seen. Objectives whose gains can rise, or are at hand anyway, are
    always looked at in full.

    Time: b times the gains of all items, "lazy" typically a small part of that, "stochastic" log(1/missed)
    times those of all items in total; memory 34 bytes an item.

    References
    ----------
    Nemhauser, Wolsey, Fisher. An analysis of approximations for maximizing submodular set functions.
    Mathematical Programming 14, 1978.
    Minoux. Accelerated greedy algorithms for maximizing submodular set functions. Optimization
    Techniques, 1978.
    Mirzasoleiman, Badanidiyuru, Karbasi, Vondrák, Krause. Lazier than lazy greedy. AAAI 2015, arXiv
    1409.7938.
    """
    checked_choice(solver, "solver", get_args(Solver))
    missed = checked_number(missed, "missed", above=0, below=1, advice="Give for example 0.01.")
    n = objective.n
    checked_batch(batch, n)
    rank = rng.permutation(n)
    look = _Bounds(objective) if solver == "lazy" and objective.is_lazy else None
    part = int(np.ceil(n / batch * np.log(1.0 / missed)))
    left = np.ones(n, bool)
    positions, gained = np.empty(batch, np.int64), np.empty(batch)
    for k in range(batch):
        if look is not None:
            seen, gains = look(left)
        else:
            seen = np.flatnonzero(left)
            if solver == "stochastic" and part < len(seen):
                seen = rng.choice(seen, part, replace=False)
            gains = objective.gains(seen)
        best = _first(
            gains, objective.tolerance, rank[seen], None if preference is None else preference[seen]
        )
        positions[k], gained[k] = seen[best], gains[best]
        left[positions[k]] = False
        objective.take(int(positions[k]))
    return positions, gained


@final
class _Bounds:
    """What items would have added earlier, and at most add now; made good where that could matter."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._bounds: NDArray[np.float64] | None = None

    def __call__(self, left: NDArray[np.bool_]) -> tuple[Positions, NDArray[np.float64]]:
        """The items whose gains could be the largest, and those gains."""
        if self._bounds is None:
            seen = np.flatnonzero(left)
            self._bounds = self._objective.gains(seen)
            return seen, self._bounds.copy()
        bounds, slack = self._bounds, 2.0 * self._objective.tolerance
        best, size = -np.inf, _FIRST_LOOK
        open_ = left.copy()  # not looked at for this pick
        while len(stale := np.flatnonzero(open_ & (bounds >= best - slack))):
            if len(stale) > size:
                stale = stale[np.argpartition(-bounds[stale], size)[:size]]
            bounds[stale] = self._objective.gains(stale)
            open_[stale] = False
            best, size = max(best, bounds[stale].max()), 2 * size
        seen = np.flatnonzero(left & ~open_)
        return seen, bounds[seen]


def _first(gains: Scores, tolerance: float, rank: Positions, preference: Scores | None) -> int:
    """Of the largest gains, the most preferred, and of these the first in the permutation."""
    tied = np.flatnonzero(gains >= gains.max() - tolerance)
    if preference is not None:
        wanted = preference[tied]
        tied = tied[wanted >= wanted.max() - 1e-12 * np.abs(wanted).max()]
    return int(tied[rank[tied].argmin()])
