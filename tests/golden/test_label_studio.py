"""Label Studio: tasks as its import takes them, the interface, and exports of it that come back."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import numpy as np
import pytest

from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.export import Export, write_export
from nextlabel.campaign.formats.label_studio_config import config, object_tag
from nextlabel.campaign.formats.reading import tell_file
from nextlabel.campaign.predicting import Remembered
from nextlabel.core.task import Task, classes, multilabel
from nextlabel.errors import CampaignError, LabelError, ReaderError
from nextlabel.readers.arrays import ArrayPool, arrays

TEXTS = ["good", "bad", "so", "good"]
POOL = ArrayPool(np.array(TEXTS, dtype=object), ["a", "b", "c", "d"], {"body": TEXTS})
NOON = 1_780_000_000.25
TASK, SEVERAL = classes("no", "yes"), multilabel("x", "y")
Json = dict[str, Any]


def begun(task: Task = TASK, **changes: Any) -> Campaign:
    return Campaign.create(None, POOL, "sklearn", "random", task, seed=0, clock=lambda: NOON, **changes)


def written(campaign: Campaign, path: Path, **changes: Any) -> list[Json]:
    export = Export(campaign.state, campaign.journal(), **{"pool": POOL, **changes})
    write_export("label_studio", path, export, replace=True)
    tasks = json.loads(path.read_text("utf-8"))
    assert isinstance(tasks, list)
    return tasks


def chosen(*choices: str, name: str = "label", kind: str = "choices") -> Json:
    return {"from_name": name, "to_name": "text", "type": kind, "value": {"choices": list(choices)}}


def told(campaign: Campaign, path: Path, *tasks: Json, **options: Any) -> Campaign:
    path.write_text(json.dumps(tasks), encoding="utf-8")
    tell_file(campaign, path, **options)
    return campaign


def of(id: str, *annotations: Json) -> Json:
    return {"data": {"nextlabel_id": id}, "annotations": list(annotations)}


def test_a_task_has_its_data_annotations_and_prediction(tmp_path: Path) -> None:
    campaign = begun()
    campaign.tell({"b": "yes"}, annotator="anna", seconds=2.5)
    campaign.tell({"b": "no"}, annotator="ben")
    campaign.skip(["b"], "dark", annotator="cleo")
    guesses = Remembered(TASK, "f00", lambda id: ("yes", 0.75))
    (task,) = written(campaign, tmp_path / "t.json", predictions=guesses)
    assert task["id"] == 2
    assert task["data"] == {"body": "bad", "nextlabel_text": "bad", "nextlabel_id": "b"}
    anna, ben, cleo = task["annotations"]
    assert [one["completed_by"] for one in (anna, ben, cleo)] == [1, 2, 3]
    assert [one["meta"]["annotator"] for one in (anna, ben, cleo)] == ["anna", "ben", "cleo"]
    assert [one["was_cancelled"] for one in (anna, ben, cleo)] == [False, False, True]
    assert [one["ground_truth"] for one in (anna, ben, cleo)] == [False] * 3
    assert [one.get("lead_time") for one in (anna, ben, cleo)] == [2.5, None, None]
    assert [one["result_count"] for one in (anna, ben, cleo)] == [1, 1, 0]
    assert anna["created_at"] == "2026-05-28T20:26:40.250000Z"
    (region,) = anna["result"]
    assert {key: region[key] for key in ("from_name", "to_name", "type", "value")} == chosen("yes")
    assert isinstance(region["id"], str)
    (guess,) = task["predictions"]
    assert (guess["model_version"], guess["score"]) == ("f00", 0.75)
    assert guess["result"][0]["value"] == {"choices": ["yes"]}


def test_annotations_keep_their_ids_from_export_to_export(tmp_path: Path) -> None:
    campaign = begun()
    campaign.tell({"a": "yes", "b": "no"}, annotator="anna")
    before = [one["annotations"][0]["unique_id"] for one in written(campaign, tmp_path / "t.json")]
    campaign.tell({"c": "yes"}, annotator="anna")
    after = [one["annotations"][0]["unique_id"] for one in written(campaign, tmp_path / "t.json")]
    assert after[:2] == before
    assert len({*after}) == 3
    assert all(UUID(one).version == 5 for one in after)
    campaign.tell({"a": "no"}, annotator="anna")  # another annotation, not the one that a tool has already
    changed = [one["annotations"][0]["unique_id"] for one in written(campaign, tmp_path / "t.json")]
    assert changed[1:] == after[1:]
    assert changed[0] not in after


def test_no_class_is_an_empty_result_and_several_are_one_region(tmp_path: Path) -> None:
    campaign = begun(SEVERAL)
    campaign.tell({"a": (), "b": ("x", "y")})
    none, both = written(campaign, tmp_path / "t.json")
    assert none["annotations"][0]["result"] == []
    assert none["annotations"][0]["was_cancelled"] is False
    assert [one["value"] for one in both["annotations"][0]["result"]] == [{"choices": ["x", "y"]}]


def test_items_to_measure_by_have_no_prediction_until_they_are_released(tmp_path: Path) -> None:
    pool = ArrayPool(np.arange(500.0)[:, None], [f"i{one}" for one in range(500)])
    campaign = Campaign.create(None, pool, "sklearn", "random", TASK, seed=0, control=0.1)
    campaign.tell({campaign.state.reserve[0]: "yes"})
    guesses = Remembered(TASK, "f", lambda id: ("yes", 0.75))
    tasks = written(campaign, tmp_path / "t.json", pool=pool, predictions=guesses, is_whole=True)
    shown = {one["data"]["nextlabel_id"] for one in tasks if one["predictions"]}
    assert shown == set(campaign.state.ids) - set(campaign.state.reserve)
    campaign.release()
    tasks = written(campaign, tmp_path / "u.json", pool=pool, predictions=guesses, is_whole=True)
    assert all(one["predictions"] for one in tasks)


def test_rows_and_images_are_shown_as_what_they_are(tmp_path: Path) -> None:
    rows = ArrayPool(np.array([[1.5, 2.0]]), ["a"], names=("size", "noise"))
    images = arrays(np.zeros((1, 2, 2)), ids=["a"])
    for pool, tag, shown in (
        (rows, "Table", {"size": "1.5", "noise": "2.0"}),
        (images, "Image", "a"),
        (None, "Text", None),
    ):
        made = rows if pool is None else pool
        campaign = Campaign.create(None, made, "sklearn", "random", TASK, seed=0)
        campaign.tell({"a": "yes"})
        (task,) = written(campaign, tmp_path / "t.json", pool=pool)
        view = ElementTree.fromstring(config(TASK, object_tag(pool)))
        assert view[0].tag == tag
        assert task["data"].get(view[0].attrib["value"][1:]) == shown
        assert task["annotations"][0]["result"][0]["to_name"] == view[0].attrib["name"]
        assert view[1].attrib["toName"] == view[0].attrib["name"]


def test_the_interface_holds_any_class_that_xml_can_hold(tmp_path: Path) -> None:
    names = ('say "hi" & <b>', "a\nb", "👩‍👩‍👧‍👦", "שלום", " x ")
    view = ElementTree.fromstring(config(classes(*names), "text"))
    assert [one.attrib["value"] for one in view[1]] == list(names)
    assert view[1].attrib["choice"] == "single"
    assert ElementTree.fromstring(config(SEVERAL, "text"))[1].attrib["choice"] == "multiple"
    with pytest.raises(CampaignError, match=r"the class 'a\\x01b' has one. Rename it first"):
        config(classes("a\x01b"), "text")


def test_an_export_of_another_project_is_matched_by_content_and_order(tmp_path: Path) -> None:
    by = {"completed_by": {"email": "anna@b"}, "result": [chosen("yes", name="mood")]}
    tasks = [{"data": {"text": "good"}, "annotations": [by]}] * 2
    campaign = told(begun(), tmp_path / "t.json", *tasks, pool=lambda: POOL)
    assert campaign.state.kept == {"a": (("anna@b", "yes"),), "d": (("anna@b", "yes"),)}


def test_people_have_the_names_that_the_file_gives(tmp_path: Path) -> None:
    people: tuple[Json, ...] = (
        {"meta": {"annotator": "anna"}, "completed_by": 1},
        {"completed_by": 7},
        {"completed_by": {"username": "ben"}},
        {"completed_by": {"id": 3}},
        {},
    )
    annotations = [{**one, "result": [chosen("yes")]} for one in people]
    campaign = told(begun(), tmp_path / "t.json", of("a", *annotations))
    names = ["anna", "label-studio-7", "ben", "label-studio-3", ""]
    assert list(campaign.state.answers("a")) == names
    campaign = told(begun(), tmp_path / "t.json", of("a", annotations[1]), annotator="dora")
    assert list(campaign.state.answers("a")) == ["dora"]


def test_cancelled_is_skipped_and_nothing_chosen_is_left_for_later(tmp_path: Path) -> None:
    skipped = {"was_cancelled": True, "result": [chosen("yes")], "meta": {"skip": "dark"}}
    tasks = (of("a", skipped), of("b", {"result": []}), of("c", {"was_cancelled": True}))
    campaign = told(begun(), tmp_path / "t.json", *tasks)
    assert campaign.state.skipped == {"a": "dark", "c": "skipped"}
    assert not campaign.state.kept
    assert told(begun(SEVERAL), tmp_path / "t.json", of("b", {"result": []})).state.labels() == {"b": ()}


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (of("z", {"result": []}), "task 2: no item of this campaign has its id or its content"),
        ({"data": "good", "annotations": [{}]}, "task 2: no item of this campaign"),
        (
            of("a", {"result": [chosen("yes", kind="taxonomy")]}),
            "a region is of the type 'taxonomy', and only",
        ),
        (of("a", {"result": [chosen("yes"), chosen("no")]}), "an annotation has 2 regions of choices"),
        (of("a", {"result": [chosen("yes", "no")]}), r"one class, and 2 were chosen \(yes, no\)"),
        (of("a", {"result": [{**chosen(), "value": {"choices": "yes"}}]}), "list of texts; received 'yes'"),
        (of("a", {"result": [{**chosen(), "value": 3}]}), "list of texts; received None"),
        ({"data": {"nextlabel_id": "a"}, "annotations": [3]}, "task 2: an annotation is int"),
    ],
)
def test_tasks_that_cannot_be_told_are_named_and_nothing_is(tmp_path: Path, task: Json, says: str) -> None:
    campaign = begun()
    with pytest.raises(
        LabelError, match=rf"1 of 2 are not:\n  {says if says[:4] == 'task' else f'task 2: .*{says}'}"
    ):
        told(campaign, tmp_path / "t.json", of("b", {"result": [chosen("yes")]}), task)
    assert campaign.state.position == 1


def test_of_many_bad_tasks_ten_are_listed(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"12 of 12 are not:\n(  task .*\n){10}  and 2 more\nMend"):
        told(begun(), tmp_path / "t.json", *[of("z", {"result": []})] * 12)


def test_a_class_that_is_not_there_is_named_by_its_task(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="task 1: 'perhaps' is not one of the classes"):
        told(begun(), tmp_path / "t.json", of("a", {"result": [chosen("perhaps")]}))
    with pytest.raises(LabelError, match="task 1: 'z' is not one of the classes"):
        told(begun(SEVERAL), tmp_path / "t.json", of("a", {"result": [chosen("x", "z")]}))


def test_two_answers_of_one_person_to_one_item_are_refused(tmp_path: Path) -> None:
    twice = [{"completed_by": 7, "result": [chosen(one)]} for one in ("yes", "no")]
    with pytest.raises(LabelError, match="task 1: 'label-studio-7' has several annotations"):
        told(begun(), tmp_path / "t.json", of("a", *twice))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[", "must be JSON; it cannot be read: Expecting value"),
        ("[" * 100_000, "must be JSON; it cannot be read: "),
        ("\xff", "must be JSON; it cannot be read: "),
        ('{"a": 1}', "must be a list of tasks with annotations; received dict"),
        (
            '[{"text": "a", "label": "yes"}]',
            "received tasks without annotations. Export it from Label Studio",
        ),
    ],
)
def test_files_that_are_no_tasks_are_refused(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "t.json").write_text(content, encoding="latin-1")
    with pytest.raises(ReaderError, match=says):
        tell_file(begun(), tmp_path / "t.json")
    with pytest.raises(
        ReaderError, match=r"must be a file that can be read; the system says: .*No such file"
    ):
        tell_file(begun(), tmp_path / "u.json")


def test_of_several_sets_of_choices_the_one_called_label_is_read(tmp_path: Path) -> None:
    both = {"result": [chosen("no", name="other"), chosen("yes")]}
    assert told(begun(), tmp_path / "t.json", of("a", both)).state.labels() == {"a": "yes"}
    other = {"result": [chosen("no", name="one"), chosen("yes", name="two")]}
    with pytest.raises(
        ReaderError, match=r"one that is called 'label'; received 'one', 'two'. Take the others"
    ):
        told(begun(), tmp_path / "t.json", of("a", other))
