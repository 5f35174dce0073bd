"""Files of a million rows: how long until they are a pool, and the most memory that the process held.

``python -m benchmarks.bench_readers READER FILE [NAME=VALUE ...]`` reads one in a process of its own.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.measure import Row, shown

ROWS, SECONDS, GIGABYTES = 1_000_000, 10.0, 0.6
CELLS, CELL_SECONDS = 300_000, 15.0
IMAGES, IMAGE_SECONDS = 10_000, 20.0
TEXT = {"text": "body", "label": "label"}


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        return list(_rows(Path(folder)))


def _rows(folder: Path) -> Iterator[Row]:
    what = f"{ROWS:,} rows of a text of 100 characters, a label and a number"
    promise = f"{SECONDS:g} s, {GIGABYTES:g} GB"
    for name, encoding in (("csv", "utf-8"), ("csv", "cp1252"), ("jsonl", "utf-8"), ("parquet", "utf-8")):
        file = table(folder / f"large.{name}", encoding)
        said = measured(name, file, TEXT)
        how = " in cp1252, which is found out" if encoding != "utf-8" else ""
        allowed = 2 if name == "jsonl" or how else 1  # each line is parsed by itself; the file is read twice
        kept = said["seconds"] <= allowed * SECONDS and said["bytes"] <= GIGABYTES * 1e9
        yield row(
            f"{what}: `{name}`{how}",
            said,
            promise if allowed == 1 else f"{2 * SECONDS:g} s, {GIGABYTES:g} GB",
            kept,
        )
        file.unlink()
    said = measured("xlsx", workbook(folder / "large.xlsx"), TEXT)
    yield row(f"{CELLS:,} cells: `xlsx`", said, f"{CELL_SECONDS:g} s", said["seconds"] <= CELL_SECONDS)
    said = measured("images", pictures(folder / "photos"), {})
    what = f"{IMAGES:,} JPEG files: `images`, headers only"
    yield row(what, said, f"{IMAGE_SECONDS:g} s", said["seconds"] <= IMAGE_SECONDS)


def row(what: str, said: dict[str, float], promise: str, kept: bool) -> Row:
    peak = f"{said['bytes'] / 1e9:.2g} GB at most"
    return Row(what, f"{shown(said['seconds'])}, {peak}", "", "", promise, kept)


def table(file: Path, encoding: str) -> Path:
    """The same rows in each format; a few letters beyond ASCII in each tenth."""
    plain, odd = "lorem ipsum " * 8, "été à Genève, où ça plaît " * 4
    each = (
        (f"text {n}, {odd if n % 10 == 0 else plain}", "no" if n % 3 else "yes", n / 7) for n in range(ROWS)
    )
    if file.suffix == ".parquet":
        import pyarrow
        import pyarrow.parquet

        body, label, x = zip(*each, strict=True)
        pyarrow.parquet.write_table(pyarrow.table({"body": body, "label": label, "x": x}), file)
        return file
    with file.open("w", encoding=encoding) as out:
        if file.suffix == ".jsonl":
            names = ("body", "label", "x")
            out.writelines(
                json.dumps(dict(zip(names, one, strict=True)), ensure_ascii=False) + "\n" for one in each
            )
        else:
            out.write("body,label,x\n")
            out.writelines(f'"{body}",{label},{x:.6f}\n' for body, label, x in each)
    return file


def workbook(file: Path) -> Path:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("items")
    sheet.append(["body", "label", "x"])
    for number in range(CELLS // 3):
        sheet.append([f"text {number}, {'lorem ipsum ' * 8}", "no" if number % 3 else "yes", number / 7])
    book.save(file)
    return file


def pictures(folder: Path) -> Path:
    import numpy as np
    from PIL import Image

    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(IMAGES):
        pixels = rng.integers(0, 256, (64, 48 + number % 16, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.jpg")
    return folder


def measured(reader: str, file: Path, params: dict[str, str]) -> dict[str, float]:
    words = [sys.executable, "-m", "benchmarks.bench_readers", reader, str(file)]
    words += [f"{name}={value}" for name, value in params.items()]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE)
    said: dict[str, float] = json.loads(done.stdout)
    return said


def read(reader: str, file: str, params: dict[str, str]) -> dict[str, float]:
    """CPU seconds from nothing imported to a pool, and the peak of memory in bytes."""
    before = process_time()
    from nextlabel import build

    pool: Any = build("reader", {"name": reader, "path": file, **params})
    seconds = process_time() - before
    return {"seconds": seconds, "bytes": peak(), "items": len(pool.ids)}


def peak() -> float:
    """The most memory that this process has held, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        return float(status.read_text(encoding="ascii").split("VmHWM:")[1].split()[0]) * 1024
    import resource

    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    given = dict(word.split("=", 1) for word in sys.argv[3:])
    print(json.dumps(read(sys.argv[1], sys.argv[2], given)))
