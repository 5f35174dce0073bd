"""The items of a two-layer network's gradient where the activation is straight but for a kink at 0."""

import time
from dataclasses import replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from nextlabel.core.progress import report
from nextlabel.leakage.two_layer.fit import Guess, Reduced, fitted
from nextlabel.leakage.two_layer.network import Pointwise
from nextlabel.leakage.two_layer.starts import starts
from nextlabel.maths.axes import Floats

__all__ = ["kinked"]


_PLAIN = 30  # rounds of plain least squares: they bring directions near
_ROBUST = 20  # rounds that leave the units aside whose side is still wrong
_WEIGHINGS = 12
_LEAST_HEAD = 1e-3
_SHARPNESS = (4.0, 16.0, 64.0)  # of the bend that stands for a kink, in the inputs of hidden units
_STEPS = 60


def kinked(
    problem: Reduced,
    rng: np.random.Generator,
    *,
    restarts: int,
    enough: float,
    until: float = float("inf"),
) -> tuple[Guess, float, int]:
    """Directions and shares of items, of which rectified units see on which side they lie.

    Parameters
    ----------
    problem : Reduced
        The message; its activation is s(t) = high·t above 0 and low·t below.
    rng : numpy.random.Generator
        Draws the starts.
    restarts : int
        Starts at most.
    enough : float
        A residual at which the search ends.
    until : float
        No further start begins after this time, as `time.monotonic` tells it.

    Returns
    -------
    guess : Guess
        Items of length 1, with their shares; the free numbers are the sums that tell which items are the
        wrong way round.
    residual : float
        Of the hidden gradient.
    evaluations : int
        How many systems were solved.

    Notes
    -----
    With D_ji = s'(w_j·u_i), which is high or low, the hidden gradient of a network of one output is linear in
    z_i = share_i · u_i: G_j = head_j · Σ_i D_ji · z_i, and the sides D depend on the directions of the u_i
    only. In turn, the z_i are solved for with the sides held, and the sides are read off them. Turning u_i
    round gives high + low − D_ji, so that a wrong sign costs a constant vector c for all units,
    Σ_i (high + low)·z_i over the wrong ones: it is solved for as well, and signs need not be searched for.
    Plain least squares brings directions near, but a unit whose hyperplane passes between the item and its
    estimate stays wrong and pulls the estimate along. Such units are few: minimising the sum of distances,
    not of their squares, by reweighting leaves them aside, and the sides then become right at once. Time of a
    round O(m·b²).

    With several outputs the shares are vectors, and the systems too large for their equations. The kink is
    then a bend, low·t + (high − low)·log(1 + exp(βt))/β, which sharpens as damped Gauss–Newton steps go on,
    from starts as of a smooth activation. The last steps see the kink itself, and the head's gradient alone,
    which is continuous there.

    The length of u_i and its share are told as their product only.

    References
    ----------
    Jagatap, Hegde. Learning ReLU networks via alternating minimization. arXiv 1806.07863, 2018: the
    alternation, without the free constant and the reweighting.
    """
    best, least, evaluations = None, np.inf, 0
    begun = starts(problem, rng)
    for turn in range(restarts):
        if best is not None and time.monotonic() > until:
            break
        report("trying where items may lie", turn, restarts)
        if len(problem.head) == 1:
            items = rng.standard_normal(2 * problem.weights.shape[1:])
            found, left, more = _alternated(problem, items, enough)
        else:
            found, left, more = _sharpened(problem, next(begun), until)
        evaluations += more
        if best is None or left < least:
            best, least = found, left
        if least <= enough:
            break
    assert best is not None
    return best, least, evaluations


@final
class _Bend(nn.Module):
    """A kink at 0 as a bend."""

    def __init__(self, slopes: tuple[float, float], sharpness: float) -> None:
        super().__init__()
        self.slopes, self.sharpness = slopes, sharpness

    def forward(self, values: Tensor) -> Tensor:
        high, low = self.slopes
        return low * values + (high - low) * functional.softplus(values, beta=self.sharpness, threshold=500)


def _slopes(activation: Pointwise) -> tuple[float, float]:
    high, low = (float(activation(np.array([one]))[0]) * one for one in (1.0, -1.0))
    return high, low


def _sharpened(problem: Reduced, guess: Guess, until: float) -> tuple[Guess, float, int]:
    slopes, evaluations = _slopes(problem.activation), 0
    stages = [replace(problem, activation=Pointwise(_Bend(slopes, one))) for one in _SHARPNESS]
    for stage in (*stages, replace(problem, hidden_weight=0.0), problem):
        guess, left, more = fitted(stage, _of_unit_length(guess), steps=_STEPS, until=until)
        evaluations += more
    return _of_unit_length(guess), left, evaluations


def _of_unit_length(guess: Guess) -> Guess:
    lengths = np.linalg.norm(guess.items, axis=1, keepdims=True)
    return Guess(guess.items / lengths, guess.shares * lengths, guess.free)


def _alternated(problem: Reduced, items: Floats, enough: float) -> tuple[Guess, float, int]:
    slopes, head = _slopes(problem.activation), problem.head[0]
    # one weight for all units: those with a small weight of the head tell as much, but for rounding
    size = np.maximum(np.abs(head), _LEAST_HEAD * np.sqrt((head**2).mean())) * np.sign(head)
    size = np.where(size == 0, np.inf, size)
    wanted = problem.hidden_gradient / size[:, None]
    length = float(np.linalg.norm(wanted))
    before, rounds = np.empty(0), 0
    while True:
        sides = np.where(problem.weights @ items.T > 0, *slopes)
        matrix = np.column_stack([sides, np.ones(len(sides))]) * (head / size)[:, None]
        solved = _solved(matrix, wanted, is_robust=rounds >= _PLAIN)
        left = float(np.linalg.norm(matrix @ solved - wanted)) / length
        lengths = np.linalg.norm(solved[:-1], axis=1, keepdims=True)
        signs = np.where((solved[:-1] * items).sum(1, keepdims=True) < 0, -1.0, 1.0)
        items = solved[:-1] * signs / np.where(lengths > 0, lengths, 1.0)
        rounds += 1
        is_settled = rounds > _PLAIN + 1 and np.array_equal(sides, before)
        if left <= enough or is_settled or rounds == _PLAIN + _ROBUST:
            break
        before = sides
    return Guess(items, lengths * signs, solved[-1:]), left, rounds


def _solved(matrix: Floats, wanted: Floats, *, is_robust: bool) -> NDArray[Any]:
    if not is_robust:
        return np.asarray(np.linalg.lstsq(matrix, wanted, rcond=None)[0])
    weights, usual = np.ones(len(wanted)), float(np.linalg.norm(wanted)) / len(wanted) ** 0.5
    for turn in range(_WEIGHINGS):
        solved = np.linalg.lstsq(matrix * weights[:, None], wanted * weights[:, None], rcond=None)[0]
        apart = np.linalg.norm(matrix @ solved - wanted, axis=1)
        # the least distance that counts falls step by step: at once, the first few units would decide
        weights = np.maximum(apart, usual * 10.0 ** (-1.0 - turn / 2.0)) ** -0.5
        weights /= weights.max()
    return np.asarray(solved)
