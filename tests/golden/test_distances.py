"""Squared distances against the definition, written out."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import SignalError
from nextlabel.maths.distances import squared_distance_blocks, squared_distances_to

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
