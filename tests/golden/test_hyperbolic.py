"""The Poincaré ball: distances, maps, sums, and what cannot be a point of it."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.hyperbolic import (
    OUTERMOST,
    OnTheRim,
    exp_at,
    exp_origin,
    in_unit_ball,
    log_at,
    log_origin,
    mobius_sum,
    poincare_blocks,
    poincare_to,
)

Array = NDArray[Any]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def ball(n: int, d: int, seed: int = 0, *, up_to: float = OUTERMOST) -> Array:
    """Points of the unit ball in all directions, many of them close to the rim."""
    draw = rng(seed)
    vectors = draw.standard_normal((n, d))
    lengths = up_to * np.sqrt(draw.random(n))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True) * lengths[:, None])


def between(left: Array, right: Array) -> Array:
    """Plain distances, row by row: arcosh of the formula."""
    gap = ((left - right) ** 2).sum(axis=-1)
    depth = (1 - (left**2).sum(axis=-1)) * (1 - (right**2).sum(axis=-1))
    return np.asarray(np.arccosh(1 + 2 * gap / depth))


def test_the_distance_from_the_origin_is_twice_the_artanh_of_the_length() -> None:
    points = ball(200, 3)
    expected = 2 * np.arctanh(np.linalg.norm(points, axis=1))
    np.testing.assert_allclose(poincare_to(points, np.zeros(3)), expected, rtol=1e-9)
    assert poincare_to(np.zeros((1, 3)), np.zeros(3)).tolist() == [0.0]


def test_distances_are_those_of_the_formula_symmetric_and_triangular() -> None:
    points = ball(60, 4, up_to=0.99)
    found = np.concatenate([block for _, block in poincare_blocks(points, points)])
    np.testing.assert_allclose(found, between(points[:, None], points[None]), rtol=1e-7, atol=1e-7)
    assert (found == found.T).all()
    assert (np.diag(found) == 0.0).all()
    assert (found[:, None, :] <= (found[:, :, None] + found[None, :, :]) * (1 + 1e-12)).all()


def test_blocks_cover_all_rows_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    points = ball(40, 2)
    whole = [block for _, block in poincare_blocks(points, points[:7])]
    monkeypatch.setattr("nextlabel.maths.hyperbolic._BLOCK_MEGABYTES", 1e-4)
    parts = list(poincare_blocks(points, points[:7]))
    assert len(whole) == 1 < len(parts)
    assert (np.concatenate([block for _, block in parts]) == whole[0]).all()
    assert [row for rows, _ in parts for row in range(40)[rows]] == list(range(40))


def test_short_vectors_are_twice_as_far_apart_as_in_flat_space() -> None:
    # and by arsinh to the last digits, where arcosh of 1 + 2δ would have lost all of them
    points = ball(30, 3, up_to=1e-3)
    flat = np.linalg.norm(points[:, None] - points[None], axis=2)
    found = np.concatenate([block for _, block in poincare_blocks(points, points)])
    np.testing.assert_allclose(found, 2 * flat, rtol=2e-6)
    tiny = points * 1e-9
    found = np.concatenate([block for _, block in poincare_blocks(tiny, tiny)])
    np.testing.assert_allclose(found, 2e-9 * flat, rtol=1e-9)
    assert (between(tiny[:, None], tiny[None]) == 0.0).all()  # the twin


def test_near_points_at_the_rim_keep_their_distance() -> None:
    # a step of h along the sphere of radius r is 2h/(1 − r²) long; a product of coordinates would lose it
    r, h = OUTERMOST, 1e-10
    points = np.array([[r, 0.0], [r * np.cos(h / r), r * np.sin(h / r)]])
    expected = 2 * h / ((1 - r) * (1 + r))
    assert poincare_to(points, points[0])[1] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("curvature", [1.0, 0.25, 9.0])
def test_a_mobius_translation_is_an_isometry_with_its_inverse(curvature: float) -> None:
    root = np.sqrt(curvature)
    x, y, move = ball(50, 3, 1, up_to=0.95), ball(50, 3, 2, up_to=0.95), ball(1, 3, 3, up_to=0.9)
    moved = [mobius_sum(move / root, points / root, curvature=curvature) * root for points in (x, y)]
    np.testing.assert_allclose(between(*moved), between(x, y), rtol=1e-8)
    back = mobius_sum(-move / root, moved[0] / root, curvature=curvature) * root
    np.testing.assert_allclose(back, x, atol=1e-12)
    np.testing.assert_allclose(mobius_sum(np.zeros((1, 3)), x), x, atol=1e-15)


def test_mobius_addition_is_the_published_formula() -> None:
    x, y = ball(40, 3, 4, up_to=0.9), ball(40, 3, 5, up_to=0.9)
    dot, xx, yy = (np.einsum("nd,nd->n", a, b)[:, None] for a, b in ((x, y), (x, x), (y, y)))
    plain = ((1 + 2 * dot + yy) * x + (1 - xx) * y) / (1 + 2 * dot + xx * yy)
    np.testing.assert_allclose(mobius_sum(x, y), plain, atol=1e-13)


@pytest.mark.parametrize("curvature", [1.0, 0.25, 9.0])
def test_exp_and_log_undo_each_other_and_log_is_as_long_as_the_distance(curvature: float) -> None:
    root = np.sqrt(curvature)
    base, points = ball(50, 3, 6, up_to=0.97) / root, ball(50, 3, 7, up_to=0.97) / root
    tangents = log_at(base, points, curvature=curvature)
    np.testing.assert_allclose(exp_at(base, tangents, curvature=curvature), points, atol=1e-10 / root)
    scale = 2 / (1 - curvature * (base**2).sum(axis=1))  # the metric at the base
    expected = between(base * root, points * root) / root
    np.testing.assert_allclose(scale * np.linalg.norm(tangents, axis=1), expected, rtol=1e-8)
    np.testing.assert_allclose(
        log_at(np.zeros((1, 3)), points, curvature=curvature),
        log_origin(points, curvature=curvature),
        rtol=1e-9,
    )
    vectors = rng(8).standard_normal((20, 3)) / root
    np.testing.assert_allclose(
        log_origin(exp_origin(vectors, curvature=curvature), curvature=curvature), vectors, rtol=1e-9
    )
    assert log_at(points, points).max() == 0.0


def test_features_are_mapped_by_exp_0_and_stay_off_the_rim() -> None:
    vectors = np.array([[0.0, 0.0], [0.3, 0.4], [1e-200, 0.0], [1e200, 1e200], [3e307, -1e308]])
    points = in_unit_ball(vectors, "embedding")
    assert points[0].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(points[1], np.tanh(0.5) * np.array([0.6, 0.8]), rtol=1e-14)
    assert points[2].tolist() == [1e-200, 0.0]
    np.testing.assert_allclose(np.linalg.norm(points[3:], axis=1), OUTERMOST, rtol=1e-14)
    np.testing.assert_allclose(
        in_unit_ball(vectors, "embedding", curvature=4.0)[1], np.tanh(1.0) * np.array([0.6, 0.8])
    )
    assert np.isfinite(poincare_to(points, points[3])).all()


def test_points_of_a_ball_are_scaled_by_its_radius_and_pulled_off_the_rim() -> None:
    given = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, -0.5]])
    points = in_unit_ball(given, "embedding", geometry="ball", curvature=0.25)
    np.testing.assert_allclose(points, [[0.5, 0.0], [OUTERMOST, 0.0], [0.0, -0.25]], rtol=1e-14)
    with pytest.raises(SignalError, match=r"ball of radius 1; the row at 1 has the length 2\. Use geometry="):
        in_unit_ball(given, "embedding", geometry="ball")


def test_rounding_beyond_the_rim_is_pulled_back_and_more_is_refused() -> None:
    inside = in_unit_ball(np.array([[1.0009, 0.0]]), "features", geometry="ball")
    assert inside.tolist() == [[OUTERMOST, 0.0]]
    with pytest.raises(SignalError, match=r"the row at 0 has the length 1\.002\."):
        in_unit_ball(np.array([[1.002, 0.0]]), "features", geometry="ball")


def test_features_that_lie_mostly_on_the_rim_are_warned_of() -> None:
    long = np.array([[7.0, 0.0], [0.0, 8.0], [1.0, 0.0]])
    with pytest.warns(
        OnTheRim, match=r"2 of 3 rows of 'embedding' .* curvature 1, features longer than 6\.1\. "
    ):
        in_unit_ball(long, "embedding")
    in_unit_ball(long, "embedding", curvature=0.5)  # √0.5·8 is short enough
    in_unit_ball(long[1:], "embedding")  # one of two is no majority


def test_a_curvature_that_is_not_above_zero_is_refused() -> None:
    for function in (exp_origin, log_origin):
        with pytest.raises(ParameterError, match="'curvature' must be a finite number above 0; received -1"):
            function(np.zeros((1, 2)), curvature=-1)
