"""The nearest counts of a given sum, against all of them."""

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextlabel.errors import ParameterError
from nextlabel.maths.integer_simplex import nearest_counts


def least_square(values: list[float], total: int) -> float:
    """The least sum of squares over all counts of the sum, by enumeration."""
    every = (one for one in product(range(total + 1), repeat=len(values)) if sum(one) == total)
    return min(float(((np.array(values) - one) ** 2).sum()) for one in every)


@given(
    st.lists(st.floats(-4, 8), min_size=1, max_size=4),
    st.integers(0, 6),
)
def test_no_counts_are_nearer(values: list[float], total: int) -> None:
    counts = nearest_counts(values, total)
    assert counts.sum() == total
    assert counts.min() >= 0
    apart = float(((np.array(values) - counts) ** 2).sum())
    assert apart <= least_square(values, total) + 1e-9


def test_rounding_each_number_for_itself_would_miss_the_sum() -> None:
    assert nearest_counts([0.4, 0.4, 0.4, 0.4], 2).tolist() == [1, 1, 0, 0]
    assert nearest_counts([1.6, 1.6, -1.2], 2).tolist() == [1, 1, 0]


def test_whole_numbers_of_the_right_sum_stay() -> None:
    counts = np.random.default_rng(0).multinomial(500, np.full(100, 0.01))
    noise = np.random.default_rng(1).uniform(-0.49, 0.49, size=100)
    assert nearest_counts(counts, 500).tolist() == counts.tolist()
    assert nearest_counts(counts + noise - noise.mean(), 500).sum() == 500


@pytest.mark.parametrize("values", [[], [np.inf, 1.0]])
def test_what_is_not_finite_is_refused(values: list[float]) -> None:
    shown = np.array2string(np.asarray(values, float), threshold=5)
    with pytest.raises(ParameterError, match=re.escape(f"finite numbers; received {shown}.")):
        nearest_counts(values, 1)


def test_a_negative_total_is_refused() -> None:
    with pytest.raises(ParameterError, match="'total' must be a whole number from 0 up; received -1"):
        nearest_counts([1.0], -1)
