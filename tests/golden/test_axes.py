"""What the border accepts, what it refuses, and what it says."""

import re
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from nextlabel.errors import SignalError
from nextlabel.maths.axes import Array, Sizes, checked, checked_probabilities, frozen, row_chunks


class OnlyDLPack:
    """A tensor of a library that knows DLPack and not NumPy."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __dlpack__(self, **options: Any) -> Any:
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.values.__dlpack_device__()


class OnAnotherDevice:
    """A tensor that refuses to come to the host by itself."""

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        message = "can't convert a tensor on device 7"
        raise TypeError(message)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floating_arrays_are_viewed_and_not_copied(dtype: type) -> None:
    given: Array = np.ones((3, 2), dtype)
    read = checked(given, "n d", "embedding")
    assert np.shares_memory(given, read)
    assert not read.flags.writeable
    assert given.flags.writeable


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        (np.float16, np.float32),
        (np.int8, np.float32),
        (np.uint16, np.float32),
        (bool, np.float32),
        (np.int32, np.float64),
        (np.int64, np.float64),
        (np.longdouble, np.float64),
    ],
)
def test_other_numbers_become_floating(given: type, becomes: type) -> None:
    assert checked(np.ones((2, 2), given), "n d", "embedding").dtype == becomes


def test_a_mapped_file_stays_on_disk(tmp_path: Path) -> None:
    np.save(tmp_path / "features.npy", np.ones((4, 2), np.float32))
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    assert np.shares_memory(mapped, checked(mapped, "n d", "embedding"))


def test_lists_and_dlpack_are_read() -> None:
    assert checked([[1, 2], [3, 4]], "n d", "embedding").tolist() == [[1, 2], [3, 4]]
    assert checked(cast(Any, OnlyDLPack([[1.0, 2.0]])), "n d", "embedding").tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("values", "axes", "says"),
    [
        ([1.0, 2.0], "n c", r"'proba' must have the axes (n, c); received an array of shape (2,). Reshape"),
        ([[1.0]], "n m c", r"'proba' must have the axes (n, m, c); received an array of shape (1, 1)."),
        (["a", "b"], "n", "received values of type <U1. Convert them to float32"),
        ([1j], "n", "received values of type complex128"),
        ([None, 1], "n", "received values of type object"),
        ([[1.0], [1.0, 2.0]], "n c", "received list, which NumPy cannot read (setting an array element"),
        (OnAnotherDevice(), "n", "received OnAnotherDevice, which NumPy cannot read (can't convert a tensor"),
        (np.ones((2, 0)), "n c", "at least one of its classes (axis 'c'); received an array of shape (2, 0)"),
        (np.ones((2, 0, 3)), "n m c", "at least one of its draws (axis 'm')"),
        ([0.0, np.nan], "n", "'proba' must be finite; row 1 holds nan or infinity"),
        ([[0.0, 1.0], [-np.inf, 0.0]], "n c", "row 1 holds"),
    ],
)
def test_what_cannot_be_read_is_refused(values: Any, axes: str, says: str) -> None:
    with pytest.raises(SignalError, match=re.escape(says)):
        checked(values, axes, "proba")


def test_the_first_bad_row_is_named_in_a_later_chunk() -> None:
    values = np.zeros((600_000, 2), np.float32)  # three chunks of two megabytes
    values[[400_000, 500_000], 1] = np.inf
    with pytest.raises(SignalError, match="row 400000 holds"):
        checked(values, "n d", "embedding")


def test_squares_that_overflow_are_not_taken_for_infinity() -> None:
    huge = np.full((2, 2), 1e300)
    assert checked(huge, "n d", "embedding").tolist() == huge.tolist()


def test_equal_letters_measure_the_same() -> None:
    sizes: Sizes = {}
    checked(np.zeros((3, 2)), "n c", "logits", sizes)
    assert sizes == {"n": (3, "logits"), "c": (2, "logits")}
    says = re.escape(
        "'draws' and 'logits' must agree on axis 'c'; 'logits' says 2, 'draws' has shape (3, 5, 4), which "
        "says 4. Give both for the same classes, in the same order."
    )
    with pytest.raises(SignalError, match=says):
        checked(np.zeros((3, 5, 4)), "n m c", "draws", sizes)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([[0.5, 0.5], [0.5, 0.4]], "row 1 sums to 0.9 with a smallest value of 0.4."),
        ([[1.2, -0.2]], "row 0 sums to 1 with a smallest value of -0.2."),
        ([[0.5, 0.5002]], "sum to one within 0.0001; row 0 sums to 1.0002"),
    ],
)
def test_what_is_no_probability_is_refused(rows: Any, says: str) -> None:
    with pytest.raises(SignalError, match=re.escape(says)):
        checked_probabilities(rows, "n c", "proba")


def test_of_several_draws_the_wrong_one_is_reported() -> None:
    draws = [[[0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5], [0.9, 0.9]]]
    with pytest.raises(SignalError, match=re.escape("row 1 sums to 1.8 with a smallest value of 0.5")):
        checked_probabilities(draws, "n m c", "draws")


def test_a_float32_softmax_over_many_classes_is_accepted() -> None:
    weights = np.exp(np.random.default_rng(0).normal(size=(5, 20_000)).astype(np.float32))
    checked_probabilities(weights / weights.sum(axis=1, keepdims=True), "n c", "proba")


def test_sums_within_the_tolerance_are_accepted() -> None:
    checked_probabilities([[0.5, 0.50009], [0.5, 0.49991]], "n c", "proba")


def test_no_rows_are_accepted() -> None:
    assert checked_probabilities(np.zeros((0, 3)), "n c", "proba").shape == (0, 3)


def test_frozen_copies_only_where_the_order_demands_it() -> None:
    rows = np.arange(6.0).reshape(2, 3)
    assert np.shares_memory(rows, frozen(rows))
    assert not np.shares_memory(rows, frozen(rows.T))
    assert frozen(rows.T).flags.c_contiguous
    assert not frozen(rows).flags.writeable


def test_chunks_cover_the_rows_in_order() -> None:
    array = np.zeros((1_000, 128))  # one kilobyte a row
    chunks = row_chunks(array, megabytes=0.25)
    assert [chunk.stop - chunk.start for chunk in chunks] == [256, 256, 256, 232]
    assert row_chunks(np.zeros((0, 3))) == []
    assert row_chunks(array, megabytes=1e-9)[:2] == [slice(0, 1), slice(1, 2)]


def test_a_masked_array_that_hides_values_is_refused() -> None:
    values = np.ma.masked_array(np.ones((3, 2)), mask=[[False, False], [True, False], [False, False]])
    with pytest.raises(
        SignalError, match=r"'embedding' must have a value everywhere; received a masked array"
    ):
        checked(values, "n d", "embedding")
    assert checked(np.ma.masked_array(np.ones((3, 2))), "n d", "embedding").shape == (3, 2)
