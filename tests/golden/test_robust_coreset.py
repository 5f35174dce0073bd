"""Robust core-set selection: closed forms, every choice tried out, limits, options."""

import tracemalloc
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import Signals, select
from nextlabel.errors import BatchSizeError, ParameterError, SignalError
from nextlabel.maths.centres import greedy_centres
from nextlabel.maths.covering import covering_centres
from nextlabel.strategies.robust_coreset import RobustCoreSet, Unproven, robust_coreset
from nextlabel.testing.definitions.robust_coreset import DEFINITION, memory
from nextlabel.testing.laws import Question

Array = NDArray[Any]

FAR = np.concatenate([np.linspace(-1, 1, 21), [100, -100]])[:, None]
LINE = np.arange(10.0)[:, None]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def radius_of(points: Array, chosen: Iterable[int], outliers: int, labelled: Array | None = None) -> float:
    """The plain definition: the largest distance to the nearest centre, without the worst few."""
    centres = points[list(chosen)]
    if labelled is not None:
        centres = np.concatenate([centres, labelled])
    near = np.sort(np.linalg.norm(points[:, None] - centres[None], axis=2).min(axis=1))
    kept = near[: len(near) - outliers]
    return float(kept[-1]) if len(kept) else 0.0


def best_of_all(points: Array, batch: int, outliers: int, labelled: Array | None = None) -> float:
    every = combinations(range(len(points)), batch)
    return min(radius_of(points, chosen, outliers, labelled) for chosen in every)


def test_one_outlier_that_greedy_cannot_leave_out() -> None:
    # 21 points on [−1, 1], one at each of ±100, a centre at 0: greedy takes one end and the other is at 100;
    # with one outlier the radius is 1, below half of greedy's, where the published search would begin
    middle = np.zeros((1, 1))
    greedy = greedy_centres(FAR, 1, centres=middle, rng=rng())[0]
    assert radius_of(FAR, greedy, 0, middle) == 100.0
    found = robust_coreset(FAR, 1, labelled=middle, outliers=1, rng=rng())
    assert (found.radius, found.lower_bound, found.gap, found.is_proven) == (1.0, 1.0, 0.0, True)
    assert abs(FAR[found.positions[0], 0]) == 100.0
    assert robust_coreset(FAR, 1, labelled=middle, outliers=0, rng=rng()).radius == 100.0


def test_a_line_from_its_labelled_end() -> None:
    # greedy has 9 then 4 or 5, radius 2; so has the best pair; one pick reaches 3 at best, at 6 or 7: the
    # labelled 0 reaches 3
    one = robust_coreset(LINE, 1, labelled=LINE[:1], rng=rng())
    assert one.radius == 3.0
    assert one.positions[0] in (6, 7)
    assert robust_coreset(LINE, 2, labelled=LINE[:1], rng=rng()).radius == 2.0


def test_with_as_many_outliers_as_items_the_radius_is_nothing() -> None:
    for given in ({"outliers": 10}, {"outliers": 99}, {"share": 1.0}):
        found = robust_coreset(LINE, 2, **given, rng=rng())
        assert (found.radius, found.lower_bound, found.is_proven) == (0.0, 0.0, True)
        assert len(set(found.positions.tolist())) == 2


@pytest.mark.parametrize("seed", range(40))
def test_the_radius_is_the_best_of_all_choices(seed: int) -> None:
    draw = rng(seed)
    n, d, labels = int(draw.integers(3, 11)), int(draw.integers(1, 3)), int(draw.integers(0, 3))
    batch, outliers = int(draw.integers(1, min(n, 4))), int(draw.integers(0, 4))
    # every other pool on a grid, with copies and equal distances
    points = draw.integers(0, 6, size=(n, d)).astype(float) if seed % 2 else draw.normal(size=(n, d))
    labelled = draw.normal(size=(labels, d)) if labels else None
    found = robust_coreset(points, batch, labelled=labelled, outliers=outliers, rng=draw)
    best = best_of_all(points, batch, outliers, labelled)
    assert found.is_proven
    assert found.radius == pytest.approx(best, rel=1e-12)
    assert radius_of(points, found.positions, outliers, labelled) == pytest.approx(best, rel=1e-12)
    assert len(set(found.positions.tolist())) == batch


