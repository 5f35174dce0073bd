"""Which encoding a text without a mark is in: found only where one reading makes sense and no other does."""

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
_SAMPLE = 1 << 16  # bytes of lines that are not ASCII
_PIECE = 1 << 20
_NOISE = 0.15  # how much less plausible than the best a reading may look and still be considered
_FOREIGN = 0.02  # the share of odd characters that may be of another language: names, loans
_EVIDENCE = 2  # odd characters that must tell the best reading from the next
_LETTERS = 20  # letters that say which alphabet is meant by how frequent they are
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
        if other.unexplained - self.unexplained >= max(_EVIDENCE, _FOREIGN * self.letters):
            return True
        more = self.familiar - max(other.familiar, 0.02)
        return self.letters >= _LETTERS and (
            more >= 0.15 or (more > 0 and self.familiar >= 2 * other.familiar)
        )


def detected(path: Source) -> str | None:
    """The encoding of a text file without a mark that is not UTF-8.

    Parameters
    ----------
    path : str or path
        A text file; compressed where its name ends in ``.gz``.

    Returns
    -------
    str or None
        None where no encoding reads all characters as those of one language, where several do so in different
        ways, or where charset-normalizer (the extra ``app``) is not installed.

    Raises
    ------
    ReaderError
        The file cannot be read.

    Notes
    -----
    charset-normalizer says which encodings read the lines that are not ASCII (64 kB of them) without a mess.
    It cannot tell neighbours such as cp1250 and cp1252 apart, which differ in few letters; so the reading
    must also keep to the letters of one language, and every other must leave two or more unexplained.
    Some ten milliseconds beside reading the file.
    """
    ranked = _ranked(_sample(path))
    if not ranked or ranked[0].unexplained > _FOREIGN * ranked[0].letters:
        return None
    return ranked[0].name if all(ranked[0].is_better(other) for other in ranked[1:]) else None


def candidates(path: Source) -> list[tuple[str, str]]:
    """The most likely encodings of a file that is not UTF-8, each with a word as it reads it.

    Parameters
    ----------
    path : str or path
        A text file; compressed where its name ends in ``.gz``.

    Returns
    -------
    list of pairs of str
        At most three, the likeliest first; none where charset-normalizer is not installed.

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
    """Readings that are no mess, the best first."""
    readings: dict[str, str] = {}
    for name in _plausible(sample):
        try:
            text = sample.decode(name)
        except UnicodeDecodeError:
            continue
        if text not in readings.values():
            readings[name] = text
    return sorted((_judged(name, text) for name, text in readings.items()), key=lambda one: one.order)


def _plausible(sample: bytes) -> list[str]:
    """The encodings that charset-normalizer takes for possible, in our order; none where it is missing."""
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        return []
    found = list(from_bytes(sample, cp_isolation=[_plain(one) for one in _ENCODINGS], threshold=0.4))
    best = min((one.chaos for one in found), default=0.0)
    near = {
        _plain(name)
        for one in found
        if one.chaos <= best + _NOISE
        for name in (one.encoding, *one.could_be_from_charset)
    }
    return [name for name in _ENCODINGS if _plain(name) in near]


def _plain(name: str) -> str:
    return name.replace("-", "_")


def _judged(name: str, text: str) -> _Reading:
    places = [at for at, one in enumerate(text) if not (one.isascii() or _is_sign(text, at))]
    letters = "".join(text[at] for at in places)
    script = _SCRIPTS[name]
    if name in _COMMON:
        unexplained = sum(not _is_in(one, _COMMON[name]) for one in letters)
    else:
        torn = sum(_is_torn(text, at, script) for at in places)
        known = ALPHABETS[script].values()
        unexplained = torn + min(sum(one not in alphabet for one in letters) for alphabet in known)
    familiar = sum(map(letters.lower().count, FAMILIAR.get(script, ()))) / max(1, len(letters))
    return _Reading(name, text, len(letters), unexplained, familiar)


def _is_sign(text: str, at: int) -> bool:
    """Whether a character is a sign where a sign may stand: within a word only an apostrophe or a dot."""
    if text[at] not in SIGNS:
        return False
    around = text[max(0, at - 1) : at], text[at + 1 : at + 2]
    return text[at] in "’‘·–—\xa0…" or not all(one.isalpha() for one in around)


def _is_torn(text: str, at: int, script: str) -> bool:
    """Whether a letter is of another script than its word, or large within small ones."""
    before = text[at - 1 : at] if at else ""
    if script == "Latin":
        return text[at].isupper() and before.islower()
    return any(one.isascii() and one.isalpha() for one in (before, text[at + 1 : at + 2]))


@cache
def _is_in(one: str, encoding: str) -> bool:
    try:
        one.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
