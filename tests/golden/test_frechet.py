"""The Fréchet mean in hyperbolic space: closed forms, the flow, and what has no mean."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import ConvergenceError, SignalError
from nextlabel.maths import frechet
from nextlabel.maths.frechet import frechet_mean, frechet_means
from nextlabel.maths.hyperbolic import OUTERMOST, exp_at, log_at, mobius_sum, poincare_to

Array = NDArray[Any]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def ball(n: int, d: int, seed: int) -> Array:
    """Directions with lengths up to the rim."""
    draw = rng(seed)
    vectors = draw.standard_normal((n, d))
    lengths = np.minimum(np.tanh(draw.uniform(0, 6.5, n)), OUTERMOST)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True) * lengths[:, None])


def pull(mean: Array, points: Array, weights: Array) -> float:
    """The length of the gradient, in lengths of the space: zero at the mean and nowhere else."""
    tangents = log_at(mean[None], points) * 2 / (1 - mean @ mean)
    return float(np.linalg.norm(weights @ tangents) / weights.sum())


@pytest.mark.parametrize("length", [1e-6, 0.3, 0.9, OUTERMOST])
def test_the_mean_of_a_point_and_its_mirror_image_is_the_origin(length: float) -> None:
    x = length * np.array([[0.6, 0.0, -0.8]])
    np.testing.assert_allclose(frechet_mean(np.concatenate([x, -x])), 0.0, atol=1e-9)


def test_the_mean_of_one_point_is_the_point() -> None:
    x = np.array([[0.3, -0.9]])
    np.testing.assert_allclose(frechet_mean(x), x[0], rtol=1e-12)
    np.testing.assert_allclose(frechet_mean(np.repeat(x, 5, axis=0)), x[0], rtol=1e-12)


def test_the_mean_of_two_points_is_equally_far_from_both_and_halfway() -> None:
    for seed in range(20):
        points = ball(2, 3, seed)
        mean = frechet_mean(points)
        one, other = poincare_to(points, mean)
        assert one == pytest.approx(other, rel=1e-7)
        assert one + other == pytest.approx(poincare_to(points[:1], points[1])[0], rel=1e-7)


def test_weights_divide_a_line_in_their_proportion() -> None:
    # on a line through the origin distances add up: log₀ makes hyperbolic space flat there
    points, weights = np.array([[0.2], [-0.7], [0.95]]), np.array([3.0, 1.0, 2.0])
    expected = np.tanh(weights @ np.arctanh(points[:, 0]) / weights.sum())
    assert frechet_mean(points, weights=weights)[0] == pytest.approx(expected, rel=1e-8)
    twice = frechet_mean(np.repeat(points, [3, 1, 2], axis=0))
    assert twice[0] == pytest.approx(expected, rel=1e-8)


def test_the_gradient_vanishes_at_the_mean_wherever_the_points_lie() -> None:
    for seed in range(30):
        points = ball(int(rng(seed).integers(2, 25)), 1 + seed % 5, seed)
        weights = rng(seed).random(len(points)) + 1e-3
        # the rounding of a point at the rim is about ε/(1 − r²) of a length
        assert pull(frechet_mean(points, weights=weights), points, weights) < 1e-8


def test_the_mean_moves_with_an_isometry() -> None:
    points, move = 0.8 * ball(9, 3, 1), np.array([[0.3, -0.2, 0.5]])
    straight = mobius_sum(move, frechet_mean(points)[None])[0]
    np.testing.assert_allclose(frechet_mean(mobius_sum(move, points)), straight, atol=1e-8)


def test_curvature_scales_the_mean() -> None:
    points = ball(7, 2, 3)
    np.testing.assert_allclose(
        frechet_mean(points / 3.0, curvature=9.0), frechet_mean(points) / 3.0, atol=1e-9
    )


def test_the_centroid_on_the_hyperboloid_is_another_point() -> None:
    # the approximation that must not be called the mean: nine points near the origin and one far out
    points = np.array([[0.05 * k, 0.0] for k in range(9)] + [[0.0, 0.99]])
    groups, weights = np.zeros(10, np.int64), np.full(10, 0.1)
    approximate = frechet._centroids(points, groups, weights, 1)[0]
    assert pull(approximate, points, weights) > 0.1
    assert pull(frechet_mean(points), points, weights) < 1e-9


def test_the_flow_with_steps_of_one_would_swing_for_ever() -> None:
    # four points on the rim, a little off the centre: the plain flow of the textbook leaves the mean, and
    # comes no nearer in 2,000 steps
    points = OUTERMOST * np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    mean = np.array([1e-3, 2e-3])
    for _ in range(2_000):
        mean = exp_at(mean[None], log_at(mean[None], points).mean(axis=0)[None])[0]
    assert pull(mean, points, np.ones(4)) > 0.1
    np.testing.assert_allclose(frechet_mean(points), 0.0, atol=1e-9)


def test_groups_have_the_means_that_they_have_alone() -> None:
    points = ball(40, 3, 5)
    groups = np.arange(40) % 4
    together = frechet_means(points, groups)
    for group in range(4):
        np.testing.assert_allclose(together[group], frechet_mean(points[groups == group]), atol=1e-9)


@pytest.mark.parametrize(
    ("points", "weights", "received"),
    [
        (np.empty((0, 2)), None, "received 0 points and weights that sum to 0"),
        (np.zeros((2, 2)), [1.0, -2.0], "received 2 points and weights that sum to -1, from -2 up"),
        (np.zeros((2, 2)), [0.0, 0.0], "received 2 points and weights that sum to 0, from 0 up"),
    ],
)
def test_what_has_no_mean_is_refused(points: Array, weights: Any, received: str) -> None:
    with pytest.raises(SignalError, match=received):
        frechet_mean(points, weights=weights)


def test_too_few_steps_are_an_error_and_no_stale_answer() -> None:
    points = np.array([[0.9, 0.0], [0.0, 0.9], [-0.9, 0.1]])
    with pytest.raises(
        ConvergenceError, match=r"within 2 steps; received points whose next step is \S+ long"
    ):
        frechet_mean(points, steps=2)


def test_a_light_group_has_as_exact_a_mean_as_a_heavy_one() -> None:
    points, groups = ball(20, 3, 5), np.arange(20) % 2
    weights = np.where(groups == 0, 1.0, 1e-9) * rng(6).uniform(0.5, 1.0, 20)
    means = frechet_means(points, groups, weights=weights)
    for group in (0, 1):
        ours = groups == group
        assert pull(means[group], points[ours], weights[ours]) < 1e-7
