"""Encodings that nobody said: found where one reading alone makes sense, else refused with the candidates."""

import json
import re
from pathlib import Path

import pytest

from nextlabel import build
from nextlabel.errors import ReaderError
from nextlabel.readers.csv import csv
from nextlabel.readers.detecting import detected
from nextlabel.readers.encodings import Encoding, encoding_of, lines
from nextlabel.readers.jsonl import jsonl

FRENCH = (
    "Le café était fermé, mais l'hôtel près de la gare nous a reçus. Où êtes-vous allés après ? Ça dépend."
)
QUOTES = (
    "L’hôtel était « parfait » – à 20 € la nuit, c’est donné, près de Nîmes où l’été… Œuvre d’art, ça et là."
)
GERMAN = "Die Größe paßte überhaupt nicht, für den Preis völlig in Ordnung. Schöne Grüße aus München."
SPANISH = "El producto llegó mañana y no funcionó. ¿Quién contestará? La batería está rota, el niño lloró."
POLISH = "Zażółć gęślą jaźń. Książka była świetna, ale przesyłka spóźniła się o tydzień. Dziękuję."
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy. Zboží přišlo včas a v pořádku, děkuji."
DANISH = "Rødgrød med fløde på en blå ø, æblerne faldt først for små børn, så vi gik hjem på stående fod."
TURKISH = "Ürün çok güzel, kargo hızlıydı. Teşekkürler, şiddetle öneririm. İyi günler dilerim."
RUSSIAN = "Отличный товар, пришёл быстро. Качество хорошее, но упаковка была повреждена. Рекомендую."
GREEK = "Το προϊόν ήταν πολύ καλό και ήρθε γρήγορα. Ευχαριστώ πολύ για την εξυπηρέτηση."
HEBREW = "המוצר הגיע מהר והיה מצוין. תודה רבה על השירות הטוב."
ARABIC = "المنتج ممتاز ووصل بسرعة. شكرا جزيلا على الخدمة الجيدة."
JAPANESE = "商品はとても良かったです。配送も早くて助かりました。また購入したいと思います。"
CHINESE = "这个产品非常好，物流很快，包装也很完整。下次会再来购买。"
TRADITIONAL = "這個產品非常好，物流很快，包裝也很完整。下次會再來購買。"
KOREAN = "제품이 아주 좋고 배송도 빨랐습니다. 다음에도 구매하겠습니다. 감사합니다."


def table(body: str) -> str:
    return f"id,body\na,{json.dumps(body, ensure_ascii=False)[1:-1].replace(',', ';')}\nb,plain\n"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (FRENCH, "cp1252"),
        (FRENCH, "latin-1"),
        (FRENCH, "mac-roman"),
        (QUOTES, "cp1252"),
        (GERMAN, "cp1252"),
        (SPANISH, "latin-1"),
        (SPANISH + " Y así…", "cp1252"),
        (DANISH, "cp1252"),
        (POLISH, "cp1250"),
        (POLISH, "iso8859-2"),
        (CZECH, "cp1250"),
        (TURKISH, "cp1254"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp866"),
        (RUSSIAN, "iso8859-5"),
        (GREEK, "cp1253"),
        (GREEK, "iso8859-7"),
        (HEBREW, "cp1255"),
        (ARABIC, "cp1256"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (CHINESE, "gb18030"),
        (TRADITIONAL, "big5hkscs"),
        (KOREAN, "cp949"),
    ],
)
def test_a_language_in_its_encoding_is_read_and_said(tmp_path: Path, body: str, encoding: str) -> None:
    file = tmp_path / "items.csv"
    file.write_bytes(table(body).encode(encoding))
    pool = csv(file, id="id", text="body")
    assert pool.items.tolist() == [body.replace(",", ";"), "plain"]
    assert pool.source is not None
    found = str(pool.source.params["encoding"])
    assert encoding_of(file) == Encoding(found, is_detected=True)
    assert build("reader", pool.source).fingerprint == pool.fingerprint


@pytest.mark.parametrize(
    "body", [FRENCH, GREEK, RUSSIAN, HEBREW, JAPANESE, KOREAN, "plain 👩‍👩‍👧 text", "plain"]
)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_known_by_its_zeros(tmp_path: Path, body: str, encoding: str) -> None:
    file = tmp_path / "items.csv"
    file.write_bytes(table(body).encode(encoding))
    pool = csv(file, id="id", text="body")
    assert pool.items.tolist() == [body.replace(",", ";"), "plain"]
    assert pool.source is not None
    assert pool.source.params["encoding"] == encoding
    (tmp_path / "items.jsonl").write_bytes(f'{{"body": "{body}"}}\n{{"body": "x"}}\n'.encode(encoding))
    assert jsonl(tmp_path / "items.jsonl", text="body").items.tolist() == [body, "x"]


