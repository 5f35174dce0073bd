"""Writing at the end while others write: only what bears on it is a reason to make it anew."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Campaign, arrays, classes
from nextlabel.campaign.events import read_entry
from nextlabel.campaign.folding import fold
from nextlabel.core.pool import Pool
from nextlabel.core.store import Entry, Store
from nextlabel.errors import CampaignError
from nextlabel.stores.memory import MemoryStore

TASK = classes("low", "high")


@final
class Crowded(Store):
    """A store in memory; before each append that goes through it, somebody else is faster."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.faster: list[Callable[[], object]] = []
        self.read_from: list[int] = []

    def append(self, entries: Sequence[Entry], at: int) -> int:
        if self.faster:
            self.faster.pop(0)()
        return self.inner.append(entries, at)

    def read(self, since: int = 0) -> Sequence[Entry]:
        self.read_from.append(since)
        return self.inner.read(since)

    def close(self) -> None:
        self.inner.close()


@final
class Crowd:
    """Two campaigns on one journal. Items 0 and 1 were answered, 2 and 3 are out to Bob."""

    def __init__(self, items: int = 120, control: float = 0.0) -> None:
        inner = MemoryStore()
        self.now, self.looks = 0.0, 0
        self.other = Campaign.create(
            None,
            line(items),
            "sklearn",
            "random",
            TASK,
            0,
            store=inner,
            clock=lambda: self.now,
            control=control,
        )
        self.other.tell({"0": "low", "1": "high"}, annotator="Ada")
        self.query = self.other.ask(2, "Bob", lease_seconds=10)
        self.store = Crowded(inner)
        self.campaign = Campaign.open("nowhere.db", line(items), store=self.store, clock=self.clock)

    def clock(self) -> float:
        """Asked for the time whenever something is made."""
        self.looks += 1
        return self.now

    def has_all(self) -> bool:
        """Whether the state is that of the whole journal, folded at once."""
        entries = self.store.inner.read(0)
        return self.campaign.state == fold(None, [read_entry(entry) for entry in entries])


def line(items: int) -> Pool:
    return arrays(np.arange(items, dtype=np.float32)[:, None] / items)


def would_ask(many: int = 3) -> tuple[tuple[str, ...], str]:
    """What a campaign asks that nobody disturbs, and an item that it does not."""
    ids = Crowd().campaign.ask(many).ids
    return ids, next(str(place) for place in range(4, 120) if str(place) not in ids)


PICKED, ELSEWHERE = would_ask()

BESIDE: dict[str, Callable[[Campaign, Crowd], Any]] = {
    "an answer": lambda other, _: other.tell({ELSEWHERE: "low"}),
    "a skip": lambda other, _: other.skip([ELSEWHERE]),
    "an answer taken back": lambda other, _: other.retract(["0"], "Ada"),
    "a lease renewed": lambda other, crowd: other.renew(crowd.query.token, 100),
    "a remark": lambda other, _: other.note("lunch"),
    "a model": lambda other, _: other.fit(),
}

BEARING: dict[str, Callable[[Campaign, Crowd], Any]] = {
    "an answer": lambda other, _: other.tell({PICKED[0]: "low"}),
    "a skip": lambda other, _: other.skip([PICKED[-1]]),
    "a query": lambda other, _: other.ask(1),
    "other classes": lambda other, _: other.revise(["low", "mid", "high"]),
}


@pytest.mark.parametrize("what", BESIDE)
def test_what_does_not_bear_on_a_query_is_read_and_the_query_written_as_it_was(what: str) -> None:
    crowd = Crowd()
    crowd.store.faster = [lambda: BESIDE[what](crowd.other, crowd)] * 2
    if what == "an answer taken back":
        del crowd.store.faster[1]
    begin, tries = crowd.campaign.state.position, len(crowd.store.faster)
    crowd.store.read_from.clear()
    assert crowd.campaign.ask(3).ids == PICKED
    assert crowd.looks == 1
    assert crowd.store.read_from[0] == begin
    assert crowd.store.read_from[1:] == [begin + place for place in range(len(crowd.store.read_from) - 1)]
    assert len(crowd.store.read_from) <= 1 + tries  # a model is recorded once
    assert crowd.has_all()


