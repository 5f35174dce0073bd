"""The rank of a matrix at the widest gap of its singular values."""

import re

import numpy as np
import pytest

from nextlabel.errors import ParameterError
from nextlabel.leakage.closed_forms.layer_gradients import spectrum_of_items
from nextlabel.maths.row_space import gaps_of, spectrum_of


def spectrum_of_sum(items: int, dtype: type, spread: float = 1.0) -> int:
    """The rank found of a sum of outer products, added up in a type."""
    rng = np.random.default_rng(items)
    left, right = rng.normal(size=(60, items)), rng.normal(size=(items, 40))
    left[:, -1] *= spread
    made = np.asarray(left.astype(dtype) @ right.astype(dtype), np.float64)
    values = np.linalg.svd(made, compute_uv=False)
    return spectrum_of(values, precision=float(np.finfo(dtype).eps)).rank


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("items", [1, 2, 7, 20])
def test_the_rank_is_the_number_of_outer_products(items: int, dtype: type) -> None:
    assert spectrum_of_sum(items, dtype) == items


def test_a_weak_item_counts_while_it_stands_clear_of_rounding() -> None:
    assert spectrum_of_sum(4, np.float32, spread=1e-3) == 4
    assert spectrum_of_sum(4, np.float32, spread=1e-10) == 3


def test_the_gap_is_the_factor_between_signal_and_rounding() -> None:
    found = spectrum_of([1e-5, 4.0, 2.0], precision=1e-7)
    assert found.values == (4.0, 2.0, 1e-5)
    assert found.rank == 2
    assert found.gap == pytest.approx(2e5)


def test_what_lies_below_the_precision_makes_no_gap() -> None:
    # between 1e-9 and 1e-30 there is a gap in the numbers, and none in what they mean
    assert spectrum_of([1.0, 0.5, 1e-9, 1e-30], precision=1e-8).rank == 2


def test_without_a_gap_the_rank_is_full() -> None:
    found = spectrum_of([3.0, 2.0, 1.0], precision=1e-7)
    assert (found.rank, found.gap) == (3, 1.0)
    assert spectrum_of([3.0], precision=1e-7).rank == 1


def too_low(seed: int, by_chance: bool) -> int:
    """How many of 2000 square matrices of full rank are given a lower one; by tenfold falls, or by ours."""
    rng, found = np.random.default_rng(seed), 0
    for _ in range(2000):
        values = np.linalg.svd(rng.normal(size=(16, 16)), compute_uv=False)
        lowered = bool((values[:-1] >= 10.0 * values[1:]).any())
        found += (spectrum_of(values, precision=1e-7).rank < 16) if by_chance else lowered
    return found


def test_the_weakest_of_a_full_rank_is_not_taken_for_rounding(seed: int) -> None:
    """A gap is a fall that each end of the spectrum makes once in a thousand draws.

    Of 16 values only the last fall and the last but one can reach what is asked for, since before three
    values or more a tenfold fall has a chance of the order 10 ** -9: the chance of a false gap is 2e-3 at
    most, and that of more than 18 in 2000 draws below 5e-8 (binomial).
    """
    assert too_low(seed, by_chance=True) <= 18


def test_tenfold_falls_would_lower_the_rank(seed: int) -> None:
    # the twin: one draw in six has a fall by ten somewhere, nearly always before its last value
    assert too_low(seed, by_chance=False) > 18


def test_a_fall_to_rounding_is_a_gap_wherever_it_is() -> None:
    assert spectrum_of([1.0, 0.5, 0.2, 0.01], precision=0.01).rank == 3
    assert spectrum_of([1.0, 0.5, 0.2, 0.01], precision=1e-7).rank == 4
    assert gaps_of([1.0, 0.1, 1e-6, 1e-9], precision=1e-7).tolist() == pytest.approx([10.0, 1e5, 10.0])
    # the same fall by ten at the end, to a value that is no rounding, is none
    assert gaps_of([1.0, 0.1, 1e-6, 1e-7], precision=1e-8).tolist() == pytest.approx([10.0, 1e5, 0.0])


def test_falls_that_chance_makes_are_no_gaps_whatever_is_asked_for() -> None:
    values = [1.0, 0.9, 0.9 / 2900.0]
    assert gaps_of(values, precision=1e-9).tolist() == [0.0, 0.0]
    assert gaps_of([1.0, 0.9, 0.9 / 3100.0], precision=1e-9).tolist() == pytest.approx([0.0, 3100.0])
    # of two left over, a fall by 16 is enough, and 3100 where that much is asked for
    pair = [1.0, 1.0 / 16.0, 1.0 / 17.0]
    assert gaps_of(pair, precision=1e-9).tolist() == pytest.approx([16.0, 0.0])
    assert gaps_of(pair, precision=1e-9, least_gap=17.0).tolist() == [0.0, 0.0]


def test_after_the_last_item_a_tenfold_fall_is_enough() -> None:
    # five values of four items: the fifth is noise, whatever a spectrum without a number of items would say
    values = np.array([1.0, 0.9, 0.8, 0.5, 0.02])
    assert spectrum_of(values, precision=1e-7).rank == 5
    found = spectrum_of_items(values, 1e-7, 4)
    assert found.rank == 4
    assert found.gap == pytest.approx(25.0)
    for items in (1, 2, 3, 5, 9):
        assert spectrum_of_items(values, 1e-7, items).rank == 5
    assert spectrum_of_items(np.array([1.0, 0.9, 0.8, 0.5, 0.06]), 1e-7, 4).rank == 5
    assert spectrum_of_items(np.zeros(3), 1e-7, 1).rank == 0


def test_the_number_of_items_lowers_no_rank_beyond_it() -> None:
    # an update of several steps has more than one direction an item: the wider gap is kept
    values = np.array([1.0, 0.09, 0.08, 1e-9])
    assert spectrum_of_items(values, 1e-9, 1).rank == 3


def test_zeros_have_rank_zero() -> None:
    found = spectrum_of(np.zeros(3), precision=1e-7)
    assert (found.rank, found.gap) == (0, 1.0)


@pytest.mark.parametrize("values", [[], [1.0, -1.0], [np.nan, 1.0]])
def test_what_is_no_singular_value_is_refused(values: list[float]) -> None:
    shown = np.array2string(np.sort(np.asarray(values, float))[::-1], threshold=5)
    with pytest.raises(ParameterError, match=re.escape(f"from 0 up; received {shown}.")):
        spectrum_of(values, precision=1e-7)


def test_parameters_are_checked_by_name() -> None:
    with pytest.raises(ParameterError, match=r"'precision' must be .*; received 0"):
        spectrum_of([1.0], precision=0)
    with pytest.raises(ParameterError, match=r"'least_gap' must be .*; received 0.5"):
        spectrum_of([1.0], precision=1e-7, least_gap=0.5)
