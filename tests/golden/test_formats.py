"""Formats: titles that give way, times from the journal, types that last, files that are refused whole."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.events import Told
from nextlabel.campaign.export import Export, write_export, write_table
from nextlabel.campaign.formats.columns import ITEM_COLUMNS, found, own_id, titles
from nextlabel.campaign.formats.csv import cell
from nextlabel.campaign.formats.reading import format_of, tell_file
from nextlabel.campaign.formats.statements import moment, statements
from nextlabel.campaign.formats.table import answers_table, new_items_table, predicted_table
from nextlabel.campaign.predicting import Remembered
from nextlabel.core.spec import Spec
from nextlabel.core.task import Task, classes, multilabel
from nextlabel.errors import CampaignError, LabelError, MissingExtra, ParameterError, ReaderError
from nextlabel.readers.arrays import ArrayPool

TEXTS = ["good", "=cmd", "bad", "so"]
POOL = ArrayPool(
    np.array(TEXTS, dtype=object), ["a", "b", "c", "d"], {"body": TEXTS, "label": ["", "", "x", ""]}
)
NOON = 1_780_000_000.25
SEVERAL = multilabel("x", "y")


def begun(task: Task | None = None) -> Campaign:
    made = task if task is not None else classes("no", "yes")
    return Campaign.create(None, POOL, "sklearn", "random", made, seed=0, clock=lambda: NOON)


@pytest.fixture
def campaign() -> Campaign:
    made = begun()
    made.tell({"a": "no", "b": "yes"}, annotator="anna", seconds=9.0)
    made.tell({"a": "yes"}, annotator="ben")
    made.skip(["c"], "dark", annotator="ben")
    return made


def export(campaign: Campaign, **changes: Any) -> Export:
    return Export(campaign.state, campaign.journal(), **{"pool": POOL, **changes})


def test_our_titles_give_way_to_those_of_the_data() -> None:
    assert titles(("label", "by"), ("LABEL ", "body")) == {"label": "nextlabel_label", "by": "by"}
    twice = titles(("label",), ("label", "nextlabel_label"))
    assert twice == {"label": "nextlabel_nextlabel_label"}
    # a column of the data may be called as ours would be, and then ours is another one still
    assert titles(("label",), ("nextlabel_label",)) == {"label": "nextlabel_nextlabel_label"}
    assert found("label", ["nextlabel_label", "nextlabel_nextlabel_label"]) == "nextlabel_nextlabel_label"
    assert found("label", ["xlabel", "labels"]) is None


def test_the_id_of_the_data_is_known_where_one_column_is_called_so() -> None:
    assert own_id({"id": "Key"}, ["key", "body"]) == "key"
    assert own_id({"id": "Key"}, ["key", "KEY "]) is None
    assert own_id({"id": None}, ["key"]) is None
    assert own_id(None, ["key"]) is None


def test_each_statement_has_its_own_time_and_part_of_the_seconds(campaign: Campaign) -> None:
    said = statements(campaign.state, campaign.journal())
    anna, ben = said["a"]
    assert (anna.annotator, anna.label, anna.at, anna.seconds, anna.position) == ("anna", "no", NOON, 4.5, 1)
    assert (ben.annotator, ben.label, ben.seconds, ben.position) == ("ben", "yes", None, 2)
    (skip,) = said["c"]
    assert (skip.label, skip.reason, skip.at, skip.position) == (None, "dark", NOON, 3)
    assert set(said) == {"a", "b", "c"}


def test_without_the_journal_there_are_statements_without_times(campaign: Campaign) -> None:
    (one,) = statements(campaign.state, ())["b"]
    assert (one.label, one.at, one.seconds, one.position) == ("yes", None, None, -1)


@pytest.mark.parametrize("at", [1e300, float("inf"), float("nan"), -1e300])
def test_a_time_that_no_calendar_has_is_left_out(at: float) -> None:
    assert moment(at) is None
    assert cell(at, "time", SEVERAL) == ""


def test_lines_have_the_types_of_json(campaign: Campaign, tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    assert write_export("jsonl", path, export(campaign)) == 3
    first, _, last = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    assert list(first) == ["body", "label", "id", "nextlabel_label", *ITEM_COLUMNS[1:]]
    assert first["nextlabel_label"] == "yes"
    assert (first["annotator"], first["time"]) == ("anna; ben", "2026-05-28T20:26:40Z")
    assert (first["answers"], first["agreeing"], first["batch"], first["probability"]) == (2, 1, None, None)
    assert (last["nextlabel_label"], last["skip"]) == (None, "dark")


def test_parquet_has_real_types(tmp_path: Path) -> None:
    campaign = begun(SEVERAL)
    campaign.tell({"a": ("y", "x"), "b": ()}, annotator="anna")
    guesses = Remembered(SEVERAL, "f", lambda id: (("x", "y"), 0.75) if id == "a" else None)
    path = tmp_path / "items.parquet"
    assert write_export("parquet", path, export(campaign, is_whole=True, predictions=guesses)) == 4
    table = pyarrow.parquet.read_table(path)
    kinds = {name: str(table.schema.field(name).type) for name in table.schema.names}
    assert kinds == {
        "body": "string",
        "label": "string",
        "id": "string",
        "nextlabel_label": "list<element: string>",
        "annotator": "string",
        "time": "timestamp[us, tz=UTC]",
        "arm": "string",
        "probability": "double",
        "skip": "string",
        "answers": "int64",
        "agreeing": "int64",
        "batch": "int64",
    }
    assert table["nextlabel_label"].to_pylist() == [["x", "y"], [], None, None]
    assert table["probability"].to_pylist() == [0.75, None, None, None]
    assert table["time"].to_pylist()[0].isoformat() == "2026-05-28T20:26:40.250000+00:00"


def test_rows_beyond_one_group_are_all_there(tmp_path: Path) -> None:
    ids = [str(one) for one in range(10_001)]
    pool = ArrayPool(np.zeros((len(ids), 1)), ids)
    campaign = Campaign.create(None, pool, "sklearn", "random", classes("no", "yes"), seed=0)
    path = tmp_path / "items.parquet"
    assert write_export("parquet", path, Export(campaign.state, is_whole=True)) == len(ids)
    assert pyarrow.parquet.read_table(path)["id"].to_pylist() == ids


def test_answers_are_written_by_the_suffix(campaign: Campaign, tmp_path: Path) -> None:
    for suffix in ("csv", "jsonl", "ndjson", "parquet"):
        assert write_export("answers", tmp_path / f"a.{suffix}", export(campaign)) == 4
    lines = (tmp_path / "a.jsonl").read_text("utf-8")
    assert (tmp_path / "a.ndjson").read_text("utf-8") == lines
    assert json.loads(lines.splitlines()[0]) == {
        "id": "a",
        "label": "no",
        "skip": None,
        "annotator": "anna",
        "time": "2026-05-28T20:26:40Z",
    }
    with pytest.raises(CampaignError, match="it is there already"):
        write_table(tmp_path / "a.parquet", answers_table(export(campaign)), export(campaign))


def test_half_a_character_and_bytes_are_refused_whole(tmp_path: Path) -> None:
    pool = ArrayPool(np.array(["\ud800"], dtype=object), ["a"], {"body": ["\ud800"]})
    campaign = Campaign.create(None, pool, "sklearn", "random", classes("no", "yes"), seed=0)
    with pytest.raises(CampaignError, match=r"must be text in UTF-8; '\\ud800' has no place there"):
        write_export("jsonl", tmp_path / "out.jsonl", Export(campaign.state, pool=pool, is_whole=True))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_what_a_model_said_is_not_told(tmp_path: Path, name: str) -> None:
    campaign = begun()
    guesses = Remembered(campaign.state.task, "f", lambda id: ("yes", 0.75))
    path = tmp_path / name
    write_table(path, new_items_table(POOL, guesses), Export(campaign.state))
    unit = "line" if name != "out.parquet" else "row"
    first = {"out.csv": 2}.get(name, 1)
    with pytest.raises(
        LabelError, match=rf"4 rows of .* by a model, the first in {unit} {first}\. Take these"
    ):
        tell_file(campaign, path)
    assert not campaign.state.kept


def test_new_items_of_which_nothing_was_said_stay_empty(tmp_path: Path) -> None:
    task = classes("no", "yes")
    guesses = Remembered(task, "f", {"b": ("yes", 0.75)}.get)
    rows = list(new_items_table(POOL, guesses).rows)
    assert [row[3:] for row in rows] == [[None] * 3, ["yes", 0.75, "model"], [None] * 3, [None] * 3]


def test_predictions_stand_beside_what_people_said(campaign: Campaign) -> None:
    guesses = Remembered(campaign.state.task, "f", lambda id: None if id == "d" else ("yes", 0.75))
    table = predicted_table(export(campaign, is_whole=True, predictions=guesses))
    assert [column.title for column in table.columns[2:]] == ["id", "nextlabel_label", "probability", "by"]
    assert [row[2:] for row in table.rows] == [
        ["a", "yes", 0.75, "person"],
        ["b", "yes", 0.75, "person"],
        ["c", "yes", 0.75, "model"],
        ["d", None, None, None],
    ]
    bare = predicted_table(export(campaign, pool=None))
    assert next(iter(bare.rows)) == ["a", "yes", None, "person"]


def test_labels_by_a_model_that_people_have_checked_are_told(tmp_path: Path) -> None:
    source = Spec("csv", {"path": "r.csv", "id": "key", "text": "body"})
    columns = {"key": ["a", "b"], "body": ["good", "bad"], "label": ["", ""]}
    pool = ArrayPool(np.array(["good", "bad"], dtype=object), ["a", "b"], columns, source)
    campaign = Campaign.create(None, pool, "sklearn", "random", classes("no", "yes"), seed=0)
    (tmp_path / "p.csv").write_text("key,body,label,nextlabel_label,probability\na,good,,yes,0.9\n")
    tell_file(campaign, tmp_path / "p.csv", annotator="anna")
    assert campaign.state.kept == {"a": (("anna", "yes"),)}


def test_rows_that_people_labelled_in_a_file_of_predictions_are_known(tmp_path: Path) -> None:
    campaign = begun()
    campaign.tell({"a": "yes"}, annotator="anna")
    (tmp_path / "p.csv").write_text("id,label,probability,by\na,yes,0.9,person\n")
    told = tell_file(campaign, tmp_path / "p.csv")
    assert (told.unchanged, campaign.state.kept) == (1, {"a": (("anna", "yes"),)})


def test_a_batch_of_data_with_columns_like_ours_is_a_batch(tmp_path: Path) -> None:
    columns = {"probability": ["1", "2"], "by": ["model", "model"]}
    pool = ArrayPool(np.array([["1", "model"], ["2", "model"]], dtype=object), ["a", "b"], columns)
    campaign = Campaign.create(None, pool, "sklearn", "random", classes("no", "yes"), seed=0)
    token = campaign.ask(2, "anna").token
    path = tmp_path / "batch.csv"
    path.write_text(
        f"id,label,skip,probability,by,token\na,yes,,1,model,q-{token}\nb,,dark,2,model,q-{token}\n"
    )
    tell_file(campaign, path)
    assert campaign.state.kept == {"a": (("anna", "yes"),)}
    assert campaign.state.skipped == {"b": "dark"}


def test_the_column_that_names_the_items_goes_before_one_called_id(tmp_path: Path) -> None:
    source = Spec("csv", {"path": "r.csv", "id": "key", "text": "body"})
    columns = {"key": ["a", "b"], "id": ["b", "a"], "body": ["good", "bad"]}
    pool = ArrayPool(np.array(["good", "bad"], dtype=object), ["a", "b"], columns, source)
    both = [Campaign.create(None, pool, "sklearn", "random", classes("no", "yes"), seed=0) for _ in range(2)]
    both[0].tell({"a": "yes"}, annotator="anna")
    for name in ("items.csv", "items.jsonl", "items.parquet"):
        path = tmp_path / name
        write_export(path.suffix[1:], path, Export(both[0].state, pool=pool, is_whole=True))
        tell_file(both[1], path)
        assert both[1].state.kept == {"a": (("anna", "yes"),)}


@pytest.mark.parametrize("name", ["items.csv", "items.jsonl", "items.parquet"])
def test_titles_that_differ_in_capitals_alone_name_nothing(tmp_path: Path, name: str) -> None:
    source = Spec("csv", {"path": "r.csv", "id": "Key", "text": "body"})
    columns = {"Key": ["a"], "key ": ["other"], "body": ["good"]}
    pool = ArrayPool(np.array(["good"], dtype=object), ["a"], columns, source)
    campaign = Campaign.create(None, pool, "sklearn", "random", classes("no", "yes"), seed=0)
    campaign.tell({"a": "yes"}, annotator="anna")
    path = tmp_path / name
    write_export(path.suffix[1:], path, Export(campaign.state, pool=pool))
    assert tell_file(campaign, path).unchanged == 1


def test_a_file_without_any_line_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n")
    told = tell_file(begun(), tmp_path / "a.jsonl")
    assert (dict(told.labels), told.skipped, told.unchanged) == ({}, 0, 0)


def test_the_format_is_that_of_the_suffix_or_of_the_columns(tmp_path: Path) -> None:
    for name, format in (("a.JSONL", "jsonl"), ("a.parquet", "parquet"), ("a.json", "label_studio")):
        assert format_of(tmp_path / name) == format
    for header, format in (
        ("title,asreview_label", "asreview"),
        ("title,label,asreview_label", "asreview"),
        ("id,label", "csv"),
        ("id,label,asreview_label,token", "csv"),
        (f"id,asreview_label,{','.join(ITEM_COLUMNS)}", "csv"),
    ):
        (tmp_path / "a.csv").write_text(f"{header}\n")
        assert format_of(tmp_path / "a.csv") == format


def test_a_format_that_is_not_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"read from csv, .* asreview; received the format 'onnx'"):
        tell_file(begun(), tmp_path / "a.csv", format="onnx")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"id": 1}\n[1]\n', "1 are not:\n  line 2: it holds a list\nMend these lines"),
        ('{"id": "a", "id": "b"}\n', "line 1: the key 'id' comes twice"),
        ("{\n" * 7, "7 are not:\n  line 1: .*\n  line 2: .*\n.*\n.*\n  line 5: .*\n  and 2 more\n"),
        ('\n{"id": "a"}\n', "must have id and label for each row; received id. Add label."),
    ],
)
def test_lines_that_are_no_answers_are_listed(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    campaign = begun()
    with pytest.raises(ReaderError, match=says):
        tell_file(campaign, path)
    assert campaign.state.position == 1


def test_lines_of_anybody_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"ID": "a", "Label": ["y", "x"], "annotator": "anna", "more": {"a": 1}}\n\n'
        '{"id": "b", "label": [], "annotator": "anna"}\n{"id": "c", "label": null, "skip": "dark"}\n'
    )
    campaign = begun(SEVERAL)
    tell_file(campaign, path)
    assert campaign.state.kept == {"a": (("anna", ("x", "y")),), "b": (("anna", ()),)}
    assert campaign.state.skips == {"c": (("", "dark"),)}


@pytest.mark.parametrize("label", ['["x;y"]', '["z"]', "true", '{"x": 1}', '["x", 1]'])
def test_what_is_no_label_is_named_by_its_line(tmp_path: Path, label: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"id": "a", "label": {label}}}\n')
    campaign = begun(SEVERAL)
    with pytest.raises(LabelError, match="1 of 1 have not:\n  line 1: "):
        tell_file(campaign, path)
    assert campaign.state.position == 1


def test_a_list_is_no_class_of_a_task_with_one_class_an_item(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "a", "label": ["yes"]}\n')
    with pytest.raises(LabelError, match=re.escape("""line 1: '["yes"]' is not one of the classes""")):
        tell_file(begun(), path)


def test_a_parquet_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(ReaderError, match=r"whole parquet file is needed; received .*a\.parquet"):
        tell_file(begun(), path)
    pyarrow.parquet.write_table(pyarrow.table({"id": ["a"]}), path)
    with pytest.raises(ReaderError, match=r"must have id and label for each row; received id\. Add label"):
        tell_file(begun(), path)
    with pytest.raises(ReaderError, match="No such file"):
        tell_file(begun(), tmp_path / "b.parquet")


def test_a_parquet_file_of_anybody_is_told_by_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    columns = {"ID": ["a", "z"], "label": ["yes", "no"], "other": [{"x": 1}, None]}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    campaign = begun()
    with pytest.raises(LabelError, match="row 2: 'z' is not an id of this campaign"):
        tell_file(campaign, path)
    pyarrow.parquet.write_table(pyarrow.table({"ID": ["a"], "label": ["yes"], "annotator": ["anna"]}), path)
    tell_file(campaign, path)
    assert campaign.state.kept == {"a": (("anna", "yes"),)}


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"'pyarrow', which is not installed.*nextlabel\[data\]") as caught:
        write_export("parquet", tmp_path / "a.parquet", export(begun()))
    assert caught.value.extra == "data"


def test_answers_restored_by_an_undo_have_the_time_of_the_undo() -> None:
    campaign = begun()
    campaign.tell({"a": "no"}, annotator="anna")
    entries = [*campaign.journal(), {**campaign.journal()[1], "at": NOON + 5, "undoes": 1}]
    (one,) = statements(campaign.state, entries)["a"]
    assert one.at == NOON + 5
    assert Told.event == entries[-1]["event"]
