"""Uphill on the relaxed worth of a batch by quasi-Newton steps within a polytope, or by Frank and Wolfe."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import ConvergenceError
from nextlabel.maths.discriminative import BatchProblem, State
from nextlabel.maths.polytope import Polytope, best_vertex
from nextlabel.maths.quadratic import Curvature, quadratic_step

__all__ = ["Summit", "climb"]

_Floats = NDArray[np.float64]
_Spread = Callable[[_Floats], _Floats]

_ARMIJO = 1e-4
_SHORTEST = 1e-12  # of a direction: what is left of it is rounding
_STILL = 1e-4  # the largest entry of a step that ends the ascent
_LEVEL = 1e-6  # of F: a rise to first order that ends it too
_ENOUGH = 1e-2  # of F: a gap at which an ascent counts as ended by itself
_QUADRATIC = 2_000  # entries of a point up to which the quadratic model is used


@final
@dataclass(frozen=True, eq=False)
class Summit:
    """Where an ascent ended.

    Parameters
    ----------
    point : array of float64, axes (n, k)
        Within the polytope.
    state : State
        The guesses of the point, the head, and F.
    gradient : array of float64, axes (n, k)
        The derivatives of F by the point.
    gap : float
        How much more there could be within the polytope to first order; 0 at a summit.
    is_reached : bool
        Whether it ended by itself, or no more than a hundredth of F might be had to first order.
    values : tuple of float
        F after each step, the first one before all.
    """

    point: _Floats
    state: State
    gradient: _Floats
    gap: float
    is_reached: bool
    values: tuple[float, ...]


def climb(
    problem: BatchProblem,
    polytope: Polytope,
    point: _Floats,
    *,
    spread: _Spread | None = None,
    back: _Spread | None = None,
    steps: int = 50,
) -> Summit:
    """A local maximum of F over the polytope, uphill from a point.

    Parameters
    ----------
    problem : BatchProblem
    polytope : Polytope
    point : array of float64, axes (n, k)
        Where to begin, within the polytope.
    spread : callable, optional
        From a point to the guesses, linear; a point is its own guesses when left out.
    back : callable, optional
        From derivatives by the guesses to those by the point.
    steps : int
        At most so many.

    Returns
    -------
    Summit
        Never lower than where it began.

    Raises
    ------
    ConvergenceError
        A refit did not reach its solution.

    Notes
    -----
    The direction d maximises gᵀd − ½ dᵀBd within the polytope, with B from 1 on by damped BFGS. Its length
    is halved until the value rises by 1e-4 of what the gradient says, the head following its first-order
    response; then the head is refitted, and the length halved further while the exact F is lower than
    before. It ends when no entry of d reaches 1e-4, or d promises no more than 1e-6 of F to first order.
    With more than 2,000 entries, or where the quadratic model cannot be solved, d leads to the best corner
    for the gradient, as Frank and Wolfe have it.

    References
    ----------
    Guo, Schuurmans. Discriminative batch mode active learning. NeurIPS 2007. Section 4.3.
    """
    spread = spread or (lambda at: at)
    back = back or (lambda slopes: slopes)
    state, is_reached = problem.state(spread(point)), False
    slopes, response = problem.gradient(state)
    gradient, curvature, values, length = back(slopes), Curvature(), [state.value], 1.0
    for _ in range(steps):
        direction = _direction(polytope, point, gradient, curvature)
        rise = float((gradient * direction).sum())
        is_reached = rise <= _LEVEL * (1.0 + abs(state.value)) or bool(np.abs(direction).max() < _STILL)
        if is_reached or length == 0.0:
            break
        change = spread(direction)
        length, state = _line(problem, state, change, response(change), rise)
        moved = point + length * direction
        slopes, response = problem.gradient(state)
        after = back(slopes)
        if moved.size <= _QUADRATIC:
            curvature = curvature.updated((moved - point).ravel(), (gradient - after).ravel())
        point, gradient = moved, after
        values.append(state.value)
    gap = float((gradient * _towards_corner(polytope, point, gradient)).sum())
    is_reached = is_reached or gap <= _ENOUGH * (1.0 + abs(state.value))
    return Summit(point, state, gradient, gap, is_reached, tuple(values))


def _direction(polytope: Polytope, point: _Floats, gradient: _Floats, curvature: Curvature) -> _Floats:
    if point.size > _QUADRATIC:
        return _towards_corner(polytope, point, gradient)
    try:
        return quadratic_step(polytope, point, gradient, curvature)
    except ConvergenceError:
        return _towards_corner(polytope, point, gradient)


def _towards_corner(polytope: Polytope, point: _Floats, gradient: _Floats) -> _Floats:
    return polytope.corner(*best_vertex(polytope, gradient)) - point


def _line(
    problem: BatchProblem, state: State, change: _Floats, response: _Floats, rise: float
) -> tuple[float, State]:
    """How far to go, and the refitted state there; no way at all where rounding hides every rise."""
    value = problem.along(state, change, response)
    length = 1.0
    while value(length) < state.value + _ARMIJO * length * rise and length > _SHORTEST:
        length /= 2.0
    there = problem.state(state.guesses + length * change, state.matrix + length * response)
    while there.value < state.value and length > _SHORTEST:
        length /= 2.0
        there = problem.state(state.guesses + length * change, state.matrix + length * response)
    return (length, there) if there.value >= state.value else (0.0, state)
