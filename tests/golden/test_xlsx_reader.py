"""Workbooks as people have them, and as attackers would make them."""

import datetime
import re
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from openpyxl.chart import BarChart

from nextlabel.core.registry import build, resolve
from nextlabel.errors import MissingExtra, ReaderError
from nextlabel.readers import zipped
from nextlabel.readers.xlsx import xlsx


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "items.xlsx"


def save(file: Path, *rows: tuple[Any, ...], **sheets: list[tuple[Any, ...]]) -> None:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, more in sheets.items():
        sheet = book.create_sheet(name)
        for row in more:
            sheet.append(row)
    book.save(file)


def changed(file: Path, part: str, change: Callable[[bytes], bytes]) -> None:
    """The same archive, one part of it others bytes."""
    with zipfile.ZipFile(file) as archive:
        parts = {one.filename: archive.read(one) for one in archive.infolist()}
    parts[part] = change(parts.get(part, b""))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


SHEET = "xl/worksheets/sheet1.xml"


def test_every_kind_of_cell_becomes_text(file: Path) -> None:
    when = datetime.datetime(2026, 1, 31, 13, 5)
    row: tuple[Any, ...] = (
        "a",
        3,
        4.0,
        0.125,
        True,
        when.date(),
        when,
        when.time(),
        None,
        "👩‍👩‍👧 טוב",
        "#N/A",
    )
    save(file, tuple("abcdefghijk"), row, ("z", *[0] * 10))
    (cells, _) = zip(*xlsx(file, id="a").columns.values(), strict=True)
    texts = ("3", "4", "0.125", "true", "2026-01-31", "2026-01-31T13:05:00", "13:05:00", "")
    assert cells == ("a", *texts, "👩‍👩‍👧 טוב", "")


