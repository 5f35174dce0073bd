"""A journal in one SQLite file, for several threads and processes at once."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import final

from nextlabel.core.store import Entry, Store
from nextlabel.errors import JournalError, ParameterError, StaleJournal
from nextlabel.stores.entries import ORIGIN, chained, read_text, written
from nextlabel.stores.refusals import refusal
from nextlabel.stores.schema import INSERT, connected, make, opened

__all__ = ["SQLiteStore"]

_READ = (
    "SELECT position, CAST(body AS BLOB), CAST(digest AS BLOB) FROM entries "  # damaged text is bytes
    "WHERE position >= ? ORDER BY position"
)
_LAST = "SELECT position + 1, digest FROM entries ORDER BY position DESC LIMIT 1"


@final
class SQLiteStore(Store):
    """Keeps a journal in one SQLite file, on the disk when `append` returns, shared between processes.

    Parameters
    ----------
    path : str or path
        The file.
    create : bool
        Make a new journal; refused where a file with content is. The file comes with the first entries, in
        one transaction, so that a killed process leaves a whole journal or none.
    read_only : bool
        Refuse `append`. Nothing is written but what undoes a transaction that a killed process left
        unfinished.
    busy_seconds : float
        How long to wait for other processes before giving up, from 0 to 1,000,000.

    Raises
    ------
    JournalError
        No file is there, or one that is no journal, damaged, or of a newer nextlabel; with `create`, a file
        is there or the folder is not.
    ParameterError
        `create` together with `read_only`, or a waiting time out of range.

    Notes
    -----
    Each entry carries a digest over its text and the digest of the entry before it, checked at every
    reading; triggers refuse changes. A rollback journal is used, so that outside a transaction the journal
    is one file, which can be copied: see ``docs/decisions/0011-sqlite-journal.md``.

    One connection, guarded by a lock, serves all threads. After a fork open the store anew: SQLite's
    connections do not survive one. Do not put the file on a network drive whose locks cannot be trusted.

    Cost: about a millisecond for each `append` on a solid-state disk, plus the size of the entries; `read`
    takes time and memory O(size of the entries read). One entry may hold 1,000,000,000 bytes.

    References
    ----------
    Atomic commit in SQLite: sqlite.org/atomiccommit.html. What can go wrong: sqlite.org/howtocorrupt.html.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     store = SQLiteStore(Path(folder) / "reviews.db", create=True)
    ...     store.append([{"event": "noted", "version": 1, "at": 0.0, "text": "begun"}], 0)
    ...     store.close()
    ...     SQLiteStore(Path(folder) / "reviews.db", read_only=True).read()[0]["text"]
    1
    'begun'
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        create: bool = False,
        read_only: bool = False,
        busy_seconds: float = 30.0,
    ) -> None:
        if (create and read_only) or not 0 <= busy_seconds <= 1e6:
            raise ParameterError(
                "A store takes create or read_only, not both, and busy_seconds from 0 to 1,000,000; received "
                f"create={create}, read_only={read_only}, busy_seconds={busy_seconds}. Leave one out."
            )
        self._path = Path(path).absolute()
        self._is_new, self._is_read_only, self._busy_seconds = create, read_only, busy_seconds
        self._lock, self._process, self._is_closed = Lock(), os.getpid(), False
        self._db: sqlite3.Connection | None = None
        if create:
            self._check_place()
        else:
            self._db = opened(self._path, busy_seconds, read_only=read_only)

    def append(self, entries: Sequence[Entry], at: int) -> int:
        """Write entries at the end, all or none, on the disk when this returns.

        Parameters
        ----------
        entries : sequence of mapping
            JSON values, each with ``event``, ``version`` and ``at``.
        at : int
            How many entries the writer has read.

        Returns
        -------
        int
            The number of entries now.

        Raises
        ------
        StaleJournal
            There are more or fewer entries than `at`; nothing was written.
        JournalError
            An entry is not JSON; the file or its folder is read-only, was moved away, or is busy for too
            long; the disk is full; the store is closed. Nothing was written.
        """
        bodies = [written(entry) for entry in entries]
        with self._lock:
            self._check_usable()
            if self._is_read_only:
                raise JournalError(
                    f"A journal opened for writing was expected; {self._path} was opened with "
                    "read_only=True. Open it without; nothing was written."
                )
            with self._speaking() as db:
                with _transaction(db, self._busy_seconds):
                    if self._is_new:
                        self._make(db)
                    count, digest = _end(db)
                    if at != count:
                        raise StaleJournal(
                            f"The journal {self._path} was expected to end after {at:,} entries and has "
                            f"{count:,}. Read on and try again; nothing was written."
                        )
                    db.executemany(INSERT, _rows(entries, bodies, count, digest))
                self._is_new = False
            return count + len(bodies)

    def read(self, since: int = 0) -> Sequence[Entry]:
        """The entries from position `since` on, in order, each checked against its digest.

        Raises
        ------
        JournalError
            `since` is below 0 or after the end; the file is damaged, and then the message says which entries
            are sound; it is busy for too long; the store is closed.
        """
        with self._lock:
            self._check_usable()
            if self._is_new:
                if since == 0:
                    return []
                raise self._beyond(since, 0)
            with self._speaking() as db:
                return self._read(db, since)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock:
            self._is_closed = True
            if self._db is not None and self._process == os.getpid():
                self._db.close()
                self._db = None

    def _read(self, db: sqlite3.Connection, since: int) -> list[Entry]:
        before = ORIGIN
        if since:
            known = db.execute("SELECT digest FROM entries WHERE position = ?", (since - 1,)).fetchone()
            if since < 0 or known is None:
                raise self._beyond(since, _end(db)[0])
            before = known[0]
        rows = db.execute(_READ, (since,)).fetchall()  # at once: others cannot write meanwhile
        entries: list[Entry] = []
        for place, (position, body, digest) in enumerate(rows, since):
            before = chained(before, body or b"")
            if position != place or before.encode() != digest:
                raise JournalError(
                    f"The entries of {self._path} must follow one another unchanged; the entry at position "
                    f"{place:,} is missing or was changed, the {place:,} before it are sound. "
                    "'nextlabel doctor' says what survives, and with '--repair NEW' saves it in a new file."
                )
            entries.append(read_text(body.decode("utf-8")))
        return entries

    def _check_place(self) -> None:
        """Whether a new journal may be made."""
        if self._path.is_dir() or (self._path.exists() and self._path.stat().st_size):
            raise self._taken()
        if not self._path.parent.is_dir():
            raise JournalError(
                f"A new journal needs a folder that exists; {self._path.parent} is none. Make it first."
            )

    def _check_usable(self) -> None:
        if self._is_closed:
            raise JournalError(
                f"A journal is read and written until it is closed; {self._path} is closed here. "
                "Open it again."
            )
        if self._process != os.getpid():
            raise JournalError(
                f"A journal is used by the process that opened it (number {self._process}); this is process "
                f"{os.getpid()}, forked from it. Open {self._path} again in this process."
            )

    @contextmanager
    def _speaking(self) -> Iterator[sqlite3.Connection]:
        """The connection; what SQLite says against us becomes our words."""
        try:
            if self._db is None:
                self._db = connected(self._path, "rwc", self._busy_seconds)
            yield self._db
        except sqlite3.Error as cause:
            raise refusal(self._path, cause, creating=self._is_new) from cause

    def _make(self, db: sqlite3.Connection) -> None:
        """The tables, within the transaction that writes the first entries."""
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise self._taken()
        make(db)

    def _taken(self) -> JournalError:
        return JournalError(
            f"A new journal needs a name that is free; {self._path} is there already. "
            "Open it, or choose another name; it was left as it is."
        )

    def _beyond(self, since: int, end: int) -> JournalError:
        return JournalError(
            f"Entries are read from a position between 0 and {end:,}, the end of the journal {self._path}; "
            f"received {since:,}. Read from 0; if the file was replaced by an older one, find the newer."
        )


