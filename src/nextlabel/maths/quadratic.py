"""The best step of a quadratic model within the polytope of relaxed batches, by an interior-point method."""

from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import ConvergenceError
from nextlabel.maths.polytope import Polytope

__all__ = ["Curvature", "quadratic_step"]

_Floats = NDArray[np.float64]

_STEPS = 80
_ACCURACY = 1e-10  # of complementarity and residuals, the gradient scaled to one
_ACCEPTED = 1e-7  # where rounding lets it come no further
_WORSE = 1e3  # times the best: rounding has taken over
_BOUNDARY = 0.995  # how far of the way to the boundary a step goes
_DAMPING = 0.2
_SAME = 1e-12  # eigenvalues so near to one are one
_FLATTEST = 1e-8  # of B: what rounding might turn negative


@final
@dataclass(frozen=True, eq=False)
class Curvature:
    """A positive definite matrix B, brought up to date by damped BFGS, by its eigenvectors.

    Parameters
    ----------
    vectors : array of float64, axes (k, n)
        Orthonormal, in the order of a flattened point. B is 1 across all of them.
    values : array of float64, axes (k,)
        Their eigenvalues, above 0.

    Notes
    -----
    After t updates there are 2t vectors at most: nothing is left out, and B is never formed. Sums of ± v vᵀ
    would do as well on paper; large ones that cancel do not. Time of an update O(n·t²), memory 16·n·t bytes.

    References
    ----------
    Powell. A fast algorithm for nonlinearly constrained optimization calculations. 1978. Section 2: damping.

    Examples
    --------
    >>> bowl = Curvature().updated(np.array([1.0, 0.0]), np.array([3.0, 0.0]))
    >>> bowl.times(np.array([1.0, 1.0])).round(12).tolist()
    [3.0, 1.0]
    """

    vectors: _Floats = field(default_factory=lambda: np.empty((0, 0)))
    values: _Floats = field(default_factory=lambda: np.empty(0))

    def times(self, point: _Floats) -> _Floats:
        """The product with a vector, axes (n,)."""
        if not len(self.values):
            return point.copy()
        product: _Floats = point + ((self.values - 1.0) * (self.vectors @ point)) @ self.vectors
        return product

    def updated(self, step: _Floats, change: _Floats) -> "Curvature":
        """The matrix that maps a step to the change of the gradient along it, damped to stay positive.

        Parameters
        ----------
        step, change : arrays of float64, axes (n,)

        Returns
        -------
        Curvature
            This one where the step is zero.
        """
        along = self.times(step)
        curved = float(step @ along)
        if curved <= np.finfo(np.float64).tiny:
            return self
        seen = float(step @ change)
        if seen < _DAMPING * curved:
            share = (1.0 - _DAMPING) * curved / (curved - seen)
            change = share * change + (1.0 - share) * along
            seen = float(step @ change)
        more = np.stack([along / np.sqrt(curved), change / np.sqrt(seen)])
        basis, coefficients = np.linalg.qr(np.concatenate([self.vectors.reshape(-1, len(step)), more]).T)
        signed = coefficients * np.concatenate([self.values - 1.0, [-1.0, 1.0]])
        values, rotation = np.linalg.eigh(np.eye(len(coefficients)) + signed @ coefficients.T)
        is_new = np.abs(values - 1.0) > _SAME
        return Curvature((basis @ rotation[:, is_new]).T, np.maximum(values[is_new], _FLATTEST))


def quadratic_step(polytope: Polytope, point: _Floats, gradient: _Floats, curvature: Curvature) -> _Floats:
    """The step d of largest gᵀd − ½ dᵀBd that stays within the polytope.

    Parameters
    ----------
    polytope : Polytope
    point : array of float64, axes (n, k)
        Where the step begins, within the polytope.
    gradient : array of float64, axes (n, k)
        g.
    curvature : Curvature
        B.

    Returns
    -------
    array of float64, axes (n, k)
        Constraints hold within 1e-9 after it; the value is within 1e-9 · max(1, ‖g‖∞) · n·k of the largest.

    Raises
    ------
    ConvergenceError
        All items are wanted, so that the polytope has no interior; or the equations became too
        ill-conditioned.

    Notes
    -----
    Mehrotra's predictor and corrector. The matrix of each step is a diagonal, one number for each row, and
    the vectors of B and of the caps, and is inverted by Woodbury's formula: time O(n·k·(r + k)²) for r
    vectors of B, some 15 steps.

    References
    ----------
    Mehrotra. On the implementation of a primal-dual interior point method. SIAM J. Optimization, 1992.

    Examples
    --------
    Without gradient, one stays:

    >>> box = Polytope(3, 2, total=1, cap=1)
    >>> bool(np.abs(quadratic_step(box, box.even(), np.zeros((3, 2)), Curvature())).max() < 1e-7)
    True
    """
    if polytope.total == polytope.items:
        message = (
            "The interior-point method needs a polytope with an interior; received one whose "
            f"{polytope.items} items are all wanted. Go to its best corner instead."
        )
        raise ConvergenceError(message)
    scale = max(1.0, float(np.abs(gradient).max()))
    system = _System(polytope, point, gradient / scale, curvature, 1.0 / scale)
    return system.solved().reshape(point.shape) - point


