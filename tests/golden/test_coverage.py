"""Balls of one radius: the graph against its definition, the cover against the best of all choices."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from nextlabel.errors import BatchSizeError, ParameterError, SignalError
from nextlabel.maths.coverage import covered_by, greedy_cover, pure_radius, radius_graph


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_graph_holds_the_open_balls() -> None:
    line = np.array([[0.0], [1.0], [2.0], [4.0]])
    expected = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert radius_graph(line, 1.0).toarray().astype(int).tolist() == expected
    expected = [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
    assert radius_graph(line, 1.5).toarray().astype(int).tolist() == expected


def test_no_row_is_left_out_where_blocks_do_not_divide_the_pool() -> None:
    # 3001 points a unit apart make blocks of 1397 rows: two whole ones and a rest
    graph = radius_graph(np.arange(3001.0)[:, None], 1.5)
    assert np.diff(graph.indptr).tolist() == [2] + [3] * 2999 + [2]


def test_points_in_a_ball_are_covered() -> None:
    line = np.array([[0.0], [1.0], [2.0], [4.0]])
    assert covered_by(line, np.array([[0.0], [3.5]]), 1.0).tolist() == [True, False, False, True]
    assert covered_by(line, np.empty((0, 1)), 1.0).tolist() == [False] * 4


def test_the_cover_ends_when_everything_is_covered() -> None:
    graph = radius_graph(np.array([[0.0], [0.5], [9.0]]), 1.0)
    positions, gains = greedy_cover(graph, 3, covered=np.zeros(3, bool), rng=rng())
    assert gains.tolist() == [2, 1]
    assert positions[1] == 2
    assert greedy_cover(graph, 3, covered=np.ones(3, bool), rng=rng())[0].tolist() == []


def test_what_is_covered_at_the_start_counts_for_nobody() -> None:
    graph = radius_graph(np.array([[0.0], [0.1], [0.2], [5.0], [5.1]]), 0.15)
    covered = np.array([True, True, True, False, False])
    positions, gains = greedy_cover(graph, 2, covered=covered, rng=rng())
    assert positions[0] in (3, 4)
    assert gains.tolist() == [2]
    assert covered.tolist() == [True, True, True, False, False]


@pytest.mark.parametrize("case", range(25))
def test_the_cover_is_near_the_best_of_all_choices(case: int) -> None:
    points = rng(case).random((9, 2))
    graph = radius_graph(points, 0.35)
    balls = graph.toarray()
    start = rng(case).random(9) < 0.2
    for batch in (1, 2, 3, 4):
        positions, gains = greedy_cover(graph, batch, covered=start, rng=rng(case))
        reached = [
            (balls[list(positions[: k + 1])].any(axis=0) & ~start).sum() for k in range(len(positions))
        ]
        assert np.cumsum(gains).tolist() == reached
        assert (np.diff(gains) <= 0).all()
        best = max(
            (balls[list(choice)].any(axis=0) & ~start).sum() for choice in combinations(range(9), batch)
        )
        assert gains.sum() >= (1.0 - 1.0 / np.e) * best


def test_ties_between_balls_go_to_any_of_them() -> None:
    graph = radius_graph(np.arange(5.0)[:, None] * 10.0, 1.0)
    first = {int(greedy_cover(graph, 1, covered=np.zeros(5, bool), rng=rng(s))[0][0]) for s in range(80)}
    assert first == set(range(5))  # by chance one misses with probability below 1e-7


@pytest.mark.parametrize("purity", [0.5, 0.9, 0.95, 1.0])
@pytest.mark.parametrize("n", [7, 20, 60])
def test_the_pure_radius_is_the_largest_that_a_scan_finds(n: int, purity: float) -> None:
    points = rng(n).standard_normal((n, 2))
    labels = (points[:, 0] > 0.2).astype(np.int64) + (points[:, 1] > 0.0)
    distance = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))

    def share(radius: float) -> float:
        return float(np.mean([len(set(labels[distance[i] < radius].tolist())) <= 1 for i in range(n)]))

    found = pure_radius(points, labels, purity=purity)
    assert share(found * (1.0 - 1e-9)) >= purity - 1e-12
    assert share(found * (1.0 + 1e-9)) < purity


def test_one_label_is_pure_at_any_radius() -> None:
    assert pure_radius(rng().random((5, 2)), np.zeros(5, np.int64)) == np.inf


def test_a_label_is_needed_for_each_point() -> None:
    with pytest.raises(SignalError, match=r"'labels' and 'points' must agree on axis 'n'; .* 3, .* \(2,\)"):
        pure_radius(np.zeros((3, 1)), np.array([0, 1]))


@pytest.mark.parametrize("batch", [0, 4])
def test_an_impossible_batch_is_refused(batch: int) -> None:
    graph = radius_graph(np.zeros((3, 1)), 1.0)
    with pytest.raises(BatchSizeError, match=rf"between 1 and the 3 items at hand; received {batch}"):
        greedy_cover(graph, batch, covered=np.zeros(3, bool), rng=rng())


@pytest.mark.parametrize("purity", [0.0, 2.0, float("nan"), None, "x"])
def test_a_purity_that_is_no_share_is_refused(purity: Any) -> None:
    with pytest.raises(
        ParameterError, match=f"'purity' must be a number above 0 and at most 1; received {purity!r}"
    ):
        pure_radius(np.zeros((2, 1)), np.array([0, 1]), purity=purity)


@pytest.mark.parametrize("radius", [0.0, -1.0, float("nan"), None, "x"])
def test_a_radius_that_is_not_above_zero_is_refused(radius: Any) -> None:
    says = f"'radius' must be a number above 0; received {radius!r}"
    with pytest.raises(ParameterError, match=says):
        radius_graph(np.zeros((2, 1)), radius)
    with pytest.raises(ParameterError, match=says):
        covered_by(np.zeros((2, 1)), np.zeros((1, 1)), radius)


@pytest.mark.parametrize("radius", [1e200, np.inf])
def test_a_radius_beyond_all_distances_covers_everything(radius: float) -> None:
    points = np.array([[0.0], [9.0]])
    assert radius_graph(points, radius).toarray().all()
    assert covered_by(points, points[:1], radius).all()


def test_distances_that_overflow_are_refused() -> None:
    large = np.array([[0.0], [1e200]])
    says = r"of 'points' must fit into float64; received values up to 1e\+200"
    with pytest.raises(SignalError, match=says):
        radius_graph(large, 1.0)
    with pytest.raises(SignalError, match=says):
        covered_by(large, large[:1], 1.0)
    with pytest.raises(SignalError, match=says):
        pure_radius(large, np.array([0, 1]))


@pytest.mark.parametrize("case", range(20))
def test_every_pick_covers_as_much_that_is_new_as_any_could(case: int) -> None:
    points = np.random.default_rng(case).random((40, 2))
    ball = np.linalg.norm(points[:, None] - points[None], axis=2) < 0.3
    covered = np.zeros(40, bool)
    covered[: case % 5] = True
    picks, gains = greedy_cover(
        radius_graph(points, 0.3), 40, covered=covered, rng=np.random.default_rng(case)
    )
    for pick, gain in zip(picks, gains, strict=True):
        new = (ball & ~covered).sum(axis=1)
        assert new[pick] == gain == new.max()
        covered |= ball[pick]
    assert covered.all()
