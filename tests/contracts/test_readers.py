"""Every registered reader keeps the promises of its kind, on one small file each."""

import csv
import gzip
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

import numpy as np
import openpyxl
import pyarrow.parquet
import pytest

from nextlabel import build, names
from nextlabel.core.pool import Pool, View
from nextlabel.core.registry import resolve
from nextlabel.core.spec import Spec
from nextlabel.errors import ReaderError, UnknownName
from nextlabel.readers.files import reader_for
from nextlabel.readers.idx import read_idx

DATA = Path(__file__).parents[1] / "data"


def of_cells(delimiter: str) -> Callable[[Path, Path], None]:
    def resorted(path: Path, other: Path) -> None:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file, delimiter=delimiter)
        with other.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=delimiter).writerows([header, *reversed(rows)])

    return resorted


def of_lines(path: Path, other: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    other.write_text("\n".join(reversed(lines)), encoding="utf-8")


def of_parquet(path: Path, other: Path) -> None:
    table = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(table.take(list(reversed(range(table.num_rows)))), other)


def of_workbook(path: Path, other: Path) -> None:
    header, *rows = openpyxl.load_workbook(path).active.values
    book = openpyxl.Workbook()
    for number, row in enumerate((header, *reversed(rows)), start=1):
        for place, value in enumerate(row, start=1):
            cell = book.active.cell(number, place, value)
            cell.data_type = "s" if isinstance(value, str) else cell.data_type  # "=1+1" is a text here
    book.save(other)


def of_list(path: Path, other: Path) -> None:
    of_cells(",")(path, other)
    shutil.copytree(path.parent / "photos", other.parent / "photos")


def of_array(path: Path, other: Path) -> None:
    np.save(other, np.load(path)[::-1])


def of_arrays(path: Path, other: Path) -> None:
    with np.load(path) as file:
        np.savez(other, **{name: file[name][::-1] for name in file.files})


def of_idx(path: Path, other: Path) -> None:
    with gzip.open(path) as file:
        head = file.read(16)
    other.write_bytes(gzip.compress(head + read_idx(path)[::-1].tobytes()))


def of_files(path: Path, other: Path) -> None:
    for file in sorted((one for one in path.rglob("*") if one.is_file()), reverse=True):
        (other / file.relative_to(path)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, other / file.relative_to(path))


@final
@dataclass(frozen=True)
class Case:
    """A file, how it is read, how its rows get another order, and how many items are in it."""

    file: str
    resorted: Callable[[Path, Path], None]
    items: int
    params: Mapping[str, Any] = field(default_factory=dict)


TEXTS = {"id": "id", "text": "body", "label": "label"}
CASES = {
    "csv": Case("reviews.csv", of_cells(","), 12, TEXTS),
    "csv, no ids": Case("reviews.csv", of_cells(","), 12, {"text": "body", "label": "label"}),
    "csv, features": Case("reviews.csv", of_cells(","), 12, {"features": ["stars", "body"]}),
    "idx": Case("digits-idx3-ubyte.gz", of_idx, 12),
    "images": Case("photos", of_files, 5),
    "jsonl": Case("reviews.jsonl", of_lines, 12, {"text": "body", "label": "label"}),
    "listed_images": Case("photos.csv", of_list, 5, {"image": "file", "label": "kind"}),
    "npy": Case("points.npy", of_array, 12),
    "npz": Case("points.npz", of_arrays, 12),
    "parquet": Case("reviews.parquet", of_parquet, 12, {"text": "body", "label": "label"}),
    "tsv": Case("reviews.tsv", of_cells("\t"), 12, TEXTS),
    "xlsx": Case("reviews.xlsx", of_workbook, 12, TEXTS),
}


def read(name: str, path: Path | None = None) -> Pool:
    case = CASES[name]
    spec = {"name": name.partition(",")[0], "path": str(path or DATA / case.file), **case.params}
    made: Pool = build("reader", spec)
    return made


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_reader_of_files_has_a_case() -> None:
    assert {name.partition(",")[0] for name in CASES} == set(names("reader")) - {"arrays"}


def test_a_reader_and_a_data_set_never_share_a_name() -> None:
    assert set(names("reader")) & set(names("dataset")) == set()


@pytest.mark.parametrize("name", [name for name in CASES if name != "listed_images"])
def test_the_ending_of_a_file_names_its_reader(name: str) -> None:
    assert reader_for(DATA / CASES[name].file) == name.partition(",")[0]


def test_ids_are_distinct_and_items_are_counted(name: str) -> None:
    pool = read(name)
    assert (
        len(pool.ids) == len(set(pool.ids)) == len(pool.take(np.arange(len(pool.ids)))) == CASES[name].items
    )
    assert all(isinstance(one, str) and one for one in pool.ids)


def test_columns_have_a_text_for_each_item(name: str) -> None:
    pool = read(name)
    for cells in pool.columns.values():
        assert len(cells) == CASES[name].items
        assert all(isinstance(cell, str) for cell in cells)


def test_items_are_taken_in_any_order(name: str) -> None:
    pool = read(name)
    order = np.random.default_rng(0).permutation(CASES[name].items)
    whole = pool.take(np.arange(CASES[name].items))
    assert repr(pool.take(order).tolist()) == repr(whole[order].tolist())
    assert len(pool.take(np.array([], np.int64))) == 0


def test_a_file_sorted_anew_is_the_same_pool(name: str, tmp_path: Path) -> None:
    pool, other = read(name), tmp_path / CASES[name].file
    CASES[name].resorted(DATA / CASES[name].file, other)
    again = read(name, other)
    assert set(again.ids) == set(pool.ids)
    assert again.fingerprint == pool.fingerprint
    for column in pool.columns:
        assert dict(zip(again.ids, again.columns[column], strict=True)) == dict(
            zip(pool.ids, pool.columns[column], strict=True)
        )


def test_the_source_builds_an_equal_pool(name: str) -> None:
    pool = read(name)
    assert pool.source is not None
    again = build("reader", Spec.read(json.loads(pool.source.to_json())))
    assert again.source == pool.source
    assert list(again.ids) == list(pool.ids)
    assert again.fingerprint == pool.fingerprint


def test_the_source_keeps_the_path_as_it_was_given(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(DATA)
    case = CASES[name]
    pool = resolve("reader", name.partition(",")[0])(Path(case.file), **case.params)
    assert pool.source.params["path"] == case.file


def test_an_item_is_shown(name: str) -> None:
    pool = read(name)
    assert isinstance(pool.show(pool.ids[-1]), View)
    with pytest.raises(UnknownName, match=rf"'nobody' is not an id of this pool of {CASES[name].items}"):
        pool.show("nobody")


def test_a_path_where_nothing_is_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=re.escape(str(tmp_path / "gone"))):
        read(name, tmp_path / "gone")


@pytest.mark.parametrize("name", [name for name in CASES if name != "images"])
def test_a_path_nearly_right_is_offered(name: str, tmp_path: Path) -> None:
    (tmp_path / CASES[name].file).touch()
    with pytest.raises(ReaderError, match=re.escape(f"Did you mean '{tmp_path / CASES[name].file}'?")):
        read(name, tmp_path / f"x{CASES[name].file}")


def test_an_empty_file_or_folder_is_refused(name: str, tmp_path: Path) -> None:
    empty = tmp_path / CASES[name].file
    empty.mkdir() if name == "images" else empty.touch()
    with pytest.raises(ReaderError, match=re.escape(str(empty))):
        read(name, empty)


def test_a_folder_for_a_file_and_a_file_for_a_folder_are_refused(name: str, tmp_path: Path) -> None:
    wrong = DATA / "reviews.csv" if name == "images" else tmp_path
    with pytest.raises(ReaderError, match=re.escape(f"{str(wrong)!r}")):
        read(name, wrong)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Root may read everything: for a moment be nobody."""
    if os.geteuid() == 0:
        os.seteuid(65_534)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        yield


@pytest.mark.parametrize("inside", [False, True])
def test_what_may_not_be_read_is_refused_and_named(name: str, inside: bool) -> None:
    with TemporaryDirectory() as folder:  # where nobody may look, unlike tmp_path
        Path(folder).chmod(0o755)
        case = CASES[name]
        CASES["images"].resorted(DATA, Path(folder))
        shut = Path(folder) / case.file / ("cat" if inside and name == "images" else "")
        shut = shut.parent if inside and name != "images" else shut
        shut.chmod(0)
        with (
            without_privileges(),
            pytest.raises(ReaderError, match=f"read is needed; received '{shut}.*denied"),
        ):
            read(name, Path(folder) / case.file)
        shut.chmod(0o755)


def test_noise_is_refused_and_named(name: str, tmp_path: Path) -> None:
    noise = tmp_path / CASES[name].file
    wanted = noise / "cat.png" if name == "images" else noise
    wanted.parent.mkdir(exist_ok=True)
    wanted.write_bytes(np.random.default_rng(0).bytes(500))
    with pytest.raises(ReaderError, match=re.escape(wanted.name)):
        read(name, noise)