@pytest.mark.parametrize(
    "content",
    [
        b"id,body\na,x\0y\nb,\0\0z\n",
        b"id,body\na,th\xc3\xa9\0\0\nb,z\n",
        b"id,body\n" + b"a,x\0" * 50 + b"\n",
        b"\0" * 64,
        b"id,body\n" + b"a,x\0" * 50 + b"\n\n",  # on one side of the pairs, and nothing that ends a line
        b"a,bcdefghijklmnopqrs\n\0" * 4,  # at the beginning of each line, all else ASCII
        "id,body\na,x\n".encode("utf-32-le"),
        "id,body\na,x\n".encode("utf-16-le") + b"x",  # cut within a character
    ],
)
def test_a_zero_byte_here_and_there_is_no_utf_16(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "items.csv").write_bytes(content)
    assert encoding_of(tmp_path / "items.csv") == Encoding("utf-8")
    with pytest.raises(ReaderError, match="a zero byte at character"):
        csv(tmp_path / "items.csv")


@pytest.mark.parametrize(
    ("text", "encoding", "says"),
    [
        ("Très bon", "cp1252", "cp1252 reads 'a,Très'; cp1250 reads 'a,Trčs'"),  # French; or Czech
        ("café", "cp1252", "cp1252 reads 'a,café'"),  # one letter is too little to tell by
    ],
)
def test_poor_evidence_is_refused_with_what_each_would_read(
    tmp_path: Path, text: str, encoding: str, says: str
) -> None:
    (tmp_path / "items.csv").write_bytes(table(text).encode(encoding))
    assert detected(tmp_path / "items.csv") is None
    with pytest.raises(ReaderError, match=re.escape(says)):
        csv(tmp_path / "items.csv")
    assert csv(tmp_path / "items.csv", text="body", encoding=encoding).items.tolist() == [text, "plain"]


def test_noise_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_bytes(bytes(range(1, 256)) * 40)
    assert detected(tmp_path / "items.csv") is None


def test_utf_8_with_an_accident_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_bytes(table(FRENCH).encode() + b"c,\xe9\n")
    with pytest.raises(
        ReaderError, match=r"line 4: the byte 0xe9 at character 3 is not of the encoding\. Save"
    ):
        csv(tmp_path / "items.csv")


def test_a_sample_that_misleads_does_not_decide(tmp_path: Path) -> None:
    """The encoding of the beginning must also read the end."""
    rows = table(FRENCH) + "".join(f"{row},{FRENCH.replace(',', ';')}\n" for row in range(2000))
    (tmp_path / "items.csv").write_bytes(rows.encode("cp1252") + b"z,\x81\n")  # no letter of cp1252
    with pytest.raises(ReaderError, match=r"received the byte 0xe9 in line 2"):
        csv(tmp_path / "items.csv")


def test_english_with_loans_is_western(tmp_path: Path) -> None:
    """Of a thousand lines a few have letters beyond ASCII, of several languages."""
    words = ["crème brûlée", "jalapeño", "naïve", "Zoë’s", "façade", "Düsseldorf", "señor", "pâté"]
    rows = "".join(f"{row},a {words[row % 8] if row % 10 == 0 else 'word'} or two\n" for row in range(1000))
    (tmp_path / "items.csv").write_bytes(f"id,body\n{rows}".encode("cp1252"))
    assert detected(tmp_path / "items.csv") == "cp1252"


@pytest.mark.parametrize("words", ["“It isn’t {row}” – she said…", "“word {row}” and more"])
def test_quotes_alone_are_no_letters_of_another_alphabet(tmp_path: Path, words: str) -> None:
    """Curly quotes of Windows are letters in the encodings of DOS and of the Macintosh."""
    rows = "".join(f"{row},{words.format(row=row)}\n" for row in range(40))
    (tmp_path / "items.csv").write_bytes(f"id,body\n{rows}".encode("cp1252"))
    assert detected(tmp_path / "items.csv") == "cp1252"


def test_what_is_said_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_bytes(table(FRENCH).encode("cp1252"))
    with pytest.raises(ReaderError, match="Text in utf-8 is needed"):
        csv(tmp_path / "items.csv", encoding="utf-8")
    assert csv(tmp_path / "items.csv", encoding="cp1250", text="body").items[0].startswith("Le café était")
    with pytest.raises(ReaderError, match="Text in utf-8 is needed"):
        list(lines(tmp_path / "items.csv"))  # answers come back as they went out: nothing is guessed
