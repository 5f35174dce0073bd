"""Export: what is in the columns, for items and for answers, and what a format refuses."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.export import FORMATS, Export, write_export
from nextlabel.campaign.formats.table import predicted_table
from nextlabel.campaign.predicting import Remembered
from nextlabel.core.spec import Spec
from nextlabel.core.task import classes, multilabel
from nextlabel.errors import CampaignError, ParameterError
from nextlabel.readers.arrays import ArrayPool

ITEMS = np.array(["good", "=cmd", "bad", "so"], dtype=object)
POOL = ArrayPool(ITEMS, ["a", "b", "c", "d"], {"label": ["", "", "old", ""], "body": ITEMS.tolist()})
OURS = ["label", "annotator", "time", "arm", "probability", "skip", "answers", "agreeing", "batch"]
NOON = 1_780_000_000.0  # 2026-05-28 20:26:40 UTC


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


class Clock:
    """Moves on by a second at every look."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def campaign() -> Campaign:
    made = Campaign.create(None, POOL, "sklearn", "random", classes("no", "yes"), seed=0, clock=lambda: NOON)
    made.tell({"c": "no"}, annotator="file")
    asked = made.ask(3)
    assert set(asked.ids) == {"a", "b", "d"}
    made.tell({"b": "yes"}, annotator="anna")
    made.tell({"b": "no"}, annotator="ben")
    made.tell({"b": "yes"}, annotator="cleo")
    made.skip(["d"], annotator="anna")
    made.skip(["b"], "hard", annotator="dora")
    return made


def whole(campaign: Campaign, **changes: object) -> Export:
    given = {"pool": POOL, **changes}
    return Export(campaign.state, campaign.journal(), **given)  # type: ignore[arg-type]


