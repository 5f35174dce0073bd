"""Uniform random choice."""

import numpy as np
import pytest

from nextlabel import Signals, select
from nextlabel.errors import BatchSizeError
from nextlabel.strategies.random import Random


def test_the_whole_pool_is_a_permutation() -> None:
    picks = Random().pick(Signals({}, n=50), 50, np.random.default_rng(0))
    assert sorted(picks.positions.tolist()) == list(range(50))
    assert picks.positions.tolist() != list(range(50))


def test_the_first_items_of_a_seed_depend_on_the_seed_alone() -> None:
    assert select("random", embedding=np.zeros((9, 1)), batch=4, seed=3).tolist() == (
        select("random", embedding=np.ones((9, 2)), batch=4, seed=3).tolist()
    )


def test_propensities_are_those_of_each_draw_in_turn() -> None:
    picks = Random().pick(Signals({}, n=4), 3, np.random.default_rng(0))
    assert picks.scores is None
    assert picks.propensities is not None
    assert picks.propensities.tolist() == [1 / 4, 1 / 3, 1 / 2]


def test_more_than_the_pool_is_refused() -> None:
    with pytest.raises(BatchSizeError, match="between 1 and the 4 items at hand; received 5"):
        Random().pick(Signals({}, n=4), 5, np.random.default_rng(0))
