"""The table of signals: what is accepted, what follows from what, and in which order."""

import copy
import pickle
import re
from typing import Any

import numpy as np
import pytest

from nextlabel import Signals
from nextlabel.core.signals import SIGNALS, derivable
from nextlabel.errors import LabelError, MissingSignal, SignalError

DRAWS = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.75, 0.25], [0.25, 0.75]]])
LOGITS = np.array([[0.0, 0.0], [60.0, 0.0]], np.float32)


def test_a_signal_is_given_as_it_was_passed_and_read_only() -> None:
    given = np.array([[0.5, 0.5]])
    signals = Signals({"proba": given})
    assert np.shares_memory(signals["proba"], given)
    assert not signals["proba"].flags.writeable
    assert (signals.n, signals.labelled, signals.labels) == (1, None, None)


def test_proba_follows_from_logits_before_the_mean_over_draws() -> None:
    both = Signals({"logits": LOGITS, "draws": DRAWS})
    assert both["proba"][0].tolist() == [0.5, 0.5]
    assert both["proba"][1, 0] == 1.0  # the softmax, where the mean over draws is a half
    assert Signals({"draws": DRAWS})["proba"].tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_the_residual_follows_from_logits_before_proba() -> None:
    # 1/(1 + e^60) in float64: from float32 probabilities it would be exactly 0
    tiny = np.exp(-60.0) / (1.0 + np.exp(-60.0))
    both = Signals({"logits": LOGITS, "proba": np.array([[0.5, 0.5], [1.0, 0.0]], np.float32)})
    assert both["residual"][1].tolist() == pytest.approx([-tiny, tiny], rel=1e-12)
    assert Signals({"proba": [[0.25, 0.75]]})["residual"].tolist() == [[0.25, -0.25]]
    # by way of proba, where there are only draws
    assert Signals({"draws": DRAWS})["residual"].tolist() == [[-0.5, 0.5], [-0.5, 0.5]]


def test_sums_over_draws_follow_from_draws() -> None:
    signals = Signals({"draws": DRAWS})
    assert signals["mean_proba"].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    quarter = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    assert signals["expected_entropy"].tolist() == pytest.approx([0.0, quarter])
    assert signals["votes"].tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert signals["spread"].tolist() == [[0.5, 0.5], [0.25, 0.25]]


def test_mean_and_variance_follow_from_drawn_values() -> None:
    signals = Signals({"draws_value": [[1.0, 3.0], [2.0, 2.0]]})
    assert signals["mean"].tolist() == [2.0, 2.0]
    assert signals["variance"].tolist() == [1.0, 0.0]


def test_the_class_mixture_of_one_region_follows_from_proba() -> None:
    assert Signals({"proba": [[0.25, 0.75]]})["class_mixture"].tolist() == [[[0.0, 0.0], [0.25, 0.75]]]


def test_a_derived_signal_is_computed_once_and_read_only() -> None:
    signals = Signals({"logits": LOGITS})
    assert signals["proba"] is signals["proba"]
    assert not signals["proba"].flags.writeable


def test_what_is_given_is_never_derived() -> None:
    signals = Signals({"logits": LOGITS, "proba": [[0.25, 0.75], [0.5, 0.5]]})
    assert signals["proba"].tolist() == [[0.25, 0.75], [0.5, 0.5]]


def test_a_mapping_of_what_is_at_hand_in_the_order_of_the_table() -> None:
    signals = Signals({"embedding": np.zeros((2, 3)), "proba": np.full((2, 2), 0.5)})
    assert list(signals) == ["proba", "residual", "embedding", "class_mixture"]
    assert len(signals) == 4
    assert "residual" in signals
    assert "draws" not in signals
    assert repr(signals) == "Signals(2 items: proba(2, 2), embedding(2, 3))"


def test_derivable_follows_chains() -> None:
    assert derivable({"draws"}) == {
        "draws", "mean_proba", "proba", "residual", "expected_entropy", "votes", "spread", "class_mixture",
    }  # fmt: skip
    assert derivable([]) == frozenset()


def test_every_source_of_a_derivation_is_in_the_table() -> None:
    assert {step.source for kind in SIGNALS.values() for step in kind.derivations} <= SIGNALS.keys()


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("marginals", [[1.2, 0.0]], "must lie in [0, 1]; received values from 0 to 1.2."),
        ("residual", [[-1.5, 1.5]], "must lie in [-1, 1]; received values from -1.5 to 1.5."),
        ("variance", [-1.0], "'variance' (predictive variance, for regression) must lie in [0, inf]"),
        ("draws", [[[0.5, 0.4]]], "row 0 sums to 0.9"),
        ("embedding", [1.0], "'embedding' must have the axes (n, d); received an array of shape (1,)"),
        ("class_mixture", np.zeros((2, 2, 3)), "'class_mixture' must agree on axis 'c'"),
        ("loss", [np.nan], "'loss' must be finite; row 0"),
        ("prob", [[1.0]], "'prob' is not a signal. Did you mean 'proba'? The signals are: logits, proba,"),
        ("zzz", [[1.0]], "'zzz' is not a signal. The signals are: logits"),
    ],
)
def test_a_wrong_array_is_refused(name: str, values: Any, says: str) -> None:
    if name == "class_mixture":
        says = says.replace("must agree", "and 'class_mixture' must agree")
    with pytest.raises(SignalError, match=re.escape(says)):
        Signals({name: values})


