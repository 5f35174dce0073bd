"""Several people's answers to each item: who is asked what, and when an item is done."""

from typing import Any

import numpy as np
import pytest

from nextlabel import Campaign, arrays, classes
from nextlabel.campaign.asking import meeting
from nextlabel.campaign.events import Certifying, Measured, Renewed, Retracted, Told
from nextlabel.errors import CampaignError, ParameterError


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1e6

    def __call__(self) -> float:
        return self.now


def made(items: int = 6, overlap: int = 2, **options: Any) -> Campaign:
    pool = arrays(np.arange(items, dtype=np.float64)[:, None] / items)
    options = {"clock": Clock(), **options}
    return Campaign.create(
        None, pool, "sklearn", "random", classes("cat", "dog"), 0, overlap=overlap, **options
    )


def arms(campaign: Campaign) -> dict[str, str]:
    entry = [entry for entry in campaign.journal() if entry["event"] == "asked"][-1]
    return dict(zip(entry["ids"], entry["arms"], strict=True))


def test_an_item_is_asked_of_as_many_people_as_are_wanted() -> None:
    campaign = made()
    first = campaign.ask(2, "Ada").ids
    assert campaign.ask(2, "Bob").ids == first
    third = campaign.ask(2, "Cyd").ids
    assert not set(third) & set(first)
    assert campaign.ask(2, "Ada").ids == third
    assert campaign.state.created.overlap == campaign.state.overlap == 2


def test_items_begun_come_before_new_ones() -> None:
    campaign = made()
    begun = campaign.ask(2, "Ada").ids
    query = campaign.ask(3, "Bob").ids
    assert query[:2] == begun
    assert query[2] not in begun


def test_nobody_is_asked_twice() -> None:
    campaign = made(3, overlap=3)
    ids = campaign.ask(3, "Ada").ids
    campaign.tell({ids[0]: "cat"}, annotator="Ada")
    campaign.skip([ids[1]], annotator="Ada")
    with pytest.raises(CampaignError, match="Nothing is left to ask"):
        campaign.ask(1, "Ada")
    assert set(campaign.ask(5, "Bob").ids) == set(ids)


def test_an_answer_by_somebody_who_was_not_asked_counts() -> None:
    campaign = made()
    campaign.tell({"4": "cat"}, annotator="Ada")
    assert campaign.ask(1, "Bob").ids == ("4",)
    assert arms(campaign) == {"4": "active"}
    assert "4" not in campaign.ask(5, "Cyd").ids


def test_an_item_is_done_when_as_many_have_spoken() -> None:
    campaign = made(overlap=3)
    said = [campaign.state.is_done("0")]
    for who, verb in (("Ada", "tell"), ("Ada", "tell"), ("Bob", "skip"), ("Cyd", "tell")):
        if verb == "tell":
            campaign.tell({"0": "cat"}, annotator=who)
        else:
            campaign.skip(["0"], annotator=who)
        said.append(campaign.state.is_done("0"))
    assert said == [False, False, False, False, True]
    assert campaign.state.said("0") == {"Ada", "Bob", "Cyd"}
    campaign.retract(["0"], "Bob")
    assert not campaign.state.is_done("0")
    assert campaign.ask(1, "Bob").ids == ("0",)


def test_a_lease_that_ended_gives_its_place_to_another() -> None:
    clock = Clock()
    campaign = made(clock=clock)
    (id,) = campaign.ask(1, "Ada", lease_seconds=10.0).ids
    campaign.tell({id: "cat"}, annotator="Bob")
    assert id not in campaign.ask(5, "Cyd").ids
    clock.now += 10.0
    assert campaign.ask(1, "Dan").ids == (id,)
    campaign.tell({id: "dog"}, annotator="Ada")  # late, and kept
    assert campaign.state.answers(id) == {"Bob": "cat", "Ada": "dog"}
    campaign.tell({id: "cat"}, annotator="Dan")
    assert len(campaign.state.answers(id)) == 3


