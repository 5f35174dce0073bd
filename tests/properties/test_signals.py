"""Signals on inputs that nobody thought of: checks, derivations, axes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nextlabel import Signals
from nextlabel.core.signals import SIGNALS, derivable
from nextlabel.errors import NextlabelError, SignalError
from nextlabel.maths.axes import Array, checked, checked_probabilities, row_chunks
from nextlabel.testing.signals import drawn_signals, example_arrays

ROOTS = [name for name, kind in SIGNALS.items() if not kind.derivations]
DERIVED = [name for name, kind in SIGNALS.items() if kind.derivations]


@given(drawn_signals())
def test_what_is_valid_is_accepted_and_all_that_follows_is_valid(signals: Signals) -> None:
    for name, array in signals.items():
        # the derived array passes the checks that a given one would have to pass, widths included
        assert SIGNALS[name].read(array, {"n": (signals.n, "n")}).shape == array.shape
    Signals(dict(signals), n=signals.n)


@pytest.mark.parametrize("name", DERIVED)
@given(data=st.data())
def test_a_signal_follows_from_the_first_source_at_hand(name: str, data: st.DataObject) -> None:
    sources = [step.source for step in SIGNALS[name].derivations]
    signals = data.draw(drawn_signals(sources))
    first = SIGNALS[name].derivations[0]
    alone = Signals({first.source: signals[first.source]})
    np.testing.assert_array_equal(signals[name], alone[name])


@pytest.mark.parametrize(
    "name", [name for name in DERIVED if name in derivable({"draws", "logits", "embedding"})]
)
@given(signals=drawn_signals({"draws", "logits", "embedding"}), data=st.data())
def test_derivations_speak_of_one_item_at_a_time(name: str, signals: Signals, data: st.DataObject) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, signals.n - 1), min_size=1, max_size=4)))
    some = Signals({source: signals[source][rows] for source in ("draws", "logits", "embedding")})
    np.testing.assert_array_equal(some[name], signals[name][rows])


@given(
    logits=arrays(np.int16, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.integers(-60, 60)),
    constant=st.integers(-60, 60),
)
def test_a_constant_added_to_all_logits_changes_nothing(logits: Array, constant: int) -> None:
    # eighths: both sums are exact, so equal differences stay equal
    plain, shifted = (Signals({"logits": (logits + more) / 8.0}) for more in (0, constant))
    for name in ("proba", "residual", "class_mixture"):
        np.testing.assert_array_equal(plain[name], shifted[name])


@given(signals=drawn_signals({"logits"}))
def test_residuals_sum_to_zero_and_only_one_entry_is_negative(signals: Signals) -> None:
    residual = signals["residual"]
    assert np.abs(residual.sum(axis=1)).max() <= 1e-15
    assert ((residual < 0).sum(axis=1) <= 1).all()


@pytest.mark.parametrize("name", sorted(SIGNALS))
def test_every_row_of_the_table_has_examples(name: str) -> None:
    array = example_arrays({name}, n=5)[name]
    assert Signals({name: array})[name].shape[0] == 5
    assert len(np.unique(array.reshape(5, -1), axis=0)) == 5 or name == "votes"


@given(
    shape=array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5),
    axes=st.sampled_from(["n", "n c", "n m c"]),
    data=st.data(),
)
def test_checked_accepts_finite_arrays_of_the_right_axes_alone(
    shape: tuple[int, ...], axes: str, data: st.DataObject
) -> None:
    array = data.draw(arrays(np.float64, shape))
    try:
        read = checked(array, axes, "array")
    except SignalError:
        assert array.ndim != len(axes.split()) or not np.isfinite(array).all()
    else:
        np.testing.assert_array_equal(read, array)
        assert array.ndim == len(axes.split())
        assert np.isfinite(array).all()


@given(rows=arrays(np.float64, array_shapes(min_dims=2, max_dims=3, max_side=4), elements=st.floats(-1, 2)))
def test_probabilities_are_what_is_not_negative_and_sums_to_one(rows: Array) -> None:
    axes = "n c" if rows.ndim == 2 else "n m c"
    off = np.abs(rows.sum(axis=-1) - 1.0)
    try:
        checked_probabilities(rows, axes, "proba")
    except SignalError:
        assert (rows < 0).any() or off.max() > 1e-4 - 1e-12
    else:
        assert (rows >= 0).all()
        assert off.max() <= 1e-4 + 1e-12


@given(n=st.integers(0, 50), width=st.integers(1, 9), megabytes=st.floats(1e-6, 1e-3))
def test_chunks_partition_the_rows(n: int, width: int, megabytes: float) -> None:
    chunks = row_chunks(np.zeros((n, width)), megabytes)
    assert [row for chunk in chunks for row in range(chunk.start, chunk.stop)] == list(range(n))


@given(
    values=st.recursive(st.none() | st.floats() | st.text(max_size=2), st.lists, max_leaves=6),
    name=st.sampled_from(ROOTS),
)
def test_whatever_is_passed_is_read_or_refused_by_one_of_our_errors(values: Any, name: str) -> None:
    try:
        signals = Signals({name: values})
    except NextlabelError as refusal:
        said = str(refusal)
    else:
        said = name
        assert np.isfinite(signals[name]).all()
    assert name in said
