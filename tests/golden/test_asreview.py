"""ASReview: its columns, which class is relevant, and decisions that come back."""

import csv
from pathlib import Path

import numpy as np
import pytest

from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.export import Export, write_export
from nextlabel.campaign.formats.asreview import relevant
from nextlabel.campaign.formats.matching import Matching
from nextlabel.campaign.formats.reading import tell_file
from nextlabel.core.spec import Spec
from nextlabel.core.task import Task, classes, multilabel
from nextlabel.errors import LabelError, ParameterError, ReaderError
from nextlabel.readers.arrays import ArrayPool

TITLES = ["On cats", "=On dogs", "On cats", "On mice"]
COLUMNS = {"Title": TITLES, "doi": ["1", "2", "3", "4"], "asreview_label": ["1", "", "", ""]}
SOURCE = Spec("csv", {"path": "papers.csv", "text": "Title"})
POOL = ArrayPool(np.array(TITLES, dtype=object), ["a", "b", "c", "d"], COLUMNS, SOURCE)
NOON = 1_780_000_000.0
TASK = classes("irrelevant", "relevant")


def begun(task: Task = TASK) -> Campaign:
    return Campaign.create(None, POOL, "sklearn", "random", task, seed=0, clock=lambda: NOON)


def test_the_columns_are_those_of_the_data_and_then_its_own(tmp_path: Path) -> None:
    campaign = begun()
    campaign.tell({"a": "relevant", "b": "irrelevant"}, annotator="anna")
    campaign.tell({"b": "irrelevant"}, annotator="ben")
    campaign.skip(["d"], "dark", annotator="anna")
    campaign.note("see page 3", ["a"], author="anna")
    campaign.note("", ["a"], author="anna")
    export = Export(campaign.state, campaign.journal(), POOL, is_whole=True)
    assert write_export("asreview", tmp_path / "a.csv", export) == 4
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    said = ["asreview_label", "asreview_time", "asreview_note", "asreview_user_name"]
    assert rows == [
        ["Title", "doi", "nextlabel_id", *said],
        ["On cats", "1", "a", "1", "2026-05-28 20:26:40", "see page 3", "anna"],
        ["'=On dogs", "2", "b", "0", "2026-05-28 20:26:40", "", "anna; ben"],
        ["On cats", "3", "c", "", "", "", ""],
        ["On mice", "4", "d", "", "", "", ""],
    ]


def test_the_relevant_class_is_named_or_called_so() -> None:
    assert relevant(TASK, None) == ("relevant", "irrelevant")
    assert relevant(classes("Included", "excluded"), None) == ("Included", "excluded")
    assert relevant(classes("a", "b"), "b") == ("b", "a")
    with pytest.raises(ParameterError, match=r"must be a or b; received none. Name it: --positive a"):
        relevant(classes("a", "b"), None)
    with pytest.raises(ParameterError, match=r"must be a or b; received 'c'. Name it: --positive a"):
        relevant(classes("a", "b"), "c")
    with pytest.raises(ParameterError, match=r"this campaign has a, b, c. Use another format"):
        relevant(classes("a", "b", "c"), None)
    with pytest.raises(ParameterError, match=r"this campaign has a, b, several an item. Use another"):
        relevant(multilabel("a", "b"), None)


@pytest.mark.parametrize("column", ["asreview_label", "included", "label_included"])
def test_decisions_are_told_by_content_equal_items_in_their_order(tmp_path: Path, column: str) -> None:
    (tmp_path / "a.csv").write_text(
        f"title,{column},asreview_user_name\nOn mice,1.0,anna\nOn cats,0,anna; ben\nOn cats,1,\n"
        "Of another file,,\n=On dogs,-1,\n"
    )
    campaign = begun()
    tell_file(campaign, tmp_path / "a.csv", format="asreview", pool=lambda: POOL)
    assert campaign.state.kept == {
        "d": (("anna", "relevant"),),
        "a": (("", "irrelevant"),),
        "c": (("", "relevant"),),
    }
    named = begun()
    tell_file(named, tmp_path / "a.csv", format="asreview", pool=lambda: POOL, annotator="eve")
    assert {name for id in named.state.kept for name in named.state.answers(id)} == {"eve"}


def test_rows_that_cannot_be_told_are_listed_and_nothing_is(tmp_path: Path) -> None:
    campaign = begun()
    rows = ["title,asreview_label", "On mice,1", "On birds,0", "On cats,2", *["On fish,1"] * 10]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    with pytest.raises(LabelError) as caught:
        tell_file(campaign, tmp_path / "a.csv", pool=lambda: POOL)
    said = str(caught.value)
    assert "1 or 0; 12 are not:\n  line 3: no item of this campaign has its id or its content\n" in said
    assert "\n  line 4: '2' is neither 1 nor 0 nor nothing\n" in said
    assert "\n  and 2 more\nMend these rows" in said
    assert campaign.state.position == 1


def test_a_file_without_decisions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("title,other\nOn mice,1\n")
    with pytest.raises(ReaderError, match=r"one of the columns asreview_label, included, .*; it has none"):
        tell_file(begun(), tmp_path / "a.csv", format="asreview")


def test_a_record_is_found_by_id_then_by_the_column_of_ids_then_by_content() -> None:
    source = Spec("csv", {"path": "papers.csv", "text": "Title", "id": "DOI"})
    pool = ArrayPool(POOL.items, ["1", "2", "3", "4"], {**COLUMNS, "DOI": ["1", "2", "3", "4"]}, source)
    state = Campaign.create(None, pool, "sklearn", "random", TASK, seed=0).state
    bare = Matching(state)
    assert bare.id({"NextLabel_ID ": "2", "doi": "3"}) == "2"
    assert bare.id({"nextlabel_id": "9", "doi": 3}) == "3"
    assert bare.id({"title": "On mice"}) is None  # without the data nobody knows
    whole = Matching(state, lambda: pool)
    assert whole.id({"TITLE": "On mice"}) == whole.id({"text": "On mice"}) == "4"
    assert [whole.id({"title": "On cats"}) for _ in range(3)] == ["1", "3", "3"]
    assert whole.id({"title": None}) is None
    assert whole.id({"author": "On mice"}) is None


def test_images_have_no_content_to_be_found_by() -> None:
    pool = ArrayPool(np.zeros((2, 3, 3)), ["a", "b"])
    state = Campaign.create(None, pool, "sklearn", "random", TASK, seed=0).state
    assert Matching(state, lambda: pool).id({"title": "a"}) is None
