"""Export, then telling what was exported, is the identity: to this campaign or a new one, in every format."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nextlabel.campaign.answers import Told, tell_sheet
from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.export import Export, write_export
from nextlabel.campaign.formats.reading import tell_file
from nextlabel.campaign.sheets import original
from nextlabel.campaign.state import State
from nextlabel.core.spec import Spec
from nextlabel.core.task import Label, Task, classes, multilabel
from nextlabel.readers.arrays import ArrayPool

CLASSES = ("=yes", "no", "'=yes", "maybe, or not", "数\n字")
SEVERAL = ("=yes", "no", "maybe, or not", "👩‍👩‍👧", "שלום")
TASKS = {"class": classes(*CLASSES), "classes": multilabel(*SEVERAL)}
ANNOTATORS = ("", "anna", "ben", "-cleo")
NASTY = st.sampled_from(
    [
        'say "hi"',
        "a\nb",
        "a\r\nb",
        "👩‍👩‍👧‍👦",
        "‮שלום‬",
        "=cmd|' /C calc'!A0",
        "+1+x",
        "'tis",
        "x;y",
        "\t",
        "1e5",
    ]
)
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6) | NASTY
IDS = st.lists(CELLS.filter(str.strip), min_size=1, max_size=6, unique_by=(str.strip, str))
KEY = "Key"
OURS = ["label", "Label ", "annotator", "skip", "id", "by", "nextlabel_label", "nextlabel_id", "probability"]
TITLES = st.lists(
    st.sampled_from([*OURS, KEY, "key ", "token", "annotators", "asreview_label", "body", "a;b", "=x"]),
    max_size=6,
    unique=True,
)
ANSWERS = ("answers.csv", "answers.jsonl", "answers.parquet", "tasks.json")
ITEMS = ("items.csv", "items.jsonl", "items.parquet")
Said = Sequence[tuple[int, str, int | None]]
SAID = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(ANNOTATORS), st.none() | st.integers(0, 31)), max_size=20
)
quick = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])


def pool_of(ids: Sequence[str], titles: Sequence[str] = ()) -> ArrayPool:
    """A pool whose items are named by the column Key, where it is among the titles."""
    columns = {title: [id if title == KEY else f"{title}{id}" for id in ids] for title in titles}
    source = Spec("csv", {"path": "nowhere.csv", "id": KEY}) if KEY in titles else None
    return ArrayPool(np.zeros((len(ids), 1)), ids, columns, source)


def begun(ids: Sequence[str], task: Task, titles: Sequence[str] = ()) -> Campaign:
    return Campaign.create(None, pool_of(ids, titles), "sklearn", "random", task, seed=0)


def label_of(task: Task, number: int) -> Label:
    if task.is_several:
        return tuple(name for place, name in enumerate(task.classes) if number >> place & 1)
    return task.classes[number % len(task.classes)]


def filled(ids: Sequence[str], said: Said, task: Task, titles: Sequence[str] = ()) -> Campaign:
    campaign = begun(ids, task, titles)
    for place, annotator, number in said:
        id = ids[place % len(ids)]
        if number is None:
            campaign.skip([id], "why", annotator=annotator)
        else:
            campaign.tell({id: label_of(task, number)}, annotator=annotator)
    return campaign


def exported(campaign: Campaign, path: Path, titles: Sequence[str] = (), *, is_whole: bool = False) -> None:
    pool = pool_of(campaign.state.ids, titles)
    export = Export(campaign.state, campaign.journal(), pool, is_whole=is_whole)
    form = "label_studio" if path.suffix == ".json" else path.stem.partition(".")[0]
    form = path.suffix[1:] if form == "items" else form
    write_export(form, path, export)


def again(ids: Sequence[str], path: Path, task: Task, titles: Sequence[str] = ()) -> State:
    campaign = begun(ids, task, titles)
    tell_file(campaign, path)
    position = campaign.state.position
    tell_file(campaign, path)  # changes nothing
    assert campaign.state.position == position
    return campaign.state


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("name", ANSWERS)
@quick
@given(ids=IDS, said=SAID)
def test_answers_come_back_as_they_were_and_in_their_order(
    kind: str, name: str, ids: Sequence[str], said: Said
) -> None:
    before = filled(ids, said, TASKS[kind])
    with TemporaryDirectory() as folder:
        exported(before, Path(folder) / name)
        after = again(ids, Path(folder) / name, TASKS[kind])
    assert dict(after.kept) == dict(before.state.kept)
    assert [before.state.label(id) for id in ids] == [after.label(id) for id in ids]
    assert {id: set(skips) for id, skips in after.skips.items()} == {
        id: set(skips) for id, skips in before.state.skips.items()
    }


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("name", ITEMS)
@quick
@given(ids=IDS, said=SAID, titles=TITLES)
def test_labels_of_items_come_back_whatever_the_columns_of_the_data_are_called(
    kind: str, name: str, ids: Sequence[str], said: Said, titles: Sequence[str]
) -> None:
    before = filled(ids, said, TASKS[kind], titles)
    with TemporaryDirectory() as folder:
        exported(before, Path(folder) / name, titles, is_whole=True)
        after = again(ids, Path(folder) / name, TASKS[kind], titles)
    assert [before.state.label(id) for id in ids] == [after.label(id) for id in ids]
    assert sorted(after.skipped) == sorted(before.state.skipped)


@pytest.mark.parametrize("kind", TASKS)
@quick
@given(ids=IDS, said=SAID, is_whole=st.booleans())
def test_telling_an_export_back_tells_nothing(
    kind: str, ids: Sequence[str], said: Said, is_whole: bool
) -> None:
    campaign = filled(ids, said, TASKS[kind])
    before = campaign.state
    with TemporaryDirectory() as folder:
        told = []
        for name in (*ITEMS, *ANSWERS):
            exported(campaign, Path(folder) / name, is_whole=is_whole)
            told.append(tell_file(campaign, Path(folder) / name))
    assert campaign.refresh().position == before.position
    assert {(sum(one.labels.values()), one.skipped, one.kept) for one in told} == {(0, 0, ())}


@settings(max_examples=40)
@given(IDS, st.sampled_from(ANNOTATORS), st.data())
def test_one_row_mended_in_an_export_is_one_answer_of_who_gave_it(
    ids: Sequence[str], annotator: str, data: st.DataObject
) -> None:
    campaign = begun(ids, TASKS["class"])
    campaign.tell(dict.fromkeys(ids, "no"), annotator=annotator)
    mended = data.draw(st.sampled_from(ids))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "items.csv"
        exported(campaign, path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
        for row in rows[1:]:
            row[1] = "maybe, or not" if original(row[0]) == mended else row[1]
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        told = tell_sheet(campaign, path)
    assert told == Told({"maybe, or not": 1}, skipped=0, unchanged=len(ids) - 1, kept=(), later=0)
    assert campaign.state.answers(mended) == {annotator: "maybe, or not"}


@settings(max_examples=40)
@given(
    texts=st.lists(CELLS, min_size=1, max_size=6),
    said=st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=10),
    with_ids=st.booleans(),
)
def test_decisions_come_back_from_asreview_by_id_and_by_content(
    texts: Sequence[str], said: Sequence[tuple[int, bool]], with_ids: bool
) -> None:
    ids = [f"i{place}" for place in range(len(texts))]
    pool = ArrayPool(
        np.array(texts, dtype=object),
        ids,
        {"title": texts},
        Spec("csv", {"path": "papers.csv", "text": "title"}),
    )
    task = classes("irrelevant", "relevant")
    before, after = (Campaign.create(None, pool, "sklearn", "random", task, seed=0) for _ in range(2))
    for place, is_relevant in said:
        before.tell({ids[place % len(ids)]: task.classes[is_relevant]}, annotator="anna")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "papers.csv"
        write_export("asreview", path, Export(before.state, before.journal(), pool, is_whole=True))
        if not with_ids:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = [[row[0], *row[2:]] for row in csv.reader(file)]
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(rows)
        tell_file(after, path, pool=lambda: pool)
    if with_ids or len({*texts}) == len(texts):
        assert after.state.labels() == before.state.labels()


def test_a_task_file_without_our_ids_is_matched_by_content(tmp_path: Path) -> None:
    texts = ["good", "bad", "good"]
    pool = ArrayPool(
        np.array(texts, dtype=object),
        ["a", "b", "c"],
        {"body": texts},
        Spec("csv", {"path": "r.csv", "text": "body"}),
    )
    campaign = Campaign.create(None, pool, "sklearn", "random", classes("no", "yes"), seed=0)
    region = {"from_name": "sentiment", "to_name": "t", "type": "choices", "value": {"choices": ["yes"]}}
    tasks = [
        {"data": {"body": "bad"}, "annotations": [{"completed_by": 7, "result": [region]}]},
        {"data": {"text": "good"}, "annotations": [{"completed_by": {"email": "a@b"}, "result": [region]}]},
        {"data": {"Body": "good"}, "annotations": [{"was_cancelled": True, "result": []}]},
        {"data": {"body": "unknown"}, "annotations": []},
    ]
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps(tasks))
    tell_file(campaign, path, pool=lambda: pool)
    assert campaign.state.kept == {"b": (("label-studio-7", "yes"),), "a": (("a@b", "yes"),)}
    assert campaign.state.skips == {"c": (("", "skipped"),)}
