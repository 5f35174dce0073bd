"""Where the search for the items of a two-layer gradient begins: at the axes of its Hermite tensors."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nextlabel.leakage.two_layer.fit import Reduced
from nextlabel.leakage.two_layer.network import Pointwise
from nextlabel.leakage.two_layer.starts import _shares, starts

Floats = NDArray[np.float64]

UNITS = 20_000


class Function(nn.Module):
    """A function of one value."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, values: Tensor) -> Tensor:
        return self.function(values)


ACTIVATIONS: dict[str, nn.Module] = {
    "odd": nn.Tanh(),
    "even but for a line": nn.Softplus(),
    "neither": Function(lambda values: torch.sigmoid(values + 1.0)),
}


def problem(activation: nn.Module, outputs: int, *, free: str = "nothing") -> tuple[Reduced, Floats]:
    """A message of three items in general position at many units, and the items."""
    rng = np.random.default_rng(0)
    items = np.array([[1.0, 0.3, 0.1], [-0.4, 0.9, 0.2], [0.3, -0.2, 1.1]])
    weights, head = rng.normal(size=(UNITS, 3)), rng.normal(size=(outputs, UNITS))
    shares = rng.choice([-1.0, 1.0], (3, outputs)) * rng.uniform(0.5, 1.5, (3, outputs))
    shown = Pointwise(activation)
    value, slope, _ = shown.with_slopes(weights @ items.T)
    of_hidden = ((head.T @ shares.T) * slope) @ items
    return Reduced(weights, head, value @ shares, of_hidden, shown, free), items


def cosines(found: Floats, items: Floats) -> Floats:
    """Of each item the largest with a direction found, up to the sign."""
    own, other = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (items, found))
    return np.asarray(np.abs(own @ other.T).max(axis=1))


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_every_other_start_lies_along_the_items(name: str, outputs: int) -> None:
    # means of 20,000 units are off by about 0.007, a seventh of the smallest coefficient, that of order 4 of
    # the shifted sigmoid; three axes drawn at random are so near in one of a thousand draws: 0.05 ** 3 for
    # each of six ways to deal them
    message, items = problem(ACTIVATIONS[name], outputs)
    found = list(islice(starts(message, np.random.default_rng(1)), 8))
    near = [float(cosines(one.items, items).min()) for one in found[::2]]
    assert min(near) > 0.95
    assert min(float(cosines(one.items, items).min()) for one in found[1::2]) < 0.95


def test_families_take_turns() -> None:
    # an activation with all orders shows items in order 3, and in orders 2 and 4 together
    message, items = problem(ACTIVATIONS["neither"], 1)
    found = list(islice(starts(message, np.random.default_rng(1)), 0, 8, 2))
    errors = [float(1.0 - cosines(one.items, items).min()) for one in found]
    assert errors[0] == pytest.approx(errors[2], rel=0.5)
    assert errors[1] != pytest.approx(errors[0], rel=0.05)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_a_start_has_the_shares_that_explain_the_head_s_gradient_best(name: str) -> None:
    message, _ = problem(ACTIVATIONS[name], 2)
    first = next(starts(message, np.random.default_rng(1)))
    made = message.activation(message.weights @ first.items.T) @ first.shares
    left = np.linalg.norm(made - message.head_gradient) / np.linalg.norm(message.head_gradient)
    # the lengths are those of a coarse grid, so that a part is left; no shares but these leave less
    assert left < 0.5
    for factor in (0.5, 2.0):  # the next lengths of the grid
        assert _shares(message, factor * first.items)[1] > np.linalg.norm(made - message.head_gradient)
    for step in (1e-3, -1e-3):
        moved = message.activation(message.weights @ first.items.T) @ (first.shares * (1.0 + step))
        assert np.linalg.norm(moved - message.head_gradient) > np.linalg.norm(made - message.head_gradient)


def test_items_come_the_right_way_round_where_the_activation_tells() -> None:
    message, items = problem(ACTIVATIONS["neither"], 2)
    first = next(starts(message, np.random.default_rng(1)))
    own, other = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (items, first.items))
    assert ((own @ other.T).max(axis=1) > 0.98).all()


@pytest.mark.parametrize(
    ("free", "activation", "numbers"), [("constant", nn.Sigmoid(), 1), ("linear", nn.Softplus(), 3)]
)
def test_what_is_free_is_taken_out_before_shares_are_told(
    free: str, activation: nn.Module, numbers: int
) -> None:
    plain, _ = problem(activation, 2, free=free)
    line = plain.weights @ np.array([[1.0, 2.0], [-1.0, 0.5], [0.0, 3.0]])
    extra = np.array([3.0, -5.0]) if free == "constant" else line
    message = replace(plain, head_gradient=plain.head_gradient + extra)
    # the lengths and directions of one start; where nothing is free, the extra goes into the shares
    first = next(starts(plain, np.random.default_rng(1)))
    again = _shares(message, first.items)[0]
    assert again == pytest.approx(first.shares, rel=1e-6)
    assert np.abs(_shares(replace(message, free="nothing"), first.items)[0] - again).max() > 0.1
    assert first.free.shape == (2, numbers)
    assert (first.free == 0.0).all()


def test_few_units_leave_random_starts() -> None:
    message, _ = problem(ACTIVATIONS["odd"], 1)
    few = message.of(np.arange(10))
    found = [one.items for one in islice(starts(few, np.random.default_rng(1)), 4)]
    assert all(one.shape == (3, 3) for one in found)
    again = [one.items for one in islice(starts(few, np.random.default_rng(1)), 4)]
    assert all((one == other).all() for one, other in zip(found, again, strict=True))
