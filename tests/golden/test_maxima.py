"""Estimates of a maximum, on numbers done by hand and in closed form."""

import re
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from nextlabel.errors import BatchSizeError, ParameterError, SignalError
from nextlabel.maths.maxima import double, self_correcting, shrunken, single

VALUE, OTHER = [0.1, 0.9, 0.4, 0.7], [0.2, 0.3, 0.5, 0.45]


def expected_maximum(n: int) -> float:
    """Of n standard normal numbers."""
    return float(quad(lambda x: x * n * norm.pdf(x) * norm.cdf(x) ** (n - 1), -9, 9)[0])


def test_the_single_estimate_is_the_largest_score() -> None:
    assert single(VALUE) == 0.9
    assert single(VALUE, batch=3) == pytest.approx((0.9 + 0.7 + 0.4) / 3)
    assert single(VALUE, batch=4) == pytest.approx(np.mean(VALUE))


def test_the_double_estimate_is_chosen_by_the_other_half() -> None:
    assert double(VALUE, OTHER) == 0.4
    assert double(VALUE, OTHER, batch=2) == pytest.approx((0.4 + 0.7) / 2)
    assert double(OTHER, VALUE) == 0.3


def test_beta_goes_from_single_to_double() -> None:
    for batch in (1, 2, 3, 4):
        assert self_correcting(VALUE, OTHER, beta=0.0, batch=batch) == single(VALUE, batch=batch)
        assert self_correcting(VALUE, OTHER, beta=1.0, batch=batch) == double(VALUE, OTHER, batch=batch)
    # at one half the sums order: 0.3, 1.2, 0.9, 1.15; at two 2·s² − s¹: 0.3, −0.3, 0.6, 0.2
    assert self_correcting(VALUE, OTHER, beta=0.5) == 0.9
    assert self_correcting(VALUE, OTHER, beta=0.5, batch=2) == pytest.approx(0.8)
    assert self_correcting(VALUE, OTHER, beta=2.0) == 0.4


def test_one_removes_the_bias_by_default() -> None:
    assert self_correcting(VALUE, OTHER) == double(VALUE, OTHER)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 3.0])
def test_without_noise_all_give_the_maximum(beta: float) -> None:
    assert self_correcting(VALUE, VALUE, beta=beta) == 0.9
    assert self_correcting(VALUE, VALUE, beta=beta, batch=2) == pytest.approx(0.8)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 3.0])
def test_a_single_candidate_is_its_own_value(beta: float) -> None:
    assert self_correcting([0.3], [0.8], beta=beta) == 0.3


def test_of_items_that_tie_the_mean_counts() -> None:
    """Three tie in the half that chooses, two places are left: each comes with probability 2/3."""
    value, other = [5.0, 1.0, 2.0, 6.0], [9.0, 4.0, 4.0, 4.0]
    assert double(value, other, batch=3) == pytest.approx((5.0 + 2 * (1.0 + 2.0 + 6.0) / 3) / 3)
    order = [3, 1, 0, 2]
    assert double(np.array(value)[order], np.array(other)[order], batch=3) == double(value, other, batch=3)


# n = 50 equal true scores, 100 draws of standard deviation 1; measured for the table of the method
HALVES = {0.0: 0.318, 0.25: 0.302, 0.5: 0.225, 0.75: 0.100, 1.0: 0.001, 1.5: -0.101}
NESTED = {0.0: 0.225, 1.0: 0.159, 2.0: 0.101, 4.0: 0.054}


def test_the_table_of_biases_follows_from_the_closed_form() -> None:
    """With D = (1 − β)s¹ + βs² the largest of n is off by cov(s¹, D) / sd(D) · e(n).

    Disjoint halves: σ(1 − β)/√((1 − β)² + β²) with σ² = 1/50. The whole and its first half, s¹ of variance
    1/100 and covariance 1/100 with s²: 0.1/√(1 + β²). The table was itself measured, to some 0.0015.
    """
    most = expected_maximum(50)
    assert most == pytest.approx(2.2491, abs=1e-4)
    for beta, measured in HALVES.items():
        exact = np.sqrt(1 / 50) * most * (1 - beta) / np.hypot(1 - beta, beta)
        assert measured == pytest.approx(exact, abs=0.0015)
    for beta, measured in NESTED.items():
        assert measured == pytest.approx(0.1 * most / np.hypot(1, beta), abs=0.0015)


def test_noise_moves_a_score_to_the_mean() -> None:
    # variance 4, mean noise 4/3, so τ² = 8/3; the last one keeps (8/3)/(8/3 + 4) = 2/5 of its 2 above
    assert shrunken([0.0, 2.0, 4.0], [0.0, 0.0, 4.0]) == pytest.approx([0.0, 2.0, 2.8])


def test_equal_noise_keeps_the_order() -> None:
    scores = np.random.default_rng(0).normal(size=50)
    assert (np.argsort(shrunken(scores, np.full(50, 0.3))) == np.argsort(scores)).all()


def test_of_two_equal_scores_the_surer_is_larger() -> None:
    found = shrunken([1.0, 5.0, 5.0, 0.0], [0.1, 0.1, 2.0, 0.1])
    assert found[1] > found[2] > found[0]


def test_what_may_be_all_noise_becomes_the_mean() -> None:
    assert shrunken([0.0, 1.0], [9.0, 9.0]).tolist() == [0.5, 0.5]
    assert shrunken([0.0, 1.0], [9.0, 0.0]).tolist() == [0.5, 1.0]  # what is known stays


def test_without_noise_scores_stay() -> None:
    assert shrunken(VALUE, [0.0] * 4) == pytest.approx(VALUE)
    assert shrunken([3.0], [2.0]).tolist() == [3.0]
    assert shrunken([2.0, 2.0], [0.0, 0.0]).tolist() == [2.0, 2.0]


def test_a_variance_below_zero_is_refused() -> None:
    with pytest.raises(SignalError, match=re.escape("from 0 up; received -0.5 at position 1")):
        shrunken([1.0, 2.0], [0.1, -0.5])


def test_halves_of_other_lengths_are_refused() -> None:
    with pytest.raises(SignalError, match="'other' and 'value' must agree on axis 'n'"):
        double([1.0, 2.0], [1.0])


@pytest.mark.parametrize("batch", [0, 3])
def test_a_batch_out_of_range_is_refused(batch: int) -> None:
    with pytest.raises(BatchSizeError, match=f"the 2 items at hand; received {batch}"):
        single([1.0, 2.0], batch=batch)


@pytest.mark.parametrize("beta", [-0.1, float("inf"), True])
def test_a_beta_that_makes_no_sense_is_refused(beta: Any) -> None:
    says = f"'beta' must be a finite number of at least 0; received {beta!r}"
    with pytest.raises(ParameterError, match=re.escape(says)):
        self_correcting([1.0], [1.0], beta=beta)
