"""Sheets: what a spreadsheet must not calculate, how files are read back, whole or not there."""

import csv
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextlabel.campaign.sheets import harmless, original, place, read_header, read_sheet, write_sheet
from nextlabel.errors import CampaignError, ReaderError


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("@sum", "'@sum"),
        ("\tx", "'\tx"),
        ("-x", "'-x"),
        ("＝1", "'＝1"),
        ("-1.5e3", "-1.5e3"),
        ("+.5", "+.5"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("'=1", "''=1"),
        ("'tis", "'tis"),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_would_calculate_gets_an_apostrophe(cell: str, written: str) -> None:
    assert harmless(cell) == written
    assert original(written) == cell


@given(st.text(alphabet="'=+-@1.e ab", max_size=6))
def test_every_cell_comes_back(cell: str) -> None:
    assert original(harmless(cell)) == cell
    assert not harmless(cell).startswith(("=", "@"))


def test_a_sheet_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    cells = ["=a", 'a "quoted", cell', "two\nlines", "a\rb", "数 🏳️‍🌈 שלום", " kept "]
    assert write_sheet(path, ["id", "label"], [[cell, "x"] for cell in cells]) == len(cells)
    rows = read_sheet(path, needs=("id", "label"))
    assert [row.cells for row in rows] == [{"id": cell, "label": "x"} for cell in cells]
    assert [row.line for row in rows] == [2, 3, 4, 6, 8, 9]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_raw_sheet_leaves_formulas(tmp_path: Path) -> None:
    write_sheet(tmp_path / "raw.csv", ["id"], [["=a"]], is_raw=True)
    with (tmp_path / "raw.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [["id"], ["=a"]]


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text("mine")
    with pytest.raises(CampaignError, match=r"sheet\.csv must be a new file; it is there already"):
        write_sheet(path, ["id"], [["a"]])
    assert path.read_text() == "mine"
    write_sheet(path, ["id"], [["a"]], replace=True)
    assert path.read_text(encoding="utf-8-sig").split() == ["id", "a"]
    assert list(tmp_path.iterdir()) == [path]


def test_who_comes_second_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"

    def rows() -> "list[list[str]]":
        path.write_text("of somebody faster")
        return [["a"]]

    class Late:
        def __iter__(self) -> object:
            return iter(rows())

    with pytest.raises(CampaignError, match="it is there already"):
        write_sheet(path, ["id"], Late())  # type: ignore[arg-type]
    assert path.read_text() == "of somebody faster"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_sheet(tmp_path / "sheet.csv", ["id"], ([str(1 // (1 - one))] for one in range(2)))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        CampaignError, match=r"s\.csv must be a file that can be written; the system says: No"
    ):
        write_sheet(tmp_path / "nowhere" / "s.csv", ["id"], [])


def test_half_a_character_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match=r"must be text in UTF-8; '\\ud800' has no place there"):
        write_sheet(tmp_path / "s.csv", ["id"], [["\ud800"]])
    assert not list(tmp_path.iterdir())


def test_the_character_nul_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match=r"row 2 holds 'b\\x00'. Mend the data, or export to \.jsonl"):
        write_sheet(tmp_path / "s.csv", ["id"], [["a"], ["b\0"]])
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    filling = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from nextlabel.campaign.sheets import write_sheet\n"
        "from nextlabel.errors import CampaignError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))\n"
        "try:\n"
        f"    write_sheet(Path({str(tmp_path / 's.csv')!r}), ['id'], (['a' * 99] for _ in range(9999)))\n"
        "except CampaignError as error:\n    print(error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
    )
    done = subprocess.run([sys.executable, "-c", filling], capture_output=True, text=True, check=True)
    assert "the system says: File too large. Make room" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_sheet_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet.csv", ["id"], [])
    (tmp_path / "other").touch()
    modes = {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_file_system_without_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    write_sheet(tmp_path / "sheet.csv", ["id"], [["a"]])
    assert [row.cells["id"] for row in read_sheet(tmp_path / "sheet.csv")] == ["a"]
    (tmp_path / "new").touch()
    with pytest.raises(FileExistsError):
        place(tmp_path / "new", tmp_path / "sheet.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_spreadsheets_save_is_read(tmp_path: Path, separator: str, encoding: str) -> None:
    path = tmp_path / "sheet.csv"
    lines = [f"ID{separator} Label {separator}", f"ä{separator}ja{separator}", f"{separator}{separator}"]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    assert [(row.line, row.cells["id"], row.cells["label"]) for row in read_sheet(path)] == [(2, "ä", "ja")]


def test_separators_in_titles_are_not_taken_for_those_of_the_sheet(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    write_sheet(path, ["id", "label", "a;b;c;d", 'say "a;b"'], [["1", "x", "2", "3"]])
    assert read_sheet(path)[0].cells == {"id": "1", "label": "x", "a;b;c;d": "2", 'say "a;b"': "3"}
    assert read_header(path) == ["id", "label", "a;b;c;d", 'say "a;b"']


def test_a_header_that_is_no_csv_is_said(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text('id,"label\n', encoding="utf-8")
    with pytest.raises(
        ReaderError, match="line 1, must be a row of a CSV file; it cannot be read: unexpected"
    ):
        read_header(path)


def test_another_encoding_must_be_said(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes("id,label\nä,ja\n".encode("latin-1"))
    with pytest.raises(ReaderError, match="line 2"):
        read_sheet(path)
    assert read_sheet(path, encoding="latin-1")[0].cells["id"] == "ä"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must have the columns id and label in its first line; received nothing. Add id and label"),
        ("id,labels\n", "received id, labels. Add label"),
        ("id,label,id\na,b,c\n", "must have each column once; 'id' comes twice"),
        ("id,label\na,x\nb,x,y\n", "line 3, must have 2 cells as the header has; received 3"),
        ("id,label\na\n", "line 2, must have 2 cells as the header has; received 1"),
        ('id,label\na,"b\n', "line 2, must be a row of a CSV file; it cannot be read: unexpected end"),
        ("id,label\na,\0\n", "line 2"),
    ],
)
def test_what_is_no_sheet_is_refused_by_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(ReaderError) as caught:
        read_sheet(path, needs=("id", "label"))
    assert said in str(caught.value)


def test_a_path_without_a_sheet_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=r"nothing\.csv"):
        read_sheet(tmp_path / "nothing.csv")


def test_the_limit_of_cells_is_put_back(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    path = tmp_path / "sheet.csv"
    path.write_text(f"id,label\n{'a' * (before + 1)},x\n")
    assert len(read_sheet(path)[0].cells["id"]) == before + 1
    assert csv.field_size_limit() == before
