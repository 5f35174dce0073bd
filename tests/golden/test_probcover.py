"""ProbCover on a line, its radius, and what it does once everything is covered."""

from typing import Any

import numpy as np
import pytest

from nextlabel import Signals, select
from nextlabel.errors import BatchSizeError, ParameterError, SignalError
from nextlabel.strategies.probcover import ProbCover, probcover

LINE = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0]])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_middle_of_three_then_one_of_two() -> None:
    second = set()
    for seed in range(30):
        picked = probcover(LINE, 2, radius=0.15, rng=rng(seed)).tolist()
        assert picked[0] == 1
        second.add(picked[1])
    assert second == {3, 4}


def test_what_labelled_items_cover_is_left_alone() -> None:
    method = ProbCover(radius=0.15)
    picked = select(method, embedding=LINE, labelled={"embedding": [[0.1]]}, batch=2, seed=0).tolist()
    assert picked[0] in (3, 4)
    assert picked[1] == 5


def test_once_everything_is_covered_the_farthest_items_follow() -> None:
    # the ball of the labelled item covers all; the authors' code would pick item 0
    line = np.array([[0.0], [0.1], [0.5], [0.2]])
    assert probcover(line, 2, labelled=line[:1], radius=1.0, rng=rng()).tolist() == [2, 3]
    # 1 covers everything within reach, 5 the rest; then the farthest from both
    picked = probcover(LINE[[0, 1, 2, 5]], 3, radius=0.15, rng=rng()).tolist()
    assert picked[:2] == [1, 3]
    assert picked[2] in (0, 2)


def test_three_blobs_are_found_without_a_radius() -> None:
    of = np.repeat([0, 1, 2], [40, 30, 20])
    points = np.array([[0.0, 0.0], [60.0, 0.0], [0.0, 60.0]])[of] + rng().standard_normal((90, 2))
    picked = probcover(points, 3, clusters=3, rng=rng())
    assert of[picked].tolist() == [0, 1, 2]


def test_the_number_of_classes_is_that_of_the_clusters() -> None:
    # piles at 0, 1 and 30: as two clusters, a ball reaches across the first two piles, so that one pick
    # covers both; as three clusters it does not, and each pile needs a pick
    points = np.repeat([[0.0], [1.0], [30.0]], 10, axis=0) + 0.001 * np.arange(30.0)[:, None]
    for seed in range(10):
        two, three = (
            ProbCover()
            .pick(Signals({"embedding": points}, class_counts=np.zeros(classes, np.int64)), 3, rng(seed))
            .positions
            // 10
            for classes in (2, 3)
        )
        assert two[0] in (0, 1)
        assert two[1] == 2
        assert sorted(three.tolist()) == [0, 1, 2]


@pytest.mark.parametrize("radius", [None, 1e-9, 1e9])
@pytest.mark.parametrize("labelled", [None, np.empty((0, 2)), np.ones((4, 2))])
def test_equal_items_and_the_whole_pool_are_answered(radius: float | None, labelled: Any) -> None:
    for points in (np.ones((7, 2)), np.ones((1, 2)), rng().standard_normal((9, 2))):
        picked = probcover(points, len(points), labelled=labelled, radius=radius, rng=rng())
        assert sorted(picked.tolist()) == list(range(len(points)))


def test_rotating_and_scaling_with_the_radius_change_nothing() -> None:
    points = rng(2).standard_normal((80, 2))
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    straight = probcover(points, 9, radius=0.4, rng=rng()).tolist()
    assert probcover(points @ turn, 9, radius=0.4, rng=rng()).tolist() == straight
    assert probcover(points * 8.0, 9, radius=3.2, rng=rng()).tolist() == straight
    found = probcover(points, 9, clusters=4, rng=rng()).tolist()
    assert probcover(points * 8.0 + 4.0, 9, clusters=4, rng=rng()).tolist() == found


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"radius": 0.0}, "'radius' must be a finite number above 0; received 0.0"),
        ({"radius": float("nan")}, "'radius' must be a finite number above 0; received nan"),
        ({"radius": "x"}, "'radius' must be a finite number above 0; received 'x'"),
        ({"clusters": 2.5}, "'clusters' must be a whole number from 2 up; received 2.5"),
        ({"purity": None}, "'purity' must be a number above 0 and at most 1; received None"),
        ({"clusters": 1}, "'clusters' must be a whole number from 2 up; received 1"),
        ({"purity": 0.0}, "'purity' must be a number above 0 and at most 1; received 0.0"),
        ({"purity": 1.1}, "'purity' must be a number above 0 and at most 1; received 1.1"),
    ],
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ProbCover(**wrong)
    with pytest.raises(ParameterError, match=message):
        probcover(LINE, 1, rng=rng(), **wrong)


def test_impossible_batches_and_widths_are_refused() -> None:
    with pytest.raises(BatchSizeError, match="the 6 items at hand; received 7"):
        probcover(LINE, 7, rng=rng())
    with pytest.raises(SignalError, match="'labelled' and 'embedding' must agree on axis 'd'"):
        probcover(LINE, 1, labelled=np.zeros((1, 2)), rng=rng())


def test_distances_that_overflow_are_refused() -> None:
    small = rng().standard_normal((6, 2))
    large = small * 1e200
    for points, labelled, name in ((large, None, "embedding"), (small, large, "labelled")):
        with pytest.raises(
            SignalError, match=f"rows of '{name}' must fit into float64; .* Scale '{name}' down"
        ):
            probcover(points, 2, labelled=labelled, rng=rng())


def test_a_scale_that_fits_changes_nothing() -> None:
    points, labelled = rng(1).standard_normal((30, 2)), rng(2).standard_normal((3, 2))
    straight = probcover(points, 7, labelled=labelled, rng=rng()).tolist()
    for points, labelled in ((points * s, labelled * s) for s in (2.0**-100, 2.0**400)):
        assert probcover(points, 7, labelled=labelled, rng=rng()).tolist() == straight


def test_items_too_near_to_tell_apart_leave_no_radius_and_are_spread() -> None:
    # three clusters of three items; in float32 the distance of first and last is lost beside the second
    items = np.array([[0.0], [7.0], [1.1920928955078125e-07]], dtype=np.float32)
    picked = select("probcover", embedding=items, batch=3, seed=0)
    assert sorted(picked.tolist()) == [0, 1, 2]
