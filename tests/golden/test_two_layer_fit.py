"""Damped Gauss–Newton steps to the items of a two-layer gradient, in the dimensions they span."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import nn

from nextlabel.leakage.two_layer.fit import Guess, Reduced, fitted
from nextlabel.leakage.two_layer.network import Pointwise

Floats = NDArray[np.float64]


def messages(guess: Guess, weights: Floats, head: Floats, free: str) -> tuple[Floats, Floats]:
    """The head's and the hidden gradient of a guess, added up item by item and unit by unit."""
    of_head = np.zeros((len(weights), len(head)))
    of_hidden = np.zeros(weights.shape)
    for unit, row in enumerate(weights):
        for item, shares in zip(guess.items, guess.shares, strict=True):
            value = np.tanh(row @ item)
            of_head[unit] += shares * value
            of_hidden[unit] += (shares @ head[:, unit]) * (1.0 - value**2) * item
        if free == "constant":
            of_head[unit] += guess.free[:, 0]
        elif free == "linear":
            of_head[unit] += guess.free @ row
            of_hidden[unit] += head[:, unit] @ guess.free
    return of_head, of_hidden


def problem(free: str = "nothing", outputs: int = 2, units: int = 60) -> tuple[Reduced, Guess]:
    """A message of three items that no noise disturbs, and what it was made of."""
    rng = np.random.default_rng(0)
    weights, head = rng.normal(size=(units, 3)), rng.normal(size=(outputs, units))
    freedom = {"nothing": 0, "constant": 1, "linear": 3}[free]
    truth = Guess(rng.normal(size=(3, 3)), rng.normal(size=(3, outputs)), rng.normal(size=(outputs, freedom)))
    of_head, of_hidden = messages(truth, weights, head, free)
    return Reduced(weights, head, of_head, of_hidden, Pointwise(nn.Tanh()), free), truth


def beside(truth: Guess, far: float) -> Guess:
    """A guess so far from the truth, as a share of it, in all numbers."""
    rng = np.random.default_rng(1)
    items, shares = (
        one * (1.0 + far * rng.choice([-1.0, 1.0], one.shape)) for one in (truth.items, truth.shares)
    )
    return Guess(items, shares, truth.free + far)


def errors(found: Guess, truth: Guess) -> list[float]:
    pairs = zip((found.items, found.shares, found.free), (truth.items, truth.shares, truth.free), strict=True)
    return [float(np.abs(one - other).max(initial=0.0)) for one, other in pairs]


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("free", ["nothing", "constant", "linear"])
def test_steps_converge_as_fast_as_the_right_derivatives_make_them(free: str, outputs: int) -> None:
    # without noise a step squares the error, up to the damping, which falls ninefold from 1e-3: after k steps
    # from 0.03 it is below 0.03 · 1e-3^k / 9^(k (k - 1) / 2), 1e-15 for seven; any other derivative converges
    # by a fixed share a step
    message, truth = problem(free, outputs)
    found, residual, evaluations = fitted(message, beside(truth, 0.03), steps=7)
    assert residual < 1e-12
    assert max(errors(found, truth)) < 1e-11
    assert evaluations <= 8  # none of them was in vain


@pytest.mark.parametrize("free", ["nothing", "constant", "linear"])
def test_the_residual_is_that_of_both_parts_as_shares(free: str) -> None:
    message, truth = problem(free)
    guess = beside(truth, 0.3)
    made = messages(guess, message.weights, message.head, free)
    sent = (message.head_gradient, message.hidden_gradient)
    shares = [
        float(np.linalg.norm(one - own) / np.linalg.norm(own)) for one, own in zip(made, sent, strict=True)
    ]
    found, residual, evaluations = fitted(message, guess, steps=0)
    assert residual == pytest.approx(np.hypot(shares[0], shares[1]), rel=1e-12)
    assert (found, evaluations) == (guess, 1)
    _, head_alone, _ = fitted(replace(message, hidden_weight=0.0), guess, steps=0)
    assert head_alone == pytest.approx(shares[0], rel=1e-12)


