"""Small parts of the server: its clock, its predictions, and what it follows of the journal."""

import socket
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from nextlabel import Campaign, arrays, classes
from nextlabel.core.task import Label
from nextlabel.errors import ParameterError
from nextlabel.evaluation.steering import steered
from nextlabel.server.chronicle import Chronicle
from nextlabel.server.clock import SteadyClock
from nextlabel.server.predictions import Predictions, predictions_file
from nextlabel.server.serving import address, hosts, is_loopback, listening
from nextlabel.stores.sqlite import SQLiteStore


class Times:
    """A wall that can be set, and a counter that cannot."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_000_000.0, 50.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.mark.parametrize("jump", [3_600.0, -3_600.0])
def test_a_wall_that_jumps_an_hour_moves_no_lease_by_more_than_ten_seconds(jump: float) -> None:
    times = Times()
    clock = SteadyClock(lambda: times.wall, lambda: times.steady)
    begun = clock()
    times.wall += jump
    said = []
    for _ in range(60):
        times.pass_by(10)
        said.append(clock())
    passed = said[-1] - begun
    assert abs(passed - 600) <= 10  # a second a minute, for ten minutes
    assert all(later > earlier for earlier, later in zip([begun, *said], said, strict=False))


def test_a_clock_finds_back_to_the_wall_and_stays_there() -> None:
    times = Times()
    clock = SteadyClock(lambda: times.wall, lambda: times.steady)
    times.wall += 5
    for _ in range(40):
        times.pass_by(10)
        clock()
    assert clock() == pytest.approx(times.wall)


def test_a_clock_that_is_asked_twice_at_once_says_the_same() -> None:
    times = Times()
    clock = SteadyClock(lambda: times.wall, lambda: times.steady)
    times.wall += 100
    assert clock() == clock() == 1_000_000.0


@pytest.mark.parametrize(
    ("labels", "names"),
    [(["no", "yes", "no"], ("no", "yes")), ([("a",), (), ("a", "b")], ("a", "b"))],
)
def test_predictions_come_back_as_they_were(
    tmp_path: Path, labels: list[Label], names: tuple[str, ...]
) -> None:
    places = np.array([7, 2, 5], np.int64)
    made = Predictions.made("m", names, places, labels, np.array([0.25, 0.5, 0.75]), "c")
    file = predictions_file(tmp_path / "a.db")
    made.write(file)
    read = Predictions.read(file, "c")
    assert read is not None
    assert Predictions.read(file, "d") is None  # of a campaign that was deleted, and begun anew
    for one in (made, read):
        assert [one.at(place) for place in (7, 2, 5)] == list(zip(labels, (0.25, 0.5, 0.75), strict=True))
        assert [one.at(place) for place in (0, 3, 99)] == [None] * 3
        assert (one.model, one.classes, one.size) == ("m", names, 3)
    assert [one.name for one in file.parent.iterdir()] == ["predictions.npz"]


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut off", b"\0" * 100])
def test_a_damaged_file_of_predictions_is_none(tmp_path: Path, content: "bytes | None") -> None:
    file = tmp_path / "predictions.npz"
    if content is not None:
        file.write_bytes(content)
    assert Predictions.read(file, "c") is None


def test_predictions_of_a_newer_version_are_none(tmp_path: Path) -> None:
    file = tmp_path / "predictions.npz"
    np.savez(file, head=np.array('{"version": 3, "campaign": "c"}'))
    assert Predictions.read(file, "c") is None


@pytest.fixture
def followed(tmp_path: Path) -> Any:
    pool = arrays([[float(one)] for one in range(200)])
    with Campaign.create(
        tmp_path / "a.db", pool, "sklearn", "margin", classes("no", "yes"), seed=0
    ) as campaign:
        chronicle = Chronicle(SQLiteStore(tmp_path / "a.db", read_only=True))
        yield campaign, chronicle
        chronicle.close()


def test_counts_follow_what_is_said_last_of_each_item(followed: Any) -> None:
    campaign, chronicle = followed
    campaign.tell({"0": "no", "1": "yes", "2": "no"}, annotator="ann")
    campaign.tell({"0": "yes"}, annotator="ann")
    campaign.skip(["1"], annotator="ann")
    campaign.retract(["2"], "ann")
    campaign.tell({"5": "no"}, annotator="bob")
    chronicle.read_on()
    counts = [
        (who, kind, chronicle.count(who, kind)) for who in ("ann", "bob") for kind in ("answer", "skip")
    ]
    assert counts == [("ann", "answer", 1), ("ann", "skip", 1), ("bob", "answer", 1), ("bob", "skip", 0)]
    campaign.undo("ann")
    chronicle.read_on()
    assert sorted(chronicle.people()) == ["ann", "bob"]


def test_counts_are_those_of_the_state_after_any_undo(followed: Any) -> None:
    campaign, chronicle = followed
    for number in range(30):
        campaign.tell({str(number % 12): ("no", "yes")[number % 2]}, annotator="ann")
        if number % 3 == 0:
            campaign.skip([str(number % 7)], annotator="ann")
        if number % 4 == 3:
            campaign.undo("ann")
        chronicle.read_on()
        answered = sum("ann" in dict(said) for said in campaign.state.kept.values())
        skipped = sum("ann" in dict(said) for said in campaign.state.skips.values())
        assert (chronicle.count("ann"), chronicle.count("ann", "skip")) == (answered, skipped)


def test_many_answers_of_one_telling_are_counted_and_not_kept_one_by_one(followed: Any) -> None:
    campaign, chronicle = followed
    campaign.tell({str(one): "no" for one in range(150)}, annotator="file")
    chronicle.read_on()
    assert chronicle.count("file") == 150
    assert chronicle.of("file") == ()


def test_a_rate_leaves_breaks_out(tmp_path: Path) -> None:
    now = [0.0]
    pool = arrays([[float(one)] for one in range(50)])
    with (
        Campaign.create(
            tmp_path / "a.db", pool, "sklearn", "random", classes("no", "yes"), 0, clock=lambda: now[0]
        ) as campaign,
        closing(Chronicle(SQLiteStore(tmp_path / "a.db", read_only=True))) as chronicle,
    ):
        assert chronicle.rate("ann") is None
        for number in range(10):
            now[0] += 5_000 if number == 5 else 6
            campaign.tell({str(number): "no"}, annotator="ann")
        chronicle.read_on()
        assert chronicle.rate("ann") == pytest.approx(3600 / 6)
        assert chronicle.last("ann") == now[0]


def test_the_short_entries_say_of_a_campaign_what_the_whole_ones_say(followed: Any) -> None:
    campaign, chronicle = followed
    for _ in range(3):
        query = campaign.ask(5, "ann")
        campaign.tell({id: ("no", "yes")[int(id) % 2] for id in query.ids}, annotator="ann")
    campaign.note("auto: margin", author="auto")
    campaign.measure("quality", {}, model="m")
    chronicle.read_on()
    short = chronicle.choices(campaign.state)
    assert steered(short) == steered(campaign.journal())
    assert len(short) == 1 + 3 + 1 + 1


def test_a_socket_says_that_it_speaks_tcp() -> None:
    """Else asyncio leaves small answers waiting for the acknowledgement of the last: 40 ms for each call."""
    with closing(listening("127.0.0.1", 0)) as made:
        assert made.proto == socket.IPPROTO_TCP


def test_a_port_that_is_taken_gives_way_and_a_range_of_them_is_said() -> None:
    with closing(listening("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with closing(listening("127.0.0.1", port)) as other:
            assert port < other.getsockname()[1] <= port + 50
    with pytest.raises(ParameterError, match=r"192\.0\.2\.1:8000 is not"):
        listening("192.0.2.1", 8000)
    with (
        closing(listening("127.0.0.1", 65_535)),
        pytest.raises(ParameterError, match="50 from 65535 on are taken"),
    ):
        listening("127.0.0.1", 65_535)


def test_hosts_and_addresses() -> None:
    assert hosts("127.0.0.1") == hosts("localhost") == {"127.0.0.1", "localhost", "[::1]"}
    assert "192.0.2.7" in hosts("192.0.2.7")
    assert [is_loopback(one) for one in ("::1", "[::1]", "127.8.0.1", "::", "example.org")] == [True] * 3 + [
        False
    ] * 2
    assert address("192.0.2.7", 8001, "t") == "http://192.0.2.7:8001/enter?token=t"
    assert address("::1", 80) == "http://[::1]:80/"


@pytest.mark.parametrize("everywhere", ["0.0.0.0", "::"])
def test_what_listens_everywhere_is_opened_at_an_address_that_others_can_use(everywhere: str) -> None:
    said = urlsplit(address(everywhere, 8001, "t")).netloc
    assert said.endswith(":8001")
    shown = said.removesuffix(":8001")
    assert not is_loopback(shown)
    assert shown not in ("0.0.0.0", "[::]")
    assert shown in hosts(everywhere)  # else the server would refuse who comes that way
