"""The law of uniform random choice."""

from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from nextlabel import Signals
from nextlabel.strategies.random import Random

FALSE_ALARM = 1e-6
RUNS = 60_000
ITEMS = 5
CELLS = {pair: cell for cell, pair in enumerate(permutations(range(ITEMS), 2))}


def passes(pairs: NDArray[np.int64]) -> bool:
    counts = np.bincount([CELLS[first, second] for first, second in pairs.tolist()], minlength=len(CELLS))
    expected = len(pairs) / len(CELLS)
    statistic = ((counts - expected) ** 2 / expected).sum()
    return bool(statistic <= chi2.isf(FALSE_ALARM, len(CELLS) - 1))


def twin(rng: np.random.Generator) -> list[int]:
    """The broken twin: a shuffle that swaps each of the first places with any place before it or itself."""
    order = list(range(ITEMS))
    for place in range(ITEMS):
        other = int(rng.integers(ITEMS))
        order[place], order[other] = order[other], order[place]
    return order[:2]


def test_every_ordered_pair_is_equally_likely(seed: int) -> None:
    """Null law: each of the 20 ordered pairs out of 5 items has probability 1/20.

    Statistic: chi-square with 19 degrees of freedom over 60,000 draws; rejected above its quantile at
    1 − 1e-6, so a correct implementation fails with probability 1e-6. The twin is the naive shuffle, which
    swaps each place with any other and so favours some orders.
    """
    rng = np.random.default_rng(seed)
    signals = Signals({}, n=ITEMS)
    assert passes(np.array([Random().pick(signals, 2, rng).positions for _ in range(RUNS)]))
    assert not passes(np.array([twin(rng) for _ in range(RUNS)]))
