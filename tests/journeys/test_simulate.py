"""Strategies compared on somebody's own labelled table or folder."""

import csv
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from nextlabel.experiment.bench import load

SMALL = ("--seeds", "2", "--start", "10", "--batch", "10", "--budget", "30", "--processes", "1")


Command = Callable[..., CompletedProcess[str]]


@pytest.fixture
def simulate(at_once: Command) -> Command:
    return partial(at_once, "simulate")


def table(path: Path, n: int = 120) -> Path:
    """Rows of two numbers in three classes; every tenth has no label."""
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["width", "height", "label"])
        for row in range(n):
            width, height = rng.normal((row % 3, 0))
            writer.writerow([f"{width:.3f}", f"{height:.3f}", "" if row % 10 == 0 else f"kind {row % 3}"])
    return path


def test_a_table_is_compared_and_rows_without_label_are_counted(tmp_path: Path, simulate: Command) -> None:
    done = simulate(table(tmp_path / "plants.csv"), *SMALL, "--target", "0.8, 0.9", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    said = " ".join(done.stdout.split())
    assert "108 labelled items of" in said
    assert "12 without a label were left out" in said
    assert "an earlier one" not in said
    assert "there are 2 seeds, and a verdict takes 5" in said
    assert "labels to 80 % (95 %)" in said
    (results,) = load(tmp_path / "out")
    protocol = json.loads(json.dumps(dict(results.protocol)))
    assert protocol["learner"]["features"] == {"name": "scale"}
    assert (protocol["items"], protocol["classes"], protocol["test"]) == (108, 3, 32)
    assert list(protocol["strategies"]) == ["BADGE", "margin", "random"]
    assert (protocol["target"], protocol["lead_is_default"]) == ([0.8, 0.9], True)
    assert "nextlabel simulate" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_rows_that_equal_an_earlier_one_are_counted(tmp_path: Path, simulate: Command) -> None:
    file = table(tmp_path / "plants.csv")
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text(
        "\n".join(
            ["name,kept," + lines[0], *(f"{i},1,{one}" for i, one in enumerate(lines[1:]))]
            + [f"again {i},1,{lines[1 + i]}" for i in (1, 2, 3)]
        )
        + "\n",
        encoding="utf-8",
    )
    words = ("--id", "name", "--features", "width,height", "--strategies", "margin", "--test", "40")
    done = simulate(file, *SMALL, *words, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    told = "3 items equal an earlier one and were kept: copies may fall on both sides of the split"
    assert told in " ".join(done.stdout.split())
    assert told in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert load(tmp_path / "out")[0].protocol["test"] == 40


def test_a_folder_of_images_is_labelled_by_its_folders(tmp_path: Path, simulate: Command) -> None:
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for name, ink in (("dark", 60), ("light", 190)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(40):
            pixels = np.clip(ink + 40 * rng.standard_normal((4, 4)), 0, 255).astype(np.uint8)
            image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{number}.png")
    done = simulate(tmp_path / "pictures", *SMALL, "--strategies", "margin", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    (results,) = load(tmp_path / "out")
    assert results.runs[0].queried[0][0].startswith(("dark/", "light/"))
    assert results.accuracy("random").mean() > 0.8


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--label", "kind"), "The columns are: width, height, label"),
        (("--label", "width", "--features", "width"), "width"),
        (("--strategies", "random"), "--strategies must name at least one strategy to compare with random"),
        (("--strategies", "bagde"), "Did you mean 'badge'?"),
        (("--test", "0"), "'test'"),
        (("--test", "1.5"), "'test' must be a number above 0 and below 1; received 1.5"),
        (
            ("--target", "80 %"),
            "--target must be numbers above 0 and at most 1, with commas between them; received '80 %'",
        ),
        (("--target", "80"), "'target' must be a number above 0 and at most 1; received 80"),
        (("--budget", "500"), "budget 500"),
    ],
)
def test_what_cannot_be_is_refused_in_one_message(
    words: tuple[str, ...], expected: str, tmp_path: Path, simulate: Command
) -> None:
    done = simulate(table(tmp_path / "plants.csv"), *SMALL, *words, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_table_without_labels_is_refused(tmp_path: Path, simulate: Command) -> None:
    (tmp_path / "bare.csv").write_text("a,b\n1,2\n3,4\n", encoding="utf-8")
    done = simulate(tmp_path / "bare.csv", *SMALL)
    assert done.returncode == 2
    assert "The columns are: a, b. Name one with --label" in done.stderr


def test_a_table_of_one_class_is_refused(tmp_path: Path, simulate: Command) -> None:
    (tmp_path / "one.csv").write_text("a,label\n1,x\n3,x\n5,?\n", encoding="utf-8")
    done = simulate(tmp_path / "one.csv", *SMALL)
    assert done.returncode == 2
    assert "the column 'label' names x in 2 of 3 items" in done.stderr


def test_long_texts_must_be_named(tmp_path: Path, simulate: Command) -> None:
    rows = "".join(f"a film that I liked number {n},good\n" for n in range(9))
    (tmp_path / "reviews.csv").write_text(f"body,label\n{rows}", encoding="utf-8")
    done = simulate(tmp_path / "reviews.csv", *SMALL)
    assert done.returncode == 2
    assert "Add --text body" in done.stderr


def test_a_recipe_leads_and_wraps_what_suits_the_items(tmp_path: Path, simulate: Command) -> None:
    done = simulate(
        table(tmp_path / "plants.csv"), *SMALL, "--strategies", "random", "--recipe", "ceal", "--out",
        tmp_path / "out",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "ceal" in done.stdout
    (results,) = load(tmp_path / "out")
    assert results.strategies == ("ceal", "random")
    assert results.protocol["lead"] == "ceal"
    assert results.protocol["learner"]["name"] == "sklearn"
    own = results.protocol["learners"]["ceal"]
    assert (own["name"], own["of"]) == ("pseudo_label", results.protocol["learner"])
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "ceal: Wang et al., 2017." in page
    assert "Learners of their own" in page
    assert "--recipe ceal" in page
    assert "What the trainings said of themselves" in page
    said = [one for run in results.of("ceal") for training in run.remarks for one in training]
    assert said
    assert all("labels of its own too" in one for one in said)
    assert not any(training for run in results.of("random") for training in run.remarks)


def test_an_unknown_recipe_is_one_message(tmp_path: Path, simulate: Command) -> None:
    done = simulate(table(tmp_path / "plants.csv"), *SMALL, "--recipe", "seal")
    assert done.returncode != 0
    assert "'seal' is not a registered recipe. Did you mean 'ceal'?" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_images_of_several_sizes_are_simulated(tmp_path: Path, simulate: Command) -> None:
    """They ended in a traceback, where `nextlabel new` reads them."""
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for place in range(36):
        folder, size = tmp_path / "pictures" / f"kind {place % 2}", 20 + 6 * (place % 3)
        folder.mkdir(parents=True, exist_ok=True)
        item = (rng.random((size, size)) * 80 + 100 * (place % 2)).astype(np.uint8)
        image.fromarray(item).save(folder / f"{place}.png")
    least = ("--seeds", "2", "--start", "8", "--batch", "8", "--budget", "16", "--processes", "1")
    done = simulate(tmp_path / "pictures", *least, "--strategies", "margin", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    (results,) = load(tmp_path / "out")
    assert results.protocol["learner"]["features"] == {"name": "hog"}


def test_images_are_read_by_the_network_of_the_recipe(tmp_path: Path, simulate: Command) -> None:
    pytest.importorskip("torch")
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    items = (rng.random((60, 12, 12)) * 80 + 100 * labels[:, None, None]).astype(np.uint8)
    folder = tmp_path / "pictures"
    for place, (item, label) in enumerate(zip(items, labels, strict=True)):
        (folder / f"kind {label}").mkdir(parents=True, exist_ok=True)
        image.fromarray(item).save(folder / f"kind {label}" / f"{place}.png")
    words = ("--strategies", "random", "--recipe", "ceal,dbal", "--out", tmp_path / "out")
    least = ("--seeds", "2", "--start", "10", "--batch", "10", "--budget", "20", "--processes", "1")
    done = simulate(folder, *least, *words)
    assert (done.returncode, done.stderr) == (0, "")
    (results,) = load(tmp_path / "out")
    usual, own = results.protocol["learner"], results.protocol["learners"]
    assert (usual["network"]["name"], usual["continues"]) == ("two_convolutions", True)
    assert own["ceal"]["of"] == usual
    assert (own["dbal"]["network"], own["dbal"]["draws"]) == (usual["network"], 100)
    assert "dbal: wrapped round a learner of its own, which is not that of" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ("ceal,dbal", "'dbal' needs images, all of one size, .* Leave it out, or .* --learner '.*draws"),
        ("bgadl", r"'bgadl' needs images, all of one size, which its network reads; .* Leave it out\.$"),
        ("pair", "recipes that need no settings; 'pair' needs strategy. Write it in the file of an exp"),
    ],
)
def test_a_recipe_that_cannot_run_here_is_named(
    recipe: str, expected: str, tmp_path: Path, simulate: Command
) -> None:
    done = simulate(table(tmp_path / "plants.csv"), *SMALL, "--recipe", recipe, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert re.search(expected, done.stderr.strip())
    assert len(done.stderr.splitlines()) == 1


def test_one_learner_may_be_named_for_all_arms(tmp_path: Path, simulate: Command) -> None:
    learner = {"name": "sklearn", "estimator": {"name": "random_forest", "n_estimators": 5}}
    words = ("--strategies", "random", "--recipe", "ceal,ensemble_vr", "--learner", json.dumps(learner))
    done = simulate(table(tmp_path / "plants.csv"), *SMALL, *words, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    (results,) = load(tmp_path / "out")
    usual, own = results.protocol["learner"], results.protocol["learners"]
    assert usual["estimator"]["name"] == "random_forest"
    assert own["ceal"]["of"] == own["ensemble_vr"]["of"] == usual
    assert "a learner of its own" not in " ".join(done.stdout.split())
    assert "--learner" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
