"""The journal in a SQLite file: what is on the disk, and what is said when something is in the way."""

import math
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nextlabel.errors import JournalError, ParameterError, StaleJournal
from nextlabel.stores.schema import APPLICATION, connected
from nextlabel.stores.sqlite import SQLiteStore

NOTE = {"event": "noted", "version": 1, "at": 0.5, "text": "ä"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of three entries."""
    with closing(SQLiteStore(tmp_path / "reviews.db", create=True)) as store:
        store.append([{**NOTE, "text": f"entry {number}"} for number in range(3)], 0)
    return tmp_path / "reviews.db"


def sql(path: Path, *statements: str) -> None:
    """What somebody's tool may do to a file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def texts(store: SQLiteStore) -> list[str]:
    return [entry["text"] for entry in store.read()]


# What is on the disk


def test_the_journal_is_one_file_at_all_times(tmp_path: Path) -> None:
    with closing(SQLiteStore(tmp_path / "a.db", create=True)) as store:
        assert list(tmp_path.iterdir()) == []  # it comes with its first entries
        for count in range(3):
            store.append([NOTE], count)
            assert [one.name for one in tmp_path.iterdir()] == ["a.db"]
            copied = shutil.copy(tmp_path / "a.db", tmp_path / "copy")
            with closing(SQLiteStore(copied)) as copy:
                assert len(copy.read()) == count + 1
            Path(copied).unlink()
    assert [one.name for one in tmp_path.iterdir()] == ["a.db"]


def test_people_can_look_with_sql(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT position, at, event, version, body FROM entries").fetchall()
        assert db.execute("PRAGMA application_id").fetchone() == (0x6E78746C,)
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert rows[2] == (2, 0.5, "noted", 1, '{"event":"noted","version":1,"at":0.5,"text":"entry 2"}')


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE entries SET at = 1", "only appended to"),
        ("DELETE FROM entries WHERE position = 2", "only appended to"),
        ("INSERT OR REPLACE INTO entries VALUES (2, 0, 'x', 1, '{}', '')", "written at its end"),
        ("INSERT INTO entries VALUES (7, 0, 'x', 1, '{}', '')", "written at its end"),
    ],
)
def test_the_file_itself_refuses_changes(path: Path, statement: str, why: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=why):
        sql(path, statement)
    assert texts(SQLiteStore(path)) == ["entry 0", "entry 1", "entry 2"]


def test_odd_names_are_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a b?mode=ro#%41.db", ":memory:", "数.db", "file:x"):
        with closing(SQLiteStore(name, create=True)) as store:
            store.append([NOTE], 0)
            monkeypatch.chdir("/")
            assert store.append([NOTE], 1) == 2
            monkeypatch.chdir(tmp_path)
        assert (tmp_path / name).stat().st_size > 0


def test_a_file_turned_to_a_write_ahead_log_is_turned_back(path: Path) -> None:
    sql(path, "PRAGMA journal_mode = WAL")
    with closing(SQLiteStore(path)) as store:
        assert store.append([NOTE], 3) == 4
        assert [one.name for one in path.parent.iterdir()] == ["reviews.db"]


# Making and opening


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"expected at .*/none\.db; there is no such file"):
        SQLiteStore(tmp_path / "none.db")


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=rf"A journal is a file; {tmp_path} is a folder"):
        SQLiteStore(tmp_path)


