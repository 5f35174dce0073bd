"""Where the files of data sets lie, and reading them only when they are the ones that are meant."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nextlabel.datasets.listing import Listing, PublishedFile
from nextlabel.errors import DatasetMissing, DigestError

__all__ = ["check", "digest_of", "find", "folders", "read", "user_folder", "without_address"]


def user_folder() -> Path:
    """The folder of data sets in the user's cache."""
    from platformdirs import user_cache_path

    return user_cache_path("nextlabel", appauthor=False) / "data"


def folders() -> tuple[Path, ...]:
    """Where data sets are looked for: in ``NEXTLABEL_DATA`` when it is set, then in the user's cache."""
    named = os.environ.get("NEXTLABEL_DATA", "")
    return (*([Path(named).expanduser()] if named else []), user_folder())


def find(listing: Listing, file: PublishedFile) -> Path | None:
    """The first place that holds a file of this name; None where there is none.

    Parameters
    ----------
    listing : Listing
        The set.
    file : PublishedFile
        One of its files.
    """
    places = [folder / listing.folder / file.name for folder in folders()]
    return next((place for place in places if place.is_file()), None)


def read(listing: Listing, name: str) -> bytes:
    """The content of a file of a set, after its digest has been checked.

    Parameters
    ----------
    listing : Listing
        The set.
    name : str
        One of its files.

    Raises
    ------
    DatasetMissing
        The file is in none of the folders; the message says which, and how to get it.
    DigestError
        The file there is another one.

    Notes
    -----
    Every reading is checked: SHA-256 takes a few milliseconds for ten megabytes, less than unpacking them.
    """
    file = next(one for one in listing.files if one.name == name)
    place = find(listing, file)
    if place is None:
        raise DatasetMissing(_missing(listing, file))
    content = place.read_bytes()
    check(content, file, place)
    return content


def check(content: bytes, file: PublishedFile, place: Path | str) -> None:
    """Refuse a content that is not that of the published file.

    Parameters
    ----------
    content : bytes
        What was read.
    file : PublishedFile
        What it should be.
    place : Path or str
        Where it was read, for the message.

    Raises
    ------
    DigestError
        The size or the digest is another.
    """
    digest = digest_of(file)
    digest.update(content)
    expected, received = file.sha256 or file.md5, digest.hexdigest()
    if received != expected:
        message = (
            f"{file.name} must have {file.size:,} bytes and the digest {expected}; {place} has "
            f"{len(content):,} bytes and {received}, so it is damaged or another file. "
            "Remove it and fetch or copy it again; a file of your own is read by the reader of its format."
        )
        raise DigestError(message)


def digest_of(file: PublishedFile) -> Any:
    """An empty digest of the kind that the file is checked by: SHA-256, or MD5 where only that is published.

    Parameters
    ----------
    file : PublishedFile
        The file.
    """
    return hashlib.new("sha256" if file.sha256 else "md5", usedforsecurity=False)


def without_address(listing: Listing, file: PublishedFile, looked: Sequence[Path]) -> str:
    """What to say of a file that nobody can fetch.

    Parameters
    ----------
    listing : Listing
        The set.
    file : PublishedFile
        The file of it that is not there.
    looked : sequence of Path
        The folders of data sets where it was looked for.
    """
    origin = f" Our copy is from {listing.origin}." if listing.origin else ""
    return (
        f"{_where(listing, file, looked)} No public address with a checked digest is known for it: put the "
        f"file there yourself, or set NEXTLABEL_DATA to the folder that holds {listing.folder}/{file.name}."
        f"{origin}"
    )


def _missing(listing: Listing, file: PublishedFile) -> str:
    if any(one.address is None for one in listing.files):
        return without_address(listing, file, folders())
    return f"{_where(listing, file, folders())} Fetch it with: nextlabel data fetch {listing.name}."


def _where(listing: Listing, file: PublishedFile, looked: Sequence[Path]) -> str:
    places = " and ".join(str(folder / listing.folder) for folder in looked)
    return f"The data set {listing.name!r} needs the file {file.name}, looked for in {places}."
