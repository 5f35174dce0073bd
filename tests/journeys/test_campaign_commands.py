"""A campaign from the command line: a csv labelled by hand, as a person would."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from nextlabel.cli.main import main

WORDS = {"positive": ("fine", "lovely", "bright"), "negative": ("awful", "dull", "broken")}


Ended = tuple[int, str, str]


def in_a_process(*words: object, cwd: Path) -> Ended:
    """As a person calls it."""
    ended = subprocess.run(
        [sys.executable, "-m", "nextlabel", *map(str, words)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=cwd,
    )
    return ended.returncode, ended.stdout, ended.stderr


def at_once(*words: object, cwd: Path) -> Ended:
    """The same without loading the libraries again."""
    out, err = StringIO(), StringIO()
    before, sys.argv = sys.argv, ["nextlabel", *map(str, words)]
    code: object = 0
    try:
        with redirect_stdout(out), redirect_stderr(err), chdir(cwd):
            main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.argv = before
    assert isinstance(code, int)
    return code, out.getvalue(), err.getvalue()


def done(*words: object, cwd: Path, call: Callable[..., Ended] = at_once) -> str:
    code, out, err = call(*words, cwd=cwd)
    assert (code, err) == (0, "")
    return out


def refused(*words: object, cwd: Path) -> str:
    code, out, err = at_once(*words, cwd=cwd)
    assert (code, out) == (2, ""), err
    assert err
    return err


def truth(text: str) -> str:
    return "positive" if any(word in text for word in WORDS["positive"]) else "negative"


def write_reviews(path: Path, count: int) -> None:
    """Reviews whose class a word tells; number 0 looks like a formula, number 1 has a label already."""
    both = [*WORDS["positive"], *WORDS["negative"]]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "body", "label", "stars"])
        for one in range(count):
            text = f"the film was {both[one % 6]}, said viewer {one}, né le {one % 28}"
            known = truth(text) if one == 1 else ""
            writer.writerow([f"r{one:04}", f"={text}" if one == 0 else text, known, one % 5])


def fill(sheet: Path, *, leave: int = 0) -> int:
    """Answer as a person would, in a program that saves what it was given; the last few are left."""
    text = sheet.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(StringIO(text), delimiter=";" if text.startswith("id;") else ","))
    for row in rows[: len(rows) - leave]:
        row["label"] = truth(row["body"])
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a person has labelled two batches of 600 reviews."""
    folder = tmp_path_factory.mktemp("campaign")
    write_reviews(folder / "reviews.csv", 600)
    said = done(
        "new", "reviews.csv", "--text", "body", "--id", "key", "--labels", "positive,negative", cwd=folder
    )
    assert said == (
        "600 items read from reviews.csv: texts of the column body; labels in the column label: 1.\n"
        "Classes: positive, negative.\n"
        "Learner: sklearn, logistic (C 10), tfidf. Strategy: badge.\n"
        "Control: 10% of each batch is drawn at random from 120 items set aside, to measure by.\n"
        "Journal: reviews.db\n"
        "Next: nextlabel ask reviews.db\n"
    )
    said = done("ask", "reviews.db", "--holder", "anna", cwd=folder, call=in_a_process)
    assert said.startswith("20 items to label in reviews-batch-1.csv. They are yours until ")
    assert said.endswith(
        "Fill the column label with one of: positive, negative; or the column skip with a reason.\n"
        "Then: nextlabel tell reviews.db reviews-batch-1.csv\n"
    )
    fill(folder / "reviews-batch-1.csv", leave=2)
    said = done("tell", "reviews.db", "reviews-batch-1.csv", "--annotator", "anna", cwd=folder)
    assert re.match(
        r"18 answers told \(negative \d+, positive \d+\); 2 left for later\.\nLabelled: 19 of 600", said
    )
    assert said.endswith("Next: nextlabel tell reviews.db reviews-batch-1.csv\n")
    fill(folder / "reviews-batch-1.csv")
    done("tell", "reviews.db", "reviews-batch-1.csv", "--annotator", "anna", cwd=folder)
    done("ask", "reviews.db", "--batch", "30", "--out", "second.csv", cwd=folder)
    fill(folder / "second.csv")
    said = done("tell", "reviews.db", "second.csv", "--annotator", "ben", cwd=folder)
    assert "Labelled: 51 of 600 items.\nNext: nextlabel ask reviews.db\n" in said
    return folder


