"""A report calls equal strategies better as seldom as it says, and finds a better one as it should."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, nct, t, ttest_ind

from nextlabel.experiment.verdicts import BETTER, EQUAL, joint_intervals, verdicts
from nextlabel.maths.intervals import student_interval
from nextlabel.maths.penalties import penalties
from nextlabel.maths.summaries import area_under_budget_curve

FALSE_ALARM = 1e-6
LABELS = np.arange(100, 1301, 200)
EXPECTED = 0.85 - 0.5 * np.exp(-LABELS / 400)


def areas(rng: np.random.Generator, seeds: int, strategies: int) -> NDArray[np.float64]:
    """AUBC of simulated curves of one law, axes (s, a): a seed is hard or easy for all, the rest is noise."""
    difficulty = rng.normal(0.0, 0.02, size=(seeds, 1))
    return np.stack(
        [
            area_under_budget_curve(
                LABELS, EXPECTED + difficulty + rng.normal(0.0, 0.01, (seeds, len(LABELS)))
            )
            for _ in range(strategies)
        ],
        axis=1,
    )


def one_by_one(gains: NDArray[np.float64]) -> bool:
    """The broken twin: each strategy by its own 95 % interval, as if it were the only one."""
    return any(student_interval(values).low > 0.0 for values in gains.T)


def test_of_three_equals_one_is_seldom_called_better(seed: int) -> None:
    """Null law: a baseline and three strategies of one law; a report says "better" with chance at most 0.025.

    Ten seeds; the gains share the baseline, so they depend on one another. Statistic: how many of 3,000
    reports call any strategy better. Rejected above the Binomial(3,000, 0.025) quantile at 1 − 1e-6, which is
    below 4 % of them. The twin judges each strategy by itself.
    """
    rng = np.random.default_rng(seed)
    highest = binom.isf(FALSE_ALARM, 3_000, 0.025)
    assert highest <= 0.04 * 3_000
    called = alone = 0
    for _ in range(3_000):
        made = areas(rng, 10, 4)
        gains = made[:, 1:] - made[:, :1]
        called += BETTER in verdicts(gains, rope=0.01)
        alone += one_by_one(gains)
    assert called <= highest
    assert alone > highest


def test_one_better_by_a_point_is_found(seed: int) -> None:
    """Law: the gain of one of three strategies is normal, mean 0.01, sd 0.015, over 30 seeds; 80 % are found.

    A seed is hard or easy for all. Holm finds it at least as often as a t test at a third of 5 %, whose
    power, from the noncentral t, is 0.85. Statistic: how many of 2,000 reports call it better; fewer than
    80 % have a chance below 1e-6. The twin takes runs for unpaired.
    """
    rng = np.random.default_rng(seed)
    quantile = t.isf(0.05 / 6.0, 29)
    power = nct.sf(quantile, 29, 0.01 / (0.015 / np.sqrt(30.0)))
    assert binom.cdf(0.8 * 2_000 - 1, 2_000, power) <= FALSE_ALARM
    found = unpaired = 0
    for _ in range(2_000):
        baseline = rng.normal(0.7, 0.03, size=(30, 1))
        gains = rng.normal([0.01, 0.0, 0.0], 0.015, size=(30, 3))
        found += verdicts(gains)[0] == BETTER
        unpaired += ttest_ind(baseline[:, 0] + gains[:, 0], baseline[:, 0]).pvalue < 0.05 / 3.0
    assert found >= 0.8 * 2_000
    assert unpaired < 0.8 * 2_000


def test_the_intervals_of_a_table_hold_together(seed: int) -> None:
    """Null law: three gains of any means, sharing a baseline; all three intervals hold theirs in 95 %.

    Statistic: in how many of 3,000 experiments all do. Rejected below the Binomial(3,000, 0.95) quantile at
    1e-6. The twin takes 95 % for each.
    """
    rng = np.random.default_rng(seed)
    lowest = binom.ppf(FALSE_ALARM, 3_000, 0.95)
    means = np.array([0.05, -0.02, 0.0])
    together = each = 0
    for _ in range(3_000):
        made = rng.normal(0.0, 0.02, size=(10, 4))
        gains = made[:, 1:] + means - made[:, :1]
        together += all(
            one.holds(mean) for one, mean in zip(joint_intervals(gains), means.tolist(), strict=True)
        )
        each += all(
            student_interval(values).holds(mean) for values, mean in zip(gains.T, means.tolist(), strict=True)
        )
    assert together >= lowest
    assert each < lowest


def test_what_differs_by_the_region_is_seldom_called_practically_equal(seed: int) -> None:
    """Null law: a gain of exactly the region's 0.01; "practically equal" is said with chance at most 0.025.

    Statistic: how many of 2,000 reports of ten seeds say so. Rejected above the Binomial(2,000, 0.025)
    quantile at 1 − 1e-6. The twin looks at the mean alone.
    """
    rng = np.random.default_rng(seed)
    highest = binom.isf(FALSE_ALARM, 2_000, 0.025)
    samples = rng.normal(0.01, 0.004, size=(2_000, 10, 1))
    assert sum(verdicts(gains, rope=0.01)[0] == EQUAL for gains in samples) <= highest
    assert sum(bool(abs(gains.mean()) < 0.01) for gains in samples) > highest


def test_equal_strategies_beat_one_another_at_the_stated_rate(seed: int) -> None:
    """Null law: of 20,000 independent checkpoints of two equals, Binomial(20,000, 0.025) say that i beats j.

    Statistic: entry (0, 1) of the penalties times 20,000. Rejected outside the quantiles at 5e-7 and
    1 − 5e-7. The twin tests one side at 5 %.
    """
    rng = np.random.default_rng(seed)
    curves = rng.normal(0.7, 0.05, size=(2, 8, 20_000))
    lowest, highest = (binom.ppf(q, 20_000, 0.025) for q in (FALSE_ALARM / 2, 1.0 - FALSE_ALARM / 2))
    gaps = curves[0] - curves[1]
    ratio = gaps.mean(axis=0) / (gaps.std(axis=0, ddof=1) / np.sqrt(8.0))

    def passes(beats: float) -> bool:
        return bool(lowest <= beats <= highest)

    assert passes(round(penalties(curves)[0, 1] * 20_000))
    assert not passes(float((ratio > t.isf(0.05, 7)).sum()))
