"""What a file that is an archive may hold: looked at before anything is unpacked."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO
from xml.parsers import expat

from nextlabel.errors import ReaderError
from nextlabel.readers.files import Source

__all__ = ["opened_archive", "require_plain_xml"]

_MOST_BYTES = 1 << 30
_MOST_PARTS = 10_000
_SMALL = 1 << 24  # bytes: what is no larger may be packed as tightly as it likes
_MOST_RATIO = 200  # rows of equal cells reach about 50; nothing but a bomb 1,000
_PIECE = 1 << 16


@contextmanager
def opened_archive(file: BinaryIO, path: Source) -> Iterator[zipfile.ZipFile]:
    """A zip archive whose parts, unpacked, are not too many and not too large.

    Parameters
    ----------
    file : file of bytes
        At its beginning.
    path : str or path
        For messages.

    Yields
    ------
    zipfile.ZipFile
        No part gives more bytes than it says it has.

    Raises
    ------
    ReaderError
        It is no whole archive, holds more than 10,000 parts or a gigabyte, one part that unpacks to more than
        200 times its size (if above 16 MB), a name twice, or an encrypted part.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as cause:
        raise ReaderError(_refused(path, str(cause))) from cause
    with archive:
        parts = archive.infolist()
        why = (
            f"it has {len(parts):,} parts, more than {_MOST_PARTS:,}"
            if len(parts) > _MOST_PARTS
            else _why_too_large(parts)
        )
        if why:
            raise ReaderError(_refused(path, why))
        yield archive


def require_plain_xml(archive: zipfile.ZipFile, path: Source) -> None:
    """Refuse XML that defines entities or leads to other files: no spreadsheet needs it.

    Parameters
    ----------
    archive : zipfile.ZipFile
    path : str or path
        For messages.

    Raises
    ------
    ReaderError
        A part ending in xml or rels has a document type, or is no XML up to its first element.
    """
    for part in archive.infolist():
        if not part.filename.lower().endswith((".xml", ".rels", ".vml")):
            continue
        try:
            with archive.open(part) as file:
                _look_at_head(file)
        except (ValueError, expat.ExpatError, zipfile.BadZipFile, EOFError, OSError, RuntimeError) as cause:
            raise ReaderError(_refused(path, f"{part.filename!r}: {cause}")) from cause
        except Exception as cause:  # zlib's error is no OSError, and more may come from damaged bytes
            raise ReaderError(_refused(path, f"{part.filename!r}: {cause}")) from cause


def _look_at_head(file: object) -> None:
    parser = expat.ParserCreate()
    begun: list[str] = []

    def refuse(*_: object) -> None:
        raise ValueError("it has a document type, which may lead to other files")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda name, _: begun.append(name)
    while not begun and (piece := file.read(_PIECE)):  # type: ignore[attr-defined]
        parser.Parse(piece, False)
    if not begun:
        raise ValueError("it has no element")


def _why_too_large(parts: list[zipfile.ZipInfo]) -> str:
    total = sum(part.file_size for part in parts)
    if total > _MOST_BYTES:
        return f"unpacked it has {total:,} bytes, more than {_MOST_BYTES:,}"
    names: set[str] = set()
    for part in parts:
        if part.file_size > max(_SMALL, _MOST_RATIO * part.compress_size):
            return f"{part.filename!r} unpacks to more than {_MOST_RATIO} times its size"
        if part.flag_bits & 1:
            return f"{part.filename!r} is encrypted"
        if part.filename in names:
            return f"{part.filename!r} is in it twice"
        names.add(part.filename)
    return ""


def _refused(path: Source, why: str) -> str:
    return (
        f"A whole xlsx workbook of at most {_MOST_BYTES >> 30} GB is needed; received {str(path)!r}: {why}. "
        "Open it in a spreadsheet and save it as .xlsx without a password, or save the sheet as .csv."
    )
