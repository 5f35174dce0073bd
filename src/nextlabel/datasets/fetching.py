"""Fetching the files of a data set: nothing takes its place before its digest has been checked."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from nextlabel.datasets.listing import Listing, PublishedFile
from nextlabel.datasets.places import check, digest_of, without_address
from nextlabel.errors import DatasetMissing, DigestError

__all__ = ["fetch"]

_CHUNK = 1 << 16


def fetch(
    listing: Listing,
    folder: Path,
    *,
    report: Callable[[PublishedFile, int], None] | None = None,
    seconds: float = 30.0,
) -> tuple[Path, ...]:
    """The files of a set, each fetched unless it is there already.

    Parameters
    ----------
    listing : Listing
        The set, with an address for each file.
    folder : Path
        The folder of data sets; the files come into the set's own folder in it, which is made.
    report : callable, optional
        Told each file, and how many of its bytes have come, after every piece.
    seconds : float
        How long to wait for an answer, or for the next piece.

    Returns
    -------
    tuple of Path
        Where the files lie, in the order of the listing.

    Raises
    ------
    DatasetMissing
        A file has no address, or its publisher cannot be reached or sends less than all.
    DigestError
        What was sent, or what lies there under the file's name, is another file.
    OSError
        The folder cannot be written, or the disk is full.

    Notes
    -----
    A file is written under a temporary name, brought to the disk and renamed at the end, so that an
    interrupted fetch leaves nothing that could be taken for the file. Memory O(1).
    """
    places = tuple(folder / listing.folder / file.name for file in listing.files)
    wanted = []
    for file, place in zip(listing.files, places, strict=True):
        if place.is_file():
            check(place.read_bytes(), file, place)
        elif file.address is None:
            raise DatasetMissing(without_address(listing, file, (folder,)))
        else:
            wanted.append((file, place))
    for file, place in wanted:
        place.parent.mkdir(parents=True, exist_ok=True)
        _fetch_one(file, place, report or _unheard, seconds)
    return places


def _unheard(file: PublishedFile, count: int) -> None:
    """Nobody wants to know how far it is."""


def _fetch_one(
    file: PublishedFile, place: Path, report: Callable[[PublishedFile, int], None], seconds: float
) -> None:
    """One file under a temporary name, then under its own."""
    number, temporary = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=place.parent)
    try:
        with os.fdopen(number, "wb") as written:
            digest, count = digest_of(file), 0
            for piece in _pieces(file, seconds):
                count += len(piece)
                _refuse_more(file, count)
                digest.update(piece)
                written.write(piece)
                report(file, count)
            _refuse_other(file, digest, count)
            written.flush()
            os.fsync(written.fileno())
        Path(temporary).chmod(0o644)  # made for its owner alone
        Path(temporary).replace(place)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _pieces(file: PublishedFile, seconds: float) -> Iterator[bytes]:
    """What the publisher sends, piece by piece."""
    address = str(file.address)
    try:
        request = Request(address, headers={"User-Agent": "nextlabel"})
        with closing(urlopen(request, timeout=seconds)) as answer:
            while piece := answer.read(_CHUNK):
                yield piece
    except (OSError, HTTPException, ValueError) as cause:
        message = (
            f"{file.name} must come from {address}; the answer is: {cause or type(cause).__name__}. "
            "Look at the network and try again, or copy the file from elsewhere: its digest is checked too."
        )
        raise DatasetMissing(message) from cause


def _refuse_more(file: PublishedFile, count: int) -> None:
    if count > file.size:
        message = (
            f"{file.name} must have {file.size:,} bytes; {file.address} sends more, so it is another file. "
            "Nothing was kept; tell us, since a published file may have been replaced."
        )
        raise DigestError(message)


def _refuse_other(file: PublishedFile, digest: Any, count: int) -> None:
    expected, received = file.sha256 or file.md5, digest.hexdigest()
    if count < file.size:
        message = (
            f"{file.name} must have {file.size:,} bytes; {file.address} sent {count:,} and ended. "
            "Nothing was kept; try again."
        )
        raise DatasetMissing(message)
    if received != expected:
        message = (
            f"{file.name} must have the digest {expected}; {file.address} sent {received}. "
            "Nothing was kept; tell us, since a published file may have been replaced."
        )
        raise DigestError(message)
