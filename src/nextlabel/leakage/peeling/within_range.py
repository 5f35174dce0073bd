"""What equations leave open, the range of the values may close: points of a polytope."""

import time
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

from nextlabel.leakage.peeling.weighted_solving import Equations, Solution, row_lengths, solved
from nextlabel.maths.axes import Bools, Floats

__all__ = ["Polytope", "solved_within"]


_ERRORS = 6.0  # an equation may be off by this many of its standard errors
_LEAST = 1e-9  # and by this share of its length: no solver is more exact
_ALIKE = 1e-3  # of the range: points that are nearer together than this are one, and values this near an end
_PINNED = 1e-6  # spread of a value at an end of its range, of the usual
_DISAGREEING = 2.0  # equations further apart than this, in their errors, do not agree
_OPEN = 1e-2  # of the range: a direction that leads further from the ends than this is one
_CLEAR = 1e-4  # by how much a form of length 1 stays below the most that it may be
_SURE = 0.05  # errors of the values of a point, as a share of the range, at which it counts as one
_SHARE = 0.2  # of the time that is left, for one of four linear programmes
_MOST_UNKNOWNS = 2_000  # linear programmes of more, or with more numbers in their matrix, take minutes
_MOST_NUMBERS = 1_000_000


@final
@dataclass(frozen=True, eq=False)
class Polytope:
    """Equations with errors, linear forms with the most that each may be, and a range for each unknown.

    Parameters
    ----------
    parts : list of Equations
        All of the same unknowns.
    forms : sparse array, axes (sides, unknowns)
        Linear forms that are at most ``most``.
    most : array of float64, axes (sides,)
        What each form may be at most.
    low, high : array of float64, axes (unknowns,)
        The range of each unknown; infinite where it has no end.
    """

    parts: list[Equations]
    forms: Any
    most: Floats
    low: Floats
    high: Floats


def solved_within(
    polytope: Polytope, near: Floats, spread: Floats, rng: np.random.Generator, until: float = float("inf")
) -> Solution | None:
    """The only point of a polytope, or one near a given point.

    Parameters
    ----------
    polytope : Polytope
        Of n unknowns.
    near : array of float64, axes (n,)
        What is likely.
    spread : array of float64, axes (n,)
        How far unknowns may be from it, as where nothing else is known.
    rng : numpy.random.Generator
        Draws a direction, and the probes of errors.
    until : float
        The monotonic time at which to give up.

    Returns
    -------
    Solution or None
        With ``missing`` 0 where there is one point only. None where the polytope is empty or without end,
        where it has more than 2,000 unknowns or a million numbers in its matrix, and where the time was over.

    Notes
    -----
    Two linear programmes lead along a random direction, there and back: a polytope that is as narrow along it
    as errors allow is a point, but for a chance of zero. If they part, a third gives the point nearest to
    the likely one. The unknowns at ends of their range are then held there, and the equations solved for
    the others, so that no slack is left in them. Whether errors alone made it wide is told by a fourth: the
    point is the only one if no direction along which the equations stay leads from the ends into the range.
    Each programme has n unknowns, the third 2n, and a row or two for each equation; time grows with about
    the cube of n.

    Examples
    --------
    Of two values from 0 up with the sum 0 both are 0.

    >>> sum_ = Equations(sp.csr_array([[1.0, 1.0]]), np.zeros(1), np.full(1, 1e-12))
    >>> ends = np.zeros(2), np.full(2, np.inf)
    >>> of_both = Polytope([sum_], sp.csr_array((0, 2)), np.zeros(0), *ends)
    >>> found = solved_within(of_both, np.ones(2), np.ones(2), np.random.default_rng(0))
    >>> found.missing, bool(np.abs(found.value).max() < 1e-6)
    (0.0, True)
    """
    rows, most = _rows(polytope)
    if len(near) > _MOST_UNKNOWNS or rows.nnz > _MOST_NUMBERS:
        return None
    bounds = np.column_stack([polytope.low, polytope.high])
    direction = rng.standard_normal(len(near))
    there = _least(direction, rows, most, bounds, until)
    back = None if there is None else _least(-direction, rows, most, bounds, until)
    if there is None or back is None:
        return None
    width = polytope.high - polytope.low
    unit = np.where(np.isfinite(width), width, float(spread.max()))
    is_only = bool((np.abs(there - back) <= _ALIKE * unit).all())
    inside = None if is_only else _nearest(near, rows, _clear(most, polytope), bounds, until)
    point = (there + back) / 2 if inside is None else inside
    many = None
    for share in (_ALIKE, _ALIKE / 100):
        is_low, is_high = point - polytope.low <= share * unit, polytope.high - point <= share * unit
        is_held = is_low | is_high
        held = np.where(is_low, polytope.low, np.where(is_high, polytope.high, point))
        found = solved(polytope.parts, held, np.where(is_held, _PINNED * spread, spread), rng)
        if found.misfit > _DISAGREEING or not _is_of(polytope, found.value, _ALIKE * unit):
            continue  # something was held that is only near its end
        is_fixed = bool(np.sqrt(((found.error / unit) ** 2).mean()) <= _SURE)
        if is_fixed and (is_only or _is_only(polytope.parts, is_low, is_high, until)):
            return replace(found, missing=0.0)
        many = many or found
    # of many the one with as little slack as those equations leave that say much
    many = many or solved(polytope.parts, point, np.where(is_held, _PINNED, _ALIKE) * spread, rng)
    is_one = _is_of(polytope, near, _ALIKE * unit) and bool((rows @ near <= most).all())
    value = near if is_one else many.value
    return replace(many, value=value, missing=max(many.missing, 1.0))


