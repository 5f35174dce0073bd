"""Which reader a path is for, and opening it: compressed or not, there or not."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import BinaryIO, cast

from nextlabel.errors import ReaderError

__all__ = ["Source", "open_bytes", "reader_for", "reading"]

Source = str | PathLike[str]
"""A path, as a caller gives it."""

_READERS = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "tsv",
    ".tsv.gz": "tsv",
    ".jsonl": "jsonl",
    ".jsonl.gz": "jsonl",
    ".ndjson": "jsonl",
    ".ndjson.gz": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".npy": "npy",
    ".npz": "npz",
    ".idx": "idx",
    ".idx.gz": "idx",
    "-ubyte": "idx",
    "-ubyte.gz": "idx",
}


def reader_for(path: Source) -> str:
    """The registered name of the reader for a file, by how its name ends, or for a folder.

    Parameters
    ----------
    path : str or path
        A folder is read as images. A file need not be there yet.

    Returns
    -------
    str
        A name of the registry's kind ``"reader"``.

    Raises
    ------
    ReaderError
        No reader is known for this ending.

    Examples
    --------
    >>> reader_for("reviews.csv.gz"), reader_for("train-images-idx3-ubyte.gz")
    ('csv', 'idx')
    """
    where = Path(path)
    with reading(path):
        if where.is_dir():
            return "images"
    for ending, reader in _READERS.items():
        if where.name.lower().endswith(ending):
            return reader
    message = (
        f"A file of items must be a folder of images or end in {', '.join(_READERS)}; received "
        f"{str(path)!r}. Save it as one of these, for example from a spreadsheet as .xlsx."
    )
    raise ReaderError(message)


def open_bytes(path: Source) -> BinaryIO:
    """A file's bytes; those inside where its name ends in ``.gz``.

    Raises
    ------
    ReaderError
        There is no such file, or it is a folder; the message offers the file of the nearest name.
    """
    where = Path(path)
    with reading(path):
        if where.is_dir():
            message = f"A file is needed here; received the folder {str(path)!r}. Name a file in it."
            raise ReaderError(message)
        if not where.exists():
            message = f"A file to read is needed; there is no {str(path)!r}. {_near(where)}Check the path."
            raise ReaderError(message)
        if where.suffix == ".gz":
            return cast("BinaryIO", gzip.open(where, "rb"))
        return where.open("rb")


def _near(where: Path) -> str:
    there = [one.name for one in where.parent.iterdir()] if where.parent.is_dir() else []
    near = get_close_matches(where.name, there, n=1, cutoff=0.75)
    return f"Did you mean {str(where.parent / near[0])!r}? " if near else ""


@contextmanager
def reading(path: Source) -> Iterator[None]:
    """Say in one message which file could not be read, and why.

    Raises
    ------
    ReaderError
        A compressed file is cut short or is none, or the system refuses.
    """
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as cause:
        message = (
            f"A name that ends in .gz must be a whole gzip file; received {str(path)!r}: {cause}. "
            "Copy or download it again, or take .gz from its name where it is not compressed."
        )
        raise ReaderError(message) from cause
    except OSError as cause:
        message = (
            f"A file that can be read is needed; received {str(path)!r}: {cause.strerror or cause}. "
            "Check its permissions and the disk."
        )
        raise ReaderError(message) from cause
