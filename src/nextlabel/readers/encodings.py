"""Text files to lines: the encoding found out, and what is not text refused by its place."""

import codecs
import io
from collections.abc import Iterator

from nextlabel.errors import ReaderError
from nextlabel.readers.files import Source, open_bytes, reading

__all__ = ["encoding_of", "lines"]

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is the first half of this one
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PIECE = 1 << 20  # bytes
_LONGEST = 1 << 26  # characters: what is longer is no table, and would fill the memory


def encoding_of(path: Source, encoding: str | None = None) -> str:
    """The encoding that a text file is read in.

    Parameters
    ----------
    path : str or path
        A text file; compressed where its name ends in ``.gz``.
    encoding : str, optional
        What somebody said it is.

    Returns
    -------
    str
        What the byte-order mark says where there is one, else `encoding`, else ``"utf-8"``.

    Raises
    ------
    ReaderError
        The file cannot be read, or Python knows no such encoding.
    """
    with open_bytes(path) as file, reading(path):
        head = file.read(4)
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    try:
        "x".encode(encoding or "utf-8")  # a lookup would take hex for an encoding of text
        return codecs.lookup(encoding or "utf-8").name
    except LookupError as cause:
        message = (
            f"An encoding must be one that Python knows; received {encoding!r}. "
            "Use for example utf-8, utf-16, latin-1 or cp1252."
        )
        raise ReaderError(message) from cause


def lines(path: Source, encoding: str | None = None) -> Iterator[str]:
    """The lines of a text file, their ends kept as they are.

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
    name = encoding_of(path, encoding)
    with open_bytes(path) as file, reading(path):
        stream = io.TextIOWrapper(file, encoding=name, newline="")
        number = 0
        try:
            while line := stream.readline(_LONGEST):
                number += 1
                _require_text(line, number, path)
                yield line
        except UnicodeDecodeError as cause:
            raise ReaderError(_not_this(path, name)) from cause


def _require_text(line: str, number: int, path: Source) -> None:
    if "\0" in line:
        message = (
            f"Text without zero bytes is needed; received one in line {number} of {str(path)!r}. "
            "Remove it, or say encoding='utf-16' (--encoding utf-16) where the file is UTF-16 without a mark."
        )
        raise ReaderError(message)
    if len(line) >= _LONGEST:
        message = (
            f"A line must be shorter than {_LONGEST:,} characters; received a longer one at line {number} "
            f"of {str(path)!r}. Check that this is a text file with line ends."
        )
        raise ReaderError(message)


def _not_this(path: Source, name: str) -> str:
    """Say where the first byte lies that is not of this encoding: the stream itself forgets."""
    decoder = codecs.getincrementaldecoder(name)()
    before, line = 0, 1
    with open_bytes(path) as file:
        while True:
            piece = file.read(_PIECE)
            held = len(decoder.getstate()[0])
            try:
                line += decoder.decode(piece, final=not piece).count("\n")
            except UnicodeDecodeError as cause:
                line += cause.object[: cause.start].decode(name, "ignore").count("\n")
                at = before - held + cause.start
                return (
                    f"Text in {name} is needed; received the byte 0x{cause.object[cause.start]:02x} in line "
                    f"{line} (byte {at + 1:,}) of {str(path)!r}. Save the file as UTF-8, or say what it "
                    "is: encoding='latin-1' (--encoding latin-1) or 'cp1252' for many Western European files."
                )
            before += len(piece)
