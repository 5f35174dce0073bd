"""Text files to lines: the encoding found out, and what is not text refused by its place."""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from nextlabel.errors import ReaderError
from nextlabel.readers.faults import Faults
from nextlabel.readers.files import Source, open_bytes, reading

__all__ = ["LONGEST_LINE", "Encoding", "encoding_of", "escaped", "lines", "marked", "raw_lines", "wrong_text"]

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is the first half of this one
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PIECE = 1 << 20  # bytes
_HEAD = 1 << 16
_ENOUGH = 10_000  # characters beyond ASCII, to tell UTF-8 with an accident from another encoding
_ESCAPED = range(0xDC80, 0xDD00)  # what Python makes of bytes that are no text: halves of surrogate pairs
LONGEST_LINE = 1 << 26
"""Characters of a line: what is longer is no table, and would fill the memory."""


@final
@dataclass(frozen=True)
class Encoding:
    """What a text file is read as, and how that is known.

    Parameters
    ----------
    name : str
        As Python calls it.
    is_detected : bool
        Whether nobody said it, neither the caller nor the file: it should be shown.
    is_damaged : bool
        Whether some bytes are not of it; lines with such bytes hold halves of surrogate pairs.
    """

    name: str
    is_detected: bool = False
    is_damaged: bool = False

    def to_say(self, said: str | None) -> str | None:
        """What must be said so that the file is read in this way again; None where nothing need be."""
        return self.name if self.is_detected else said


def encoding_of(path: Source, encoding: str | None = None, *, is_skipping: bool = False) -> Encoding:
    """The encoding that a text file is read in.

    Parameters
    ----------
    path : str or path
        A text file; compressed where its name ends in ``.gz``.
    encoding : str, optional
        What somebody said it is.
    is_skipping : bool
        Whether lines that are not of the encoding are to be left out.

    Returns
    -------
    Encoding
        What the byte-order mark says where there is one, else `encoding`, else UTF-16 where zero bytes stand
        as they do in it, else UTF-8 where the bytes are that, else what `detected` finds.

    Raises
    ------
    ReaderError
        The file cannot be read, is not of that encoding, Python knows no such encoding, or nobody can tell
        which it is.

    Notes
    -----
    Reads the file once, a megabyte at a time; a second for some gigabytes.
    """
    with open_bytes(path) as file, reading(path):
        head = file.read(_HEAD)
    name = _named(head)
    if name is not None:
        return _whole(path, Encoding(name), is_skipping=is_skipping)
    if encoding is not None:
        return _whole(path, Encoding(_known(encoding)), is_skipping=is_skipping)
    wide = _wide(head)
    if wide is not None and _first_wrong(path, wide) is None:
        return Encoding(wide, is_detected=True)
    if _first_wrong(path, "utf-8") is None:
        return Encoding("utf-8")
    if _is_mostly_utf8(path):
        return _whole(path, Encoding("utf-8"), is_skipping=is_skipping)
    from nextlabel.readers.detecting import detected

    found = detected(path)
    if found is None or _first_wrong(path, found) is not None:
        raise _not_this(path, "utf-8")
    return Encoding(found, is_detected=True)


def marked(path: Source) -> str | None:
    """What the byte-order mark of a text file says, as people write it; None where there is none.

    Parameters
    ----------
    path : str or path
        A file; compressed where its name ends in ``.gz``.

    Raises
    ------
    ReaderError
        The file cannot be read.
    """
    with open_bytes(path) as file, reading(path):
        name = _named(file.read(len(codecs.BOM_UTF32_LE)))
    return None if name is None else name.removesuffix("-sig").upper()


def _named(head: bytes) -> str | None:
    return next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)


def lines(path: Source, encoding: str | None = None) -> Iterator[str]:
    """The lines of a text file in UTF-8, or in the encoding that is said, their ends kept as they are.

    Parameters
    ----------
    path : str or path
        A text file; compressed where its name ends in ``.gz``.
    encoding : str, optional
        UTF-8, or what a byte-order mark says, when left out.

    Yields
    ------
    str
        A line with its end.

    Raises
    ------
    ReaderError
        The file cannot be read, is not text of this encoding, holds a zero byte, or has a line of
        more than 64 million characters; the message says where.

    Notes
    -----
    One line is in memory at a time.
    """
    faults = Faults(str(path))
    for number, line in enumerate(raw_lines(path, encoding_of(path, encoding or "utf-8")), start=1):
        what = wrong_text(line)
        if what:
            faults.add(number, *what)
            faults.refuse(always=True)
        yield line


def raw_lines(path: Source, encoding: Encoding) -> Iterator[str]:
    """The lines of a text file as they are, their ends kept.

    Parameters
    ----------
    path : str or path
        A text file; compressed where its name ends in ``.gz``.
    encoding : Encoding
        As `encoding_of` says.

    Yields
    ------
    str
        A line with its end; the beginning of one of more than 64 million characters.

    Raises
    ------
    ReaderError
        The file cannot be read, or has changed since its encoding was found out.

    Notes
    -----
    One line is in memory at a time.
    """
    with open_bytes(path) as file, reading(path):
        errors = "surrogateescape" if encoding.is_damaged else "strict"
        stream = io.TextIOWrapper(file, encoding=encoding.name, errors=errors, newline="")
        try:
            while line := stream.readline(LONGEST_LINE):
                rest = line
                while len(rest) >= LONGEST_LINE and rest[-1] not in "\r\n":
                    rest = stream.readline(LONGEST_LINE)
                yield line
        except UnicodeDecodeError as cause:
            raise _not_this(path, encoding.name) from cause


