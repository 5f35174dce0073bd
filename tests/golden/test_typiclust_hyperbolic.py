"""TypiClust in hyperbolic space, and the clusters it looks at."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import select
from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.frechet import frechet_mean
from nextlabel.maths.hyperbolic import in_unit_ball, poincare_to
from nextlabel.maths.hyperbolic_clusters import ball_clusters
from nextlabel.strategies.typiclust import TypiClust, typiclust

Array = NDArray[Any]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def blobs(seed: int = 0) -> tuple[Array, Array]:
    """Three blobs of 40, 30 and 20 features, and of which blob each is."""
    of = np.repeat([0, 1, 2], [40, 30, 20])
    centres = np.array([[2.0, 0.0], [-2.0, 1.0], [0.0, -2.0]])
    return centres[of] + 0.1 * rng(seed).standard_normal((90, 2)), of


def test_three_blobs_give_one_each_the_largest_first() -> None:
    points, of = blobs()
    for seed in range(5):
        picked = typiclust(points, 3, geometry="hyperbolic", rng=rng(seed))
        assert len(set(of[picked].tolist())) == 3
        # the k-means++ start finds the three blobs, whose sizes then order them
        assert of[picked].tolist() == [0, 1, 2]


def test_a_blob_with_a_label_waits() -> None:
    points, of = blobs()
    picked = typiclust(points, 2, labelled=points[:1], geometry="hyperbolic", rng=rng())
    assert of[picked].tolist() == [1, 2]


def test_the_most_typical_is_the_one_of_least_mean_distance() -> None:
    # one cluster of nine on a line in the ball: the nearest four neighbours of each, by the formula
    points = np.tanh(np.array([0.0, 0.1, 0.25, 0.3, 0.42, 0.7, 0.9, 1.3, 1.8]))[:, None]
    distance = np.abs(np.arctanh(points) - np.arctanh(points.T)) * 2
    np.fill_diagonal(distance, np.inf)
    expected = np.sort(distance, axis=1)[:, :4].mean(axis=1).argsort()
    picked = typiclust(points, 9, max_clusters=1, geometry="ball", rng=rng())
    assert picked.tolist() == expected.tolist()


def test_short_features_give_the_typicality_of_flat_space() -> None:
    points = 1e-4 * rng(4).standard_normal((30, 3))
    flat = typiclust(points, 30, max_clusters=1, rng=rng())
    curved = typiclust(points, 30, max_clusters=1, geometry="hyperbolic", rng=rng())
    assert curved.tolist() == flat.tolist()


def test_items_at_the_rim_are_told_apart_where_flat_space_sees_one_heap() -> None:
    # eight items across the middle, 1.2 wide in the ball, and eight each at depths of 1e-2 and 1e-4, 4.6
    # apart; in flat space the latter are one heap, and those in the middle two
    step = np.arange(8.0)
    middle, outer = np.linspace(-0.3, 0.3, 8), 1.0 + 0.01 * step
    line = np.concatenate([middle, 1 - 1e-2 * outer, 1 - 1e-4 * outer])[:, None]
    for seed in range(5):
        picked = typiclust(line, 3, geometry="ball", rng=rng(seed))
        assert sorted((picked // 8).tolist()) == [0, 1, 2]
        picked = typiclust(line, 3, smallest_cluster=1, rng=rng(seed))
        assert sorted((picked // 8).tolist()) != [0, 1, 2]


def test_curvature_scales_features() -> None:
    points, seen = rng(7).standard_normal((60, 2)), rng(8).standard_normal((3, 2))
    one = typiclust(points, 9, labelled=seen, geometry="hyperbolic", rng=rng())
    four = typiclust(points / 2, 9, labelled=seen / 2, geometry="hyperbolic", curvature=4.0, rng=rng())
    other = typiclust(points, 9, labelled=seen, geometry="hyperbolic", curvature=4.0, rng=rng())
    assert one.tolist() == four.tolist() != other.tolist()


def test_clusters_are_a_fixed_point_of_lloyds_steps() -> None:
    points = in_unit_ball(rng(5).standard_normal((200, 3)), "points")
    found = ball_clusters(points, 6, rng=rng())
    means = [frechet_mean(points[found == one]) for one in range(found.max() + 1)]
    to_each = np.stack([poincare_to(points, mean) for mean in means], axis=1)
    assert (to_each.argmin(axis=1) == found).all()


def test_equal_points_share_a_cluster_and_there_may_be_fewer_than_asked_for() -> None:
    points = np.repeat([[0.1], [0.9]], 5, axis=0)
    found = ball_clusters(points, 4, rng=rng())
    assert set(found[:5].tolist()) | set(found[5:].tolist()) == {0, 1}
    assert len(set(found[:5].tolist())) == 1
    assert ball_clusters(points, 99, rng=rng()).max() == 1


def test_the_whole_pool_is_answered_with_and_without_labels() -> None:
    points = rng(6).standard_normal((15, 2))
    for labelled in (None, points[:3], np.empty((0, 2))):
        picked = typiclust(points, 15, labelled=labelled, geometry="hyperbolic", rng=rng())
        assert sorted(picked.tolist()) == list(range(15))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"geometry": "flat"}, "'geometry' must be 'euclidean', 'hyperbolic' or 'ball'; received 'flat'"),
        ({"curvature": -1.0}, "'curvature' must be a finite number above 0; received -1.0"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        TypiClust(**wrong)
    with pytest.raises(ParameterError, match=message):
        typiclust(np.zeros((3, 1)), 1, rng=rng(), **wrong)


def test_points_outside_the_ball_and_other_widths_are_refused() -> None:
    with pytest.raises(SignalError, match=r"Rows of 'embedding' .* the row at 1 has the length 2"):
        select(TypiClust(geometry="ball"), embedding=[[0.5], [2.0]], batch=1, seed=0)
    with pytest.raises(SignalError, match="'labelled' and 'embedding' must agree on axis 'd'"):
        typiclust(np.zeros((3, 1)), 1, labelled=np.zeros((1, 2)), geometry="hyperbolic", rng=rng())
