"""The worth of a batch by the head that it would give: value, gradient and local model of its relaxation."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import ConvergenceError
from nextlabel.maths.softmax import Problem
from nextlabel.maths.solvers import climbed, newton

__all__ = ["BatchProblem", "State"]

_Floats = NDArray[np.float64]

_TOLERANCE = 1e-10  # of a refit: its last step in units of the largest weight, which squares near the end
_CLIMBED = 1e-7  # of a large refit before its last step, in units of what the gradient can be
_DENSE = 1_500  # weights up to which a dense Hessian is factored
_CONJUGATE = 1e-11  # residual of conjugate gradients, in units of the right-hand side
_CONJUGATE_STEPS = 2_000


@final
@dataclass(frozen=True, eq=False)
class State:
    """A relaxed batch, the head refitted with it, and the worth of both.

    Parameters
    ----------
    guesses : array of float64, axes (n, c)
        μ: how much each candidate is taken, as an item of each class.
    matrix : array of float64, axes (c, w)
        Weights and bias of the head.
    value : float
        F.
    """

    guesses: _Floats
    matrix: _Floats
    value: float


@final
@dataclass(frozen=True, eq=False)
class BatchProblem:
    """The worth F(μ) of a relaxed batch; nothing is checked.

    Parameters
    ----------
    labelled : array of float64, axes (l, w)
        Features of the labelled items, the last one 1.
    targets : array of float64, axes (l, c)
        One-hot labels.
    candidates : array of float64, axes (n, w)
        Features of the items that may be picked.
    others : array of float64, axes (o, w)
        Features of further unlabelled items, whose entropy counts.
    penalty : float
        λ, above 0.
    entropy_weight : float
        α.
    trust : float
        β.
    has_label_term : bool
        Whether likelihoods count at all.

    Notes
    -----
    w(μ) maximises Σ_L log P + Σ μ_jy log P(y|x_j) − λ/2 ‖W‖², and

    F(μ) = Σ_L log P + β Σ μ_jy log P(y|x_j) − α Σ_j (1 − Σ_y μ_jy) H_j − α Σ_others H, all at w(μ).

    Its gradient has three terms: ∂F/∂μ_jy = β log P(y|x_j) + α H_j + (∇_w log P(y|x_j))ᵀ A⁻¹ ∂F/∂w, with A
    minus the second derivatives of what w(μ) maximises. One linear solve gives those of all candidates.

    Biases of classes with a label are free; those of the others have the penalty of the weights, because
    a class without any item would have a bias without lower end, and F no value.

    Time of a value or gradient O((l + n + o)·c·w) and, up to 1,500 weights c·w, a few factorisations of
    O((l + n)·c²w² + c³w³); above, L-BFGS and conjugate gradients of O((l + n)·c·w) a step.

    References
    ----------
    Guo, Schuurmans. Discriminative batch mode active learning. NeurIPS 2007. Section 4.

    Examples
    --------
    >>> rows = np.array([[-1.0, 1.0], [1.0, 1.0]])
    >>> problem = BatchProblem(rows, np.eye(2), rows[:1], rows[:0], 1.0, 1.0, 1.0, True)
    >>> sure, wrong = (problem.state(np.array([guess])).value for guess in ([1.0, 0.0], [0.0, 1.0]))
    >>> sure > wrong
    True
    """

    labelled: _Floats
    targets: _Floats
    candidates: _Floats
    others: _Floats
    penalty: float
    entropy_weight: float
    trust: float
    has_label_term: bool

    def state(self, guesses: _Floats, start: _Floats | None = None) -> State:
        """The head refitted with the guesses, from another head on, and the worth of both.

        Raises
        ------
        ConvergenceError
            The refit did not reach its solution.
        """
        problem = self._regression(guesses)
        matrix = np.zeros(problem.shape) if start is None else start
        if matrix.size <= _DENSE:
            matrix = newton(problem, matrix, _TOLERANCE)
        else:
            matrix = climbed(problem, matrix, _CLIMBED)
            # one Newton step squares what is left: F is no maximum in w, and would keep it
            slope = problem.value_and_gradient(matrix)[1]
            matrix = matrix + _conjugate(_curvature(problem, matrix), slope)
        return State(guesses, matrix, self.value(guesses, matrix))

    def value(self, guesses: _Floats, matrix: _Floats) -> float:
        """F at this head, whether or not it is the one that the guesses give."""
        return self._value(guesses, *(rows @ matrix.T for rows in self._sets()))

    def gradient(self, state: State) -> tuple[_Floats, Callable[[_Floats], _Floats]]:
        """The derivatives of F by the guesses, and how the head moves with them.

        Returns
        -------
        gradient : array of float64, axes (n, c)
        response : callable
            From a change of the guesses, axes (n, c), to the change of the head, to first order.
        """
        logs, proba = _log_softmax(self.candidates @ state.matrix.T)
        entropy = -np.einsum("nc,nc->n", proba, logs)
        inverse = self._inverse(state)
        pull = self.candidates @ inverse(self._by_head(state, logs, proba, entropy)).T
        gradient = self._trusted * logs + self.entropy_weight * entropy[:, None]
        gradient += pull - np.einsum("nc,nc->n", proba, pull)[:, None]

        def response(change: _Floats) -> _Floats:
            slopes = change - change.sum(axis=1, keepdims=True) * proba
            return inverse(slopes.T @ self.candidates)

        return gradient, response

    def along(self, state: State, change: _Floats, response: _Floats) -> Callable[[float], float]:
        """F on a line, the head following its first-order response: no refit, O((l + n + o)·c) a point."""
        scores = [rows @ state.matrix.T for rows in self._sets()]
        moves = [rows @ response.T for rows in self._sets()]

        def value(length: float) -> float:
            there = (score + length * move for score, move in zip(scores, moves, strict=True))
            return self._value(state.guesses + length * change, *there)

        return value

    @property
    def _trusted(self) -> float:
        return self.trust if self.has_label_term else 0.0

    def _sets(self) -> tuple[_Floats, _Floats, _Floats]:
        return self.labelled, self.candidates, self.others

    def _value(self, guesses: _Floats, labelled: _Floats, candidates: _Floats, others: _Floats) -> float:
        logs, proba = _log_softmax(candidates)
        entropy = -np.einsum("nc,nc->n", proba, logs)
        value = -self.entropy_weight * float((1.0 - guesses.sum(axis=1)) @ entropy)
        if self.has_label_term:
            value += float(np.einsum("lc,lc->", self.targets, _log_softmax(labelled)[0]))
            value += self.trust * float(np.einsum("nc,nc->", guesses, logs))
        if len(others):
            logs, proba = _log_softmax(others)
            value += self.entropy_weight * float(np.einsum("nc,nc->", proba, logs))
        return value

    def _by_head(self, state: State, logs: _Floats, proba: _Floats, entropy: _Floats) -> _Floats:
        """∂F/∂w at fixed guesses, axes (c, w)."""
        taken = state.guesses.sum(axis=1, keepdims=True)
        slopes = self.entropy_weight * (1.0 - taken) * proba * (logs + entropy[:, None])
        slopes += self._trusted * (state.guesses - taken * proba)
        by_head: _Floats = slopes.T @ self.candidates
        if self.has_label_term:
            by_head += (self.targets - _log_softmax(self.labelled @ state.matrix.T)[1]).T @ self.labelled
        if len(self.others):
            logs, proba = _log_softmax(self.others @ state.matrix.T)
            entropy = -np.einsum("nc,nc->n", proba, logs)
            by_head += (self.entropy_weight * proba * (logs + entropy[:, None])).T @ self.others
        return by_head

    def _regression(self, guesses: _Floats) -> Problem:
        rows = np.concatenate([self.labelled, self.candidates])
        targets = np.concatenate([self.targets, guesses])
        of_bias = np.where(self.targets.sum(axis=0) > 0.0, 0.0, self.penalty)
        return Problem(rows, targets, rows[:0], self.penalty, of_bias)

    def _inverse(self, state: State) -> Callable[[_Floats], _Floats]:
        """A⁻¹, for matrices (c, w) whose columns sum to zero."""
        problem = self._regression(state.guesses)
        if state.matrix.size > _DENSE:
            return partial(_conjugate, _curvature(problem, state.matrix))
        from scipy.linalg import cho_factor, cho_solve

        factor = cho_factor(problem.hessian(state.matrix), lower=True, overwrite_a=True, check_finite=False)

        def solved(right: _Floats) -> _Floats:
            return np.asarray(cho_solve(factor, right.ravel(), check_finite=False)).reshape(right.shape)

        return solved


def _log_softmax(scores: _Floats) -> tuple[_Floats, _Floats]:
    """Logarithms of probabilities, and the probabilities."""
    logs = scores - scores.max(axis=1, keepdims=True)
    proba = np.exp(logs)
    total = proba.sum(axis=1, keepdims=True)
    logs -= np.log(total)
    proba /= total
    return logs, proba


def _curvature(problem: Problem, matrix: _Floats) -> Callable[[_Floats], _Floats]:
    """Minus the second derivatives, as a product with a matrix (c, w); never formed."""
    proba = _log_softmax(problem.rows @ matrix.T)[1]
    weighted = problem.targets.sum(axis=1, keepdims=True) * proba

    def times(change: _Floats) -> _Floats:
        moves = problem.rows @ change.T
        moves -= np.einsum("rc,rc->r", proba, moves)[:, None]
        product: _Floats = (weighted * moves).T @ problem.rows
        product[:, :-1] += problem.penalty * change[:, :-1]
        pull = problem.bias_penalty * (change[:, -1] - change[:, -1].mean())
        product[:, -1] += pull - pull.mean()
        return product

    return times


def _conjugate(times: Callable[[_Floats], _Floats], right: _Floats) -> _Floats:
    """The solution of a positive definite system, for a right-hand side whose columns sum to zero."""
    residual = right - right.mean(axis=0)  # to the last digit: what all classes share has no curvature
    solution = np.zeros_like(right)
    direction, size = residual.copy(), float((residual * residual).sum())
    limit = _CONJUGATE**2 * size
    for _ in range(_CONJUGATE_STEPS):
        if size <= limit:
            return solution
        product = times(direction)
        product -= product.mean(axis=0)
        length = size / float((direction * product).sum())
        solution += length * direction
        residual -= length * product
        size, before = float((residual * residual).sum()), size
        direction = residual + (size / before) * direction
    message = (
        f"Conjugate gradients must reach a residual of {_CONJUGATE:g} of the right-hand side; after "
        f"{_CONJUGATE_STEPS} steps it is {np.sqrt(size / limit) * _CONJUGATE:.3g}. Bring the features to one "
        "scale, or give a larger penalty."
    )
    raise ConvergenceError(message)
