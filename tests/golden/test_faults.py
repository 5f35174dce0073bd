"""Faults of rows: all are listed, few are shown, and nothing is read by halves unless that is said."""

import csv as standard
import pickle
from pathlib import Path

import pytest

from nextlabel.errors import ReaderError
from nextlabel.readers.csv import csv, tsv
from nextlabel.readers.faults import MENDS, Fault, Faults
from nextlabel.readers.jsonl import jsonl

TABLE = b'id,body\na,fine\nb\nc,"y" z\nd,no\0t\n,nobody\na,again\ne,good\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "items.csv"


def test_all_faults_of_a_file_are_data(file: Path) -> None:
    file.write_bytes(TABLE)
    with pytest.raises(ReaderError, match=r"received 3 of '.*items\.csv' that are not: line ") as raised:
        csv(file, id="id")
    assert list(raised.value.faults) == [
        Fault(4, "quotes", "quotes that are no pair, up to line 4 (',' expected after '\"')"),
        Fault(5, "zero byte", "a zero byte at character 5"),
        Fault(3, "cells", "1 cell, where the first row has 2"),
    ]
    for mend in ("quotes", "zero byte", "cells"):
        assert MENDS[mend] in str(raised.value)
    assert str(raised.value).endswith("Or leave such rows out with skip_faulty=True (--skip-faulty).")


def test_what_is_right_is_read_where_that_is_said(file: Path) -> None:
    file.write_bytes(TABLE)
    pool = csv(file, id="id", skip_faulty=True)
    assert list(pool.ids) == ["a", "e"]
    assert pool.columns == {"id": ["a", "e"], "body": ["fine", "good"]}
    assert list(pool.lines) == [2, 8]
    assert sorted(one.line for one in pool.faults) == [3, 4, 5, 6, 7]
    assert pool.source is not None
    assert pool.source.params["skip_faulty"] is True


def test_a_file_without_faults_has_none(file: Path) -> None:
    file.write_text("id,body\na,fine\n", encoding="utf-8")
    pool = csv(file, skip_faulty=True)
    assert len(pool.faults) == 0
    assert list(pool.lines) == [2]
    assert csv(file).fingerprint == pool.fingerprint


@pytest.mark.parametrize("content", ['id,"body\na,fine\nb,good\n', "i\0d,body\na,fine\nb,good\n"])
def test_a_first_row_at_fault_is_never_skipped(file: Path, content: str) -> None:
    file.write_text(content, encoding="utf-8")  # else the second row would name the columns
    with pytest.raises(ReaderError, match="line 1: ") as raised:
        csv(file, skip_faulty=True)
    assert "skip_faulty" not in str(raised.value)


def test_a_quote_within_a_cell_is_a_letter(file: Path) -> None:
    file.write_text('id,bo"dy"\n"a"x,fine\nb,c\n"d"', encoding="utf-8")
    pool = csv(file, skip_faulty=True)
    assert pool.columns == {"id": ["b"], 'bo"dy"': ["c"]}
    assert [one.what for one in pool.faults] == ["quotes", "cells"]


def test_a_fault_of_a_row_is_not_that_of_the_next(file: Path) -> None:
    file.write_text('id,body\na,"x\0" y\nb,good\nc,"z\0"\nd,good\n', encoding="utf-8")
    pool = csv(file, id="id", skip_faulty=True)
    assert list(pool.ids) == ["b", "d"]
    assert [(one.line, one.what) for one in pool.faults] == [(2, "zero byte"), (4, "zero byte")]


def test_nothing_but_faults_is_refused(file: Path) -> None:
    file.write_text("id,body\na\nb\n", encoding="utf-8")
    with pytest.raises(ReaderError, match=r"line 2: 1 cell.*line 3: 1 cell") as raised:
        csv(file, skip_faulty=True)
    assert "skip_faulty" not in str(raised.value)
    file.write_text("id,body\n,x\n,y\n", encoding="utf-8")
    with pytest.raises(ReaderError, match="line 2: an empty cell in the column 'id'; line 3: an empty"):
        csv(file, id="id", skip_faulty=True)


def test_a_quote_never_closed_takes_its_line_and_no_other(file: Path) -> None:
    file.write_text('id,body\na,"never\nb,x\nc,"two\nlines"\nd,y\n', encoding="utf-8")
    pool = csv(file, id="id", skip_faulty=True)
    assert pool.columns["body"] == ["x", "two\nlines", "y"]
    assert list(pool.faults) == [
        Fault(2, "quotes", "quotes that are no pair, up to line 4 (',' expected after '\"')")
    ]
    assert list(pool.lines) == [3, 4, 6]


def test_a_last_quote_never_closed_takes_its_line_and_no_other(file: Path) -> None:
    file.write_text(
        'id,body\na,x\nb,"never\n' + "".join(f"{row},y\n" for row in range(5000)), encoding="utf-8"
    )
    pool = csv(file, id="id", skip_faulty=True)
    assert len(pool.ids) == 5001
    assert [one.line for one in pool.faults] == [3]


