"""CSV and TSV files as people have them: encodings, delimiters, quotes, ids, and all that may be wrong."""

import csv as standard
import gzip
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel.errors import ReaderError
from nextlabel.readers.arrays import ArrayPool
from nextlabel.readers.csv import csv, tsv

TEXT = "id,body,label\na,Très bon,yes\nb,Plutôt mal,no\n"
BODIES = ["Très bon", "Plutôt mal"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "items.csv"


def read(file: Path, content: str | bytes, **params: Any) -> ArrayPool:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return csv(file, **params)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_unicode_and_line_ends_are_found_out(file: Path, encoding: str, end: str) -> None:
    pool = read(file, TEXT.replace("\n", end).encode(encoding), id="id", text="body")
    assert pool.take(np.arange(2)).tolist() == BODIES
    assert list(pool.columns) == ["id", "body", "label"]


def test_all_encodings_give_one_fingerprint(file: Path) -> None:
    contents = [TEXT.encode("utf-8-sig"), TEXT.encode("utf-16"), TEXT.replace("\n", "\r\n").encode()]
    assert len({read(file, content, text="body").fingerprint for content in contents}) == 1


def test_another_encoding_must_be_said_and_the_byte_is_named(file: Path) -> None:
    expected = "byte 0xe8 in line 2 (byte 19) of"
    with pytest.raises(ReaderError, match=re.escape(expected)) as raised:
        read(file, TEXT.encode("latin-1"), text="body")
    assert "It may be cp1252 or cp1250 or" in str(raised.value)
    assert "cp1252 reads 'a,Très'; cp1250 reads 'a,Trčs'" in str(raised.value)
    assert "--encoding cp1252" in str(raised.value)
    pool = csv(file, text="body", encoding="latin-1")
    assert pool.items.tolist() == BODIES
    assert pool.source is not None
    assert pool.source.params["encoding"] == "latin-1"


def test_a_wrong_byte_far_into_a_file_is_found(file: Path) -> None:
    lines = b"id,body\n" + b"".join(b"%d,\xc3\xa9t\xc3\xa9 %s\n" % (row, b"x" * 90) for row in range(30_000))
    with pytest.raises(ReaderError, match="line 30002: the byte 0xff at character 3 is not of the encoding"):
        read(file, lines + b"z,\xff\n", text="body")


def test_a_wrong_byte_of_what_was_said_is_found_however_far(file: Path) -> None:
    lines = b"id,body\n" + b"".join(b"%d,\xe9t\xe9 %s\n" % (row, b"x" * 90) for row in range(30_000))
    with pytest.raises(ReaderError, match=rf"byte 0x81 in line 30002 \(byte {len(lines) + 3:,}\)"):
        read(file, lines + b"z,\x81\n", text="body", encoding="cp1252")


def test_a_mark_that_lies_is_not_followed_by_guesses(file: Path) -> None:
    with pytest.raises(
        ReaderError, match=r"Text in utf-16 is needed; .*\. Mend it, or save the file as UTF-8"
    ):
        read(file, TEXT.encode("utf-16") + b"x", text="body")


def test_a_cut_character_at_the_end_is_found(file: Path) -> None:
    with pytest.raises(ReaderError, match=r"byte 0xc3 in line 2 \(byte 7\)"):
        read(file, b"body\na\xc3", text="body")


def test_a_mark_says_more_than_the_caller(file: Path) -> None:
    assert read(file, TEXT.encode("utf-16"), text="body", encoding="latin-1").items.tolist() == BODIES


@pytest.mark.parametrize("encoding", ["utf-9", "hex"])
def test_an_unknown_encoding_is_refused(file: Path, encoding: str) -> None:
    with pytest.raises(ReaderError, match=f"received '{encoding}'"):
        read(file, TEXT, encoding=encoding)


def test_zero_bytes_are_refused_by_line(file: Path) -> None:
    with pytest.raises(ReaderError, match=r"line 3: a zero byte at character 6\. Take"):
        read(file, "id,body\na,fine\nb,not\0so\n")


def test_a_line_without_end_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextlabel.readers.encodings.LONGEST_LINE", 1 << 12)  # as is: 64 million characters
    with pytest.raises(ReaderError, match="line 2: a line of 4,096 characters or more"):
        read(file, "body\n" + "x" * 5000)


def test_quotes_hold_delimiters_quotes_and_line_ends(file: Path) -> None:
    content = 'id,body\r\na,"one, ""two"",\r\nthree"\r\n\r\nb,=1+1\r\nc,👩‍👩‍👧 טוב\r\n'
    assert read(file, content, id="id", text="body").items.tolist() == [
        'one, "two",\r\nthree',
        "=1+1",
        "👩‍👩‍👧 טוב",
    ]


@pytest.mark.parametrize("header", ["id;body", '"id";"body, all of it"', '"id";body'])
def test_semicolons_count_where_the_header_has_no_comma(file: Path, header: str) -> None:
    pool = read(file, f'{header}\na;"x; y"\nb;1,5\n', id="id")
    assert pool.items[:, 0].tolist() == ["x; y", "1,5"]


def test_numbers_may_have_a_decimal_comma_between_semicolons(file: Path) -> None:
    assert read(file, "x;y\n1,5;2\n-3;?\n").items.tolist()[0] == [1.5, 2.0]
    assert read(file, 'x,y\n"1,5",2\n-3,4\n').items[:, 0].tolist() == ["1,5", "-3"]


def test_a_header_that_is_one_column_is_one_column(file: Path) -> None:
    assert read(file, "body\nx; y\n", text="body").items.tolist() == ["x; y"]


def test_numbers_are_an_array_and_what_is_missing_is_nan(file: Path) -> None:
    pool = read(file, "x,y,label\n1,2.5,a\n?, ,b\nnan,-1e3,\n", label="label")
    assert pool.items.dtype == np.float64
    assert np.array_equal(pool.items, [[1, 2.5], [np.nan, np.nan], [np.nan, -1000]], equal_nan=True)
    assert list(pool.names) == ["x", "y"]
    assert pool.columns["y"] == ["2.5", " ", "-1e3"]


def test_mixed_columns_are_objects_and_a_missing_word_is_none(file: Path) -> None:
    pool = read(file, "colour,size,code,far\nred,1,1_000,1\n,?,2,inf\n")
    first, second = pool.items.tolist()
    assert first == ["red", 1.0, "1_000", "1"]
    assert (second[0], second[2:]) == (None, ["2", "inf"])
    assert np.isnan(second[1])
    shown = pool.show(pool.ids[0])
    assert (shown.medium, shown.content["colour"]) == ("row", "red")


def test_features_are_the_columns_named_in_that_order(file: Path) -> None:
    pool = read(file, "x,y,z\n1,2,3\n", features=["z", "x"])
    assert pool.items.tolist() == [[3, 1]]
    assert list(pool.names) == ["z", "x"]
    assert list(pool.columns) == ["x", "y", "z"]


def test_columns_without_a_name_are_counted_and_names_are_trimmed(file: Path) -> None:
    assert list(read(file, ", body ,\n0,x,y\n").columns) == ["column 1", "body", "column 3"]


def test_ids_stay_when_labels_columns_and_ways_of_writing_change(file: Path) -> None:
    first = read(file, "x,y,label\n1.50,2,\n3,4,\n", label="label")
    later = read(file, "label,y,note,x\nb,4.0,new,3\na,2,old,1.5\n", features=["x", "y"], label="label")
    assert list(later.ids) == list(first.ids)[::-1]
    assert later.fingerprint == first.fingerprint


def test_equal_items_are_numbered_in_an_order_that_is_theirs(file: Path) -> None:
    rows = ["same,no", "same,yes", "other,no", "same,"]
    pool = read(file, "\n".join(["body,label", *rows]), text="body", label="label")
    turned = read(file, "\n".join(["body,label", *rows[::-1]]), text="body", label="label")
    label = dict(zip(pool.ids, pool.columns["label"], strict=True))
    assert dict(zip(turned.ids, turned.columns["label"], strict=True)) == label
    stem = pool.ids[3]
    assert [label[one] for one in (stem, f"{stem}-2", f"{stem}-3")] == ["", "no", "yes"]


def test_an_id_twice_is_refused_with_both_lines(file: Path) -> None:
    says = r"items\.csv' that is not: line 6: 'a' in the column 'id', as in line 2\. Fill in or rename"
    with pytest.raises(ReaderError, match=says):
        read(file, 'id,body\na,"x\ny"\n\nb,z\na,w\n', id="id")


def test_an_empty_id_is_refused_with_its_line(file: Path) -> None:
    with pytest.raises(ReaderError, match="line 3: an empty cell in the column 'id'"):
        read(file, "id,body\na,x\n,y\n", id="id")


def test_ragged_rows_are_listed(file: Path) -> None:
    with pytest.raises(
        ReaderError, match=r"line 3: 1 cell, .* has 2; line 6: 3 cells, where the first row has 2\. A"
    ):
        read(file, 'id,body\na,x\nb\nc,"y\nz"\nd,e,f\n')


def test_many_ragged_rows_are_counted(file: Path) -> None:
    faulty = "".join(f"{row}\n" for row in range(20_000))
    with pytest.raises(ReaderError, match=r"line 7: 1 cell, .*; and 19,995 more\."):
        read(file, f"id,body\na,x\n{faulty}")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "which is empty"),
        ("\n\n", "which is empty"),
        ("id,body\n", "with the columns id, body and no row"),
        ("id,body,id\n1,2,3\n", "received 'id' for the columns 1 and 3"),
        ('id,body\na,"never closed\nb,x\n', "line 2: quotes that are no pair, up to line 3"),
        ('id,body\na,x\nb,"y" z\n', "line 3: quotes that are no pair, up to line 3"),
    ],
)
def test_what_is_no_table_is_refused(file: Path, content: str, says: str) -> None:
    with pytest.raises(ReaderError, match=re.escape(says)):
        read(file, content)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"text": "bodi"}, "column for text must be one of * received 'bodi'. Did you mean 'body'?"),
        ({"id": "number"}, "column for id * received 'number'. The columns are: id, body, label."),
        ({"features": ["body", "stars"]}, "column for features * received 'stars'."),
        ({"text": "body", "label": "body"}, "received 'body' for text and for label"),
        ({"features": ["label"], "label": "label"}, "received 'label' for label and for features"),
        ({"features": ["body", "body"]}, "received 'body' for features and for features"),
        ({"text": "body", "features": ["id"]}, "text='body' and features=['id']"),
        ({"features": []}, "columns id, body, label, of which none is left"),
    ],
)
def test_columns_must_be_there_and_have_one_use(file: Path, params: dict[str, Any], says: str) -> None:
    with pytest.raises(ReaderError, match=re.escape(says).replace(r"\*", ".*")):
        read(file, TEXT, **params)


