"""k-means and average linkage on cases that leave no choice."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths import clustering
from nextlabel.maths.clustering import average_linkage, k_means


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("mini_batch", [False, True])
def test_k_means_finds_far_blobs(mini_batch: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "_MINI_BATCH_ITEMS", 0 if mini_batch else 1 << 62)
    blob = np.repeat([0, 1, 2], 40)
    points = np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]])[blob] + rng().standard_normal((120, 2))
    labels = k_means(points, 3, rng=rng())
    assert labels.dtype == np.int64
    assert len(set(zip(blob.tolist(), labels.tolist(), strict=True))) == 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_points_share_a_cluster_and_leave_no_gap(dtype: type) -> None:
    points: NDArray[Any] = np.repeat(np.array([[0.0], [3.0], [9.0]], dtype), 5, axis=0)
    labels = k_means(points, 8, rng=rng())
    assert sorted(set(labels.tolist())) == [0, 1, 2]
    assert all(len(set(labels[i : i + 5].tolist())) == 1 for i in (0, 5, 10))


def test_there_are_never_more_clusters_than_points() -> None:
    assert sorted(k_means(np.array([[0.0], [1.0]]), 500, rng=rng()).tolist()) == [0, 1]


def test_no_cluster_is_refused() -> None:
    with pytest.raises(ParameterError, match="'clusters' must be a whole number from 1 up; received 0"):
        k_means(np.zeros((3, 2)), 0, rng=rng())


def test_linkage_joins_up_to_the_mean_distance() -> None:
    # {0, 1} joins at 1; its mean distance to 3 is (3 + 2)/2 = 2.5; that of all three to 10 is 26/3
    line = np.array([[0.0], [1.0], [3.0], [10.0]])
    found = {
        cut: average_linkage(line, distance=cut, rng=rng()).tolist() for cut in (0.9, 1.0, 2.4, 2.5, 8.7)
    }
    assert len(set(found[0.9])) == 4
    assert found[1.0][0] == found[1.0][1]
    assert len(set(found[2.4])) == 3
    assert len(set(found[2.5])) == 2
    assert len(set(found[8.7])) == 1


@pytest.mark.parametrize(("mean_size", "clusters"), [(1.0, 12), (2.5, 4), (4.0, 3), (12.0, 1), (50.0, 1)])
def test_without_a_distance_the_mean_size_decides(mean_size: float, clusters: int) -> None:
    labels = average_linkage(rng().standard_normal((12, 3)), mean_size=mean_size, rng=rng())
    assert sorted(set(labels.tolist())) == list(range(clusters))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_equal_points_are_one_cluster(n: int) -> None:
    assert average_linkage(np.ones((n, 2)), mean_size=1.0, rng=rng()).tolist() == [0] * n


def test_a_large_pool_is_clustered_in_parts() -> None:
    # two far piles in parts of 10: no part joins the piles, and each part has clusters of its own
    points = np.repeat([[0.0], [9.0]], 20, axis=0)
    labels = average_linkage(points, distance=1.0, part=10, rng=rng())
    assert not set(labels[:20].tolist()) & set(labels[20:].tolist())
    assert 4 <= len(set(labels.tolist())) <= 8
    assert np.bincount(labels).max() <= 10


def test_values_that_are_not_finite_are_refused() -> None:
    bad = np.array([[0.0], [np.nan]])
    with pytest.raises(SignalError, match="'points' must be finite; row 1"):
        k_means(bad, 1, rng=rng())
    with pytest.raises(SignalError, match="'points' must be finite; row 1"):
        average_linkage(bad, rng=rng())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"distance": -0.5}, "'distance' must be a finite number of at least 0; received -0.5"),
        ({"distance": float("nan")}, "'distance' must be a finite number of at least 0; received nan"),
        ({"mean_size": 0}, "'mean_size' must be a finite number of at least 1; received 0"),
        ({"part": 0}, "'part' must be a whole number from 2 up; received 0"),
        ({"part": 7.5}, "'part' must be a whole number from 2 up; received 7.5"),
    ],
)
def test_options_of_the_linkage_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        average_linkage(np.zeros((3, 2)), rng=rng(), **wrong)


def test_distances_that_overflow_are_refused() -> None:
    large = np.array([[0.0], [1e200]])
    says = r"of 'points' must fit into float64; received values up to 1e\+200"
    with pytest.raises(SignalError, match=says):
        k_means(large, 1, rng=rng())
    with pytest.raises(SignalError, match=says):
        average_linkage(large, rng=rng())
