"""Cluster-Margin: the candidates, and how clusters take turns."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import select
from nextlabel.errors import BatchSizeError, ParameterError, SignalError
from nextlabel.strategies.cluster_margin import ClusterMargin, cluster_margin


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def by_margin(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of two classes with these margins."""
    return np.stack([0.5 + margins / 2.0, 0.5 - margins / 2.0], axis=1)


def piles(*sizes: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Far piles of items, and the pile of each."""
    of = np.repeat(np.arange(len(sizes)), sizes)
    return 100.0 * of[:, None] + 0.01 * np.arange(len(of))[:, None], of


def test_no_spare_candidates_make_it_margin_sampling() -> None:
    margins = rng(1).random(40)
    points = rng(2).standard_normal((40, 3))
    picked = cluster_margin(by_margin(margins), points, 12, candidates=1.0, rng=rng())
    assert sorted(picked.tolist()) == sorted(np.argsort(margins)[:12].tolist())


def test_only_the_smallest_margins_are_drawn_from() -> None:
    margins = rng(1).permutation(40) / 40.0
    drawn: set[int] = set()
    for seed in range(60):
        drawn |= set(cluster_margin(by_margin(margins), np.zeros((40, 1)), 8, rng=rng(seed)).tolist())
    assert drawn == set(np.argsort(margins)[:10].tolist())  # ⌈1.25 · 8⌉


def test_a_batch_as_large_as_the_groups_holds_all_of_them() -> None:
    points, of = piles(20, 3, 1, 7, 9)
    for seed in range(10):
        picked = cluster_margin(
            by_margin(rng(seed).random(40)), points, 5, candidates=8.0, distance=5.0, rng=rng(seed)
        )
        assert of[picked].tolist() == [2, 1, 3, 4, 0]  # the smallest first


def test_groups_take_turns_and_drop_out_when_empty() -> None:
    points, of = piles(5, 1, 2)
    picked = cluster_margin(np.full((8, 2), 0.5), points, 8, distance=5.0, rng=rng())
    assert of[picked].tolist() == [1, 2, 0, 2, 0, 0, 0, 0]
    assert sorted(picked.tolist()) == list(range(8))


def test_items_alone_in_their_cluster_are_always_taken() -> None:
    points, of = piles(30, 1, 1, 1)
    for seed in range(10):
        picked = cluster_margin(np.full((33, 2), 0.5), points, 4, candidates=9.0, distance=5.0, rng=rng(seed))
        assert {1, 2, 3} <= set(of[picked].tolist())


def test_the_size_of_a_group_counts_candidates_alone() -> None:
    # the pile of nine holds one candidate, the pile of three holds three
    points, of = piles(9, 3)
    margins = np.r_[0.0, np.full(8, 0.9), 0.1, 0.1, 0.1]
    picked = cluster_margin(by_margin(margins), points, 2, candidates=2.0, distance=5.0, rng=rng())
    assert of[picked].tolist() == [0, 1]


def test_equal_groups_take_turns_in_any_order() -> None:
    points, of = piles(4, 4)
    first = {
        int(of[cluster_margin(np.full((8, 2), 0.5), points, 1, candidates=8.0, distance=5.0, rng=rng(s))[0]])
        for s in range(30)
    }
    assert first == {0, 1}


def test_large_pools_are_clustered_in_parts() -> None:
    points, _ = piles(30, 20, 10)
    picked = select(
        ClusterMargin(part=16), proba=by_margin(rng().random(60)), embedding=points, batch=30, seed=0
    )
    assert len(set(picked.tolist())) == 30


@pytest.mark.parametrize("classes", [1, 2, 5])
@pytest.mark.parametrize("n", [1, 2, 11])
def test_one_class_equal_items_and_the_whole_pool_are_answered(n: int, classes: int) -> None:
    proba = np.full((n, classes), 1.0 / classes)
    picked = cluster_margin(proba, np.ones((n, 2)), n, rng=rng())
    assert sorted(picked.tolist()) == list(range(n))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"candidates": 0.9}, "'candidates' must be a finite number of at least 1; received 0.9"),
        ({"distance": -1.0}, "'distance' must be a finite number of at least 0; received -1.0"),
        ({"candidates": float("inf")}, "'candidates' must be a finite number of at least 1; received inf"),
        ({"candidates": "x"}, "'candidates' must be a finite number of at least 1; received 'x'"),
        ({"distance": "x"}, "'distance' must be a finite number of at least 0; received 'x'"),
        ({"part": 2.5}, "'part' must be a whole number from 2 up; received 2.5"),
        ({"part": 1}, "'part' must be a whole number from 2 up; received 1"),
    ],
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ClusterMargin(**wrong)
    with pytest.raises(ParameterError, match=message):
        cluster_margin(np.ones((2, 1)), np.ones((2, 1)), 1, rng=rng(), **wrong)


def test_impossible_batches_and_lengths_are_refused() -> None:
    with pytest.raises(BatchSizeError, match="the 3 items at hand; received 4"):
        cluster_margin(np.full((3, 2), 0.5), np.zeros((3, 1)), 4, rng=rng())
    with pytest.raises(SignalError, match="'embedding' and 'proba' must agree on axis 'n'; 'proba' says 3"):
        cluster_margin(np.full((3, 2), 0.5), np.zeros((4, 1)), 1, rng=rng())


def test_more_candidates_than_there_are_items_are_all_of_them() -> None:
    proba, line = by_margin(np.linspace(0.0, 1.0, 6)), np.arange(6.0)[:, None]
    every = cluster_margin(proba, line, 3, candidates=2.0, rng=rng(1)).tolist()
    assert cluster_margin(proba, line, 3, candidates=1e308, rng=rng(1)).tolist() == every


def test_distances_that_overflow_are_refused() -> None:
    points = rng().standard_normal((6, 2)) * 1e200
    says = r"rows of 'embedding' must fit into float64; .* Scale 'embedding' down"
    with pytest.raises(SignalError, match=says):
        cluster_margin(np.full((6, 2), 0.5), points, 2, rng=rng())


def test_a_scale_that_fits_changes_nothing() -> None:
    points, proba = rng(1).standard_normal((30, 2)), by_margin(rng(2).random(30))
    straight = cluster_margin(proba, points, 7, rng=rng()).tolist()
    for scale in (2.0**-100, 2.0**400):
        assert cluster_margin(proba, points * scale, 7, rng=rng()).tolist() == straight
