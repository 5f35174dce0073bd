"""Export, then telling what was exported, is the identity: to this campaign, or to a new one."""

import csv
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nextlabel.campaign.answers import Told, tell_sheet
from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.export import export_answers, export_items
from nextlabel.campaign.sheets import original
from nextlabel.campaign.state import State
from nextlabel.core.task import classes
from nextlabel.readers.arrays import arrays

CLASSES = ("=yes", "no", "'=yes", "maybe, or not", "数\n字")
ANNOTATORS = ("", "anna", "ben", "-cleo")
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6)
IDS = st.lists(CELLS.filter(str.strip), min_size=1, max_size=6, unique_by=(str.strip, str))

Said = Sequence[tuple[int, str, str | None]]
SAID = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(ANNOTATORS), st.sampled_from((*CLASSES, None))), max_size=20
)


def begun(ids: Sequence[str]) -> Campaign:
    pool = arrays(np.zeros((len(ids), 1)), ids=ids)
    return Campaign.create(None, pool, "sklearn", "random", classes(*CLASSES), seed=0)


def filled(ids: Sequence[str], said: Said) -> Campaign:
    campaign = begun(ids)
    for place, annotator, label in said:
        id = ids[place % len(ids)]
        if label is None:
            campaign.skip([id], "why", annotator=annotator)
        else:
            campaign.tell({id: label}, annotator=annotator)
    return campaign


def again(ids: Sequence[str], path: Path) -> State:
    campaign = begun(ids)
    tell_sheet(campaign, path)
    position = campaign.state.position
    tell_sheet(campaign, path)  # changes nothing
    assert campaign.state.position == position
    return campaign.state


@settings(max_examples=40)
@given(IDS, SAID)
def test_answers_come_back_as_they_were_and_in_their_order(ids: Sequence[str], said: Said) -> None:
    before = filled(ids, said).state
    with TemporaryDirectory() as folder:
        path = Path(folder) / "answers.csv"
        export_answers(before, path)
        after = again(ids, path)
    assert dict(after.kept) == dict(before.kept)
    assert [before.label(id) for id in ids] == [after.label(id) for id in ids]
    assert sorted(after.skipped) == sorted(before.skipped)


@settings(max_examples=40)
@given(IDS, SAID)
def test_labels_of_items_come_back_as_they_were(ids: Sequence[str], said: Said) -> None:
    before = filled(ids, said).state
    with TemporaryDirectory() as folder:
        path = Path(folder) / "items.csv"
        export_items(before, path, is_whole=True)
        after = again(ids, path)
    assert [before.label(id) for id in ids] == [after.label(id) for id in ids]
    assert sorted(after.skipped) == sorted(before.skipped)


@settings(max_examples=40)
@given(IDS, SAID, st.booleans())
def test_telling_an_export_back_tells_nothing(ids: Sequence[str], said: Said, is_whole: bool) -> None:
    campaign = filled(ids, said)
    before = campaign.state
    with TemporaryDirectory() as folder:
        items, answers = Path(folder) / "items.csv", Path(folder) / "answers.csv"
        export_items(before, items, is_whole=is_whole)
        export_answers(before, answers)
        told = [tell_sheet(campaign, path) for path in (items, answers)]
    assert campaign.refresh().position == before.position
    assert [(sum(one.labels.values()), one.skipped, one.kept) for one in told] == [(0, 0, ())] * 2


@settings(max_examples=40)
@given(IDS, st.sampled_from(ANNOTATORS), st.data())
def test_one_row_mended_in_an_export_is_one_answer_of_who_gave_it(
    ids: Sequence[str], annotator: str, data: st.DataObject
) -> None:
    campaign = begun(ids)
    campaign.tell(dict.fromkeys(ids, "no"), annotator=annotator)
    mended = data.draw(st.sampled_from(ids))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "items.csv"
        export_items(campaign.state, path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
        for row in rows[1:]:
            row[1] = "maybe, or not" if original(row[0]) == mended else row[1]
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        told = tell_sheet(campaign, path)
    assert told == Told({"maybe, or not": 1}, skipped=0, unchanged=len(ids) - 1, kept=(), later=0)
    assert campaign.state.answers(mended) == {annotator: "maybe, or not"}
