"""Moments of the head's gradient with Hermite polynomials of the weights."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import nn

from nextlabel.leakage.attacks.tensor_decomposition import _Moments
from nextlabel.leakage.two_layer.network import Pointwise
from nextlabel.maths.hermite import hermite_coefficients

Floats = NDArray[np.float64]

UNITS = 1_000_000
X = np.array([0.8, 0.6])
WEIGHTS = np.random.default_rng(0).normal(size=(UNITS, 2))


def cubic(values: Floats) -> Floats:
    """A function with something of every order: 1, 4, 2 and 6, and a mean of 2 in all."""
    return np.asarray(1.0 + values + values**2 + values**3)


@pytest.mark.parametrize("order", [2, 3])
def test_a_moment_is_the_mean_derivative_whatever_the_lower_orders(order: int) -> None:
    """Means of a million products, each of a standard deviation below √E[z¹²] = 102: a standard error of 0.1.

    A lower order that is not taken away moves an entry by 2 or more; 0.6 is six standard errors.
    """
    moments = _Moments(WEIGHTS, cubic(WEIGHTS @ X), Pointwise(nn.Tanh()), 1.0)
    left = cubic(WEIGHTS @ X)  # not what the constructor leaves, which has no lower orders
    if order == 2:
        found, expected = moments._second(left), 2.0 * np.outer(X, X)
    else:
        u = np.array([0.3, -1.1])
        found, expected = moments._third(left, u), 6.0 * (X @ u) * np.outer(X, X)
    assert np.abs(found - expected).max() < 0.6


def test_what_is_left_of_a_gradient_has_no_constant_and_no_line() -> None:
    left = _Moments(WEIGHTS[:1000], cubic(WEIGHTS[:1000] @ X), Pointwise(nn.Tanh()), 1.0).left
    assert abs(left.mean()) < 1e-12
    assert np.abs(left @ WEIGHTS[:1000]).max() < 1e-9


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_orders_are_those_of_the_activation_at_the_scale_of_its_argument(scale: float) -> None:
    found = _Moments(WEIGHTS[:1000], cubic(WEIGHTS[:1000] @ X), Pointwise(nn.Tanh()), scale).coefficients
    assert found == pytest.approx(hermite_coefficients(np.tanh, 4, scale=scale), abs=1e-12)


def even(values: Floats) -> Floats:
    """A function of orders 2 and 4 with a constant and a line that are larger."""
    return np.asarray(np.logaddexp(0.0, values))


@pytest.mark.parametrize("function", [even, lambda values: even(values) + 3.0 * values + 5.0])
def test_order_four_finds_the_items_whatever_the_lower_orders(function: Callable[[Floats], Floats]) -> None:
    items = np.array([[0.8, 0.6], [-0.28, 0.96]])
    weights = WEIGHTS[: UNITS // 4]
    gradient = function(weights @ items[0]) - 0.7 * function(weights @ items[1])
    moments = _Moments(weights, gradient, Pointwise(nn.Softplus()), 1.0)
    assert moments.orders == (2, 4)
    found = moments.directions(np.eye(2), 8, np.random.default_rng(1))
    assert (np.abs(items @ found.T).max(axis=1) > 0.99).all()