@final
@dataclass(frozen=True, eq=False)
class _Iterate:
    """What is above zero, the multipliers of it, and the multipliers of the sums that are fixed.

    In `values` are the point, the slacks of the rows and the slacks of the caps; in `duals` the multiplier of
    each of them.
    """

    values: tuple[_Floats, _Floats, _Floats]
    duals: tuple[_Floats, _Floats, _Floats]
    of_sums: _Floats

    def products(self) -> list[_Floats]:
        return [one * other for one, other in zip(self.values, self.duals, strict=True)]

    def complementarity(self) -> float:
        return sum(float(one.sum()) for one in self.products()) / sum(one.size for one in self.values)

    def length(self, step: "_Iterate") -> float:
        """How much of a step can be gone before one of the numbers is zero; at most 1."""
        length = 1.0
        for numbers, changes in zip((*self.values, *self.duals), (*step.values, *step.duals), strict=True):
            falls = changes < 0.0
            length = min(length, float((numbers[falls] / -changes[falls]).min(initial=1.0)))
        return length

    def moved(self, step: "_Iterate", length: float) -> "_Iterate":
        x, rows, caps = (a + length * d for a, d in zip(self.values, step.values, strict=True))
        z, u, w = (a + length * d for a, d in zip(self.duals, step.duals, strict=True))
        return _Iterate((x, rows, caps), (z, u, w), self.of_sums + length * step.of_sums)


@final
class _System:
    """The conditions of optimality, and their linearisation at an iterate; points are flat here."""

    def __init__(
        self, polytope: Polytope, point: _Floats, gradient: _Floats, curvature: Curvature, unit: float
    ) -> None:
        n, k = polytope.items, polytope.classes
        self.shape = n, k
        self.point, self.gradient = point.ravel(), gradient.ravel()
        self.curvature, self.unit = curvature, unit
        # caps that are all full leave no interior: then the sum of each class is fixed
        is_full = polytope.is_capped and k * polytope.cap == polytope.total
        columns = np.tile(np.eye(k), n)  # axes (k, n·k)
        self.fixed = columns if is_full else np.ones((1, n * k))
        self.sums = np.full(k, float(polytope.cap)) if is_full else np.array([float(polytope.total)])
        self.limited = columns if polytope.is_capped and not is_full else columns[:0]
        self.cap = float(polytope.cap)
        self.even = polytope.even().ravel()

    def solved(self) -> _Floats:
        now, best, least = self._begun(), self.even, np.inf
        for _ in range(_STEPS):
            wrong = self._residuals(now)
            left = float(np.max([now.complementarity(), *(np.abs(one).max(initial=0.0) for one in wrong)]))
            if left < least:
                best, least = now.values[0], left
            if least <= _ACCURACY or not left <= _WORSE * least:
                break
            now = self._stepped(now, wrong)
        if least <= _ACCEPTED:
            return best
        message = (
            f"The interior-point method must reach residuals of {_ACCEPTED:g}; the best one was "
            f"{least:.3g}. Bring the features to one scale."
        )
        raise ConvergenceError(message)

    def _begun(self) -> _Iterate:
        rows = 1.0 - self._row_sums(self.even)
        caps = self.cap - self.limited @ self.even
        values = self.even, rows, caps
        of_x, of_rows, of_caps = (np.ones_like(one) for one in values)
        return _Iterate(values, (of_x, of_rows, of_caps), np.zeros(len(self.sums)))

    def _row_sums(self, flat: _Floats) -> _Floats:
        return np.asarray(flat.reshape(self.shape).sum(axis=1))

    def _over_rows(self, of_rows: _Floats) -> _Floats:
        return np.repeat(of_rows, self.shape[1])

    def _residuals(self, now: _Iterate) -> tuple[_Floats, _Floats, _Floats, _Floats]:
        (x, rows, caps), (of_x, of_rows, of_caps) = now.values, now.duals
        dual = (
            self.unit * self.curvature.times(x - self.point)
            - self.gradient
            - of_x
            + self._over_rows(of_rows)
            + of_caps @ self.limited
            + now.of_sums @ self.fixed
        )
        of_slacks = self._row_sums(x) + rows - 1.0, self.limited @ x + caps - self.cap
        return dual, *of_slacks, self.fixed @ x - self.sums

    def _stepped(self, now: _Iterate, wrong: tuple[_Floats, _Floats, _Floats, _Floats]) -> _Iterate:
        """One step of predictor and corrector."""
        factor = _Factor(self, now)
        predicted = factor.step(wrong, now.products())
        centre = now.complementarity()
        reached = now.moved(predicted, now.length(predicted)).complementarity()
        aim = centre * (reached / centre) ** 3
        wanted = [
            now_one + second - aim
            for now_one, second in zip(now.products(), predicted.products(), strict=True)
        ]
        step = factor.step(wrong, wanted)
        return now.moved(step, _BOUNDARY * now.length(step))


