"""BALD in closed form."""

import re

import numpy as np
import pytest

from nextlabel import Signals, select
from nextlabel.errors import SignalError
from nextlabel.maths.information import entropy
from nextlabel.strategies.bald import BALD, bald

RNG = np.random.default_rng(0)


def score(draws: object) -> list[float]:
    scores: list[float] = BALD().score(Signals({"draws": np.asarray(draws)}), RNG).tolist()
    return scores


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m", [1, 2, 3, 7, 20, 100])
def test_equal_draws_score_zero_exactly(m: int, dtype: type) -> None:
    # rounding above zero would rank items that tie
    for classes in (2, 3, 10, 17, 130):
        proba = np.random.default_rng(0).dirichlet(np.full(classes, 0.3), size=(200, 1))
        assert score(np.repeat(proba.astype(dtype), m, axis=1)) == [0.0] * 200


def test_half_the_draws_certain_of_each_class_score_log_two() -> None:
    assert score([[[1.0, 0.0], [0.0, 1.0]] * 2]) == pytest.approx([np.log(2.0)], abs=1e-15)


def test_one_draw_scores_zero() -> None:
    assert score([[[0.3, 0.7]], [[0.5, 0.5]]]) == [0.0, 0.0]


def test_rounding_below_zero_is_set_to_zero() -> None:
    assert bald(np.array([[0.5, 0.5]]), np.array([0.70])).tolist() == [0.0]


def test_scores_lie_between_zero_and_the_entropy_of_the_mean() -> None:
    draws = np.random.default_rng(0).dirichlet(np.full(5, 0.3), size=(500, 7))
    scores = np.array(score(draws))
    of_mean = entropy(draws.mean(axis=1))
    assert (scores >= 0.0).all()
    assert (scores <= of_mean).all()
    assert of_mean.max() <= np.log(5.0)


def test_the_order_of_draws_is_irrelevant() -> None:
    draws = np.random.default_rng(0).dirichlet(np.ones(3), size=(20, 6))
    assert score(draws[:, ::-1]) == pytest.approx(score(draws), abs=1e-14)


def test_streamed_sums_give_the_scores_of_the_draws() -> None:
    draws = np.random.default_rng(0).dirichlet(np.ones(3), size=(20, 6))
    sums = Signals(
        {
            "mean_proba": draws.mean(axis=1),
            "expected_entropy": -(draws * np.log(draws)).sum(axis=2).mean(axis=1),
        }
    )
    assert BALD().score(sums, RNG).tolist() == pytest.approx(score(draws), abs=1e-14)


def test_contradiction_is_preferred_to_ambiguity() -> None:
    draws = [[[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.1, 0.9]], [[0.9, 0.1], [0.9, 0.1]]]
    assert select("bald", draws=draws, batch=1, seed=0).tolist() == [1]


def test_sums_of_unequal_length_are_refused() -> None:
    with pytest.raises(
        SignalError, match=re.escape("'expected_entropy' and 'mean_proba' must agree on axis 'n'")
    ):
        bald(np.array([[0.5, 0.5]]), np.zeros(2))


def test_a_mean_that_is_no_probability_is_refused() -> None:
    with pytest.raises(SignalError, match="'mean_proba' must be probabilities"):
        bald(np.array([[0.5, 0.6]]), np.zeros(1))
