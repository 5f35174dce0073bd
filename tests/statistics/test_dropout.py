"""The law of dropout masks."""

import numpy as np
import torch
from scipy.stats import binom
from torch import nn

from nextlabel.learners.dropout import FixedMasks

_RATE = 0.3
_UNITS, _DRAWS = 400, 50
_FALSE_ALARM = 1e-6


def dropped(rate: float, seed: int) -> int:
    """How many of the units are zero, over all draws."""
    with FixedMasks(nn.Dropout(rate).eval(), np.random.default_rng(seed)) as masks:
        masks.begin(1)
        return int(sum((masks.run(torch.ones(1, _UNITS), draw) == 0).sum() for draw in range(_DRAWS)))


def is_refused(count: int) -> bool:
    law = binom(_UNITS * _DRAWS, _RATE)
    return bool(min(law.cdf(count), law.sf(count - 1)) < _FALSE_ALARM / 2)


def test_units_are_dropped_at_the_rate(seed: int) -> None:
    """Each of 400 units is dropped in each of 50 draws with probability 0.3, independently.

    Null: the number of zeros is binomial (20,000, 0.3). Statistic: that number. A correct implementation
    fails with probability at most 1e-6 (two tails of 5e-7). The twin keeps units at the rate instead of
    dropping them.
    """
    assert not is_refused(dropped(_RATE, seed))
    assert is_refused(_UNITS * _DRAWS - dropped(_RATE, seed))


def test_draws_are_independent(seed: int) -> None:
    """Two draws agree in a unit with probability 0.3² + 0.7² = 0.58, independently over 20,000 units.

    Null: agreements are binomial (20,000, 0.58). Statistic: their number. A correct implementation fails
    with probability at most 1e-6 (two tails of 5e-7). The twin uses one mask for both draws.
    """
    units = 20_000
    with FixedMasks(nn.Dropout(_RATE).eval(), np.random.default_rng(seed)) as masks:
        masks.begin(1)
        first, second = (masks.run(torch.ones(1, units), draw) == 0 for draw in (0, 1))
    law = binom(units, _RATE**2 + (1 - _RATE) ** 2)

    def refused(agreements: int) -> bool:
        return bool(min(law.cdf(agreements), law.sf(agreements - 1)) < _FALSE_ALARM / 2)

    assert not refused(int((first == second).sum()))
    assert refused(int((first == first.clone()).sum()))
