"""Symmetric tensors taken apart, where their parts are known."""

import re

import numpy as np
import pytest

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.tensors import (
    alternated,
    common_directions,
    power_directions,
    symmetrised,
    tensor_of,
    weights_along,
)

RNG = np.random.default_rng(0)
APART = np.linalg.qr(RNG.standard_normal((5, 5)))[0]
ALIKE = np.ones((4, 4)) + 0.5 * np.eye(4)
ALIKE /= np.linalg.norm(ALIKE, axis=1, keepdims=True)
WEIGHTS = np.array([3.0, -2.0, 1.0, 0.5, -4.0])


def alignment(found: np.ndarray, wanted: np.ndarray) -> float:
    """The least over wanted directions of the best absolute cosine of a found one."""
    return float(np.abs(found @ wanted.T).max(axis=0).min())


def test_a_tensor_holds_the_products_of_its_directions() -> None:
    u = np.array([1.0, 2.0, 3.0])
    assert tensor_of(u[None], [2.0]) == pytest.approx(2.0 * np.einsum("p,q,r->pqr", u, u, u))


def test_symmetrising_leaves_a_symmetric_tensor_alone_and_is_the_mean_of_six() -> None:
    tensor = tensor_of(APART, WEIGHTS)
    assert symmetrised(tensor) == pytest.approx(tensor, abs=1e-12)
    any_tensor = RNG.standard_normal((3, 3, 3))
    found = symmetrised(any_tensor)
    assert found[0, 1, 2] == pytest.approx(
        np.mean([any_tensor[p] for p in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]])
    )


@pytest.mark.parametrize(("directions", "weights"), [(APART, WEIGHTS), (ALIKE, WEIGHTS[:4])])
def test_two_slices_give_the_directions_even_where_these_are_alike(
    directions: np.ndarray, weights: np.ndarray
) -> None:
    tensor = tensor_of(directions, weights)
    one, other = np.random.default_rng(1).standard_normal((2, len(directions)))
    found = common_directions(tensor @ one, tensor @ other)
    assert alignment(found, directions) == pytest.approx(1.0, abs=1e-9)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(len(found)))


def test_complex_pairs_give_two_real_directions() -> None:
    # a rotation has no real eigenvectors; the plane it turns is given by two
    found = common_directions(np.array([[0.0, -1.0], [1.0, 0.0]]), np.eye(2))
    assert np.isrealobj(found)
    assert abs(np.linalg.det(found)) > 0.5


def test_power_iteration_finds_directions_at_right_angles_the_heaviest_first() -> None:
    found = power_directions(tensor_of(APART, WEIGHTS), 5, np.random.default_rng(2))
    order = np.abs(found @ APART.T).argmax(axis=1)
    assert np.abs(WEIGHTS)[order].tolist() == [4.0, 3.0, 2.0, 1.0, 0.5]
    assert alignment(found, APART) == pytest.approx(1.0, abs=1e-9)


def test_alternating_improves_directions_and_keeps_their_signs() -> None:
    start = APART + 0.1 * RNG.standard_normal((5, 5))
    found = alternated(tensor_of(APART, WEIGHTS), start)
    assert (found * APART).sum(axis=1) == pytest.approx(np.ones(5), abs=1e-9)


def test_no_round_leaves_directions_as_they_are_but_for_their_length() -> None:
    assert alternated(np.zeros((2, 2, 2)), [[3.0, 4.0]], rounds=0) == pytest.approx(np.array([[0.6, 0.8]]))


def test_weights_are_those_of_the_parts_and_the_rest_is_told() -> None:
    tensor = tensor_of(ALIKE, WEIGHTS[:4])
    weights, left = weights_along(tensor, ALIKE)
    assert weights == pytest.approx(WEIGHTS[:4], abs=1e-6)
    assert left < 1e-9
    one, most = weights_along(tensor_of(APART, [3.0, 4.0, 0.0, 0.0, 0.0]), APART[:1])
    assert one == pytest.approx([3.0])
    assert most == pytest.approx(0.8)


def test_a_tensor_of_zeros_leaves_nothing() -> None:
    assert weights_along(np.zeros((2, 2, 2)), np.eye(2))[1] == 0.0


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: symmetrised(np.ones((2, 3, 2))), SignalError, "received shape (2, 3, 2)"),
        (lambda: common_directions(np.eye(2), np.eye(3)), SignalError, "received (2, 2) and (3, 3)"),
        (lambda: weights_along(np.ones((2, 2, 2)), np.eye(3)), SignalError, "axes (b, 2), as the tensor has"),
        (lambda: power_directions(np.ones((2, 2, 2)), 0, RNG), ParameterError, "'rank' must be"),
        (lambda: power_directions(np.ones((2, 2, 2)), 1, RNG, starts=0), ParameterError, "'starts' must be"),
        (lambda: alternated(np.ones((2, 2, 2)), np.eye(2), rounds=-1), ParameterError, "'rounds' must be"),
    ],
)
def test_what_makes_no_sense_is_refused(call: object, error: type[Exception], says: str) -> None:
    assert callable(call)
    with pytest.raises(error, match=re.escape(says)):
        call()