@pytest.mark.parametrize("what", BEARING)
def test_what_bears_on_a_query_has_it_made_anew(what: str) -> None:
    crowd = Crowd()
    crowd.store.faster = [
        lambda: crowd.other.tell({ELSEWHERE: "low"}),
        lambda: BEARING[what](crowd.other, crowd),
    ]
    query = crowd.campaign.ask(3)
    assert crowd.looks == 2
    assert crowd.has_all()
    asked = [id for entry in crowd.campaign.journal() if entry["event"] == "asked" for id in entry["ids"]]
    assert len(asked) == len(set(asked))
    assert not set(query.ids) & (crowd.campaign.state.kept.keys() | crowd.campaign.state.skips.keys())


def test_a_lease_renewed_on_picked_items_has_the_query_made_anew() -> None:
    crowd = Crowd(4)
    crowd.now = 20.0  # the lease of 2 and 3 has ended
    crowd.store.faster = [lambda: crowd.other.renew(crowd.query.token, 100)]
    with pytest.raises(CampaignError, match=r"Nothing is left to ask.*2 are out on a lease"):
        crowd.campaign.ask(2)


def test_a_reserve_that_was_released_or_a_pool_extended_has_the_query_made_anew() -> None:
    crowd = Crowd(600, control=0.1)
    crowd.store.faster = [crowd.other.release]
    crowd.campaign.ask(20)
    assert crowd.looks == 2
    assert set(crowd.campaign.journal()[-1]["arms"]) == {"active"}
    crowd.store.faster = [lambda: crowd.other.extend(line(601))]
    with pytest.raises(CampaignError, match="The pool was extended to 601 items"):
        crowd.campaign.ask(3)


def test_a_stop_that_was_faster_ends_the_asking() -> None:
    crowd = Crowd()
    crowd.store.faster = [lambda: crowd.other.stop("enough")]
    with pytest.raises(CampaignError, match="this one was: enough"):
        crowd.campaign.ask(3)


def test_however_many_answers_are_faster_a_query_is_made_once() -> None:
    crowd = Crowd()
    answers = [str(place) for place in range(4, 104) if str(place) not in PICKED]
    crowd.store.faster = [partial(crowd.other.tell, {id: "low"}) for id in answers]
    assert crowd.campaign.ask(3).ids == PICKED
    assert crowd.looks == 1
    assert crowd.has_all()


def test_answers_are_checked_anew_only_after_the_same_request_or_other_classes() -> None:
    crowd = Crowd()
    crowd.store.faster = [
        lambda: crowd.other.tell({"5": "low"}, request="page 1"),
        lambda: crowd.other.ask(2),
        lambda: crowd.other.skip(["4"]),
    ]
    assert crowd.campaign.tell({"4": "low"}, request="page 2") == 1
    assert crowd.looks == 1
    assert crowd.has_all()
    crowd.store.faster = [lambda: crowd.other.tell({"6": "low"}, request="page 3")]
    end = len(crowd.campaign.journal())
    assert crowd.campaign.tell({"6": "low"}, request="page 3") == 0
    assert len(crowd.campaign.journal()) == end + 1
    crowd.store.faster = [lambda: crowd.other.tell({"7": "low"}, request="page 4")]
    with pytest.raises(CampaignError, match="'page 4' was told before with other content"):
        crowd.campaign.tell({"7": "high"}, request="page 4")
    crowd.looks = 0
    crowd.store.faster = [lambda: crowd.other.revise(["tiny", "high"], {"low": "tiny"})]
    assert crowd.campaign.tell({"8": "low"}) == 1  # late, in an old class
    assert crowd.looks == 2
    assert crowd.campaign.state.label("8") == "tiny"
    assert crowd.has_all()
