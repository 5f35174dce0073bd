"""Intervals cover as often as they say, and a claim of a saving is wrong as seldom as it says."""

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm, t

from nextlabel.experiment.comparison import labels_saved
from nextlabel.maths.intervals import Interval, bca_interval, reach_interval, student_interval
from nextlabel.maths.summaries import labels_to_reach

LABELS = np.arange(0, 101, 10)
FALSE_ALARM = 1e-6


def percentile_interval(values: NDArray[np.float64], rng: np.random.Generator) -> Interval:
    """The broken twin: a percentile bootstrap, which covers 84 % at five seeds where it says 95 %."""
    means = rng.choice(values, size=(400, len(values))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(low), float(high))


def test_student_covers_what_it_says_with_five_seeds(seed: int) -> None:
    """Null law: of 4,000 intervals over five normal values, Binomial(4,000, 0.95) hold the mean.

    Statistic: how many do. Rejected outside the binomial quantiles at 5e-7 and 1 − 5e-7, so a correct
    implementation fails with probability at most 1e-6. The twin is a percentile bootstrap.
    """
    rng = np.random.default_rng(seed)
    draws = rng.normal(3.0, 2.0, size=(4_000, 5))
    lowest, highest = binom.ppf(FALSE_ALARM / 2, 4_000, 0.95), binom.isf(FALSE_ALARM / 2, 4_000, 0.95)

    def passes(held: int) -> bool:
        return bool(lowest <= held <= highest)

    assert passes(sum(student_interval(values).holds(3.0) for values in draws))
    assert not passes(sum(percentile_interval(values, rng).holds(3.0) for values in draws))


def test_bca_is_efrons_formula_on_all_resamples(seed: int) -> None:
    """Null law: the ends of 200,000 resamples sit where Efron's formula puts them among all 5^5 resamples.

    Statistic: for each end, how far its level among all resamples is from the one that the formula asks
    for, with acceleration and bias from the exact law. Dvoretzky, Kiefer and Wolfowitz: the empirical law
    is off by at most 0.0061 in all but 1e-6 of runs; the bias that is estimated from it adds at most
    2 · 0.0154 · 0.14 to a level below 0.08 or above 0.92, together 0.0105. The twin is a percentile
    bootstrap.
    """
    values = np.array([0.1, 0.4, 0.5, 1.1, 5.9])
    means = np.array([np.mean(chosen) for chosen in itertools.product(values, repeat=5)])
    left_out = np.array([np.delete(values, i).mean() for i in range(5)])
    leaning = left_out.mean() - left_out
    acceleration = (leaning**3).sum() / (6.0 * (leaning**2).sum() ** 1.5)
    bias = norm.ppf(((means < values.mean()).mean() + (means <= values.mean()).mean()) / 2.0)

    def passes(interval: Interval) -> bool:
        near = []
        for end, quantile in ((interval.low, norm.ppf(0.025)), (interval.high, norm.ppf(0.975))):
            shifted = bias + quantile
            level = norm.cdf(bias + shifted / (1.0 - acceleration * shifted))
            # a mean that is written in another order of additions differs in the last place
            below, upto = (means < end - 1e-9).mean(), (means <= end + 1e-9).mean()
            near.append(below - 0.0105 <= level <= upto + 0.0105)
        return all(near)

    rng = np.random.default_rng(seed)
    assert passes(bca_interval(values, rng=rng, resamples=200_000))
    assert not passes(percentile_interval(values, rng))


def passage_interval(curves: NDArray[np.float64], levels: NDArray[np.float64]) -> Interval:
    """The broken twin: Student's t over each seed's own first passage, without those that never arrive."""
    passages = [labels_to_reach(LABELS, curve, level) for curve, level in zip(curves, levels, strict=True)]
    return student_interval([one for one in passages if np.isfinite(one)])


