"""Entropy as a strategy; the function is tested in test_information.py."""

import re

import numpy as np
import pytest

from nextlabel import Signals, select
from nextlabel.errors import ParameterError, SignalError
from nextlabel.strategies.entropy import Entropy

RNG = np.random.default_rng(0)


def test_the_score_is_the_entropy_in_nats() -> None:
    signals = Signals({"proba": [[0.5, 0.25, 0.25], [0.48, 0.48, 0.04]]})
    # −Σ p log p = 1.5 log 2 = 1.0397 and 0.8334
    assert Entropy().score(signals, RNG).tolist() == pytest.approx([1.5 * np.log(2.0), 0.8334], abs=5e-5)


@pytest.mark.parametrize(
    ("taken", "left"), [((0.4, 0.3, 0.3), (0.5, 0.5, 0.0)), ((0.5, 0.25, 0.25), (0.48, 0.48, 0.04))]
)
def test_of_three_classes_the_wider_spread_is_taken(
    taken: tuple[float, ...], left: tuple[float, ...]
) -> None:
    assert select("entropy", proba=[left, taken], batch=1, seed=0).tolist() == [1]


def test_of_one_draw_the_mean_prediction_gives_entropy_sampling() -> None:
    proba = np.random.default_rng(0).dirichlet(np.ones(4), size=50)
    of_mean = select({"name": "entropy", "of": "mean_proba"}, draws=proba[:, None], batch=50, seed=0)
    assert of_mean.tolist() == select("entropy", proba=proba, batch=50, seed=0).tolist()


def test_several_classes_an_item_are_summed_or_maxed() -> None:
    binary = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    signals = Signals({"marginals": [[0.5, 0.25, 0.0, 1.0]]})
    summed = Entropy(of="marginals", reduce="sum").score(signals, RNG)
    assert summed.tolist() == pytest.approx([np.log(2.0) + binary], abs=1e-15)
    largest = Entropy(of="marginals", reduce="max").score(signals, RNG)
    assert largest.tolist() == pytest.approx([np.log(2.0)], abs=1e-15)


def test_many_items_of_several_classes_are_taken_in_pieces() -> None:
    marginals = np.random.default_rng(0).random((40_000, 3))
    each = -(marginals * np.log(marginals) + (1.0 - marginals) * np.log(1.0 - marginals))
    scores = Entropy(of="marginals", reduce="sum").score(Signals({"marginals": marginals}), RNG)
    assert scores == pytest.approx(each.sum(axis=1), abs=1e-13)


def test_one_class_is_refused() -> None:
    with pytest.raises(SignalError, match=re.escape("two classes or more; 'proba' has 1, shape (1, 1)")):
        select("entropy", proba=[[1.0]], batch=1, seed=0)


def test_a_reduction_of_one_prediction_is_refused() -> None:
    with pytest.raises(
        ParameterError, match=re.escape("Entropy's 'reduce' must be None, since 'mean_proba' has one score")
    ):
        Entropy(of="mean_proba", reduce="max")
