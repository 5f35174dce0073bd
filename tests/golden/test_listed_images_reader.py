"""Tables that list images: only files in the folder of the table are ever opened."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nextlabel.core.registry import build
from nextlabel.errors import ReaderError
from nextlabel.readers.listed_images import listed_images


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images in a folder, and one beside it that nobody may see."""
    for name, ink in (("in/a.png", 10), ("in/cat/b.png", 20), ("in/c d.jpg", 30), ("secret.png", 40)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 6), ink, np.uint8)).save(tmp_path / name)
    (tmp_path / "in" / "text.png").write_text("no image", encoding="utf-8")
    (tmp_path / "in" / "out.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "in" / "beyond").symlink_to(tmp_path)
    return tmp_path / "in"


def listed(folder: Path, *cells: str, **params: Any) -> Any:
    rows = "".join(f'"{cell}",{number}\n' for number, cell in enumerate(cells))
    (folder / "list.csv").write_text(f"file,number\n{rows}", encoding="utf-8")
    return listed_images(folder / "list.csv", image="file", **params)


def test_images_are_items_and_the_table_its_columns(folder: Path) -> None:
    pool = listed(folder, "cat/b.png", "./a.png", "c d.jpg", label="number")
    assert pool.take(np.array([1, 0]))[:, 0, 0].tolist() == pytest.approx([10 / 255, 20 / 255])
    assert pool.columns == {"file": ["cat/b.png", "./a.png", "c d.jpg"], "number": ["0", "1", "2"]}
    assert pool.show(pool.ids[0]).content[0, 0] == 20
    assert pool.path(0) == (folder / "cat" / "b.png").resolve()
    assert pool.picture(1, 100)[1] == "image/png"
    again = build("reader", pool.source)
    assert (list(again.ids), again.fingerprint) == (list(pool.ids), pool.fingerprint)


def test_ids_are_those_of_a_column_or_made_from_the_paths(folder: Path) -> None:
    assert list(listed(folder, "a.png", "cat/b.png", id="number").ids) == ["0", "1"]
    first, second = listed(folder, "a.png", "cat/b.png").ids
    assert list(listed(folder, "cat/b.png", "a.png").ids) == [second, first]
    twice = listed(folder, "a.png", "a.png")
    assert twice.ids[1] == f"{twice.ids[0]}-2"


def test_backslashes_are_slashes_and_blanks_around_a_path_nothing(folder: Path) -> None:
    assert listed(folder, " a.png ").files == ["a.png"]
    assert listed(folder, "cat\\b.png").files == ["cat/b.png"]


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("../secret.png", "it leads out of the folder"),
        ("cat/../../secret.png", "it leads out of the folder"),
        ("../../../../../../etc/passwd", "it leads out of the folder"),
        ("..\\secret.png", "it leads out of the folder"),
        ("../no-such-file.png", "it leads out of the folder"),  # whether it is there is not told
        ("out.png", "it leads out of the folder"),
        ("beyond/secret.png", "it leads out of the folder"),
        ("/etc/passwd", "it is not a path from the folder of the table"),
        ("//host/share/a.png", "it is not a path from the folder of the table"),
        ("\\\\host\\share\\a.png", "it is not a path from the folder of the table"),
        ("\\etc\\passwd", "it is not a path from the folder of the table"),
        ("C:/a.png", "it is not a path from the folder of the table"),
        ("C:a.png", "it is not a path from the folder of the table"),
        ("~/a.png", "it is not a path from the folder of the table"),
        ("~root/a.png", "it is not a path from the folder of the table"),
        ("file:///etc/passwd", "it is an address"),
        ("file:a.png", "it is an address"),
        ("https://example.org/a.png", "it is an address"),
        ("data:image/png;base64;x", "it is an address"),
        ("%2e%2e/secret.png", "there is no such file"),
        ("..%2fsecret.png", "there is no such file"),
        ("gone.png", "there is no such file"),
        ("", "there is no path"),
        (" ", "there is no path"),
        (".", "it is no file"),
        ("cat", "it is no file"),
        ("a" * 5000, "it is no path of a file"),
        ("text.png", "it is not an image of the kinds"),
        ("list.csv", "it is not an image of the kinds"),
    ],
)
def test_what_is_no_image_in_the_folder_is_a_fault_of_its_row(folder: Path, cell: str, says: str) -> None:
    with pytest.raises(ReaderError, match=f"line 3: .*{says}"):
        listed(folder, "a.png", cell, "cat/b.png")
    pool = listed(folder, "a.png", cell, "cat/b.png", skip_faulty=True)
    assert pool.columns["number"] == ["0", "2"]
    assert [one.line for one in pool.faults] == [3]
    assert says in pool.faults[0].seen
    assert len(pool.take(np.arange(2))) == 2


def test_faults_of_the_table_and_of_images_are_listed_together(folder: Path) -> None:
    (folder / "list.csv").write_text("file,number\na.png,1\nb\n../x,3\n", encoding="utf-8")
    pool = listed_images(folder / "list.csv", image="file", skip_faulty=True)
    assert [(one.line, one.what) for one in pool.faults] == [(3, "cells"), (4, "path")]
    assert len(pool.ids) == 1


def test_nothing_but_faults_is_refused(folder: Path) -> None:
    with pytest.raises(ReaderError, match=r"line 2: '\.\./a': it leads out"):
        listed(folder, "../a", skip_faulty=True)


def test_what_lists_nothing_is_refused(folder: Path) -> None:
    np.save(folder / "x.npy", np.zeros((2, 2)))
    with pytest.raises(ReaderError, match=r"must be for csv, .*; received '.*x\.npy', which is for npy"):
        listed_images(folder / "x.npy", image="file")


def test_an_encoding_that_was_found_out_is_kept(folder: Path) -> None:
    text = "file,note\na.png,Le café était très près ; où êtes-vous allés, ça dépend ?\n".replace(
        "allés,", "allés"
    )
    (folder / "list.csv").write_bytes(text.encode("cp1252"))
    pool = listed_images(folder / "list.csv", image="file")
    assert pool.source is not None
    assert pool.source.params["encoding"] == "cp1252"
