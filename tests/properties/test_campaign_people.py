"""Several people, two sessions, leases, a clock that jumps: held against a plain model of what is right."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from nextlabel import Campaign, arrays, classes
from nextlabel.campaign.events import read_entry
from nextlabel.campaign.folding import fold
from nextlabel.errors import CampaignError, LabelError
from nextlabel.stores.memory import MemoryStore

ITEMS = 7
IDS = tuple(map(str, range(ITEMS)))
PEOPLE = ("Ada", "Bob", "Cyd", "")

people = st.sampled_from(PEOPLE)
ids = st.sampled_from(IDS)
labels = st.sampled_from(["cat", "dog"])
statements = st.one_of(labels, st.just("skip"))
spans = st.sampled_from([10.0, 600.0, 7200.0])

Said = str | None  # a label, "skip", or nothing


@dataclass(frozen=True)
class Answer:
    """What was sent."""

    who: str
    id: str
    what: str
    token: str | None
    request: str


@dataclass
class Held:
    """A lease, and those of its items that were not handed in."""

    holder: str
    expires: float
    ids: set[str]


@dataclass
class Plain:
    """What is right, written as plainly as can be."""

    overlap: int
    now: float = 10_000.0
    said: dict[tuple[str, str], str] = field(default_factory=dict)  # by item and person
    leases: dict[str, Held] = field(default_factory=dict)
    stacks: dict[str, list[tuple[str, Said]]] = field(default_factory=dict)
    may_be_more: set[str] = field(default_factory=set)  # after a late answer, or one that nobody asked for

    def spoke(self, id: str) -> set[str]:
        return {who for one, who in self.said if one == id}

    def holders(self, id: str) -> set[str]:
        return {one.holder for one in self.leases.values() if id in one.ids and one.expires > self.now}

    def people(self, id: str) -> set[str]:
        return self.spoke(id) | self.holders(id)

    def is_free(self, id: str, who: str) -> bool:
        return who not in self.people(id) and len(self.people(id)) < self.overlap

    def say(self, id: str, who: str, what: Said, token: str | None) -> None:
        if who not in self.holders(id):
            self.may_be_more.add(id)
        self.said.pop((id, who), None)
        if what is not None:
            self.said[id, who] = what
            for name, one in self.leases.items():
                if name == token or (who and one.holder == who):
                    one.ids.discard(id)

    def statement(self, id: str, who: str, what: str, token: str | None = None) -> None:
        self.stacks.setdefault(who, []).append((id, self.said.get((id, who))))
        self.say(id, who, what, token)

    def forget(self, chosen: Sequence[str], who: str) -> None:
        stack = self.stacks.get(who, [])
        stack[:] = [one for one in stack if one[0] not in chosen]


class Together(RuleBasedStateMachine):
    """Every call on one of two sessions, and on the plain model."""

    overlap = 1

    @initialize()
    def begin(self) -> None:
        store = MemoryStore()
        pool = arrays(np.arange(ITEMS, dtype=np.float64)[:, None])
        self.plain = Plain(self.overlap)
        task = classes("cat", "dog")
        first = Campaign.create(
            None, pool, "sklearn", "random", task, 0, overlap=self.overlap, clock=self.clock, store=store
        )
        second = Campaign.open("nowhere.db", only_answers=True, clock=self.clock, store=store)
        self.sessions = (first, second)
        self.requests = 0
        self.last: Answer | None = None

    def clock(self) -> float:
        return self.plain.now

    def session(self) -> Campaign:
        """One after the other; what both know must not depend on which it is."""
        self.requests += 1
        return self.sessions[self.requests % 2]

    @rule(who=people, batch=st.integers(1, 4), seconds=spans, is_planned=st.booleans())
    def ask(self, who: str, batch: int, seconds: float, is_planned: bool) -> None:
        free = [id for id in IDS if self.plain.is_free(id, who)]
        first = self.sessions[0]
        try:
            plan = first.plan(batch) if is_planned else None
        except CampaignError:
            assert not any(not self.plain.people(id) for id in IDS)
            plan = None
        asking = first if plan is None else self.session()
        if not free:
            with pytest.raises(CampaignError, match="Nothing is left to ask"):
                asking.ask(batch, who, lease_seconds=seconds, plan=plan)
            return
        query = asking.ask(batch, who, lease_seconds=seconds, plan=plan)
        assert set(query.ids) <= set(free)
        assert len(set(query.ids)) == len(query.ids)
        assert plan is not None or len(query.ids) == min(batch, len(free))
        begun = [id for id in free if self.plain.people(id)]
        assert set(query.ids) <= set(begun) or set(begun) <= set(query.ids), "items begun come first"
        self.plain.leases[query.token] = Held(who, self.plain.now + seconds, set(query.ids))

    @rule(who=people, id=ids, what=statements, has_token=st.booleans())
    def answer(self, who: str, id: str, what: str, has_token: bool) -> None:
        mine = [token for token, one in self.plain.leases.items() if id in one.ids and one.holder == who]
        token = mine[-1] if mine and has_token else None
        self.last = Answer(who, id, what, token, f"request {self.requests}")
        assert self.say(self.last)
        self.plain.statement(id, who, what, token)

    def say(self, one: Answer) -> bool:
        """Whether it was new."""
        campaign, who, token, request = self.session(), one.who, one.token, one.request
        if one.what == "skip":
            return campaign.skip([one.id], "unclear", annotator=who, token=token, request=request)
        return campaign.tell({one.id: one.what}, annotator=who, token=token, request=request) == 1

    @rule(other=labels)
    def double_click(self, other: str) -> None:
        """The last answer is sent again, perhaps to the other session, long after."""
        if self.last is None:
            return
        before = len(self.sessions[0].journal())
        assert not self.say(self.last)
        if other != self.last.what:
            with pytest.raises(CampaignError, match="before with other content"):
                self.say(replace(self.last, what=other))
        assert len(self.sessions[0].journal()) == before

    @rule(who=people, chosen=st.lists(ids, min_size=2, max_size=3, unique=True), label=labels)
    def tell_several(self, who: str, chosen: list[str], label: str) -> None:
        assert self.session().tell(dict.fromkeys(chosen, label), annotator=who) == len(chosen)
        self.plain.forget(chosen, who)
        for id in chosen:
            self.plain.say(id, who, label, None)

    @rule(who=people, chosen=st.lists(ids, min_size=1, max_size=3), what=statements)
    def work_together(self, who: str, chosen: list[str], what: str) -> None:
        campaign = self.session()
        with campaign.together():
            for id in chosen:
                self.requests += 2  # the same session again
                if what == "skip":
                    campaign.skip([id], "unclear", annotator=who)
                else:
                    campaign.tell({id: what}, annotator=who)
                self.plain.statement(id, who, what)
                with pytest.raises(LabelError):
                    campaign.tell({"no such item": what}, annotator=who)

    @rule(who=people, seconds=spans)
    def undo(self, who: str, seconds: float) -> None:
        campaign = self.session()
        undone = campaign.undo(who, request=f"undo {self.requests}", lease_seconds=seconds)
        stack = self.plain.stacks.get(who, [])
        if not stack:
            assert undone is None
            return
        assert undone is not None
        id, before = stack.pop()
        was = self.plain.said[id, who]
        assert undone.id == id
        assert (undone.was, undone.was_skip) == ((None, "unclear") if was == "skip" else (was, None))
        assert undone.now == (None if before == "skip" else before)
        assert (undone.token is None) == (before is not None)
        assert self.session().undo(who, request=f"undo {self.requests - 1}") == undone
        del self.plain.said[id, who]
        if before is None:
            assert undone.token is not None
            self.plain.leases[undone.token] = Held(who, self.plain.now + seconds, {id})
        else:
            self.plain.say(id, who, before, None)

    @rule(who=people, id=ids)
    def retract(self, who: str, id: str) -> None:
        if (id, who) not in self.plain.said:
            with pytest.raises(LabelError, match="Only what was said"):
                self.session().retract([id], who)
            return
        assert self.session().retract([id], who)
        self.plain.forget([id], who)
        del self.plain.said[id, who]

    @rule(which=st.integers(0, 3), seconds=st.sampled_from([0.0, 600.0]))
    def heartbeat(self, which: int, seconds: float) -> None:
        tokens = list(self.plain.leases)[-4:]
        if not tokens:
            return
        token = tokens[which % len(tokens)]
        lease = self.plain.leases[token]
        if lease.expires <= self.plain.now:
            self.plain.may_be_more |= lease.ids  # it begins again, whoever has its items now
        assert self.session().renew(token, seconds) == self.plain.now + seconds
        lease.expires = self.plain.now + seconds

    @rule(seconds=st.sampled_from([1.0, 30.0, 1000.0]))
    def wait(self, seconds: float) -> None:
        self.plain.now += seconds

    @rule(seconds=st.sampled_from([-3600.0, 3600.0]))
    def jump(self, seconds: float) -> None:
        if seconds < 0:  # leases that have ended are open again
            ended = [one.ids for one in self.plain.leases.values() if one.expires <= self.plain.now]
            self.plain.may_be_more |= {id for some in ended for id in some}
        self.plain.now += seconds

    @invariant()
    def nothing_is_lost_or_counted_twice(self) -> None:
        for campaign in self.sessions:
            state = campaign.refresh()
            for id in IDS:
                said = {who: what for (one, who), what in self.plain.said.items() if one == id}
                assert state.answers(id) == {who: what for who, what in said.items() if what != "skip"}
                assert dict(state.skips.get(id, ())) == {
                    who: "unclear" for who in said if said[who] == "skip"
                }
                assert state.people(id, self.plain.now) == self.plain.people(id)
                assert state.is_done(id) == (len(said) >= self.overlap)
                assert id in self.plain.may_be_more or len(self.plain.people(id)) <= self.overlap
            assert state.labelled == len({id for (id, _), what in self.plain.said.items() if what != "skip"})

    @invariant()
    def everybody_sees_what_they_hold(self) -> None:
        state = self.sessions[1].refresh()
        for who in PEOPLE:
            held = {
                id
                for one in self.plain.leases.values()
                if one.holder == who and one.expires > self.plain.now
                for id in one.ids
            }
            assert set(state.held_by(who, self.plain.now)) == held

    def teardown(self) -> None:
        if hasattr(self, "sessions"):
            written = [read_entry(entry) for entry in self.sessions[0].journal()]
            assert fold(None, written) == self.sessions[0].refresh()


class TogetherByTwo(Together):
    """Two people's answers to each item."""

    overlap = 2


class TogetherByThree(Together):
    """Three people's answers to each item."""

    overlap = 3


_some = settings(max_examples=40, stateful_step_count=25, deadline=None)


TestByOne = Together.TestCase
TestByOne.settings = _some


TestByTwo = TogetherByTwo.TestCase
TestByTwo.settings = _some


TestByThree = TogetherByThree.TestCase
TestByThree.settings = _some


def test_the_plain_model_tells_a_wrong_campaign() -> None:
    """A twin that asks what somebody holds already is told from the right one by the model."""
    plain: Any = Plain(1)
    plain.leases["t"] = Held("Ada", plain.now + 1, {"0"})
    assert not plain.is_free("0", "Bob")
    assert not plain.is_free("0", "Ada")
    plain.now += 1
    assert plain.is_free("0", "Bob")