def wrong_text(line: str) -> tuple[str, str] | None:
    """What makes a line no text: the kind of fault, and what was seen; None where nothing does.

    Parameters
    ----------
    line : str
        Of `raw_lines`.
    """
    if "\0" in line:
        return "zero byte", f"a zero byte at character {line.index(chr(0)) + 1:,}"
    if len(line) >= LONGEST_LINE:
        return "too long", f"a line of {LONGEST_LINE:,} characters or more"
    return None


def escaped(line: str) -> tuple[str, str] | None:
    """The fault of a line of a damaged file whose bytes are not all of the encoding; None where they are.

    Parameters
    ----------
    line : str
        Of `raw_lines`.
    """
    if line.isascii():
        return None
    at = next((at for at, one in enumerate(line) if ord(one) in _ESCAPED), None)
    if at is None:
        return None
    return "bytes", f"the byte 0x{ord(line[at]) - 0xDC00:02x} at character {at + 1:,} is not of the encoding"


def _known(encoding: str) -> str:
    try:
        "x".encode(encoding)  # a lookup would take hex for an encoding of text
        return codecs.lookup(encoding).name
    except LookupError as cause:
        message = (
            f"An encoding must be one that Python knows; received {encoding!r}. "
            "Use for example utf-8, utf-16, latin-1 or cp1252."
        )
        raise ReaderError(message) from cause


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: zeros on one side of the pairs only, line ends of two bytes among them."""
    pairs = head[: len(head) // 2 * 2]
    zeros = pairs[0::2].count(0), pairs[1::2].count(0)
    if max(zeros) < 2 or min(zeros) * 20 > max(zeros):
        return None
    name = "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    text = pairs.decode(name, "replace")
    plain = sum(map(text.count, "\n\r,;\t{} "))
    # bytes of ASCII with a zero here and there: read as pairs, they would hardly ever be line ends or blanks
    enough = max(zeros) * 10 >= len(pairs) or not pairs.replace(b"\0", b"").isascii()
    return name if enough and plain * 20 >= max(zeros) else None


def _is_mostly_utf8(path: Source) -> bool:
    """Whether more characters of several bytes are sound than bytes are wrong: UTF-8 with an accident."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    sound = wrong = 0
    with open_bytes(path) as file, reading(path):
        while sound + wrong < _ENOUGH and (piece := file.read(_PIECE)):
            text = decoder.decode(piece)
            whole = len(text.encode("utf-8", "ignore").decode())  # without what stands for bytes
            plain = len(text.encode("ascii", "ignore"))
            sound, wrong = sound + whole - plain, wrong + len(text) - whole
    return sound > wrong


def _whole(path: Source, encoding: Encoding, *, is_skipping: bool) -> Encoding:
    """The encoding, if the file is of it; damaged, if lines that are not are to be left out."""
    if _first_wrong(path, encoding.name) is None:
        return encoding
    if is_skipping and "16" not in encoding.name and "32" not in encoding.name:
        return Encoding(encoding.name, is_damaged=True)
    if encoding.name == "utf-8" and _is_mostly_utf8(path):
        _refuse_lines(path)
    raise _not_this(path, encoding.name)


def _refuse_lines(path: Source) -> None:
    """Refuse a file in UTF-8 for the lines that are not."""
    faults = Faults(str(path))
    for number, line in enumerate(raw_lines(path, Encoding("utf-8", is_damaged=True)), start=1):
        wrong = escaped(line)
        if wrong is not None:
            faults.add(number, *wrong)
    faults.refuse()


def _first_wrong(path: Source, name: str) -> tuple[int, int, int] | None:
    """The first byte that is not of an encoding: its value, line and place, from 1; None where all are."""
    decoder = codecs.getincrementaldecoder(name)()
    before, line = 0, 1
    with open_bytes(path) as file, reading(path):
        while True:
            piece = file.read(_PIECE)
            held = len(decoder.getstate()[0])
            try:
                line += decoder.decode(piece, final=not piece).count("\n")
            except UnicodeDecodeError as cause:
                line += cause.object[: cause.start].decode(name, "ignore").count("\n")
                return cause.object[cause.start], line, before - held + cause.start + 1
            if not piece:
                return None
            before += len(piece)


def _not_this(path: Source, name: str) -> ReaderError:
    """Say where the first byte lies that is not of this encoding, and what it may be instead."""
    from nextlabel.readers.detecting import candidates

    found = _first_wrong(path, name)
    where = (
        f"the byte 0x{found[0]:02x} in line {found[1]} (byte {found[2]:,})"
        if found
        else "bytes that have changed"
    )
    faults = Faults(str(path))
    if found:
        faults.add(found[1], "bytes", where)
    has_mark = name.startswith(("utf-8-sig", "utf-16", "utf-32"))
    may = [] if has_mark else candidates(path)
    read = "; ".join(f"{one} reads {seen!r}" for one, seen in may)
    what = (
        f"It may be {' or '.join(one for one, _ in may)}: {read}. Say which with encoding={may[0][0]!r} "
        f"(--encoding {may[0][0]})"
        if may
        else "Mend it"
        if has_mark
        else "Say what it is: encoding='latin-1' (--encoding latin-1) or 'cp1252' for many Western European "
        "files"
    )
    message = (
        f"Text in {name} is needed; received {where} of {str(path)!r}. {what}, or save the file as UTF-8."
    )
    return ReaderError(message, faults=faults)
