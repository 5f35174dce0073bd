"""BADGE's seeding on the embedding in hyperbolic space: first picks, limits, what cannot be."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import Signals
from nextlabel.errors import BatchSizeError, ParameterError, SignalError
from nextlabel.maths.hyperbolic import in_unit_ball, poincare_to
from nextlabel.strategies.badge import BADGE, badge

Array = NDArray[Any]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def of_doubt(doubt: Any) -> Array:
    """Residuals of two classes, of the lengths √2·doubt."""
    doubt = np.asarray(doubt, np.float64)
    return np.stack([-doubt, doubt], axis=1)


def test_the_first_is_the_largest_product_of_doubt_and_distance_from_the_origin() -> None:
    # 2·artanh: 0.2 of 2.0 is 0.8 and 0.5 of 0.7 is 0.7; in flat space the second has the longer gradient
    line = np.array([[np.tanh(2.0)], [np.tanh(0.7)]])
    assert badge(of_doubt([0.2, 0.5]), line, 1, geometry="ball", rng=rng()).tolist() == [0]
    assert badge(of_doubt([0.2, 0.5]), line, 1, rng=rng()).tolist() == [1]


def test_sure_items_and_copies_come_last_and_the_batch_is_filled() -> None:
    features = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [-1.0, 0.0]])
    residual = of_doubt([0.4, 0.4, 0.4, 0.0, 0.4])
    for seed in range(20):
        picked = badge(residual, features, 5, geometry="hyperbolic", rng=rng(seed)).tolist()
        assert sorted(picked) == list(range(5))
        assert {*picked[:3]} - {0, 1} == {2, 4}
        assert set(picked[3:]) & {3} == {3}


def test_scores_are_weighted_squared_distances_and_curvature_scales_them() -> None:
    features, residual = rng(1).standard_normal((20, 3)), of_doubt(rng(2).uniform(0.1, 0.5, 20))
    signals = Signals({"residual": residual, "embedding": features})
    picks = BADGE(geometry="hyperbolic").pick(signals, 3, rng())
    points, doubt = in_unit_ball(features, "features"), np.linalg.norm(residual, axis=1)
    one, two, three = picks.positions.tolist()
    near = np.minimum(poincare_to(points, points[one]), poincare_to(points, points[two]))
    assert picks.scores is not None
    expected = [poincare_to(points, np.zeros(3))[one], poincare_to(points, points[one])[two], near[three]]
    np.testing.assert_allclose(picks.scores, (doubt[[one, two, three]] * expected) ** 2, rtol=1e-12)
    halved = Signals({"residual": residual, "embedding": features / 2})
    again = BADGE(geometry="hyperbolic", curvature=4.0).pick(halved, 3, rng())
    assert again.scores is not None
    assert again.positions.tolist() == [one, two, three]
    np.testing.assert_allclose(again.scores, picks.scores / 4, rtol=1e-12)


def test_with_equal_residuals_and_short_features_it_is_badge_up_to_the_factor_of_two() -> None:
    features, residual = 1e-4 * rng(3).standard_normal((12, 3)), of_doubt(np.full(12, 0.3))
    signals = Signals({"residual": residual, "embedding": features})
    flat = BADGE().pick(signals, 2, rng())
    gradients = np.einsum("nc,nd->ncd", residual, features).reshape(12, -1)
    curved = BADGE(geometry="hyperbolic").pick(signals, 2, rng())
    assert curved.positions[0] == flat.positions[0]
    first, second = gradients[curved.positions]
    assert curved.scores is not None
    expected = [4 * first @ first, 4 * (second - first) @ (second - first)]
    np.testing.assert_allclose(curved.scores, expected, rtol=1e-6)


def test_the_direction_of_the_residual_does_not_count() -> None:
    features, residual = rng(4).standard_normal((10, 2)), of_doubt(rng(5).uniform(0.1, 0.5, 10))
    turned = residual * np.where(np.arange(10) % 2, 1.0, -1.0)[:, None]
    for seed in range(5):
        one, other = (
            badge(one, features, 6, geometry="hyperbolic", rng=rng(seed)) for one in (residual, turned)
        )
        assert one.tolist() == other.tolist()


def test_all_sure_is_drawn_uniformly_and_answered_whole() -> None:
    features = rng(6).standard_normal((4, 2))
    for first in ("largest", "uniform", "norm"):
        method = BADGE(geometry="hyperbolic", first=first)
        signals = Signals({"residual": np.zeros((4, 2)), "embedding": features})
        seen = {int(method.pick(signals, 1, rng(seed)).positions[0]) for seed in range(60)}
        assert seen == {0, 1, 2, 3}
        assert sorted(method.pick(signals, 4, rng()).positions.tolist()) == [0, 1, 2, 3]


def test_small_residuals_are_not_lost() -> None:
    # their squares are below the smallest number
    features, doubt = rng(7).standard_normal((9, 2)), rng(8).uniform(0.1, 0.5, 9)
    usual = badge(of_doubt(doubt), features, 5, geometry="hyperbolic", rng=rng())
    scaled = badge(of_doubt(2.0**-600 * doubt), features, 5, geometry="hyperbolic", rng=rng())
    assert usual.tolist() == scaled.tolist()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"geometry": "flat"}, "'geometry' must be 'euclidean', 'hyperbolic' or 'ball'; received 'flat'"),
        ({"curvature": np.inf}, "'curvature' must be a finite number above 0; received inf"),
        (
            {"geometry": "hyperbolic", "include_bias": True},
            "'include_bias' must be False where 'geometry' is 'hyperbolic', .* received True",
        ),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        BADGE(**wrong)
    with pytest.raises(ParameterError, match=message):
        badge(of_doubt([0.5]), np.ones((1, 1)), 1, rng=rng(), **wrong)


def test_impossible_batches_sizes_rules_and_points_are_refused() -> None:
    one: dict[str, Any] = {"geometry": "hyperbolic", "rng": rng()}
    with pytest.raises(BatchSizeError, match="the 1 items at hand; received 2"):
        badge(of_doubt([0.5]), np.ones((1, 1)), 2, **one)
    with pytest.raises(SignalError, match="'embedding' and 'residual' must agree on axis 'n'"):
        badge(of_doubt([0.5]), np.ones((2, 1)), 1, **one)
    with pytest.raises(ParameterError, match=r"'first' must be .* received 'last'"):
        badge(of_doubt([0.5]), np.ones((1, 1)), 1, first="last", **one)  # type: ignore[arg-type]
    with pytest.raises(SignalError, match="the row at 0 has the length 2"):
        badge(of_doubt([0.5]), np.full((1, 1), 2.0), 1, geometry="ball", rng=rng())
