"""A campaign of several classes under any sequence of calls, against a plain account of what was said."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nextlabel import Campaign, arrays, multilabel
from nextlabel.campaign.events import read_entry
from nextlabel.campaign.folding import fold
from nextlabel.campaign.majority import majority
from nextlabel.campaign.state import State
from nextlabel.errors import LabelError

NAMES = ("cat", "dog", "bird")
PEOPLE = ("Ada", "Bob", "Eve", "")

ids = st.integers(0, 7).map(str)
labels = st.lists(st.sampled_from(NAMES), max_size=5)
calls = st.one_of(
    st.tuples(st.just("tell"), st.dictionaries(ids, labels, min_size=1, max_size=4), st.sampled_from(PEOPLE)),
    st.tuples(st.just("skip"), st.lists(ids, min_size=1, max_size=3), st.sampled_from(PEOPLE)),
    st.tuples(st.just("retract"), st.lists(ids, min_size=1, max_size=2), st.sampled_from(PEOPLE)),
    st.tuples(st.just("rename"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("merge"), st.none(), st.none()),
)


class Account:
    """The campaign, and beside it who said what, in the plainest way."""

    def __init__(self) -> None:
        pool = arrays(np.arange(8.0)[:, None])
        self.campaign = Campaign.create(None, pool, "sklearn", "random", multilabel(NAMES), seed=0)
        self.said: dict[str, dict[str, set[str]]] = {}
        self.now = {name: name for name in NAMES}

    def do(self, call: tuple[str, Any, Any]) -> None:
        with suppress(LabelError):  # taken back what was never said
            getattr(self, call[0])(call[1], call[2])

    def tell(self, told: dict[str, list[str]], who: str) -> None:
        self.campaign.tell(told, annotator=who)
        for id, label in told.items():
            self.said.setdefault(id, {}).pop(who, None)
            self.said[id][who] = {self.now[name] for name in label}

    def skip(self, passed: list[str], who: str) -> None:
        self.campaign.skip(passed, annotator=who)
        for id in passed:
            self.said.get(id, {}).pop(who, None)

    def retract(self, taken: list[str], who: str) -> None:
        self.campaign.retract(taken, who)
        for id in taken:
            self.said.get(id, {}).pop(who, None)

    def revise(self, mapping: dict[str, str]) -> None:
        classes = self.campaign.state.task.classes
        new = dict.fromkeys(mapping.get(name, name) for name in reversed(classes))
        self.campaign.revise([*new], mapping)
        self.now = {old: mapping.get(name, name) for old, name in self.now.items()}
        for answers in self.said.values():
            for who, label in answers.items():
                answers[who] = {mapping.get(name, name) for name in label}

    def rename(self, name: str, _: None) -> None:
        self.revise({self.now[name]: f"class {self.campaign.state.position}"})

    def merge(self, *_: None) -> None:
        classes = self.campaign.state.task.classes
        self.revise({classes[0]: classes[-1]} if len(classes) > 1 else {})


@settings(max_examples=60)
@given(st.lists(calls, max_size=15), st.lists(st.integers(1, 16), max_size=4))
def test_folding_in_pieces_is_folding_whole_and_nothing_said_is_lost(
    sequence: Sequence[tuple[str, Any, Any]], cuts: list[int]
) -> None:
    account = Account()
    for call in sequence:
        account.do(call)
    state = account.campaign.state
    written = [read_entry(entry) for entry in account.campaign.journal()]
    pieces: State | None = None
    ends = sorted({1, *(min(cut, len(written)) for cut in cuts), len(written)})
    for begin, end in zip([0, *ends], ends, strict=False):
        pieces = fold(pieces, written[begin:end])
    assert pieces == fold(None, written) == state
    for id in state.ids:
        said = account.said.get(id, {})
        assert {who: set(label) for who, label in state.answers(id).items()} == said
        for label in state.answers(id).values():
            assert state.task.check(label) == label
    counts = {name: sum(name in label for label in state.labels().values()) for name in state.task.classes}
    assert state.class_counts == counts


@given(st.lists(st.frozensets(st.sampled_from(NAMES)), min_size=1, max_size=7), st.randoms())
def test_a_majority_is_that_of_yes_and_no_for_each_class(said: list[frozenset[str]], random: Any) -> None:
    task = multilabel(NAMES)
    people = [(str(place), task.check(label)) for place, label in enumerate(said)]
    decided = majority(people, task)
    assert decided is not None
    for name in NAMES:
        yes = sum(name in label for label in said)
        expected = yes * 2 > len(said) or (yes * 2 == len(said) and name in said[-1])
        assert (name in decided) == expected
    if len(said) % 2:  # without a draw the order does not matter
        random.shuffle(people)
        assert majority(people, task) == decided
