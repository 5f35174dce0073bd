"""Weights by the effective number of items: by hand, at both ends, and with classes that are absent."""

from typing import Any

import numpy as np
import pytest

from nextlabel.errors import ParameterError
from nextlabel.maths.class_weights import effective_number_weights


def test_one_and_ten_items_weigh_as_by_hand() -> None:
    """(1 − 0.9^10) / 0.1 = 6.5132156; weights 1 and 0.15353 scaled to sum 2."""
    effective = (1 - 0.9**10) / 0.1
    assert round(effective, 4) == 6.5132
    expected = np.array([1, 1 / effective]) * 2 / (1 + 1 / effective)
    weights = effective_number_weights([1, 10], beta=0.9)
    np.testing.assert_allclose(weights, expected, rtol=1e-14)
    assert weights.round(4).tolist() == [1.7338, 0.2662]


def test_beta_zero_weighs_all_alike_and_beta_one_inversely() -> None:
    counts = np.array([3, 40, 500])
    assert effective_number_weights(counts, beta=0).tolist() == [1, 1, 1]
    inverse = (1 / counts) / np.mean(1 / counts)
    np.testing.assert_allclose(effective_number_weights(counts, beta=1), inverse, rtol=1e-15)


def test_near_one_digits_are_kept() -> None:
    """The effective number is also Σ β^j over j < n, whose terms are near 1: right to some 1e-15.

    The twin, (1 − β^n) / (1 − β) as it is written, has an error of up to 2⁻⁵⁴ / (n (1 − β)), here 5e-9.
    """
    counts, beta = np.array([1, 3, 1000]), 1 - 1e-8
    effective = np.array([np.sum(beta ** np.arange(n)) for n in counts])
    expected = (1 / effective) / np.mean(1 / effective)
    np.testing.assert_allclose(effective_number_weights(counts, beta=beta), expected, rtol=1e-12)
    naive = (1 - beta) / (1 - beta ** counts.astype(float))
    assert not np.allclose(naive / naive.mean(), expected, rtol=1e-10, atol=0)


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.9999, 1.0])
def test_equal_counts_weigh_one(beta: float) -> None:
    np.testing.assert_allclose(effective_number_weights([7, 7, 7], beta=beta), 1, rtol=1e-15)


def test_an_absent_class_weighs_nothing_and_the_others_as_without_it() -> None:
    weights = effective_number_weights([1, 0, 10], beta=0.9)
    assert weights[1] == 0
    assert weights[[0, 2]].tolist() == effective_number_weights([1, 10], beta=0.9).tolist()


def test_items_may_count_as_parts() -> None:
    """(1 − 0.9^½) / 0.1 = 0.51317 of half an item, and 1 of one: by hand."""
    effective = (1 - 0.9**0.5) / 0.1
    expected = np.array([1 / effective, 1]) * 2 / (1 + 1 / effective)
    np.testing.assert_allclose(effective_number_weights([0.5, 1.0], beta=0.9), expected, rtol=1e-14)


@pytest.mark.parametrize("counts", [[0, 0], [-1, 2], [np.nan, 1.0], [np.inf, 1.0], ["1"], [[1, 2]], []])
def test_counts_that_count_nothing_are_refused(counts: Any) -> None:
    with pytest.raises(
        ParameterError, match=r"finite numbers from 0 up, axes \(c,\), not all 0; received \["
    ):
        effective_number_weights(counts, beta=0.5)


@pytest.mark.parametrize("beta", [1.5, -0.1, float("nan")])
def test_a_beta_that_is_no_share_is_refused(beta: float) -> None:
    with pytest.raises(ParameterError, match=f"'beta' must be a number .*received {beta}"):
        effective_number_weights([1], beta=beta)
