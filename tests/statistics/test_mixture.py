"""Shares of a mixture on average, in batches too small to hold them."""

import numpy as np
from scipy.stats import binom

from nextlabel.strategies.mixture import places

FALSE_ALARM = 1e-6
RUNS = 20_000


def passes(first: int, share: float) -> bool:
    """Whether a count of places is within the two binomial tails, each at half of the level."""
    low, high = binom.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], RUNS, share)
    return bool(low <= first <= high)


def test_in_batches_of_one_each_method_has_its_share(seed: int) -> None:
    """Null law: with weights 3 and 1 the one place is the first method's with probability 3/4.

    Statistic: how often in 20,000 batches, binomial; two tails of 5e-7. The twin rounds the shares, so that
    the second method never has a place.
    """
    rng = np.random.default_rng(seed)
    assert passes(sum(int(places([3, 1], 1, rng=rng)[0] == 0) for _ in range(RUNS)), 0.75)
    assert not passes(sum(round(0.75) for _ in range(RUNS)), 0.75)


def test_a_share_between_whole_numbers_is_rounded_fairly(seed: int) -> None:
    """Null law: of 5 places a method of weight 1 against 2 has 5/3: two with probability 2/3, else one.

    Statistic: how often two in 20,000 batches, binomial; two tails of 5e-7. The twin rounds up half the time.
    """
    rng = np.random.default_rng(seed)
    assert passes(sum(int((places([1, 2], 5, rng=rng) == 0).sum() == 2) for _ in range(RUNS)), 2 / 3)
    assert not passes(int(rng.binomial(RUNS, 0.5)), 2 / 3)


def test_places_equally_due_are_ordered_by_chance(seed: int) -> None:
    """Null law: of two places for two equal methods either is first with probability 1/2.

    Statistic: how often the first method, binomial over 20,000 batches; two tails of 5e-7. The twin keeps the
    order of the list.
    """
    rng = np.random.default_rng(seed)
    assert passes(sum(int(places([1, 1], 2, rng=rng)[0] == 0) for _ in range(RUNS)), 0.5)
    assert not passes(RUNS, 0.5)
