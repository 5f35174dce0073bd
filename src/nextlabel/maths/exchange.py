"""Whole batches made better by exchanging one guess for another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.discriminative import State
from nextlabel.maths.polytope import Polytope

__all__ = ["Whole", "exchanged"]

_Floats = NDArray[np.float64]
_Places = NDArray[np.int64]
_BETTER = 1e-10  # of the worth: less is rounding


@final
@dataclass(frozen=True, eq=False)
class Whole:
    """A whole batch and its worth.

    Parameters
    ----------
    items, classes : arrays of int64, axes (b,)
        A corner of the polytope.
    value : float
        The worth.
    state : State
        Its guesses and the head refitted with them.
    """

    items: _Places
    classes: _Places
    value: float
    state: State


def exchanged(
    polytope: Polytope,
    batch: Whole,
    *,
    evaluated: Callable[[_Places, _Places, State], Whole],
    slopes: Callable[[Whole], _Floats],
    tries: int,
    rounds: int,
) -> Whole:
    """A batch that none of the most promising exchanges makes better.

    Parameters
    ----------
    polytope : Polytope
    batch : Whole
    evaluated : callable
        From items and classes, and a state whose head is near, to the batch with its exact worth.
    slopes : callable
        From a batch to the derivatives of its worth by points of the polytope, axes (n, k).
    tries : int
        How many exchanges are tried before the batch is called good; 0 for none.
    rounds : int
        How many exchanges are made at most.

    Returns
    -------
    Whole

    Notes
    -----
    An exchange gives up one guess, an item in a class, for another that the caps admit: of another item, or
    of the same item in another class. The derivatives rank them; the first that raises the exact worth
    is made. Time of a round: a gradient, up to `tries` exact worths, and O(b·n·k).
    """
    for _ in range(rounds if tries else 0):
        better = _better(polytope, batch, evaluated, slopes(batch), tries)
        if better is None:
            break
        batch = better
    return batch


def _better(
    polytope: Polytope,
    batch: Whole,
    evaluated: Callable[[_Places, _Places, State], Whole],
    gradient: _Floats,
    tries: int,
) -> Whole | None:
    for place, item, label in _largest(_gains(polytope, batch.items, batch.classes, gradient), tries):
        items, classes = batch.items.copy(), batch.classes.copy()
        items[place], classes[place] = item, label
        there = evaluated(items, classes, batch.state)
        if there.value > batch.value + _BETTER * (1.0 + abs(batch.value)):
            return there
    return None


def _gains(polytope: Polytope, items: _Places, classes: _Places, gradient: _Floats) -> _Floats:
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


def _largest(gains: _Floats, tries: int) -> list[tuple[int, int, int]]:
    flat = gains.ravel()
    order = np.argsort(-flat, kind="stable")[:tries]
    places = np.unravel_index(order[np.isfinite(flat[order])], gains.shape)
    return [(int(p), int(i), int(k)) for p, i, k in zip(*places, strict=True)]
