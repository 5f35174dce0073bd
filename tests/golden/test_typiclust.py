"""TypiClust on clusters that leave no choice, and typicality against its definition."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import select
from nextlabel.errors import BatchSizeError, ParameterError, SignalError
from nextlabel.strategies.typiclust import TypiClust, typiclust

MEANS = np.array([[0.0, 0.0], [60.0, 0.0], [0.0, 60.0]])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def blobs(sizes: tuple[int, ...], seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    of = np.repeat(np.arange(len(sizes)), sizes)
    return MEANS[of] + rng(seed).standard_normal((len(of), 2)), of


@pytest.mark.parametrize("case", range(5))
def test_three_blobs_give_one_item_near_each_mean(case: int) -> None:
    points, of = blobs((60, 50, 40), case)
    picked = typiclust(points, 3, rng=rng(case))
    assert of[picked].tolist() == [0, 1, 2]  # none holds a label: the largest first
    typical = np.linalg.norm(points - MEANS[of], axis=1)
    assert (typical[picked] < np.quantile(typical, 0.5)).all()


def test_a_labelled_blob_comes_after_the_others() -> None:
    points, of = blobs((60, 50, 40))
    picked = select("typiclust", embedding=points, labelled={"embedding": MEANS[:1]}, batch=2, seed=0)
    assert of[picked].tolist() == [1, 2]


def test_later_passes_serve_the_clusters_again() -> None:
    points, of = blobs((60, 50, 40))
    picked = typiclust(points, 6, max_clusters=3, rng=rng())
    assert of[picked].tolist() == [0, 1, 2, 0, 1, 2]
    assert len(set(picked.tolist())) == 6


def test_typicality_is_the_mean_distance_to_the_nearest_neighbours_without_itself() -> None:
    # the twin: loops over one cluster of labelled and unlabelled items
    points = rng(3).standard_normal((30, 3))
    labelled = rng(4).standard_normal((9, 3))
    everyone = np.concatenate([points, labelled])
    mean = [
        float(np.mean(sorted(np.linalg.norm(everyone - one, axis=1))[1 : 1 + min(20, 39 // 2)]))
        for one in points
    ]
    picked = typiclust(points, 30, labelled=labelled, max_clusters=1, rng=rng())
    assert picked.tolist() == np.argsort(mean).tolist()


def test_distances_are_plain_not_squared() -> None:
    # two neighbours each: 0 has them at 0 and 1.9, mean 0.95; 11 at 1 and 1, mean 1. Squared, 11 would win.
    line = np.array([[0.0], [0.0], [1.9], [10.0], [11.0], [12.0]])
    assert typiclust(line, 1, neighbours=2, rng=rng())[0] in (0, 1)


def test_a_dense_core_comes_before_its_fringe() -> None:
    core = 0.1 * rng(1).standard_normal((20, 2))
    ring = np.stack([np.cos(np.arange(20.0)), np.sin(np.arange(20.0))], axis=1) * 5.0
    picked = typiclust(np.concatenate([ring, core]), 20, max_clusters=1, neighbours=5, rng=rng())
    assert (picked >= 20).all()


def test_small_clusters_wait_until_the_others_are_used_up() -> None:
    points, of = blobs((20, 5))
    picked = typiclust(points, 25, max_clusters=2, rng=rng())
    assert of[picked].tolist() == [0] * 20 + [1] * 5
    picked = typiclust(points, 25, max_clusters=2, smallest_cluster=5, rng=rng())
    assert of[picked].tolist() == [0, 1] * 5 + [0] * 15


def test_where_all_clusters_are_small_the_one_without_labels_comes_first() -> None:
    points, of = blobs((4, 3))
    picked = typiclust(points, 2, labelled=MEANS[:1], max_clusters=2, rng=rng())
    assert of[picked].tolist() == [1, 0]


def test_rotating_shifting_and_scaling_change_nothing() -> None:
    points, _ = blobs((30, 40, 50))
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    straight = typiclust(points, 7, rng=rng()).tolist()
    for moved in (points @ turn, points + 30.0, points * 1e-6, points * 1e6):
        assert typiclust(moved, 7, rng=rng()).tolist() == straight


@pytest.mark.parametrize("labelled", [None, np.empty((0, 2)), np.ones((4, 2))])
def test_equal_items_and_the_whole_pool_are_answered(labelled: NDArray[np.float64] | None) -> None:
    for points in (np.ones((7, 2)), np.ones((1, 2)), blobs((4, 2, 1))[0]):
        picked = typiclust(points, len(points), labelled=labelled, rng=rng())
        assert sorted(picked.tolist()) == list(range(len(points)))


@pytest.mark.parametrize("name", ["max_clusters", "smallest_cluster", "neighbours"])
@pytest.mark.parametrize("value", [0, 2.5, float("nan"), "x"])
def test_parameters_that_count_nothing_are_refused(name: str, value: Any) -> None:
    wrong: dict[str, Any] = {name: value}
    says = f"TypiClust's '{name}' must be a whole number from 1 up; received {value!r}"
    with pytest.raises(ParameterError, match=says):
        TypiClust(**wrong)
    with pytest.raises(ParameterError, match=says):
        typiclust(np.zeros((3, 1)), 1, rng=rng(), **wrong)


def test_impossible_batches_and_widths_are_refused() -> None:
    with pytest.raises(BatchSizeError, match="the 3 items at hand; received 4"):
        typiclust(np.zeros((3, 1)), 4, rng=rng())
    with pytest.raises(SignalError, match="'labelled' and 'embedding' must agree on axis 'd'"):
        typiclust(np.zeros((3, 1)), 1, labelled=np.zeros((1, 2)), rng=rng())


def test_distances_that_overflow_are_refused() -> None:
    small = rng().standard_normal((6, 2))
    large = small * 1e200
    for points, labelled, name in ((large, None, "embedding"), (small, large, "labelled")):
        with pytest.raises(
            SignalError, match=f"rows of '{name}' must fit into float64; .* Scale '{name}' down"
        ):
            typiclust(points, 2, labelled=labelled, rng=rng())


def test_a_scale_that_fits_changes_nothing() -> None:
    points, labelled = rng(1).standard_normal((30, 2)), rng(2).standard_normal((3, 2))
    straight = typiclust(points, 7, labelled=labelled, rng=rng()).tolist()
    for points, labelled in ((points * s, labelled * s) for s in (2.0**-100, 2.0**400)):
        assert typiclust(points, 7, labelled=labelled, rng=rng()).tolist() == straight


def test_typicality_is_the_same_in_every_block_of_a_large_cluster() -> None:
    # one cluster of 3,000: distances come in blocks of rows, and the dense core lies in the last of them
    points = np.random.default_rng(0).normal(size=(3_000, 2))
    points[-100:] *= 0.05
    every = np.linalg.norm(points[:, None] - points[None], axis=2)
    every.partition(20, axis=1)
    expected = every[:, :21].sum(axis=1).argmin()  # the nearest of the 21 is the point itself
    picked = typiclust(points, 1, rng=np.random.default_rng(0))
    assert picked.tolist() == [expected]
    assert expected >= 2_900
