"""The rank of a matrix at the widest gap of its singular values."""

import re

import numpy as np
import pytest

from nextlabel.errors import ParameterError
from nextlabel.maths.row_space import spectrum_of


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
