"""A campaign under any sequence of calls: its state follows from its journal, and nothing is asked twice."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nextlabel import Campaign, arrays, classes
from nextlabel.campaign.events import Asked, Event, Skipped, Told, read_entry
from nextlabel.campaign.folding import fold
from nextlabel.campaign.state import State
from nextlabel.errors import CampaignError, LabelError

ITEMS = 505  # the fewest that have a reserve are 500
PEOPLE = ("Ada", "Bob", "")

numbers = st.integers(0, 20)
calls = st.one_of(
    st.tuples(st.just("ask"), st.integers(1, 12), st.sampled_from([10.0, 50.0, None])),
    st.tuples(st.just("tell"), st.lists(numbers, min_size=1, max_size=6), st.sampled_from(PEOPLE)),
    st.tuples(st.just("answer"), st.integers(0, 5), st.sampled_from(PEOPLE)),
    st.tuples(st.just("skip"), st.lists(numbers, min_size=1, max_size=3), st.sampled_from(PEOPLE)),
    st.tuples(st.just("retract"), st.lists(numbers, min_size=1, max_size=3), st.sampled_from(PEOPLE)),
    st.tuples(st.just("extend"), st.integers(1, 9), st.none()),
    st.tuples(st.just("revise"), st.sampled_from(["add", "rename", "merge"]), st.none()),
    st.tuples(st.just("renew"), st.integers(0, 5), st.sampled_from([0.0, 30.0])),
    st.tuples(st.just("release"), st.none(), st.none()),
    st.tuples(st.just("note"), st.none(), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([5.0, 20.0]), st.none()),
)


class Person:
    """Calls a campaign, with a clock that moves when told."""

    def __init__(self, items: int = ITEMS) -> None:
        self.now = 0.0
        self.items = items
        self.tokens: list[str] = []
        self.campaign = Campaign.create(
            None,
            self.pool(),
            "sklearn",
            "random",
            classes("cat", "dog"),
            seed=0,
            control=0.2,
            clock=lambda: self.now,
        )

    def pool(self) -> Any:
        return arrays(np.arange(self.items, dtype=np.float32)[:, None])

    def do(self, call: tuple[str, Any, Any]) -> None:
        with suppress(CampaignError, LabelError):  # refused: nothing may have been written
            getattr(self, call[0])(call[1], call[2])

    def ask(self, batch: int, seconds: float | None) -> None:
        self.tokens.append(self.campaign.ask(batch, lease_seconds=seconds).token)

    def label(self, number: int) -> str:
        names = self.campaign.state.task.classes
        return names[number % len(names)]

    def tell(self, chosen: list[int], who: str) -> None:
        self.campaign.tell({str(one): self.label(one) for one in chosen}, annotator=who)

    def answer(self, which: int, who: str) -> None:
        if self.tokens:
            lease = self.campaign.state.leases[self.tokens[-1 - which % len(self.tokens)]]
            labels = {id: self.label(int(id)) for id in lease.ids}
            self.campaign.tell(labels, annotator=who, token=lease.token, request=f"{lease.token} {who}")

    def skip(self, chosen: list[int], who: str) -> None:
        self.campaign.skip([str(one) for one in chosen], "unclear", annotator=who)

    def retract(self, chosen: list[int], who: str) -> None:
        self.campaign.retract([str(one) for one in chosen], who)

    def extend(self, more: int, _: None) -> None:
        self.items += more
        self.campaign.extend(self.pool())

    def revise(self, how: str, _: None) -> None:
        names = self.campaign.state.task.classes
        new = f"class {len(names)} at {self.now} after {self.campaign.state.position}"
        if how == "add":
            self.campaign.revise([*names, new])
        elif how == "rename":
            self.campaign.revise([new, *names[1:]], {names[0]: new})
        elif len(names) > 2:
            self.campaign.revise(names[1:], {names[0]: names[1]})

    def renew(self, which: int, seconds: float) -> None:
        if self.tokens:
            self.campaign.renew(self.tokens[which % len(self.tokens)], seconds)

    def release(self, *_: None) -> None:
        self.campaign.release()

    def note(self, *_: None) -> None:
        self.campaign.note("a remark")

    def wait(self, seconds: float, _: None) -> None:
        self.now += seconds


def events(campaign: Campaign) -> list[Event]:
    return [read_entry(entry) for entry in campaign.journal()]


def orders(state: State) -> list[Any]:
    """What equality of mappings leaves out."""
    return [list(one.items()) for one in (state.kept, state.skips, state.leases, state.asked)]


@settings(max_examples=40)
@given(st.lists(calls, max_size=25), st.lists(st.integers(0, 60), max_size=6))
def test_folding_in_pieces_is_folding_whole_and_what_the_campaign_knows(
    sequence: Sequence[tuple[str, Any, Any]], cuts: list[int]
) -> None:
    person = Person()
    for call in sequence:
        person.do(call)
    written = events(person.campaign)
    whole = fold(None, written)
    pieces: State | None = None
    ends = sorted({1, *(min(max(cut, 1), len(written)) for cut in cuts), len(written)})
    for begin, end in zip([0, *ends], ends, strict=False):
        pieces = fold(pieces, written[begin:end])
    assert pieces is not None
    assert whole == pieces == person.campaign.state
    assert orders(whole) == orders(pieces) == orders(person.campaign.state)


@settings(max_examples=150)
@given(st.lists(calls, max_size=25))
def test_no_item_is_asked_while_it_is_out_answered_or_skipped(
    sequence: Sequence[tuple[str, Any, Any]],
) -> None:
    person = Person(25)  # so few that a wrong ask soon repeats one
    for call in sequence:
        person.do(call)
    written = events(person.campaign)
    for place, event in enumerate(written):
        if isinstance(event, Asked):
            before = fold(None, written[:place])
            taken = {*before.kept, *before.skipped, *before.pending(event.at)}
            assert len(set(event.ids)) == len(event.ids)
            assert not taken & set(event.ids)
            is_open = [lease for lease in before.leases.values() if lease.is_open(event.at)]
            spoken_of = _spoken_of(written[:place])
            assert not {id for lease in is_open for id in lease.ids if id not in spoken_of} & set(event.ids)


def _spoken_of(written: Sequence[Event]) -> set[str]:
    """Items that anybody ever answered or skipped."""
    told = {id for event in written if isinstance(event, Told) for id in event.labels}
    return told | {id for event in written if isinstance(event, Skipped) for id in event.ids}


@settings(max_examples=40)
@given(st.lists(calls.filter(lambda call: call[0] not in {"release", "extend"}), max_size=25))
def test_control_items_are_the_beginning_of_the_reserve(sequence: Sequence[tuple[str, Any, Any]]) -> None:
    person = Person()
    for call in sequence:
        person.do(call)
    written = events(person.campaign)
    reserve = fold(None, written[:1]).reserve
    for place, event in enumerate(written):
        if isinstance(event, Asked):
            arms = dict(zip(event.ids, event.arms, strict=True))
            assert {id for id in event.ids if id in reserve} == {id for id in arms if arms[id] == "control"}
            now = fold(None, written[: place + 1])
            last = max((reserve.index(id) for id in now.control_asked), default=-1)
            told_before_their_turn = set(now.kept) | set(now.skips)
            assert set(reserve[: last + 1]) <= set(now.control_asked) | told_before_their_turn
