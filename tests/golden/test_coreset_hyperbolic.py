"""k-centre in hyperbolic space."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import Signals, select
from nextlabel.errors import BatchSizeError, ParameterError, SignalError
from nextlabel.maths.frechet import frechet_mean
from nextlabel.maths.hyperbolic import in_unit_ball, mobius_sum
from nextlabel.strategies.coreset import CoreSet, coreset

Array = NDArray[Any]

HYPERBOLIC = CoreSet(geometry="hyperbolic")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def plain(points: Array, batch: int, given: Array) -> list[int]:
    """The greedy sequence by the formula of the distance, for points of the unit ball without ties."""
    picks: list[int] = []
    for _ in range(batch):
        centres = np.concatenate([given, points[picks]])
        gap = ((points[:, None] - centres[None]) ** 2).sum(axis=2)
        depth = (1 - (points**2).sum(axis=1))[:, None] * (1 - (centres**2).sum(axis=1))
        near = np.arccosh(1 + 2 * gap / depth).min(axis=1)
        near[picks] = -1.0
        picks.append(int(near.argmax()))
    return picks


def test_the_sequence_is_that_of_the_plain_definition() -> None:
    for seed in range(10):
        features, seen = rng(seed).standard_normal((40, 3)), rng(seed + 99).standard_normal((4, 3))
        inside, given = (
            np.tanh(np.linalg.norm(v, axis=1, keepdims=True)) * v / np.linalg.norm(v, axis=1, keepdims=True)
            for v in (features, seen)
        )
        picked = coreset(features, 8, labelled=seen, geometry="hyperbolic", rng=rng())
        assert picked.tolist() == plain(inside, 8, given)
        in_ball = coreset(inside, 8, labelled=given, geometry="ball", rng=rng())
        assert in_ball.tolist() == picked.tolist()


def test_copies_are_picked_once_each() -> None:
    points = np.repeat([[0.1, 0.2], [0.3, -0.4]], 3, axis=0)
    picked = coreset(points, 6, labelled=points[:1], geometry="hyperbolic", rng=rng())
    assert sorted(picked.tolist()) == list(range(6))


def test_items_equally_far_are_drawn() -> None:
    # of a fair draw, one of the two is missing from 40 seeds with a chance of 2 · 2⁻⁴⁰
    points, seen = np.array([[0.5, 0.0], [0.1, 0.0], [-0.5, 0.0]]), np.zeros((1, 2))
    first = {int(coreset(points, 1, labelled=seen, geometry="ball", rng=rng(seed))[0]) for seed in range(40)}
    assert first == {0, 2}


def test_the_farthest_in_the_ball_is_not_the_farthest_in_flat_space() -> None:
    # from the labelled 0.8: flat −0.3 is 1.1 away and 0.995 is 0.195; hyperbolic 2.8 and 3.8
    line, seen = np.array([[-0.3], [0.995]]), np.array([[0.8]])
    assert coreset(line, 1, labelled=seen, rng=rng()).tolist() == [0]
    assert coreset(line, 1, labelled=seen, geometry="ball", rng=rng()).tolist() == [1]


def test_short_features_give_the_order_of_flat_space_and_twice_its_distances() -> None:
    for seed in range(5):
        points, seen = 1e-4 * rng(seed).standard_normal((60, 3)), 1e-4 * rng(seed + 9).standard_normal((2, 3))
        signals = Signals({"embedding": points}, labelled=Signals({"embedding": seen}))
        flat, curved = CoreSet().pick(signals, 20, rng()), HYPERBOLIC.pick(signals, 20, rng())
        assert curved.positions.tolist() == flat.positions.tolist()
        assert flat.scores is not None
        assert curved.scores is not None
        np.testing.assert_allclose(curved.scores, 2 * flat.scores, rtol=1e-6)
        assert (
            coreset(points, 9, geometry="ball", rng=rng()).tolist() == coreset(points, 9, rng=rng()).tolist()
        )


def test_without_labels_the_first_is_nearest_the_frechet_mean() -> None:
    for seed in range(10):
        features = rng(seed).standard_normal((30, 2))
        inside = in_unit_ball(features, "embedding")
        mean = frechet_mean(inside)
        gap = ((inside - mean) ** 2).sum(axis=1) / ((1 - mean @ mean) * (1 - (inside**2).sum(axis=1)))
        picks = HYPERBOLIC.pick(Signals({"embedding": features}), 2, rng())
        assert picks.positions[0] == gap.argmin()
        assert picks.scores is None


def test_curvature_scales_features_and_distances() -> None:
    points, seen = rng(1).standard_normal((30, 2)), rng(2).standard_normal((2, 2))
    signals = Signals({"embedding": points}, labelled=Signals({"embedding": seen}))
    halved = Signals({"embedding": points / 2}, labelled=Signals({"embedding": seen / 2}))
    one, four = (
        HYPERBOLIC.pick(signals, 9, rng()),
        CoreSet(geometry="hyperbolic", curvature=4.0).pick(halved, 9, rng()),
    )
    assert one.positions.tolist() == four.positions.tolist()
    assert one.scores is not None
    assert four.scores is not None
    np.testing.assert_allclose(four.scores, one.scores / 2, rtol=1e-12)


def test_a_translation_of_the_ball_changes_nothing() -> None:
    points, move = in_unit_ball(rng(3).standard_normal((40, 3)), "embedding"), np.array([[0.3, 0.1, -0.4]])
    moved = mobius_sum(move, points)
    for given in (None, slice(0, 3)):
        seen, seen_moved = (None, None) if given is None else (points[given], moved[given])
        straight = coreset(points, 8, labelled=seen, geometry="ball", rng=rng())
        again = coreset(moved, 8, labelled=seen_moved, geometry="ball", rng=rng())
        assert straight.tolist() == again.tolist()


def test_copies_of_labelled_items_come_last_and_scores_never_rise() -> None:
    points = np.array([[2.0, 1.0], [3.0, 3.0], [2.0, 1.0], [1.0, 1.0]])
    signals = Signals({"embedding": points}, labelled=Signals({"embedding": points[:1]}))
    picks = HYPERBOLIC.pick(signals, 4, rng())
    assert picks.positions[:2].tolist() == [1, 3]
    assert picks.scores is not None
    assert (np.diff(picks.scores) <= 0.0).all()
    assert picks.scores[2:].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"geometry": "spherical"},
            "'geometry' must be 'euclidean', 'hyperbolic' or 'ball'; received 'spherical'",
        ),
        ({"curvature": 0}, "'curvature' must be a finite number above 0; received 0"),
        (
            {"geometry": "ball", "metric": "cosine"},
            "'metric' must be 'euclidean' where 'geometry' is 'ball', .* received 'cosine'",
        ),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        CoreSet(**wrong)
    with pytest.raises(ParameterError, match=message):
        coreset(np.zeros((3, 1)), 1, rng=rng(), **wrong)


def test_impossible_batches_widths_and_points_are_refused() -> None:
    with pytest.raises(BatchSizeError, match="the 3 items at hand; received 4"):
        coreset(np.zeros((3, 1)), 4, geometry="hyperbolic", rng=rng())
    with pytest.raises(SignalError, match="'labelled' and 'embedding' must agree on axis 'd'"):
        coreset(np.zeros((3, 1)), 1, labelled=np.zeros((1, 2)), geometry="hyperbolic", rng=rng())
    with pytest.raises(SignalError, match=r"Rows of 'labelled' .* the row at 0 has the length 3"):
        select(CoreSet(geometry="ball"), embedding=[[0.5]], labelled={"embedding": [[3.0]]}, batch=1, seed=0)
