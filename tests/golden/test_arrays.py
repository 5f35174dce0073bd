"""Rows of an array as a pool."""

import json
import re
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import arrays
from nextlabel.errors import PoolError, UnknownName
from nextlabel.readers.arrays import ArrayPool


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


def test_images_of_several_sizes_have_fingerprints() -> None:
    """An array is no JSON: simulating on a folder of such images ended in a traceback."""

    def pool(*images: Any) -> ArrayPool:
        items = np.empty(len(images), dtype=object)
        items[:] = images
        return arrays(items)

    small, large = np.zeros((2, 2), np.uint8), np.zeros((3, 2), np.uint8)
    told = [pool(small, large), pool(large, small), pool(small, large + 1), pool(small, large.T)]
    told += [pool(small, large.astype(np.float32)), pool(small, small)]
    assert len({one.fingerprint for one in told}) == len(told)
    assert pool(small, large).fingerprint == told[0].fingerprint
    with pytest.raises(PoolError, match="received one of type object"):
        _ = pool(small, object()).fingerprint


def test_ids_that_run_together_have_other_fingerprints() -> None:
    assert arrays([1, 2], ids=["a", "bc"]).fingerprint != arrays([1, 2], ids=["ab", "c"]).fingerprint


def test_a_mapped_file_is_kept_as_it_is(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.eye(3))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert np.shares_memory(arrays(mapped).items, mapped)


def test_texts_are_digested_as_one_list_whatever_their_number() -> None:
    items = np.array([f"text {number}, ü" for number in range(2_500)], dtype=object)
    ids = [f"{number:04}" for number in range(len(items))]
    digest = blake2b(f"|O{items.shape}".encode(), digest_size=16)
    digest.update(json.dumps(items.tolist(), ensure_ascii=False).encode())
    digest.update("".join(f"{one}\0" for one in ids).encode())
    assert ArrayPool(items, ids).fingerprint == digest.hexdigest()


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(PoolError, match="each of the 2 items; received 1 for 'label'"):
        ArrayPool(np.eye(2), ["a", "b"], {"label": ["x"]})


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