def test_what_somebody_holds_is_theirs_until_it_is_handed_in() -> None:
    clock = Clock()
    campaign = made(clock=clock)
    first = campaign.ask(2, "Ada", lease_seconds=10.0)
    second = campaign.ask(1, "Ada", lease_seconds=20.0)
    held = campaign.state.held_by("Ada", clock.now)
    assert list(held.items()) == [
        *((id, first.token) for id in first.ids),
        *((id, second.token) for id in second.ids),
    ]
    campaign.tell({first.ids[0]: "cat"}, annotator="Ada")
    campaign.skip([second.ids[0]], annotator="Bob")
    assert campaign.state.held_by("Ada", clock.now) == {
        first.ids[1]: first.token,
        second.ids[0]: second.token,
    }
    assert campaign.state.held_by("Ada", clock.now + 10) == {second.ids[0]: second.token}
    assert campaign.state.held_by("Bob", clock.now) == {}


def test_control_items_are_asked_of_several_people_too() -> None:
    campaign = made(500, overlap=2, control=0.2)
    mine = campaign.ask(20, "Ada").ids
    assert sorted(arms(campaign).values()).count("control") == 4
    assert set(campaign.ask(20, "Bob").ids) == set(mine)
    assert sorted(arms(campaign).values()).count("control") == 4
    assert campaign.state.control_order() == campaign.state.reserve[:4]
    entry = campaign.journal()[-1]
    places = {id: rank for id, arm, rank in zip(entry["ids"], entry["arms"], entry["ranks"], strict=True)}
    assert [places[id] for id in campaign.state.reserve[:4]] == [0, 1, 2, 3]
    campaign.ask(20, "Cyd")
    assert campaign.state.control_order() == campaign.state.reserve[:8]


def test_control_items_that_were_released_are_like_any() -> None:
    campaign = made(500, overlap=2, control=0.2)
    mine = campaign.ask(20, "Ada").ids
    campaign.release()
    assert set(campaign.ask(20, "Bob").ids) == set(mine)
    assert set(arms(campaign).values()) == {"active"}


def test_a_control_item_answered_before_its_turn_keeps_its_place() -> None:
    campaign = made(500, overlap=2, control=0.2)
    reserve = campaign.state.reserve
    campaign.tell({reserve[1]: "cat", reserve[30]: "cat"}, annotator="Ada")
    query = campaign.ask(10, "Bob").ids
    assert not {reserve[1], reserve[30]} & set(query)
    assert campaign.state.control_order() == (reserve[0], reserve[2])
    later = campaign.ask(4, "Cyd").ids
    assert arms(campaign)[reserve[1]] == "control"  # its turn was passed: it is one of those begun
    assert reserve[30] not in later


def test_where_only_items_begun_are_asked_nothing_is_fitted() -> None:
    pool = arrays(np.arange(8, dtype=np.float64)[:, None])
    campaign = Campaign.create(None, pool, "sklearn", "margin", classes("cat", "dog"), 0, overlap=2)
    campaign.tell({"0": "cat", "7": "dog"}, annotator="Ada")
    assert set(campaign.ask(2, "Bob").ids) == {"0", "7"}
    assert [entry["event"] for entry in campaign.journal()] == ["created", "told", "asked"]
    assert campaign.journal()[-1]["strategy"] == {"name": "random"}
    assert len(campaign.ask(3, "Bob").ids) == 3
    assert [entry["event"] for entry in campaign.journal()][3:] == ["fitted", "asked"]
    picking = campaign.journal()[-1]["strategy"]
    assert campaign.journal()[-1]["model"] == campaign.journal()[-2]["model"]
    campaign.ask(2, "Cyd")
    assert campaign.journal()[-1]["strategy"] == picking
    assert campaign.journal()[-1]["model"] is None


def test_a_plan_leaves_items_begun_to_those_who_ask() -> None:
    campaign = made()
    begun = campaign.ask(2, "Ada").ids
    plan = campaign.plan(2)
    assert not set(plan.ids) & set(begun)
    assert campaign.ask(3, "Bob", plan=plan).ids == (*begun, plan.ids[0])
    assert campaign.ask(2, "Cyd", plan=plan).ids == plan.ids
    assert campaign.ask(1, "Dan", plan=plan).ids == (plan.ids[1],)


