"""Damage is found, what survives is said and saved, and the damaged file is left as it is."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from nextlabel.errors import JournalError
from nextlabel.stores.repair import back_up, examine, repair
from nextlabel.stores.sqlite import SQLiteStore

COUNT, PAGE = 400, 4096
ENTRIES = [
    {"event": "told", "version": 1, "at": number / 2, "labels": {f"ä{number}": "x"}, "text": "y" * length}
    for number in range(COUNT)
    for length in [20_000 if number % 50 == 7 else 37 * number % 400]
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a journal with small entries and some over many pages."""
    path = tmp_path_factory.mktemp("whole") / "a.db"
    with closing(SQLiteStore(path, create=True)) as store:
        store.append(ENTRIES, 0)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, whole: bytes) -> Path:
    (tmp_path / "a.db").write_bytes(whole)
    return tmp_path / "a.db"


def read(path: Path) -> list[object]:
    with closing(SQLiteStore(path, read_only=True)) as store:
        return list(store.read())


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def middle(whole: bytes) -> int:
    return whole.index("ä200".encode())


def noise(length: int) -> bytes:
    return random.Random(0).randbytes(length)


def test_a_sound_journal_is_sound(path: Path, whole: bytes) -> None:
    found = examine(str(path))
    assert (found.entries, found.later, found.missing, found.faults) == (COUNT, 0, 0, ())
    assert found.is_sound
    assert path.read_bytes() == whole


def test_a_sound_journal_is_copied_entry_by_entry(path: Path, tmp_path: Path) -> None:
    saved = repair(path, tmp_path / "new.db")
    assert (saved.found.is_sound, saved.to, saved.rest) == (True, tmp_path / "new.db", None)
    assert read(tmp_path / "new.db") == ENTRIES
    with closing(SQLiteStore(tmp_path / "new.db")) as store:
        assert store.append(ENTRIES[:1], COUNT) == COUNT + 1


# Files cut off, and bytes written over


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "the header": lambda whole: noise(100) + whole[100:],
    "the first page": lambda whole: bytes(PAGE) + whole[PAGE:],
    "the root of the tree": lambda whole: whole[:PAGE] + noise(PAGE) + whole[2 * PAGE :],
    "the page size": lambda whole: whole[:16] + b"\x00\x07" + whole[18:],
}


@pytest.mark.parametrize("part", DAMAGE)
def test_what_leads_to_the_entries_may_be_lost(path: Path, tmp_path: Path, whole: bytes, part: str) -> None:
    damaged = DAMAGE[part](whole)
    path.write_bytes(damaged)
    found = examine(path)
    assert (found.entries, found.is_sound) == (COUNT, False)
    assert found.faults[0].startswith("SQLite ")
    assert repair(path, tmp_path / "new.db").to == tmp_path / "new.db"
    assert read(tmp_path / "new.db") == ENTRIES
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("left", [0.25, 0.5, 0.75, 0.999])
def test_of_a_file_cut_off_the_beginning_survives(
    path: Path, tmp_path: Path, whole: bytes, left: float
) -> None:
    cut = int(left * len(whole))
    path.write_bytes(whole[:cut])
    found = examine(path)
    expected = sum(
        whole.find(f'{{"event":"told","version":1,"at":{n / 2}'.encode()) < cut for n in range(COUNT)
    )
    assert expected - 10 <= found.entries <= expected  # one page and what runs over several may be lost
    assert (
        f"Of its {len(whole):,} bytes the file has the first {cut:,}" in found.faults[-1 - (found.later > 0)]
    )
    saved = repair(path, tmp_path / "new.db")
    assert read(tmp_path / "new.db") == ENTRIES[: found.entries]
    assert saved.found == found
    assert path.read_bytes() == whole[:cut]


def test_bytes_lost_in_the_middle_are_named_and_the_rest_is_kept(
    path: Path, tmp_path: Path, whole: bytes
) -> None:
    start = middle(whole) // PAGE * PAGE
    path.write_bytes(whole[:start] + noise(PAGE) + whole[start + PAGE :])
    found = examine(path)
    assert 150 < found.entries <= 200
    assert found.missing > 0
    assert found.entries + found.missing + found.later == COUNT
    assert f"ends at position {found.entries}: {found.entries} are sound" in found.faults[-1]
    assert f"{found.later} can be read and {found.missing} cannot" in found.faults[-1]
    saved = repair(path, tmp_path / "new.db")
    assert read(tmp_path / "new.db") == ENTRIES[: found.entries]
    assert saved.rest == tmp_path / "new.db.rest.jsonl"
    lines = [json.loads(line) for line in saved.rest.read_text(encoding="utf-8").splitlines()]
    assert [line["entry"] for line in lines] == ENTRIES[found.entries + found.missing :]
    assert [line["position"] for line in lines] == list(range(found.entries + found.missing, COUNT))
    assert [line["is_proven"] for line in lines] == [False] + [True] * (found.later - 1)


