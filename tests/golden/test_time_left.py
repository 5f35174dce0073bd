"""How long it will take, while there is something left to ask; and nothing where there is not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Campaign, arrays, classes
from nextlabel.server.chronicle import Chronicle
from nextlabel.server.progress import Progress
from nextlabel.server.training import Training
from nextlabel.stores.sqlite import SQLiteStore


@final
@dataclass
class Clock:
    """Ten seconds pass with every look at it."""

    now: float = 1_000.0

    def __call__(self) -> float:
        self.now += 10
        return self.now


@final
class Room:
    """A campaign and its progress."""

    def __init__(self, folder: Path, items: int, **options: Any) -> None:
        path = folder / "a.db"
        pool = arrays(np.arange(2.0 * items).reshape(items, 2))
        self.campaign = Campaign.create(
            path, pool, "sklearn", "random", classes("no", "yes"), 0, clock=Clock(), **options
        )
        self._chronicle = Chronicle(SQLiteStore(path, read_only=True))
        self._progress = Progress(self._chronicle, Training(path, 20))

    def label(self, many: int, who: str = "ann") -> None:
        for id in self.campaign.ask(many, who).ids:
            self.campaign.tell({id: "no"}, annotator=who)

    def answers(self, who: str = "ann") -> float | None:
        """How many answers it expects of this person still, by their rate; None where it says nothing."""
        self._chronicle.read_on()
        said = self._progress.of(self.campaign.state, who, None)
        seconds, rate = said["eta_seconds"], self._chronicle.rate(who)
        assert rate is not None
        return None if seconds is None else round(seconds * rate / 3600)

    def close(self) -> None:
        self.campaign.close()
        self._chronicle.close()


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Callable[..., Room]]:
    rooms: list[Room] = []

    def make(items: int, **options: Any) -> Room:
        rooms.append(Room(tmp_path, items, **options))
        return rooms[-1]

    yield make
    for one in rooms:
        one.close()


def test_what_is_left_takes_time_and_nothing_left_takes_none(begun: Callable[..., Room]) -> None:
    room = begun(10)
    room.label(4)
    assert room.answers() == 6
    room.label(5)
    assert room.answers() == 1
    room.label(1)
    assert room.answers() is None


def test_a_campaign_that_was_stopped_has_nothing_left(begun: Callable[..., Room]) -> None:
    room = begun(10)
    room.label(4)
    room.campaign.stop("enough")
    assert room.answers() is None


def test_items_set_aside_count_as_far_as_they_will_be_asked(begun: Callable[..., Room]) -> None:
    """Of 600 items a fifth are set aside; a tenth of what is asked are of these, and the others never are."""
    room = begun(600, control=0.1)
    room.label(20)
    assert room.answers() == pytest.approx(480 / 0.9 - 20, abs=2)
    while len(room.campaign.state.available(0.0)):
        room.label(100)
    assert room.campaign.state.labelled < 600
    assert room.answers() is None
    room.campaign.release()
    assert room.answers() == 600 - room.campaign.state.labelled


def test_what_waits_for_another_person_is_theirs(begun: Callable[..., Room]) -> None:
    room = begun(10, overlap=2)
    room.label(10)
    room.label(3, "bob")
    assert room.answers() is None
    assert room.answers("bob") == 7
