"""What a journal's SQLite file looks like, how one is opened, and how its nature is checked."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

from nextlabel.errors import JournalError
from nextlabel.stores.refusals import refusal

__all__ = ["APPLICATION", "INSERT", "SCHEMA", "STATEMENTS", "check_nature", "connected", "make", "opened"]

APPLICATION = 0x6E78746C  # "nxtl"
SCHEMA = 1
INSERT = "INSERT INTO entries (position, at, event, version, body, digest) VALUES (?, ?, ?, ?, ?, ?)"

STATEMENTS = (
    # `body` holds the whole entry; `at`, `event` and `version` stand beside it for people who look with SQL.
    "CREATE TABLE entries (position INTEGER PRIMARY KEY, at REAL NOT NULL, event TEXT NOT NULL, "
    "version INTEGER NOT NULL, body TEXT NOT NULL, digest TEXT NOT NULL)",
    # OR REPLACE would otherwise pass by the other two.
    "CREATE TRIGGER entries_come_at_the_end BEFORE INSERT ON entries "
    "WHEN NEW.position IS NOT (SELECT coalesce(max(position) + 1, 0) FROM entries) "
    "BEGIN SELECT RAISE(ABORT, 'a journal is written at its end'); END",
    "CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries "
    "BEGIN SELECT RAISE(ABORT, 'a journal is only appended to'); END",
    "CREATE TRIGGER entries_stay BEFORE DELETE ON entries "
    "BEGIN SELECT RAISE(ABORT, 'a journal is only appended to'); END",
)

_Mode = Literal["rw", "rwc"]


def connected(path: Path, mode: _Mode, busy_seconds: float) -> sqlite3.Connection:
    """A connection to a SQLite file, whatever is in it.

    Parameters
    ----------
    path : Path
        Absolute.
    mode : {"rw", "rwc"}
        Reading and, where that is allowed, writing; or making an empty file too where there is none.
    busy_seconds : float
        How long it waits for others.

    Raises
    ------
    sqlite3.Error
        The file cannot be opened.

    Notes
    -----
    A rollback journal and not a write-ahead log: see ``docs/decisions/0011-sqlite-journal.md``. EXTRA also
    waits until the folder is on the disk; with FULL a power cut could bring back the rollback journal of a
    finished transaction, and undo it.
    """
    db = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        db.execute("PRAGMA synchronous = EXTRA")
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA cell_size_check = ON")
    except BaseException:
        db.close()
        raise
    return db


def opened(path: Path, busy_seconds: float, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection to a journal that is there.

    Parameters
    ----------
    path : Path
        Absolute.
    busy_seconds : float
        How long it waits for others.
    read_only : bool
        Write nothing but what undoes a transaction that a killed process left unfinished: before that is
        undone nobody can read.

    Raises
    ------
    JournalError
        There is no file, or it is a folder, no SQLite file, somebody else's, empty, newer or damaged.
    """
    if path.is_dir():
        raise JournalError(f"A journal is a file; {path} is a folder. Name a file in it.")
    try:
        db = connected(path, "rw", busy_seconds)
        try:
            check_nature(db, path)
            if read_only:
                db.execute("PRAGMA query_only = ON")
            elif db.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                db.execute("PRAGMA journal_mode = DELETE")  # somebody's tool has changed it
        except BaseException:
            db.close()
            raise
    except sqlite3.Error as cause:
        raise refusal(path, cause) from cause
    return db


def make(db: sqlite3.Connection) -> None:
    """Write what a journal has before its first entry, within the transaction that is open.

    Parameters
    ----------
    db : sqlite3.Connection
        To an empty file.

    Raises
    ------
    sqlite3.Error
        It cannot be written.
    """
    db.execute(f"PRAGMA application_id = {APPLICATION}")
    db.execute(f"PRAGMA user_version = {SCHEMA}")
    for statement in STATEMENTS:
        db.execute(statement)


def check_nature(db: sqlite3.Connection, path: Path) -> None:
    """Refuse a SQLite file that is not a journal, or is one of a newer schema.

    Raises
    ------
    JournalError
        It is empty, of another program, or newer than this program.
    sqlite3.Error
        It is no SQLite file, or damaged.
    """
    with closing(db.cursor()) as cursor:
        application = cursor.execute("PRAGMA application_id").fetchone()[0]
        schema = cursor.execute("PRAGMA user_version").fetchone()[0]
        parts = cursor.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not (application or schema or parts):
        if size := path.stat().st_size:
            raise JournalError(
                f"A journal is a SQLite file; {path} is not one (it has {size:,} bytes and no pages). "
                "Check the name; the file was left as it is."
            )
        raise JournalError(
            f"A journal was expected at {path}; the file is empty, as one is whose first entries were never "
            "written. Take it away, and create the campaign there again."
        )
    if application != APPLICATION or schema < 1:
        raise JournalError(
            f"A journal of nextlabel was expected at {path} (application id {APPLICATION}); it is a SQLite "
            f"file of another program (application id {application}, {parts} tables and the like). "
            "Name another file; this one was left as it is."
        )
    if schema > SCHEMA:
        raise JournalError(
            f"A journal of schema {SCHEMA} was expected at {path}; it has schema {schema}, "
            "made by a newer nextlabel. Upgrade nextlabel; the file was left as it is."
        )
