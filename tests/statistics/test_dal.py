"""DAL finds nothing where there is nothing to find, and sees every unlabelled item alike."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from nextlabel.maths.membership import membership
from nextlabel.strategies.dal import dal

FALSE_ALARM = 1e-6
LIMIT = float(norm.isf(FALSE_ALARM / 2))
HELD_OUT, FEATURES = 2_000, 32
Floats = NDArray[np.float64]


def area_in_errors(shift: float, seed: int) -> float:
    """The area under the curve on held-out items less one half, in standard errors under no difference."""
    rng = np.random.default_rng(seed)

    def items(n: int, by: float) -> NDArray[np.float32]:
        return (rng.normal(size=(n, FEATURES)) + by).astype(np.float32)

    found = membership(
        items(60, 0.0), items(240, shift), rng=rng, hidden=(32, 32), learning_rate=3e-3, max_epochs=50
    )
    assert found.is_enough
    left, right = found.logits(items(HELD_OUT, 0.0)), found.logits(items(HELD_OUT, shift))
    both = np.concatenate([left, right])
    ranks = both.argsort().argsort()[HELD_OUT:] + 1
    area = (ranks.sum() - HELD_OUT * (HELD_OUT + 1) / 2) / HELD_OUT**2
    return float((area - 0.5) / np.sqrt((2 * HELD_OUT + 1) / (12 * HELD_OUT**2)))


def test_of_items_of_one_law_held_out_ones_cannot_be_told_apart(seed: int) -> None:
    """Null law: labelled and unlabelled items are draws of one law, so on held-out ones, which the classifier
    has not seen, the area under the curve is that of Mann and Whitney's U for any classifier: mean 1/2,
    variance (2k + 1)/(12k²) with k = 2,000 on each side.

    Statistic: the area in standard errors, normal to far below the level at this k; two-sided limit at 1e-6.
    The classifier has learned its own items by heart to 0.98, which must not help it. The twin: unlabelled
    items lie a fifth of a standard deviation higher in each feature.
    """
    assert abs(area_in_errors(0.0, seed)) <= LIMIT
    assert abs(area_in_errors(0.2, seed)) > LIMIT


def test_the_part_of_the_pool_that_is_seen_is_a_fair_draw(seed: int) -> None:
    """Null law: with a ratio of 1 and one label, one of 8 equal unlabelled items is seen and picked: each
    with probability 1/8.

    Statistic: chi-square with 7 degrees of freedom over 400 picks; rejected above its quantile at 1 − 1e-6.
    The twin sees the first half more often: with probability 1/5 each.
    """
    rng = np.random.default_rng(seed)
    pool, seen = np.full((8, 2), 1.0), np.full((1, 2), -1.0)

    def passes(picks: list[int]) -> bool:
        counts = np.bincount(picks, minlength=8)
        expected = len(picks) / 8
        return bool(((counts - expected) ** 2 / expected).sum() <= chi2.isf(FALSE_ALARM, 7))

    runs = [int(dal(pool, 1, labelled=seen, ratio=1, learning_rate=0.02, rng=rng)[0]) for _ in range(400)]
    assert passes(runs)
    assert not passes(rng.choice(8, size=400, p=[1 / 5] * 4 + [1 / 20] * 4).tolist())
