"""Another method after so many labels: who picks at which count."""

import re
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Signals, build, select, spec_of
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import BatchSizeError, MissingSignal, ParameterError
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.random import Random
from nextlabel.strategies.schedule import Schedule


@final
@dataclass(frozen=True)
class Always(Strategy):
    """Picks the items from one on; scores say who picked."""

    first: int
    reads: str = "loss"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.reads})

    @property
    def needs_labelled(self) -> frozenset[str]:
        return frozenset({self.reads})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        positions = self.first + np.arange(batch)
        return Picks(positions, scores=np.full(batch, float(self.first)), propensities=np.ones(batch))


THREE = Schedule((Always(0), Always(10), Always(20)), after=(5, 8))


@pytest.mark.parametrize(("labels", "first"), [(0, 0), (4, 0), (5, 10), (7, 10), (8, 20), (1_000, 20)])
def test_a_method_begins_with_its_count_of_labels(labels: int, first: int) -> None:
    signals = Signals({}, n=30, class_counts=[labels, 0])
    assert THREE.pick(signals, 1, np.random.default_rng(0)).positions.tolist() == [first]


def test_labels_of_all_classes_count() -> None:
    signals = Signals({}, n=30, class_counts=[2, 0, 3])
    assert THREE.pick(signals, 1, np.random.default_rng(0)).positions.tolist() == [10]


def test_labelled_rows_count_where_no_labels_are_given() -> None:
    signals = Signals({}, n=30, labelled=Signals({}, n=8))
    assert THREE.pick(signals, 1, np.random.default_rng(0)).positions.tolist() == [20]


def test_of_labels_and_labelled_rows_the_larger_number_counts() -> None:
    for counts, rows in (([6, 0], 2), ([2, 0], 6)):
        signals = Signals({}, n=30, class_counts=counts, labelled=Signals({}, n=rows))
        six = Signals({}, n=30, class_counts=[6, 0])
        picks = [THREE.pick(one, 2, np.random.default_rng(0)).positions.tolist() for one in (signals, six)]
        assert picks[0] == picks[1]


def test_what_the_method_in_use_says_is_passed_on() -> None:
    picks = THREE.pick(Signals({}, n=30, class_counts=[6]), 2, np.random.default_rng(0))
    assert picks.scores is not None
    assert picks.scores.tolist() == [10.0, 10.0]
    assert picks.propensities is not None


def test_the_picks_are_to_the_bit_those_of_the_method() -> None:
    rng = np.random.default_rng(0)
    proba, embedding = rng.dirichlet(np.ones(3), size=50), rng.normal(size=(50, 4))
    arrays: dict[str, Any] = {"proba": proba, "embedding": embedding}
    seen = {"embedding": rng.normal(size=(6, 4))}
    spec = {"name": "schedule", "of": ["typiclust", "badge"], "after": [6]}
    for labels, name in (([0] * 6, "badge"), ([0] * 5, "typiclust")):
        rows = {"embedding": seen["embedding"][: len(labels)]}
        found = select(spec, batch=5, seed=1, labelled=rows, labels=labels, **arrays)
        expected = select(name, batch=5, seed=1, labelled=rows, labels=labels, **arrays)
        assert found.tolist() == expected.tolist()


def test_it_needs_what_any_of_its_methods_needs() -> None:
    method = Schedule((Always(0, "loss"), Always(1, "embedding")), after=(3,))
    assert method.needs == method.needs_labelled == {"embedding", "loss"}


def test_it_is_written_down_with_its_methods_and_read_back() -> None:
    built = build("strategy", {"name": "schedule", "of": ["random", "margin", "badge"], "after": [20, 90]})
    written = spec_of(built).to_dict()
    assert written["after"] == [20, 90]
    assert [one["name"] for one in written["of"]] == ["random", "margin", "badge"]
    assert build("strategy", written) == built
    assert Schedule([Random(), Margin()], after=[np.int64(3)]) == (  # type: ignore[arg-type]
        Schedule((Random(), Margin()), after=(3,))
    )


def test_a_batch_above_the_pool_is_refused() -> None:
    with pytest.raises(BatchSizeError, match="the 4 items at hand; received 5"):
        THREE.pick(Signals({}, n=4), 5, np.random.default_rng(0))


@pytest.mark.parametrize("of", [(), (Margin(),), "margin", ("margin", "badge")])
def test_something_else_than_strategies_is_refused(of: Any) -> None:
    says = f"Schedule's 'of' must be a list of two strategies or more, one after another; received {of!r}"
    with pytest.raises(ParameterError, match=re.escape(says)):
        Schedule(of, after=(1,))


@pytest.mark.parametrize("after", [(), (1,), (1, 2, 3), (5, 5), (8, 5), 5])
def test_counts_that_do_not_increase_or_are_not_one_for_each_are_refused(after: Any) -> None:
    says = "'after' must be 2 increasing whole numbers from 1 up, the counts of labels with which each "
    with pytest.raises(ParameterError, match=re.escape(says) + f".*received {re.escape(repr(after))}"):
        Schedule((Margin(), Random(), Margin()), after=after)


@pytest.mark.parametrize("count", [0, -1, 2.5, True])
def test_a_count_that_is_none_is_refused(count: Any) -> None:
    says = f"Schedule's 'after' must be a whole number from 1 up; received {count!r}"
    with pytest.raises(ParameterError, match=re.escape(says)):
        Schedule((Margin(), Random()), after=(count,))


def test_a_call_without_labels_needs_what_the_first_method_needs() -> None:
    recipe = {"name": "schedule", "of": ["typiclust", "badge"], "after": [50]}
    line = np.array([[0.0], [0.2], [0.3], [0.8], [7.0], [7.2], [7.3], [7.8]])
    first = select("typiclust", embedding=line, batch=2, seed=0)
    assert (select(recipe, embedding=line, batch=2, seed=0) == first).all()
    assert (select(recipe, embedding=line, batch=2, seed=0, labels=[]) == first).all()
    with pytest.raises(MissingSignal, match="Schedule needs the signal 'residual'"):
        select(recipe, embedding=line, batch=2, seed=0, labels=[0], labelled={"embedding": [[1.0]]})
