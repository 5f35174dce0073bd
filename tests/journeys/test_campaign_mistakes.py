"""A campaign from the command line in rough weather: mistakes, lost sheets, late answers, full disks."""

import csv
import json
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from nextlabel import arrays, classes
from nextlabel.campaign.campaign import Campaign
from nextlabel.cli.main import main

WORDS = {"positive": ("fine", "lovely", "bright"), "negative": ("awful", "dull", "broken")}


def at_once(*words: object, cwd: Path) -> tuple[int, str, str]:
    """As a person calls it, but in this process."""
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


def done(*words: object, cwd: Path) -> str:
    code, out, err = at_once(*words, cwd=cwd)
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
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with forty reviews, and a campaign over them."""
    made = tmp_path_factory.mktemp("mistakes")
    np.savez(made / "rows.npz", items=np.zeros((2, 3)), labels=["", ""])
    np.save(made / "rows.npy", np.zeros((2, 3)))
    write_reviews(made / "reviews.csv", 40)
    done("new", "reviews.csv", "--text", "body", "--id", "key", "--labels", "positive,negative", cwd=made)
    return made


def test_a_small_pool_says_that_it_has_no_control(tmp_path: Path) -> None:
    write_reviews(tmp_path / "reviews.csv", 40)
    said = done("new", "reviews.csv", "--text", "body", "--labels", "positive,negative", cwd=tmp_path)
    assert "Control: none, since the pool had 40 items, and a control arm needs at least 500.\n" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("new", "reviews.csv", "--text", "body"), "reviews.db is. Go on with it (nextlabel status)"),
        (("new", "review.csv"), "Did you mean 'reviews.csv'?"),
        (("new", "reviews.doc", "--out", "b.db"), "must be a folder of images or end in .csv"),
        (
            ("new", "reviews.csv", "--out", "b.db"),
            "the column 'body' holds about 10 words an item. Add --text bo",
        ),
        (("new", "reviews.csv", "--out", "b.db", "--text", "bodi"), "Did you mean 'body'?"),
        (
            ("new", "reviews.csv", "--out", "b.db", "--text", "body", "--labels", "good,bad"),
            "column 'label' must be among good, bad; received also 'positive'",
        ),
        (
            ("new", "reviews.csv", "--out", "b.db", "--text", "body", "--label-column", "labels"),
            "must be one of '",
        ),
        (
            ("new", "reviews.csv", "--out", "b.db", "--text", "body", "--label-column", "key"),
            "all 40 have one.",
        ),
        (
            ("new", "rows.npz", "--label-column", "y"),
            "--label-column must be one of the columns; received 'y'. The columns are: label.",
        ),
        (
            ("new", "rows.npy"),
            "none are named and there is no column of labels. Add them with commas between",
        ),
        (
            ("new", "rows.npz"),
            "none are named and the column 'label' is empty",
        ),
        (
            ("new", "reviews.csv", "--out", "b.db", "--text", "body", "--strategy", "badgr"),
            "Did you mean 'badge'?",
        ),
        (
            ("new", "reviews.csv", "--out", "b.db", "--text", "body", "--learner", '{"name": '),
            "--learner must be a name or JSON; received '{\"name\": '",
        ),
        (("new", "reviews.csv", "--out", "b.db", "--text", "body", "--control", "0.5"), "0.5"),
        (("ask", "nothing.db"), "nothing.db"),
        (("ask", "reviews.csv"), "reviews.csv"),
        (
            ("ask", "reviews.db", "--lease", "soon"),
            "--lease must be a number above zero and a unit, d (days)",
        ),
        (
            ("ask", "reviews.db", "--out", "reviews.csv"),
            "received reviews.csv: it is there already. Name ano",
        ),
        (
            ("ask", "reviews.db", "--out", "nowhere/b.csv"),
            "there is no folder nowhere. Name another; nothing",
        ),
        (("ask", "reviews.db", "--token", "t0"), "must name a query of this campaign; received 't0'"),
        (("tell", "reviews.db", "batch.csv"), "batch.csv"),
        (
            ("tell", "reviews.db", "reviews.csv"),
            "must have the columns id and label in its first line; received k",
        ),
        (("doctor", "--backup", "b.db"), "--backup and --repair need a journal; received none"),
        (("doctor", "reviews.csv"), "reviews.csv"),
        (("status", "."), "."),
    ],
)
def test_a_mistake_is_one_message_and_changes_nothing(
    folder: Path, words: tuple[str, ...], said: str
) -> None:
    before = sorted((one.name, one.read_bytes()) for one in folder.iterdir())
    assert said in refused(*words, cwd=folder)
    assert sorted((one.name, one.read_bytes()) for one in folder.iterdir()) == before


def test_items_whose_sheet_cannot_be_written_are_handed_back(tmp_path: Path) -> None:
    write_reviews(tmp_path / "reviews.csv", 40)
    done("new", "reviews.csv", "--text", "body", "--labels", "positive,negative", cwd=tmp_path)
    long = f"{'a' * 245}.csv"  # there is room for it, and none for the draft beside it
    assert "File name too long" in refused("ask", "reviews.db", "--out", long, cwd=tmp_path)
    said = json.loads(done("status", "reviews.db", "--json", cwd=tmp_path))
    assert (said["out"], said["late"], said["left"]) == (0, 20, 39)


def test_a_lost_sheet_is_written_again_and_a_taken_name_avoided(tmp_path: Path) -> None:
    write_reviews(tmp_path / "reviews.csv", 40)
    done("new", "reviews.csv", "--text", "body", "--labels", "positive,negative", cwd=tmp_path)
    (tmp_path / "reviews-batch-1.csv").write_text("mine")
    assert "5 items to label in reviews-batch-1-2.csv." in done(
        "ask", "reviews.db", "--batch", 5, cwd=tmp_path
    )
    token = json.loads(done("status", "reviews.db", "--json", cwd=tmp_path))["queries"][0]["token"]
    done("ask", "reviews.db", "--token", token, "--out", "again.csv", cwd=tmp_path)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "reviews-batch-1-2.csv").read_bytes()
    assert (tmp_path / "reviews-batch-1.csv").read_text() == "mine"


def test_journal_and_data_move_together(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    write_reviews(tmp_path / "here" / "my reviews.csv", 40)
    words = ("--text", "body", "--labels", "positive,negative")
    said = done("new", "here/my reviews.csv", *words, cwd=tmp_path)
    assert said.endswith("Journal: here/my reviews.db\nNext: nextlabel ask 'here/my reviews.db'\n")
    (tmp_path / "here").rename(tmp_path / "there")
    assert "in my reviews-batch-1.csv" in done("ask", "my reviews.db", cwd=tmp_path / "there")


def test_a_late_answer_is_kept(tmp_path: Path) -> None:
    write_reviews(tmp_path / "reviews.csv", 40)
    done("new", "reviews.csv", "--text", "body", "--labels", "positive,negative", cwd=tmp_path)
    done("ask", "reviews.db", "--batch", 39, "--lease", "0.001s", "--holder", "anna", cwd=tmp_path)
    done("ask", "reviews.db", "--batch", 39, "--holder", "ben", cwd=tmp_path)  # the same items, asked again
    for number in (1, 2):
        fill(tmp_path / f"reviews-batch-{number}.csv")
        done("tell", "reviews.db", f"reviews-batch-{number}.csv", cwd=tmp_path)
    done("export", "reviews.db", "answers.csv", "--answers", cwd=tmp_path)
    with (tmp_path / "answers.csv").open(encoding="utf-8-sig", newline="") as file:
        annotators = [row["annotator"] for row in csv.DictReader(file)]
    assert [annotators.count(name) for name in ("anna", "ben", "file")] == [39, 39, 1]


def test_a_full_disk_leaves_no_half_of_a_journal(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    write_reviews(tmp_path / "reviews.csv", 600)
    words = ["nextlabel", "new", "reviews.csv", "--text", "body", "--labels", "positive,negative"]
    filling = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, resource.RLIM_INFINITY))\n"
        "from nextlabel.cli.main import main\n"
        f"sys.argv = {words!r}\n"
        "main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", filling], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["reviews.csv"]


def test_what_is_labelled_already_needs_no_campaign(tmp_path: Path) -> None:
    (tmp_path / "done.csv").write_text("size,label\n1,a\n2,b\n")
    said = refused("new", "done.csv", cwd=tmp_path)
    assert "items without a label; all 2 have one. To see" in said


def test_who_makes_the_journal_first_keeps_it(tmp_path: Path) -> None:
    write_reviews(tmp_path / "reviews.csv", 40)
    (tmp_path / "parts.py").write_text(
        "from pathlib import Path\n"
        "from nextlabel import build\n"
        "def learner():\n"
        "    Path('reviews.db').write_text('of somebody faster')\n"
        "    return build('learner', {'name': 'sklearn', 'features': 'tfidf'})\n"
    )
    words = ("new", "reviews.csv", "--text", "body", "--labels", "positive,negative")
    said = refused(*words, "--learner", "parts.py:learner", cwd=tmp_path)
    assert "somebody has made reviews.db meanwhile" in said
    assert (tmp_path / "reviews.db").read_text() == "of somebody faster"
    assert {one.name for one in tmp_path.iterdir()} - {"__pycache__"} == {
        "parts.py",
        "reviews.csv",
        "reviews.db",
    }


def test_labels_are_not_written_beside_data_that_changed(tmp_path: Path) -> None:
    write_reviews(tmp_path / "reviews.csv", 40)
    words = ("--text", "body", "--id", "key", "--labels", "positive,negative")
    done("new", "reviews.csv", *words, cwd=tmp_path)
    text = (tmp_path / "reviews.csv").read_text(encoding="utf-8")
    (tmp_path / "reviews.csv").write_text(text.replace("viewer 7,", "viewer 70,"), encoding="utf-8")
    assert "reviews.db; the content of items is another" in refused(
        "export", "reviews.db", "l.csv", cwd=tmp_path
    )
    write_reviews(tmp_path / "reviews.csv", 38)
    assert "reviews.db; 2 items have gone" in refused("export", "reviews.db", "l.csv", cwd=tmp_path)


def test_items_from_python_are_exported_bare(tmp_path: Path) -> None:
    pool = arrays(np.zeros((3, 2)))
    with Campaign.create(tmp_path / "a.db", pool, "sklearn", "random", classes("x", "y"), seed=0) as campaign:
        campaign.tell({"1": "y"})
    said = refused("export", "a.db", "l.csv", cwd=tmp_path)
    assert "the journal does not know where they are from" in said
    assert done("export", "a.db", "l.csv", "--bare", cwd=tmp_path).startswith("1 item written")
