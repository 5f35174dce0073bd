"""A folder of images as a pool: decoded when taken, checked at once."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import final

import numpy as np

from nextlabel.core.pool import View
from nextlabel.core.spec import Spec
from nextlabel.errors import ReaderError, UnknownName
from nextlabel.maths.axes import Array, Positions
from nextlabel.readers.faults import Fault, Faults
from nextlabel.readers.files import Source, reading
from nextlabel.readers.pictures import (
    MOST_PIXELS,
    SUFFIXES,
    header,
    pixels,
    resolved,
    thumbnail,
    why_unusable,
)

__all__ = ["ImagePool", "checked_images", "checked_size", "images"]

_LARGEST = 256  # pixels a side of what `take` gives where images are of several sizes


@final
@dataclass(frozen=True, eq=False)
class ImagePool:
    """Images in files, decoded when they are taken or shown.

    Parameters
    ----------
    folder : path
        Where the files are; a link in it that leads out is never followed.
    ids : sequence of str
        All different; paths of the files within the folder, unless `files` holds these.
    size : pair of int or None
        Height and width of the items that `take` gives, in pixels; None where each has its own.
    grey : bool
        Whether `take` gives one brightness for each pixel instead of red, green and blue.
    columns : mapping of str to sequence of str
        What else is known of each item, in the order of the ids.
    source : Spec, optional
        What makes this pool again.
    files : sequence of str
        Paths within the folder, in the order of the ids; the ids, when left out.
    faults : sequence of Fault
        Images that could not be read and were left out.
    """

    folder: Path
    ids: Sequence[str] = field(repr=False)
    size: tuple[int, int] | None
    grey: bool
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    source: Spec | None = None
    files: Sequence[str] = field(default=(), repr=False)
    faults: Sequence[Fault] = ()

    @cached_property
    def _places(self) -> dict[str, int]:
        return {one: place for place, one in enumerate(self.ids)}

    def _file(self, position: int) -> str:
        return (self.files or self.ids)[position]

    @cached_property
    def fingerprint(self) -> str:
        """A digest of ids and bytes of the files, whatever their order; reads every file once.

        Raises
        ------
        ReaderError
            A file is gone or cannot be read.
        """
        digest = blake2b(f"{self.size}{self.grey}".encode(), digest_size=16)
        for one in sorted(self.ids):
            file = self.path(self._places[one])
            with reading(file), file.open("rb") as content:
                digest.update(file_digest(content, "blake2b").digest())
            digest.update(one.encode() + b"\0")
        return digest.hexdigest()

    def take(self, positions: Positions) -> Array:
        """The images at these positions, in this order.

        Returns
        -------
        array
            Where the pool has a size: float32 from 0 (black) to 1, axes (n, h, w) where grey, else
            (n, h, w, 3), resized without regard to proportions. Else objects, axes (n,): arrays of uint8,
            axes (h, w) or (h, w, 3), each image's own proportions, no side above 256 pixels. What is
            transparent is white.

        Raises
        ------
        ReaderError
            A file is gone or broken; the message names it.
        """
        if self.size is None:
            each = np.empty(len(positions), dtype=object)
            for row, position in enumerate(positions):
                each[row] = pixels(self.folder, self._file(position), largest=_LARGEST, grey=self.grey)
            return each
        shape = (len(positions), *self.size) if self.grey else (len(positions), *self.size, 3)
        taken = np.empty(shape, np.float32)
        for row, position in enumerate(positions):
            seen = pixels(self.folder, self._file(position), size=self.size, grey=self.grey)
            taken[row] = seen.astype(np.float32) / 255
        return taken

    def show(self, id: str) -> View:
        """One image as it is, turned as the camera says: bytes (h, w) or (h, w, 3).

        Raises
        ------
        UnknownName
            There is no such id.
        ReaderError
            The file is gone or broken.
        """
        if id not in self._places:
            message = f"{id!r} is not an id of this pool of {len(self.ids)} images. Use one of pool.ids."
            raise UnknownName(message)
        return View("image", pixels(self.folder, self._file(self._places[id])))

    def path(self, position: int) -> Path:
        """Where the file of an item is: within the folder, every link followed.

        Raises
        ------
        ReaderError
            The file is gone, or leads out of the folder by now.
        """
        return resolved(self.folder, self._file(position))

    def picture(self, position: int, largest: int) -> tuple[bytes, str]:
        """An item as a file for a page: written anew, turned, nothing in it but pixels.

        Parameters
        ----------
        position : int
            Of the item.
        largest : int
            Pixels that neither height nor width exceed.

        Returns
        -------
        bytes
            A JPEG file of a photograph, else a PNG file.
        str
            Its media type.

        Raises
        ------
        ReaderError
            The file is gone, broken, or has more than 64 million pixels.
        """
        return thumbnail(self.folder, self._file(position), largest)


def images(
    path: Source,
    *,
    size: Sequence[int] | None = None,
    grey: bool | None = None,
    skip_faulty: bool = False,
) -> ImagePool:
    """The images in a folder and the folders in it.

    Parameters
    ----------
    path : str or path
        A folder. Files that end in bmp, gif, jpeg, jpg, pgm, png, ppm, tif, tiff or webp are read, others
        (svg among them) and hidden ones are passed over.
    size : pair of int, optional
        Height and width of the items, in pixels; when left out, that of the images where all have one, else
        each keeps its own.
    grey : bool, optional
        Whether items have one brightness for each pixel instead of red, green and blue; when left out, where
        all images are so.
    skip_faulty : bool
        Whether images that cannot be read are left out, and listed in the pool's `faults`. When false, one
        such image refuses the folder.

    Returns
    -------
    ImagePool
        Ids are the paths within the folder. ``columns["folder"]`` is the first folder in that path, or
        nothing: labels, where images are sorted by class. The source states size and grey as they are, so
        that they stay when images come.

    Raises
    ------
    ReaderError
        There is no such folder or no image in it; a file is broken, has more than 64 million pixels, is no
        image, or is a link that leads out of the folder; a size is not two positive numbers. The attribute
        `faults` lists all files at fault.

    Notes
    -----
    Needs Pillow (the extra ``data``). Every file's header is read at once, PNG files to the end; a JPEG
    that is cut short is found when it is taken. What a file is, its content says, not its name. Of several
    frames the first counts. Links to folders are passed over.

    References
    ----------
    The turn of a picture: Exif 2.32, tag 0x0112.
    """
    folder = Path(path)
    wanted = None if size is None else checked_size(size)
    faults = Faults(str(path), "file", is_skipping=skip_faulty)
    ids = sorted(_found(folder, path, faults))
    kept, common, are_grey = checked_images(folder, ids, range(1, len(ids) + 1), faults)
    faults.refuse(always=not kept)
    if not kept:
        message = (
            f"A folder with images that end in {', '.join(SUFFIXES)} is needed; received {str(path)!r}, "
            "which has none. Check the path."
        )
        raise ReaderError(message)
    ids = [ids[position] for position in kept]
    grey = are_grey if grey is None else grey
    chosen = wanted or common
    params = {
        "path": str(path),
        **({"size": list(chosen)} if chosen else {}),
        "grey": grey,
        **({"skip_faulty": True} if skip_faulty else {}),
    }
    columns = {"folder": [one.partition("/")[0] if "/" in one else "" for one in ids]}
    return ImagePool(folder, ids, chosen, grey, columns, Spec("images", params), faults=faults)


def checked_images(
    folder: Path, files: Sequence[str], lines: Sequence[int], faults: Faults
) -> tuple[list[int], tuple[int, int] | None, bool]:
    """Which files are images, by their headers.

    Parameters
    ----------
    folder : path
    files : sequence of str
        Paths from there.
    lines : sequence of int
        Where each stands, for the faults.
    faults : Faults
        Takes down those that are none.

    Returns
    -------
    list of int
        The places of images in `files`.
    pair of int or None
        The height and width that all have; None where they differ.
    bool
        Whether all are grey.
    """
    kept: list[int] = []
    sizes: set[tuple[int, int]] = set()
    are_grey = True
    for place, name in enumerate(files):
        why = why_unusable(folder, name)
        if why:
            faults.add(lines[place], "path", f"{name!r}: {why}")
            continue
        try:
            height, width, is_grey = header(folder, name)
        except ReaderError as cause:
            if isinstance(cause.__cause__, PermissionError):
                raise
            faults.add(lines[place], "image", cause.faults[0].seen)
            continue
        kept.append(place)
        sizes.add((height, width))
        are_grey = are_grey and is_grey
    return kept, sizes.pop() if len(sizes) == 1 else None, are_grey


def checked_size(size: Sequence[int]) -> tuple[int, int]:
    """Height and width that somebody gave, if they are that.

    Parameters
    ----------
    size : sequence of int

    Raises
    ------
    ReaderError
        They are not two positive numbers, or more than 64 million pixels.
    """
    if len(size) != 2 or not all(isinstance(one, int) and one > 0 for one in size):
        message = (
            f"The size of images must be two positive numbers, height and width; received {size!r}. "
            "Write for example size=(32, 32)."
        )
        raise ReaderError(message)
    if size[0] * size[1] > MOST_PIXELS:
        message = (
            f"Images may have {MOST_PIXELS:,} pixels; received the size {tuple(size)}. Use a smaller one."
        )
        raise ReaderError(message)
    return size[0], size[1]


def _found(folder: Path, path: Source, faults: Faults) -> Iterator[str]:
    """The paths of images within a folder, those behind links that stay in it included."""
    with reading(path):
        is_folder = folder.is_dir()
    if not is_folder:
        message = f"A folder of images is needed; received {str(path)!r}, which is none. Check the path."
        raise ReaderError(message)
    for where, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            one = Path(where, name)
            if one.is_symlink():
                why = why_unusable(folder, one.relative_to(folder).as_posix())
                if why not in ("", "it is no file"):
                    faults.add(0, "path", f"the link {_within(one, folder)!r}: {why}")
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                inside = _within(Path(where, name), folder)
                if _is_text(inside):
                    yield inside
                else:
                    faults.add(0, "path", f"{inside!r}: the name is no text in UTF-8")


def _within(one: Path, folder: Path) -> str:
    return one.relative_to(folder).as_posix()


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(cause: OSError) -> None:
    message = (
        f"A folder that can be read is needed; received {str(cause.filename)!r}: {cause.strerror}. "
        "Check its permissions."
    )
    raise ReaderError(message) from cause