def test_longer_than_a_day_is_hours(file: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(("t",))
    book.active.append((datetime.timedelta(hours=26, minutes=3, seconds=4),))
    book.active["A2"].number_format = "[h]:mm:ss"
    book.save(file)
    assert xlsx(file, text="t").items.tolist() == ["26:03:04"]


def test_numbers_are_an_array_and_labels_may_be_partly_there(file: Path) -> None:
    save(file, ("x", "y", "label"), (1, 2.5, 1), (3, None, None), ("4", -1e-3, 0))
    pool = xlsx(file, label="label")
    assert np.array_equal(pool.items, [[1, 2.5], [3, np.nan], [4, -1e-3]], equal_nan=True)
    assert pool.columns["label"] == ["1", "", "0"]


def test_rows_are_counted_as_the_spreadsheet_does(file: Path) -> None:
    save(file, (), (None, None), ("id", "body"), (), ("a", "x"), ("", ""), ("b", "y"), ("a", "z"))
    with pytest.raises(ReaderError, match="row 8: 'a' in the column 'id', as in row 5"):
        xlsx(file, id="id")
    pool = xlsx(file, id="id", skip_faulty=True)
    assert list(pool.ids) == ["a", "b"]
    assert list(pool.lines) == [5, 7]


def test_empty_columns_at_the_end_are_none_and_values_there_are_faults(file: Path) -> None:
    save(file, ("id", "body", None), ("a", "x", None, None), ("b",), ("c", "z", None, "more"))
    with pytest.raises(ReaderError, match="row 4: a value right of the 2 columns with a name"):
        xlsx(file, id="id")
    pool = xlsx(file, id="id", skip_faulty=True)
    assert pool.columns == {"id": ["a", "b"], "body": ["x", ""]}


def test_a_sheet_is_chosen_by_name_else_the_first_that_is_shown(file: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "notes"
    book.active.append(("hidden",))
    book.active.sheet_state = "hidden"
    for name in ("one", "two"):
        book.create_sheet(name).append(("body",))
        book[name].append((name,))
    book.create_chartsheet("drawing").add_chart(BarChart())
    book.save(file)
    assert xlsx(file, text="body").items.tolist() == ["one"]
    pool = xlsx(file, text="body", sheet="two")
    assert pool.items.tolist() == ["two"]
    assert build("reader", pool.source).fingerprint == pool.fingerprint
    with pytest.raises(ReaderError, match=r"received 'three'\. The sheets are: notes, one, two, drawing"):
        xlsx(file, sheet="three")
    with pytest.raises(ReaderError, match="'drawing' has none"):
        xlsx(file, sheet="drawing")


def test_a_formula_is_its_value_and_without_one_a_fault(file: Path) -> None:
    save(file, ("id", "x"), ("a", "=1+1"), ("b", 3), ("c", "=A2"))
    with pytest.raises(
        ReaderError, match=r"received 2 .*row 2: a formula without its value in column B; row 4"
    ):
        xlsx(file, id="id")
    rest = xlsx(file, id="id", skip_faulty=True)
    assert (rest.items.tolist(), list(rest.lines)) == ([[3.0]], [3])
    changed(file, SHEET, lambda xml: xml.replace(b"<v></v>", b"<v>2</v>").replace(b"<v />", b"<v>2</v>"))
    assert xlsx(file, id="id").items.tolist() == [[2.0], [3.0], [2.0]]


def test_what_begins_with_an_equals_sign_may_be_text(file: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(("body", "x"))
    book.active.append(("=cmd|' /C calc'!A0", 1))
    book.active["A2"].data_type = "s"
    book.save(file)
    assert xlsx(file, text="body").items.tolist() == ["=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("error", ["#DIV/0!", "#REF!", "#VALUE!", "#NAME?"])
def test_an_error_value_is_a_fault(file: Path, error: str) -> None:
    save(file, ("id", "x"), ("a", 1), ("b", error))
    with pytest.raises(
        ReaderError, match=rf"row 3: the error {re.escape(error)} in column B\. Mend the formula"
    ):
        xlsx(file, id="id")
    assert xlsx(file, id="id", skip_faulty=True).items.tolist() == [[1.0]]


def test_of_merged_cells_the_first_holds_the_value(file: Path) -> None:
    book = openpyxl.Workbook()
    for row in (("kind", "x"), ("a", 1), (None, 2)):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(file)
    assert xlsx(file, label="kind").columns["kind"] == ["a", ""]


@pytest.mark.parametrize("rows", [(), ((None,),), (("id", "x"),)])
def test_a_sheet_without_items_is_refused(file: Path, rows: tuple[tuple[Any, ...], ...]) -> None:
    save(file, *rows)
    with pytest.raises(
        ReaderError, match="without anything in" if len(rows) == 0 or not rows[0][0] else "no row"
    ):
        xlsx(file)


def test_a_header_at_fault_is_never_skipped(file: Path) -> None:
    save(file, ("id", "#REF!"), ("a", 1), ("b", 2))  # else the second would name the columns
    with pytest.raises(ReaderError, match="row 1: the error #REF!"):
        xlsx(file, skip_faulty=True)


def test_a_column_twice_is_refused(file: Path) -> None:
    save(file, ("x", "x"), (1, 2))
    with pytest.raises(ReaderError, match="received 'x' for the columns 1 and 2"):
        xlsx(file)


def test_a_size_that_the_file_states_wrongly_does_not_matter(file: Path) -> None:
    save(file, ("x", "y"), (1, 2), (3, 4))
    changed(file, SHEET, lambda xml: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1"', xml))
    assert xlsx(file).items.tolist() == [[1, 2], [3, 4]]


def test_a_row_far_beyond_the_last_ends_at_once(file: Path) -> None:
    save(file, ("x",), (1,), (2,))
    changed(
        file, SHEET, lambda xml: xml.replace(b'r="3"', b'r="2000000000"').replace(b'"A3"', b'"A2000000000"')
    )
    began = time.process_time()
    assert xlsx(file).items.tolist() == [[1]]
    assert time.process_time() - began < 5  # two thousand million rows would take an hour


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "has a document type"),
        (b'<?xml version="1.0"?>' + b"<!-- -->" * 20_000 + b"<!DOCTYPE x><x/>", "has a document type"),
        ('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x><x/>'.encode("utf-16"), "has a document type"),
        (b"", "has no element"),
        (b"no xml", "syntax error"),
    ],
)
@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/sharedStrings.xml", "custom.XML"])
def test_xml_that_leads_elsewhere_is_refused(file: Path, xml: bytes, says: str, part: str) -> None:
    save(file, ("x",), ("text",))
    changed(file, part, lambda _: xml)
    with pytest.raises(ReaderError, match=f"'{re.escape(part)}': .*{says}"):
        xlsx(file)


def test_a_part_that_unpacks_to_far_more_than_its_size_is_refused(file: Path) -> None:
    save(file, ("x",), (1,))
    changed(file, "xl/media/image1.png", lambda _: bytes(1 << 25))
    with pytest.raises(ReaderError, match=r"'xl/media/image1\.png' unpacks to more than 200 times its size"):
        xlsx(file)


def test_parts_too_large_together_are_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(file, ("x",), (1,))
    monkeypatch.setattr(zipped, "_MOST_BYTES", 1000)  # as is: a gigabyte
    with pytest.raises(ReaderError, match=r"unpacked it has [\d,]+ bytes, more than 1,000"):
        xlsx(file)


def test_too_many_parts_are_refused(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(10_001):
            archive.writestr(str(number), b"")
    with pytest.raises(ReaderError, match="it has 10,001 parts, more than 10,000"):
        xlsx(file)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(file: Path) -> None:
    save(file, ("x",), (1,))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(SHEET, b"<x/>")
    with pytest.raises(ReaderError, match=f"'{SHEET}' is in it twice"):
        xlsx(file)


def test_an_encrypted_part_is_refused(file: Path) -> None:
    save(file, ("x",), (1,))
    whole = bytearray(file.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = whole.find(mark)
        while at >= 0:
            whole[at + place] |= 1
            at = whole.find(mark, at + 4)
    file.write_bytes(whole)
    with pytest.raises(ReaderError, match="is encrypted"):
        xlsx(file)


@pytest.mark.parametrize("content", [b"", b"PK", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 80, b"id,body\na,x\n"])
def test_what_is_no_archive_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)  # the third is how old workbooks and those with a password begin
    with pytest.raises(ReaderError, match=r"A whole xlsx workbook .*items\.xlsx.*without a password"):
        xlsx(file)


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
def test_a_file_cut_short_is_refused(file: Path, kept: float) -> None:
    save(file, ("x",), *[(row,) for row in range(200)])
    whole = file.read_bytes()
    file.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(ReaderError, match=r"items\.xlsx"):
        xlsx(file)


def test_an_archive_of_something_else_is_refused(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../etc/passwd", b"x")  # nothing is ever unpacked to a path
    with pytest.raises(ReaderError, match="which cannot be read"):
        xlsx(file)


def test_without_openpyxl_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "nextlabel.readers.xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingExtra, match=r"'openpyxl', which is not installed.*nextlabel\[data\]"):
        resolve("reader", "xlsx")
