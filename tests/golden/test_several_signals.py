"""Labels of several classes beside signals: read, counted, and refused where one class is meant."""

import re
from typing import Any

import numpy as np
import pytest

from nextlabel import Signals, arrays, build, multilabel, select
from nextlabel.core.dataset import Dataset
from nextlabel.core.labels import class_counts, class_indicators
from nextlabel.errors import LabelError

LABELS = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 0]])
MARGINALS = np.array([[0.1, 0.9, 0.2], [0.5, 0.9, 0.9], [0.4, 0.4, 0.4], [0.01, 0.02, 0.03]])
EMBEDDING = np.array([[0.0], [1.0], [5.0], [9.0]])


def test_labels_are_read_and_counted_for_each_class() -> None:
    signals = Signals({"marginals": MARGINALS}, labels=LABELS)
    assert signals.labels is not None
    assert signals.labels.tolist() == LABELS.tolist()
    assert not signals.labels.flags.writeable
    assert signals.class_counts.tolist() == [2, 1, 1]
    assert signals.take(np.array([0])).class_counts.tolist() == [2, 1, 1]
    assert class_indicators(LABELS.astype(bool), None).dtype == np.int64
    assert class_indicators([], 3).shape == (0, 3)
    assert class_counts(None, np.empty((0, 3), np.int64), 3).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (LABELS[:, :2], "axes (labelled, 3); received shape (3, 2) of type int64"),
        (LABELS - 1, "must be 0 or 1"),
        (LABELS * 0.5, "received shape (3, 3) of type float64"),
    ],
)
def test_labels_of_another_form_are_refused(labels: Any, says: str) -> None:
    with pytest.raises(LabelError, match=re.escape(says)):
        Signals({"marginals": MARGINALS}, labels=labels)


def test_labelled_rows_and_labels_must_be_as_many() -> None:
    rows = Signals({"embedding": EMBEDDING[:2]})
    with pytest.raises(LabelError, match="2 rows are labelled, received 3 labels"):
        Signals({"embedding": EMBEDDING}, labelled=rows, labels=LABELS)


@pytest.mark.parametrize(
    ("strategy", "reduce", "first"),
    [
        ("margin", "max", 1),  # one class in the balance
        ("margin", "sum", 2),  # 3 × −0.2 against −0.8 − 0.8 and 0
        ("least_confident", "max", 1),
        ("least_confident", "sum", 2),  # 1.2 against 0.7
        ("entropy", "max", 1),
        ("entropy", "sum", 2),
    ],
)
def test_marginals_are_read_by_the_class_in_doubt_or_by_all(strategy: str, reduce: str, first: int) -> None:
    spec = {"name": strategy, "of": "marginals", "reduce": reduce}
    assert select(spec, marginals=MARGINALS, labels=LABELS, batch=1, seed=0).tolist() == [first]


def test_a_schedule_counts_items_and_not_their_classes() -> None:
    methods = [{"name": "margin", "of": "marginals", "reduce": "max"}, "coreset"]
    schedule = build("strategy", {"name": "schedule", "of": methods, "after": [4]})
    rows = Signals({"embedding": EMBEDDING[:3]})
    signals = {"marginals": MARGINALS, "embedding": EMBEDDING}
    labels = np.ones((3, 3), np.int64)  # nine times a class, three items
    for labelled in (rows, None):
        said = Signals(signals, labelled=labelled, labels=labels)
        assert schedule.pick(said, 1, np.random.default_rng(0)).positions.tolist() == [1]
    more = Signals(signals, labelled=Signals({"embedding": EMBEDDING}), labels=np.ones((4, 3), np.int64))
    picked = schedule.pick(more, 1, np.random.default_rng(0)).positions
    alone = build("strategy", "coreset").pick(more, 1, np.random.default_rng(0)).positions
    assert picked.tolist() == alone.tolist()


def test_classes_looked_for_are_found_among_several() -> None:
    items = np.eye(3) + 0.01
    cases = ((LABELS, [0]), (LABELS, [0, 1]), (LABELS, [0, 7]), (np.array([0, 1, 0]), [0]))
    for labels, classes in cases:  # the third item has all of the first two, the first one of them
        strategy = build(
            "strategy",
            {
                "name": "submodular",
                "function": "graph_cut",
                "measure": "mutual_information",
                "query_classes": classes,
            },
        )
        rows = Signals({"embedding": np.eye(3) + 0.01})
        said = Signals({"embedding": items}, labelled=rows, labels=labels)
        picks = strategy.pick(said, 2, np.random.default_rng(0))
        assert set(picks.positions.tolist()) == {0, 2}
        assert picks.scores is not None
        assert picks.scores[0] == pytest.approx(picks.scores[1])


@pytest.mark.parametrize("name", ["look_ahead", "discriminative_batch"])
def test_a_strategy_that_reads_one_class_of_labelled_items_says_so(name: str) -> None:
    proba = np.full((4, 3), 1 / 3)
    seen = {"embedding": EMBEDDING[:3]}
    with pytest.raises(LabelError, match=re.escape("must be class indices, axes (labelled,)")):
        select(name, proba=proba, embedding=EMBEDDING, labelled=seen, labels=LABELS, batch=1, seed=0)


def test_a_data_set_for_experiments_has_one_class_an_item() -> None:
    says = "must have one class an item; received a task of several (a, b, c). Name the classes with"
    with pytest.raises(LabelError, match=re.escape(says)):
        Dataset("x", "y", arrays(EMBEDDING[:3]), LABELS, multilabel("a", "b", "c"))
