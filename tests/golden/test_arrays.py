"""Rows of an array as a pool."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import arrays
from nextlabel.errors import PoolError, UnknownName


def test_rows_have_ids_and_are_taken_in_order() -> None:
    pool = arrays(np.arange(6).reshape(3, 2))
    assert list(pool.ids) == ["0", "1", "2"]
    assert pool.take(np.array([2, 0])).tolist() == [[4, 5], [0, 1]]


def test_a_row_is_shown_as_what_it_is() -> None:
    row = arrays([[1.0, 2.0]], ids=["a"]).show("a")
    assert (row.medium, row.content.tolist()) == ("row", [1.0, 2.0])
    assert arrays(np.zeros((2, 8, 8))).show("1").medium == "image"


def test_fingerprints_tell_content_ids_shape_and_type() -> None:
    pools = [
        arrays([[1.0, 2.0]]),
        arrays([[1.0, 3.0]]),
        arrays([[1.0], [2.0]]),
        arrays([[1.0, 2.0]], ids=["a"]),
        arrays(np.array([[1.0, 2.0]], np.float32)),
        arrays([1.0, 2.0]),
    ]
    assert len({pool.fingerprint for pool in pools}) == len(pools)
    assert arrays([[1.0, 2.0]]).fingerprint == pools[0].fingerprint


def test_ids_that_run_together_have_other_fingerprints() -> None:
    assert arrays([1, 2], ids=["a", "bc"]).fingerprint != arrays([1, 2], ids=["ab", "c"]).fingerprint


def test_a_mapped_file_is_kept_as_it_is(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.eye(3))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert np.shares_memory(arrays(mapped).items, mapped)


def test_no_items_are_refused() -> None:
    nothings: list[Any] = [[], np.zeros((0, 3)), 3.0]
    for nothing in nothings:
        shape = np.shape(nothing)
        with pytest.raises(
            PoolError, match=re.escape(f"at least one item; received an array of shape {shape}")
        ):
            arrays(nothing)


def test_another_number_of_ids_is_refused() -> None:
    with pytest.raises(PoolError, match="received 2 items and 3 ids"):
        arrays([1, 2], ids=["a", "b", "c"])


def test_an_id_twice_is_refused() -> None:
    with pytest.raises(PoolError, match="'b' comes twice"):
        arrays([1, 2, 3], ids=["a", "b", "b"])


def test_an_unknown_id_is_refused() -> None:
    with pytest.raises(UnknownName, match="'7' is not an id of this pool of 2 items"):
        arrays([1, 2]).show("7")