def test_the_status_says_how_far_it_is(labelled: Path) -> None:
    said = json.loads(done("status", "reviews.db", "--json", cwd=labelled))
    assert {
        key: said[key] for key in ("items", "labelled", "out", "skipped", "left", "reserved", "rounds")
    } == {
        "items": 600,
        "labelled": 51,
        "out": 0,
        "skipped": 0,
        "left": 434,
        "reserved": 115,
        "rounds": 2,
    }
    assert said["control"] == {"share": 0.1, "reason": "", "reserve": 120, "labelled": 5}
    assert sum(said["classes"].values()) == 51
    assert said["strategy"]["name"] == "badge"
    assert said["model"]["labels"] == said["labelled"] - said["control"]["labelled"] - 30 + 3
    shown = done("status", "reviews.db", cwd=labelled)
    for expected in (
        "labelled   51",
        "positive: ",
        "badge",
        "tfidf",
        "10% of each batch, from 120 items set",
    ):
        assert expected in shown
    assert shown.endswith("Next: nextlabel ask reviews.db\n")


def test_telling_a_sheet_twice_changes_nothing(labelled: Path) -> None:
    before = done("status", "reviews.db", "--json", cwd=labelled)
    said = done("tell", "reviews.db", "second.csv", "--annotator", "ben", cwd=labelled)
    assert said.startswith("No new answer; 30 known before.\n")
    assert done("status", "reviews.db", "--json", cwd=labelled) == before


def without_times(sheet: Path) -> list[list[str]]:
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    return [[cell for title, cell in zip(header, row, strict=True) if title != "time"] for row in rows]


