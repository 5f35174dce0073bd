"""What a softmax head becomes with one more labelled item, for every label that the item may have."""

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import ConvergenceError
from nextlabel.maths.axes import Array
from nextlabel.maths.softmax import Problem, with_ones
from nextlabel.maths.solvers import DENSE, climbed, newton

__all__ = ["Refits", "refits"]

_Floats = NDArray[np.float64]

_TOLERANCE = 1e-11  # of the last step, in units of the largest weight
_NEAR = 1e-6  # the gradient from which Newton's method needs a step or two
_STEPS = 60  # with the curvature of the beginning, before that of each place is computed
_REMEMBERED = 8  # steps that the next one is made of
_COLLINEAR = 1e13  # beyond it, rounding decides
_LOST = 1e6  # a step of that length leads away


@final
@dataclass(frozen=True, eq=False)
class Refits:
    """A fitted head, and the inverse of its Hessian; made by `refits`.

    Classes without a label are alike: they have equal weights, and it does not matter which of them an item
    is given. Three or more are therefore two rows of the matrices: one that is tried as a label, and one
    that stands for all others.

    Parameters
    ----------
    problem : Problem
        What the head is the solution of; its classes are k rows.
    matrix : array of float64, axes (k, d + 1)
        Weights, the bias last.
    inverse : array of float64, axes (k, d + 1, k, d + 1)
    tried : array of int64, axes (c,)
        The row as which each class is tried; rows from 0 to the largest are tried.
    of_bias : array of float64, axes (c,)
        Penalties of the biases of all classes.
    labels : array of int64, axes (l,)
        Classes of the labelled items.
    """

    problem: Problem
    matrix: _Floats
    inverse: _Floats
    tried: NDArray[np.int64]
    of_bias: _Floats
    labels: NDArray[np.int64]

    @property
    def targets(self) -> _Floats:
        """A one-hot row for each label that is tried, axes (t, k)."""
        return np.eye(len(self.matrix))[: self.tried.max() + 1]

    def newton(self, row: _Floats) -> _Floats:
        """The head after one Newton step towards the solution with the item added, for each label.

        Parameters
        ----------
        row : array of float64, axes (d + 1,)
            Features of the item, the last one 1.

        Returns
        -------
        array of float64, axes (t, k, d + 1)
            The label that is tried first.

        Notes
        -----
        (A + x xᵀ ⊗ B)⁻¹ (x ⊗ (e_y − p)) with A the Hessian of the fit, B = diag p − p pᵀ: by Woodbury's
        identity A⁻¹ (x ⊗ ·) (I + B G)⁻¹ (e_y − p), G = (x ⊗ ·)ᵀ A⁻¹ (x ⊗ ·). Time O(c²·d²).
        """
        beside, inner, bend, proba = self._of(row)
        residuals = (self.targets - proba).T  # a column for each label
        moves = beside @ np.linalg.solve(np.eye(len(bend)) + bend @ inner, residuals)
        return self.matrix + np.moveaxis(moves, 2, 0)

    def converged(self, row: _Floats) -> _Floats:
        """The head fitted afresh with the item added, for each label.

        Parameters
        ----------
        row : array of float64, axes (d + 1,)
            Features of the item, the last one 1.

        Returns
        -------
        array of float64, axes (t, k, d + 1)
            The label that is tried first.

        Raises
        ------
        ConvergenceError
            A fit ended before its solution.

        Notes
        -----
        Steps by the Hessian of `newton` and the gradient of each place, which are cheap, combined by
        Anderson's rule until they vanish: O(c·(l·c·d + c²·d²)) each, ten to fifty of them. Where they do not
        vanish, Newton's method with a line search, O(l·c²d² + c³d³) for each of ten steps.

        References
        ----------
        Anderson. Iterative procedures for nonlinear integral equations. Journal of the ACM 12, 1965.
        """
        targets = self.targets
        heads = np.repeat(self.matrix[None], len(targets), axis=0)
        tried: list[tuple[_Floats, _Floats]] = []
        is_done = np.zeros(len(targets), bool)
        beside, inner, bend, _ = self._of(row)
        straight = np.linalg.solve(np.eye(len(bend)) + bend @ inner, bend)
        flat = self.inverse.reshape(self.matrix.size, self.matrix.size)
        for _ in range(_STEPS):
            steps = (self._slopes(heads, row).reshape(len(heads), -1) @ flat).reshape(heads.shape)
            steps -= np.moveaxis(beside @ (straight @ (steps @ row).T), 2, 0)
            sizes = np.abs(steps).max(axis=(1, 2))
            is_done |= sizes <= _TOLERANCE * (1.0 + np.abs(heads).max(axis=(1, 2)))
            if is_done.all() or not sizes.max() < _LOST:
                break
            tried = [*tried[-_REMEMBERED:], (heads, steps)]
            heads = np.where(is_done[:, None, None], heads, _combined(tried))
        for label in np.flatnonzero(~is_done):
            problem = replace(
                self.problem,
                rows=np.concatenate([self.problem.rows, row[None]]),
                targets=np.concatenate([self.problem.targets, targets[label][None]]),
            )
            heads[label] = newton(problem, self.matrix, _TOLERANCE)
        return heads

    def with_label(self, row: _Floats, label: int) -> "Refits":
        """The same after the item has been labelled: head and Hessian anew.

        Parameters
        ----------
        row : array of float64, axes (d + 1,)
        label : int
            Its class.
        """
        rows = np.concatenate([self.problem.rows, row[None]])
        return _fitted(rows, np.append(self.labels, label), self.of_bias, self.problem.penalty)

    def _of(self, row: _Floats) -> tuple[_Floats, _Floats, _Floats, _Floats]:
        """A⁻¹ (x ⊗ ·), axes (k, w, k); G and B, axes (k, k); p."""
        proba = self._proba(self.matrix @ row)
        beside: _Floats = self.inverse @ row
        inner: _Floats = np.einsum("w,kwc->kc", row, beside)
        return beside, inner, np.diag(proba) - np.outer(proba, proba), proba

    def _slopes(self, heads: _Floats, row: _Floats) -> _Floats:
        """Gradients at several heads, each with the item added as its label, axes (t, k, w)."""
        problem, (labels, classes, width) = self.problem, heads.shape
        scores = (problem.rows @ heads.reshape(-1, width).T).reshape(-1, labels, classes)
        slopes = problem.targets[:, None, :] - self._proba(scores)
        gradients = (slopes.reshape(-1, labels * classes).T @ problem.rows).reshape(heads.shape)
        gradients += (self.targets - self._proba(heads @ row))[:, :, None] * row
        gradients[:, :, :-1] -= problem.penalty * problem.copies[:, None] * heads[:, :, :-1]
        gradients[:, :, -1] -= np.stack([problem.drag(bias) for bias in heads[:, :, -1]])
        return gradients

    def _proba(self, scores: _Floats) -> _Floats:
        """Softmax along the last axis, of all classes for which a row stands together."""
        exponentials: _Floats = self.problem.copies * np.exp(scores - scores.max(axis=-1, keepdims=True))
        exponentials /= exponentials.sum(axis=-1, keepdims=True)
        return exponentials


