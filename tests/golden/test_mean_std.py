"""Mean standard deviation in closed form."""

import numpy as np
import pytest

from nextlabel import Signals
from nextlabel.errors import SignalError
from nextlabel.strategies.mean_std import MeanSTD, mean_std

RNG = np.random.default_rng(0)


def test_equal_draws_score_zero_exactly() -> None:
    draws = np.repeat(np.random.default_rng(0).dirichlet(np.ones(4), size=(9, 1)), 5, axis=1)
    assert MeanSTD().score(Signals({"draws": draws}), RNG).tolist() == [0.0] * 9


def test_two_opposite_certainties_score_a_half() -> None:
    assert MeanSTD().score(Signals({"draws": [[[1.0, 0.0], [0.0, 1.0]]]}), RNG).tolist() == [0.5]


def test_the_score_is_the_root_of_the_variance_averaged_over_classes() -> None:
    draws = np.random.default_rng(0).dirichlet(np.ones(4), size=(9, 5))
    expected = np.sqrt((draws**2).mean(axis=1) - draws.mean(axis=1) ** 2).mean(axis=1)
    assert MeanSTD().score(Signals({"draws": draws}), RNG) == pytest.approx(expected, abs=1e-12)


def test_streamed_spread_is_enough() -> None:
    assert MeanSTD().needs == {"spread"}
    assert MeanSTD().score(Signals({"spread": [[0.25, 0.75]]}), RNG).tolist() == [0.5]


def test_wrong_axes_are_refused() -> None:
    with pytest.raises(SignalError, match="'spread' must have the axes"):
        mean_std(np.zeros(3))
