"""What trainings say of themselves is in the report, put together over seeds and checkpoints."""

from typing import Any

import numpy as np

from nextlabel.experiment.curves import Results, Run
from nextlabel.experiment.lines import Line, Record
from nextlabel.experiment.remarked import remarked, together
from nextlabel.experiment.sections import setting_section
from nextlabel.experiment.study import study
from nextlabel.figures.page import Picture, Table
from nextlabel.learners.generation import Generated

GREW = "Trained on {} labels of its own too, of {} items that it looked at."
NONE = Generated(skipped="the loss of the generator became nan in epoch 3").remarks[0]


def results(remarks: Any) -> Results:
    rng = np.random.default_rng(0)
    runs = []
    for name in ("ceal", "random"):
        for seed in range(3):
            asked = ((f"{name}{seed}a",), (f"{name}{seed}b",))
            said = remarks[seed] if name == "ceal" else ((), ())
            level = tuple(rng.uniform(0.5, 0.7, size=2))
            runs.append(Run(name, seed, (10, 20), level, asked, (0.0, 0.0), (0.0,), (), said))
    return Results({"strategies": {}}, runs)


def test_remarks_that_differ_in_numbers_alone_are_one() -> None:
    said = together([GREW.format(9, 90), NONE, GREW.format(30, 80), GREW.format(10, 90)])
    assert said == {GREW.format("9 to 30", "80 to 90"): 3, NONE: 1}


def test_numbers_within_words_are_no_numbers() -> None:
    assert together(["conv2d learnt 1.5 of 2", "conv2d learnt 0.5 of 2"]) == {
        "conv2d learnt 0.5 to 1.5 of 2": 2
    }
    assert together(["conv2d", "conv3d"]) == {"conv2d": 1, "conv3d": 1}


def test_a_generator_that_fails_in_one_training_is_in_the_report() -> None:
    found = study(results([((), (GREW.format(5, 80),)), ((), (NONE,)), ((), (GREW.format(7, 80),))]), "set")
    table = remarked(found)
    assert table is not None
    assert table.rows == [["ceal", GREW.format("5 to 7", "80"), "2 of 6"], ["ceal", NONE, "1 of 6"]]
    section = setting_section(found, Picture("", "", ""))
    assert table.caption in [part.caption for part in section.parts if isinstance(part, Table)]


def test_where_nothing_is_said_there_is_no_table() -> None:
    assert remarked(study(results([((), ())] * 3), "set")) is None
    assert remarked(study(results([()] * 3), "set")) is None  # runs of earlier versions


def test_remarks_are_kept_in_the_file_of_a_cell(tmp_path: Any) -> None:
    record = Record(tmp_path / "cell.jsonl", {"cell": 1})
    line = Line(0, 2, 0.5, ("a",), (1, 1), 0.0, None, (NONE,))
    record.append(line)
    assert record.lines([2]) == [line]
