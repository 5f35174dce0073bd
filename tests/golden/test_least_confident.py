"""Least confidence in closed form; it shares its oracles with margin and entropy."""

import re

import numpy as np
import pytest

from nextlabel import Signals, select
from nextlabel.errors import ParameterError, SignalError
from nextlabel.strategies.least_confident import LeastConfident, least_confident

RNG = np.random.default_rng(0)


def test_a_uniform_prediction_lacks_all_but_one_share() -> None:
    assert least_confident(np.full((1, 4), 0.25)).tolist() == [0.75]


def test_a_certain_prediction_scores_zero() -> None:
    assert least_confident(np.eye(3)).tolist() == [0.0, 0.0, 0.0]


def test_a_row_that_sums_to_a_little_more_than_one_is_not_negative() -> None:
    assert least_confident(np.array([[1.00005, 0.0]])).tolist() == [0.0]


@pytest.mark.parametrize(
    ("first", "second"), [((0.5, 0.5, 0.0), (0.4, 0.3, 0.3)), ((0.5, 0.25, 0.25), (0.48, 0.48, 0.04))]
)
def test_of_three_classes_the_lower_top_is_taken(first: tuple[float, ...], second: tuple[float, ...]) -> None:
    assert select("least_confident", proba=[first, second], batch=1, seed=0).tolist() == [1]


def test_of_two_classes_all_three_methods_rank_alike() -> None:
    p = np.random.default_rng(1).random(500)
    proba = np.stack([p, 1.0 - p], axis=1)
    orders = {
        name: select(name, proba=proba, batch=500, seed=0).tolist()
        for name in ("least_confident", "margin", "entropy")
    }
    assert orders["least_confident"] == orders["margin"] == orders["entropy"]


def test_several_classes_an_item_are_summed_or_maxed() -> None:
    # min(p, 1 − p) of each class: 0.4, 0.5 and 0.1 in the first row; 0, 0.25, 0 in the second
    signals = Signals({"marginals": [[0.6, 0.5, 0.1], [1.0, 0.25, 0.0]]})
    summed = LeastConfident(of="marginals", reduce="sum").score(signals, RNG)
    largest = LeastConfident(of="marginals", reduce="max").score(signals, RNG)
    assert summed.tolist() == pytest.approx([1.0, 0.25], abs=1e-15)
    assert largest.tolist() == pytest.approx([0.5, 0.25], abs=1e-15)


def test_the_averaged_prediction_is_read_on_demand() -> None:
    draws = [[[0.9, 0.1], [0.5, 0.5]]]
    score = LeastConfident(of="mean_proba").score(Signals({"proba": [[1.0, 0.0]], "draws": draws}), RNG)
    assert score.tolist() == pytest.approx([0.3])
    assert LeastConfident(of="mean_proba").needs == {"mean_proba"}


def test_one_class_is_refused() -> None:
    with pytest.raises(SignalError, match=re.escape("two classes or more; 'proba' has 1, shape (2, 1)")):
        select("least_confident", proba=[[1.0], [1.0]], batch=1, seed=0)
    with pytest.raises(SignalError, match=re.escape("'mean_proba' has 1, shape (1, 1)")):
        LeastConfident(of="mean_proba").score(Signals({"mean_proba": [[1.0]]}), RNG)
    with pytest.raises(SignalError, match=re.escape("'proba' has 1, shape (1, 1)")):
        least_confident(np.ones((1, 1)))


def test_one_class_by_itself_is_allowed() -> None:
    score = LeastConfident(of="marginals", reduce="sum").score(Signals({"marginals": [[0.25]]}), RNG)
    assert score.tolist() == [0.25]


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        (
            {"of": "logits"},
            "LeastConfident's 'of' must be 'proba', 'mean_proba' or 'marginals'; received 'l",
        ),
        (
            {"of": "marginals"},
            "LeastConfident's 'reduce' must be 'sum' or 'max'; received None. Say how",
        ),
        ({"of": "marginals", "reduce": "mean"}, "'reduce' must be 'sum' or 'max'; received 'mean'"),
        (
            {"reduce": "sum"},
            "LeastConfident's 'reduce' must be None, since 'proba' has one score for each item; received",
        ),
    ],
)
def test_a_reading_that_makes_no_sense_is_refused(parameters: dict[str, str], says: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(says)):
        select({"name": "least_confident", **parameters}, proba=[[0.5, 0.5]], batch=1, seed=0)