def test_a_cell_of_ten_megabytes_is_read_and_the_limit_put_back(file: Path) -> None:
    before = standard.field_size_limit()
    pool = read(file, f'id,body\na,"{"x" * 10_000_000}"\n', id="id", text="body")
    assert len(pool.items[0]) == 10_000_000
    assert standard.field_size_limit() == before


def test_a_quote_never_closed_does_not_fill_the_memory(file: Path) -> None:
    with pytest.raises(ReaderError, match=r"line 2: a cell of more than 16,777,216 characters"):
        read(file, 'id,body\na,"' + ("x" * 99 + "\n") * 200_000)


def test_compressed_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "items.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    assert csv(tmp_path / "items.csv.gz", text="body").items.tolist() == BODIES


@pytest.mark.parametrize(
    "content", [TEXT.encode(), gzip.compress(TEXT.encode(), mtime=0)[:-20], b"\x1f\x8b\x08\x00"]
)
def test_what_is_no_whole_gzip_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "items.csv.gz").write_bytes(content)
    with pytest.raises(ReaderError, match=r"must be a whole gzip file; received '.*items.csv.gz'"):
        csv(tmp_path / "items.csv.gz")


def test_tabs_divide_cells_and_quotes_may_mean_nothing(tmp_path: Path) -> None:
    file = tmp_path / "items.tsv"
    file.write_text('body\tlabel\n"quoted\ttab"\tyes\n', encoding="utf-8")
    assert tsv(file, text="body").items.tolist() == ["quoted\ttab"]
    file.write_text('body\tlabel\n"Hm" he said\tyes\n', encoding="utf-8")
    with pytest.raises(ReaderError, match="say quoted=False"):
        tsv(file, text="body")
    pool = tsv(file, text="body", quoted=False)
    assert pool.items.tolist() == ['"Hm" he said']
    assert pool.source is not None
    assert pool.source.params == {"path": str(file), "text": "body", "quoted": False}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process's memory is read from /proc")
