"""The server killed at any moment under load: what it acknowledged is in the journal, once, and whole.

Two hundred kills, of the same loop, are in ``benchmarks/bench_server.py``.
"""

import sys
from contextlib import closing
from pathlib import Path

import pytest

from nextlabel import Campaign, arrays, classes
from nextlabel.stores.sqlite import SQLiteStore
from nextlabel.testing.killing import complaints, killed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a signal of POSIX systems")

KILLS = 20


def test_twenty_kills_under_load_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    found = killed(tmp_path, kills=KILLS, people=3, seed=seed)
    assert found.complaints == ()
    assert found.kills == KILLS
    assert found.acknowledged >= KILLS  # each life has acknowledged something


def test_what_was_lost_or_doubled_is_found_out(tmp_path: Path) -> None:
    """The broken twins: a server that answers before it writes, and one that does not know requests again."""
    with Campaign.create(
        tmp_path / "a.db", arrays([[0.0], [1.0]]), "sklearn", "random", classes("a", "b"), seed=0
    ) as campaign:
        campaign.tell({"0": "a"}, request="r0")
    assert complaints(tmp_path / "a.db", [("r0", "0")]) == []
    assert complaints(tmp_path / "a.db", [("r0", "0"), ("r1", "1")]) == [
        "1 (r1) was acknowledged and is lost"
    ]
    with closing(SQLiteStore(tmp_path / "a.db")) as store:
        store.append([store.read(1)[0]], 2)
    assert complaints(tmp_path / "a.db", [("r0", "0")]) == ["0 (r0) is there 2 times"]
