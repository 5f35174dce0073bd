"""Softmax, residuals and sums over draws, by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import SignalError
from nextlabel.maths.predictions import (
    mean_proba,
    own_class_mixture,
    residual_from_logits,
    residual_from_proba,
    softmax,
    spread,
    votes,
)

Floats = NDArray[np.floating]


def softmax_draws(n: int, m: int, c: int) -> NDArray[np.float64]:
    exponentials = np.exp(2.0 * np.random.default_rng(0).normal(size=(n, m, c)))
    return np.asarray(exponentials / exponentials.sum(axis=2, keepdims=True))


def test_softmax_of_logarithms_gives_the_probabilities_back() -> None:
    proba = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])
    assert softmax(np.log(proba)) == pytest.approx(proba, abs=1e-15)


def test_a_constant_added_to_all_logits_changes_nothing() -> None:
    logits = np.array([[1.0, -2.0, 0.5]])
    assert softmax(logits + 1024.0).tolist() == softmax(logits).tolist()
    assert residual_from_logits(logits + 1024.0).tolist() == residual_from_logits(logits).tolist()


def test_large_logits_do_not_overflow() -> None:
    assert softmax(np.array([[1e4, -1e4]])).tolist() == [[1.0, 0.0]]
    assert softmax(np.array([[1e4, -1e4]], np.float32)).dtype == np.float32


def test_the_residual_of_a_confident_row_is_not_zero() -> None:
    # e^-40 is below the resolution of 1 in float64 too: p − 1 would be exactly 0
    tiny = np.exp(-40.0)
    residual = residual_from_logits(np.array([[40.0, 0.0]], np.float32))
    assert residual[0].tolist() == pytest.approx([-tiny, tiny], rel=1e-12)


def test_residuals_are_probability_minus_one_hot() -> None:
    logits = np.array([[0.0, np.log(2.0), 0.0]])  # probabilities 1/4, 1/2, 1/4
    expected = [0.25, -0.5, 0.25]
    assert residual_from_logits(logits)[0].tolist() == pytest.approx(expected, abs=1e-15)
    assert residual_from_proba(softmax(logits))[0].tolist() == pytest.approx(expected, abs=1e-15)


def test_a_certain_row_has_no_residual() -> None:
    assert residual_from_proba(np.eye(3)).tolist() == np.zeros((3, 3)).tolist()


def test_of_tied_classes_the_first_counts_as_predicted() -> None:
    assert residual_from_proba(np.array([[0.5, 0.5]])).tolist() == [[-0.5, 0.5]]
    assert residual_from_logits(np.array([[0.0, 0.0]])).tolist() == [[-0.5, 0.5]]
    assert votes(np.array([[[0.5, 0.5]]])).tolist() == [[1.0, 0.0]]


def test_probabilities_are_averaged_in_float64() -> None:
    # in float32, 1 + 2^-25 is 1, seven times over; in float64 the sum is 1 + 7 * 2^-25
    small = 2.0**-25
    draws = np.array([[[1.0, 0.0]] + [[small, 1.0 - small]] * 7], np.float32)
    assert mean_proba(draws)[0, 0] == np.float32((1.0 + 7.0 * small) / 8.0) != np.float32(0.125)


@pytest.mark.parametrize("m", [1, 3, 7, 20, 49, 100])
def test_equal_draws_have_their_own_mean_exactly(m: int) -> None:
    proba = softmax_draws(200, 1, 3)
    proba[0] = [[1.0, 5e-324, 0.0]]  # the smallest number there is
    for one in (proba, proba.astype(np.float32)):
        draws: Floats = np.repeat(one, m, axis=1)
        assert mean_proba(draws).tolist() == one[:, 0].tolist()


def test_the_mean_of_float64_keeps_all_digits() -> None:
    draws = softmax_draws(50, 20, 3)
    exact = [[math.fsum(draws[i, :, c]) / 20 for c in range(3)] for i in range(50)]
    assert mean_proba(draws) == pytest.approx(np.array(exact), rel=1e-15)


def test_votes_count_the_most_probable_class_of_each_draw() -> None:
    draws = np.array([[[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]])
    assert votes(draws).tolist() == [[1.0, 2.0]]


def test_equal_draws_have_no_spread_exactly() -> None:
    draws = np.repeat(softmax_draws(20, 1, 3).astype(np.float32), 7, axis=1)
    assert (spread(draws) == 0.0).all()


def test_spread_is_the_population_deviation() -> None:
    draws = np.array([[[0.2, 0.8], [0.4, 0.6], [0.9, 0.1]]])
    assert spread(draws)[0].tolist() == pytest.approx([np.std([0.2, 0.4, 0.9])] * 2, abs=1e-15)


@pytest.mark.parametrize("function", [mean_proba, votes, spread])
def test_the_order_of_draws_is_irrelevant(function: Callable[[Floats], Floats]) -> None:
    draws = softmax_draws(30, 6, 4)
    assert function(draws[:, ::-1]) == pytest.approx(function(draws), abs=1e-15)


@pytest.mark.parametrize("function", [mean_proba, votes, spread])
def test_chunks_of_draws_do_not_show(function: Callable[[Floats], Floats]) -> None:
    # 30,000 items of 60 values in float64 are several chunks of two megabytes
    draws = softmax_draws(30_000, 6, 10)
    one_by_one = np.concatenate([function(draws[i : i + 1]) for i in range(0, 30_000, 997)])
    assert function(draws)[::997].tolist() == one_by_one.tolist()


@pytest.mark.parametrize("function", [softmax, residual_from_logits])
def test_chunks_of_logits_do_not_show(function: Callable[[Floats], Floats]) -> None:
    logits = np.random.default_rng(0).normal(size=(30_000, 11))
    one_by_one = np.concatenate([function(logits[i : i + 1]) for i in range(0, 30_000, 997)])
    assert function(logits)[::997].tolist() == one_by_one.tolist()


def test_the_mixture_of_one_region_lies_in_the_row_of_its_class() -> None:
    mixture = own_class_mixture(np.array([[0.25, 0.75], [0.6, 0.4]]))
    assert mixture.tolist() == [[[0.0, 0.0], [0.25, 0.75]], [[0.6, 0.4], [0.0, 0.0]]]


@pytest.mark.parametrize("function", [mean_proba, votes, spread])
def test_draws_that_are_no_probabilities_are_refused(function: Callable[..., Floats]) -> None:
    with pytest.raises(SignalError, match="'draws' must be probabilities"):
        function([[[0.5, 0.6]]])
    with pytest.raises(SignalError, match="'draws' must have the axes"):
        function(draws=[[0.5, 0.5]])


@pytest.mark.parametrize("function", [residual_from_proba, own_class_mixture])
def test_predictions_that_are_no_probabilities_are_refused(function: Callable[..., Floats]) -> None:
    with pytest.raises(SignalError, match="'proba' must be probabilities"):
        function([[0.5, 0.6]])


@pytest.mark.parametrize("function", [softmax, residual_from_logits])
def test_logits_that_are_not_finite_are_refused(function: Callable[..., Floats]) -> None:
    with pytest.raises(SignalError, match="'logits' must be finite; row 1 holds"):
        function([[0.0, 1.0], [np.nan, 0.0]])
