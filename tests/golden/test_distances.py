"""Squared distances against the definition, written out."""

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.distances import checked_points, squared_distance_blocks, squared_distances_to

Points = NDArray[np.floating[Any]]


@pytest.mark.parametrize("features", [1, 2, 31, 32, 33, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distances_to_one_point_are_sums_of_squared_differences(features: int, dtype: type) -> None:
    rng = np.random.default_rng(features)
    points: Points = rng.standard_normal((7, features)).astype(dtype)
    expected = ((points.astype(np.float64) - points[3]) ** 2).sum(axis=1)
    found = squared_distances_to(points, points[3])
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert found[3] == 0.0


def test_a_distance_does_not_depend_on_the_rows_beside_it() -> None:
    points = np.random.default_rng(0).standard_normal((50, 67))
    alone = [squared_distances_to(row[None], points[0])[0] for row in points]
    assert squared_distances_to(points, points[0]).tolist() == alone


@pytest.mark.parametrize("megabytes", [1e-6, 0.001, 32.0])
def test_blocks_cover_all_pairs_whatever_their_size(megabytes: float) -> None:
    rng = np.random.default_rng(1)
    points, others = rng.standard_normal((40, 5)), rng.standard_normal((9, 5)).astype(np.float32)
    blocks = list(squared_distance_blocks(points, others, megabytes=megabytes))
    assert [rows.start for rows, _ in blocks] == [0, *(rows.stop for rows, _ in blocks[:-1])]
    expected = ((points[:, None] - others) ** 2).sum(axis=2)
    np.testing.assert_allclose(np.concatenate([block for _, block in blocks]), expected, atol=1e-13)


def test_blocks_are_never_negative_and_zero_for_copies_far_from_the_origin() -> None:
    # the expansion of a square loses all digits here without the shift by the mean
    rng = np.random.default_rng(2)
    points = 1e6 + rng.standard_normal((30, 3))
    block = next(iter(squared_distance_blocks(np.tile(points, (2, 1)), points)))[1]
    assert (block >= 0.0).all()
    assert (block[:30].diagonal() == 0.0).all()
    assert (block[30:].diagonal() == 0.0).all()
    np.testing.assert_allclose(block[:30], ((points[:, None] - points) ** 2).sum(axis=2), atol=1e-9)


def test_no_others_give_blocks_without_columns() -> None:
    blocks = list(squared_distance_blocks(np.zeros((3, 2)), np.empty((0, 2))))
    assert [block.shape for _, block in blocks] == [(3, 0)]


def test_unequal_widths_are_refused_by_name() -> None:
    with pytest.raises(SignalError, match=r"'point' and 'points' must agree on axis 'd'; .* 2, .* 3"):
        squared_distances_to(np.zeros((4, 2)), np.zeros(3))
    with pytest.raises(SignalError, match=r"'others' and 'points' must agree on axis 'd'; .* 2, .* 3"):
        list(squared_distance_blocks(np.zeros((4, 2)), np.zeros((4, 3))))


@pytest.mark.parametrize("large", [1e200, 1e308, -1e160])
def test_distances_that_overflow_are_refused(large: float) -> None:
    points = np.array([[0.0, 1.0], [2.0, large]])
    says = re.escape(
        f"of 'points' must fit into float64; received values up to {abs(large):g}. Scale 'points' d"
    )
    with pytest.raises(SignalError, match=says):
        checked_points(points, "n d", "points")
    with pytest.raises(SignalError, match=says):
        squared_distances_to(points, points[0])
    with pytest.raises(SignalError, match=says):
        list(squared_distance_blocks(points, points[:1]))
    with pytest.raises(SignalError, match="of 'point' must fit into float64"):
        squared_distances_to(points[:1], points[1])
    with pytest.raises(SignalError, match="of 'others' must fit into float64"):
        list(squared_distance_blocks(points[:1], points))


@pytest.mark.parametrize("largest", [np.finfo(np.float32).max, 1e140])
def test_distances_that_fit_are_computed_whatever_their_size(largest: Any) -> None:
    points = np.array([[-1.0], [1.0]]) * largest  # float32 stays float32
    assert squared_distances_to(points, points[0]).tolist() == [0.0, (2.0 * float(largest)) ** 2]


@pytest.mark.parametrize("megabytes", [0, -1.0, "1"])
def test_blocks_of_no_size_are_refused(megabytes: Any) -> None:
    with pytest.raises(
        ParameterError, match=f"'megabytes' must be a finite number above 0; received {megabytes!r}"
    ):
        list(squared_distance_blocks(np.zeros((2, 1)), np.zeros((2, 1)), megabytes=megabytes))
