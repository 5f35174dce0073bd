"""Several classes an item from the command line: a csv of films, each with the genres that apply."""

import csv
import json
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from nextlabel import Campaign
from nextlabel.cli.main import main

GENRES = {
    "crime": "a murder and a detective",
    "love": "a kiss and a wedding",
    "war": "a battle and a general",
}


def called(*words: object, cwd: Path) -> tuple[int, str, str]:
    """A command as a person types it, in this process."""
    out, err = StringIO(), StringIO()
    before, sys.argv = sys.argv, ["nextlabel", *map(str, words)]
    code = 0
    try:
        with redirect_stdout(out), redirect_stderr(err), chdir(cwd):
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before
    return code, out.getvalue(), err.getvalue()


def done(*words: object, cwd: Path) -> str:
    code, out, err = called(*words, cwd=cwd)
    assert (code, err) == (0, "")
    return out


def refused(*words: object, cwd: Path) -> str:
    code, _, err = called(*words, cwd=cwd)
    assert code == 2
    return " ".join(err.split())


def genres(place: int) -> list[str]:
    return [name for bit, name in enumerate(GENRES) if (place + 1) >> bit & 1]


def films(folder: Path, labelled: int = 6, items: int = 40) -> Path:
    """Texts of the genres that the bits of their number name; the first few with their labels."""
    with (folder / "films.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["plot", "label"])
        for place in range(items):
            said = "; ".join(genres(place)) or "(none)"
            plot = " and ".join([f"film {place}", *(GENRES[name] for name in genres(place))])
            writer.writerow([plot, said if place < labelled else ""])
    return folder / "films.csv"


def test_a_csv_is_labelled_with_several_classes_an_item(tmp_path: Path) -> None:
    films(tmp_path)
    said = done("new", "films.csv", "--text", "plot", "--task", "classes", cwd=tmp_path)
    assert "labels in the column label: 6" in said
    assert "Classes: crime, love, war; an item may have several, or none." in said
    assert "Strategy: auto." in said
    asked = done("ask", "films.db", "--batch", "5", "--out", "batch.csv", cwd=tmp_path)
    assert (
        "Fill the column label with the classes that apply, with semicolons between them, of: crime, love, "
        "war; with (none) where none does; or the column skip with a reason."
    ) in asked
    with (tmp_path / "batch.csv").open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    label, plot = header.index("label"), header.index("plot")
    for row in rows:
        applies = [name for name, words in GENRES.items() if words in row[plot]]
        row[label] = ";".join(reversed(applies)) or "(NONE)"
    rows[-1][label] = ""
    with (tmp_path / "batch.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    told = done("tell", "films.db", "batch.csv", "--annotator", "anna", cwd=tmp_path)
    assert told.startswith("4 answers told (")
    assert "1 left for later." in told
    assert "Labelled: 10 of 40 items." in told
    status = json.loads(done("status", "films.db", "--json", cwd=tmp_path))
    assert status["task"] == "classes"
    assert "classes (an item may have several)" in done("status", "films.db", cwd=tmp_path)
    with Campaign.open(tmp_path / "films.db") as campaign:
        for id, said_of in campaign.state.labels().items():
            shown = str(campaign.pool.show(id).content)
            assert said_of == tuple(name for name, words in GENRES.items() if words in shown)
        counts = campaign.state.class_counts
    assert status["classes"] == counts
    assert sum(counts.values()) > 10
    again = done("tell", "films.db", "batch.csv", "--annotator", "anna", cwd=tmp_path)
    assert again.startswith("No new answer; 4 known before; 1 left for later.")


def test_advice_is_of_what_reads_marginals(tmp_path: Path) -> None:
    films(tmp_path, labelled=35)
    done("new", "films.csv", "--text", "plot", "--task", "classes", cwd=tmp_path)
    margin = '{"name": "margin", "of": "marginals", "reduce": "max"}'
    assert done("advise", "films.db", cwd=tmp_path).startswith(margin)
    options = ("--classes", "3", "--pool", "90", "--signals", "marginals", "--labelled", "40", "--several")
    assert done("advise", *options, cwd=tmp_path).startswith(margin)
    assert "received --several as well" in refused("advise", "films.db", "--several", cwd=tmp_path)


def test_classes_that_are_named_may_have_no_label_yet(tmp_path: Path) -> None:
    films(tmp_path)
    options = (
        "--text",
        "plot",
        "--task",
        "classes",
        "--labels",
        "war,love,crime,horror",
        "--strategy",
        "random",
    )
    said = done("new", "films.csv", *options, cwd=tmp_path)
    assert "Classes: war, love, crime, horror;" in said
    assert "Strategy: random." in said


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--task", "spans"), "--task must be class or classes; received 'spans'"),
        (("--task", "classes", "--labels", "crime,love"), "must be among crime, love; received also 'war'"),
        (("--task", "classes", "--strategy", "badge"), "BADGE needs 'residual', which no model of several"),
        (("--task", "classes", "--labels", "a;b"), "without ';'"),
        (
            (
                "--task",
                "classes",
                "--learner",
                '{"name": "ensemble", "of": "sklearn"}',
                "--strategy",
                "margin",
            ),
            "Ensemble fits one class an item; received a task of several",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_no_journal(
    tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    films(tmp_path)
    assert says in refused("new", "films.csv", "--text", "plot", *options, cwd=tmp_path)
    assert not (tmp_path / "films.db").exists()


def test_one_class_an_item_takes_the_whole_cell_as_its_name(tmp_path: Path) -> None:
    films(tmp_path)
    said = done("new", "films.csv", "--text", "plot", cwd=tmp_path)
    assert "crime; love" in said
    assert "Strategy: badge." in said