def test_what_is_exported_can_be_told_to_another_campaign(labelled: Path, tmp_path: Path) -> None:
    said = done("export", "reviews.db", tmp_path / "labelled.csv", cwd=labelled)
    assert said == f"51 items written to {tmp_path / 'labelled.csv'}, 51 with a label.\n"
    with (tmp_path / "labelled.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["nextlabel_label"] == truth(row["body"]) for row in rows)
    assert {row["arm"] for row in rows} == {"", "active", "control"}
    assert list(rows[0])[:5] == ["key", "body", "label", "stars", "nextlabel_label"]
    assert not any(row["probability"] for row in rows if row["arm"] == "control")
    assert all(0 <= float(row["probability"]) <= 1 for row in rows if row["arm"] == "active")
    done("export", "reviews.db", tmp_path / "answers.csv", "--answers", cwd=labelled)
    write_reviews(tmp_path / "reviews.csv", 600)
    done("new", "reviews.csv", "--text", "body", "--id", "key", "--labels", "positive,negative", cwd=tmp_path)
    assert "50 answers told" in done("tell", "reviews.db", "answers.csv", cwd=tmp_path)
    done("export", "reviews.db", "again.csv", "--answers", cwd=tmp_path)
    assert without_times(tmp_path / "again.csv") == without_times(tmp_path / "answers.csv")
    assert "it is there already" in refused("export", "reviews.db", "again.csv", cwd=tmp_path)
    done("export", "reviews.db", "again.csv", "--force", "--all", cwd=tmp_path)
    with (tmp_path / "again.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 600
    assert rows[0]["body"].startswith("'=the film")


def test_without_its_data_a_campaign_still_gives_up_its_labels(labelled: Path, tmp_path: Path) -> None:
    (tmp_path / "moved.db").write_bytes((labelled / "reviews.db").read_bytes())
    said = refused("ask", "moved.db", cwd=tmp_path)
    assert "reviews.csv" in said
    said = refused("export", "moved.db", "labelled.csv", cwd=tmp_path)
    assert said.endswith("To write ids and answers without the data, add --bare.\n")
    assert done("export", "moved.db", "labelled.csv", "--bare", cwd=tmp_path).startswith("51 items written")
    assert "labelled   51" in done("status", "moved.db", cwd=tmp_path)


def test_the_doctor_finds_copies_and_repairs(labelled: Path, tmp_path: Path) -> None:
    said = done("doctor", cwd=tmp_path)
    for name in ("nextlabel ", "python ", "sqlite ", "numpy "):
        assert f"\n{name}" in f"\n{said}"
    said = done("doctor", labelled / "reviews.db", "--backup", "copy.db", cwd=tmp_path)
    assert said.startswith("reviews.db is sound: ")
    assert "Its campaign: 600 items, 51 labelled, batches asked: 2.\nBackup: copy.db, " in said
    spoilt = (tmp_path / "copy.db").read_bytes().replace(b'"ben"', b'"bem"')
    (tmp_path / "copy.db").write_bytes(spoilt)
    code, said, _ = at_once("doctor", "copy.db", cwd=tmp_path)
    assert code == 2
    assert said.startswith("copy.db is damaged:")
    assert said.endswith("Next: nextlabel doctor copy.db --repair copy-repaired.db\n")
    said = done("doctor", "copy.db", "--repair", "copy-repaired.db", cwd=tmp_path)
    assert "Its campaign: 600 items, 21 labelled, batches asked: 2.\n" in said
    assert (tmp_path / "copy.db").read_bytes() == spoilt
    assert done("doctor", "copy-repaired.db", cwd=tmp_path).startswith("copy-repaired.db is sound: ")


def test_the_doctor_says_when_nothing_can_be_read(labelled: Path, tmp_path: Path) -> None:
    (tmp_path / "half.db").write_bytes((labelled / "reviews.db").read_bytes()[:3000])
    said = refused("doctor", "half.db", cwd=tmp_path)
    assert said.endswith("The doctor can do nothing for it: not one entry could be read.\n")


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ("size,colour\n1,red\n2,blue\n?,red\n", ("--labels", "a,b"), "rows of size, colour."),
        (
            "size,weight,label\n1,2,a\n2,3,b\n4,4,?\n",
            (),
            "rows of size, weight; labels in the column label: 2.",
        ),
        ("size,y\n1,a\n2,b\n4,\n", ("--label-column", "y"), "rows of size; labels in the column y: 2."),
        ("size,y\n1,a\n2,b\n4,\n", ("--features", "size", "--labels", "a,b"), "rows of size."),
    ],
)
def test_tables_are_read_with_and_without_labels(
    tmp_path: Path, rows: str, options: tuple[str, ...], said: str
) -> None:
    (tmp_path / "table.csv").write_text(rows)
    assert f"3 items read from table.csv: {said}\n" in done("new", "table.csv", *options, cwd=tmp_path)
    assert "1 item" in done("ask", "table.db", "--batch", 1, cwd=tmp_path)


def test_arrays_and_images_have_sheets_of_ids(tmp_path: Path) -> None:
    images = pytest.importorskip("PIL.Image")
    (tmp_path / "pictures" / "cat").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(4):
        pixels = images.fromarray((rng.random((5, 4)) * 255).astype(np.uint8))
        pixels.save(tmp_path / "pictures" / "cat" / f"{number}.png")
    np.savez(tmp_path / "rows.npz", items=rng.random((4, 3)), ids=list("abcd"), labels=["x", "y", "", ""])
    said = done("new", "pictures", "--labels", "cat,dog", cwd=tmp_path)
    assert "4 items read from pictures: images, the first of 5 × 4.\n" in said
    assert "4 items read from rows.npz: rows of 3 numbers; labels in the column label: 2.\n" in done(
        "new", "rows.npz", cwd=tmp_path
    )
    for name, first in (("pictures", "cat/"), ("rows", "")):
        done("ask", f"{name}.db", "--batch", 1, cwd=tmp_path)
        with (tmp_path / f"{name}-batch-1.csv").open(encoding="utf-8-sig", newline="") as file:
            (row,) = csv.DictReader(file)
        assert list(row) == ["id", "label", "skip", "token"]
        assert row["id"].startswith(first)
