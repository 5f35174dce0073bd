"""Scores against values worked out by hand, and the slow ways of doing the same."""

from itertools import permutations

import numpy as np
import pytest

from nextlabel.core.disclosure import Array
from nextlabel.errors import ParameterError
from nextlabel.leakage.scores import (
    ItemScore,
    count_overlap,
    feature_scores,
    label_overlap,
    matched,
    rouge_l,
    score_item,
    score_tokens,
)
from nextlabel.leakage.verdicts import is_same


def test_errors_of_an_item_are_those_by_hand() -> None:
    # differences 0.3 and 0.4: squared 0.09 + 0.16 = 0.25; the true length is 5
    score = score_item(np.array([3.3, 4.4]), np.array([3.0, 4.0]), span=2.0)
    assert score.mse == pytest.approx(0.125, rel=1e-12)
    assert score.relative == pytest.approx(0.1, rel=1e-12)
    assert score.psnr == pytest.approx(10 * np.log10(4.0 / 0.125), rel=1e-12)
    assert score.ssim is None
    assert score.tokens is None


def test_equal_items_have_no_error() -> None:
    item = np.linspace(0.0, 1.0, 64).reshape(8, 8)
    assert score_item(item, item, span=1.0, is_image=True) == ItemScore(0.0, 0.0, np.inf, 1.0)


def test_values_are_not_clamped_before_they_are_compared() -> None:
    # clamped to [0, 1] both errors would be zero
    score = score_item(np.array([-1.0, 2.0]), np.array([0.0, 1.0]), span=1.0)
    assert score.mse == 1.0
    assert score.psnr == 0.0


def test_a_zero_item_has_no_relative_error_unless_it_came_back() -> None:
    assert score_item(np.zeros(3), np.zeros(3), span=1.0).relative == 0.0
    assert score_item(np.full(3, 1e-9), np.zeros(3), span=1.0).relative == np.inf


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_what_is_not_finite_or_diverged_is_infinitely_far(value: float) -> None:
    image = np.zeros((8, 8))
    image[0, 0] = 1.0
    score = score_item(np.full((8, 8), value), image, span=1.0, is_image=True)
    assert score.mse == np.inf
    assert score.psnr == -np.inf
    assert score.ssim is not None
    assert score.ssim <= 0.0


@pytest.mark.parametrize("shape", [(8, 8), (7, 9), (3, 16, 16), (16, 16, 3)])
def test_structural_similarity_is_found_for_images_of_any_layout(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    item = rng.uniform(size=shape)
    near, far = item + rng.normal(scale=0.01, size=shape), rng.uniform(size=shape)
    close, wide = (score_item(one, item, span=1.0, is_image=True).ssim for one in (near, far))
    assert close is not None
    assert wide is not None
    assert close > 0.95 > 0.5 > wide


def test_structural_similarity_of_one_window_is_the_formula_by_hand() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.uniform(size=(2, 7, 7))
    c1, c2 = 0.01**2, 0.03**2
    covariance = np.cov(x.ravel(), y.ravel())  # over n - 1, as the authors' code has it
    top = (2 * x.mean() * y.mean() + c1) * (2 * covariance[0, 1] + c2)
    bottom = (x.mean() ** 2 + y.mean() ** 2 + c1) * (covariance[0, 0] + covariance[1, 1] + c2)
    assert score_item(x, y, span=1.0, is_image=True).ssim == pytest.approx(top / bottom, rel=1e-6)


def test_an_image_that_the_window_does_not_fit_into_has_no_structural_similarity() -> None:
    for shape in ((2, 2), (6, 20), (3, 6, 6), (9, 6, 1)):
        for value in (0.0, np.nan):
            assert score_item(np.full(shape, value), np.ones(shape), span=1.0, is_image=True).ssim is None


def test_other_shapes_and_empty_ranges_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"the shape \(3,\) of the true one; received \(2,\)"):
        score_item(np.zeros(2), np.zeros(3), span=1.0)
    for span in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ParameterError, match=f"above 0; received {span!r}"):
            score_item(np.zeros(3), np.zeros(3), span=span)


def test_a_text_is_scored_position_by_position_and_padding_does_not_count() -> None:
    score = score_tokens(np.array([7, 8, 9, -1, -1]), np.array([7, 9, 9]))
    assert score.tokens == pytest.approx(2 / 3)
    assert score.rouge == pytest.approx(2 * 2 / 6)
    assert score_tokens(np.array([7, 8, 9, 9]), np.array([7, 8])).tokens == 0.5
    assert score_tokens(np.array([-1]), np.array([7, 8])).tokens == 0.0
    assert score_tokens(np.array([-1]), np.array([-1])) == ItemScore(tokens=1.0, rouge=1.0)


