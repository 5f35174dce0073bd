"""Rows of signals: what a wrapper offers to the method it wraps."""

import pickle
import re
from typing import Any

import numpy as np
import pytest

from nextlabel import Signals
from nextlabel.errors import MissingSignal, SignalError

DRAWS = np.random.default_rng(0).dirichlet(np.ones(3), size=(6, 4))


def test_rows_come_in_the_order_asked_for() -> None:
    part = Signals({"embedding": np.arange(5.0)[:, None]}).take(np.array([3, 0, 3]))
    assert part.n == 3
    assert part["embedding"].tolist() == [[3.0], [0.0], [3.0]]
    assert not part["embedding"].flags.writeable


def test_what_follows_is_derived_for_the_rows_alone() -> None:
    whole = Signals({"draws": DRAWS})
    part = whole.take(np.array([4, 1]))
    derived = {name: part[name] for name in ("mean_proba", "expected_entropy", "votes", "spread", "proba")}
    assert "mean_proba" not in repr(whole)  # nothing was derived of the whole
    for name, array in derived.items():
        assert array == pytest.approx(whole[name][[4, 1]], abs=1e-15)


def test_what_the_whole_has_derived_is_taken() -> None:
    whole = Signals({"proba": [[0.25, 0.75], [0.5, 0.5]]})
    residual = whole["residual"]
    assert whole.take(np.array([1]))["residual"].tolist() == residual[[1]].tolist()


def test_the_same_names_are_at_hand() -> None:
    whole = Signals({"draws": DRAWS})
    part = whole.take(np.array([2]))
    assert list(part) == list(whole)
    assert len(part) == len(whole)
    assert "spread" in part
    assert "embedding" not in part
    assert repr(part) == "Signals(1 items: draws(1, 4, 3))"


def test_labelled_rows_labels_and_counts_are_those_of_the_whole() -> None:
    seen = Signals({"embedding": [[1.0]]})
    whole = Signals({"proba": [[0.5, 0.5]] * 3, "embedding": [[0.0]] * 3}, labelled=seen, labels=[1])
    part = whole.take(np.array([0]))
    assert part.labelled is seen
    assert part.labels is not None
    assert part.labels.tolist() == [1]
    assert part.class_counts.tolist() == [0, 1]


def test_class_counts_without_labels_are_carried_over() -> None:
    whole = Signals({"proba": [[0.5, 0.5]] * 3}, class_counts=[4, 2])
    assert whole.take(np.array([0])).class_counts.tolist() == [4, 2]


def test_a_part_of_a_part() -> None:
    part = Signals({"draws": DRAWS}).take(np.array([5, 3, 1])).take(np.array([2, 0]))
    assert part["draws"].tolist() == DRAWS[[1, 5]].tolist()
    assert part["mean_proba"] == pytest.approx(DRAWS[[1, 5]].mean(axis=1), abs=1e-15)


def test_no_rows_are_a_part_too() -> None:
    part = Signals({"draws": DRAWS}).take(np.array([], dtype=np.int64))
    assert part.n == 0
    assert part["draws"].shape == (0, 4, 3)


def test_a_part_survives_pickling() -> None:
    part = pickle.loads(pickle.dumps(Signals({"draws": DRAWS}).take(np.array([2]))))
    assert part["mean_proba"] == pytest.approx(DRAWS[[2]].mean(axis=1), abs=1e-15)


def test_a_signal_that_is_not_at_hand_is_named() -> None:
    with pytest.raises(
        MissingSignal, match=r"'embedding' .* is needed and not at hand; given or derivable are: class_m"
    ):
        Signals({"proba": [[0.5, 0.5]]}).take(np.array([0]))["embedding"]


@pytest.mark.parametrize(
    ("positions", "says"),
    [
        ([0, 2], "between 0 and 1, axes (b,); received type int64, shape (2,), values from 0 to 2"),
        ([-1], "values from -1 to -1"),
        ([0.0], "received type float64, shape (1,)"),
        ([True, False], "received type bool"),
        ([[0]], "shape (1, 1)"),
    ],
)
def test_positions_outside_the_pool_are_refused(positions: Any, says: str) -> None:
    with pytest.raises(SignalError, match=re.escape(says)):
        Signals({"proba": [[0.5, 0.5]] * 2}).take(np.array(positions))
