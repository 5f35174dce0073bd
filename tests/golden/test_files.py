"""Which reader a path is for."""

from pathlib import Path

import pytest

from nextlabel import names
from nextlabel.errors import ReaderError
from nextlabel.readers.files import reader_for


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("Reviews.CSV", "csv"),
        ("reviews.2026.csv.gz", "csv"),
        ("a.tsv", "tsv"),
        ("a.tsv.gz", "tsv"),
        ("a.jsonl", "jsonl"),
        ("a.ndjson.gz", "jsonl"),
        ("a.parquet", "parquet"),
        ("a.xlsx", "xlsx"),
        ("a.xlsm", "xlsx"),
        ("a.npy", "npy"),
        ("a.npz", "npz"),
        ("a.idx", "idx"),
        ("train-images-idx3-ubyte", "idx"),
        ("train-images-idx3-ubyte.gz", "idx"),
        ("a.idx.gz", "idx"),
    ],
)
def test_the_ending_decides(name: str, reader: str) -> None:
    assert reader_for(name) == reader
    assert reader in names("reader")


def test_a_folder_is_images_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "photos.csv").mkdir()
    assert reader_for(tmp_path / "photos.csv") == "images"


@pytest.mark.parametrize("name", ["a.xls", "a.json", "a.gz", "a.npy.gz", "readme", ""])
def test_another_ending_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{tmp_path}/gone/{name}"
    with pytest.raises(ReaderError, match=rf"end in .csv, .*, .parquet, .*; received '{path}'"):
        reader_for(path)
