"""Tests of paired differences, against closed forms and cases worked by hand."""

import math

import numpy as np
import pytest

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.comparisons import holm, paired_t_p, signed_rank_p


def test_two_seeds_follow_cauchy_and_three_the_law_of_two_degrees() -> None:
    # differences 0 and 2: t = 1, one degree of freedom, p = 1 − 2·arctan(1)/π
    assert paired_t_p([[0.0], [2.0]])[0] == pytest.approx(0.5)
    # 1, 2, 3: t = 2√3, two degrees of freedom, p = 1 − t/√(t² + 2)
    assert paired_t_p([[1.0], [2.0], [3.0]])[0] == pytest.approx(1.0 - math.sqrt(12.0 / 14.0))


def test_the_sign_does_not_matter_and_columns_are_separate() -> None:
    rows = np.array([[1.0, -1.0, 5.0], [2.0, -2.0, 1.0], [3.0, -3.0, 0.0]])
    p = paired_t_p(rows)
    assert p[0] == p[1]
    assert p[2] == paired_t_p(rows[:, 2:])[0]


def test_differences_that_never_vary_are_certain_or_nothing() -> None:
    assert paired_t_p([[0.0, 0.1, -0.1]] * 3).tolist() == [1.0, 0.0, 0.0]


def test_what_rounding_makes_is_no_gain_however_steady() -> None:
    # sums of 0.1, 0.2 and 0.3 in two orders differ by 1.1e-16: were that a gain, it would be a certain one
    gap = (0.1 + 0.2) + 0.3 - (0.1 + (0.2 + 0.3))
    assert gap > 0.0
    assert paired_t_p(np.array([[1.0], [1.1], [0.9], [1.0], [1.0]]) * gap).tolist() == [1.0]
    assert signed_rank_p([gap, 2 * gap, 3 * gap, 4 * gap, 5 * gap, 6 * gap]) == 1.0
    # nor is it a spread, and what is a thousand times larger is a gain
    assert paired_t_p([[0.1], [0.1 + gap], [0.1]]).tolist() == [0.0]
    assert paired_t_p([[1.0e-9], [1.1e-9], [0.9e-9], [1.0e-9]])[0] < 0.001


def test_signed_ranks_of_one_sign_have_the_smallest_p() -> None:
    # all 2^5 patterns of signs are equally likely, and two are as extreme
    assert signed_rank_p([0.1, 0.2, 0.3, 0.5, 0.4]) == pytest.approx(2 / 32)
    # ranks 1, 2, 3, 4 with −1: sum 9 or more, or 1 or less, in 4 of 16 patterns
    assert signed_rank_p([-1.0, 2.0, 3.0, 4.0]) == pytest.approx(4 / 16)


def test_seeds_without_a_difference_are_left_out_of_the_ranks() -> None:
    assert signed_rank_p([0.0, 1.0, 2.0, 3.0]) == signed_rank_p([1.0, 2.0, 3.0])
    assert signed_rank_p([0.0, 0.0]) == 1.0


def test_holm_worked_by_hand() -> None:
    # 0.005·4; 0.01·3 = 0.03; 0.03·2 = 0.06; 0.04·1 is raised to 0.06
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    assert holm([0.04]).tolist() == [0.04]


@pytest.mark.parametrize("values", [[-0.1, 0.5], [0.5, 1.1]])
def test_what_is_no_probability_is_refused(values: list[float]) -> None:
    with pytest.raises(ParameterError, match=f"received values from {min(values):g} to {max(values):g}"):
        holm(values)


def test_one_seed_is_no_test() -> None:
    with pytest.raises(ParameterError, match="at least 2 seeds; received 1"):
        paired_t_p([[1.0]])
    with pytest.raises(ParameterError, match="at least 2 seeds; received 1"):
        signed_rank_p([1.0])
    with pytest.raises(SignalError, match="'differences' must have the axes"):
        signed_rank_p([[1.0]])
