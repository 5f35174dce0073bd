"""Processes killed at any moment while they write: what was acknowledged is there, once, and whole.

The long form, a campaign killed 50 times between asking and telling, is in ``benchmarks/bench_campaign.py``.
"""

import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from nextlabel.errors import JournalError
from nextlabel.stores.repair import examine
from nextlabel.stores.sqlite import SQLiteStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a signal of POSIX systems")

TOGETHER = 3
START = {"event": "created", "version": 1, "at": 0.0, "label": "start"}

WRITER = """
import sys, time
from itertools import count
from nextlabel.errors import StaleJournal
from nextlabel.stores.sqlite import SQLiteStore
path, name, first = sys.argv[1:]
store = SQLiteStore(path)
end = len(store.read())
for number in count():
    labels = [f"{name}-{number}-{place}" for place in range(3)]
    text = "x" * 4_000 * (number % 5)
    new = [{"event": "told", "version": 1, "at": 0.0, "label": one, "text": text} for one in labels]
    if first == "acknowledge":
        print(*labels, flush=True)
    while True:
        try:
            end = store.append(new, end)
            break
        except StaleJournal:
            end += len(store.read(end))
    if first == "write":
        print(*labels, flush=True)
    time.sleep(0.002)  # without a pause one of them may hold the lock all the time
"""

MAKER = """
import sys
from itertools import count
from nextlabel.stores.sqlite import SQLiteStore
for number in count():
    store = SQLiteStore(f"{sys.argv[1]}/{number}.db", create=True)
    store.append([{"event": "created", "version": 1, "at": 0.0, "ids": ["item"] * 20_000}], 0)
    store.close()
    print(number, flush=True)
"""


@contextmanager
def running(script: str, *words: object) -> Iterator[Path]:
    """A process, killed at the end of this scope, and the file of what it acknowledged."""
    out = Path(f"{words[0]}-{words[1] if len(words) > 1 else 'maker'}.acknowledged")
    with out.open("ab") as file:
        process = subprocess.Popen([sys.executable, "-c", script, *map(str, words)], stdout=file)
        try:
            yield out
        finally:
            process.kill()
            assert process.wait() == -9  # alive until now


def wait_for(out: Path) -> None:
    """Until a process has acknowledged something; a process that died shows when its scope ends."""
    for _ in range(600):
        if out.stat().st_size:
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing was acknowledged in {out}")


def complaints(path: Path, acknowledged: Sequence[str]) -> list[str]:
    """What is wrong with a journal, given the labels that its writers acknowledged."""
    found = [*examine(path).faults]
    with closing(SQLiteStore(path)) as store:
        labels = [entry["label"] for entry in store.read(1)]
    times = Counter(labels)
    found += [f"{label} was acknowledged and is lost" for label in acknowledged if not times[label]]
    found += [f"{label} is there {number} times" for label, number in times.items() if number > 1]
    batches = [labels[start : start + TOGETHER] for start in range(0, len(labels), TOGETHER)]
    for batch in batches:
        name = batch[0].rpartition("-")[0]
        if batch != [f"{name}-{place}" for place in range(TOGETHER)]:
            found.append(f"{batch} is not one whole batch")
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(SQLiteStore(tmp_path / "a.db", create=True)) as store:
        store.append([START], 0)
    return tmp_path / "a.db"


def test_twelve_kills_of_three_writers_lose_and_double_nothing(path: Path, seed: int) -> None:
    rng = random.Random(seed)
    kills = 0
    for turn in range(4):
        names = [f"{turn}{letter}" for letter in "abc"]
        with running(WRITER, path, names[0], "write") as a, running(WRITER, path, names[1], "write") as b:
            with running(WRITER, path, names[2], "write") as c:
                for out in (a, b, c):
                    wait_for(out)
                time.sleep(rng.random() * 0.2)
            kills += 3  # the third now, the others on the way out, while they go on writing
    files = list(path.parent.glob("*.acknowledged"))
    acknowledged = [label for file in files for label in file.read_text().split()]
    assert complaints(path, acknowledged) == []
    with closing(SQLiteStore(path)) as store:
        unheard = (len(store.read(1)) - len(acknowledged)) / TOGETHER
    assert 0 <= unheard <= kills == 12  # written, and killed before it could be said
    assert len(acknowledged) >= TOGETHER * kills


def test_a_writer_killed_while_it_waits_has_written_nothing(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with running(WRITER, path, "w", "write"):
            time.sleep(0.5)
        other.execute("ROLLBACK")
    with closing(SQLiteStore(path)) as store:
        assert store.read() == [START]


def test_who_acknowledges_before_writing_is_found_out(path: Path) -> None:
    """The broken twin: the same check of the same journal sees what such a writer loses."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # so that the writer is killed between the two
        with running(WRITER, path, "w", "acknowledge") as out:
            wait_for(out)
        other.execute("ROLLBACK")
    lost = [f"w-0-{place} was acknowledged and is lost" for place in range(TOGETHER)]
    assert complaints(path, out.read_text().split()) == lost


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        (["w-0-0", "w-0-1", "w-0-2"] * 2, "w-0-1 is there 2 times"),
        (["w-0-0", "w-0-1"], "['w-0-0', 'w-0-1'] is not one whole batch"),
        (["w-0-1", "w-0-0", "w-0-2"], "['w-0-1', 'w-0-0', 'w-0-2'] is not one whole batch"),
    ],
)
def test_doubled_and_half_batches_are_found_out(path: Path, labels: list[str], complaint: str) -> None:
    with closing(SQLiteStore(path)) as store:
        store.append([{**START, "label": label} for label in labels], 1)
    assert complaint in complaints(path, labels)


def assert_whole_or_empty(path: Path) -> None:
    """A journal whose making nobody acknowledged; an empty one is taken over."""
    try:
        assert examine(path).is_sound
    except JournalError as empty:
        if "the file is empty" not in str(empty):
            raise
        with closing(SQLiteStore(path, create=True)) as store:
            assert store.append([START], 0) == 1


def test_a_journal_killed_while_it_is_made_is_whole_or_empty(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    for turn in range(3):
        folder = tmp_path / str(turn)
        folder.mkdir()
        with running(MAKER, folder) as out:
            wait_for(out)
            time.sleep(rng.random() * 0.1)
        acknowledged = [int(line) for line in out.read_text().split()]
        made = sorted(folder.glob("*.db"))
        assert {f"{number}.db" for number in acknowledged} <= {one.name for one in made}
        assert len(made) <= len(acknowledged) + 1
        for one in made:
            if int(one.stem) in acknowledged:
                assert examine(one).entries == 1
            else:
                assert_whole_or_empty(one)
