"""Which encoding a text without a mark is in: found only where one reading makes sense and no other does."""

import re
from dataclasses import dataclass
from functools import cache
from typing import final

from nextlabel.readers.alphabets import ALPHABETS, FAMILIAR, SIGNS
from nextlabel.readers.files import Source, open_bytes, reading

__all__ = ["candidates", "detected"]

# The first of those that read a text alike is named.
_SCRIPTS = {
    "cp1252": "Latin",
    "iso8859-15": "Latin",
    "cp1250": "Latin",
    "iso8859-2": "Latin",
    "cp1254": "Latin",
    "cp1257": "Latin",
    "mac-roman": "Latin",
    "cp850": "Latin",
    "cp852": "Latin",
    "cp437": "Latin",
    "cp1251": "Cyrillic",
    "koi8-r": "Cyrillic",
    "koi8-u": "Cyrillic",
    "iso8859-5": "Cyrillic",
    "cp866": "Cyrillic",
    "mac-cyrillic": "Cyrillic",
    "cp1253": "Greek",
    "iso8859-7": "Greek",
    "cp1255": "Hebrew",
    "cp1256": "Arabic",
    "cp874": "Thai",
    "cp932": "Japanese",
    "euc_jp": "Japanese",
    "gb18030": "Chinese",
    "big5hkscs": "Chinese",
    "cp949": "Korean",
}
_ENCODINGS = tuple(_SCRIPTS)
# Older encodings that hold the common characters only, and no rare ones.
_COMMON = {
    "cp932": "shift_jis",
    "euc_jp": "shift_jis",
    "gb18030": "gb2312",
    "big5hkscs": "big5",
    "cp949": "euc_kr",
}
_CONTROLS = re.compile("[\x80-\x9f]")  # in no text, and what Windows' own letters are in the encodings of ISO
_SAMPLE = 1 << 16  # bytes of lines that are not ASCII
_PIECE = 1 << 20
_FOREIGN = 0.02  # the share of odd characters that may be of another language: names, loans
_DECISIVE = 0.3  # the share of the characters in which two readings differ that must speak for one
_STRANGE = 0.05  # the share of odd characters that no text of a language leaves unexplained
_EVIDENCE = 2  # odd characters that must tell the best reading from the next
_LETTERS = 20  # letters that say which alphabet is meant by how frequent they are
_PLAIN = ("Albanian", "English", "Finnish or Swedish")  # a text may hold one or two such letters only
_VARIETY, _LEADING = 3, 0.3  # different letters of a Latin alphabet, and the share of its four most frequent
_LEAST_FAMILIAR = 0.04  # of Chinese, Japanese and Korean: texts have 10 % and more, other bytes read so 1 %
_SHOWN, _WORD = 3, 24


@final
@dataclass(frozen=True)
class _Reading:
    """A text in one encoding: what no language explains, and the share of its most frequent letters."""

    name: str
    text: str
    letters: int
    unexplained: int
    familiar: float

    @property
    def order(self) -> tuple[float, float, int]:
        """The best first; of equals the first of our list."""
        return self.unexplained, -self.familiar, _ENCODINGS.index(self.name)

    def is_better(self, other: "_Reading") -> bool:
        """Whether there is enough evidence for this one: odd characters, or how frequent its letters are."""
        if self.unexplained > _FOREIGN * self.letters:
            return False
        enough = min(_DECISIVE * self._differing(other), _STRANGE * other.letters)
        if other.unexplained - self.unexplained >= max(_EVIDENCE, enough):
            return True
        more = self.familiar - max(other.familiar, 0.02)
        return self.letters >= _LETTERS and (
            more >= 0.15 or (more > 0 and self.familiar >= 2 * other.familiar)
        )

    def _differing(self, other: "_Reading") -> int:
        """How many characters the two read in different ways."""
        if len(self.text) == len(other.text):
            return sum(one != two for one, two in zip(self.text, other.text, strict=True))
        return max(self.letters, other.letters)


def detected(path: Source) -> str | None:
    """The encoding of a text file without a mark that is not UTF-8.

    Parameters
    ----------
    path : str or path
        A text file; compressed where its name ends in ``.gz``.

    Returns
    -------
    str or None
        None where no encoding reads all characters as those of one language, or where several do so in
        different ways.

    Raises
    ------
    ReaderError
        The file cannot be read.

    Notes
    -----
    Each of 26 encodings reads the lines that are not ASCII, 64 kB of them. Of a reading that makes sense,
    characters beyond ASCII are letters of one language, as frequent as there, or signs where signs may stand;
    it is taken where in every other reading two or more, and a fair share, remain unexplained, or letters are
    much less frequent ones. Frequencies of bytes alone, by which other detectors go, cannot tell cp1250 from
    cp1252, which differ in few letters. Some hundredths of a second beside reading the file.
    """
    ranked = _ranked(_sample(path))
    best = [one for one in ranked if all(one is other or one.is_better(other) for other in ranked)]
    return best[0].name if len(best) == 1 and best[0].unexplained <= _FOREIGN * best[0].letters else None


