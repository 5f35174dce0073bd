"""Hermite polynomials and coefficients in closed form."""

import re
from functools import partial

import numpy as np
import pytest
from scipy.special import erf, factorial

from nextlabel.errors import ParameterError
from nextlabel.maths.hermite import hermite, hermite_coefficients, hermite_tensors

Z = np.linspace(-3.0, 3.0, 13)


def test_the_first_polynomials_are_those_of_the_definition() -> None:
    assert hermite(0, Z).tolist() == [1.0] * 13
    assert hermite(1, Z).tolist() == Z.tolist()
    assert hermite(2, Z) == pytest.approx(Z**2 - 1)
    assert hermite(3, Z) == pytest.approx(Z**3 - 3 * Z)
    assert hermite(4, Z) == pytest.approx(Z**4 - 6 * Z**2 + 3)


def test_a_polynomial_has_the_coefficient_of_itself_alone() -> None:
    # E[He_p He_q] = p! where p = q
    for order in range(6):
        found = hermite_coefficients(partial(hermite, order), 6)
        assert found == pytest.approx(np.eye(7)[order] * factorial(order), abs=1e-12)


def test_the_rectifier_has_its_closed_form() -> None:
    # E[max(z, 0) z] = 1/2; of p = 2 + 2k: (−1)^k (2k − 1)!!/√(2π), the derivatives of the density at 0
    found = hermite_coefficients(lambda x: np.maximum(x, 0.0), 6)
    top = 1 / np.sqrt(2 * np.pi)
    assert found == pytest.approx([top, 0.5, top, 0.0, -top, 0.0, 3 * top], abs=1e-13)


def test_a_steep_step_has_its_closed_form() -> None:
    # E[erf(a (z + t))] = erf(b t) with b = a/√(1 + 2a²): order p is its p-th derivative by t at 0
    found = hermite_coefficients(erf, 3, scale=20.0)
    b = 20.0 / np.sqrt(801.0)
    assert found == pytest.approx(np.array([0.0, 1.0, 0.0, -2.0 * b**2]) * 2 * b / np.sqrt(np.pi), abs=1e-12)


def test_an_exponential_has_equal_coefficients() -> None:
    # every derivative of exp is exp, and E[exp(a z)] = exp(a²/2): order p gives a^p exp(a²/2)
    found = hermite_coefficients(np.exp, 4, scale=0.5)
    assert found == pytest.approx(0.5 ** np.arange(5) * np.exp(0.125), abs=1e-12)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        (np.tanh, [0.606, 0.0, -0.364, 0.0]),
        (lambda x: 1 / (1 + np.exp(-x)), [0.207, 0.0, -0.062, 0.0]),
        (lambda x: np.logaddexp(0.0, x), [0.5, 0.207, 0.0, -0.062]),
        (lambda x: 1 / (1 + np.exp(-x - 1)), [0.178, -0.053, -0.035, 0.047]),
    ],
)
def test_coefficients_of_activations_tell_which_orders_vanish(
    activation: object, expected: list[float]
) -> None:
    # three figures, which a quadrature of another kind confirms: Gauss–Hermite nodes, for these are smooth
    assert callable(activation)
    found = hermite_coefficients(activation, 4)
    nodes, masses = np.polynomial.hermite_e.hermegauss(120)
    other = [masses @ (activation(nodes) * hermite(p, nodes)) / np.sqrt(2 * np.pi) for p in range(5)]
    assert found == pytest.approx(other, abs=1e-9)
    assert found[1:] == pytest.approx(expected, abs=6e-4)


def test_tensors_of_a_polynomial_are_exact() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((200, 3))
    u = np.array([0.5, -1.0, 2.0])
    # (v·u)³ = He_3 of degree 3 plus 3 |u|² (v·u)
    tensors = hermite_tensors(points, (points @ u)[:, None] ** 3, 3)
    assert tensors[3][..., 0] == pytest.approx(6 * np.einsum("p,q,r->pqr", u, u, u), abs=1e-6)
    assert tensors[2] == pytest.approx(np.zeros((3, 3, 1)), abs=1e-6)
    assert tensors[1][:, 0] == pytest.approx(3 * (u @ u) * u, abs=1e-6)
    assert tensors[0] == pytest.approx([0.0], abs=1e-6)


def test_points_in_a_plane_have_tensors_in_the_plane() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((200, 3)) * np.array([1.0, 1.0, 0.0])
    tensors = hermite_tensors(points, points[:, :1] - 2.0 * points[:, 1:2], 2)
    assert tensors[1][:, 0] == pytest.approx([1.0, -2.0, 0.0], abs=1e-6)
    assert np.abs(tensors[2][:2, :2]).max() < 1e-6


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: hermite(-1, Z), "'order' must be a whole number from 0 up; received -1"),
        (lambda: hermite_coefficients(np.tanh, 1.5), "'orders' must be a whole number"),  # type: ignore[arg-type]
        (lambda: hermite_coefficients(np.tanh, 2, scale=0.0), "'scale' must be a finite number above 0"),
        (lambda: hermite_tensors(np.ones((9, 2)), np.ones((9, 1)), 4), "'degree' must be a number at most 3"),
    ],
)
def test_what_makes_no_sense_is_refused(call: object, says: str) -> None:
    assert callable(call)
    with pytest.raises(ParameterError, match=re.escape(says)):
        call()
