"""The law of the part that a subsample offers."""

from itertools import combinations

import numpy as np
from scipy.stats import chi2

from nextlabel import Signals
from nextlabel.strategies.random import Random
from nextlabel.strategies.subsample import Subsample

FALSE_ALARM = 1e-6
RUNS = 30_000
ITEMS = 5
CELLS = {pair: cell for cell, pair in enumerate(combinations(range(ITEMS), 2))}


def passes(parts: list[list[int]]) -> bool:
    counts = np.bincount([CELLS[min(part), max(part)] for part in parts], minlength=len(CELLS))
    expected = len(parts) / len(CELLS)
    statistic = ((counts - expected) ** 2 / expected).sum()
    return bool(statistic <= chi2.isf(FALSE_ALARM, len(CELLS) - 1))


def test_every_part_of_the_pool_is_equally_likely(seed: int) -> None:
    """Null law: a part of 2 out of 5 items is each of 10 sets with probability 1/10.

    Statistic: chi-square with 9 degrees of freedom over 30,000 picks of the whole part; rejected above its
    quantile at 1 − 1e-6, so a correct implementation fails with probability 1e-6. The twin offers a window of
    neighbours, and in one call out of ten a part that is drawn in full.
    """
    rng = np.random.default_rng(seed)
    signals = Signals({}, n=ITEMS)
    method = Subsample(Random(), size=2)

    def twin() -> list[int]:
        if rng.random() < 0.1:
            return [int(i) for i in rng.choice(ITEMS, 2, replace=False)]
        start = int(rng.integers(ITEMS - 1))
        return [start, start + 1]

    assert passes([method.pick(signals, 2, rng).positions.tolist() for _ in range(RUNS)])
    assert not passes([twin() for _ in range(RUNS)])