def test_the_interval_of_labels_to_reach_holds_the_truth(seed: int) -> None:
    """Null law: the expected curve passes the expected level at 50 labels; at least 95 % hold 50.

    Each of 20 seeds has a difficulty shared by curve and level, and normal noise at every checkpoint.
    The test at 50 labels keeps them with probability 0.95 exactly, and the hull holds what the test keeps.
    Statistic: how many of 1,000 intervals hold 50. Rejected below the Binomial(1,000, 0.95) quantile at
    1e-6. The twin takes each seed's own first passage, which noise makes early.
    """
    rng = np.random.default_rng(seed)
    lowest = binom.ppf(FALSE_ALARM, 1_000, 0.95)
    held = early = 0
    for _ in range(1_000):
        difficulty = rng.normal(0.0, 0.1, size=20)
        curves = LABELS / 100 + difficulty[:, None] + rng.normal(0.0, 0.2, size=(20, len(LABELS)))
        levels = 0.5 + difficulty + rng.normal(0.0, 0.05, size=20)
        held += reach_interval(LABELS, curves, levels).holds(50.0)
        early += passage_interval(curves, levels).holds(50.0)
    assert held >= lowest
    assert early < lowest


def whole_labels(curves: NDArray[np.float64], levels: NDArray[np.float64]) -> Interval:
    """The broken twin: the same test at whole label counts alone, both ends rounded inwards."""
    gaps = np.stack([np.interp(np.arange(101.0), LABELS, row) for row in curves]) - levels[:, None]
    reach = t.ppf(0.975, len(gaps) - 1) * gaps.std(axis=0, ddof=1) / np.sqrt(len(gaps))
    kept = np.flatnonzero(np.abs(gaps.mean(axis=0)) <= reach)
    return Interval(float(kept[0]), float(kept[-1])) if len(kept) else Interval(np.nan, np.nan)


def test_an_interval_about_a_label_wide_holds_the_truth_as_often(seed: int) -> None:
    """Null law: as above, with noise so small that an interval spans about one label; the truth is 50.5.

    Statistic: how many of 1,000 intervals hold 50.5. Rejected below the Binomial(1,000, 0.95) quantile at
    1e-6. The twin looks at whole label counts only.
    """
    rng = np.random.default_rng(seed)
    lowest = binom.ppf(FALSE_ALARM, 1_000, 0.95)
    held = rounded = 0
    for _ in range(1_000):
        curves = LABELS / 100 + rng.normal(0.0, 0.005, size=(10, len(LABELS)))
        levels = 0.505 + rng.normal(0.0, 0.005, size=10)
        held += reach_interval(LABELS, curves, levels).holds(50.5)
        rounded += whole_labels(curves, levels).holds(50.5)
    assert held >= lowest
    assert rounded < lowest


def naive_saving(curves: NDArray[np.float64], reference: NDArray[np.float64]) -> Interval:
    """The broken twin: each seed's first passage over the baseline's mean final level, out of the budget."""
    level = reference.mean(axis=0)[-1]
    passages = np.array([labels_to_reach(LABELS, curve, level) for curve in curves])
    return student_interval(1.0 - np.minimum(passages, LABELS[-1]) / LABELS[-1])


def test_equal_strategies_seldom_claim_a_saving(seed: int) -> None:
    """Null law: two strategies of one law; a saving is claimed with probability at most 0.025.

    Ten seeds; a curve that levels off, a difficulty shared within a seed, normal noise at every
    checkpoint. A saving is claimed only if the final accuracies differ by a paired t test in the
    strategy's favour. Statistic: claims in 1,500 experiments. Rejected above the Binomial(1,500, 0.025)
    quantile at 1 − 1e-6. The twin averages each seed's own first passage.
    """
    rng = np.random.default_rng(seed)
    highest = binom.isf(FALSE_ALARM, 1_500, 0.025)
    claimed = naive = 0
    expected = 0.9 - 0.5 * np.exp(-LABELS / 30)
    for _ in range(1_500):
        difficulty = rng.normal(0.0, 0.02, size=(10, 1))
        ours, theirs = (
            expected + difficulty + rng.normal(0.0, 0.01, size=(10, len(LABELS))) for _ in range(2)
        )
        saving = labels_saved(LABELS, ours, theirs)
        claimed += saving.needed_interval.high < saving.baseline_needed
        naive += naive_saving(ours, theirs).low > 0.0
    assert claimed <= highest
    assert naive > highest