def refits(features: Array, labels: Array, classes: int, *, penalty: float) -> Refits:
    """The head of labelled items, ready to take one more.

    Parameters
    ----------
    features : array of float, axes (l, d)
    labels : array of int, axes (l,)
    classes : int
        How many there are; those without a label have a penalty on their bias, also once an item is added.
    penalty : float
        λ, of the squared weights.

    Returns
    -------
    Refits

    Raises
    ------
    ConvergenceError
        The fit has no solution, or its Hessian no inverse: features are collinear, and there is no penalty.

    Notes
    -----
    Time O(k³·d³) beside the fit and memory 8·k²(d + 1)² bytes three times, for k rows: a class with labels
    each, and at most two more.

    Examples
    --------
    >>> one = refits(np.array([[-1.0], [1.0]]), np.array([0, 1]), 2, penalty=1.0)
    >>> after = one.converged(np.array([0.0, 1.0]))  # an item in the middle
    >>> (after[:, 1, 1] > after[:, 0, 1]).tolist()  # its label is what the bias moves to
    [False, True]
    """
    labels = np.asarray(labels, np.int64)
    of_bias = np.where(np.bincount(labels, minlength=classes) > 0, 0.0, penalty)
    return _fitted(with_ones(features), labels, of_bias, penalty)


def _fitted(rows: _Floats, labels: NDArray[np.int64], of_bias: _Floats, penalty: float) -> Refits:
    classes = len(of_bias)
    is_seen = np.bincount(labels, minlength=classes) > 0
    tried = np.arange(classes)
    copies = np.ones(classes)
    if classes - is_seen.sum() > 2:
        seen = int(is_seen.sum())
        tried = np.where(is_seen, np.cumsum(is_seen) - 1, seen)
        copies = np.append(np.ones(seen + 1), classes - seen - 1)
    targets = np.eye(len(copies))[tried[labels]]
    of_row = np.full(len(copies), penalty)
    of_row[tried] = of_bias
    problem = Problem(rows, targets, rows[:0], penalty, of_row, copies=copies)
    matrix = np.zeros(problem.shape)
    if matrix.size > DENSE and penalty > 0.0:
        matrix = climbed(problem, matrix, _NEAR)
    matrix = newton(problem, matrix, _TOLERANCE)
    return Refits(problem, matrix, _inverse(problem, matrix), tried, of_bias, labels)


def _inverse(problem: Problem, matrix: _Floats) -> _Floats:
    from scipy.linalg.lapack import dpotrf, dpotri

    hessian = problem.hessian(matrix)
    sizes = np.diag(hessian).copy()
    factor, failed = dpotrf(hessian.T, lower=False, overwrite_a=True)
    if not failed:
        factor, failed = dpotri(factor, lower=False, overwrite_c=True)
    # how much less certain a weight is for the others not being known; scales do not matter
    if failed or (sizes * np.diag(factor)).max() > _COLLINEAR:
        message = (
            "The Hessian of the linear head must have an inverse; it has none, since some weights are not "
            f"determined by the {len(problem.rows)} labelled items and the penalty of {problem.penalty:g}. "
            "Give a larger penalty, or bring the features to one scale."
        )
        raise ConvergenceError(message)
    whole = np.triu(factor) + np.triu(factor, 1).T
    return np.asarray(whole.reshape(*matrix.shape, *matrix.shape))


def _combined(tried: list[tuple[_Floats, _Floats]]) -> _Floats:
    """The next place of each label: of all combinations of those tried, where the step would be shortest."""
    places, steps = (np.array(each) for each in zip(*tried, strict=True))
    after: _Floats = places[-1] + steps[-1]
    for label in range(len(after) if len(tried) > 1 else 0):
        changes = np.diff(steps[:, label].reshape(len(tried), -1), axis=0)
        moves = np.diff(places[:, label].reshape(len(tried), -1), axis=0)
        share = np.linalg.lstsq(changes.T, steps[-1, label].ravel(), rcond=1e-12)[0]
        after[label] -= (share @ (moves + changes)).reshape(after[label].shape)
    return after
