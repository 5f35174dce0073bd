"""Several calls written at once: all or none, and each sees those before it."""

from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
import pytest

from nextlabel import Campaign, arrays, classes
from nextlabel.core.store import Entry, Store
from nextlabel.errors import CampaignError, JournalError, LabelError, StaleJournal
from nextlabel.stores.memory import MemoryStore
from nextlabel.stores.sqlite import SQLiteStore

POOL = arrays(np.arange(200, dtype=np.float64)[:, None])
TASK = classes("cat", "dog")


@final
class Counting(Store):
    """A file, and how often it was written."""

    def __init__(self, path: Path) -> None:
        self.inner = SQLiteStore(path, create=True)
        self.appends = 0
        self.is_full = False

    def append(self, entries: Sequence[Entry], at: int) -> int:
        if self.is_full:
            raise JournalError("The disk is full. Free space.")
        self.appends += 1
        return self.inner.append(entries, at)

    def read(self, since: int = 0) -> Sequence[Entry]:
        return self.inner.read(since)

    def close(self) -> None:
        self.inner.close()


def made(store: Store) -> Campaign:
    return Campaign.create(None, POOL, "sklearn", "random", TASK, 0, store=store)


def test_a_hundred_answers_are_one_transaction(tmp_path: Path) -> None:
    store = Counting(tmp_path / "a.db")
    campaign = made(store)
    before = store.appends
    with campaign.together():
        for place in range(100):
            assert campaign.tell({str(place): "cat"}, request=str(place)) == 1
            assert campaign.tell({str(place): "cat"}, request=str(place)) == 0
            assert campaign.state.labelled == place + 1
    assert store.appends == before + 1
    assert len(campaign.journal()) == 101
    with Campaign.open(tmp_path / "a.db", POOL) as other:
        assert other.state == campaign.state
    campaign.close()
    store.close()


def test_what_is_written_together_is_what_is_written_apart() -> None:
    apart, together = made(MemoryStore()), made(MemoryStore())

    def work(campaign: Campaign) -> None:
        query = campaign.ask(3, "Ada")
        campaign.tell(dict.fromkeys(query.ids[:2], "cat"), annotator="Ada")
        campaign.skip(query.ids[2:], annotator="Ada")
        campaign.undo("Ada")
        campaign.note("done")

    work(apart)
    with together.together():
        work(together)

    def entries(campaign: Campaign) -> list[dict[str, object]]:
        written = [dict(entry) for entry in campaign.journal()[1:]]
        for entry in written:
            for key in ("at", "token", "expires"):
                entry.pop(key, None)
        return written

    assert entries(apart) == entries(together)


def test_a_call_that_is_refused_leaves_the_others_alone() -> None:
    campaign = made(MemoryStore())
    with campaign.together():
        campaign.tell({"0": "cat"})
        with pytest.raises(LabelError):
            campaign.tell({"1": "cow"})
        campaign.tell({"2": "dog"})
    assert campaign.state.labels() == {"0": "cat", "2": "dog"}
    assert len(campaign.journal()) == 3


def test_where_others_have_written_nothing_is(tmp_path: Path) -> None:
    store = MemoryStore()
    campaign = made(store)
    other = Campaign.open(tmp_path / "a.db", POOL, store=store)
    before = campaign.state
    with pytest.raises(StaleJournal), campaign.together():  # noqa: PT012
        campaign.tell({"0": "cat"})
        other.tell({"1": "dog"})
        assert campaign.refresh().labels() == {"0": "cat"}
    assert campaign.state is before
    assert campaign.refresh().labels() == {"1": "dog"}
    with campaign.together():
        campaign.tell({"0": "cat"})
    assert other.refresh().labels() == {"1": "dog", "0": "cat"}


def test_what_others_wrote_before_is_read_at_the_beginning(tmp_path: Path) -> None:
    store = MemoryStore()
    campaign = made(store)
    Campaign.open(tmp_path / "a.db", POOL, store=store).tell({"1": "dog"})
    with campaign.together():
        assert campaign.state.labelled == 1
        campaign.tell({"0": "cat"})
    assert campaign.state.labelled == 2


def test_where_the_disk_is_full_nothing_is_written(tmp_path: Path) -> None:
    store = Counting(tmp_path / "a.db")
    campaign = made(store)
    before = campaign.state
    store.is_full = True
    with pytest.raises(JournalError, match="The disk is full"), campaign.together():
        campaign.tell({"0": "cat"})
    assert campaign.state is before
    store.is_full = False
    with campaign.together():
        campaign.tell({"0": "cat"})
    assert campaign.refresh().labelled == 1
    store.close()


def test_a_block_that_fails_has_written_nothing() -> None:
    campaign = made(MemoryStore())
    with pytest.raises(ZeroDivisionError), campaign.together():  # noqa: PT012
        campaign.tell({"0": "cat"})
        raise ZeroDivisionError
    assert campaign.state.labelled == 0
    assert len(campaign.journal()) == 1
    campaign.tell({"0": "cat"})
    assert campaign.refresh().labelled == 1


def test_an_empty_block_writes_nothing(tmp_path: Path) -> None:
    store = Counting(tmp_path / "a.db")
    campaign = made(store)
    before = store.appends
    with campaign.together():
        campaign.refresh()
    assert store.appends == before
    store.close()


def test_a_fit_and_its_query_are_written_together() -> None:
    campaign = Campaign.create(None, POOL, "sklearn", "margin", TASK, 0)
    campaign.tell({"0": "cat", "199": "dog"})
    with campaign.together():
        query = campaign.ask(2, "Ada")
        assert campaign.history(query.ids[0])[-1]["event"] == "asked"
        assert campaign.undo("Ada") is None
        campaign.tell({query.ids[0]: "cat"}, annotator="Ada")
        undone = campaign.undo("Ada", request="r")
        assert campaign.undo("Ada", request="r") == undone
    assert [entry["event"] for entry in campaign.journal()[2:]] == ["fitted", "asked", "told", "retracted"]


def test_one_block_is_open_at_a_time() -> None:
    campaign = made(MemoryStore())
    with campaign.together():
        with (
            pytest.raises(CampaignError, match=r"received together\(\) within together"),
            campaign.together(),
        ):
            pass
        campaign.tell({"0": "cat"})
    assert len(campaign.journal()) == 2