def test_one_changed_letter_breaks_the_chain_there(path: Path, tmp_path: Path, whole: bytes) -> None:
    at = middle(whole)
    path.write_bytes(whole[:at] + "ö".encode() + whole[at + 2 :])
    found = examine(path)
    assert (found.entries, found.later, found.missing) == (200, 200, 0)
    saved = repair(path, tmp_path / "new.db")
    assert saved.rest is not None
    lines = [json.loads(line) for line in saved.rest.read_text(encoding="utf-8").splitlines()]
    assert list(lines[0]["entry"]["labels"]) == ["ö200"]
    assert [line["is_proven"] for line in lines] == [False] + [True] * 199


def test_a_text_that_is_no_json_any_more_is_lost_alone(path: Path, whole: bytes) -> None:
    at = middle(whole)
    path.write_bytes(whole[:at] + b'"' + whole[at + 1 :])
    found = examine(path)
    assert (found.entries, found.later, found.missing) == (200, 199, 1)


def test_without_its_first_entry_a_journal_is_saved_apart(path: Path, tmp_path: Path, whole: bytes) -> None:
    path.write_bytes(whole.replace("ä0".encode(), b"a0!"))
    saved = repair(path, tmp_path / "new.db")
    assert (saved.found.entries, saved.found.later, saved.to) == (0, COUNT, None)
    assert not (tmp_path / "new.db").exists()
    assert saved.rest is not None
    assert len(saved.rest.read_text(encoding="utf-8").splitlines()) == COUNT


def test_no_damage_of_a_page_passes_unseen(path: Path, whole: bytes) -> None:
    """Every page is lost in turn: a fault is found, and the entries of one page are lost at most."""
    for start in range(0, len(whole), PAGE):
        path.write_bytes(whole[:start] + bytes(PAGE) + whole[start + PAGE :])
        found = examine(path)
        assert not found.is_sound, start
        assert found.entries + found.later + found.missing <= COUNT
        assert found.entries + found.later >= COUNT - 60, start  # one page holds so many at most


# Changes through SQL


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["DROP TRIGGER entries_stay"], "a trigger that protects it, is not as a journal is made"),
        (
            ["DROP TRIGGER entries_never_change", "UPDATE entries SET at = 7 WHERE position = 3"],
            "beside entry 3 is",
        ),
        (
            ["DROP TRIGGER entries_stay", "DELETE FROM entries WHERE position = 3"],
            "ends at position 3: 3 are sound",
        ),
        (
            ["DROP TRIGGER entries_never_change", "UPDATE entries SET body = '{}' WHERE position = 3"],
            "and 1 cannot",
        ),
        (
            ["DROP TRIGGER entries_never_change", "UPDATE entries SET digest = 'ab' WHERE position = 3"],
            "and 1 cannot",
        ),
    ],
)
def test_what_was_changed_with_sql_is_found(
    path: Path, tmp_path: Path, statements: list[str], fault: str
) -> None:
    sql(path, *statements)
    assert any(fault in one for one in examine(path).faults)
    repair(path, tmp_path / "new.db")
    assert examine(tmp_path / "new.db").is_sound


def test_the_columns_are_written_anew_from_the_text(path: Path, tmp_path: Path) -> None:
    sql(path, "DROP TRIGGER entries_never_change", "UPDATE entries SET event = 'x', version = 9, at = 9")
    assert examine(path).faults[-1] == "What stands beside entry 0 is not what its text says."
    repair(path, tmp_path / "new.db")
    assert read(tmp_path / "new.db") == ENTRIES


def test_a_journal_without_its_table_is_refused(path: Path) -> None:
    sql(path, "DROP TABLE entries", "CREATE TABLE other (x)")
    with pytest.raises(JournalError, match="no such table: entries"):
        examine(path)


# Transactions left behind by a killed process


UNFINISHED = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 5")
db.execute("BEGIN IMMEDIATE")
for position in range(400, 800):
    db.execute("INSERT INTO entries VALUES (?, 0, 'told', 1, ?, 'x')", (position, "z" * 3_000))
