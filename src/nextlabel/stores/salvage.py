"""What can be read of a journal, sound or not: its entries in order, as far as they prove one another."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from nextlabel.errors import JournalError
from nextlabel.stores.entries import ORIGIN, chained, read_text
from nextlabel.stores.pages import Row, bytes_promised, rows_in
from nextlabel.stores.refusals import refusal
from nextlabel.stores.schema import STATEMENTS, opened

__all__ = ["Legible", "Survey", "survey"]

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_ROWS = "SELECT position, at, event, version, CAST(body AS BLOB), CAST(digest AS BLOB) FROM entries"


@final
@dataclass(frozen=True)
class Legible:
    """An entry that can be read.

    Parameters
    ----------
    row : Row
    entry : dict
        The JSON object of its text.
    is_proven : bool
        Whether its digest follows from its text and the digest of the entry before it.
    """

    row: Row
    entry: dict[str, Any]
    is_proven: bool


@final
@dataclass(frozen=True)
class Survey:
    """The entries of a journal.

    Parameters
    ----------
    sound : tuple of Legible
        From the first on, up to the first that is missing or was changed.
    later : tuple of Legible
        Those after it, in order of position.
    faults : tuple of str
        What is wrong, a sentence each.
    """

    sound: tuple[Legible, ...]
    later: tuple[Legible, ...]
    faults: tuple[str, ...]

    @property
    def missing(self) -> int:
        """How many positions before the last legible entry hold none that can be read."""
        end = self.later[-1].row.position + 1 if self.later else len(self.sound)
        return end - len(self.sound) - len(self.later)


def survey(path: Path, busy_seconds: float) -> Survey:
    """Read all there is in a journal; the file is left as it is.

    Parameters
    ----------
    path : Path
        Absolute.
    busy_seconds : float
        How long to wait for other processes.

    Raises
    ------
    JournalError
        No file is there, or one in which nothing can be read as a journal: a folder, foreign, empty, newer;
        or it is busy for too long.

    Notes
    -----
    O(size of the journal) time and memory.
    """
    rows, faults = _gathered(path, busy_seconds)
    sound, later = _in_order(rows)
    for one in sound:
        told = tuple(one.entry.get(key) for key in ("at", "event", "version"))
        if told != one.row[1:4]:
            faults.append(f"What stands beside entry {one.row.position:,} is not what its text says.")
            break
    found = Survey(sound, later, ())
    if later:
        faults.append(
            f"The entries must follow one another unchanged, and that ends at position {len(sound):,}: "
            f"{len(sound):,} are sound, of those after them {len(later):,} can be read and "
            f"{found.missing:,} cannot."
        )
    return Survey(sound, later, tuple(faults))


def _gathered(path: Path, busy_seconds: float) -> tuple[list[Row], list[str]]:
    """All rows, and what SQLite finds wrong."""
    try:
        db = opened(path, busy_seconds)
    except JournalError as refused:
        if _is_damage(refused.__cause__):
            rows, cut = _raw(path)
            if rows:
                return rows, [f"SQLite cannot open the file ({refused.__cause__}).", *cut]
        raise
    with closing(db):
        try:
            faults = _structural(db)
            if not faults and not _is_short(db, path):
                return [Row(*row) for row in db.execute(_ROWS)], _altered(db)
        except sqlite3.Error as cause:
            if not _is_damage(cause):
                raise refusal(path, cause) from cause
            faults = [f"SQLite cannot read the file ({cause})."]
    rows, cut = _raw(path)
    return rows, [*faults, *cut]


def _raw(path: Path) -> tuple[list[Row], list[str]]:
    """All rows of the bare file, and how much of it is missing at its end."""
    data = path.read_bytes()
    whole = bytes_promised(data)
    if whole <= len(data):
        return list(rows_in(data)), []
    cut = (
        f"Of its {whole:,} bytes the file has the first {len(data):,}; what stood in the others is not known."
    )
    return list(rows_in(data)), [cut]


def _structural(db: sqlite3.Connection) -> list[str]:
    said = [line for (line,) in db.execute("PRAGMA integrity_check(3)")]
    if said == ["ok"]:
        return []
    words = " ".join(" ".join(said).replace("*** in database main ***", "").split())
    return [f"SQLite finds the structure damaged ({words[:300]})."]


def _is_short(db: sqlite3.Connection, path: Path) -> bool:
    """Whether the last page is not all there, which SQLite fills up with zeros."""
    pages, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return bool(path.stat().st_size < pages * size)


def _altered(db: sqlite3.Connection) -> list[str]:
    """Whether the table and its triggers are those of a journal."""
    found = {sql for (sql,) in db.execute("SELECT sql FROM sqlite_master")}
    if found == set(STATEMENTS):
        return []
    return ["The table of entries, or a trigger that protects it, is not as a journal is made."]


def _is_damage(cause: BaseException | None) -> bool:
    code = getattr(cause, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGE


def _in_order(rows: Iterable[Row]) -> tuple[tuple[Legible, ...], tuple[Legible, ...]]:
    """The sound entries, and the legible ones after them; a position may have been found twice."""
    places: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        places[row.position].append(row)
    sound: list[Legible] = []
    known = {ORIGIN}
    while (best := _best(places.get(len(sound), ()), known)) is not None and best.is_proven:
        sound.append(best)
        known = {best.row.digest.decode()}
    later = []
    for position in sorted(place for place in places if place >= len(sound)):
        known = {row.digest.decode("ascii", "ignore") for row in places.get(position - 1, ())}
        if (best := _best(places[position], known)) is not None:
            later.append(best)
    return tuple(sound), tuple(later)


def _best(candidates: Iterable[Row], known: set[str]) -> Legible | None:
    """The candidate that follows from a known digest; failing that, the first that can be read."""
    legible = [one for row in candidates if (one := _legible(row, known)) is not None]
    return next((one for one in legible if one.is_proven), legible[0] if legible else None)


def _legible(row: Row, known: set[str]) -> Legible | None:
    try:
        digest = bytes.fromhex(row.digest.decode("ascii"))
        entry = read_text(row.body.decode("utf-8"))
    except ValueError:
        return None
    if len(digest) != 16 or not entry.keys() >= {"event", "version", "at"}:
        return None
    is_proven = any(chained(one, row.body).encode() == row.digest for one in known)
    return Legible(row, entry, is_proven)
