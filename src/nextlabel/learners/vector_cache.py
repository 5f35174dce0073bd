"""Vectors on the disk by what they are of, so that no model computes one twice."""

import os
import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import final

import numpy as np

from nextlabel.maths.axes import Array

__all__ = ["CacheUnusable", "VectorCache", "cache_folder"]

_ASKED = 500  # keys in one query: SQLite's own limit is 999 in old versions
_CHECK = 8  # bytes behind each vector


@final
class CacheUnusable(UserWarning):
    """Vectors cannot be kept on the disk, so they are computed anew next time."""


def cache_folder() -> Path:
    """Where vectors are kept: ``NEXTLABEL_CACHE`` when it is set, else the user's cache."""
    named = os.environ.get("NEXTLABEL_CACHE", "")
    if named:
        return Path(named).expanduser() / "vectors"
    from platformdirs import user_cache_path

    return user_cache_path("nextlabel", appauthor=False) / "vectors"


@final
@dataclass(frozen=True)
class VectorCache:
    """The vectors of one model with one setting, in a file of their own.

    Parameters
    ----------
    path : Path
        The file; made when the first vector is kept.

    Notes
    -----
    An SQLite file, so that a process that is killed leaves whole vectors, and several processes may share
    it. Each vector is kept with a digest of key and numbers: one that a disk has changed is not given out. A
    file that is no such file is removed. Time: about 10 µs a vector.
    """

    path: Path

    def found(self, keys: Sequence[bytes]) -> dict[bytes, Array]:
        """The vectors that are there, and are what was kept.

        Parameters
        ----------
        keys : sequence of bytes
            Digests of contents.

        Returns
        -------
        dict of bytes to array of float32, axes (d,)
        """
        rows: list[tuple[bytes, bytes]] = []
        if not self.path.exists():
            return {}
        try:
            with self._open() as file:
                has_table = file.execute("SELECT 1 FROM sqlite_master WHERE name = 'vectors'").fetchone()
                for start in range(0, len(keys) if has_table else 0, _ASKED):
                    some = keys[start : start + _ASKED]
                    marks = ",".join("?" * len(some))
                    rows += file.execute(f"SELECT key, kept FROM vectors WHERE key IN ({marks})", some)
        except sqlite3.OperationalError as cause:  # locked too long, or not readable
            self._say(cause)
        except sqlite3.DatabaseError:
            self._remove()
        return {key: np.frombuffer(kept[:-_CHECK], np.float32) for key, kept in rows if _is_whole(key, kept)}

    def keep(self, vectors: dict[bytes, Array]) -> None:
        """Keep vectors; a warning where that is not possible.

        Parameters
        ----------
        vectors : dict of bytes to array of float32, axes (d,)
        """
        rows = [(key, _written(key, vector)) for key, vector in vectors.items()]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._write(rows)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                self._remove()
                self._write(rows)
        except (OSError, sqlite3.Error) as cause:
            self._say(cause)

    def _write(self, rows: list[tuple[bytes, bytes]]) -> None:
        with self._open() as file, file:
            file.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, kept BLOB) WITHOUT ROWID")
            file.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=30.0)) as file:
            yield file

    def _remove(self) -> None:
        for name in (self.path, self.path.with_name(f"{self.path.name}-journal")):
            with suppress(FileNotFoundError):
                name.unlink()

    def _say(self, cause: Exception) -> None:
        message = (
            f"Vectors should be kept in {self.path}, which cannot be used: {cause}. They are computed, and "
            "will be again next time. Free space or allow writing there, or name another folder with "
            "NEXTLABEL_CACHE."
        )
        warnings.warn(message, CacheUnusable, stacklevel=3)


def _written(key: bytes, vector: Array) -> bytes:
    numbers = np.ascontiguousarray(vector, np.float32).tobytes()
    return numbers + _digest(key, numbers)


def _is_whole(key: bytes, kept: bytes) -> bool:
    return len(kept) > _CHECK and kept[-_CHECK:] == _digest(key, kept[:-_CHECK])


def _digest(key: bytes, numbers: bytes) -> bytes:
    return blake2b(key + numbers, digest_size=_CHECK).digest()
