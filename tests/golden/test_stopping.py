"""Advice on when to stop: what 100 labels changed, a stop set of its own, and a file that may be lost."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nextlabel.campaign.events import Created, Extended, Revised
from nextlabel.campaign.folding import fold
from nextlabel.campaign.state import State
from nextlabel.core.task import Label
from nextlabel.errors import CampaignError, LabelError, ParameterError
from nextlabel.evaluation.stopping import Snapshot, Snapshots, advice, change100, stop_set

IDS = tuple(f"item {number}" for number in range(50))


def state(items: int = 50, kind: str = "class", **changes: Any) -> State:
    task = {"kind": kind, "classes": ("cat", "dog", "owl")}
    ids = IDS if items == len(IDS) else tuple(map(str, range(items)))
    made = Created(0.0, 7, task, ids, "", None, None, "", None, None, "margin", 0.1, (), "0")
    return fold(None, [replace(made, **changes)])


def saying(dogs: int, label: Label = "cat", other: Label = "dog") -> dict[str, Label]:
    return {id: other if place < dogs else label for place, id in enumerate(IDS)}


def series(*steps: tuple[int, int], begun: State | None = None, key: str = "") -> Snapshots:
    """Of (labels, dogs among 50 predictions)."""
    made = Snapshots(key)
    for labels, dogs in steps:
        made = made.take(begun or state(), saying(dogs), labels)
    return made


def test_what_100_labels_changed_is_the_share_that_differs() -> None:
    assert change100(saying(0), saying(0), 100) == 0.0
    assert change100(saying(0), saying(50), 100) == 1.0
    assert change100(saying(0), saying(5), 100) == 0.1


def test_models_that_are_80_to_120_labels_apart_are_scaled_and_others_wait() -> None:
    assert change100(saying(0), saying(5), 80) == pytest.approx(0.125)
    assert change100(saying(0), saying(6), 120) == pytest.approx(0.1)
    assert change100(saying(0), saying(5), 79) is None
    assert change100(saying(0), saying(5), 121) is None
    assert change100(saying(0), saying(50), 80) == 1.0


def test_the_size_of_batches_does_not_matter() -> None:
    """Batches of 10 and of 50, the same two models at the ends of the same 100 labels."""
    tens = series(*((labels, 0 if labels < 200 else 4) for labels in range(100, 201, 10)))
    fifties = series((100, 0), (150, 3), (200, 4))
    assert tens.change == fifties.change == change100(saying(0), saying(4), 100) == 0.08


def test_several_classes_an_item_differ_where_the_sets_do() -> None:
    then, now = saying(0, ("cat",)), saying(5, ("cat",), ("cat", "dog"))
    assert change100(then, now, 100) == 0.1
    begun = state(kind="classes")
    made = Snapshots().take(begun, then, 0).take(begun, now, 100)
    assert made.change == 0.1
    assert set(made.kept[-1].codes) == {1, 3}  # a bit for each class


def test_predictions_of_other_items_are_refused() -> None:
    with pytest.raises(LabelError, match="received 2 predictions and 1, 1 in common"):
        change100({"a": "cat", "b": "cat"}, {"a": "cat"}, 100)
    with pytest.raises(LabelError, match="received 0 predictions and 0"):
        change100({}, {}, 100)


def test_the_stop_set_is_the_same_all_along_and_holds_no_control_item() -> None:
    reserve = tuple(range(0, 50, 2))
    begun = state(reserve=reserve)
    chosen = stop_set(begun)
    assert sorted(chosen) == sorted(IDS[1::2])
    more = fold(begun, [Extended(1.0, ("new",), "", None, (50,))])
    assert stop_set(more) == chosen
    assert len(set(stop_set(state(items=2_500)))) == 2_000
    assert stop_set(state(items=2_500)) != stop_set(state(items=2_500, seed=8))


def test_the_snapshot_nearest_to_100_labels_ago_is_compared_with() -> None:
    made = series((10, 0), (25, 10), (60, 20), (120, 21))
    assert made.change == pytest.approx(11 / 50 * 100 / 95)
    assert made.curve == ((120, made.change),)


def test_a_gap_gives_no_advice_until_it_is_closed() -> None:
    made = series((0, 0), (300, 9))
    assert made.change is None
    assert made.curve == ()
    assert made.take(state(), saying(10), 400).change == pytest.approx(0.02)


def test_old_snapshots_are_dropped_and_the_curve_is_kept() -> None:
    made = series(*((labels, labels // 100) for labels in range(0, 501, 20)))
    assert [one.labels for one in made.kept] == list(range(380, 501, 20))
    assert [labels for labels, _ in made.curve] == list(range(80, 501, 20))


def test_a_model_after_every_label_keeps_one_snapshot_for_every_five() -> None:
    made = series(*((labels, 0) for labels in range(200)))
    assert len(made.kept) <= 26
    assert made.kept[-1].labels == 199
    assert made.change == 0.0


def test_a_model_of_fewer_labels_takes_the_place_of_later_ones() -> None:
    made = series((0, 0), (100, 5), (110, 9), (100, 6))
    assert [one.labels for one in made.kept] == [0, 100]
    assert made.curve == ((100, 0.12),)


def test_other_classes_begin_a_new_series() -> None:
    begun = state()
    revised = fold(begun, [Revised(1.0, ("cat", "dog"), {"cat": "cat", "dog": "dog", "owl": "dog"})])
    made = series((0, 0), (100, 5)).take(revised, saying(5), 110)
    assert [one.labels for one in made.kept] == [110]
    assert (made.change, made.curve) == (None, ())


def test_a_stop_set_that_is_not_predicted_whole_is_refused() -> None:
    with pytest.raises(LabelError, match="1 of 50 have none, the first 'item 7'"):
        Snapshots().take(state(), {id: "cat" for id in IDS if id != "item 7"}, 10)
    with pytest.raises(LabelError, match="received 'cow'"):
        Snapshots().take(state(), saying(0, "cow"), 10)
    with pytest.raises(ParameterError, match="'labels' must be a whole number from 0 up; received -1"):
        Snapshots().take(state(), saying(0), -1)


def test_a_file_brings_the_series_back(tmp_path: Path) -> None:
    path = Snapshots.path(tmp_path / "reviews.db")
    assert path == tmp_path / "reviews.db.models" / "stopping.json"
    made = series((0, 0), (100, 5))
    made.save(path)
    assert Snapshots.load(path) == made
    made.take(state(), saying(7), 120).save(path)
    assert Snapshots.load(path).kept[-1].labels == 120
    assert [one.name for one in path.parent.iterdir()] == ["stopping.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"key": ""}', '{"key": "", "kept": [[1]], "curve": []}', "5"]
)
def test_a_file_that_cannot_be_read_begins_anew(text: str, tmp_path: Path) -> None:
    assert Snapshots.load(tmp_path / "absent.json") == Snapshots()
    (tmp_path / "stopping.json").write_text(text, encoding="utf-8")
    assert Snapshots.load(tmp_path / "stopping.json") == Snapshots()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CampaignError, match="must be a file that can be written"):
        Snapshots().save(tmp_path / "file" / "stopping.json")


def test_advice_comes_when_the_gain_is_below_its_price() -> None:
    assert [advice(change).is_small for change in (0.0, 0.0249, 0.025, 0.06)] == [True, True, False, False]
    assert advice(0.06, price=2.5).is_small
    assert not advice(None).is_small


def test_what_is_said_of_a_large_change() -> None:
    assert advice(0.06).sentence() == (
        "The last 100 or so labels changed 6.0 % of predictions; the next 100 are likely to bring about 0.9 "
        "points of accuracy, hardly more than 3 points, by the experience with other data."
    )


def test_what_is_said_of_a_small_change_is_of_the_gain_and_not_of_quality() -> None:
    said = advice(0.01).sentence()
    assert "little is left to gain" in said
    assert "Another model may still gain" in said
    assert "stop" not in said.lower()


def test_what_is_said_without_a_change() -> None:
    assert "Go on labelling" in advice(None).sentence()
    assert advice(None).values()["likely"] is None


def test_the_values_of_advice_are_json() -> None:
    said: Mapping[str, Any] = json.loads(json.dumps(advice(0.04, price=2.0).values()))
    assert said["likely"] == pytest.approx(0.006)
    assert said["most"] == pytest.approx(0.02)
    assert said["price"] == 2.0


def test_advice_on_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ParameterError, match="'change' must be a number of at least 0 and at most 1"):
        advice(1.5)
    with pytest.raises(ParameterError, match="'price' must be a finite number above 0; received 0"):
        advice(0.5, price=0)


def test_the_file_is_small(tmp_path: Path) -> None:
    """A hundred and twenty labels of a page that fits after each, with the largest stop set."""
    begun = state(items=2_500)
    said = dict.fromkeys(stop_set(begun), "owl")
    made = Snapshots()
    for labels in range(0, 121, 5):
        made = made.take(begun, said, labels)
    made.save(tmp_path / "stopping.json")
    assert os.stat(tmp_path / "stopping.json").st_size < 150_000  # noqa: PTH116
    assert isinstance(made.kept[0], Snapshot)
