"""Weighted least squares with a prior, for equations that are sparse and fall into blocks."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp

from nextlabel.maths.axes import Floats, Whole

__all__ = ["Equations", "Solution", "row_lengths", "solved"]


_PROBES = 32  # a standard error is then known to about 1 part in 8
_EXACTLY = 0.25  # more open directions than this are counted without probes
_REFINED = 3  # rounds of refinement of the normal equations


@final
@dataclass(frozen=True, eq=False)
class Equations:
    """Linear equations, each with the standard error of its right-hand side.

    Parameters
    ----------
    matrix : sparse array, axes (rows, unknowns)
        The left-hand sides.
    target : array of float64, axes (rows,)
        The right-hand sides.
    error : array of float64, axes (rows,)
        Above 0 and finite.
    blocks : pair of arrays of int64, axes (blocks, rows of one) and (blocks, unknowns of one), optional
        Rows and unknowns that only meet one another; None for one block of all.
    """

    matrix: Any
    target: Floats
    error: Floats
    blocks: tuple[Whole, Whole] | None = None


@final
@dataclass(frozen=True, eq=False)
class Solution:
    """What equations and a prior say: the likeliest values, their standard errors, and a factor.

    Parameters
    ----------
    value, error : array of float64, axes (unknowns,)
        The mean and the standard deviation of each unknown, given the equations.
    factor : array of float64, axes (unknowns, unknowns)
        Lower triangular; the factor times its transpose is the inverse of the covariance, but for the misfit.
    misfit : float
        How much larger than stated the errors of the equations are, as their disagreement shows; from 1 up.
    missing : float
        The prior's share in the knowledge of the unknowns: how many directions the equations leave open.
        Where errors are so small that rounding hides the prior, a lower bound from 1 up.
    """

    value: Floats
    error: Floats
    factor: Floats
    misfit: float
    missing: float

    def draw(self, rng: np.random.Generator) -> Floats:
        """One deviation from the value, as likely as the equations leave it."""
        normal = self.misfit * rng.standard_normal(len(self.value))
        return np.asarray(sl.solve_triangular(self.factor, normal, lower=True, trans=1, check_finite=False))


def solved(parts: list[Equations], mean: Floats, spread: Floats, rng: np.random.Generator) -> Solution:
    """The likeliest unknowns, and how far they are fixed.

    Parameters
    ----------
    parts : list of Equations
        All of the same unknowns.
    mean, spread : array of float64, axes (unknowns,)
        What is known of each before: the mean and the standard deviation of a normal law.
    rng : numpy.random.Generator
        Draws the 32 probes by which standard errors are estimated, to about 1 part in 8.

    Notes
    -----
    Normal equations by Cholesky, refined with the equations themselves: O(n³) time and O(n²) memory for n
    unknowns. Where equations disagree by more than their errors, all errors are taken to be larger by that.
    """
    scaled = [_scaled(part) for part in parts]
    normal = np.zeros((len(mean), len(mean)), order="F")
    for part in scaled:
        _add_products(normal, part)
    precision = 1.0 / spread**2
    lengths = np.diagonal(normal) + precision
    factor, rounding = _factor(normal, precision)
    value = mean.copy()
    for _ in range(1 + _REFINED):
        step = precision * (mean - value)
        for part in scaled:
            step += part.matrix.T @ (part.target - part.matrix @ value)
        value = value + sl.cho_solve((factor, True), step, check_finite=False)
    drawn = rng.standard_normal((len(mean), _PROBES))
    variance = (sl.solve_triangular(factor, drawn, lower=True, trans=1, check_finite=False) ** 2).mean(1)
    missing = float((variance * precision).sum())
    if missing > _EXACTLY:
        inverse = sl.solve_triangular(factor, np.eye(len(mean)), lower=True, check_finite=False)
        variance = (inverse**2).sum(0)
        missing = float((variance * precision).sum())
    # a pivot below the rounding of its sums says nothing: what it stands for is open as well
    lost = np.diagonal(factor) ** 2 < rounding * lengths
    missing = max(missing, float(lost.sum()))
    misfit = _misfit(scaled, value, len(mean) - missing)
    # what the equations leave open has the prior's error, however well they agree
    error = np.sqrt(np.minimum(variance * misfit**2, np.maximum(variance, spread**2)))
    return Solution(value, error, factor, misfit, missing)


def row_lengths(matrix: Any) -> Floats:
    """The root of the sum of squares of each row of a sparse array, axes (rows,)."""
    return np.asarray(np.sqrt(matrix.power(2).sum(axis=1))).ravel()


def _misfit(scaled: list[Equations], value: Floats, fixed: float) -> float:
    squares = sum(float(((part.target - part.matrix @ value) ** 2).sum()) for part in scaled)
    spare = sum(len(part.target) for part in scaled) - fixed
    return max(1.0, float(np.sqrt(squares / spare))) if spare >= 1.0 else 1.0


def _scaled(part: Equations) -> Equations:
    weight = 1.0 / part.error
    matrix = sp.csr_array(part.matrix.multiply(weight[:, None]))
    return Equations(matrix, part.target * weight, np.ones_like(weight), part.blocks)


def _add_products(normal: Floats, part: Equations) -> None:
    if part.blocks is None:
        rows, columns = part.matrix.shape
        if part.matrix.nnz**2 < rows * rows * columns * columns / 50:
            normal += (part.matrix.T @ part.matrix).toarray()
        else:
            dense = part.matrix.toarray()
            normal += dense.T @ dense
        return
    rows, columns = part.blocks
    if columns.shape[1] == 1:
        normal[np.diag_indices(len(normal))] += np.asarray(part.matrix.power(2).sum(axis=0)).ravel()
        return
    for taken, unknowns in zip(rows, columns, strict=True):
        begin, end = int(unknowns[0]), int(unknowns[-1]) + 1
        block = part.matrix[taken, begin:end].toarray()
        normal[begin:end, begin:end] += block.T @ block


def _factor(normal: Floats, precision: Floats) -> tuple[Floats, float]:
    """The Cholesky factor, and the share of the diagonal below which a pivot is only rounding."""
    diagonal = np.einsum("ii->i", normal)
    diagonal += precision
    share = len(diagonal) * float(np.finfo(np.float64).eps)
    whole, added = diagonal.copy(), 0.0
    for _ in range(12):
        try:
            return np.asarray(sl.cholesky(normal, lower=True, check_finite=False)), share + 2.0 * added
        except np.linalg.LinAlgError:  # rounding took a pivot below zero
            added = max(10.0 * added, share)
            diagonal[:] = (1.0 + added) * whole
    raise np.linalg.LinAlgError
