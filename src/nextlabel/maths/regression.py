"""Softmax regression of weighted targets, with the entropy of unlabelled items as a further term."""

from dataclasses import dataclass
from typing import Literal, final, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.errors import ConvergenceError, SignalError
from nextlabel.maths.axes import Array, Sizes, checked
from nextlabel.maths.parameters import checked_choice, checked_number
from nextlabel.maths.softmax import Problem, with_ones
from nextlabel.maths.solvers import climbed, solved

__all__ = [
    "Reduction",
    "SoftmaxHead",
    "gradient",
    "hessian",
    "objective",
    "softmax_regression",
]

Reduction = Literal["sum", "mean"]

_STEPS = 10  # from no entropy term to the whole of it
_FACTOR = 2.0  # from one of these steps to the next
_NEAR = 1e-5  # the gradient that is enough on the way


@final
@dataclass(frozen=True, eq=False)
class SoftmaxHead:
    """A linear layer followed by a softmax.

    Parameters
    ----------
    weights : array of float64, axes (c, d)
    bias : array of float64, axes (c,)

    Examples
    --------
    >>> head = SoftmaxHead(np.array([[1.0], [-1.0]]), np.zeros(2))
    >>> np.exp(head.log_proba(np.array([[0.0]]))).tolist()
    [[0.5, 0.5]]
    """

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Weights and bias, axes (c, d + 1), the bias last: the order of gradients and Hessians."""
        return np.concatenate([self.weights, self.bias[:, None]], axis=1)

    @classmethod
    def of_matrix(cls, matrix: Array) -> "SoftmaxHead":
        """The head whose `matrix` this is."""
        values = np.asarray(matrix, np.float64)
        return cls(values[:, :-1].copy(), values[:, -1].copy())

    def logits(self, features: ArrayLike) -> NDArray[np.float64]:
        """Unnormalised scores of items, axes (n, c)."""
        scores: NDArray[np.float64] = np.asarray(features, np.float64) @ self.weights.T + self.bias
        return scores

    def log_proba(self, features: ArrayLike) -> NDArray[np.float64]:
        """Logarithms of the class probabilities of items, axes (n, c)."""
        scores = self.logits(features)
        scores -= scores.max(axis=1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return scores


def softmax_regression(
    features: ArrayLike,
    targets: ArrayLike,
    *,
    penalty: float,
    start: SoftmaxHead | None = None,
    unlabelled: ArrayLike | None = None,
    entropy_weight: float = 0.0,
    reduction: Reduction = "sum",
    bias_penalty: ArrayLike | None = None,
    tolerance: float = 1e-9,
) -> SoftmaxHead:
    """The linear head of the largest penalised likelihood less the weighted entropy of unlabelled items.

    Parameters
    ----------
    features : array of float, axes (l, d)
        Of the labelled items.
    targets : array of float, axes (l, c)
        Weights from 0 up: a one-hot for a label; fractions and rows that do not sum to one are welcome.
    penalty : float
        λ, from 0 up: of the squared weights. The bias has none.
    start : SoftmaxHead, optional
        Where to begin; zero when left out. Without an entropy term it changes the time, not the answer.
    unlabelled : array of float, axes (u, d), optional
        Features of the unlabelled items.
    entropy_weight : float
        α, of the entropy of the unlabelled items; below 0, entropy is wanted.
    reduction : {"sum", "mean"}
        Whether likelihoods and entropies are summed over the items, or averaged over each of the two sets.
    bias_penalty : array of float, axes (c,), optional
        Penalties of the squared differences between a class's bias and the mean bias. When left out, 0 for
        classes that have a target, and `penalty` for those without, whose bias would have no lower end.
    tolerance : float
        Above 0: the last step, or with an entropy term the gradient, in units of its natural size.

    Returns
    -------
    SoftmaxHead
        Biases sum to zero over the classes, and so do the weights: predictions do not depend on what all
        classes share, and of equal heads this is the smallest.

    Raises
    ------
    SignalError
        Wrong axes or sizes, values that are not finite, or targets below 0.
    ParameterError
        A number out of its range.
    ConvergenceError
        There is no largest value, as with separable classes and no penalty; or it was not reached.

    Notes
    -----
    J(w) = Σᵢ Σ_y tᵢ_y log p(y|xᵢ) − α Σⱼ H(p(·|xⱼ)) − λ/2 ‖W‖². With α = 0 it is concave: Newton with a
    line search up to 1,500 weights, each step O(l·c²d² + c³d³), L-BFGS above, each step O(l·c·d). With α it
    is not: the largest value for α = 0 is followed through ten weights, each twice the one before, up to
    α, by L-BFGS. Memory O((l + u)·(c + d)) and, for Newton, 8·c²(d + 1)² bytes twice.

    Without penalty, features may be collinear: of all solutions the one of least norm is taken.

    References
    ----------
    Grandvalet, Bengio. Semi-supervised learning by entropy minimization. NeurIPS 2004. Section 3.

    Examples
    --------
    >>> line = np.array([[-1.0], [1.0]])
    >>> head = softmax_regression(line, np.eye(2), penalty=1.0)
    >>> (np.exp(head.log_proba([[0.0], [1.0]])).argmax(axis=1) + 0).tolist()
    [0, 1]
    """
    problem = _problem(features, targets, penalty, unlabelled, entropy_weight, reduction, bias_penalty)
    tolerance = checked_number(tolerance, "tolerance", above=0.0, advice="Try 1e-9.")
    _require_held_biases(problem)
    matrix = np.zeros(problem.shape) if start is None else _started(start, problem.shape)
    matrix = problem.centred(matrix)
    target, problem = problem.entropy_weight, problem.weighted(0.0)
    matrix = solved(problem, matrix, tolerance)
    if target != 0.0 and len(problem.unlabelled):
        for step in range(_STEPS - 1, -1, -1):
            near = tolerance if step == 0 else max(tolerance, _NEAR)
            matrix = climbed(problem.weighted(target / _FACTOR**step), matrix, near)
    return SoftmaxHead.of_matrix(problem.centred(matrix))


def objective(
    head: SoftmaxHead,
    features: ArrayLike,
    targets: ArrayLike,
    *,
    penalty: float,
    unlabelled: ArrayLike | None = None,
    entropy_weight: float = 0.0,
    reduction: Reduction = "sum",
    bias_penalty: ArrayLike | None = None,
) -> float:
    """What `softmax_regression` makes as large as it can; parameters and errors as there.

    Returns
    -------
    float

    Examples
    --------
    >>> even = SoftmaxHead(np.zeros((2, 1)), np.zeros(2))
    >>> round(objective(even, [[1.0]], [[1.0, 0.0]], penalty=1.0), 4)
    -0.6931
    """
    problem = _problem(features, targets, penalty, unlabelled, entropy_weight, reduction, bias_penalty)
    return problem.value_and_gradient(_started(head, problem.shape))[0]


def gradient(
    head: SoftmaxHead,
    features: ArrayLike,
    targets: ArrayLike,
    *,
    penalty: float,
    unlabelled: ArrayLike | None = None,
    entropy_weight: float = 0.0,
    reduction: Reduction = "sum",
    bias_penalty: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """The gradient of `objective`; parameters and errors as there.

    Returns
    -------
    array of float64, axes (c, d + 1)
        The bias is the last column. Of the likelihood and the entropy, columns sum to zero.

    Examples
    --------
    >>> even = SoftmaxHead(np.zeros((2, 1)), np.zeros(2))
    >>> gradient(even, [[3.0]], [[1.0, 0.0]], penalty=1.0).tolist()
    [[1.5, 0.5], [-1.5, -0.5]]
    """
    problem = _problem(features, targets, penalty, unlabelled, entropy_weight, reduction, bias_penalty)
    return problem.value_and_gradient(_started(head, problem.shape))[1]


def hessian(
    head: SoftmaxHead,
    features: ArrayLike,
    targets: ArrayLike,
    *,
    penalty: float,
    reduction: Reduction = "sum",
    bias_penalty: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Minus the matrix of second derivatives of `objective` without the entropy term.

    Parameters
    ----------
    head, features, targets, penalty, reduction, bias_penalty
        As for `softmax_regression`.

    Returns
    -------
    array of float64, axes (c·(d + 1), c·(d + 1))
        In the order of ``gradient(...).ravel()``; positive definite. A shift of all classes alike has a
        curvature of its own choice, since nothing resists it but the penalty: 1 for the biases, and for
        weights, whose penalty large features would drown, the mean that the data have beside it, or 1 without
        penalty. Solutions for right-hand sides whose columns sum to zero, as those of every gradient at such
        a head do, do not depend on it.

    Raises
    ------
    SignalError, ParameterError
        As for `softmax_regression`.

    Notes
    -----
    Σᵢ Σ_y tᵢ_y · (diag p − p pᵀ) ⊗ x xᵀ + λ. Time O(l·c²·d²), memory 8·c²·(d + 1)² bytes.

    Examples
    --------
    >>> even = SoftmaxHead(np.zeros((2, 1)), np.zeros(2))
    >>> hessian(even, [[2.0]], [[1.0, 0.0]], penalty=1.0)[0].tolist()
    [2.5, 0.5, -0.5, -0.5]
    """
    problem = _problem(features, targets, penalty, None, 0.0, reduction, bias_penalty)
    return problem.hessian(_started(head, problem.shape))


