"""Export, then telling what was exported to a new campaign over the same items, is the identity."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nextlabel.campaign.answers import tell_sheet
from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.export import export_answers, export_items
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
