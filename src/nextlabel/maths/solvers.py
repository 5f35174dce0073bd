"""Newton's method and L-BFGS for softmax regression; what does not converge raises."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import ConvergenceError
from nextlabel.maths.softmax import Problem

__all__ = ["DENSE", "climbed", "newton", "solved"]

DENSE = 1_500
"""So many weights at most have a dense Hessian in `solved`: for more, many gradients cost less."""

_Floats = NDArray[np.float64]

_NEWTON_STEPS = 60
_HALVINGS = 40
_ARMIJO = 1e-4
_CLIMBS = 15_000  # iterations of one run of L-BFGS
_RUNS = 8  # runs, each from where the last one stopped
_UNRESOLVED = 1e-4  # of the largest weight: what rounding may leave of a step
_ROUNDING = 1e-7  # of the gradient's natural size: what rounding may leave of it


def solved(problem: Problem, matrix: _Floats, tolerance: float) -> _Floats:
    """Where a concave problem is largest: by `newton`, or by `climbed` where weights are many and penalised.

    Parameters
    ----------
    problem : Problem
        Its entropy weight is 0.
    matrix : array of float64, axes (c, w)
        Where to begin.
    tolerance : float
        As for the two.

    Returns
    -------
    array of float64, axes (c, w)

    Raises
    ------
    ConvergenceError
        As the two.
    """
    if problem.penalty == 0.0 or matrix.size <= DENSE:
        return newton(problem, matrix, tolerance)
    return climbed(problem, matrix, tolerance)


def newton(problem: Problem, matrix: _Floats, tolerance: float) -> _Floats:
    """Where a concave problem is largest, by Newton's method.

    Parameters
    ----------
    problem : Problem
        Its entropy term is left out.
    matrix : array of float64, axes (c, w)
        Where to begin; columns sum to zero.
    tolerance : float
        The last step is at most so much of the largest weight, or of 1.

    Returns
    -------
    array of float64, axes (c, w)

    Raises
    ------
    ConvergenceError
        There is no largest value: without penalty, the classes can be separated.

    Notes
    -----
    The size of the step is what tells: where classes can be separated the gradient vanishes too, while steps
    do not. Without penalty, the columns are made orthogonal first and of one size, so that only separation
    makes the Hessian singular. Quadratic convergence: ten steps are usual.
    """
    if problem.penalty == 0.0 and len(problem.rows) and not problem.bias_penalty.any():
        inwards, outwards = _whitened(problem.rows)
        inner = replace(problem, rows=problem.rows @ outwards, unlabelled=problem.rows[:0] @ outwards)
        return _newton(inner, matrix @ inwards, tolerance) @ outwards.T
    return _newton(problem, matrix, tolerance)


def _newton(problem: Problem, matrix: _Floats, tolerance: float) -> _Floats:
    from scipy.linalg import cho_factor, cho_solve

    value, slope = problem.value_and_gradient(matrix)
    size = np.inf
    for _ in range(_NEWTON_STEPS):
        try:
            factor = cho_factor(problem.hessian(matrix), lower=True, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError:
            break
        step = problem.centred(cho_solve(factor, slope.ravel(), check_finite=False).reshape(matrix.shape))
        size = float(np.abs(step).max())
        if size <= tolerance * (1.0 + float(np.abs(matrix).max())):
            arrived: _Floats = matrix + step
            return arrived
        found = _searched(problem, matrix, value, step, float((slope * step).sum()))
        if found is None:
            break
        matrix, value, slope = found
    is_near = size <= _UNRESOLVED * (1.0 + float(np.abs(matrix).max()))
    if is_near and np.abs(slope).max() <= _ROUNDING * problem.scale:
        return matrix  # the steps that are left are those of rounding
    message = (
        f"The steps of Newton's method for softmax regression must shrink to nothing; the last one moved a "
        f"weight by {size:.3g}. {_advice(problem)}"
    )
    raise ConvergenceError(message)


def _searched(
    problem: Problem, matrix: _Floats, value: float, step: _Floats, rise: float
) -> tuple[_Floats, float, _Floats] | None:
    """The point a full, half, quarter ... step away that is enough better, with its value and gradient."""
    share, noise = 1.0, 4.0 * np.finfo(np.float64).eps * abs(value)
    for _ in range(_HALVINGS):
        there = matrix + share * step
        better, slope = problem.value_and_gradient(there)
        if better >= value + _ARMIJO * share * rise - noise and np.isfinite(better):
            return there, better, slope
        share /= 2.0
    return None


def climbed(problem: Problem, matrix: _Floats, tolerance: float) -> _Floats:
    """A place where the gradient of a problem vanishes, uphill from where one begins, by L-BFGS.

    Parameters
    ----------
    problem : Problem
    matrix : array of float64, axes (c, w)
        Where to begin.
    tolerance : float
        Of the gradient, in units of the size that it can have.

    Returns
    -------
    array of float64, axes (c, w)

    Raises
    ------
    ConvergenceError
        The gradient did not become so small, nor as small as rounding lets it.
    """
    from scipy.optimize import minimize

    def lost(flat: _Floats) -> tuple[float, _Floats]:
        value, slope = problem.value_and_gradient(flat.reshape(matrix.shape))
        return -value, -slope.ravel()

    scale = problem.scale
    options = {
        "maxiter": _CLIMBS,
        "maxfun": 2 * _CLIMBS,
        "gtol": tolerance * scale,
        "ftol": 0.0,
        "maxcor": 20,
    }
    slope = problem.value_and_gradient(matrix)[1]
    for _ in range(_RUNS):
        if np.abs(slope).max() <= tolerance * scale:
            return matrix
        done = minimize(lost, matrix.ravel(), jac=True, method="L-BFGS-B", options=options)
        moved = done.x.reshape(matrix.shape)
        is_still = bool((moved == matrix).all())
        matrix, slope = moved, problem.value_and_gradient(moved)[1]
        if is_still:
            break
    if np.abs(slope).max() <= _ROUNDING * scale:
        return matrix
    message = (
        f"L-BFGS for softmax regression must reach a gradient of zero; it ended with an entry of "
        f"{np.abs(slope).max():.3g} where {scale:.3g} is its natural size. {_advice(problem)}"
    )
    raise ConvergenceError(message)


def _whitened(rows: _Floats) -> tuple[_Floats, _Floats]:
    """Weights into those of orthogonal columns of size 1 that span the rows, and these back into weights."""
    _, sizes, directions = np.linalg.svd(rows, full_matrices=False)
    kept = sizes > sizes.max() * max(rows.shape) * np.finfo(np.float64).eps
    scales = sizes[kept] / np.sqrt(len(rows))
    inwards: _Floats = directions[kept].T * scales
    outwards: _Floats = directions[kept].T / scales
    return inwards, outwards


def _advice(problem: Problem) -> str:
    if problem.penalty == 0.0:
        return "Without a penalty there is no solution where classes can be separated: give one above 0."
    return "Bring the features to one scale, or give a larger penalty."
