"""Export: what is in the columns, for items and for answers."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.export import export_answers, export_items
from nextlabel.core.task import classes
from nextlabel.errors import CampaignError
from nextlabel.readers.arrays import ArrayPool

ITEMS = np.array(["good", "=cmd", "bad", "so"], dtype=object)
POOL = ArrayPool(ITEMS, ["a", "b", "c", "d"], {"label": ["", "", "old", ""], "body": ITEMS.tolist()})


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def campaign() -> Campaign:
    made = Campaign.create(None, POOL, "sklearn", "random", classes("no", "yes"), seed=0)
    made.tell({"c": "no"}, annotator="file")
    asked = made.ask(3)
    assert set(asked.ids) == {"a", "b", "d"}
    made.tell({"b": "yes"}, annotator="anna")
    made.tell({"b": "no"}, annotator="ben")
    made.tell({"b": "yes"}, annotator="cleo")
    made.skip(["d"], annotator="anna")
    made.skip(["b"], "hard", annotator="dora")
    return made


def test_items_stand_in_the_order_of_the_data_with_what_most_say(campaign: Campaign, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    assert export_items(campaign.state, path, pool=POOL) == 3
    assert table(path) == [
        ["id", "label", "skip", "annotators", "answers", "agreeing", "arm", "batch", "item_label", "body"],
        ["b", "yes", "", "anna; ben; cleo", "3", "2", "active", "1", "", "'=cmd"],
        ["c", "no", "", "file", "1", "1", "", "", "old", "bad"],
        ["d", "", "skipped", "", "0", "0", "active", "1", "", "so"],
    ]


def test_all_items_and_raw_cells_where_wanted(campaign: Campaign, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    assert export_items(campaign.state, path, pool=POOL, is_whole=True, is_raw=True) == 4
    assert [row[-1] for row in table(path)] == ["body", "good", "=cmd", "bad", "so"]
    assert table(path)[1][:7] == ["a", "", "", "", "0", "0", "active"]


def test_without_the_data_there_are_ids_and_answers(campaign: Campaign, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    export_items(campaign.state, path)
    assert table(path)[0][-1] == "batch"


def test_answers_have_a_row_each(campaign: Campaign, tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    assert export_answers(campaign.state, path) == 6
    assert table(path) == [
        ["id", "label", "skip", "annotator"],
        ["b", "yes", "", "anna"],
        ["b", "no", "", "ben"],
        ["b", "yes", "", "cleo"],
        ["b", "", "hard", "dora"],
        ["c", "no", "", "file"],
        ["d", "", "skipped", "anna"],
    ]


def test_control_items_are_told_apart_afterwards(tmp_path: Path) -> None:
    many = ArrayPool(np.arange(500.0)[:, None], [f"i{one}" for one in range(500)])
    campaign = Campaign.create(None, many, "sklearn", "random", classes("no", "yes"), seed=0, control=0.1)
    campaign.tell(dict.fromkeys(campaign.ask(20).ids, "no"))
    export_items(campaign.state, tmp_path / "items.csv")
    arms = [row[6] for row in table(tmp_path / "items.csv")[1:]]
    assert (arms.count("active"), arms.count("control")) == (18, 2)


@pytest.mark.parametrize("write", [export_items, export_answers])
def test_files_that_are_there_stay_unless_told_otherwise(
    campaign: Campaign, tmp_path: Path, write: Callable[..., int]
) -> None:
    path = tmp_path / "items.csv"
    path.write_text("mine")
    with pytest.raises(CampaignError, match="it is there already"):
        write(campaign.state, path)
    assert path.read_text() == "mine"
    write(campaign.state, path, replace=True)
    assert table(path)[0][0] == "id"