def test_nothing_is_made_over_something(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    for taken in (path, tmp_path):
        with pytest.raises(JournalError, match=rf"a name that is free; {taken} is there already"):
            SQLiteStore(taken, create=True)
    assert path.read_bytes() == before


def test_a_new_journal_needs_its_folder(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=rf"a folder that exists; {tmp_path}/no is none"):
        SQLiteStore(tmp_path / "no" / "a.db", create=True)


def test_of_two_that_make_one_journal_the_second_is_told(tmp_path: Path) -> None:
    first, second = (SQLiteStore(tmp_path / "a.db", create=True) for _ in range(2))
    first.append([NOTE], 0)
    with pytest.raises(JournalError, match=r"a name that is free; .*/a\.db is there already"):
        second.append([{**NOTE, "text": "mine"}], 0)
    assert texts(first) == ["ä"]
    first.close()
    second.close()


def test_an_empty_file_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(SQLiteStore(path, create=True)) as store, pytest.raises(StaleJournal):
        store.append([NOTE], 5)  # leaves what a killed process may leave
    assert path.read_bytes() == b""
    with pytest.raises(
        JournalError, match=r"the file is empty.* Take it away, and create the campaign there again"
    ):
        SQLiteStore(path)
    with closing(SQLiteStore(path, create=True)) as store:
        assert store.append([NOTE], 0) == 1


def test_a_journal_to_come_has_no_entries(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "a.db", create=True)
    assert store.read() == []
    with pytest.raises(JournalError, match=r"between 0 and 0, .* received 1\."):
        store.read(1)


@pytest.mark.parametrize(
    "options", [{"create": True, "read_only": True}, {"busy_seconds": -1.0}, {"busy_seconds": math.inf}]
)
def test_options_that_contradict_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    shown = ".*".join(f"{key}={value}" for key, value in options.items())
    with pytest.raises(ParameterError, match=shown):
        SQLiteStore(tmp_path / "a.db", **options)


@pytest.mark.parametrize("content", [b"id,text\n1,good\n", b"\x89PNG" * 2000, b"x"])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "reviews.csv"
    path.write_bytes(content)
    with pytest.raises(
        JournalError, match=rf"A journal is a SQLite file; {path} is not one \((file is not a|it has 1 byte)"
    ):
        SQLiteStore(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("statement", ["CREATE TABLE mine (x)", f"PRAGMA application_id = {APPLICATION}"])
def test_a_database_of_another_program_is_refused(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "books.db"
    sql(path, "PRAGMA user_version = 0", statement)
    before = path.read_bytes()
    with pytest.raises(
        JournalError, match=rf"application id {APPLICATION}\); it is a SQLite file of another"
    ):
        SQLiteStore(path)
    assert path.read_bytes() == before


def test_a_newer_journal_is_refused(path: Path) -> None:
    sql(path, "PRAGMA user_version = 2")
    with pytest.raises(
        JournalError, match=r"schema 1 was expected at .*; it has schema 2, .*Upgrade nextlabel"
    ):
        SQLiteStore(path)


# Damage


def test_half_a_file_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        JournalError, match=r"is damaged \(database disk image is malformed.*nextlabel doctor"
    ):
        SQLiteStore(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"text":"entry 1"', b'"text":"entry 9"'), (b"entry 1", b"entry\xff1"), (b"entry 1", b'entry"1')],
)
def test_a_changed_text_is_found_when_read(path: Path, old: bytes, new: bytes) -> None:
    whole = path.read_bytes()
    assert whole.count(old) == 1
    path.write_bytes(whole.replace(old, new))
    with closing(SQLiteStore(path)) as store:
        with pytest.raises(
            JournalError, match=r"position 1 is missing or was changed, the 1 before it are sound"
        ):
            store.read()
        assert [entry["text"] for entry in store.read(2)] == ["entry 2"]


def test_a_lost_entry_is_found_when_read(path: Path) -> None:
    sql(path, "DROP TRIGGER entries_stay", "DELETE FROM entries WHERE position = 1")
    with closing(SQLiteStore(path)) as store:
        with pytest.raises(JournalError, match="position 1 is missing or was changed"):
            store.read()
        with pytest.raises(JournalError, match="between 0 and 3"):
            store.read(2)  # the digest before it is lost


def test_a_damaged_digest_is_found_from_either_side(path: Path) -> None:
    sql(path, "DROP TRIGGER entries_never_change", "UPDATE entries SET digest = 'ä' WHERE position = 1")
    with closing(SQLiteStore(path)) as store:
        for since, place in ((0, 1), (2, 2)):
            with pytest.raises(JournalError, match=f"position {place} is missing or was changed"):
                store.read(since)


def test_a_lost_table_is_one_message(path: Path) -> None:
    sql(path, "DROP TABLE entries", "CREATE TABLE other (x)")
    with closing(SQLiteStore(path)) as store, pytest.raises(JournalError, match="no such table: entries"):
        store.read()


def test_where_a_journal_ends_is_not_said_while_somebody_writes(path: Path) -> None:
    """Reading the end before it is our turn to write would call those stale who need only wait."""
    with closing(SQLiteStore(path, busy_seconds=0.05)) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalError) as raised:
                store.append([NOTE], 2)
            assert not isinstance(raised.value, StaleJournal)
        with pytest.raises(StaleJournal):
            store.append([NOTE], 2)
        assert store.append([NOTE], 3) == 4


def test_a_commit_waits_for_the_disk_and_for_the_folder(path: Path) -> None:
    with closing(connected(path, "rw", 1.0)) as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (3,)  # 3 is EXTRA
