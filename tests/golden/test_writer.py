"""One thread writes: what it does together, what it says when nothing can be written."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from nextlabel import Campaign, arrays, classes
from nextlabel.errors import JournalError, LabelError, RequestError
from nextlabel.server.writer import Writer
from nextlabel.stores.sqlite import SQLiteStore

ITEMS = 50


@pytest.fixture
def path(tmp_path: Path) -> Path:
    pool = arrays([[float(one)] for one in range(ITEMS)])
    with Campaign.create(tmp_path / "a.db", pool, "sklearn", "random", classes("no", "yes"), seed=0):
        return tmp_path / "a.db"


@pytest.fixture
def writer(path: Path) -> Iterator[Writer]:
    made = Writer(Campaign.open(path, only_answers=True))
    yield made
    made.close()


def tell(id: str, who: str = "ann") -> "object":
    return lambda campaign: campaign.tell({id: "yes"}, annotator=who)


def held(writer: Writer) -> tuple[Event, "Future[None]"]:
    """A job that keeps the thread until the event, so that others queue up behind it."""
    go = Event()

    def job(_: Campaign) -> None:
        go.wait(10)

    return go, writer.submit(job)


def test_what_waits_is_written_in_one_transaction(path: Path, writer: Writer) -> None:
    appended: list[int] = []
    go, first = held(writer)
    time.sleep(0.05)
    futures = [writer.submit(lambda campaign, id=str(one): campaign.tell({id: "yes"})) for one in range(20)]  # type: ignore[misc]
    go.set()
    wait([first, *futures], 10)
    assert [future.result(0) for future in futures] == [1] * 20
    with closing(SQLiteStore(path, read_only=True)) as store:
        appended = [len(store.read(0))]
    assert appended == [21]
    assert writer.state.labelled == 20


def test_a_job_that_raises_leaves_the_others_alone(writer: Writer) -> None:
    go, first = held(writer)
    good = writer.submit(lambda campaign: campaign.tell({"0": "yes"}))
    bad = writer.submit(lambda campaign: campaign.tell({"1": "maybe"}))
    other = writer.submit(lambda campaign: campaign.tell({"2": "no"}))
    go.set()
    assert (good.result(10), other.result(10)) == (1, 1)
    with pytest.raises(LabelError, match="maybe"):
        bad.result(10)
    first.result(10)
    assert writer.state.labels() == {"0": "yes", "2": "no"}


def test_nothing_is_acknowledged_before_it_is_on_the_disk(path: Path, writer: Writer) -> None:
    for one in range(20):
        writer.submit(lambda campaign, id=str(one): campaign.tell({id: "yes"})).result(10)  # type: ignore[misc]
        with closing(SQLiteStore(path, read_only=True)) as store:
            assert store.read(0)[-1]["labels"] == {str(one): "yes"}


def test_what_a_job_does_is_not_seen_before_it_is_on_the_disk(writer: Writer) -> None:
    told, go = Event(), Event()

    def job(campaign: Campaign) -> int:
        campaign.tell({"0": "yes"})
        told.set()
        go.wait(10)
        return campaign.state.labelled

    future = writer.submit(job)
    assert told.wait(10)
    assert writer.state.labelled == 0
    go.set()
    assert future.result(10) == 1
    assert writer.state.labelled == 1


def test_jobs_are_done_again_when_another_process_was_faster(path: Path, writer: Writer) -> None:
    tries: list[int] = []

    def job(campaign: Campaign) -> int:
        tries.append(campaign.state.labelled)
        if len(tries) < 3:
            with Campaign.open(path, only_answers=True) as other:
                other.tell({str(10 + len(tries)): "no"})
        return campaign.tell({"0": "yes"})

    assert writer.submit(job).result(10) == 1
    assert tries == [0, 1, 2]
    assert writer.state.labels() == {"11": "no", "12": "no", "0": "yes"}


def test_a_journal_that_never_stands_still_is_said(path: Path, writer: Writer) -> None:
    with Campaign.open(path, only_answers=True) as other:

        def job(campaign: Campaign) -> int:
            other.tell({"1": "no" if other.state.labels().get("1") == "yes" else "yes"})
            return campaign.tell({"0": "yes"})

        with pytest.raises(JournalError, match="others wrote 50 times between"):
            writer.submit(job).result(30)
    assert writer.state.labels().get("0") is None
    assert writer.banner is not None
    assert "others wrote 50 times between" in writer.banner
    assert writer.submit(lambda campaign: campaign.tell({"0": "yes"})).result(10) == 1
    assert writer.banner is None  # at once: something was written


def test_what_others_write_is_seen_without_a_job(path: Path, writer: Writer) -> None:
    with Campaign.open(path, only_answers=True) as other:
        other.tell({"3": "no"})
    until = time.monotonic() + 5
    while writer.state.labelled == 0 and time.monotonic() < until:
        time.sleep(0.02)
    assert writer.state.labels() == {"3": "no"}


def test_a_closed_writer_has_done_what_waited_and_takes_nothing_more(path: Path) -> None:
    writer = Writer(Campaign.open(path, only_answers=True))
    go, _ = held(writer)
    late = writer.submit(lambda campaign: campaign.tell({"0": "yes"}))
    closing_thread = Thread(target=writer.close)
    closing_thread.start()
    go.set()
    closing_thread.join(10)
    assert late.result(0) == 1
    with pytest.raises(RequestError, match="going down"):
        writer.submit(lambda campaign: 0)
    writer.close()


def test_a_fault_in_what_follows_a_commit_takes_no_acknowledgement_back(path: Path) -> None:
    def broken() -> None:
        raise RuntimeError("no more memory for the history")

    writer = Writer(Campaign.open(path, only_answers=True), broken)
    try:
        assert writer.submit(lambda campaign: campaign.tell({"0": "yes"})).result(10) == 1
        assert writer.banner == "no more memory for the history"
    finally:
        writer.close()
