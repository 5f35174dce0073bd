"""L-BFGS from many starts at once: one call of the model for all starts that still go on."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.func import vmap

from nextlabel.errors import ParameterError
from nextlabel.leakage.matching.at_once import AtOnce
from nextlabel.leakage.matching.curvature import Curvature, fitting_history

__all__ = ["Descent", "Objective", "descend"]

Objective = Callable[[Tensor], Tensor]
"""Takes one point, axes (d,), and returns its value, a tensor without axes, never below zero."""

# Nocedal and Wright's constants for quasi-Newton methods: a decrease is asked for, the curvature loosely
_DECREASE, _CURVATURE = 1e-4, 0.9
_STALL = 1e-3  # a share of the value: what must be gained while patience lasts
_TRIALS = 20  # of a line search; each halves at least, so that 2^-20 of the first step is reached


@final
@dataclass(frozen=True, eq=False)
class Descent:
    """Where each start ended.

    Parameters
    ----------
    points : Tensor, axes (r, d)
        The best point of each start.
    values : Tensor, axes (r,)
        Their values; infinity for a start at which the objective was not finite.
    evaluations : Tensor of int64, axes (r,)
        How many values and gradients each start took.
    is_cut : bool
        Whether the clock ended it.
    trace : tuple of (int, float)
        Round and least value of all starts, as it went on.
    refusal : str
        Why the starts went one after another in each round; empty where torch could map them.
    """

    points: Tensor
    values: Tensor
    evaluations: Tensor
    is_cut: bool
    trace: tuple[tuple[int, float], ...]
    refusal: str = ""

    @property
    def best(self) -> int:
        """The start that ended lowest; the first of several."""
        return int(self.values.argmin())


def descend(
    objective: Objective,
    starts: Tensor,
    *,
    evaluations: int,
    history: int = 100,
    target: float = -math.inf,
    enough: float = -math.inf,
    patience: int = 150,
    seconds: float = math.inf,
    chunk: int | None = None,
    heard: Callable[[int, Tensor, Tensor], None] | None = None,
) -> Descent:
    """Minimise an objective that is never below zero from many starts, each as if it were alone.

    Parameters
    ----------
    objective : callable
        Takes one point; it is mapped over starts by `torch.func.vmap` and differentiated by autograd. Where
        torch refuses to map it, points are taken one after another: the same descent, and slower.
    starts : Tensor of float, axes (r, d)
        Where to begin.
    evaluations : int
        Values and gradients that each start may take.
    history : int
        Pairs of steps and changes of gradient that each start remembers; fewer where they would not fit, as
        `fitting_history` says.
    target : float
        All starts end when one has reached this value.
    enough : float
        When one has reached this value, the others end and it goes on alone.
    patience : int
        A start ends when its value has not fallen by a thousandth in so many evaluations.
    seconds : float
        All starts end when they are over.
    chunk : int, optional
        How many starts are mapped at once; all of them unless said.
    heard : callable, optional
        Told after each round: the number of the round, the best points and their values.

    Returns
    -------
    Descent

    Raises
    ------
    ParameterError
        No starts, or no room for an evaluation or a pair.

    Notes
    -----
    Each start has its own memory, direction, bracket and step. In a round all starts that go on are
    evaluated once: for some of them it is another trial of their line search, for others the first of the
    next one. A start leaves the batch when it stalls, so that late rounds are cheap.

    The first step of a memory is 2 f/‖g‖², which is Newton's for a sum of squares that vanishes at its
    minimum and curves alike in all directions; it needs no scale from outside.

    A line search accepts the weak Wolfe conditions (1e-4 and 0.9) by bracketing; a trial that is not finite
    counts as too long. Where it finds no step, the start forgets its memory and goes on from its best point,
    along the gradient; where that finds none either, it has stalled.

    Memory O(r·history·d); time of a round O(r·history·d) beside the objective. The C library is led to keep
    up to 62 MiB of what a round frees for the next one, where it is glibc.

    References
    ----------
    Nocedal, Wright. Numerical Optimization, second edition, 2006. Algorithms 7.4 and 7.5, section 3.1.

    Lewis, Overton. Nonsmooth optimization via quasi-Newton methods. Mathematical Programming 141, 2013.
    Algorithm 2.6 (the bracketing).

    Examples
    --------
    >>> bowl = lambda point: ((point - 3.0) ** 2).sum()
    >>> ended = descend(bowl, torch.tensor([[0.0, 0.0], [9.0, 1.0]]), evaluations=10)
    >>> ended.points
    tensor([[3., 3.],
            [3., 3.]])
    """
    if starts.ndim != 2 or not starts.shape[0]:
        message = f"'starts' must have axes (r, d), at least one start; received {tuple(starts.shape)}."
        raise ParameterError(message)
    if evaluations < 1 or history < 1:
        message = (
            "'evaluations' and 'history' must be whole numbers from 1 up; received "
            f"{evaluations!r} and {history!r}. Give for example 1000 and 50."
        )
        raise ParameterError(message)
    until = time.monotonic() + seconds
    mapped = _Valued(objective, chunk or len(starts))
    valued = AtOnce(mapped, mapped.alone)
    held = fitting_history(starts.shape[0], starts.shape[1], history)
    state = _State(starts.detach().clone(), held)
    trace: list[tuple[int, float]] = []
    is_cut = False
    for number in range(evaluations):
        gradients, values = valued(state.trials())
        state.take(gradients, values, patience)
        least = float(state.values.min())
        trace.append((number + 1, least))
        if least <= enough:
            state.live = state.live[state.live == state.values.argmin()]
        if heard is not None:
            heard(number + 1, state.points, state.values)
        if least <= target or not len(state.live):
            break
        is_cut = time.monotonic() > until
        if is_cut:
            break
    return Descent(state.points, state.values, state.evaluations, is_cut, tuple(trace), valued.refusal)


@final
class _Valued:
    """The gradients and values of an objective at many points at once.

    Only the values are mapped. Their sum has as its gradient at each point that point's own, and the backward
    pass of what was mapped runs on plain tensors, without a functional transform around each operation.
    """

    def __init__(self, objective: Objective, chunk: int) -> None:
        self._objective, self._values, self._chunk = objective, vmap(objective), chunk

    def __call__(self, points: Tensor) -> tuple[Tensor, Tensor]:
        if len(points) <= self._chunk:
            return self._valued(self._values, points)
        parts = [self._valued(self._values, one) for one in torch.split(points, self._chunk)]
        return torch.cat([gradients for gradients, _ in parts]), torch.cat([values for _, values in parts])

    def alone(self, point: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient and the value at one point, which nothing maps."""
        return self._valued(self._objective, point)

    def _valued(self, function: Objective, points: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            moved = points.detach().requires_grad_()
            values = function(moved)
            if not values.requires_grad:  # the objective is the same everywhere
                return torch.zeros_like(points), values
            (gradients,) = torch.autograd.grad(values.sum(), moved)
        return gradients, values.detach()


@final
class _State:
    """Where each start is: its point, direction, bracket and memory. Rows are starts."""

    def __init__(self, starts: Tensor, history: int) -> None:
        count = len(starts)
        self.live = torch.arange(count, device=starts.device)
        self.points, self.gradients = starts, torch.zeros_like(starts)
        self.values = starts.new_full((count,), float("inf"))
        self.evaluations = torch.zeros(count, dtype=torch.int64, device=starts.device)
        self._curvature = Curvature(starts, history)
        self._directions = torch.zeros_like(starts)
        # of the line search: the value and slope at its lower end, and the step tried next
        self._slopes, self._steps, self._low = (starts.new_zeros(count) for _ in range(3))
        self._low_values, self._low_slopes = starts.new_zeros(count), starts.new_zeros(count)
        self._high = starts.new_full((count,), float("inf"))
        self._tries = torch.zeros_like(self.evaluations)
        self._mark, self._since = self.values.clone(), torch.zeros_like(self.evaluations)

    def trials(self) -> Tensor:
        """The points to be evaluated next, one for each start that goes on."""
        return self.points[self.live] + self._steps[self.live, None] * self._directions[self.live]

    def take(self, gradients: Tensor, values: Tensor, patience: int) -> None:
        """What came out at the trials: each search ends, goes on, or is given up."""
        rows = self.live
        is_finite = values.isfinite() & gradients.isfinite().all(1)
        self.evaluations[rows] += 1
        self._tries[rows] += 1
        slopes = (gradients * self._directions[rows]).sum(1)
        bound = self.values[rows] + _DECREASE * self._steps[rows] * self._slopes[rows]
        is_lower = is_finite & (values <= bound)
        # the first trial of all is the start itself, a step of zero: lower than infinity, or hopeless
        is_last = (self._tries[rows] >= _TRIALS) | (self._steps[rows] == 0)
        is_taken = is_lower & (is_last | (slopes >= _CURVATURE * self._slopes[rows]))
        is_over = is_last & ~is_lower
        is_open = ~is_taken & ~is_over
        goes_on = torch.ones_like(is_open)
        self._since[rows] += 1
        # most rounds are taken by all: what nothing is left for costs as much as what is for one
        if is_open.any():
            self._bracket(is_open, is_lower, values, slopes)
        if is_over.any():
            goes_on[is_over] = self._give_up(rows[is_over])
        if is_taken.any():
            self._accept(rows[is_taken], gradients[is_taken], values[is_taken])
        goes_on &= (self._since[rows] < patience) & (self._slopes[rows] < 0)
        if not goes_on.all():
            self.live = rows[goes_on]

    def _accept(self, rows: Tensor, gradients: Tensor, values: Tensor) -> None:
        moved = self._steps[rows, None] * self._directions[rows]
        self._curvature.push(rows, moved, gradients - self.gradients[rows])
        self.points[rows] += moved
        self.values[rows] = values
        self.gradients[rows] = gradients
        self._aim(rows)
        fell = rows[values < (1.0 - _STALL) * self._mark[rows]]
        self._mark[fell], self._since[fell] = self.values[fell], 0

    def _give_up(self, rows: Tensor) -> Tensor:
        """Forget what led to a direction without a step; whether there was something to forget."""
        is_hopeful = self._curvature.counts[rows] > 0
        self._curvature.clear(rows)
        self._aim(rows[is_hopeful])
        return is_hopeful

    def _aim(self, rows: Tensor) -> None:
        """Begin a search: a direction, and the first step along it."""
        gradients = self.gradients[rows]
        down = -self._curvature.applied(rows, gradients)
        slopes = (down * gradients).sum(1)
        # rounding may turn a direction uphill: then the memory is worth nothing
        is_wrong = ~(slopes < 0) | ~down.isfinite().all(1)
        if is_wrong.any():
            self._curvature.clear(rows[is_wrong])
            down[is_wrong] = -gradients[is_wrong]
            slopes = (down * gradients).sum(1)
        newton = 2.0 * self.values[rows] / -slopes
        self._steps[rows] = torch.where(self._curvature.counts[rows] > 0, torch.ones_like(newton), newton)
        self._directions[rows], self._slopes[rows] = down, slopes
        self._low[rows], self._high[rows], self._tries[rows] = 0.0, float("inf"), 0
        self._low_values[rows], self._low_slopes[rows] = self.values[rows], slopes

    def _bracket(self, is_open: Tensor, is_lower: Tensor, values: Tensor, slopes: Tensor) -> None:
        """The next trials: shorter by interpolation where too long, longer where still steep."""
        far, near = self.live[is_open & ~is_lower], self.live[is_open & is_lower]
        step, low = self._steps[far], self._low[far]
        self._high[far] = step
        width = step - low
        rise = values[is_open & ~is_lower] - self._low_values[far] - self._low_slopes[far] * width
        lowest = -self._low_slopes[far] * width / (2.0 * rise)  # a share of the width
        # a value that is not finite says nothing about where the minimum is: a tenth is tried
        share = torch.where(lowest.isfinite(), lowest, torch.zeros_like(lowest)).clamp(0.1, 0.5)
        self._steps[far] = low + share * width
        step = self._steps[near]
        self._low[near], self._low_values[near] = step, values[is_open & is_lower]
        self._low_slopes[near] = slopes[is_open & is_lower]
        middle = 0.5 * (step + self._high[near])
        self._steps[near] = torch.where(self._high[near].isinf(), 2.0 * step, middle)
