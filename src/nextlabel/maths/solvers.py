"""Newton's method and L-BFGS for softmax regression; what does not converge raises."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import ConvergenceError
from nextlabel.maths.softmax import Problem

__all__ = ["climbed", "newton"]

Floats = NDArray[np.float64]

_NEWTON_STEPS = 60
_HALVINGS = 40
_ARMIJO = 1e-4
_CLIMBS = 15_000  # iterations of one run of L-BFGS
_RUNS = 8  # runs, each from where the last one stopped
_ROUNDING = 1e-7  # of the gradient's natural size: what rounding may leave of it


def newton(problem: Problem, matrix: Floats, tolerance: float) -> Floats:
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
    do not. Without penalty, weights are those of an orthonormal basis of the rows, so that only separation
    makes the Hessian singular. Quadratic convergence: ten steps are usual.
    """
    if problem.penalty == 0.0 and len(problem.rows) and not problem.bias_penalty.any():
        basis = _basis(problem.rows)
        inner = replace(problem, rows=problem.rows @ basis, unlabelled=problem.unlabelled[:0] @ basis)
        return _newton(inner, matrix @ basis, tolerance) @ basis.T
    return _newton(problem, matrix, tolerance)


def _newton(problem: Problem, matrix: Floats, tolerance: float) -> Floats:
    from scipy.linalg import cho_factor, cho_solve

    value, slope = problem.value_and_gradient(matrix)
    size = np.inf
    for _ in range(_NEWTON_STEPS):
        try:
            factor = cho_factor(problem.hessian(matrix), lower=True, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError:
            break
        step = cho_solve(factor, slope.ravel(), check_finite=False).reshape(matrix.shape)
        step -= step.mean(axis=0)
        size = float(np.abs(step).max())
        if size <= tolerance * (1.0 + float(np.abs(matrix).max())):
            arrived: Floats = matrix + step
            return arrived
        found = _searched(problem, matrix, value, step, float((slope * step).sum()))
        if found is None:
            if problem.penalty > 0.0 and np.abs(slope).max() <= _ROUNDING * problem.scale:
                return matrix
            break
        matrix, value, slope = found
    message = (
        f"The steps of Newton's method for softmax regression must shrink to nothing; the last one moved a "
        f"weight by {size:.3g}. {_advice(problem)}"
    )
    raise ConvergenceError(message)


def _searched(
    problem: Problem, matrix: Floats, value: float, step: Floats, rise: float
) -> tuple[Floats, float, Floats] | None:
    """The point a full, half, quarter ... step away that is enough better, with its value and gradient."""
    share = 1.0
    for _ in range(_HALVINGS):
        there = matrix + share * step
        better, slope = problem.value_and_gradient(there)
        if better >= value + _ARMIJO * share * rise and np.isfinite(better):
            return there, better, slope
        share /= 2.0
    return None


def climbed(problem: Problem, matrix: Floats, tolerance: float) -> Floats:
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

    def lost(flat: Floats) -> tuple[float, Floats]:
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


def _basis(rows: Floats) -> Floats:
    """Orthonormal columns that span the rows."""
    _, sizes, directions = np.linalg.svd(rows, full_matrices=False)
    limit = sizes.max(initial=0.0) * max(rows.shape) * np.finfo(np.float64).eps
    return np.asarray(directions[sizes > limit].T)


def _advice(problem: Problem) -> str:
    if problem.penalty == 0.0:
        return (
            "Without a penalty there is no solution where classes can be separated, or one of them has no "
            "target: give a penalty above 0."
        )
    return "Bring the features to one scale, or give a larger penalty."
