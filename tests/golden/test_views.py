"""How items reach the browser, which key stands for which class, and where a chart's marks lie."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nextlabel.core.registry import names, resolve
from nextlabel.readers.csv import csv
from nextlabel.readers.images import images
from nextlabel.server.charts import band, bars, curve
from nextlabel.server.keys import MOST_KEYS, class_keys
from nextlabel.server.media import media_address
from nextlabel.server.view import ViewKind
from nextlabel.server.wording import amount, moment, percent, saying


@pytest.mark.parametrize("name", names("view"))
def test_a_view_is_registered_under_its_medium(name: str) -> None:
    view = resolve("view", name)()
    assert isinstance(view, ViewKind)
    assert view.medium == name


def test_a_text_is_cut_where_a_browser_would_falter(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f'body\n"two\nlines <b>"\n{"x" * 100_003}\n')
    pool = csv(file, text="body")
    view = resolve("view", "text")()
    first, second = (view.fields(pool, id, place) for place, id in enumerate(pool.ids))
    assert first == {"medium": "text", "text": "two\nlines <b>", "left_out": 0}
    assert len(second["text"]) == 100_000
    assert second["left_out"] == 3


def test_a_row_has_its_columns_in_order_and_nothing_for_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"size,name,weight\n3,{'y' * 10_001},0.5\n,,\n")
    pool = csv(file)
    view = resolve("view", "row")()
    first, second = (view.fields(pool, id, place) for place, id in enumerate(pool.ids))
    assert first["fields"] == [["size", "3"], ["name", "y" * 10_000 + "…"], ["weight", "0.5"]]
    assert second == {"medium": "row", "fields": [["size", ""], ["name", ""], ["weight", ""]]}


def test_an_image_is_named_by_its_place_and_never_opened(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / 'a "b".png')
    pool = images(tmp_path)
    (tmp_path / 'a "b".png').unlink()
    shown = resolve("view", "image")().fields(pool, pool.ids[0], 0)
    assert shown == {"medium": "image", "url": media_address(pool, 0), "alt": 'Item 1: a "b".png'}
    assert shown["url"].startswith("/media/0?seal=")


@pytest.mark.parametrize(
    ("classes", "keys"),
    [
        (["positive", "negative"], "pn"),
        (["yes", "no", "not sure"], "yno"),  # t would do as well; the first letter that is free
        (["aab", "aba", "b"], ("a", "", "b")),
        (["Éclair", "eclair"], "ec"),
        (["да", "нет"], "дн"),
        (["1st", "2nd"], "sn"),
        (["猫", "犬"], ("", "")),
        (["a", "ß"], ("a", "")),
        ([str(one) for one in range(10)], ("",) * 10),
        ([f"{letter}x" for letter in "abcdefghijk"], ("",) * 11),
    ],
)
def test_a_class_takes_the_first_letter_that_is_free(classes: list[str], keys: str | tuple[str, ...]) -> None:
    assert class_keys(classes) == tuple(keys)


@given(st.lists(st.text(max_size=8), unique=True, max_size=12))
def test_keys_are_different_letters_of_the_names(classes: list[str]) -> None:
    keys = class_keys(classes)
    assert len(keys) == len(classes)
    given_keys = [key for key in keys if key]
    assert len(given_keys) == len(set(given_keys))
    assert all(key.isalpha() and len(key) == 1 for key in given_keys)
    assert len(classes) <= MOST_KEYS or not given_keys


def test_bars_are_measured_by_the_longest() -> None:
    assert [one["width"] for one in bars({"cat": 3, "dog": 1, "hen": 0})] == [100.0, 33.33, 0.0]
    assert [one["width"] for one in bars({"cat": 0})] == [0.0]
    assert bars({}) == []


def test_a_band_lies_where_its_ends_are() -> None:
    assert band(0.0, 1.0) == {"x": 0.0, "width": 100.0}
    assert band(0.6099, 0.9269) == {"x": 60.99, "width": 31.7}


def test_a_curve_has_a_whole_scale_and_only_the_bands_that_are_there() -> None:
    points: list[dict[str, float | None]] = [
        {"labels": 50, "share": 0.5, "low": 0.25, "high": 0.75},
        {"labels": 120, "share": 1.0, "low": None, "high": None},
    ]
    drawn = curve(points)
    assert drawn is not None
    assert [one["share"] for one in drawn["rungs"]] == [0, 0.25, 0.5, 0.75, 1]
    assert (drawn["rungs"][0]["y"], drawn["rungs"][4]["y"]) == (170.0, 10.0)
    assert [one["labels"] for one in drawn["stops"]] == [0, 50, 100, 150]
    assert (drawn["stops"][0]["x"], drawn["stops"][-1]["x"]) == (44.0, 394.0)
    assert drawn["spans"] == [{"x": 160.7, "low": 130.0, "high": 50.0}]
    assert drawn["line"] == "160.7,90.0 324.0,10.0"
    assert drawn["area"] == "160.7,50.0 160.7,130.0"
    assert curve([]) is None


@given(st.integers(1, 10_000_000))
def test_a_scale_has_at_most_six_stops_and_ends_past_the_last_point(labels: int) -> None:
    drawn = curve([{"labels": labels, "share": 0.5}])
    assert drawn is not None
    stops = [one["labels"] for one in drawn["stops"]]
    assert stops[0] == 0
    assert 2 <= len(stops) <= 6
    assert stops[-2] < labels <= stops[-1]


def test_numbers_read_as_people_say_them() -> None:
    assert [percent(share) for share in (0.0, 0.004, 0.006, 0.5, 0.994, 0.996, 1.0)] == [
        *("0 %", "under 1 %", "1 %", "50 %", "99 %", "over 99 %", "100 %")
    ]
    assert amount(1_234_567) == "1,234,567"
    assert moment(1_000_000_000.9) == "2001-09-09T01:46:40Z"
    assert [saying("a"), saying(("a", "b")), saying([]), saying(None)] == ["a", "a, b", "none of them", ""]
    assert saying(3) == "3"
