"""One JSON object a line, as a pool."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel.errors import ReaderError
from nextlabel.readers.arrays import ArrayPool
from nextlabel.readers.jsonl import jsonl


def read(folder: Path, *lines: str, **params: Any) -> ArrayPool:
    (folder / "items.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return jsonl(folder / "items.jsonl", **params)


def test_keys_are_columns_and_keys_not_there_are_missing(tmp_path: Path) -> None:
    pool = read(tmp_path, '{"x": 1, "y": 2.5}', "", '{"x": null, "label": "a"}', '{"y": "3"}', label="label")
    assert np.array_equal(pool.items, [[1, 2.5], [np.nan, np.nan], [np.nan, 3]], equal_nan=True)
    assert pool.columns == {"x": ["1", "", ""], "y": ["2.5", "", "3"], "label": ["", "a", ""]}


def test_what_is_no_text_becomes_its_json(tmp_path: Path) -> None:
    pool = read(tmp_path, '{"a": true, "b": [1, "é"], "c": {"d": null}, "e": 12345678901234567890, "f": NaN}')
    cells = {name: cells[0] for name, cells in pool.columns.items()}
    assert cells == {
        "a": "true",
        "b": '[1, "é"]',
        "c": '{"d": null}',
        "e": "12345678901234567890",
        "f": "NaN",
    }
    assert pool.items[0][:3].tolist() == ["true", '[1, "é"]', '{"d": null}']


def test_numbers_keep_their_value(tmp_path: Path) -> None:
    value = 0.1 + 0.2
    assert read(tmp_path, json.dumps({"x": value})).items[0, 0] == value


def test_a_text_may_hold_anything(tmp_path: Path) -> None:
    body = 'quotes ", line\nends, nothing \0, 👩‍👩‍👧 and \\ud83d'
    assert read(tmp_path, json.dumps({"body": body}), text="body").items.tolist() == [body]
    assert read(tmp_path, '{"body": "\\ud83d\\ude00"}', text="body").items.tolist() == ["😀"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"x": 1', "Expecting ',' delimiter at character 8"),
        ("[1, 2]", "the line holds a list"),
        ('{"x": 1, "y": 2, "y": 3}', "the key 'y' comes twice"),
        ('{"x": {"z": 1, "z": 2}}', "the key 'z' comes twice"),
        ('{"x": "\\ud83d"}', "surrogates not allowed"),
        ('{"x": ' + "9" * 5000 + "}", "to increase the limit"),
        ('{"x": ' + "[" * 200_000 + "}", "recursion"),
    ],
)
def test_a_line_that_is_no_object_is_refused_by_its_number(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(ReaderError, match=rf"line 2: .*{re.escape(says)}"):
        read(tmp_path, '{"x": 1}', line)


def test_an_id_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="line 3: '7' in the column 'id', as in line 1"):
        read(tmp_path, '{"id": 7, "x": 1}', "", '{"id": "7", "x": 2}', id="id")


def test_empty_lines_are_no_items(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="with the columns none and no row"):
        read(tmp_path, "", " ", "")
