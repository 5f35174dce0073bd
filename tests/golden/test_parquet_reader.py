"""Parquet files as a pool: every type that a table may hold becomes text, and no value is lost."""

import datetime
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from nextlabel.core.registry import resolve
from nextlabel.errors import MissingExtra, ReaderError
from nextlabel.readers.arrays import ArrayPool
from nextlabel.readers.parquet import parquet


def read(folder: Path, table: pyarrow.Table, **params: Any) -> ArrayPool:
    pyarrow.parquet.write_table(table, folder / "items.parquet")
    return parquet(folder / "items.parquet", **params)


def test_numbers_keep_their_value_and_null_is_missing(tmp_path: Path) -> None:
    doubles = [0.1 + 0.2, None, -1e-300]
    table = pyarrow.table({"x": doubles, "n": [1, None, 2**53], "label": ["a", None, "b"]})
    pool = read(tmp_path, table, label="label")
    assert np.array_equal(pool.items, [[0.1 + 0.2, 1], [np.nan, np.nan], [-1e-300, 2**53]], equal_nan=True)
    assert pool.columns["label"] == ["a", "", "b"]


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        (pyarrow.array([True, None]), ["true", ""]),
        (pyarrow.array(["a", None]).dictionary_encode(), ["a", ""]),
        (pyarrow.array(["a", None], pyarrow.large_string()), ["a", ""]),
        (pyarrow.array([[1, 2], None]), ["[1, 2]", ""]),
        (pyarrow.array([{"é": b"\x00\xff"}, None]), ['{"é": "00ff"}', ""]),
        (pyarrow.array([b"\x00\xff", None]), ["00ff", ""]),
        (pyarrow.array([b"ab", None], pyarrow.binary(2)), ["6162", ""]),
        (pyarrow.array([b"ab", None]).dictionary_encode(), ["6162", ""]),
        (
            pyarrow.array([[("k", 1)], None], pyarrow.map_(pyarrow.string(), pyarrow.int64())),
            ['[["k", 1]]', ""],
        ),
        (pyarrow.array([datetime.time(3, 4), None]), ["03:04:00.000000", ""]),
        (pyarrow.array([datetime.date(2026, 1, 2), None]), ["2026-01-02", ""]),
        (pyarrow.array([[datetime.date(2026, 1, 2)], None]), ['["2026-01-02"]', ""]),
        (pyarrow.array([1.5, None], pyarrow.float32()), ["1.5", ""]),
        (pyarrow.nulls(2), ["", ""]),
    ],
)
def test_every_type_becomes_text(tmp_path: Path, values: pyarrow.Array, cells: list[str]) -> None:
    pool = read(tmp_path, pyarrow.table({"x": values, "row": ["one", "two"]}), id="row")
    assert pool.columns["x"] == cells


def test_several_pieces_are_one_table(tmp_path: Path) -> None:
    table = pyarrow.concat_tables([pyarrow.table({"body": [f"text {n}"]}) for n in range(3)])
    assert read(tmp_path, table, text="body").items.tolist() == ["text 0", "text 1", "text 2"]


def test_an_id_twice_is_refused_with_both_rows(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="row 3: 'a' in the column 'id', as in row 1"):
        read(tmp_path, pyarrow.table({"id": ["a", "b", "a"], "x": [1, 2, 3]}), id="id")


def test_a_column_twice_is_refused(tmp_path: Path) -> None:
    table = pyarrow.Table.from_arrays([pyarrow.array([1]), pyarrow.array([2])], names=["x", "x"])
    with pytest.raises(ReaderError, match="received 'x' for 2 columns of"):
        read(tmp_path, table)


@pytest.mark.parametrize("columns", [{}, {"x": []}])
def test_a_table_without_rows_is_refused(tmp_path: Path, columns: dict[str, list[int]]) -> None:
    with pytest.raises(ReaderError, match=rf"with the columns {'x' if columns else 'none'} and no row"):
        read(tmp_path, pyarrow.table(columns))


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_a_file_cut_short_is_refused(tmp_path: Path, kept: float) -> None:
    read(tmp_path, pyarrow.table({"x": list(range(100))}))
    whole = (tmp_path / "items.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(ReaderError, match=r"whole parquet file is needed; received '.*cut\.parquet'"):
        parquet(tmp_path / "cut.parquet")


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "nextlabel.readers.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"'pyarrow', which is not installed.*nextlabel\[data\]"):
        resolve("reader", "parquet")
