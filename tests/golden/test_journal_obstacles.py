"""What may be in a journal's way: rights, full disks, other programs; nothing is ever half written."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from nextlabel.errors import JournalError
from nextlabel.stores.refusals import refusal
from nextlabel.stores.sqlite import SQLiteStore

NOTE = {"event": "noted", "version": 1, "at": 0.5, "text": "ä"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of three entries."""
    with closing(SQLiteStore(tmp_path / "reviews.db", create=True)) as store:
        store.append([{**NOTE, "text": f"entry {number}"} for number in range(3)], 0)
    return tmp_path / "reviews.db"


def texts(store: SQLiteStore) -> list[str]:
    return [entry["text"] for entry in store.read()]


def test_a_read_only_store_reads_and_does_not_write(path: Path) -> None:
    with closing(SQLiteStore(path, read_only=True)) as store:
        assert len(store.read()) == 3
        with pytest.raises(JournalError, match="was opened with read_only=True"):
            store.append([NOTE], 3)


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """Within this scope file rights count, for the administrator too."""
    if os.geteuid():
        yield
        return
    for one in (folder, *folder.iterdir()):
        os.chown(one, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("file", "folder", "said"),
    [(0o444, 0o755, "READONLY"), (0o644, 0o555, "READONLY|CANTOPEN"), (0o444, 0o555, "READONLY")],
)
def test_what_may_not_be_written_may_be_read(file: int, folder: int, said: str) -> None:
    with TemporaryDirectory() as place:
        path = Path(place) / "a.db"
        with closing(SQLiteStore(path, create=True)) as store:
            store.append([NOTE], 0)
        path.chmod(file)
        path.parent.chmod(folder)
        with unprivileged(path.parent):
            with closing(SQLiteStore(path)) as store:
                assert texts(store) == ["ä"]
                with pytest.raises(JournalError, match=f"SQLITE_({said}).*nothing was written"):
                    store.append([NOTE], 1)
                assert texts(store) == ["ä"]
            with pytest.raises(JournalError, match="is there already"):
                SQLiteStore(path, create=True)
        path.parent.chmod(0o755)


def test_a_new_journal_in_a_folder_that_may_not_be_written() -> None:
    with TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o555)
        with unprivileged(folder), closing(SQLiteStore(folder / "a.db", create=True)) as store:
            with pytest.raises(JournalError, match=r"in a folder in which files can be made; that failed"):
                store.append([NOTE], 0)
            assert store.read() == []
        folder.chmod(0o755)


def test_a_file_that_may_not_be_read() -> None:
    with TemporaryDirectory() as place:
        path = Path(place) / "a.db"
        path.write_bytes(b"")
        path.chmod(0)
        path.parent.chmod(0o755)
        with (
            unprivileged(path.parent),
            pytest.raises(JournalError, match=r"must be a file that can be opened"),
        ):
            SQLiteStore(path)


def test_waiting_for_another_program_ends(path: Path) -> None:
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        closing(SQLiteStore(path, busy_seconds=0.05)) as store,
    ):
        other.execute("BEGIN IMMEDIATE")
        assert len(store.read()) == 3
        with pytest.raises(
            JournalError, match=r"another program holds it \(database is locked.*nothing was written"
        ):
            store.append([NOTE], 3)
        other.execute("ROLLBACK")
        assert store.append([NOTE], 3) == 4


def test_a_reader_who_stays_delays_the_end_of_a_write(path: Path) -> None:
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        closing(SQLiteStore(path, busy_seconds=0.05)) as store,
    ):
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM entries").fetchone()
        with pytest.raises(JournalError, match="another program holds it"):
            store.append([NOTE], 3)
        other.execute("COMMIT")
        assert len(store.read()) == 3
        assert store.append([NOTE], 3) == 4


def test_a_journal_moved_away_is_not_written(path: Path) -> None:
    with closing(SQLiteStore(path)) as store:
        path.rename(path.with_name("elsewhere.db"))
        with pytest.raises(JournalError, match="SQLITE_READONLY_DBMOVED"):
            store.append([NOTE], 3)
    with closing(SQLiteStore(path.with_name("elsewhere.db"))) as store:
        assert len(store.read()) == 3


def test_a_closed_store_says_so(path: Path) -> None:
    store = SQLiteStore(path)
    store.close()
    with pytest.raises(JournalError, match=rf"{path} is closed here\. Open it again"):
        store.read()


def test_a_forked_process_opens_its_own(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SQLiteStore(path)
    parent = os.getpid()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: 1)  # as after a fork
        with pytest.raises(JournalError, match=rf"\(number {parent}\); this is process 1, forked from it"):
            store.read()
    assert len(store.read()) == 3
    store.close()


FILLING = """
import resource, sys
from nextlabel.errors import JournalError
from nextlabel.stores.sqlite import SQLiteStore
store = SQLiteStore(sys.argv[1])
note = {"event": "noted", "version": 1, "at": 0.0, "text": "x" * 60_000}
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
try:
    store.append([note], 3)
except JournalError as error:
    print(error)
print(len(store.read()))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print(store.append([note], 3))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the system limits no file's size")
def test_a_file_that_may_not_grow_stays_as_it_was(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILLING, str(path)], capture_output=True, text=True, check=False
    )
    said, before, after = done.stdout.splitlines()
    assert (
        "needs a disk that reads and writes; the system refused (disk I/O error; SQLITE_IOERR_WRITE)" in said
    )
    assert (before, after, done.stderr) == ("3", "4", "")
    with closing(SQLiteStore(path)) as store:
        assert len(store.read()) == 4


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only Linux's administrator makes small disks"
)
def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path) -> None:
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100k", "none", tmp_path], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip(f"no small disk could be made: {made.stderr.decode()}")
    try:
        with closing(SQLiteStore(tmp_path / "a.db", create=True)) as store:
            count = store.append([NOTE], 0)
            for _ in range(10):
                count = store.append([{**NOTE, "text": "x" * 3_000}], count)
            with pytest.raises(JournalError, match=r"none left \(database or disk is full; SQLITE_FULL\)"):
                store.append([{**NOTE, "text": "x" * 99_000}], count)
            assert len(store.read()) == count
            with pytest.raises(JournalError, match="Make room and try again; nothing was written"):
                store.append([{**NOTE, "text": "x" * 200_000}], count)
            assert len(store.read()) == count
        assert [one.name for one in tmp_path.iterdir()] == ["a.db"]
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_PERM, "must be readable"),
        (sqlite3.SQLITE_TOOBIG, "this one is larger"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "another program holds it"),
        (sqlite3.SQLITE_INTERNAL, "must be usable through SQLite"),
    ],
)
def test_what_seldom_happens_has_words_too(tmp_path: Path, code: int, words: str) -> None:
    cause = sqlite3.OperationalError("so it said")
    cause.sqlite_errorcode, cause.sqlite_errorname = code, "SQLITE_NAME"
    said = str(refusal(tmp_path / "{a}.db", cause))
    assert words in said
    assert f"{tmp_path}/{{a}}.db" in said
    assert "(so it said; SQLITE_NAME)" in said