print("written", flush=True)
time.sleep(60)
"""


def kill_while_writing(path: Path) -> None:
    """Leaves a file whose pages are half written, and the rollback journal that undoes that."""
    process = subprocess.Popen([sys.executable, "-c", UNFINISHED, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert Path(f"{path}-journal").exists()


def test_a_transaction_left_unfinished_is_undone(path: Path, whole: bytes) -> None:
    kill_while_writing(path)
    assert path.read_bytes() != whole
    assert examine(path).is_sound
    assert read(path) == ENTRIES
    assert [one.name for one in path.parent.iterdir()] == ["a.db"]


def test_a_reader_undoes_what_was_left_unfinished(path: Path) -> None:
    kill_while_writing(path)
    assert read(path) == ENTRIES  # opened with read_only=True


def test_without_its_rollback_journal_every_acknowledged_entry_is_found(path: Path, tmp_path: Path) -> None:
    kill_while_writing(path)
    Path(f"{path}-journal").unlink()
    found = examine(path)
    assert found.entries == COUNT
    repair(path, tmp_path / "new.db")
    assert read(tmp_path / "new.db") == ENTRIES


# What is no journal


@pytest.mark.parametrize("function", [examine, lambda path: repair(path, path.with_name("new.db"))])
@pytest.mark.parametrize("content", [b"", b"id,text\n" * 1_000, noise(20_000), noise(4_096 * 9)])
def test_where_nothing_is_a_journal_that_is_said(
    tmp_path: Path, content: bytes, function: Callable[[Path], object]
) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"is not one \(file is not a database|the file is empty"):
        function(path)
    assert [one.name for one in tmp_path.iterdir()] == ["a.db"]
    assert path.read_bytes() == content


def test_a_newer_journal_is_left_alone(path: Path, tmp_path: Path) -> None:
    sql(path, "PRAGMA user_version = 2")
    with pytest.raises(JournalError, match="it has schema 2"):
        repair(path, tmp_path / "new.db")


def test_a_busy_journal_is_not_called_damaged(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JournalError, match="another program holds it"):
            examine(path, busy_seconds=0.05)


# Copies


def test_a_backup_is_whole_while_others_write(path: Path, tmp_path: Path) -> None:
    with closing(SQLiteStore(path)) as store:
        for number in range(3):
            count = store.append(ENTRIES[:5], COUNT + 5 * number)
            assert back_up(path, tmp_path / f"{number}.db") == count
            assert len(read(tmp_path / f"{number}.db")) == count
    assert sorted(one.name for one in tmp_path.iterdir()) == ["0.db", "1.db", "2.db", "a.db"]


def test_a_damaged_journal_is_not_backed_up(path: Path, tmp_path: Path, whole: bytes) -> None:
    at = middle(whole)
    path.write_bytes(whole[:at] + "ö".encode() + whole[at + 2 :])
    with pytest.raises(
        JournalError, match=r"must be sound to be backed up; .*a\.db is not: The entries must"
    ):
        back_up(path, tmp_path / "copy.db")
    assert [one.name for one in tmp_path.iterdir()] == ["a.db"]


def test_a_backup_waits_and_then_says_who_is_in_the_way(path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JournalError, match="another program holds it"):
            back_up(path, tmp_path / "copy.db", busy_seconds=0.05)
    assert [one.name for one in tmp_path.iterdir()] == ["a.db"]


@pytest.mark.parametrize("function", [back_up, repair])
def test_nothing_is_written_over(
    path: Path, tmp_path: Path, function: Callable[[Path, Path], object]
) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link").symlink_to("nowhere")
    for taken in ("mine", "link", "a.db"):
        with pytest.raises(JournalError, match=rf"{tmp_path / taken} is there already"):
            function(path, tmp_path / taken)
    assert (tmp_path / "mine").read_text() == "mine"


def test_the_rest_is_written_over_nothing(path: Path, tmp_path: Path) -> None:
    (tmp_path / "new.db.rest.jsonl").touch()
    with pytest.raises(JournalError, match=r"new\.db\.rest\.jsonl is there already"):
        repair(path, tmp_path / "new.db")


@pytest.mark.parametrize("function", [back_up, repair])
def test_a_folder_that_is_not_there_is_one_message(
    path: Path, tmp_path: Path, function: Callable[[Path, Path], object]
) -> None:
    with pytest.raises(
        JournalError, match=rf"The file {tmp_path}/no/b\.db needs a folder that exists.*No such file"
    ):
        function(path, tmp_path / "no" / "b.db")


def test_a_name_taken_meanwhile_is_left(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody writes the file after its name was found free: simulated by a check that sees nothing."""
    (tmp_path / "mine").write_text("mine")
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    with pytest.raises(JournalError, match=r"mine is there already"):
        back_up(path, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("function", ["back_up", "repair"])
def test_a_copy_that_finds_no_room_leaves_nothing(path: Path, tmp_path: Path, function: str) -> None:
    script = (
        "import resource, sys\n"
        "from nextlabel.errors import JournalError\n"
        f"from nextlabel.stores.repair import {function}\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))\n"
        f"try:\n    {function}(sys.argv[1], sys.argv[2])\n"
        "except JournalError as error:\n    print(error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
    )
    words = [sys.executable, "-c", script, str(path), str(tmp_path / "new.db")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (
        "needs a folder that exists, may be written and has room; the system refused (disk I/O" in done.stdout
    )
    assert [one.name for one in tmp_path.iterdir()] == ["a.db"]


def test_a_copy_of_the_file_is_a_backup_too(path: Path, tmp_path: Path) -> None:
    with closing(SQLiteStore(path)) as store:
        store.append(ENTRIES[:1], COUNT)
        shutil.copy(path, tmp_path / "copy.db")
        assert examine(tmp_path / "copy.db").entries == COUNT + 1