def test_a_million_rows_need_less_than_700_megabytes(tmp_path: Path) -> None:
    with (tmp_path / "large.csv").open("w", encoding="utf-8") as file:
        file.write("id,body,label,x\n")
        file.writelines(
            f'{row},"text {row}, {"lorem ipsum " * 8}",{"no" if row % 3 else "yes"},{row / 7:.6f}\n'
            for row in range(1_000_000)
        )
    program = (
        "from nextlabel.readers.csv import csv; "
        f"pool = csv({str(tmp_path / 'large.csv')!r}, text='body', label='label'); "
        "status = open('/proc/self/status').read(); "
        "print(len(pool.ids), status.split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    items, kilobytes = map(int, done.stdout.split())
    assert items == 1_000_000
    assert kilobytes < 700_000


def test_a_comma_in_the_header_divides_where_a_semicolon_stands_beside_it(file: Path) -> None:
    assert list(read(file, "a,b;c\n1,2\n").columns) == ["a", "b;c"]
    assert list(read(file, "a;b\n1;2\n").columns) == ["a", "b"]
    assert list(read(file, '"a,x";b\n1;2\n').columns) == ["a,x", "b"]


def test_ids_do_not_depend_on_the_order_of_columns(file: Path) -> None:
    ids = read(file, "x,y,z\n1,5,2\n7,0,3\n").ids
    assert read(file, "z,x,y\n2,1,5\n3,7,0\n").ids == ids
    assert read(file, "x,y,z\n5,1,2\n0,7,3\n").ids != ids