def _end(db: sqlite3.Connection) -> tuple[int, str]:
    """The number of entries and the digest of the last."""
    return db.execute(_LAST).fetchone() or (0, ORIGIN)


def _rows(
    entries: Sequence[Entry], bodies: Sequence[str], count: int, digest: str
) -> Iterator[tuple[int, float, str, int, str, str]]:
    """The rows of new entries after so many, each tied to the one before."""
    for position, (entry, body) in enumerate(zip(entries, bodies, strict=True), count):
        digest = chained(digest, body.encode("utf-8"))
        yield position, entry["at"], entry["event"], entry["version"], body, digest


@contextmanager
def _transaction(db: sqlite3.Connection, busy_seconds: float) -> Iterator[None]:
    """All or nothing, with nobody writing between."""
    _begin(db, busy_seconds)
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk or a failing one has rolled back already
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
        raise


def _begin(db: sqlite3.Connection, busy_seconds: float) -> None:
    """Wait for our turn to write.

    SQLite's own waiting sleeps up to a tenth of a second between looks, however short the others write, so
    that under load the lock is mostly free and some wait for seconds.
    """
    until, pause = monotonic() + busy_seconds, 0.0005
    db.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                db.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as cause:
                if cause.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() >= until:
                    raise
            sleep(pause)
            pause = min(1.5 * pause, 0.01)
    finally:
        db.execute(f"PRAGMA busy_timeout = {round(1000 * busy_seconds)}")
