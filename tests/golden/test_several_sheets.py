"""Sheets of items that may have several classes: written, filled in, told, told again."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextlabel.campaign.answers import Told, tell_sheet
from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.label_cells import LabelCells, cell_form
from nextlabel.campaign.sheets import write_sheet
from nextlabel.core.task import Task, classes, multilabel
from nextlabel.errors import LabelError
from nextlabel.readers.arrays import arrays

TASK = multilabel("cat", "dog", "=Bird")


def made(task: Task = TASK) -> Campaign:
    return Campaign.create(None, arrays(np.arange(12.0).reshape(6, 2)), "sklearn", "random", task, seed=0)


def sheet(path: Path, *lines: str, header: str = "id,label,skip,annotator") -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_cells_hold_several_classes_none_or_no_answer(tmp_path: Path) -> None:
    campaign = made()
    path = sheet(
        tmp_path / "a.csv", "0,dog; CAT,,", "1,(None),,", "2,,,", "3,=bird,,", "4,,dark,", "5,cat;;cat,,"
    )
    told = tell_sheet(campaign, path, annotator="anna")
    assert told == Told({"cat; dog": 1, "(none)": 1, "=Bird": 1, "cat": 1}, 1, 0, (), 1)
    assert campaign.state.labels() == {"0": ("cat", "dog"), "1": (), "3": ("=Bird",), "5": ("cat",)}
    assert campaign.state.skipped == {"4": "dark"}


def test_telling_again_changes_nothing_whatever_the_order_in_the_cell(tmp_path: Path) -> None:
    campaign = made()
    tell_sheet(campaign, sheet(tmp_path / "a.csv", "0,cat; dog,,", "1,(none),,"))
    before = campaign.state.position
    again = sheet(tmp_path / "b.csv", "0,dog;cat,,", "1,(none),,")
    assert tell_sheet(campaign, again) == Told({}, 0, 2, (), 0)
    assert campaign.state.position == before


def test_an_old_row_does_not_bring_an_old_answer_back(tmp_path: Path) -> None:
    campaign = made()
    old = sheet(tmp_path / "a.csv", "0,dog; cat,,", "1,(none),,", "2,=Bird;cat,,")
    tell_sheet(campaign, old)
    campaign.tell({"0": ["dog"], "1": ["cat"], "2": []})
    assert tell_sheet(campaign, old) == Told({}, 0, 0, ("0", "1", "2"), 0)
    assert campaign.state.labels() == {"0": ("dog",), "1": ("cat",), "2": ()}
    campaign.revise(["=Bird", "pet"], {"cat": "pet", "dog": "pet"})
    assert tell_sheet(campaign, old).kept == ("1", "2")  # a dog is a pet now, and so are dog and cat
    told = tell_sheet(campaign, old, is_again=True)
    assert told.labels == {"(none)": 1, "=Bird; pet": 1}


def test_an_empty_cell_takes_nothing_back_and_says_what_stands(tmp_path: Path) -> None:
    campaign = made()
    campaign.tell({"0": []})
    assert tell_sheet(campaign, sheet(tmp_path / "a.csv", "0,,,")).standing == ("0",)


def test_old_names_are_read_as_classes_are_called_now(tmp_path: Path) -> None:
    campaign = made()
    campaign.revise(["cat", "hound", "=Bird"], {"dog": "hound"})
    tell_sheet(campaign, sheet(tmp_path / "a.csv", "0,Dog; cat,,"))
    assert campaign.state.label("0") == ("cat", "hound")
    assert LabelCells(campaign.state).words("Dog;cat") == ("cat", "dog")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("0,cat; catt,,", "line 2: 'catt' is not one of the classes (did you mean 'cat'?)"),
        ("0,cat dog,,", "line 2: 'cat dog' is not one of the classes"),
        ("0,;,,", "line 2: ';' is not one of the classes"),
        ("0,(none); cat,,", "line 2: '(none)' is not one of the classes"),
        ("0,(none),dark,", "line 2: it has the label '(none)' and is skipped ('dark') at once"),
        ("0,cat; dog,dark,", "line 2: it has the label 'cat; dog' and is skipped ('dark') at once"),
        ("9,(none),,", "line 2: '9' is not an id of this campaign"),
    ],
)
def test_a_row_that_makes_no_sense_is_named_and_nothing_is_told(tmp_path: Path, row: str, says: str) -> None:
    campaign = made()
    expected = (
        "classes of its task (cat, dog, =Bird), with ';' between several and '(none)' where none applies"
    )
    with pytest.raises(LabelError) as raised:
        tell_sheet(campaign, sheet(tmp_path / "a.csv", row, "1,cat,,"))
    assert says in str(raised.value)
    assert f"an id of the campaign and {expected}; 1 of 2 have not" in str(raised.value)
    assert len(campaign.journal()) == 1


def test_a_sheet_of_items_comes_back_with_one_row_changed(tmp_path: Path) -> None:
    campaign = made()
    campaign.tell({"0": ["cat", "dog"], "1": [], "2": ["=Bird"]}, annotator="anna")
    path, labels = tmp_path / "items.csv", campaign.state.labels()
    rows = [[id, TASK.text(label), "", "anna"] for id, label in labels.items()]
    write_sheet(path, ["id", "label", "skip", "annotators"], rows)
    assert [row[:2] for row in cells(path)[1:]] == [["0", "cat; dog"], ["1", "(none)"], ["2", "'=Bird"]]
    assert tell_sheet(campaign, path) == Told({}, 0, 3, (), 0)
    rows[1][1] = "cat"
    write_sheet(path, ["id", "label", "skip", "annotators"], rows, replace=True)
    assert tell_sheet(campaign, path).labels == {"cat": 1}
    assert campaign.state.answers("1") == {"anna": ("cat",)}
    rows[0][1] = "(none)"
    write_sheet(path, ["id", "label", "skip", "annotators"], rows, replace=True)
    assert tell_sheet(campaign, path).labels == {"(none)": 1}
    assert campaign.state.answers("0") == {"anna": ()}


def test_the_form_of_a_cell_is_said_for_both_kinds() -> None:
    assert cell_form(classes("a", "b")) == "one of its classes (a, b)"
    assert re.search(r"\(cat, dog, =Bird\), with ';'", cell_form(TASK))


people = st.sampled_from(["", "anna", "ben"])
answers = st.lists(st.tuples(st.integers(0, 5), st.sets(st.sampled_from(TASK.classes)), people), max_size=12)


@given(answers, st.lists(st.tuples(st.integers(0, 5), people), max_size=3))
def test_answers_on_a_sheet_told_to_a_new_campaign_are_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    told: list[tuple[int, set[str], str]],
    skipped: list[tuple[int, str]],
) -> None:
    before, after = made(), made()
    for number, label, who in told:
        before.tell({str(number): label}, annotator=who)
    for number, who in skipped:
        before.skip([str(number)], "dark", annotator=who)
    path = tmp_path_factory.mktemp("sheets") / "answers.csv"
    rows = []
    for id in before.state.ids:
        rows += [[id, TASK.text(label), "", who] for who, label in before.state.answers(id).items()]
        rows += [[id, "", "dark", who] for who, _ in before.state.skips.get(id, ())]
    write_sheet(path, ["id", "label", "skip", "annotator"], rows)
    tell_sheet(after, path)
    for id in before.state.ids:
        assert after.state.answers(id) == before.state.answers(id)
        assert list(after.state.answers(id)) == list(before.state.answers(id))
        assert after.state.label(id) == before.state.label(id)
        assert dict(after.state.skips.get(id, ())) == dict(before.state.skips.get(id, ()))