def test_a_clock_that_is_set_back_ends_no_lease_early_and_none_too_late() -> None:
    """An hour back: leases last an hour longer, no more. An hour ahead: they end, and answers are kept."""
    clock = Clock()
    campaign = made(2, overlap=1, clock=clock)
    query = campaign.ask(2, "Ada", lease_seconds=600.0)
    clock.now -= 3600.0
    with pytest.raises(CampaignError, match="Nothing is left"):
        campaign.ask(1, "Bob")
    clock.now += 4199.0
    with pytest.raises(CampaignError, match="Nothing is left"):
        campaign.ask(1, "Bob")
    clock.now += 1.0
    again = campaign.ask(1, "Bob", lease_seconds=600.0)
    clock.now += 3600.0
    assert campaign.tell({again.ids[0]: "cat"}, annotator="Bob", token=again.token) == 1
    assert campaign.tell(dict.fromkeys(query.ids, "dog"), annotator="Ada", token=query.token) == 2
    assert campaign.state.answers(again.ids[0]) == {"Bob": "cat", "Ada": "dog"}


def test_a_clock_that_was_years_ahead_keeps_no_lease_for_years() -> None:
    """From the first event of the right clock on, a lease given by the wrong one has its own length to go."""
    clock = Clock()
    campaign = made(2, overlap=1, clock=clock)
    campaign.ask(1, "Ada", lease_seconds=None)
    clock.now += 1e9
    taken = campaign.ask(1, "Ada", lease_seconds=600.0).ids
    clock.now -= 1e9
    with pytest.raises(CampaignError, match="Nothing is left"):
        campaign.ask(1, "Bob")
    campaign.note("the clock was set right")
    clock.now += 599.0
    with pytest.raises(CampaignError, match="Nothing is left"):
        campaign.ask(1, "Bob")
    clock.now += 1.0
    assert campaign.ask(1, "Bob").ids == taken
    assert campaign.state.latest == clock.now


@pytest.mark.parametrize("overlap", [0, 1.5, "two"])
def test_an_overlap_that_makes_no_sense_is_refused(overlap: Any) -> None:
    with pytest.raises(ParameterError, match=rf"overlap.*received {overlap!r}\. Give 1"):
        made(overlap=overlap)


def test_an_item_that_nobody_has_any_more_is_new_again() -> None:
    """It is picked by the strategy, once, and not among those begun."""
    clock = Clock()
    campaign = made(6, clock=clock)
    campaign.ask(4, "Ada", lease_seconds=10.0)
    clock.now += 10.0
    assert campaign.state.awaiting("Bob", clock.now) == []
    assert sorted(campaign.ask(6, "Bob").ids) == list(campaign.state.ids)


def test_a_clock_that_is_set_right_changes_no_lease_that_it_gave_before() -> None:
    clock = Clock()
    campaign = made(2, overlap=1, clock=clock)
    first = campaign.ask(1, "Ada", lease_seconds=600.0)
    clock.now += 1e9
    campaign.renew(campaign.ask(1, "Cyd").token, 0.0)
    clock.now -= 1e9 - 300.0
    campaign.note("the clock was set right")
    assert campaign.state.leases[first.token].expires == first.expires


def test_a_lease_renewed_by_a_clock_years_ahead_ends_soon_too() -> None:
    clock = Clock()
    campaign = made(2, overlap=1, clock=clock)
    token = campaign.ask(1, "Ada", lease_seconds=600.0).token
    clock.now += 1e9
    campaign.renew(token, 600.0)
    clock.now -= 1e9
    campaign.note("the clock was set right")
    assert campaign.state.leases[token].expires == clock.now + 600.0


def test_what_bears_on_a_query_that_is_being_picked() -> None:
    """Leases made meanwhile are of items taken back, perhaps of one wanted; a measurement is of none."""
    campaign = made()
    query = campaign.ask(1, "Ada")
    meets = meeting(campaign.state, ("4",))
    assert meets(Renewed(0.0, "back-9", None))
    assert meets(Renewed(0.0, query.token, None)) == (query.ids == ("4",))
    assert meets(Told(0.0, {"4": "cat"}, "Bob", undoes=3))
    assert not meets(Retracted(0.0, ("4",), "Bob", None, 3, 600.0))
    assert not meets(Measured(0.0, "quality", {}, "m"))
    assert meets(Certifying(0.0, "m", ("4",), 1, 0.05))
