"""The control reserve: a uniform draw of the pool that strategies never see and models never train on.

Sizes and shares are those that honest evaluation needs: with a reserve set aside before anything was asked,
and issued in its own order, what is measured on it does not depend on what the strategy did.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeVar

import numpy as np

from nextlabel.campaign.turn import CONTROL
from nextlabel.core.rng import generator
from nextlabel.errors import ParameterError
from nextlabel.maths.parameters import checked_number

__all__ = ["FEWEST", "checked_share", "due", "extra", "mixed", "reserve"]

FEWEST = 500
"""Pools below this size have no reserve: what could be measured on it would be too little."""

_SHARE, _MOST = Fraction(1, 5), 2000
_LOW, _HIGH = 0.05, 0.20

T = TypeVar("T")


def checked_share(share: object) -> float:
    """The share of the batches that goes to the control arm: 0, or from .05 to .20.

    Raises
    ------
    ParameterError
        Anything else.
    """
    advice = "Give 0 for no control arm, or for example 0.1."
    value = checked_number(share, "control", least=0, most=_HIGH, of="a campaign", advice=advice)
    if 0 < value < _LOW:
        message = f"The control share must be 0 or from {_LOW} to {_HIGH}; received {value}. {advice}"
        raise ParameterError(message)
    return value


def reserve(items: int, share: float, seed: int) -> tuple[int, ...]:
    """Positions of the reserve of a new pool, in the order of issue.

    Parameters
    ----------
    items : int
        In the pool.
    share : float
        Of the control arm; 0 needs no reserve.
    seed : int
        Of the campaign.

    Returns
    -------
    tuple of int
        A fifth of the pool, 2,000 at most; none below 500 items.

    Examples
    --------
    >>> len(reserve(501, 0.1, seed=0)), reserve(499, 0.1, seed=0)
    (101, ())
    """
    if not share or items < FEWEST:
        return ()
    return _first(items, generator(seed, CONTROL))


def extra(before: int, new: int, seed: int) -> tuple[int, ...]:
    """Positions that the reserve gains when items come in: the same share of the new ones alone."""
    return tuple(before + one for one in _first(new, generator(seed, CONTROL, before, new)))


def _first(items: int, rng: np.random.Generator) -> tuple[int, ...]:
    size = min(-(-items * _SHARE.numerator // _SHARE.denominator), _MOST)
    return tuple(rng.permutation(items)[:size].tolist())


def due(share: float, active: int, control: int, batch: int) -> int:
    """How many items of the next batch are control items.

    Parameters
    ----------
    share : float
        Of the control arm, s.
    active, control : int
        Items of each arm so far: labelled, or out.
    batch : int
        Items asked now.

    Returns
    -------
    int
        The most, k, for which control + k ≤ s/(1−s)·(active + batch − k), which is
        floor(s·(active + control + batch)) − control.

    Notes
    -----
    In fractions, of the share as it is written in decimals: 0.1 is a tenth.

    Examples
    --------
    >>> due(0.1, active=0, control=0, batch=10), due(0.1, active=9, control=0, batch=1)
    (1, 1)
    """
    whole = Fraction(str(share)) * (active + control + batch)
    return min(max(whole.numerator // whole.denominator - control, 0), batch)


def mixed(active: Sequence[T], control: Sequence[T], seed: int, round: int) -> list[T]:
    """Both arms in one list: each in its order, at places drawn for this round.

    Parameters
    ----------
    active, control : sequence
        Without control items the active ones are given back as they are.
    seed, round : int
        Name the stream that places are drawn from.
    """
    size = len(active) + len(control)
    places = generator(seed, CONTROL, round).permutation(size)[: len(control)]
    taken, ours, theirs = set(places.tolist()), iter(active), iter(control)
    return [next(theirs) if place in taken else next(ours) for place in range(size)]