def test_without_outliers_it_is_between_half_the_greedy_radius_and_all_of_it() -> None:
    for seed in range(5):
        points = rng(seed).standard_normal((60, 3))
        greedy = radius_of(points, greedy_centres(points, 6, rng=rng())[0], 0)
        found = robust_coreset(points, 6, outliers=0, rng=rng())
        assert greedy / 2 <= found.radius <= greedy


def test_more_picks_and_more_outliers_never_lengthen_the_radius() -> None:
    points = rng(3).standard_normal((40, 2))
    by_batch = [robust_coreset(points, batch, outliers=2, rng=rng()).radius for batch in range(1, 9)]
    by_outliers = [robust_coreset(points, 3, outliers=some, rng=rng()).radius for some in range(9)]
    for radii in (by_batch, by_outliers):
        assert (np.diff(radii) <= 0.0).all()


def test_moving_and_turning_keep_the_radius_and_scaling_scales_it() -> None:
    points = rng(2).standard_normal((50, 2))
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    straight = robust_coreset(points, 4, outliers=2, rng=rng())
    turned = robust_coreset(points @ turn + 5.0, 4, outliers=2, rng=rng())
    assert turned.radius == pytest.approx(straight.radius, rel=1e-12)
    for scale in (2.0**-100, 2.0**400):
        scaled = robust_coreset(points * scale, 4, outliers=2, rng=rng())
        assert scaled.radius == straight.radius * scale
        assert scaled.positions.tolist() == straight.positions.tolist()


def test_copies_of_labelled_items_come_last() -> None:
    points = np.array([[2.0, 1.0], [7.0, 7.0], [2.0, 1.0], [3.0, 1.0]])
    picked = robust_coreset(points, 4, labelled=points[:1], rng=rng()).positions.tolist()
    assert sorted(picked[:2]) == [1, 3]


def test_the_first_pick_reaches_most() -> None:
    # clusters of 3, 9 and 6 items: one centre each, the largest first
    points = np.repeat([[0.0], [50.0], [100.0]], [3, 9, 6], axis=0) + 0.01 * np.arange(18.0)[:, None]
    picked = robust_coreset(points, 3, rng=rng()).positions
    assert (points[picked, 0] // 50).tolist() == [1, 2, 0]


def test_picks_that_the_radius_does_not_need_go_to_what_is_farthest() -> None:
    # three triples need a centre each for radius 1, and six for less; then the outlier, then an end
    points = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0], [20.0], [21.0], [22.0], [500.0]])
    found = robust_coreset(points, 5, outliers=1, rng=rng())
    assert found.radius == 1.0
    assert sorted(found.positions[:3].tolist()) == [1, 4, 7]
    assert found.positions[3] == 9
    assert found.positions[4] in (0, 2, 3, 5, 6, 8)


def test_the_order_of_the_items_changes_nothing_and_equal_rows_are_drawn_from() -> None:
    points = rng(5).integers(0, 4, size=(30, 2)).astype(float)  # with copies, and many best choices
    straight = points[robust_coreset(points, 4, outliers=3, rng=rng()).positions].tolist()
    firsts = set()
    for seed in range(20):
        order = rng(seed).permutation(30)
        found = robust_coreset(points[order], 4, outliers=3, rng=rng(seed)).positions
        assert points[order][found].tolist() == straight
        firsts.add(int(order[found[0]]))
    assert len(firsts) == (points == straight[0]).all(axis=1).sum()