def test_many_quotes_never_closed_do_not_take_quadratic_time(file: Path) -> None:
    # each line closes the quote of the line before it and opens another: one row to the end of the file
    count = 60_000
    file.write_text('a,b\n"\n' + 'x","\n' * count, encoding="utf-8")
    with pytest.raises(ReaderError, match=f"up to line {count + 2}") as raised:
        csv(file)
    assert len(raised.value.faults) < 40  # without a limit: one for each line, of sixty thousand lines


def test_lines_of_a_row_that_is_left_out_are_not_read_as_rows(file: Path) -> None:
    file.write_text('id,body\na,"one\nb,two\0\nc,three"\nd,four\n', encoding="utf-8")
    pool = csv(file, id="id", skip_faulty=True)
    assert list(pool.ids) == ["d"]
    assert [(one.line, one.what) for one in pool.faults] == [(2, "zero byte")]


def test_lines_that_are_no_object_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    file.write_bytes(b'{"x": 1}\n[2]\n{"x": 3\n{"x": "a\0"}\n\n{"x": 6}\n')
    with pytest.raises(ReaderError, match=r"line 2: the line holds a list; line 3: .*; line 4: a zero byte"):
        jsonl(file)
    pool = jsonl(file, skip_faulty=True)
    assert pool.items.tolist() == [[1.0], [6.0]]
    assert [(one.line, one.what) for one in pool.faults] == [(2, "JSON"), (3, "JSON"), (4, "zero byte")]


@pytest.mark.parametrize("encoding", [None, "utf-8"])
def test_lines_with_bytes_of_another_encoding_are_left_out(file: Path, encoding: str | None) -> None:
    lines = ["id,body", *(f"{row},été à Genève" for row in range(50))]
    file.write_bytes("\n".join(lines).encode() + b"\nx,\xff\ny,cin\xe9ma\nz,ok\n")
    with pytest.raises(
        ReaderError, match=r"line 52: the byte 0xff at character 3 .*line 53: .*0xe9"
    ) as raised:
        csv(file, id="id", encoding=encoding)
    assert [one.line for one in raised.value.faults] == [52, 53]
    pool = csv(file, id="id", encoding=encoding, skip_faulty=True)
    assert len(pool.ids) == 51
    assert [(one.line, one.what) for one in pool.faults] == [(52, "bytes"), (53, "bytes")]
    assert pool.faults[0].seen == "the byte 0xff at character 3 is not of the encoding"
    assert not any("\udcff" in cell for cells in pool.columns.values() for cell in cells)


def test_a_line_too_long_is_left_out_whole(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextlabel.readers.encodings.LONGEST_LINE", 1 << 12)  # as is: 64 million characters
    file.write_text(f"id,body\na,{'x' * 20_000}\nb,y\n", encoding="utf-8")
    pool = csv(file, id="id", skip_faulty=True)
    assert list(pool.ids) == ["b"]
    assert [(one.line, one.what) for one in pool.faults] == [(2, "too long")]


def test_ten_thousand_faults_are_held_and_all_are_counted(file: Path, tmp_path: Path) -> None:
    file.write_text("id,body\n" + "x\n" * 12_345 + "a,b\n", encoding="utf-8")
    pool = csv(file, id="id", skip_faulty=True)
    assert isinstance(pool.faults, Faults)
    assert (len(pool.faults), pool.faults.total) == (10_000, 12_345)
    assert pool.faults.words().endswith("line 6: 1 cell, where the first row has 2; and 12,340 more")
    pool.faults.write(tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(newline="", encoding="utf-8") as report:
        rows = list(standard.reader(report))
    assert rows[:2] == [["line", "fault", "seen"], ["2", "cells", "1 cell, where the first row has 2"]]
    assert (len(rows), rows[-1]) == (10_002, ["", "", "and 2,345 more"])


def test_a_report_holds_nothing_that_a_spreadsheet_calculates(tmp_path: Path) -> None:
    faults = Faults("x")
    faults.add(1, "id", "=cmd|' /C calc'!A0")
    faults.write(tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(newline="", encoding="utf-8") as report:
        assert list(standard.reader(report))[1:] == [["1", "id", "'=cmd|' /C calc'!A0"]]


def test_what_was_seen_is_cut_in_its_middle() -> None:
    faults = Faults("x")
    faults.add(1, "id", "a" * 100 + "b" * 100)
    assert faults[0].seen == "a" * 60 + " ... " + "b" * 60
    assert faults[0:1] == [faults[0]]


def test_an_error_with_faults_travels_to_another_process(file: Path) -> None:
    file.write_text("id,body\na\n", encoding="utf-8")
    with pytest.raises(ReaderError) as raised:
        csv(file)
    again = pickle.loads(pickle.dumps(raised.value))
    assert str(again) == str(raised.value)
    assert list(again.faults) == list(raised.value.faults)


def test_a_quote_in_a_file_with_tabs_has_its_own_advice(tmp_path: Path) -> None:
    (tmp_path / "items.tsv").write_text('body\tlabel\n"Hm" he said\tyes\nfine\tno\n', encoding="utf-8")
    assert tsv(tmp_path / "items.tsv", text="body", skip_faulty=True).items.tolist() == ["fine"]
