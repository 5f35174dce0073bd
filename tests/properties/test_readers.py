"""Whatever bytes a file holds: a reader gives a pool that keeps its word, or says what is wrong."""

from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nextlabel import build
from nextlabel.errors import PoolError, ReaderError
from nextlabel.readers.files import reader_for

DATA = Path(__file__).parents[1] / "data"
NAMES = (
    "digits-idx3-ubyte.gz",
    "photos/cat/0.png",
    "photos/turned.jpg",
    "points.npy",
    "points.npz",
    "reviews.csv",
    "reviews.jsonl",
    "reviews.parquet",
    "reviews.tsv",
    "reviews.xlsx",
)
IMAGES = ("a.bmp", "a.gif", "a.pgm", "a.png", "a.ppm", "a.tif", "a.webp")
CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(["set", "cut", "drop", "double"]), st.integers(0, 255)),
    min_size=1,
    max_size=4,
)


def changed(content: bytes, changes: list[tuple[float, str, int]]) -> bytes:
    for where, how, byte in changes:
        at = int(where * max(len(content) - 1, 0))
        if how == "cut":
            content = content[:at]
        elif how == "drop":
            content = content[:at] + content[at + 1 :]
        else:
            rest = content[at + 1 :] if how == "set" else content[at:]
            content = content[:at] + bytes([byte]) + rest
    return content


@cache
def whole(name: str) -> bytes:
    if name not in IMAGES:
        return (DATA / name).read_bytes()
    pixels = np.random.default_rng(0).integers(
        0, 256, (16, 16) if "g" in name[-2:] else (16, 16, 3), np.uint8
    )
    with TemporaryDirectory() as folder:
        Image.fromarray(pixels).save(Path(folder) / name)
        return (Path(folder) / name).read_bytes()


@pytest.mark.parametrize("name", [*NAMES, *IMAGES])
@given(changes=CHANGES)
@settings(max_examples=40)
def test_a_damaged_file_is_a_pool_or_one_clear_error(
    name: str, changes: list[tuple[float, str, int]]
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(changed(whole(name), changes))
        where = path.parent if "photos" in name or name in IMAGES else path
        reader = reader_for(where)
        with suppress(ReaderError, PoolError):
            if reader not in ("npy", "npz", "idx"):  # these have no rows to leave out
                build("reader", {"name": reader, "path": str(where), "skip_faulty": True})
        with suppress(ReaderError, PoolError):
            pool = build("reader", {"name": reader, "path": str(where)})
            assert len(set(pool.ids)) == len(pool.ids) == len(pool.take(np.arange(len(pool.ids))))
            assert pool.fingerprint
            pool.show(pool.ids[0])


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
FAULTY = st.sampled_from(["alone\n", "a,b,c,d\n", 'a,"b" c,d\n', "a,\0,c\n"])


@given(rows=st.lists(st.tuples(CELLS, CELLS) | FAULTY, min_size=1, max_size=30))
@settings(max_examples=60)
def test_rows_at_fault_are_left_out_and_no_other(rows: list[tuple[str, str] | str]) -> None:
    lines, right = ["id,one,two\n"], []
    for number, row in enumerate(rows):
        if isinstance(row, str):
            lines.append(row)
        else:
            cells = (str(number), *row)
            right.append(cells)
            lines.append(",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "items.csv"
        file.write_bytes("".join(lines).encode())
        spec = {"name": "csv", "path": str(file), "id": "id", "encoding": "utf-8"}
        faulty = len(rows) - len(right)
        if faulty:
            with pytest.raises(ReaderError) as raised:
                build("reader", spec)
            # that two ids are one is only known where all rows are rows
            assert len(raised.value.faults) == faulty
        if right:
            pool = build("reader", {**spec, "skip_faulty": True})
            assert list(zip(*pool.columns.values(), strict=True)) == right
            assert pool.faults.total == faulty
            assert faulty or build("reader", spec).fingerprint == pool.fingerprint