def test_pieces_of_the_units_add_up_to_the_whole() -> None:
    # a piece of the Jacobian holds a million numbers: of 15 unknowns and 5 equations a unit, 14,000 units
    whole, truth = problem(units=30_000)
    guess = beside(truth, 0.3)
    value, slope, _ = whole.activation.with_slopes(whole.weights @ guess.items.T)
    of_head = value @ guess.shares - whole.head_gradient
    of_hidden = ((whole.head.T @ guess.shares.T) * slope) @ guess.items - whole.hidden_gradient
    shares = [
        float(np.linalg.norm(one) / np.linalg.norm(sent))
        for one, sent in ((of_head, whole.head_gradient), (of_hidden, whole.hidden_gradient))
    ]
    assert fitted(whole, guess, steps=0)[1] == pytest.approx(np.hypot(shares[0], shares[1]), rel=1e-12)
    found, residual, _ = fitted(whole, beside(truth, 0.03), steps=7)
    assert residual < 1e-12
    assert max(errors(found, truth)) < 1e-11
    units = np.array([4, 2])
    part = whole.of(units)
    assert (part.weights == whole.weights[units]).all()
    assert (part.head == whole.head[:, units]).all()
    assert (part.head_gradient == whole.head_gradient[units]).all()
    assert (part.hidden_gradient == whole.hidden_gradient[units]).all()


@pytest.mark.parametrize("seed", range(4))
def test_no_number_of_steps_ends_further_away_than_fewer(seed: int) -> None:
    message, truth = problem()
    rng = np.random.default_rng(seed)
    start = Guess(5.0 * rng.normal(size=(3, 3)), 5.0 * rng.normal(size=(3, 2)), truth.free)
    left = [fitted(message, start, steps=steps)[1] for steps in range(12)]
    assert left == sorted(left, reverse=True)
    assert left[-1] < 0.5 * left[0]


def test_long_ways_and_level_ground_are_crossed() -> None:
    # far from the truth a dozen steps and more are needed, some of which gain next to nothing; a start may
    # end in a valley of its own, as one of these twelve does
    message, truth = problem()
    ended = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        start = Guess(3.0 * rng.normal(size=(3, 3)), 3.0 * rng.normal(size=(3, 2)), truth.free)
        ended.append(fitted(message, start, steps=60)[1])
    assert sum(residual < 1e-10 for residual in ended) >= 9


def test_a_message_that_no_items_explain_is_given_up() -> None:
    message, truth = problem()
    noise = np.random.default_rng(2).normal(size=message.hidden_gradient.shape)
    _, residual, evaluations = fitted(
        replace(message, hidden_gradient=noise), beside(truth, 0.5), steps=10_000
    )
    assert residual > 0.5
    assert evaluations < 1_000


def test_no_step_begins_after_the_time() -> None:
    message, truth = problem()
    guess = beside(truth, 0.03)
    assert fitted(message, guess, steps=7, until=0.0)[0] is guess


def test_values_that_overflow_are_no_improvement() -> None:
    message, truth = problem()
    far = Guess(truth.items, np.full_like(truth.shares, 1e200), truth.free)
    with np.errstate(over="ignore", invalid="ignore"):
        _, residual, _ = fitted(message, far, steps=0)
    assert residual == np.inf


def test_a_part_of_zeros_counts_for_nothing() -> None:
    # as pruning may leave it: of what is there alone, the residual of the guess is that of its own part
    message, truth = problem()
    guess = beside(truth, 0.3)
    pruned = replace(message, head_gradient=np.zeros_like(message.head_gradient))
    of_hidden = messages(guess, message.weights, message.head, "nothing")[1]
    share = np.linalg.norm(of_hidden - message.hidden_gradient) / np.linalg.norm(message.hidden_gradient)
    assert fitted(pruned, guess, steps=0)[1] == pytest.approx(share, rel=1e-12)
    empty = replace(pruned, hidden_gradient=np.zeros_like(message.hidden_gradient))
    assert fitted(empty, guess, steps=1)[1] == 0.0


@pytest.mark.parametrize(("free", "numbers"), [("nothing", 0), ("constant", 1), ("linear", 3)])
def test_what_is_free_is_counted(free: str, numbers: int) -> None:
    assert problem(free)[0].freedom == numbers


def test_a_step_moves_items_then_shares_then_what_is_free() -> None:
    guess = Guess(np.zeros((2, 2)), np.zeros((2, 1)), np.zeros((1, 2)))
    moved = guess.moved(np.arange(8.0))
    assert moved.items.tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert moved.shares.tolist() == [[4.0], [5.0]]
    assert moved.free.tolist() == [[6.0, 7.0]]