def test_the_columns_of_the_data_come_first_and_ours_give_way(campaign: Campaign, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    assert write_export("csv", path, whole(campaign)) == 3
    when = "2026-05-28T20:26:40Z"
    assert table(path) == [
        ["label", "body", "id", "nextlabel_label", *OURS[1:]],
        ["", "'=cmd", "b", "yes", "anna; ben; cleo", when, "active", "", "", "3", "2", "1"],
        ["old", "bad", "c", "no", "file", when, "", "", "", "1", "1", ""],
        ["", "so", "d", "", "anna", when, "active", "", "skipped", "0", "0", "1"],
    ]


def test_a_column_that_names_the_items_stands_for_the_id(tmp_path: Path) -> None:
    columns = {"Key": ["k1", "k2"], "id": ["x", "x"], "body": ["good", "bad"]}
    source = Spec("csv", {"path": "reviews.csv", "id": "Key", "text": "body"})
    pool = ArrayPool(np.array(["good", "bad"], dtype=object), ["k1", "k2"], columns, source)
    campaign = Campaign.create(None, pool, "sklearn", "random", classes("no", "yes"), seed=0)
    campaign.tell({"k2": "yes"})
    write_export("csv", tmp_path / "items.csv", Export(campaign.state, pool=pool))
    assert table(tmp_path / "items.csv") == [
        ["Key", "id", "body", *OURS],
        ["k2", "x", "bad", "yes", "", "", "", "", "", "1", "1", ""],
    ]


def test_all_items_and_raw_cells_where_wanted(campaign: Campaign, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    assert write_export("csv", path, whole(campaign, is_whole=True, is_raw=True)) == 4
    assert [row[1] for row in table(path)] == ["body", "good", "=cmd", "bad", "so"]
    assert table(path)[1][3:] == ["", "", "", "active", "", "", "0", "0", "1"]


def test_without_the_data_there_are_ids_and_answers(campaign: Campaign, tmp_path: Path) -> None:
    write_export("csv", tmp_path / "items.csv", Export(campaign.state))
    assert table(tmp_path / "items.csv")[0] == ["id", *OURS]


def test_answers_have_a_row_each_with_their_times(tmp_path: Path) -> None:
    made = Campaign.create(None, POOL, "sklearn", "random", classes("no", "yes"), seed=0, clock=Clock())
    made.tell({"b": "no", "c": "no"}, annotator="anna")
    made.skip(["b"], "hard", annotator="dora")
    made.tell({"b": "yes"}, annotator="anna")
    path = tmp_path / "answers.csv"
    assert write_export("answers", path, whole(made)) == 3
    assert table(path) == [
        ["id", "label", "skip", "annotator", "time"],
        ["b", "yes", "", "anna", "2026-05-28T20:26:44Z"],
        ["b", "", "hard", "dora", "2026-05-28T20:26:43Z"],
        ["c", "no", "", "anna", "2026-05-28T20:26:42Z"],
    ]


def test_the_time_of_an_item_is_that_of_its_last_answer(tmp_path: Path) -> None:
    made = Campaign.create(None, POOL, "sklearn", "random", classes("no", "yes"), seed=0, clock=Clock())
    made.tell({"b": "no"}, annotator="anna")
    made.tell({"b": "yes"}, annotator="ben")
    write_export("csv", tmp_path / "items.csv", whole(made, pool=None))
    (row,) = table(tmp_path / "items.csv")[1:]
    assert row[2:4] == ["anna; ben", "2026-05-28T20:26:43Z"]


def test_several_classes_stand_in_one_cell(tmp_path: Path) -> None:
    made = Campaign.create(None, POOL, "sklearn", "random", multilabel("x", "y"), seed=0)
    made.tell({"a": ("y", "x"), "b": ()})
    write_export("csv", tmp_path / "items.csv", Export(made.state))
    assert [row[:2] for row in table(tmp_path / "items.csv")[1:]] == [["a", "x; y"], ["b", "(none)"]]


def test_control_items_are_told_apart_afterwards(tmp_path: Path) -> None:
    many = ArrayPool(np.arange(500.0)[:, None], [f"i{one}" for one in range(500)])
    campaign = Campaign.create(None, many, "sklearn", "random", classes("no", "yes"), seed=0, control=0.1)
    campaign.tell(dict.fromkeys(campaign.ask(20).ids, "no"))
    write_export("csv", tmp_path / "items.csv", Export(campaign.state))
    arms = [row[4] for row in table(tmp_path / "items.csv")[1:]]
    assert (arms.count("active"), arms.count("control")) == (18, 2)


@pytest.fixture
def measured() -> Campaign:
    """Of 500 items a batch is labelled, control items in it, and one item of a certificate under way."""
    many = ArrayPool(np.arange(500.0)[:, None], [f"i{one}" for one in range(500)])
    made = Campaign.create(None, many, "sklearn", "random", classes("no", "yes"), seed=0, control=0.1)
    ids = made.ask(20).ids
    made.tell({id: ("no", "yes")[place % 2] for place, id in enumerate(ids)})
    made.fit()
    made.certify(5)
    made.tell(dict.fromkeys(made.ask(1).ids, "no"))
    return made


def said_of_each(folder: Path, format: str, export: Export) -> dict[str, float | None]:
    """The probability of each item in an export, by id."""
    path = folder / f"items.{format}"
    write_export(format, path, export, replace=True)
    if format == "parquet":
        rows = pyarrow.parquet.read_table(path).to_pylist()
    elif format == "jsonl":
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    else:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    return {row["id"]: float(row["probability"]) if row["probability"] else None for row in rows}


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_items_to_measure_by_have_no_probability_until_they_are_released(
    measured: Campaign, tmp_path: Path, format: str
) -> None:
    state = measured.state
    guesses = Remembered(state.task, "f", lambda id: ("yes", 0.75))
    arms = {id: state.asked[id].arm for id in state.kept}
    assert {"active", "control", "certificate"} == {*arms.values()}
    said = said_of_each(tmp_path, format, Export(state, predictions=guesses))
    assert {id for id, one in said.items() if one is not None} == {
        id for id, arm in arms.items() if arm == "active"
    }
    measured.release()
    said = said_of_each(tmp_path, format, Export(measured.state, predictions=guesses))
    assert said == {id: 0.75 if state.label(id) == "yes" else 0.25 for id in arms}


def test_predictions_tell_nothing_of_answered_items_to_measure_by(measured: Campaign) -> None:
    state = measured.state
    guesses = Remembered(state.task, "f", lambda id: ("yes", 0.75))

    def rows() -> dict[str, list[object]]:
        table = predicted_table(Export(measured.state, predictions=guesses, is_whole=True))
        return {row[0]: row[1:] for row in table.rows}

    said = rows()
    hidden = {id for id, (_, probability, _) in said.items() if probability is None}
    assert hidden == {id for id in state.kept if state.asked[id].arm != "active"}
    assert all(said[id] == [state.label(id), None, "person"] for id in hidden)
    waiting = state.walled - state.kept.keys()  # for these the file is made: the model labels them
    assert len(waiting) > 5
    assert all(said[id] == ["yes", 0.75, "model"] for id in waiting)
    measured.release()
    assert all(probability is not None for _, probability, _ in rows().values())


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if not one.needs_model])
def test_files_that_are_there_stay_unless_told_otherwise(
    campaign: Campaign, tmp_path: Path, name: str
) -> None:
    path = tmp_path / f"out{FORMATS[name].suffix}"
    path.write_text("mine")
    export = whole(campaign, positive="yes")
    with pytest.raises(CampaignError, match="it is there already"):
        write_export(name, path, export)
    assert path.read_text() == "mine"
    assert write_export(name, path, export, replace=True) > 0
    assert b"mine" not in path.read_bytes()
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_format_is_refused(campaign: Campaign, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"exported to csv, jsonl, .* onnx; received the format 'xls'"):
        write_export("xls", tmp_path / "out.xls", whole(campaign))


def test_a_model_that_is_not_there_is_refused(campaign: Campaign, tmp_path: Path) -> None:
    for name, what in (("model", "a scikit-learn pipeline"), ("onnx", "an ONNX graph")):
        with pytest.raises(CampaignError, match=f"To write {what}, a model must have been fitted"):
            write_export(name, tmp_path / "out", whole(campaign))
    assert not list(tmp_path.iterdir())