def _longest(ours: tuple[int, ...], theirs: tuple[int, ...]) -> int:
    """The longest common subsequence, by trying both ways at each step."""
    if not ours or not theirs:
        return 0
    if ours[0] == theirs[0]:
        return 1 + _longest(ours[1:], theirs[1:])
    return max(_longest(ours[1:], theirs), _longest(ours, theirs[1:]))


def test_the_longest_common_subsequence_is_that_of_trying_all() -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        ours, theirs = (tuple(rng.integers(0, 3, rng.integers(0, 7)).tolist()) for _ in range(2))
        total = len(ours) + len(theirs)
        expected = 2 * _longest(ours, theirs) / total if total else 1.0
        assert rouge_l(np.array(ours), np.array(theirs)) == expected


def test_items_are_matched_at_the_least_total_of_bounded_costs() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        costs = rng.exponential(size=(4, 4))
        bounded = costs / (1 + costs)
        least = min(sum(bounded[p[j], j] for j in range(4)) for p in permutations(range(4)))
        pairs = matched(costs)
        assert sorted(one for one in pairs if one is not None) == [0, 1, 2, 3]
        assert sum(bounded[one, j] for j, one in enumerate(pairs) if one is not None) == pytest.approx(least)


def test_an_exact_match_is_kept_beside_a_wild_item() -> None:
    # plain errors would pair the first with the second: 1 + 98 < 0 + 100
    assert matched(np.array([[0.0, 1.0], [98.0, 100.0]])) == (0, 1)


def test_what_is_left_over_has_no_match() -> None:
    assert matched(np.array([[0.1, 0.2]])) == (0, None)
    assert matched(np.array([[np.inf], [0.3]])) == (1,)
    assert matched(np.zeros((0, 2))) == (None, None)


def test_features_are_matched_and_compared_by_angle_and_length() -> None:
    true = np.array([[1.0, 0.0], [0.0, 2.0]])
    found = np.array([[0.0, 3.0], [1.0, 0.0]])
    assert by_length(found, true) == [(1.0, 0.0), (1.0, 0.5)]
    assert by_length(np.zeros((1, 2)), true[:1]) == [(0.0, 1.0)]
    assert by_length(np.full((1, 2), np.nan), true[:1]) == [(0.0, np.inf)]
    assert feature_scores(found[:1], true)[0] is None


def by_length(found: Array, true: Array, spreads: Array | None = None) -> list[tuple[float, float | None]]:
    return [(one[0], one[1].relative) for one in feature_scores(found, true, spreads) if one is not None]


def test_features_are_judged_one_by_one_as_columns_are() -> None:
    # a thousandth of the length is all of a unit that is small: the other vector is as near by its length
    true, spreads = np.array([[1000.0, 0.5], [1000.0, 1.5]]), np.array([100.0, 0.5])
    ((_, first), (_, second)) = [one for one in feature_scores(true[::-1], true, spreads) if one is not None]
    assert (first.worst, second.worst) == (0.0, 0.0)
    ((cosine, score),) = [one for one in feature_scores(true[1:], true[:1], spreads) if one is not None]
    assert cosine > 0.999999
    assert by_length(true[1:], true[:1])[0][1] == pytest.approx(1e-3, rel=1e-6)
    assert (score.worst, score.columns) == (2.0, 0.5)
    assert not is_same(score)
    # what is the same in all tells nothing, and where all is, lengths are left
    assert by_length(true[1:], true[:1], np.array([100.0, 0.0]))[0][1] == 0.0
    assert by_length(true[1:], true[:1], np.zeros(2)) == by_length(true[1:], true[:1])


@pytest.mark.parametrize(
    ("claimed", "true", "right"),
    [([0, 1, 2], [2, 1, 0], 3), ([0, 0, 0], [0, 1, 2], 1), ([], [1], 0), ([3], [1], 0)],
)
def test_labels_of_a_batch_count_whatever_their_order(
    claimed: list[int], true: list[int], right: int
) -> None:
    assert label_overlap(np.array(claimed, np.int64), np.array(true)) == right


def test_counts_may_be_of_unequal_length_and_below_zero() -> None:
    assert count_overlap(np.array([1, -2, 1]), np.array([1, 1])) == 1
    ours: Array = np.array([2, 0])
    assert count_overlap(ours, np.array([1, 1, 1])) == 1
