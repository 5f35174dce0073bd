"""Vectors on the disk: found again, refused when changed, whole after a kill."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nextlabel.learners.vector_cache import CacheUnusable, VectorCache, cache_folder
from nextlabel.maths.axes import Array


def vectors(n: int, start: int = 0) -> dict[bytes, Array]:
    return {number.to_bytes(16, "big"): np.full(5, number, np.float32) for number in range(start, start + n)}


def test_what_is_kept_is_found_and_nothing_else(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "deep" / "file.db")
    assert cache.found([b"x"]) == {}
    assert not cache.path.parent.exists()
    kept = vectors(1203)
    cache.keep(kept)
    found = VectorCache(cache.path).found([*kept, b"x"])
    assert found.keys() == kept.keys()
    assert all(np.array_equal(found[key], kept[key]) for key in kept)


def test_a_vector_that_the_disk_has_changed_is_not_given_out(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "file.db")
    cache.keep(vectors(3))
    changed, short, moved = vectors(3)
    with sqlite3.connect(cache.path) as file:
        (bytes_,) = file.execute("SELECT kept FROM vectors WHERE key = ?", (changed,)).fetchone()
        file.execute("UPDATE vectors SET kept = ? WHERE key = ?", (b"\1" + bytes_[1:], changed))
        file.execute("UPDATE vectors SET kept = ? WHERE key = ?", (bytes_[:8], short))
        file.execute("UPDATE vectors SET kept = ? WHERE key = ?", (bytes_, moved))
    file.close()
    assert cache.found(list(vectors(3))) == {}
    cache.keep(vectors(3))
    assert len(cache.found(list(vectors(3)))) == 3


@pytest.mark.parametrize("begins", [b"no database, and long enough to be one " * 30, b""])
@pytest.mark.parametrize("reads_first", [True, False])
def test_a_file_that_is_no_cache_is_removed(begins: bytes, reads_first: bool, tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "file.db")
    cache.path.write_bytes(begins)
    if reads_first:
        assert cache.found(list(vectors(2))) == {}
        assert cache.path.exists() == (begins == b"")  # SQLite takes an empty file for an empty database
    cache.keep(vectors(2))
    assert len(cache.found(list(vectors(2)))) == 2


def test_a_damaged_page_costs_the_vectors_and_nothing_else(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "file.db")
    cache.keep(vectors(2000))
    whole = bytearray(cache.path.read_bytes())
    whole[4096:12288] = b"\xff" * 8192
    cache.path.write_bytes(bytes(whole))
    found = cache.found(list(vectors(2000)))
    assert all(np.array_equal(found[key], vectors(2000)[key]) for key in found)
    cache.keep(vectors(2000))
    assert len(cache.found(list(vectors(2000)))) == 2000


def test_where_nothing_can_be_kept_there_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = VectorCache(tmp_path / "file" / "cache.db")
    with pytest.warns(CacheUnusable, match=r"cache\.db, which cannot be used: .*name another folder"):
        cache.keep(vectors(1))
    there = VectorCache(tmp_path / "folder.db")
    there.path.mkdir()
    with pytest.warns(CacheUnusable, match=r"folder\.db, which cannot be used: unable to open"):
        assert there.found([b"x"]) == {}


def test_a_cache_without_its_table_is_filled(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "file.db")
    sqlite3.connect(cache.path).close()
    cache.path.touch()
    assert cache.found([b"x"]) == {}
    cache.keep(vectors(1))
    assert len(cache.found(list(vectors(1)))) == 1


def test_the_folder_is_that_of_the_user_unless_another_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTLABEL_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "vectors"
    monkeypatch.delenv("NEXTLABEL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert cache_folder().parts[-2:] == ("nextlabel", "vectors")


WRITES = """
import sys
from pathlib import Path
import numpy as np
from nextlabel.learners.vector_cache import VectorCache
cache = VectorCache(Path(sys.argv[1]))
for start in range(0, 10**9, 50):
    cache.keep({n.to_bytes(16, "big"): np.full(5, n, np.float32) for n in range(start, start + 50)})
    print(start, flush=True)
"""


def test_a_process_that_is_killed_leaves_whole_vectors(tmp_path: Path) -> None:
    path = tmp_path / "file.db"
    writer = subprocess.Popen([sys.executable, "-c", WRITES, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    said = [int(writer.stdout.readline()) for _ in range(5)]
    time.sleep(0.03)
    os.kill(writer.pid, signal.SIGKILL)
    said += [int(line) for line in writer.stdout]
    writer.wait()
    writer.stdout.close()
    kept = vectors(said[-1] + 50)
    found = VectorCache(path).found(list(kept))
    assert found.keys() == kept.keys()
    assert all(np.array_equal(found[key], kept[key]) for key in kept)
    VectorCache(path).keep(vectors(1, 10**6))
    assert len(VectorCache(path).found(list(vectors(1, 10**6)))) == 1