def test_the_share_is_of_the_unlabelled_items_and_rounded_down() -> None:
    line = np.concatenate([np.zeros(99), [7.0]])[:, None]
    radius = {share: robust_coreset(line, 1, share=share, rng=rng()).radius for share in (0.0099, 0.01)}
    assert radius == {0.0099: 7.0, 0.01: 0.0}
    assert robust_coreset(line, 1, share=0.0099, round_up=True, rng=rng()).radius == 0.0
    assert robust_coreset(line, 1, share=0.0, round_up=True, rng=rng()).radius == 7.0
    # 0.29 · 100 is 28.999999999999996, and means 29
    assert robust_coreset(np.repeat([[0.0], [7.0]], [71, 29], axis=0), 1, share=0.29, rng=rng()).radius == 0.0
    # by default floor(1e-4 · n): of 100 items none
    assert robust_coreset(line, 1, rng=rng()).radius == 7.0


def test_cosine_looks_at_directions_and_logits_are_read_where_asked_for() -> None:
    points = np.array([[1.0, 0.0], [900.0, 0.0], [0.0, 1.0], [0.0, 70.0], [1.0, 1.0]])
    found = robust_coreset(points, 2, labelled=points[4:], metric="cosine", rng=rng())
    assert found.radius == 0.0
    assert sorted(found.positions.tolist())[0] in (0, 1)
    method = RobustCoreSet(of="logits")
    assert (method.needs, method.needs_labelled) == (frozenset({"logits"}), frozenset({"logits"}))
    assert select(method, logits=LINE, labelled={"logits": LINE[:1]}, batch=1, seed=0)[0] in (6, 7)


def test_a_large_pool_is_represented_by_a_sample() -> None:
    points = rng(1).standard_normal((300, 2))
    found = {tuple(robust_coreset(points, 3, sample=40, rng=rng(seed)).positions) for seed in range(3)}
    assert len(found) > 1
    assert max(map(max, found)) >= 40  # positions are those of the pool
    again = RobustCoreSet(sample=40).pick(Signals({"embedding": points}), 3, rng(0))
    assert tuple(again.positions) in found
    assert len(set(robust_coreset(points, 60, sample=40, rng=rng()).positions.tolist())) == 60


def test_the_outliers_are_those_of_the_pool_and_a_sample_has_its_part() -> None:
    # one of a hundred may lie outside: of fifty half an item, which is one; half the samples hold it
    line = np.append(np.linspace(0.0, 1.0, 99), 1000.0)[:, None]
    half: dict[str, Any] = {"labelled": np.zeros((1, 1)), "sample": 50}
    for allowed in ({"share": 0.01}, {"outliers": 1}):
        assert max(robust_coreset(line, 1, **allowed, **half, rng=rng(s)).radius for s in range(12)) < 1.0
    radii = [robust_coreset(line, 1, labelled=line[:1], outliers=0, sample=50, rng=rng(s)) for s in range(12)]
    assert {found.positions[0] == 99 for found in radii} == {True, False}
    # thirty of a hundred are three of ten, not ten
    points = rng().standard_normal((100, 2))
    sampled = np.sort(rng(5).choice(100, 10, replace=False))
    found = robust_coreset(points, 2, outliers=30, sample=10, rng=rng(5))
    assert found.radius == robust_coreset(points[sampled], 2, outliers=3, rng=rng()).radius > 0.0


def test_by_default_the_first_outlier_is_left_out_of_ten_thousand_items() -> None:
    points = rng(8).standard_normal((10_000, 2))
    for n, outliers in ((10_000, 1), (9_999, 0)):
        for seed in range(3):
            found = robust_coreset(points[:n], 2, sample=60, rng=rng(seed))
            stated = [robust_coreset(points[:n], 2, sample=60, outliers=k, rng=rng(seed)) for k in (0, 1)]
            assert stated[0].radius > stated[1].radius
            assert found.radius == stated[outliers].radius


def test_memory_stays_within_what_is_declared() -> None:
    # one pick to reach all: nearly all pairs lie within the radius; too many of them for programmes
    points = rng().standard_normal((3_200, 2))
    tracemalloc.start()
    covering_centres(points, 1, seconds=1e-9, rng=rng())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    pairs = 3_200**2
    assert 20 * pairs < peak < 24 * pairs  # at least what is kept, and what the docstrings say at most
    assert peak < memory({"n": 3_200})


