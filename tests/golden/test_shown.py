"""What sheets show of items."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextlabel.campaign.answers import tell_sheet
from nextlabel.campaign.batch_sheet import guarded, unguarded, write_batch
from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.shown import shown
from nextlabel.core.spec import Spec
from nextlabel.core.task import classes
from nextlabel.readers.arrays import ArrayPool, arrays

TEXTS = ArrayPool(
    np.array(["good", "bad"], dtype=object),
    ["a", "b"],
    {"key": ["a", "b"], "body": ["good", "bad"], "Label": ["", "no"], "page": ["1", "2"]},
    Spec("csv", {"path": "reviews.csv", "id": "key", "text": "body", "label": "Label"}),
)
ROWS = ArrayPool(
    np.array([[1.5, None], ["x", float("nan")]], dtype=object), ["a", "b"], names=("id", "item_id")
)


def test_texts_are_shown_alone_or_with_all_columns() -> None:
    assert shown(TEXTS, taken=("id",)).header == ("body",)
    whole = shown(TEXTS, taken=("id",), is_whole=True)
    assert whole.header == ("body", "page")  # ids and labels are columns of the sheet itself
    assert whole.cells("b") == ["bad", "2"]


def test_texts_without_a_source_have_a_name() -> None:
    pool = ArrayPool(np.array(["good"], dtype=object), ["a"])
    assert shown(pool, taken=(), is_whole=True).header == ("text",)
    assert shown(pool, taken=()).cells("a") == ["good"]


def test_rows_without_columns_are_written_from_their_values() -> None:
    rows = shown(ROWS, taken=("id", "label"))
    assert rows.header == ("item_id", "item_item_id")  # the name is taken, and so is the next one
    assert rows.cells("a") == ["1.5", ""]
    assert rows.cells("b") == ["x", ""]


@pytest.mark.parametrize("items", [np.zeros((2, 3)), np.zeros((2, 4, 4))])
def test_images_and_rows_without_names_show_nothing(items: np.ndarray) -> None:
    assert shown(arrays(items), taken=()).header == ()


def test_an_item_that_has_gone_has_empty_cells() -> None:
    assert shown(TEXTS, taken=()).cells("z") == [""]


def test_a_batch_has_empty_cells_for_answers_and_its_token_in_each_row(tmp_path: Path) -> None:
    path = tmp_path / "batch.csv"
    write_batch(path, ["b", "a"], "t0", TEXTS)
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [
            ["id", "label", "skip", "body", "token"],
            ["b", "", "", "bad", "q-t0"],
            ["a", "", "", "good", "q-t0"],
        ]


CHANGED = ["00123", "34e17", "1234567890123456", "1.10", "1-2", "2024-01-05", "1/2", "12:30", "-5", "50%"]
CHANGED += ["SEPT2", "march-1", "3 mar 2024", "5 pm", "TRUE", "false", "1 1/2"]


@pytest.mark.parametrize("id", CHANGED)
def test_ids_that_a_spreadsheet_would_change_are_guarded(id: str) -> None:
    assert guarded(id) == f"'{id}"
    assert guarded(f"'{id}") == f"''{id}"


@pytest.mark.parametrize(
    "id", ["0", "12", "999999999999999", "r12", "73e88ae335f559cd", "may", "a-1", "--", ""]
)
def test_other_ids_are_left(id: str) -> None:
    assert guarded(id) == id


@given(st.text(alphabet="'0123e.-/ mayt", max_size=7))
def test_every_id_comes_back(id: str) -> None:
    assert unguarded(guarded(id)) == id


def test_guarded_ids_are_told_back(tmp_path: Path) -> None:
    ids = ["00123", "'00123", "-1.50", "''-1.50", "=1-2", "1-2"]
    pool = arrays(np.zeros((6, 1)), ids=ids)
    with Campaign.create(None, pool, "sklearn", "random", classes("x", "y"), seed=0) as campaign:
        query = campaign.ask(6)
        write_batch(tmp_path / "batch.csv", query.ids, query.token, pool)
        text = (tmp_path / "batch.csv").read_text(encoding="utf-8-sig")
        (tmp_path / "batch.csv").write_text(text.replace(",,,", ",x,,"), encoding="utf-8")
        assert tell_sheet(campaign, tmp_path / "batch.csv").labels == {"x": 6}
        assert sorted(campaign.state.kept) == sorted(ids)