def _is_of(polytope: Polytope, point: Floats, room: Floats) -> bool:
    """Whether a point is within the range, and passes no form."""
    cut = np.clip(point, polytope.low, polytope.high)
    is_within = bool((np.abs(cut - point) <= room).all())
    return is_within and bool((polytope.forms @ point <= polytope.most).all())


def _clear(most: Floats, polytope: Polytope) -> Floats:
    """The same with forms that stay clear of the most they may be, so that to round them does no harm."""
    count = len(polytope.most)
    return np.append(most[:count] - _CLEAR, most[count:])


def _rows(polytope: Polytope) -> tuple[Any, Floats]:
    """All that must hold but the range, as linear forms of length 1 and the most that each may be."""
    matrices, limits = [polytope.forms], [polytope.most]
    for part in polytope.parts:
        room = _ERRORS * part.error + _LEAST * row_lengths(part.matrix)
        matrices += [part.matrix, -part.matrix]
        limits += [part.target + room, room - part.target]
    rows = sp.csr_array(sp.vstack(matrices))
    return _of_length_one(rows), np.concatenate(limits) / np.maximum(row_lengths(rows), 1e-300)


def _of_length_one(rows: Any) -> Any:
    return sp.csr_array(rows.multiply(1.0 / np.maximum(row_lengths(rows), 1e-300)[:, None]))


def _nearest(near: Floats, rows: Any, most: Floats, bounds: Floats, until: float) -> Floats | None:
    """The point with the least sum of distances; beside each unknown stands how far it is away at most."""
    size, one = len(near), sp.eye_array(len(near))
    wider = sp.hstack([rows, sp.csr_array(rows.shape)])
    distances = sp.block_array([[one, -one], [-one, -one]])
    positive = np.column_stack([np.zeros(size), np.full(size, np.inf)])
    found = _least(
        np.append(np.zeros(size), np.ones(size)),
        sp.vstack([wider, distances]),
        np.concatenate([most, near, -near]),
        np.vstack([bounds, positive]),
        until,
    )
    return None if found is None else found[:size]


def _is_only(parts: list[Equations], is_low: Bools, is_high: Bools, until: float) -> bool:
    """Whether no direction along which all equations stay leads from the ends of the range into it.

    Unknowns that are at no end may go as far as they like, so that a direction leads one of the others by as
    much as the range, or by what the solver's rounding and the equations' condition make.
    """
    rows = _of_length_one(sp.csr_array(sp.vstack([part.matrix for part in parts])))
    bounds = np.column_stack(
        [
            np.where(is_low, 0.0, np.where(is_high, -1.0, -np.inf)),
            np.where(is_high, 0.0, np.where(is_low, 1.0, np.inf)),
        ]
    )
    costs = np.where(is_low, -1.0, np.where(is_high, 1.0, 0.0))
    room = np.full(rows.shape[0], _LEAST)
    found = _least(costs, sp.vstack([rows, -rows]), np.concatenate([room, room]), bounds, until)
    return found is not None and float(-costs @ found) <= _OPEN


def _least(costs: Floats, rows: Any, most: Floats, bounds: Floats, until: float) -> Floats | None:
    left = until - time.monotonic()
    if left <= 0.0:
        return None
    limit = _SHARE * left if np.isfinite(left) else None
    options = {"primal_feasibility_tolerance": 1e-9, "time_limit": limit}
    found = linprog(costs, A_ub=rows, b_ub=most, bounds=bounds, method="highs", options=options)
    return np.asarray(found.x, np.float64) if found.status == 0 else None
