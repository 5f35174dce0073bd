"""The idx format, byte by byte."""

import gzip
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from nextlabel.errors import ReaderError
from nextlabel.readers.idx import idx, read_idx


def header(kind: int, *shape: int) -> bytes:
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


@pytest.mark.parametrize(
    ("kind", "dtype"), [(8, "u1"), (9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")]
)
def test_every_type_is_read_in_the_order_of_this_machine(tmp_path: Path, kind: int, dtype: str) -> None:
    values = np.arange(12).reshape(3, 2, 2).astype(dtype)
    (tmp_path / "items.idx").write_bytes(header(kind, 3, 2, 2) + values.tobytes())
    read = read_idx(tmp_path / "items.idx")
    assert np.array_equal(read, values)
    assert read.dtype == values.dtype.newbyteorder("=")
    assert read.dtype.isnative


def test_items_are_the_first_axis(tmp_path: Path) -> None:
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(gzip.compress(header(8, 2, 1, 3) + bytes(range(6))))
    pool = idx(file)
    assert pool.take(np.array([1])).tolist() == [[[3, 4, 5]]]
    assert pool.show(pool.ids[0]).medium == "image"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\x08",
        b"\x89PNG",
        b"\0\0\x07\x01\0\0\0\0",
        b"\0\0\x08\0",
        gzip.compress(header(8, 1), mtime=0),
    ],
)
def test_what_does_not_begin_so_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "items.idx").write_bytes(content)
    begins = content[:4].hex(" ") or "nothing"
    with pytest.raises(ReaderError, match=rf"items\.idx', which begins with {begins}\."):
        read_idx(tmp_path / "items.idx")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (header(8, 2, 3)[:9], "2 axes of lengths (2,), 2 bytes; received 0"),
        (header(8, 2, 3) + bytes(5), "2 axes of lengths (2, 3), 6 bytes; received 5"),
        (header(8, 2, 3) + bytes(7), "2 axes of lengths (2, 3), 6 bytes; received more"),
        (header(8, *[2**32 - 1] * 3), "received 0"),
        (header(14, 2**30), "8,589,934,592 bytes; received 0"),
    ],
)
def test_more_or_fewer_values_than_stated_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "items.idx").write_bytes(content)
    with pytest.raises(ReaderError, match=re.escape(says)):
        read_idx(tmp_path / "items.idx")


@pytest.mark.parametrize("shape", [(0, 28, 28), (28, 0, 28)])
def test_a_file_of_no_items_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    (tmp_path / "items.idx").write_bytes(header(8, *shape))
    with pytest.raises(ReaderError, match=re.escape(f"whose shape is {shape}")):
        idx(tmp_path / "items.idx")
