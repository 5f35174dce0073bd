"""What commands make of a file: its labels, a learner that suits it, and what is said of how it was read."""

from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from nextlabel import arrays
from nextlabel.cli.items import label_cells, read_items, remarks, suited
from nextlabel.core.registry import build
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.readers.arrays import ArrayPool

BODIES = ("fine", "poor", "good", "bad", "none")


def write(file: Path, labels: list[Any]) -> Path:
    """Five texts, of which some have a label, in the format that the name says."""
    rows = list(zip(BODIES, labels, strict=True))
    if file.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in (("body", "label"), *rows):
            book.active.append(row)
        book.save(file)
    elif file.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.table({"body": BODIES, "label": labels}), file)
    elif file.suffix == ".jsonl":
        cells = (
            "null" if label is None else f'"{label}"' if isinstance(label, str) else label for label in labels
        )
        lines = (f'{{"body": "{body}", "label": {cell}}}\n' for body, cell in zip(BODIES, cells, strict=True))
        file.write_text("".join(lines), encoding="utf-8")
    else:
        text = "".join(f"{body},{'' if label is None else label}\n" for body, label in rows)
        file.write_text(f"body,label\n{text}", encoding="utf-8")
    return file


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.parquet", "a.jsonl"])
@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (["yes", None, "no", "yes", None], ["yes", "no", "yes"]),
        ([1, None, 0, 1, None], ["1", "0", "1"]),
        ([1.0, None, 0.0, 1.0, None], ["1", "0", "1"]),
        ([1.5, None, 2.0, 1.5, None], ["1.5", "2", "1.5"]),
    ],
)
def test_labels_of_a_column_that_is_partly_filled_are_found(
    tmp_path: Path, name: str, labels: list[Any], found: list[str]
) -> None:
    pool, column = read_items(write(tmp_path / name, labels), {"text": "body"}, None)
    assert column == "label"
    assert list(label_cells(pool, column).values()) == found
    assert list(label_cells(pool, column)) == [pool.ids[0], pool.ids[2], pool.ids[3]]


def labelled(*cells: str) -> ArrayPool:
    return ArrayPool(np.arange(len(cells)), [str(place) for place in range(len(cells))], {"label": cells})


@pytest.mark.parametrize(
    ("cells", "named", "found"),
    [
        (["1.0", " 0.00 ", "?"], [], ["1", "0"]),
        (["1.0", "1"], [], ["1", "1"]),  # one class in two spellings
        (["1.0", "0.0"], ["1.0", "0.0"], ["1.0", "0.0"]),  # somebody wants it so
        (["1.0", "v2.0"], [], ["1.0", "v2.0"]),  # no numbers
        (["01", "1"], [], ["01", "1"]),  # codes
        (["-1.0", "1.50"], [], ["-1", "1.50"]),
        (["10", "20.0"], [], ["10", "20"]),
    ],
)
def test_a_whole_number_is_one_class_however_it_is_written(
    cells: list[str], named: list[str], found: list[str]
) -> None:
    assert list(label_cells(labelled(*cells), "label", named).values()) == found


def test_without_a_column_there_are_no_labels() -> None:
    assert label_cells(labelled("a"), None) == {}


def test_how_a_file_was_read_is_said(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(
        "body,x\nLe café était très près ; où êtes-vous allés ?,1\nb\nç'a été à vous,2\n".encode("cp1252")
    )
    pool, _ = read_items(file, {"text": "body", "skip_faulty": True, "encoding": None}, None)
    assert remarks(pool) == [
        "Read as cp1252 (detected).",
        "1 row is left out: line 3: 1 cell, where the first row has 2.",
    ]
    pool, _ = read_items(file, {"text": "body", "skip_faulty": True, "encoding": "cp1252"}, None)
    assert len(remarks(pool, "cp1252")) == 1
    file.write_text("body,x\na,1\nb\n\0,2\n", encoding="utf-8")
    pool, _ = read_items(file, {"text": "body", "skip_faulty": True}, None)
    assert remarks(pool)[0].startswith(
        "2 rows are left out: line 4: a zero byte at character 1; line 3: 1 cell"
    )
    assert remarks(arrays(np.zeros((2, 2)))) == []


@pytest.mark.parametrize(
    ("encoding", "says"),
    [("utf-16", "UTF-16"), ("utf-8-sig", "UTF-8"), ("utf-32", "UTF-32"), ("utf-8", None)],
)
@pytest.mark.parametrize("said", [None, "latin-1"])
def test_a_mark_says_how_a_file_was_read(
    tmp_path: Path, encoding: str, says: str | None, said: str | None
) -> None:
    """Whatever somebody says: the mark counts."""
    file = tmp_path / "a.csv"
    file.write_text("body,x\nLe café,1\n", encoding=encoding)
    pool, _ = read_items(file, {"text": "body", "encoding": said}, None)
    assert remarks(pool, said) == ([f"Read as {says} (its mark)."] if says else [])
    assert pool.show(pool.ids[0]).content == ("Le cafÃ©" if said and says is None else "Le café")


def test_a_table_of_images_is_read_where_a_column_of_paths_is_named(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "list.csv").write_text("file,label\na.png,yes\na.png,\n", encoding="utf-8")
    given = {"image": "file", "text": None, "id": None, "features": None, "skip_faulty": False}
    pool, column = read_items(tmp_path / "list.csv", given, None)
    assert column == "label"
    assert pool.show(pool.ids[0]).medium == "image"


@pytest.mark.parametrize(
    ("shapes", "features"),
    [
        ([(8, 8, 3)], "hog"),
        ([(8, 8), (9, 9)], "hog"),
        ([(200, 200)], "hog"),
        ([(28, 28)], None),
    ],
)
def test_images_are_read_by_edges_and_colours_unless_they_are_small_and_grey(
    tmp_path: Path, shapes: list[tuple[int, ...]], features: str | None
) -> None:
    for number, shape in enumerate(shapes):
        Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / f"{number}.png")
    pool, _ = read_items(tmp_path, {}, None)
    assert suited(pool).get("features") == features


def test_words_have_a_smaller_penalty_than_the_librarys(tmp_path: Path) -> None:
    said = "text\nthe soup was cold and so was he\nwe shall come again and stay longer\n"
    (tmp_path / "said.csv").write_text(said, encoding="utf-8")
    pool, _ = read_items(tmp_path / "said.csv", {"text": "text"}, None)
    learner = build("learner", suited(pool))
    assert isinstance(learner, SklearnLearner)
    assert learner.estimator.name == "logistic"
    assert learner.estimator.params == {"C": 10}
    assert learner.features.name == "tfidf"