def _problem(
    features: ArrayLike,
    targets: ArrayLike,
    penalty: float,
    unlabelled: ArrayLike | None,
    entropy_weight: float,
    reduction: Reduction,
    bias_penalty: ArrayLike | None,
) -> Problem:
    sizes: Sizes = {}
    rows = checked(features, "l d", "features", sizes)
    weights = np.asarray(checked(targets, "l c", "targets", sizes), np.float64)
    if weights.size and weights.min() < 0.0:
        row = int(np.argmax((weights < 0.0).any(axis=1)))
        message = (
            f"'targets' must be weights from 0 up; row {row} holds {weights[row].min():g}. "
            "Give one-hot rows for labels."
        )
        raise SignalError(message)
    others = rows[:0] if unlabelled is None else checked(unlabelled, "u d", "unlabelled", sizes)
    penalty = checked_number(penalty, "penalty", least=0.0, advice="Try 1.0.")
    entropy_weight = checked_number(entropy_weight, "entropy_weight", advice="Try 1.0.")
    is_mean = checked_choice(reduction, "reduction", get_args(Reduction)) == "mean"
    if bias_penalty is None:
        of_bias = np.where(weights.sum(axis=0) > 0.0, 0.0, penalty)
    else:
        of_bias = np.asarray(checked(bias_penalty, "c", "bias_penalty", sizes), np.float64)
    return Problem(
        with_ones(rows),
        weights / max(1, len(weights)) if is_mean else weights,
        with_ones(others),
        penalty,
        of_bias,
        entropy_weight,
        1.0 / max(1, len(others)) if is_mean else 1.0,
    )


def _require_held_biases(problem: Problem) -> None:
    mass = problem.targets.sum(axis=0)
    if mass.any() and not mass.all() and not problem.bias_penalty.any():
        message = (
            "Every class needs a target, or a penalty on its bias, which has no lower end otherwise. Class "
            f"{int(mass.argmin())} has neither a target nor a penalty. Leave it out, or give a penalty."
        )
        raise ConvergenceError(message)


def _started(head: SoftmaxHead, shape: tuple[int, int]) -> NDArray[np.float64]:
    matrix = np.asarray(checked(head.matrix, "c w", "head"), np.float64)
    if matrix.shape != shape:
        message = (
            f"A head of {shape[0]} classes and {shape[1] - 1} features was expected; received one of "
            f"{matrix.shape[0]} and {matrix.shape[1] - 1}. Fit it to features and targets of this width."
        )
        raise SignalError(message)
    return matrix
