"""Margin in closed form."""

import re

import numpy as np
import pytest

from nextlabel import Signals, select
from nextlabel.errors import ParameterError, SignalError
from nextlabel.strategies.margin import Margin, margin

RNG = np.random.default_rng(0)


def test_a_uniform_prediction_has_margin_zero() -> None:
    assert margin(np.full((1, 4), 0.25)).tolist() == [0.0]


def test_a_certain_prediction_scores_minus_one() -> None:
    assert margin(np.eye(3)).tolist() == [-1.0, -1.0, -1.0]


def test_no_score_is_below_the_lowest() -> None:
    assert margin(np.array([[1.00005, 0.0]])).tolist() == [-1.0]
    assert Margin().lowest == -1.0
    assert Margin(of="marginals", reduce="max").lowest == -1.0
    assert Margin(of="marginals", reduce="sum").lowest == -np.inf


def test_of_three_classes_the_closer_two_are_taken() -> None:
    # margin takes (0.5, 0.5, 0), least confidence and entropy take (0.4, 0.3, 0.3)
    assert select("margin", proba=[[0.4, 0.3, 0.3], [0.5, 0.5, 0.0]], batch=1, seed=0).tolist() == [1]


def test_the_two_largest_are_found_wherever_they_are() -> None:
    proba = np.random.default_rng(0).dirichlet(np.ones(12), size=20_000)
    largest = np.sort(proba, axis=1)
    assert margin(proba).tolist() == (largest[:, -2] - largest[:, -1]).tolist()


def test_several_classes_an_item_are_summed_or_maxed() -> None:
    # −|2p − 1| of each class: −0.5, 0 and −1
    signals = Signals({"marginals": [[0.75, 0.5, 1.0]]})
    assert Margin(of="marginals", reduce="sum").score(signals, RNG).tolist() == [-1.5]
    assert Margin(of="marginals", reduce="max").score(signals, RNG).tolist() == [0.0]


def test_the_averaged_prediction_is_read_on_demand() -> None:
    signals = Signals({"proba": [[1.0, 0.0]], "mean_proba": [[0.75, 0.25]]})
    assert Margin(of="mean_proba").score(signals, RNG).tolist() == [-0.5]


def test_one_class_is_refused() -> None:
    with pytest.raises(SignalError, match=re.escape("two classes or more; 'proba' has 1, shape (1, 1)")):
        margin(np.ones((1, 1)))
    with pytest.raises(SignalError, match=re.escape("two classes or more; 'mean_proba' has 1")):
        Margin(of="mean_proba").score(Signals({"mean_proba": [[1.0]]}), RNG)


def test_several_classes_without_a_reduction_are_refused() -> None:
    with pytest.raises(ParameterError, match="Margin's 'reduce' must be 'sum' or 'max'; received None"):
        Margin(of="marginals")
