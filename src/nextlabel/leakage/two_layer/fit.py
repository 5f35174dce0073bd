"""The items of a two-layer network's gradient by damped Gauss–Newton steps, in the dimensions they span."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.leakage.two_layer.network import Pointwise
from nextlabel.maths.axes import Floats

__all__ = ["Guess", "Reduced", "fitted"]


_CHUNK = 1 << 20  # numbers of a piece of the Jacobian: eight megabytes
_LEAST_DAMPING = 1e-14
_MOST_DAMPING = 1e10
_ENOUGH = 1e-26  # of the squared residual: rounding
_SLOW = 1e-3  # a step that gains less than this share is slow
_PATIENCE = 8  # so many slow steps in a row end the search


@final
@dataclass(frozen=True, eq=False)
class Reduced:
    """A message in the b dimensions that its items span.

    With the rows of ``basis`` orthonormal and items x_i = basisᵀ·u_i, all of the message depends on the
    weights through basis·w_j alone.

    Parameters
    ----------
    weights : array of float64, axes (m, b)
        The weights, projected.
    head : array of float64, axes (k, m)
    head_gradient : array of float64, axes (m, k)
        H_jk = Σ_i shares_ik · s(weights_j · u_i).
    hidden_gradient : array of float64, axes (m, b)
        G_j = Σ_i (Σ_k shares_ik · head_kj) · s'(weights_j · u_i) · u_i.
    activation : Pointwise
        s, with its derivatives.
    free : str
        What the head's gradient may differ by, because turning an item round changes it: ``"nothing"``,
        ``"constant"`` (a number for each output) or ``"linear"`` (a vector for each output).
    hidden_weight : float
        How much the hidden gradient counts against the head's; 0 leaves it out, which at a kink jumps where
        the head's gradient only bends.
    """

    weights: Floats
    head: Floats
    head_gradient: Floats
    hidden_gradient: Floats
    activation: Pointwise
    free: str = "nothing"
    hidden_weight: float = 1.0

    @property
    def freedom(self) -> int:
        """How many free numbers there are for each output."""
        width: int = self.weights.shape[1]
        return {"nothing": 0, "constant": 1, "linear": width}[self.free]

    def of(self, units: NDArray[np.int64]) -> "Reduced":
        """The message of some of the hidden units."""
        return replace(
            self,
            weights=self.weights[units],
            head=self.head[:, units],
            head_gradient=self.head_gradient[units],
            hidden_gradient=self.hidden_gradient[units],
        )


@final
@dataclass(frozen=True, eq=False)
class Guess:
    """Items in the span, their shares of the loss, and the free numbers.

    Parameters
    ----------
    items : array of float64, axes (b, b)
        The u_i.
    shares : array of float64, axes (b, k)
    free : array of float64, axes (k, f)
    """

    items: Floats
    shares: Floats
    free: Floats

    def moved(self, step: NDArray[np.floating[Any]]) -> "Guess":
        """The guess after a step in all its numbers."""
        ends = np.cumsum([self.items.size, self.shares.size])
        items, shares, free = np.split(step, ends)
        return Guess(
            self.items + items.reshape(self.items.shape),
            self.shares + shares.reshape(self.shares.shape),
            self.free + free.reshape(self.free.shape),
        )


def fitted(
    problem: Reduced, guess: Guess, *, steps: int, until: float = float("inf")
) -> tuple[Guess, float, int]:
    """The nearest guess whose gradient is that of the message, by damped Gauss–Newton steps.

    Parameters
    ----------
    problem : Reduced
        The message.
    guess : Guess
        Where to begin.
    steps : int
        At most so many.
    until : float
        No further step begins after this time, as `time.monotonic` tells it.

    Returns
    -------
    guess : Guess
    residual : float
        The root of the sum of both squared residuals, each as a share of its part of the message.
    evaluations : int
        How many gradients were computed.

    Notes
    -----
    The unknowns are b² + b·k numbers and what is free; m·(k + b) equations. The derivatives are

    - ∂H_jk/∂u_i = shares_ik · s'(t_ji) · w_j and ∂H_jk/∂shares_ik = s(t_ji), with t_ji = w_j · u_i;
    - ∂G_j/∂u_i = q_ji · (s''(t_ji) · u_i w_jᵀ + s'(t_ji) · 1), with q_ji = Σ_k shares_ik · head_kj, and
      ∂G_j/∂shares_ik = head_kj · s'(t_ji) · u_i.

    Marquardt's damping is by the diagonal of JᵀJ. Time of a step O(m·(k + b)·(b² + b·k)²), in pieces of eight
    megabytes.
    """
    scales = _scales(problem)
    damping, evaluations, slow = 1e-3, 1, 0
    value, square, slope = _normal(problem, guess, scales)
    for _ in range(steps):
        if value < _ENOUGH or slow >= _PATIENCE or time.monotonic() > until:
            break
        diagonal = np.diag(square)
        floor = 1e-12 * diagonal.max()
        while damping < _MOST_DAMPING:
            step = -np.linalg.solve(square + np.diag(damping * (diagonal + floor)), slope)
            tried = guess.moved(step)
            reached = _value(problem, tried, scales)
            evaluations += 1
            if reached < value:
                break
            damping *= 4.0
        else:
            break
        slow = slow + 1 if reached > value * (1.0 - _SLOW) else 0
        damping = max(damping / 9.0, _LEAST_DAMPING)
        guess = tried
        value, square, slope = _normal(problem, guess, scales)
    return guess, float(np.sqrt(value)), evaluations


def _scales(problem: Reduced) -> tuple[float, float]:
    """What makes shares of both parts; a part of zeros, as pruning may leave it, counts for nothing."""
    lengths = [float(np.linalg.norm(one)) for one in (problem.head_gradient, problem.hidden_gradient)]
    of_head, of_hidden = (1.0 / one if one else 0.0 for one in lengths)
    return of_head, problem.hidden_weight * of_hidden


def _differences(
    problem: Reduced, guess: Guess, scales: tuple[float, float]
) -> tuple[Floats, Floats, tuple[Floats, Floats, Floats, Floats]]:
    value, slope, bend = problem.activation.with_slopes(problem.weights @ guess.items.T)
    share = problem.head.T @ guess.shares.T
    of_head = value @ guess.shares - problem.head_gradient
    of_hidden = (share * slope) @ guess.items - problem.hidden_gradient
    if problem.free == "constant":
        of_head = of_head + guess.free[:, 0]
    elif problem.free == "linear":
        of_head = of_head + problem.weights @ guess.free.T
        of_hidden = of_hidden + problem.head.T @ guess.free
    return of_head * scales[0], of_hidden * scales[1], (value, slope, bend, share)


def _value(problem: Reduced, guess: Guess, scales: tuple[float, float]) -> float:
    of_head, of_hidden, _ = _differences(problem, guess, scales)
    total = float((of_head**2).sum() + (of_hidden**2).sum())
    return total if np.isfinite(total) else np.inf


def _normal(problem: Reduced, guess: Guess, scales: tuple[float, float]) -> tuple[float, Floats, Floats]:
    """The squared residual, and matrix and right-hand side of the normal equations."""
    size = guess.items.size + guess.shares.size + guess.free.size
    square, slope, total = np.zeros((size, size)), np.zeros(size), 0.0
    for part in _pieces(problem, size):
        of_head, of_hidden, known = _differences(part, guess, scales)
        for matrix, difference in zip(
            (_of_head(part, guess, known) * scales[0], _of_hidden(part, guess, known) * scales[1]),
            (of_head.ravel(), of_hidden.ravel()),
            strict=True,
        ):
            square += matrix.T @ matrix
            slope += matrix.T @ difference
            total += float(difference @ difference)
    return total, square, slope


def _pieces(problem: Reduced, size: int) -> Iterator[Reduced]:
    units, width = problem.weights.shape
    many = max(1, _CHUNK // (size * (width + len(problem.head))))
    for first in range(0, units, many):
        yield problem.of(np.arange(first, min(first + many, units)))


def _of_head(problem: Reduced, guess: Guess, known: tuple[Floats, Floats, Floats, Floats]) -> Floats:
    """Derivatives of the head's gradient: rows (unit, output)."""
    value, slope, _, _ = known
    units, outputs = problem.head_gradient.shape
    rows = units * outputs
    own = np.eye(outputs)
    by_items = (slope[:, None, :] * guess.shares.T[None])[..., None] * problem.weights[:, None, None, :]
    by_shares = value[:, None, :, None] * own[None, :, None, :]
    blocks = [by_items.reshape(rows, -1), by_shares.reshape(rows, -1)]
    if problem.free == "constant":
        blocks.append(np.tile(own, (units, 1)))
    elif problem.free == "linear":
        blocks.append((own[None, :, :, None] * problem.weights[:, None, None, :]).reshape(rows, -1))
    return np.hstack(blocks)


def _of_hidden(problem: Reduced, guess: Guess, known: tuple[Floats, Floats, Floats, Floats]) -> Floats:
    """Derivatives of the hidden gradient: rows (unit, dimension)."""
    _, slope, bend, share = known
    units, width = problem.hidden_gradient.shape
    rows, head = units * width, problem.head.T
    by_items = ((share * bend)[:, None, :] * guess.items.T[None])[..., None] * problem.weights[
        :, None, None, :
    ]
    along = np.arange(width)
    by_items[:, along, :, along] += (share * slope)[None]
    by_shares = (slope[:, None, :] * guess.items.T[None])[..., None] * head[:, None, None, :]
    blocks = [by_items.reshape(rows, -1), by_shares.reshape(rows, -1)]
    if problem.free == "constant":
        blocks.append(np.zeros((rows, head.shape[1])))
    elif problem.free == "linear":
        own = np.eye(width)
        blocks.append((head[:, None, :, None] * own[None, :, None, :]).reshape(rows, -1))
    return np.hstack(blocks)
