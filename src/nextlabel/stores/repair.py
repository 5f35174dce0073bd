"""Examining a journal, backing it up, and saving what is left of a damaged one."""

import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

from nextlabel.errors import JournalError
from nextlabel.stores.salvage import Legible, survey
from nextlabel.stores.schema import INSERT, connected, make, opened

__all__ = ["Examination", "Repair", "back_up", "examine", "repair"]


@final
@dataclass(frozen=True)
class Examination:
    """What was found in a journal.

    Parameters
    ----------
    path : Path
    entries : int
        How many entries from the first on are sound: they follow one another and bear the right digests.
    later : int
        How many entries after those can still be read.
    missing : int
        How many positions before the last entry that can be read hold none. What stood after it nobody knows.
    faults : tuple of str
        What is wrong, a sentence each; empty for a sound journal.
    """

    path: Path
    entries: int
    later: int
    missing: int
    faults: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


@final
@dataclass(frozen=True)
class Repair:
    """What was saved of a journal.

    Parameters
    ----------
    found : Examination
        Of the old journal, which is left as it was.
    to : Path or None
        The new journal, with the ``found.entries`` sound entries; None where not even the first is sound.
    rest : Path or None
        The ``found.later`` entries after those, one JSON object a line with ``position``, ``is_proven``
        (whether its digest follows from the entry before it) and ``entry``; None where there are none.
        They are not in the new journal, because what happened before them is not known.
    """

    found: Examination
    to: Path | None
    rest: Path | None


def examine(path: str | os.PathLike[str], *, busy_seconds: float = 30.0) -> Examination:
    """Check a journal from the structure of its file to the digest of each entry.

    Parameters
    ----------
    path : str or path
        The file, which is left as it is.
    busy_seconds : float
        How long to wait for other processes.

    Raises
    ------
    JournalError
        No file is there, or one in which nothing can be read as a journal: a folder, foreign, empty, newer;
        or it is busy for too long.

    Notes
    -----
    A transaction that a killed process left unfinished is undone, as by every opening. Where SQLite finds
    the file damaged its bytes are read directly: do not do that in a process that also writes to it, since
    closing any handle to a file gives up the process's locks on it.

    O(size of the journal) time and memory.

    Examples
    --------
    >>> from nextlabel.stores.sqlite import SQLiteStore
    >>> with TemporaryDirectory() as folder:
    ...     store = SQLiteStore(Path(folder) / "reviews.db", create=True)
    ...     store.append([{"event": "noted", "version": 1, "at": 0.0}], 0)
    ...     examine(Path(folder) / "reviews.db").is_sound
    ...     store.close()
    1
    True
    """
    where = Path(path).absolute()
    found = survey(where, busy_seconds)
    return Examination(where, len(found.sound), len(found.later), found.missing, found.faults)


def back_up(path: str | os.PathLike[str], to: str | os.PathLike[str], *, busy_seconds: float = 30.0) -> int:
    """Copy a journal while others use it.

    Parameters
    ----------
    path, to : str or path
        The journal, and a name that is free.
    busy_seconds : float
        How long to wait for other processes.

    Returns
    -------
    int
        The number of entries in the copy, which has been examined.

    Raises
    ------
    JournalError
        Something is at `to`, or it cannot be written; the journal cannot be read, or is damaged.

    Notes
    -----
    The copy appears under its name when it is whole. O(size of the journal) time.
    """
    source, target = Path(path).absolute(), Path(to).absolute()
    entries = 0

    def copied(draft: Path) -> None:
        nonlocal entries
        with closing(opened(source, busy_seconds)) as db, closing(connected(draft, "rwc", 0.0)) as copy:
            db.backup(copy)
        found = examine(draft)
        if not found.is_sound:
            raise JournalError(
                f"A journal must be sound to be backed up; {source} is not: {' '.join(found.faults)} "
                f"'nextlabel doctor {source} --repair NEW' saves what can be read."
            )
        entries = found.entries

    _placed(target, copied)
    return entries


def repair(path: str | os.PathLike[str], to: str | os.PathLike[str], *, busy_seconds: float = 30.0) -> Repair:
    """Write what can be read of a journal into new files; the old one is left as it is.

    Parameters
    ----------
    path, to : str or path
        The journal, and a name that is free. Entries after the first fault go to a file beside `to`, with
        ``.rest.jsonl`` after its name.
    busy_seconds : float
        How long to wait for other processes.

    Returns
    -------
    Repair
        What was kept, and where.

    Raises
    ------
    JournalError
        Nothing in the file can be read as a journal; or one of the new names is taken, or cannot be written.

    Notes
    -----
    Entries are copied byte for byte. Rows are looked for in all pages of a damaged file, so a lost header or
    a lost inner page of its tree loses no entry. O(size of the journal) time and memory.
    """
    source, target = Path(path).absolute(), Path(to).absolute()
    rest = target.with_name(target.name + ".rest.jsonl")
    for one in (target, rest):
        _check_free(one)
    found = survey(source, busy_seconds)
    if found.later:
        _placed(rest, lambda draft: _write_rest(draft, found.later))
    if found.sound:
        _placed(target, lambda draft: _write_journal(draft, found.sound))
    said = Examination(source, len(found.sound), len(found.later), found.missing, found.faults)
    return Repair(said, target if found.sound else None, rest if found.later else None)


def _write_journal(draft: Path, sound: Sequence[Legible]) -> None:
    with closing(connected(draft, "rwc", 0.0)) as db:
        db.execute("BEGIN IMMEDIATE")
        make(db)
        db.executemany(INSERT, map(_columns, sound))
        db.execute("COMMIT")


def _columns(one: Legible) -> tuple[int, float, str, int, str, str]:
    told = one.entry["at"], one.entry["event"], one.entry["version"]
    return one.row.position, *told, one.row.body.decode("utf-8"), one.row.digest.decode("ascii")


def _write_rest(draft: Path, later: Sequence[Legible]) -> None:
    with draft.open("w", encoding="utf-8") as file:
        for one in later:
            line = {"position": one.row.position, "is_proven": one.is_proven, "entry": one.entry}
            file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _placed(target: Path, write: Callable[[Path], None]) -> None:
    """Write a file beside its place, then move it there: whole or not at all, never over another."""
    _check_free(target)
    try:
        with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            draft = Path(folder) / target.name
            write(draft)
            with target.open("xb"):  # ours from here on
                pass
            draft.replace(target)
        _settle(target.parent)
    except FileExistsError as cause:
        raise _taken(target) from cause
    except (OSError, sqlite3.Error) as cause:
        raise JournalError(
            f"The file {target} needs a folder that exists, may be written and has room; "
            f"the system refused ({cause}). Name another place, or make room."
        ) from cause


def _settle(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, on systems that can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _check_free(target: Path) -> None:
    if os.path.lexists(target):
        raise _taken(target)


def _taken(target: Path) -> JournalError:
    return JournalError(
        f"A name that is free was expected; {target} is there already and was left as it is. Choose another."
    )