def test_signals_of_other_numbers_of_items_are_refused() -> None:
    says = "'embedding' and 'proba' must agree on axis 'n'; 'proba' says 1, 'embedding' has shape (2, 1)"
    with pytest.raises(SignalError, match=re.escape(says)):
        Signals({"proba": [[1.0]], "embedding": [[0.0], [0.0]]})
    with pytest.raises(SignalError, match="'proba' and 'n' must agree on axis 'n'; 'n' says 3"):
        Signals({"proba": [[1.0]]}, n=3)


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(SignalError, match=r"need at least one array, or n, .* received none"):
        Signals({})
    assert Signals({}, n=4).n == 4


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (
            "draws",
            "The signal 'draws' (class probabilities under m draws of the model; draw j is the same model "
            "for every item) is needed and not at hand; given or derivable are: embedding. Give 'draws'.",
        ),
        ("residual", "are: embedding. Give 'residual' or 'logits' or 'proba', from which it follows."),
    ],
)
def test_a_missing_signal_is_named_with_what_would_do(wanted: str, says: str) -> None:
    signals = Signals({"embedding": [[1.0]]})
    with pytest.raises(MissingSignal) as refusal:
        signals[wanted]
    assert says in str(refusal.value)
    with pytest.raises(MissingSignal, match="given or derivable are: none"):
        Signals({}, n=1)["proba"]
    with pytest.raises(SignalError, match="'probability' is not a signal"):
        signals["probability"]


def test_labelled_rows_have_signals_and_labels_too() -> None:
    rows = Signals({"embedding": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]})
    signals = Signals(
        {"embedding": [[0.0, 0.0]], "logits": np.zeros((1, 3))}, labelled=rows, labels=[0, 2, 0]
    )
    assert signals.labelled is rows
    assert signals.labels is not None
    assert signals.labels.tolist() == [0, 2, 0]
    assert signals.labels.dtype == np.int64
    assert signals.class_counts.tolist() == [2, 0, 1]
    assert not signals.class_counts.flags.writeable
    assert repr(signals) == "Signals(1 items: logits(1, 3), embedding(1, 2), 3 labelled)"


def test_no_labelled_rows_are_not_the_same_as_none_asked_for() -> None:
    empty = Signals({"embedding": [[0.0]]}, labelled=Signals({}, n=0), labels=[])
    assert empty.labelled is not None
    assert empty.labelled.n == 0
    assert Signals({"embedding": [[0.0]]}).class_counts.tolist() == []


def test_labelled_rows_of_another_width_are_refused() -> None:
    rows = Signals({"embedding": [[1.0, 2.0]]})
    says = (
        "The labelled rows' 'embedding' and the unlabelled rows' 'embedding' must agree on axis 'd'; they "
        "say 2 and 3. Take both from the same model."
    )
    with pytest.raises(SignalError, match=re.escape(says)):
        Signals({"embedding": [[0.0, 0.0, 0.0]]}, labelled=rows)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([0, 1], "one class index for each labelled row; 1 rows are labelled, received 2 labels"),
        ([3], "class indices from 0 to 2; received values from 3 to 3"),
        ([-1], "class indices from 0 to 2; received values from -1 to -1"),
        ([0.5], "axes (labelled,); received shape (1,) of type float64"),
        ([[0]], "received shape (1, 1) of type int64"),
        (["cat"], "of type <U3"),
    ],
)
def test_labels_that_are_no_class_indices_are_refused(labels: Any, says: str) -> None:
    rows = Signals({"logits": np.zeros((1, 3))})
    with pytest.raises(LabelError, match=re.escape(says)):
        Signals({"logits": np.zeros((2, 3))}, labelled=rows, labels=labels)


def test_labels_without_a_known_number_of_classes_are_only_checked_below() -> None:
    assert Signals({"embedding": [[0.0]]}, labels=[7]).class_counts.tolist() == [0] * 7 + [1]
    with pytest.raises(LabelError, match="class indices from 0; received values from -2 to 1"):
        Signals({"embedding": [[0.0]]}, labels=[1, -2])


@pytest.mark.parametrize("counts", [[1, 2], [[1, 2, 3]], [1.0, 2.0, 3.0], [-1, 0, 0]])
def test_class_counts_are_checked(counts: Any) -> None:
    says = f"axes (3,); received shape {np.shape(counts)} of type {np.asarray(counts).dtype}"
    with pytest.raises(SignalError, match=re.escape(says)):
        Signals({"logits": np.zeros((1, 3))}, class_counts=counts)


def test_class_counts_are_kept() -> None:
    assert Signals({"logits": np.zeros((1, 3))}, class_counts=[4, 0, 1]).class_counts.tolist() == [4, 0, 1]
    with pytest.raises(SignalError, match=re.escape("axes (c,); received shape (1, 1)")):
        Signals({"embedding": np.zeros((1, 3))}, class_counts=[[1]])


@pytest.mark.parametrize(
    "way", [copy.copy, copy.deepcopy, lambda signals: pickle.loads(pickle.dumps(signals))]
)
def test_signals_travel_between_processes(way: Any) -> None:
    signals = Signals({"logits": LOGITS}, labelled=Signals({"logits": LOGITS}), labels=[0, 1])
    there = way(signals)
    assert there["residual"].tolist() == signals["residual"].tolist()
    assert there.class_counts.tolist() == [1, 1]
    assert there.labelled["logits"].tolist() == LOGITS.tolist()