def test_a_limit_gives_the_best_found_and_a_warning_that_names_the_gap() -> None:
    points = rng(4).uniform(size=(150, 2))
    with pytest.warns(Unproven, match=r"radius is 0\.\d+, .* below 0\.\d+, a gap of \d+\.\d%.*'time_limit'"):
        found = robust_coreset(points, 5, time_limit=1e-3, rng=rng())
    proven = robust_coreset(points, 5, time_limit=None, rng=rng())
    assert proven.is_proven
    assert not found.is_proven
    assert found.lower_bound <= proven.radius <= found.radius
    assert 0.0 < found.gap <= 1.0
    assert radius_of(points, found.positions, 0) == pytest.approx(found.radius, rel=1e-12)


def test_a_limit_of_nodes_gives_the_same_on_any_machine() -> None:
    # three dimensions and twelve picks: bounds and swaps alone do not settle it
    points = rng().standard_normal((80, 3))
    limited = []
    for _ in range(2):
        with pytest.warns(Unproven, match=r"'node_limit'"):
            limited.append(robust_coreset(points, 12, time_limit=None, node_limit=0, rng=rng()))
    one, other = limited
    assert (one.radius, one.lower_bound) == (other.radius, other.lower_bound)
    assert one.positions.tolist() == other.positions.tolist()
    proven = robust_coreset(points, 12, time_limit=None, rng=rng())
    assert proven.is_proven
    assert one.lower_bound < proven.radius < one.radius


def test_the_strategy_is_held_to_its_plain_definition() -> None:
    for seed in range(12):
        draw = rng(seed)
        question = Question(
            {"embedding": draw.standard_normal((7, 2))},
            2,
            labelled={"embedding": draw.standard_normal((1, 2))},
        )
        picks = select(
            {"name": "robust_coreset", **DEFINITION.parameters},
            batch=2,
            seed=seed,
            labelled=question.labelled,
            **question.signals,
        )
        assert DEFINITION.worth is not None
        best = max(DEFINITION.worth(question, batch) for batch in combinations(range(7), 2))
        assert DEFINITION.worth(question, picks.tolist()) == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"share": 1.5}, "'share' must be a number of at least 0 and at most 1; received 1.5"),
        ({"outliers": -1}, "'outliers' must be a whole number from 0 up; received -1"),
        ({"outliers": 0.5}, "'outliers' must be a whole number from 0 up; received 0.5"),
        ({"round_up": 1}, "'round_up' must be True or False; received 1"),
        ({"metric": "manhattan"}, "'metric' must be 'euclidean' or 'cosine'; received 'manhattan'"),
        ({"time_limit": 0}, "'time_limit' must be a finite number above 0; received 0"),
        ({"node_limit": -1}, "'node_limit' must be a whole number from 0 up; received -1"),
        ({"sample": 0}, "'sample' must be a whole number from 1 up; received 0"),
    ],
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        RobustCoreSet(**wrong)
    with pytest.raises(ParameterError, match=message):
        robust_coreset(LINE, 1, rng=rng(), **wrong)


def test_unknown_readings_impossible_batches_and_widths_are_refused() -> None:
    with pytest.raises(ParameterError, match="'of' must be 'embedding' or 'logits'; received 'proba'"):
        RobustCoreSet(of="proba")  # type: ignore[arg-type]
    with pytest.raises(BatchSizeError, match="the 10 items at hand; received 11"):
        robust_coreset(LINE, 11, rng=rng())
    with pytest.raises(SignalError, match="'labelled' and 'embedding' must agree on axis 'd'"):
        robust_coreset(LINE, 1, labelled=np.zeros((1, 2)), rng=rng())


def test_distances_that_overflow_are_refused() -> None:
    small = rng().standard_normal((6, 2))
    large = small * 1e200
    for points, labelled, name in ((large, None, "embedding"), (small, large, "labelled")):
        with pytest.raises(
            SignalError, match=f"rows of '{name}' must fit into float64; .* Scale '{name}' down"
        ):
            robust_coreset(points, 2, labelled=labelled, rng=rng())
    assert len(robust_coreset(large, 2, metric="cosine", rng=rng()).positions) == 2  # directions fit
