"""Entropy and mutual information in closed form."""

import math
import re

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import SignalError
from nextlabel.maths.information import (
    entropy,
    entropy_terms,
    expected_entropy,
    mutual_information,
    normalised,
)


def softmax_draws(n: int, m: int, c: int, *, scale: float = 2.0, seed: int = 0) -> NDArray[np.float64]:
    logits = scale * np.random.default_rng(seed).normal(size=(n, m, c))
    exponentials = np.exp(logits)
    return np.asarray(exponentials / exponentials.sum(axis=2, keepdims=True))


@pytest.mark.parametrize("classes", [1, 2, 10, 1000])
def test_a_uniform_prediction_has_the_logarithm_of_the_classes(classes: int) -> None:
    uniform = np.full((1, classes), 1.0 / classes)
    assert entropy(uniform)[0] == pytest.approx(np.log(classes), abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_certain_prediction_has_entropy_zero_exactly(dtype: type) -> None:
    scores = entropy(np.eye(3, dtype=dtype))
    assert scores.tolist() == [0.0, 0.0, 0.0]
    assert not np.signbit(scores).any()


def test_probabilities_near_zero_keep_their_share() -> None:
    # −p log p for p = 1e-30 is 6.9e-29; log(p + 1e-10) would make it 2.3e-29, and 1 − p rounds to 1
    assert entropy(np.array([[1.0, 1e-30]]))[0] == pytest.approx(30 * np.log(10.0) * 1e-30, rel=1e-12)


def test_the_smallest_numbers_are_not_taken_for_larger_ones() -> None:
    for dtype in (np.float32, np.float64):
        tiny = np.finfo(dtype).smallest_subnormal
        assert entropy_terms(np.array([tiny, 0.0, 0.25], dtype)).tolist() == [
            pytest.approx(-float(tiny) * float(np.log(tiny)), rel=1e-6),
            0.0,
            0.25 * np.log(4.0).astype(dtype),
        ]


def test_the_expected_entropy_is_the_average_over_draws() -> None:
    # a fair coin and a certain one: half of log 2
    draws = np.array([[[0.5, 0.5], [1.0, 0.0]]])
    assert expected_entropy(draws)[0] == pytest.approx(np.log(2.0) / 2.0, abs=1e-15)
    assert expected_entropy(draws[:, ::-1]).tolist() == expected_entropy(draws).tolist()


def test_one_draw_has_the_entropy_of_its_prediction() -> None:
    draws = softmax_draws(5, 1, 4)
    assert expected_entropy(draws) == pytest.approx(entropy(draws[:, 0]), abs=1e-15)
    assert mutual_information(draws).tolist() == [0.0] * 5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m", [1, 2, 3, 7, 20, 100])
def test_equal_draws_have_no_mutual_information_exactly(m: int, dtype: type) -> None:
    # rounding above zero would rank items that tie
    for classes in (2, 3, 10, 17, 130):
        equal: NDArray[np.floating] = np.repeat(softmax_draws(200, 1, classes).astype(dtype), m, axis=1)
        assert mutual_information(equal).tolist() == [0.0] * 200
        assert expected_entropy(equal).tolist() == entropy(equal[:, 0]).tolist()


def test_terms_in_float32_are_added_up_in_float64() -> None:
    proba = softmax_draws(20, 1, 50).astype(np.float32)
    exact = [math.fsum(terms) for terms in entropy_terms(proba[:, 0]).tolist()]
    assert entropy(proba[:, 0]) == pytest.approx(np.array(exact), rel=1e-14)
    assert expected_entropy(np.repeat(proba, 7, axis=1)) == pytest.approx(np.array(exact), rel=1e-14)


def test_draws_certain_of_either_class_have_log_two() -> None:
    draws = np.array([[[1.0, 0.0], [0.0, 1.0]] * 3])
    assert mutual_information(draws)[0] == pytest.approx(np.log(2.0), abs=1e-15)


def test_mutual_information_lies_between_zero_and_the_entropy_of_the_mean() -> None:
    draws = softmax_draws(300, 6, 5)
    information, of_mean = mutual_information(draws), entropy(draws.mean(axis=1))
    assert (information > 0.0).all()
    assert (information <= of_mean + 1e-12).all()
    assert (of_mean <= np.log(5.0) + 1e-12).all()


def test_chunks_do_not_show() -> None:
    # more than one chunk of half a megabyte, against the formulas over the whole array
    draws = softmax_draws(9_000, 5, 4)
    whole = -(draws * np.log(draws)).sum(axis=2).mean(axis=1)
    mean = draws.mean(axis=1)
    of_mean = -(mean * np.log(mean)).sum(axis=1)
    assert expected_entropy(draws) == pytest.approx(whole, abs=1e-13)
    assert entropy(mean) == pytest.approx(of_mean, abs=1e-13)
    assert mutual_information(draws) == pytest.approx(of_mean - whole, abs=1e-13)


def test_a_score_does_not_depend_on_the_place_of_its_item() -> None:
    draws = softmax_draws(9_001, 5, 7).astype(np.float32)
    order = np.random.default_rng(1).permutation(9_001)
    for score in (expected_entropy, mutual_information):
        assert (score(draws)[order] == score(draws[order])).all()
    assert (entropy(draws[:, 0])[order] == entropy(draws[order, 0])).all()


def test_float32_agrees_with_float64() -> None:
    draws = softmax_draws(500, 20, 10).astype(np.float32)
    assert expected_entropy(draws) == pytest.approx(expected_entropy(draws.astype(np.float64)), abs=1e-6)


def test_normalised_rows_sum_to_one_to_the_last_digit() -> None:
    rows = normalised(softmax_draws(100, 1, 9).astype(np.float32))
    assert rows.dtype == np.float64
    assert np.abs(rows.sum(axis=2) - 1.0).max() <= 2.3e-16


@pytest.mark.parametrize("score", [expected_entropy, mutual_information])
def test_draws_that_are_no_probabilities_are_refused(score: object) -> None:
    assert callable(score)
    with pytest.raises(SignalError, match=re.escape("'draws' must be probabilities that sum to one")):
        score([[[0.5, 0.6]]])
    with pytest.raises(SignalError, match=re.escape("'draws' must have the axes (n, m, c)")):
        score([[0.5, 0.5]])


def test_a_prediction_that_is_no_probability_is_refused() -> None:
    with pytest.raises(SignalError, match="'proba' must be probabilities that sum to one"):
        entropy(np.array([[0.5, 0.6]]))
