"""Intervals for few seeds, against closed forms."""

import math

import numpy as np
import pytest

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.intervals import (
    Interval,
    bca_interval,
    binomial_interval,
    reach_interval,
    student_interval,
)


def test_two_values_have_the_cauchy_interval() -> None:
    # One degree of freedom is the Cauchy law, whose quantile at (1 + c) / 2 is tan(π c / 2);
    # the mean of 0 and 2 is 1, its standard error 1.
    interval = student_interval([0.0, 2.0], confidence=0.9)
    assert interval.low == pytest.approx(1.0 - math.tan(math.pi * 0.45))
    assert interval.high == pytest.approx(1.0 + math.tan(math.pi * 0.45))


def test_three_values_have_the_interval_of_two_degrees_of_freedom() -> None:
    # With two degrees of freedom the quantile at p is (2p − 1) · sqrt(2 / (4p(1 − p))).
    quantile = 0.95 * math.sqrt(2.0 / (4.0 * 0.975 * 0.025))
    interval = student_interval([1.0, 2.0, 3.0])
    assert interval.high - 2.0 == pytest.approx(quantile / math.sqrt(3.0))
    assert 2.0 - interval.low == pytest.approx(quantile / math.sqrt(3.0))


def test_equal_values_are_a_point() -> None:
    point = Interval(0.25, 0.25)
    assert student_interval([0.25] * 4) == point
    assert bca_interval([0.25] * 4, rng=np.random.default_rng(0)) == point


def test_an_interval_holds_its_ends() -> None:
    interval = Interval(-1.0, 0.0)
    assert interval.holds(0.0)
    assert interval.holds(-1.0)
    assert not interval.holds(0.1)


def test_bca_leans_to_the_long_tail() -> None:
    values = [0.0, 0.1, 0.2, 0.3, 5.0]
    interval = bca_interval(values, rng=np.random.default_rng(0))
    mean = np.mean(values)
    assert interval.high - mean > mean - interval.low


def test_bca_follows_its_generator() -> None:
    values = [0.0, 1.0, 3.0, 4.0]
    first, again = (bca_interval(values, rng=np.random.default_rng(3)) for _ in range(2))
    assert first == again


def test_labels_to_reach_are_where_a_paired_t_test_cannot_tell() -> None:
    # Both seeds climb 0.01 a label from 0; they differ from the level by x/100 − 0.5 ± 0.1. With
    # two seeds the quantile is t, the standard error 0.1, so what is kept is |x − 50| <= 10 t.
    t = math.tan(math.pi * 0.4)  # Cauchy, 80 %: 3.078
    interval = reach_interval([0, 100], [[0.0, 1.0], [0.0, 1.0]], [0.4, 0.6], confidence=0.8)
    assert interval.low == pytest.approx(50.0 - 10.0 * t)
    assert interval.high == pytest.approx(50.0 + 10.0 * t)


def test_what_makes_a_seed_hard_for_both_cancels() -> None:
    hard = np.array([0.0, 0.2, 0.4])
    curves = np.stack([[0.0 + one, 1.0 + one] for one in hard])
    interval = reach_interval([0, 100], curves, 0.505 + hard)
    assert interval.low == pytest.approx(50.5)
    assert interval.high == pytest.approx(50.5)


def test_an_end_that_cannot_be_told_from_the_level_leaves_the_interval_open() -> None:
    interval = reach_interval([0, 100], [[0.0, 0.9], [0.0, 1.1]], [0.9, 0.9])
    assert interval.high == math.inf
    assert interval.low < 100.0


def test_an_interval_far_narrower_than_a_label_still_holds_the_estimate() -> None:
    interval = reach_interval([0, 10], [[0.0, 0.9], [0.0, 0.9001]], [0.4, 0.4])
    assert interval.low < 4.0 / 0.90005 < interval.high
    assert interval.high - interval.low < 0.01


def test_a_curve_that_passes_the_level_and_falls_back_is_not_known_to_stay() -> None:
    curves = [[0.0, 0.9, 0.30], [0.0, 0.9, 0.31]]
    interval = reach_interval([0, 50, 100], curves, [0.5, 0.5])
    assert interval.low == pytest.approx(50.0 * 5.0 / 9.0)
    assert interval.high == math.inf