@final
class _Factor:
    """The linear equations of a step, reduced to the vectors of B, the caps and the fixed sums."""

    def __init__(self, system: _System, now: _Iterate) -> None:
        self.system, self.now = system, now
        (x, rows, caps), (of_x, of_rows, of_caps) = now.values, now.duals
        self.inverse = 1.0 / (system.unit + of_x / x)
        ratio = of_rows / rows
        self.shared = ratio / (1.0 + ratio * system._row_sums(self.inverse))
        bends = system.unit * (system.curvature.values - 1.0)
        vectors = system.curvature.vectors.reshape(-1, len(x))
        self.vectors = np.concatenate([vectors, system.limited, system.fixed])
        inner = np.concatenate([1.0 / bends, caps / of_caps, np.zeros(len(system.sums))])
        self.solved_vectors = np.stack([self._base(one) for one in self.vectors])
        self.inner = self.vectors @ self.solved_vectors.T + np.diag(inner)

    def _base(self, flat: _Floats) -> _Floats:
        """The inverse of the diagonal and the rows, applied."""
        scaled = self.inverse * flat
        return np.asarray(
            scaled - self.inverse * self.system._over_rows(self.shared * self.system._row_sums(scaled))
        )

    def step(self, wrong: tuple[_Floats, _Floats, _Floats, _Floats], products: list[_Floats]) -> _Iterate:
        """The step towards residuals of zero and products of zero, given what is wrong with each."""
        system, (dual, of_row_sums, of_col_sums, of_fixed) = self.system, wrong
        (x, rows, caps), (of_x, of_rows, of_caps) = self.now.values, self.now.duals
        right = (
            -dual
            - products[0] / x
            + system._over_rows((products[1] - of_rows * of_row_sums) / rows)
            + ((products[2] - of_caps * of_col_sums) / caps) @ system.limited
        )
        dx, d_sums = self._solved(right, -of_fixed)
        curved = system.unit * system.curvature.times(dx) + of_x / x * dx
        curved += system._over_rows(of_rows / rows * system._row_sums(dx))
        curved += (of_caps / caps * (system.limited @ dx)) @ system.limited
        # once more for what rounding left: rows that are nearly full weigh heavily
        more, more_sums = self._solved(right - curved - d_sums @ system.fixed, -of_fixed - system.fixed @ dx)
        dx, d_sums = dx + more, d_sums + more_sums
        d_rows = -of_row_sums - system._row_sums(dx)
        d_caps = -of_col_sums - system.limited @ dx
        return _Iterate(
            (dx, d_rows, d_caps),
            (
                (-products[0] - of_x * dx) / x,
                (-products[1] - of_rows * d_rows) / rows,
                (-products[2] - of_caps * d_caps) / caps,
            ),
            d_sums,
        )

    def _solved(self, right: _Floats, sums: _Floats) -> tuple[_Floats, _Floats]:
        """The step whose curvature and multipliers make up the right-hand side, and whose sums are these."""
        held = self._base(right)
        target = self.vectors @ held
        target[len(target) - len(sums) :] -= sums
        inner = np.asarray(np.linalg.solve(self.inner, target), np.float64)
        return held - inner @ self.solved_vectors, inner[len(inner) - len(sums) :]
