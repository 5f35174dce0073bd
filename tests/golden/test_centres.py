"""Greedy k-centre: the sequence of its plain twin, hand-worked cases, and the bound of twice the optimum."""

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import BatchSizeError, SignalError
from nextlabel.maths import centres
from nextlabel.maths.centres import greedy_centres
from nextlabel.maths.distances import LANES, squared_distances_to
from nextlabel.maths.kernels.centres import squared, squared_to

Points = NDArray[np.floating[Any]]


@pytest.fixture(params=["plain", "compiled"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either form, whatever the size of the pool."""
    monkeypatch.setattr(centres, "_PLAIN_WORK", 0 if request.param == "compiled" else 1 << 62)
    return str(request.param)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(centres, "_PLAIN_WORK", 0)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def twin(points: Points, batch: int, given: Points, order: NDArray[np.int64]) -> list[int]:
    """The row kernel over all rows for every centre, then the first of the farthest in the permutation."""
    lanes = np.empty(LANES)
    nearest = np.full(len(points), np.inf)

    def meet(centre: Points) -> None:
        for i, row in enumerate(points):
            nearest[i] = min(nearest[i], squared(row, centre, lanes))

    for centre in given:
        meet(centre)
    picks: list[int] = []
    for _ in range(batch):
        if picks or len(given):
            pick = int(order[nearest[order].argmax()])
        else:
            to_mean = np.empty(len(points))
            squared_to(points, points.sum(axis=0, dtype=np.float64) / len(points), to_mean)
            pick = int(order[to_mean[order].argmin()])
        picks.append(pick)
        meet(points[pick])
        nearest[pick] = -1.0
    return picks


def pools(kind: str, n: int, features: int, dtype: type) -> Points:
    draw = rng(n + features)
    made = {
        "random": draw.standard_normal((n, features)),
        "grid": draw.integers(0, 3, (n, features)).astype(np.float64),
        "copies": np.repeat(draw.standard_normal((6, features)), n // 6 + 1, axis=0)[:n],
        "tight clusters": draw.standard_normal((9, features))[draw.integers(9, size=n)]
        + 1e-3 * draw.standard_normal((n, features)),
    }
    return made[kind].astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("given", [0, 5])
@pytest.mark.parametrize("features", [1, 2, 64])
@pytest.mark.parametrize("kind", ["random", "grid", "copies", "tight clusters"])
def test_the_sequence_is_that_of_the_twin(
    form: str, kind: str, features: int, given: int, dtype: type
) -> None:
    points = pools(kind, 120, features, dtype)
    labelled = points[rng(7).integers(120, size=given)]
    order = rng(3).permutation(120)
    picked, distances = greedy_centres(points, 40, centres=labelled, rng=rng(3))
    assert picked.tolist() == twin(points, 40, labelled, order)
    assert picked.dtype == np.int64
    assert (np.diff(distances) <= 0.0).all()


def test_the_twin_with_another_rule_for_ties_disagrees(form: str) -> None:
    points = pools("grid", 120, 2, np.float64)
    picked = greedy_centres(points, 40, centres=points[:1], rng=rng(3))[0]
    assert picked.tolist() != twin(points, 40, points[:1], np.arange(120))


@pytest.mark.parametrize("features", [1, 31, 32, 512])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_kernel_sums_to_the_last_bit_as_numpy_does(features: int, dtype: type) -> None:
    points: Points = rng().standard_normal((60, features)).astype(dtype)
    result = np.empty(60)
    squared_to(points, points[11], result)
    assert result.tolist() == squared_distances_to(points, points[11]).tolist()


@pytest.mark.parametrize(("batch", "expected"), [(1, [10]), (2, [10, 5])])
def test_points_on_a_line_with_the_first_labelled(form: str, batch: int, expected: list[int]) -> None:
    # 0, 1, ..., 10: the far end, then the middle, at distance 5 from both
    line = np.arange(11.0)[:, None]
    assert greedy_centres(line, batch, centres=line[:1], rng=rng())[0].tolist() == expected


def test_a_tie_on_a_line_goes_either_way(form: str) -> None:
    # 0, 1, ..., 9: after 9, both 4 and 5 are at distance 4
    line = np.arange(10.0)[:, None]
    second = {int(greedy_centres(line, 2, centres=line[:1], rng=rng(s))[0][1]) for s in range(40)}
    assert second == {4, 5}


def test_without_centres_the_first_pick_is_nearest_the_mean(form: str) -> None:
    line = np.array([[0.0], [1.0], [2.5], [9.0]])  # the mean is 3.125
    picked, distances = greedy_centres(line, 2, rng=rng())
    assert picked.tolist() == [2, 3]
    assert distances.tolist() == [np.inf, 6.5]


def test_distances_are_plain_not_squared(form: str) -> None:
    points = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    assert greedy_centres(points, 2, centres=points[:1], rng=rng())[1].tolist() == [10.0, 5.0]


def test_the_radius_is_at_most_twice_the_optimum() -> None:
    # the optimum by enumeration: every choice of b centres beside the given one
    for case in range(40):
        points = rng(case).standard_normal((9, 2))
        distance = np.linalg.norm(points[:, None] - points, axis=2)
        for batch in (1, 2, 3, 4):
            picked = greedy_centres(points[1:], batch, centres=points[:1], rng=rng(case))[0] + 1
            radius = distance[:, [0, *picked]].min(axis=1).max()
            best = min(
                distance[:, [0, *choice]].min(axis=1).max() for choice in combinations(range(1, 9), batch)
            )
            assert radius <= 2.0 * best + 1e-12


def test_rotating_shifting_and_scaling_change_nothing(form: str) -> None:
    points = rng(4).standard_normal((90, 6))
    rotation = np.linalg.qr(rng(5).standard_normal((6, 6)))[0]
    straight = greedy_centres(points[5:], 30, centres=points[:5], rng=rng())[0]
    for moved in (points @ rotation, points + 100.0, points * 1e12, points * 1e-12):
        assert greedy_centres(moved[5:], 30, centres=moved[:5], rng=rng())[0].tolist() == straight.tolist()


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_float32_squares_beyond_the_range_of_float32_are_compared(form: str, scale: float) -> None:
    line = (np.arange(11.0)[:, None] * scale).astype(np.float32)
    assert greedy_centres(line, 2, centres=line[:1], rng=rng())[0].tolist() == [10, 5]


@pytest.mark.usefixtures("compiled")
def test_a_sketch_beyond_the_range_of_float32_is_done_without() -> None:
    line = np.arange(11.0)[:, None] * 1e100
    assert greedy_centres(line, 2, centres=line[:1], rng=rng())[0].tolist() == [10, 5]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e18, 1e20, 1e38])
@pytest.mark.parametrize("where", ["in the pool", "among the centres"])
def test_one_row_beyond_the_range_of_float32_leaves_the_others_in_order(
    form: str, where: str, size: float, dtype: type
) -> None:
    points = pools("random", 120, 64, dtype)
    labelled = points[rng(7).integers(120, size=9)]
    (points if where == "in the pool" else labelled)[4] = size
    picked = greedy_centres(points, 40, centres=labelled, rng=rng(3))[0]
    assert picked.tolist() == twin(points, 40, labelled, rng(3).permutation(120))


def test_centres_nearer_than_a_sketch_can_tell_are_all_met(form: str) -> None:
    # ten centres and ten items in each of six balls of 1e-9: sketches in float32 see one place
    middle = np.repeat(rng(1).standard_normal((6, 64)), 10, axis=0)
    points, labelled = (middle + 1e-9 * rng(k).standard_normal(middle.shape) for k in (2, 3))
    picked = greedy_centres(points, 60, centres=labelled, rng=rng(3))[0]
    assert picked.tolist() == twin(points, 60, labelled, rng(3).permutation(60))


def test_centres_finer_than_the_points_are_kept_as_they_are(form: str) -> None:
    # items on whole numbers, centres next to them by less than float32 can say: who is next to which decides
    points = np.arange(8.0, dtype=np.float32)[:, None] + 1.0
    labelled = points.astype(np.float64) + 1e-9 * np.array(
        [[3.0], [1.0], [8.0], [2.0], [7.0], [4.0], [6.0], [5.0]]
    )
    picked, distances = greedy_centres(points, 8, centres=labelled, rng=rng())
    assert picked.tolist() == [2, 4, 6, 7, 5, 0, 3, 1]
    np.testing.assert_allclose(distances, 1e-9 * np.arange(8.0, 0.0, -1.0), rtol=1e-5)


def test_copies_of_a_centre_come_last_each_once_in_any_order(form: str) -> None:
    points = np.array([[1.0, 2.0]] * 8 + [[3.0, 4.0], [5.0, 6.0]])
    orders = set()
    for seed in range(30):
        picked, distances = greedy_centres(points, 10, centres=points[:1], rng=rng(seed))
        assert picked[:2].tolist() == [9, 8]
        assert sorted(picked.tolist()) == list(range(10))
        assert (distances[2:] == 0.0).all()
        orders.add(tuple(picked[2:].tolist()))
    assert len(orders) > 20  # of 8! orders; 30 fair draws give so few with chance below 1e-20


def test_equal_points_end_with_all_of_them(form: str) -> None:
    picked, distances = greedy_centres(np.ones((7, 3), np.float32), 7, rng=rng())
    assert sorted(picked.tolist()) == list(range(7))
    assert distances.tolist() == [np.inf] + [0.0] * 6


@pytest.mark.parametrize("n", [1, 2, 33])
def test_the_whole_pool_comes_out_once(form: str, n: int) -> None:
    picked = greedy_centres(rng(n).standard_normal((n, 3)), n, rng=rng())[0]
    assert sorted(picked.tolist()) == list(range(n))


def test_mixed_precision_read_only_and_mapped_arrays_are_read(form: str, tmp_path: Path) -> None:
    points = rng(8).standard_normal((60, 40)).astype(np.float32)
    file = np.lib.format.open_memmap(tmp_path / "points.npy", mode="w+", dtype=np.float32, shape=points.shape)
    file[:] = points
    mapped = np.load(tmp_path / "points.npy", mmap_mode="r")
    labelled = points[:4].astype(np.float64)
    expected = greedy_centres(points, 20, centres=labelled, rng=rng())[0].tolist()
    assert greedy_centres(mapped, 20, centres=labelled, rng=rng())[0].tolist() == expected
    assert greedy_centres(np.asfortranarray(points), 20, centres=labelled, rng=rng())[0].tolist() == expected
    assert (np.asarray(mapped) == points).all()


def test_a_small_pool_loads_no_compiler() -> None:
    script = (
        "import sys, numpy as np; from nextlabel.maths.centres import greedy_centres; "
        "greedy_centres(np.eye(9), 3, rng=np.random.default_rng(0)); sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_memory_beside_the_inputs_stays_below_300_bytes_an_item() -> None:
    # distances to all centres would take 1,600 bytes an item, a float64 copy 512
    script = """
import resource
import numpy as np
from nextlabel.maths import centres

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

unit = 1 if __import__("sys").platform == "darwin" else 1024
centres._PLAIN_WORK = 0
points = np.random.default_rng(0).standard_normal((200_000, 64), dtype=np.float32)
centres.greedy_centres(points[:20_000], 2, rng=np.random.default_rng(0))
before = peak()
centres.greedy_centres(points, 200, rng=np.random.default_rng(0))
raise SystemExit(peak() - before > 300 * len(points))
"""
    compiling = {**os.environ, "NUMBA_DISABLE_JIT": "0"}
    assert subprocess.run([sys.executable, "-c", script], env=compiling, check=False).returncode == 0


@pytest.mark.parametrize("batch", [0, 4])
def test_an_impossible_batch_is_refused(batch: int) -> None:
    with pytest.raises(BatchSizeError, match=rf"between 1 and the 3 items at hand; received {batch}"):
        greedy_centres(np.zeros((3, 2)), batch, rng=rng())


def test_unequal_widths_are_refused() -> None:
    with pytest.raises(SignalError, match=r"'centres' and 'points' must agree on axis 'd'; .* 2, .* 3"):
        greedy_centres(np.zeros((4, 2)), 1, centres=np.zeros((1, 3)), rng=rng())


def test_distances_that_overflow_are_refused(form: str) -> None:
    large = np.array([[0.0], [1e200]])
    with pytest.raises(
        SignalError, match=r"of 'points' must fit into float64; received values up to 1e\+200"
    ):
        greedy_centres(large, 1, rng=rng())
    with pytest.raises(
        SignalError, match=r"of 'centres' must fit into float64; received values up to 1e\+200"
    ):
        greedy_centres(large[:1], 1, centres=large, rng=rng())
