"""The law of ties, of ranks, and of draws by weight."""

from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from nextlabel.maths.ranking import drawn_by_weight, ranks, top

FALSE_ALARM = 1e-6
RUNS = 30_000

Law = dict[tuple[int, ...], float]


def passes(drawn: list[tuple[int, ...]], law: Law) -> bool:
    """Chi-square of what was drawn against the law; a draw outside it fails at once."""
    cells = {outcome: cell for cell, outcome in enumerate(law)}
    if any(outcome not in cells for outcome in drawn):
        return False
    counts = np.bincount([cells[outcome] for outcome in drawn], minlength=len(cells))
    expected = len(drawn) * np.array(list(law.values()))
    statistic = ((counts - expected) ** 2 / expected).sum()
    return bool(statistic <= chi2.isf(FALSE_ALARM, len(cells) - 1))


def coarse_top(scores: NDArray[np.float64], batch: int, rng: np.random.Generator) -> tuple[int, ...]:
    """The broken twin: ties by a random key of eight bits, and equal keys by position."""
    keys = rng.integers(256, size=len(scores)) // 8
    return tuple(np.lexsort((keys, -scores))[:batch].tolist())


def test_ties_are_in_every_order_equally_often(seed: int) -> None:
    """Null law: of 2 equal best and 4 equal next, 4 are picked in one of 24 orders, each of probability 1/24.

    Statistic: chi-square with 23 degrees of freedom over 30,000 runs; rejected above its quantile at
    1 − 1e-6, so a correct implementation fails with probability 1e-6. The twin breaks ties by keys so
    coarse that one pair in 32 is left in the order of positions.
    """
    rng = np.random.default_rng(seed)
    scores = np.array([0.5, 1.0, 0.5, 0.5, 1.0, 0.5])
    outcomes = [best + rest for best in permutations((1, 4)) for rest in permutations((0, 2, 3, 5), 2)]
    law = dict.fromkeys(outcomes, 1 / 24)
    assert passes([tuple(top(scores, 4, rng=rng).tolist()) for _ in range(RUNS)], law)
    assert not passes([coarse_top(scores, 4, rng) for _ in range(RUNS)], law)


def test_equal_scores_take_their_ranks_in_every_order_equally_often(seed: int) -> None:
    """Null law: 4 equal scores behind a better one have ranks 2 to 5 in any of 24 orders, each 1/24.

    Statistic: chi-square with 23 degrees of freedom over 30,000 runs; rejected above its quantile at
    1 − 1e-6, so a correct implementation fails with probability 1e-6. The twin breaks ties by coarse keys.
    """
    rng = np.random.default_rng(seed)
    scores = np.array([0.5, 0.5, 1.0, 0.5, 0.5])
    law: Law = dict.fromkeys(((a, b, 1, c, d) for a, b, c, d in permutations((2, 3, 4, 5))), 1 / 24)

    def coarse_ranks() -> tuple[int, ...]:
        return tuple((np.argsort(coarse_top(scores, 5, rng)) + 1).tolist())

    assert passes([tuple(ranks(scores, rng=rng).tolist()) for _ in range(RUNS)], law)
    assert not passes([coarse_ranks() for _ in range(RUNS)], law)


def test_draws_by_weight_follow_the_law_of_successive_draws(seed: int) -> None:
    """Null law: an ordered pair (i, j) has probability w_i · w_j / (1 − w_i), the weights summing to one.

    Statistic: chi-square with 11 degrees of freedom over 30,000 runs; rejected above its quantile at
    1 − 1e-6, so a correct implementation fails with probability 1e-6. The twin adds normal noise of
    the Gumbel's variance instead.
    """
    rng = np.random.default_rng(seed)
    weights = np.array([0.4, 0.3, 0.2, 0.1])
    law: Law = {(i, j): weights[i] * weights[j] / (1.0 - weights[i]) for i, j in permutations(range(4), 2)}

    def normal_noise() -> tuple[int, ...]:
        noisy = np.log(weights) + np.pi / np.sqrt(6.0) * rng.normal(size=4)
        return tuple(top(noisy, 2, rng=rng).tolist())

    logs = np.log(weights)
    assert passes([tuple(drawn_by_weight(logs, 2, rng=rng)[0].tolist()) for _ in range(RUNS)], law)
    assert not passes([normal_noise() for _ in range(RUNS)], law)
