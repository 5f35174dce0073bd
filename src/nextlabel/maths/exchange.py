"""Whole batches made better by exchanging one guess for another."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.discriminative import BatchProblem, State
from nextlabel.maths.polytope import Polytope

__all__ = ["exchanged"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Spread = Callable[[Floats], Floats]

_BETTER = 1e-10  # of F: less is rounding


def exchanged(
    problem: BatchProblem,
    polytope: Polytope,
    items: Whole,
    classes: Whole,
    *,
    spread: Spread,
    back: Spread,
    tries: int,
    rounds: int,
) -> tuple[Whole, Whole, State]:
    """A batch that none of the most promising exchanges makes better.

    Parameters
    ----------
    problem : BatchProblem
    polytope : Polytope
    items, classes : arrays of int64, axes (b,)
        A corner of the polytope.
    spread, back : callable
        As `nextlabel.maths.ascent.climb`.
    tries : int
        How many exchanges are tried, by a refit each, before the batch is called good; 0 for none.
    rounds : int
        How many exchanges are made at most.

    Returns
    -------
    items, classes : arrays of int64, axes (b,)
    state : State
        The head refitted with this batch, and its exact F.

    Notes
    -----
    An exchange gives up one guess, an item in a class, for another that the caps admit: of another item, or
    of the same item in another class. The gradient ranks them; the first that raises the exact F is
    made. Time of a round: a gradient, up to `tries` refits, and O(b·n·k).
    """
    state = problem.state(spread(polytope.corner(items, classes)))
    for _ in range(rounds):
        found = _better(problem, polytope, items, classes, state, spread, back, tries)
        if found is None:
            break
        items, classes, state = found
    return items, classes, state


def _better(
    problem: BatchProblem,
    polytope: Polytope,
    items: Whole,
    classes: Whole,
    state: State,
    spread: Spread,
    back: Spread,
    tries: int,
) -> tuple[Whole, Whole, State] | None:
    if not tries:
        return None
    gains = _gains(polytope, items, classes, back(problem.gradient(state)[0]))
    for place, item, label in _largest(gains, tries):
        some, guessed = items.copy(), classes.copy()
        some[place], guessed[place] = item, label
        there = problem.state(spread(polytope.corner(some, guessed)), state.matrix)
        if there.value > state.value + _BETTER * (1.0 + abs(state.value)):
            return some, guessed, there
    return None


def _gains(polytope: Polytope, items: Whole, classes: Whole, gradient: Floats) -> Floats:
    """What each exchange promises to first order, axes (b, n, k); minus infinity where it is no exchange."""
    batch = np.arange(len(items))
    gains = gradient[None, :, :] - gradient[items, classes][:, None, None]
    own = gains[batch, items].copy()
    gains[:, items] = -np.inf
    gains[batch, items] = own
    gains[batch, items, classes] = -np.inf
    is_full = np.bincount(classes, minlength=polytope.classes) >= polytope.cap
    of_others = is_full[None, :] & (classes[:, None] != np.arange(polytope.classes))
    gains[np.broadcast_to(of_others[:, None, :], gains.shape)] = -np.inf
    return gains


def _largest(gains: Floats, tries: int) -> list[tuple[int, int, int]]:
    flat = gains.ravel()
    order = np.argsort(-flat, kind="stable")[:tries]
    places = np.unravel_index(order[np.isfinite(flat[order])], gains.shape)
    return [(int(p), int(i), int(k)) for p, i, k in zip(*places, strict=True)]