def test_a_curve_that_dips_to_the_level_later_may_have_been_there_late() -> None:
    # clearly above at 50, not to be told from the level at 75, clearly above at the end
    curves = [[0.0, 0.9, 0.4, 0.9], [0.0, 0.9, 0.6, 0.9]]
    interval = reach_interval([0, 50, 75, 100], curves, [0.5, 0.5])
    assert interval.low == pytest.approx(50.0 * 5.0 / 9.0)
    assert 75.0 < interval.high < 100.0


def test_a_curve_that_stays_below_is_beyond_the_budget() -> None:
    assert reach_interval([0, 100], [[0.0, 0.5], [0.0, 0.5]], [0.9, 0.9]) == Interval(math.inf, math.inf)


def test_a_curve_that_starts_above_is_known_from_the_start() -> None:
    assert reach_interval([20, 100], [[0.8, 0.9], [0.8, 0.9]], [0.5, 0.5]) == Interval(20.0, 20.0)


@pytest.mark.parametrize("values", [[], [1.0]])
def test_fewer_than_two_seeds_have_no_interval(values: list[float]) -> None:
    with pytest.raises(ParameterError, match=f"at least 2 of them; received {len(values)}"):
        student_interval(values)
    with pytest.raises(ParameterError, match=f"at least 2 of them; received {len(values)}"):
        bca_interval(values, rng=np.random.default_rng(0))


def test_one_seed_reaches_nothing_with_certainty() -> None:
    with pytest.raises(ParameterError, match="at least 2 of them; received 1"):
        reach_interval([0, 100], [[0.0, 1.0]], [0.5])


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(ParameterError, match=f"above 0 and below 1; received {confidence}"):
        student_interval([1.0, 2.0], confidence=confidence)
    with pytest.raises(ParameterError, match=f"above 0 and below 1; received {confidence}"):
        reach_interval([0, 100], [[0.0, 1.0]] * 2, [0.5] * 2, confidence=confidence)


def test_values_must_be_finite() -> None:
    with pytest.raises(SignalError, match="row 1 holds nan"):
        student_interval([1.0, math.nan])


def test_levels_are_paired_with_curves() -> None:
    with pytest.raises(SignalError, match="'curves' says 2, 'levels' has shape \\(3,\\)"):
        reach_interval([0, 100], [[0.0, 1.0]] * 2, [0.5] * 3)


def test_no_success_and_all_successes_have_the_closed_form_of_one_tail() -> None:
    # P(0 of n) = (1 - p)^n = 0.025 at the upper end; all of n is its mirror image.
    assert binomial_interval(0, 20).low == 0.0
    assert binomial_interval(0, 20).high == pytest.approx(1.0 - 0.025 ** (1 / 20), rel=1e-12)
    assert binomial_interval(20, 20).low == pytest.approx(0.025 ** (1 / 20), rel=1e-12)
    assert binomial_interval(20, 20).high == 1.0


def test_the_ends_of_a_count_are_the_chances_whose_tails_are_what_is_left() -> None:
    interval = binomial_interval(3, 7, confidence=0.9)

    def at_least(p: float) -> float:
        return sum(math.comb(7, k) * p**k * (1 - p) ** (7 - k) for k in range(3, 8))

    def at_most(p: float) -> float:
        return sum(math.comb(7, k) * p**k * (1 - p) ** (7 - k) for k in range(4))

    assert at_least(interval.low) == pytest.approx(0.05, rel=1e-9)
    assert at_most(interval.high) == pytest.approx(0.05, rel=1e-9)


def test_no_trials_say_nothing() -> None:
    assert binomial_interval(0, 0) == Interval(0.0, 1.0)


def test_an_interval_of_counts_covers_as_often_as_it_says_for_every_chance() -> None:
    for n in (1, 2, 5, 20):
        ends = [binomial_interval(k, n) for k in range(n + 1)]
        for p in np.linspace(0.005, 0.995, 199):
            covered = sum(
                math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1) if ends[k].holds(p)
            )
            assert covered >= 0.95 - 1e-12


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((5, 4), "at most the number of trials, 4; received 5"),
        ((-1, 4), "'successes' must be a whole number from 0 up; received -1"),
        ((0, 2.5), "'trials' must be a whole number from 0 up; received 2.5"),
    ],
)
def test_impossible_counts_are_refused(counts: tuple[int, int], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        binomial_interval(*counts)