def candidates(path: Source) -> list[tuple[str, str]]:
    """The most likely encodings of a file that is not UTF-8, each with a word as it reads it.

    Parameters
    ----------
    path : str or path
        A text file; compressed where its name ends in ``.gz``.

    Returns
    -------
    list of pairs of str
        At most three, the likeliest first; none where it is text in no encoding.

    Raises
    ------
    ReaderError
        The file cannot be read.
    """
    ranked = _ranked(_sample(path))[:_SHOWN]
    return [(one.name, _telling_word(one.text, [other.text for other in ranked])) for one in ranked]


def _telling_word(text: str, readings: list[str]) -> str:
    """The first word with a character beyond ASCII, where possible one that the readings differ in."""
    words = [reading.split() for reading in readings]
    for place, word in enumerate(text.split()):
        read = {one[place] for one in words if place < len(one)}
        if not word.isascii() and len(read) == len(readings):
            return word[:_WORD]
    return next((word for word in text.split() if not word.isascii()), "")[:_WORD]


def _sample(path: Source) -> bytes:
    """Lines that are not ASCII, from the beginning of the file."""
    kept: list[bytes] = []
    size, rest = 0, b""
    with open_bytes(path) as file, reading(path):
        while size < _SAMPLE and (piece := file.read(_PIECE)):
            *whole, rest = (rest + piece).splitlines(keepends=True)
            if rest.endswith((b"\n", b"\r")) or len(rest) > _PIECE:
                whole, rest = [*whole, rest], b""
            odd = [line[:_SAMPLE] for line in whole if not line.isascii()]
            kept += odd
            size += sum(map(len, odd))
    if not rest.isascii():
        kept.append(rest)
    return b"".join(kept)[:_SAMPLE].rpartition(b" ")[0] if size > _SAMPLE else b"".join(kept)


def _ranked(sample: bytes) -> list[_Reading]:
    """Readings without control characters, the best first; of encodings that read alike, one."""
    readings: dict[str, str] = {}
    for name in _ENCODINGS:
        try:
            text = sample.decode(name)
        except UnicodeDecodeError:
            continue
        if text not in readings.values() and not _CONTROLS.search(text):
            readings[name] = text
    return sorted((_judged(name, text) for name, text in readings.items()), key=lambda one: one.order)


def _judged(name: str, text: str) -> _Reading:
    places = [at for at, one in enumerate(text) if not (one.isascii() or _is_sign(text, at))]
    letters = "".join(text[at] for at in places)
    script = _SCRIPTS[name]
    familiar = sum(map(letters.lower().count, FAMILIAR.get(script, ()))) / max(1, len(letters))
    if name in _COMMON:
        rare = sum(not _is_in(one, _COMMON[name]) for one in letters)
        unexplained = rare if familiar >= _LEAST_FAMILIAR else len(letters)
    else:
        torn = sum(_is_torn(text, at, script) for at in places)
        unexplained = torn + min(
            sum(one not in alphabet for one in letters) if _may_be(letters, language) else len(letters)
            for language, alphabet in ALPHABETS[script].items()
        )
    return _Reading(name, text, len(letters), unexplained, familiar)


def _may_be(letters: str, language: str) -> bool:
    """Whether letters are as many and as frequent as in a language; quotes read as letters are not."""
    leading = FAMILIAR.get(language)
    if leading is None or len(letters) < _LETTERS:
        return True
    small = letters.lower()
    is_varied = len(set(small)) >= _VARIETY or language in _PLAIN
    return is_varied and sum(map(small.count, leading)) >= _LEADING * len(letters)


def _is_sign(text: str, at: int) -> bool:
    """Whether a character is a sign where a sign may stand: within a word only an apostrophe or a dot."""
    if text[at] not in SIGNS:
        return False
    around = text[max(0, at - 1) : at], text[at + 1 : at + 2]
    return text[at] in "’‘·–—\xa0…" or not all(one.isalpha() for one in around)


def _is_torn(text: str, at: int, script: str) -> bool:
    """Whether a letter is of another script than its word, or large behind a small one."""
    before = text[at - 1 : at] if at else ""
    if text[at].isupper() and before.islower():
        return True
    return script != "Latin" and any(
        one.isascii() and one.isalpha() for one in (before, text[at + 1 : at + 2])
    )


@cache
def _is_in(one: str, encoding: str) -> bool:
    try:
        one.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
