"""Rows read from the bytes of pages are those that SQLite reads."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from nextlabel.stores.pages import bytes_promised, rows_in
from nextlabel.stores.schema import STATEMENTS

ALL = "SELECT position, at, event, version, CAST(body AS BLOB), CAST(digest AS BLOB) FROM entries"


def table(path: Path, page: int, rows: Sequence[tuple[object, ...]]) -> bytes:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA page_size = {page}")
        db.execute(STATEMENTS[0].replace(" NOT NULL", ""))
        db.execute("BEGIN")
        db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", rows)
        db.execute("COMMIT")
        expected = db.execute(ALL).fetchall()
    data = path.read_bytes()
    assert sorted(rows_in(data)) == expected
    return data


@pytest.mark.parametrize("page", [512, 1024, 4096, 65_536])
def test_every_length_round_the_size_of_a_page(tmp_path: Path, page: int) -> None:
    """Lengths at which a record begins to overflow, fills its pages, or leaves one byte for the next."""
    lengths = [*range(100), *range(page - 120, page + 20), *range(2 * page - 120, 2 * page + 20), 9 * page]
    rows = [(place, 0.5, "told", 1, "x" * length, "d" * 32) for place, length in enumerate(lengths)]
    data = table(tmp_path / "a.db", page, rows)
    assert bytes_promised(data) == len(data)


def test_numbers_of_every_size(tmp_path: Path) -> None:
    versions = [0, 1, 2, -1, 2**15, -(2**23), 2**31, 2**47, -(2**63), None]
    places = [-5, 0, 127, 128, 2**20, 2**35, 2**49, 2**56, 2**62, 2**63 - 1]
    rows = [
        (place, version if version != 2 else 1e300, "ä" * 3, version, "{}", "d")
        for place, version in zip(places, versions, strict=True)
    ]
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute(STATEMENTS[0].replace(" NOT NULL", ""))
        db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", rows)
        db.commit()
        expected = db.execute(ALL).fetchall()
    found = [(row.position + 2**63) % 2**64 - 2**63 for row in rows_in((tmp_path / "a.db").read_bytes())]
    assert sorted(found) == sorted(places)
    assert sorted(
        (row.version, row.at) for row in rows_in((tmp_path / "a.db").read_bytes()) if row.version
    ) == sorted((version, at) for _, at, _, version, _, _ in expected if version)


def test_rows_of_another_shape_are_no_entries(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute("CREATE TABLE other (a, b, c, d, e, f)")
        db.execute("INSERT INTO other VALUES (1, 2, 3, 4, 5, 6)")
        db.execute("CREATE TABLE narrow (a)")
        db.execute("INSERT INTO narrow VALUES ('x')")
        db.commit()
    assert list(rows_in((tmp_path / "a.db").read_bytes())) == []


@pytest.mark.parametrize("length", [0, 1, 99, 100, 107, 108, 4_095, 4_096, 4_100])
def test_the_beginning_of_a_file_holds_no_rows(tmp_path: Path, length: int) -> None:
    data = table(tmp_path / "a.db", 4096, [(0, 0.0, "told", 1, "x", "d")])
    assert list(rows_in(data[:length])) == []


def test_a_length_beyond_the_file_is_not_believed() -> None:
    head = b"\x0d\x00\x00\x00\x01\x0f\x00\x00\x02\x00"  # a leaf of one cell, at byte 512
    page = (bytes(4096) + head).ljust(4096 + 512, b"\x00") + b"\xff" * 18
    assert list(rows_in(page.ljust(3 * 4096, b"\x00"))) == []
