"""What is left on disk is whole, complete, and can be read back."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nextlabel import build
from nextlabel.errors import ExperimentError, ParameterError
from nextlabel.experiment.comparison import claim, rows
from nextlabel.experiment.curves import Results
from nextlabel.experiment.report import cells, prepare, write
from nextlabel.experiment.runner import Experiment


@pytest.fixture(scope="module")
def results() -> Results:
    strategies = {name: build("strategy", name) for name in ("badge", "random")}
    made = Experiment(
        build("dataset", "digits"),
        build("learner", "sklearn"),
        strategies,
        start=10,
        batch=5,
        budget=20,
        seeds=2,
        test=500,
    )
    return made.run()


def written(folder: Path, results: Results, **changes: Any) -> list[Path]:
    settings: dict[str, Any] = {
        "dataset": build("dataset", "digits"),
        "title": "Digits",
        "command": "nextlabel demo",
        "seconds": 1.25,
        **changes,
    }
    return write(folder, results, claim(results, "badge", "random"), rows(results, "random"), **settings)


def test_every_curve_and_every_id_is_written(tmp_path: Path, results: Results) -> None:
    paths = written(tmp_path / "new" / "folder", results)
    assert [path.name for path in paths] == [
        "index.html",
        "results.json",
        "curves.svg",
        "curves.png",
        "curves.csv",
    ]
    assert sorted(one.name for one in (tmp_path / "new" / "folder").iterdir()) == sorted(
        p.name for p in paths
    )
    kept = json.loads(paths[1].read_text(encoding="utf-8"))
    assert kept["runs"] == json.loads(json.dumps(results.to_dict()))["runs"]
    assert kept["sentence"] == claim(results, "badge", "random").sentence()
    assert kept["protocol"]["versions"]["python"]
    assert build("strategy", kept["protocol"]["strategies"]["badge"]) == build("strategy", "badge")
    with paths[-1].open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * 2 * 3
    assert float(lines[0]["accuracy"]) == results.of("badge")[0].accuracy[0]


def test_the_page_opens_with_the_sentence_and_holds_the_protocol(tmp_path: Path, results: Results) -> None:
    text = written(tmp_path, results, caveats=["Mind the gap."])[0].read_text(encoding="utf-8")
    for said in (
        "500 items measure accuracy, drawn anew for each seed; 1297 are the pool",
        "10 drawn at random to start, then batches of 5 up to 20",
        "scikit-learn 1.",
        "sklearn (estimator logistic, chunk 4096)",
        "Every seed draws from the same items",
        "nextlabel demo",
        "<li>Mind the gap.</li>",
        "The first 5 items that badge asked for; their classes: ",
    ):
        assert said in text
    assert text.index('<p class="lead">Badge ') < text.index("<svg")


def test_files_of_an_earlier_run_are_replaced(tmp_path: Path, results: Results) -> None:
    written(tmp_path, results, title="first")
    page = written(tmp_path, results, title="second")[0].read_text(encoding="utf-8")
    assert "<h1>second</h1>" in page


def test_items_that_are_no_pictures_have_no_strips(tmp_path: Path, results: Results) -> None:
    from dataclasses import replace

    from nextlabel import arrays

    digits = build("dataset", "digits")
    flat = replace(digits, pool=arrays(digits.pool.items.reshape(1797, 64), ids=digits.pool.ids))
    assert "<img" not in written(tmp_path, results, dataset=flat)[0].read_text(encoding="utf-8")


def test_a_file_in_the_way_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("mine")
    with pytest.raises(ParameterError, match="demo cannot \\(File exists\\)"):
        prepare(tmp_path / "demo")
    with pytest.raises(ParameterError, match="out cannot \\(Not a directory\\)"):
        prepare(tmp_path / "demo" / "out")
    assert (tmp_path / "demo").read_text() == "mine"


def test_folders_are_made_and_named(tmp_path: Path) -> None:
    assert prepare(tmp_path / "new" / "demo") == [tmp_path / "new" / "demo", tmp_path / "new"]
    assert prepare(tmp_path / "new" / "demo") == []


@pytest.mark.parametrize("name", ["curves.png", "index.html"])
def test_a_folder_where_a_file_will_be_is_refused_before_anything_long(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(
        ParameterError, match=f"written as files; folders stand in .*: {tmp_path / name}. Move"
    ):
        prepare(tmp_path)


@contextmanager
def small_files(most: int) -> Iterator[None]:
    """No file may grow beyond so many bytes, as on a disk that is almost full."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_without_room_is_one_error_and_leaves_nothing(tmp_path: Path, results: Results) -> None:
    with (
        small_files(20_000),
        pytest.raises(ExperimentError, match=r"curves\.\w+ could not be \(File too large\)\. Make room"),
    ):
        written(tmp_path, results)
    assert not list(tmp_path.iterdir())


def test_a_disk_without_room_leaves_an_earlier_run_as_it_was(tmp_path: Path, results: Results) -> None:
    earlier = {path: path.read_bytes() for path in written(tmp_path, results, title="first")}
    with small_files(20_000), pytest.raises(ExperimentError, match="File too large"):
        written(tmp_path, results, title="second")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == earlier


def test_cells_follow_the_header(results: Results) -> None:
    table = {row.strategy: cells(row, 20) for row in rows(results, "random")}
    assert table["random"][2] == "–"
    assert table["random"][4] in ("20", *map(str, range(10, 20)))
    assert table["badge"][2].count("(") == 1
    assert all(len(row) == 7 and row[-1] == "2" for row in table.values())
