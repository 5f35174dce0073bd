"""Plans come from the process that trains: another when one is used up, and a longer one for more people."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nextlabel import Campaign, classes
from nextlabel.server.chronicle import Chronicle
from nextlabel.server.desk import Desk
from nextlabel.server.people import People, Person
from nextlabel.server.settings import Settings
from nextlabel.server.training import Training
from nextlabel.stores.sqlite import SQLiteStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes of POSIX systems")


def until(holds: Callable[[], Any], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not hold in time"
        time.sleep(0.02)


def test_a_plan_that_is_used_up_is_made_anew_and_longer_for_more_people(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("key,body\n" + "".join(f"{one},number {one}\n" for one in range(99)))
    pool = {"name": "csv", "path": str(tmp_path / "items.csv"), "text": "body", "id": "key"}
    learner = {"name": "sklearn", "estimator": "logistic", "features": "tfidf"}
    path = tmp_path / "a.db"
    with Campaign.create(path, pool, learner, "random", classes("no", "yes"), 0) as whole:
        read = whole.pool
    people, _ = People.beside(path, {}, is_local=True)
    training = Training(path, 4)
    desk = Desk(
        Campaign.open(path, only_answers=True),
        read,
        Chronicle(SQLiteStore(path, read_only=True)),
        training,
        people,
        Settings(file="items.csv", batch=4),
        time.time,
    )

    def take(name: str, many: int) -> set[str]:
        have = list(desk.state.held_by(name, time.time()))
        given = asyncio.run(desk.next(Person(name, "owner"), many, have))["items"]
        return {one["id"] for one in given}

    def planned() -> set[str]:
        return set() if training.plan is None else set(training.plan.ids)

    training.start()
    try:
        until(lambda: len(planned()) == 4)
        first = planned()
        assert take("ann", 4) == first
        assert not take("ann", 1) & first  # of what no plan has picked
        until(lambda: len(planned()) == 10)
        assert not planned() & set(desk.state.asked)
        assert take("bob", 10) == planned()
        take("bob", 1)
        until(lambda: len(planned()) == 20)
    finally:
        desk.close()
