"""Covers by few balls: greedy and swaps, bounds, programmes, and the search over radii."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.maths import covering, partial_cover
from nextlabel.maths.cover_programme import Undecided, choice, relaxed
from nextlabel.maths.covering import covering_centres
from nextlabel.maths.partial_cover import BallGraph, fewest_outside, greedy_order, improved

Array = NDArray[Any]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def never() -> bool:
    return False


def after(questions: int) -> Callable[[], bool]:
    """Time that is up after so many questions."""
    asked = iter(range(10**9))
    return lambda: next(asked) >= questions


def balls(points: Array, radius: float) -> tuple[BallGraph, NDArray[np.bool_]]:
    """The graph of who lies within whose ball, and the same as a matrix."""
    holds = np.linalg.norm(points[:, None] - points[None], axis=2) <= radius
    starts = np.append(0, np.cumsum(holds.sum(axis=1)))
    return BallGraph(starts, np.nonzero(holds)[1].astype(np.int32)), holds


def outside(holds: Array, is_open: Array, chosen: Any) -> int:
    return int((is_open & ~holds[:, list(chosen)].any(axis=1)).sum())


def fewest(holds: Array, is_open: Array, count: int) -> int:
    return min(outside(holds, is_open, chosen) for chosen in combinations(range(len(holds)), count))


def cases() -> list[tuple[BallGraph, Array, Array, int]]:
    found = []
    for seed in range(25):
        draw = rng(seed)
        points = draw.standard_normal((int(draw.integers(4, 13)), 2))
        graph, holds = balls(points, float(draw.uniform(0.2, 1.2)))
        found.append((graph, holds, draw.random(len(points)) < 0.9, int(draw.integers(1, 4))))
    return found


def test_rows_are_added_up_in_parts_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, holds = balls(rng().standard_normal((50, 2)), 0.8)
    rows, weights = np.flatnonzero(np.arange(50) % 3), rng(1).random(50)
    for part in (1 << 20, 17, 1):
        monkeypatch.setattr(partial_cover, "_PART", part)
        assert graph.weighed(rows).tolist() == holds[rows].sum(axis=0).tolist()
        np.testing.assert_allclose(
            graph.weighed(rows, weights[rows]), weights[rows] @ holds[rows], rtol=1e-12
        )
        assert graph.weighed(rows[:0]).tolist() == [0.0] * 50


def test_greedy_covers_at_least_its_share_of_the_best_and_counts_truly() -> None:
    for graph, holds, is_open, count in cases():
        chosen, left = fewest_outside(graph, is_open, count, 0, is_late=never)
        assert len(set(chosen.tolist())) == len(chosen) <= count
        assert left == outside(holds, is_open, chosen)
        best = is_open.sum() - fewest(holds, is_open, count)
        assert is_open.sum() - left >= (1 - 1 / np.e) * best


def test_without_time_for_swaps_the_choice_is_the_greedy_one() -> None:
    large = balls(rng().standard_normal((80, 2)), 0.9)
    for graph, holds, is_open, count in [*cases(), (*large, np.ones(80, bool), 12)]:
        plain: list[int] = []
        left = is_open.copy()
        while len(plain) < count and left.any():
            plain.append(int((holds & left[:, None]).sum(axis=0).argmax()))
            left &= ~holds[:, plain[-1]]
        chosen, after_them = fewest_outside(graph, is_open, count, 0, is_late=after(0))
        assert chosen.tolist() == plain
        assert after_them == left.sum()


def test_swaps_never_leave_more_outside_and_stop_when_told_to() -> None:
    for graph, holds, is_open, count in cases():
        start = rng(count).choice(graph.n, count, replace=False)
        before = outside(holds, is_open, start)
        chosen, left = improved(graph, is_open, start, count, 0, is_late=never)
        assert left == outside(holds, is_open, chosen) <= before
        assert improved(graph, is_open, start, count, before, is_late=never)[0].tolist() == start.tolist()
        assert improved(graph, is_open, start, count, 0, is_late=after(0))[0].tolist() == start.tolist()


def test_a_ball_moves_only_to_hold_more() -> None:
    # the balls around 0 and 1 hold the same two items, and the third is far from both
    graph, _ = balls(np.array([[0.0], [1.0], [10.0]]), 1.0)
    for ball in (0, 1):
        chosen, left = improved(graph, np.ones(3, bool), np.array([ball]), 1, 0, is_late=never)
        assert (chosen.tolist(), left) == ([ball], 1)


def test_swaps_repair_a_poor_choice() -> None:
    # ten items in a row, each reaching two to either side: 5 moves to 2, then 9 to 7
    graph, holds = balls(np.arange(10.0)[:, None], 2.0)
    start = np.array([5, 9])
    assert outside(holds, np.ones(10, bool), start) == 3
    chosen, left = improved(graph, np.ones(10, bool), start, 2, 0, is_late=never)
    assert left == 0
    assert sorted(chosen.tolist()) == [2, 7]


def test_the_order_is_greedy_and_leaves_nobody_out() -> None:
    for graph, holds, is_open, _ in cases():
        chosen = np.arange(graph.n)[::-1]
        order = greedy_order(graph, is_open, chosen)
        assert sorted(order.tolist()) == list(range(graph.n))
        left = [outside(holds, is_open, order[:k]) for k in range(graph.n + 1)]
        assert (np.diff(left, 2) >= 0).all()  # each covers at most as many more as the one before


def test_the_bound_is_never_above_the_fewest() -> None:
    for graph, holds, is_open, count in cases():
        bound, shares = relaxed(graph, is_open, count)
        assert bound <= fewest(holds, is_open, count) + 1e-9
        assert -1e-9 <= shares.min() <= shares.sum() <= count + 1e-9


def test_the_bound_is_the_best_that_the_relaxation_gives() -> None:
    from scipy.optimize import linprog

    for graph, holds, is_open, count in cases():
        n, rows = graph.n, int(is_open.sum())
        found = linprog(  # shares of balls, and of open items outside
            np.repeat([0.0, 1.0], [n, rows]),
            A_ub=np.block([[-1.0 * holds[is_open], -np.eye(rows)], [np.ones((1, n)), np.zeros((1, rows))]]),
            b_ub=np.append(-np.ones(rows), count),
            bounds=(0.0, 1.0),
        )
        assert relaxed(graph, is_open, count)[0] == pytest.approx(found.fun, abs=1e-8)


def test_the_programme_decides_as_trying_all_does() -> None:
    for graph, holds, is_open, count in cases():
        least = fewest(holds, is_open, count)
        chosen = choice(graph, is_open, count, least)
        assert chosen is not None
        assert len(chosen) <= count
        assert outside(holds, is_open, chosen) <= least
        if least:
            assert choice(graph, is_open, count, least - 1) is None


def test_too_little_time_or_no_node_decides_nothing() -> None:
    graph, _ = balls(rng().standard_normal((700, 6)), 2.0)
    everything = np.ones(700, bool)
    assert relaxed(graph, everything, 20, seconds=0.0)[0] == 0.0
    with pytest.raises(Undecided):
        choice(graph, everything, 20, 60, seconds=0.0)
    with pytest.raises(Undecided):
        choice(graph, everything, 20, 60, nodes=0)


@pytest.mark.parametrize("seed", [3, 5])  # of the second the radius stays unproven
def test_the_bound_proves_what_programmes_without_a_node_cannot(seed: int) -> None:
    points = rng(seed).standard_normal((60, 3))
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    radii = np.unique(np.round(apart[np.triu_indices(60, 1)], 12))
    low, high = 0, len(radii) - 1  # the smallest radius at which the relaxation lets so few stay outside
    while low < high:
        middle = (low + high) // 2
        bound = relaxed(balls(points, radii[middle] * (1.0 + 1e-9))[0], np.ones(60, bool), 4)[0]
        low, high = (middle + 1, high) if bound > 2.0 + 1e-6 else (low, middle)
    found = covering_centres(points, 4, outliers=2, nodes=0, rng=rng())
    assert found.lower_bound >= radii[low] * (1.0 - 1e-9)


def test_programmes_that_are_too_large_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    points = rng(1).uniform(size=(60, 2))
    proven = covering_centres(points, 4, outliers=2, rng=rng())
    monkeypatch.setattr(covering, "_LARGEST_PROGRAMME", 10)
    found = covering_centres(points, 4, outliers=2, rng=rng())
    assert proven.is_proven
    assert not found.is_proven
    assert (found.lower_bound, found.gap) == (0.0, 1.0)
    assert found.radius >= proven.radius


def test_copies_fill_a_batch_that_is_larger_than_the_cover() -> None:
    points = np.repeat([[0.0], [1.0]], 3, axis=0)
    found = covering_centres(points, 6, rng=rng())
    assert sorted(found.positions.tolist()) == list(range(6))
    assert found.radius == 0.0


def test_distances_come_in_blocks_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    points, given = rng(2).standard_normal((50, 2)), rng(3).standard_normal((9, 2))
    whole = covering_centres(points, 4, centres=given, outliers=2, rng=rng())
    monkeypatch.setattr(covering, "_BLOCK_MEGABYTES", 1e-3)
    parts = covering_centres(points, 4, centres=given, outliers=2, rng=rng())
    assert parts.positions.tolist() == whole.positions.tolist()
    assert (parts.radius, parts.lower_bound) == (whole.radius, whole.lower_bound)
