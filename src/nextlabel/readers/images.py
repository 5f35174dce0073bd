"""A folder of images as a pool: decoded when taken, checked at once."""

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nextlabel.core.pool import View
from nextlabel.core.spec import Spec
from nextlabel.errors import ReaderError, UnknownName
from nextlabel.maths.axes import Array, Positions
from nextlabel.readers.files import Source, reading

__all__ = ["ImagePool", "images"]

_FORMATS = {
    ".bmp": "BMP",
    ".gif": "GIF",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".pgm": "PPM",
    ".png": "PNG",
    ".ppm": "PPM",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
_MOST_PIXELS = 1 << 26  # 64 million: what is larger is more likely an attack on the memory than a picture
_GREY = frozenset({"1", "L", "LA", "I", "I;16", "I;16B"})
_DEEP = frozenset({"I", "I;16", "I;16B"})


@final
@dataclass(frozen=True, eq=False)
class ImagePool:
    """Images in files, decoded when they are taken or shown.

    Parameters
    ----------
    folder : path
        Where the files are.
    ids : sequence of str
        Paths of the files within the folder, all different.
    size : pair of int
        Height and width of the items that `take` gives, in pixels.
    grey : bool
        Whether `take` gives one brightness for each pixel instead of red, green and blue.
    columns : mapping of str to sequence of str
        What else is known of each item, in the order of the ids.
    source : Spec, optional
        What makes this pool again.
    """

    folder: Path
    ids: Sequence[str] = field(repr=False)
    size: tuple[int, int]
    grey: bool
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    source: Spec | None = None

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.ids)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of paths and bytes of the files, whatever their order; reads every file once.

        Raises
        ------
        ReaderError
            A file is gone or cannot be read.
        """
        digest = blake2b(f"{self.size}{self.grey}".encode(), digest_size=16)
        for one in sorted(self.ids):
            try:
                with (self.folder / one).open("rb") as file:
                    digest.update(file_digest(file, "blake2b").digest())
            except OSError as cause:
                raise ReaderError(_broken(one, self.folder, cause)) from cause
            digest.update(one.encode() + b"\0")
        return digest.hexdigest()

    def take(self, positions: Positions) -> Array:
        """The images at these positions, in this order.

        Returns
        -------
        array of float32, axes (n, h, w) where grey, else (n, h, w, 3)
            From 0 (black) to 1, resized without regard to proportions; what is transparent is white.

        Raises
        ------
        ReaderError
            A file is gone or broken; the message names it.
        """
        height, width = self.size
        shape = (len(positions), height, width) if self.grey else (len(positions), height, width, 3)
        taken = np.empty(shape, np.float32)
        for row, position in enumerate(positions):
            with _opened(self.folder, self.ids[position]) as image:
                brightness = _eight_bits(image).convert("L" if self.grey else "RGB")
                if brightness.size != (width, height):
                    brightness = brightness.resize((width, height), Image.Resampling.BILINEAR)
                taken[row] = np.asarray(brightness, np.float32) / 255
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
        if id not in self._known:
            message = f"{id!r} is not an id of this pool of {len(self.ids)} images. Use one of pool.ids."
            raise UnknownName(message)
        with _opened(self.folder, id) as image:
            return View("image", np.asarray(_eight_bits(image)))


def images(path: Source, *, size: Sequence[int] | None = None, grey: bool | None = None) -> ImagePool:
    """The images in a folder and the folders in it.

    Parameters
    ----------
    path : str or path
        A folder. Files that end in bmp, gif, jpeg, jpg, pgm, png, ppm, tif, tiff or webp are read, others
        and hidden ones are passed over.
    size : pair of int, optional
        Height and width of the items, in pixels; those of the first image, by path, when left out.
    grey : bool, optional
        Whether items have one brightness for each pixel instead of red, green and blue; when left out, where
        all images are so.

    Returns
    -------
    ImagePool
        Ids are the paths within the folder. ``columns["folder"]`` is the first folder in that path, or
        nothing: labels, where images are sorted by class. `take` gives float32 from 0 to 1. The source
        states size and grey as they are, so that they stay when images come.

    Raises
    ------
    ReaderError
        There is no such folder or no image in it; a file is broken, has more than 64 million pixels, is not
        of the format it is named after, or is a link that leads out of the folder; a size is not two
        positive numbers.

    Notes
    -----
    Needs Pillow (the extra ``data``). Every file's header is read at once, PNG files to the end; a JPEG
    that is cut short is found when it is taken. Of several frames the first counts. Links to folders are
    passed over.

    References
    ----------
    The turn of a picture: Exif 2.32, tag 0x0112.
    """
    folder = Path(path)
    ids = sorted(_found(folder, path))
    if not ids:
        message = (
            f"A folder with images that end in {', '.join(_FORMATS)} is needed; received {str(path)!r}, "
            "which has none. Check the path."
        )
        raise ReaderError(message)
    are_grey = [_is_grey(folder, one) for one in ids]
    height, width = _size(folder, ids[0]) if size is None else _checked(size)
    grey = all(are_grey) if grey is None else grey
    return ImagePool(
        folder,
        ids,
        (height, width),
        grey,
        {"folder": [one.partition("/")[0] if "/" in one else "" for one in ids]},
        Spec("images", {"path": str(path), "size": [height, width], "grey": grey}),
    )


def _checked(size: Sequence[int]) -> tuple[int, int]:
    if len(size) != 2 or not all(isinstance(one, int) and one > 0 for one in size):
        message = (
            f"The size of images must be two positive numbers, height and width; received {size!r}. "
            "Write for example size=(32, 32)."
        )
        raise ReaderError(message)
    if size[0] * size[1] > _MOST_PIXELS:
        message = (
            f"Images may have {_MOST_PIXELS:,} pixels; received the size {tuple(size)}. Use a smaller one."
        )
        raise ReaderError(message)
    return size[0], size[1]


def _found(folder: Path, path: Source) -> Iterator[str]:
    """The paths of images within a folder, those behind links that stay in it included."""
    with reading(path):
        is_folder = folder.is_dir()
    if not is_folder:
        message = f"A folder of images is needed; received {str(path)!r}, which is none. Check the path."
        raise ReaderError(message)
    root = folder.resolve()
    for where, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in [*folders, *files]:
            one = Path(where, name)
            if one.is_symlink():
                _require_inside(one, root)
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in _FORMATS:
                yield _readable_name(Path(where, name).relative_to(folder).as_posix())


def _refuse(cause: OSError) -> None:
    message = (
        f"A folder that can be read is needed; received {str(cause.filename)!r}: {cause.strerror}. "
        "Check its permissions."
    )
    raise ReaderError(message) from cause


def _require_inside(link: Path, root: Path) -> None:
    try:
        leads = link.resolve(strict=True)
    except (OSError, RuntimeError) as cause:
        message = f"A link must lead to a file; {str(link)!r} leads nowhere. Remove it."
        raise ReaderError(message) from cause
    if not leads.is_relative_to(root):
        message = (
            f"Images must lie in their folder {str(root)!r}; the link {str(link)!r} leads out of it, to "
            f"{str(leads)!r}. Copy the file, or remove the link."
        )
        raise ReaderError(message)


def _readable_name(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError as cause:
        message = f"A file's name must be text in UTF-8; received {name!r}. Rename the file."
        raise ReaderError(message) from cause
    return name


def _is_grey(folder: Path, name: str) -> bool:
    """Whether an image is grey by its header, whose file is checked on the way."""
    with _raw(folder, name) as image:
        image.verify()
        return image.mode in _GREY


def _size(folder: Path, name: str) -> tuple[int, int]:
    with _opened(folder, name) as image:
        return image.height, image.width


@contextmanager
def _opened(folder: Path, name: str) -> Iterator[Image.Image]:
    """An image, decoded and turned as the camera says."""
    with _raw(folder, name) as image:
        turned = ImageOps.exif_transpose(image)
        turned.load()
        yield turned


@contextmanager
def _raw(folder: Path, name: str) -> Iterator[Image.Image]:
    """An image whose header has been read; whatever goes wrong with it is one error that names the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata; the number of pixels is checked here
            with Image.open(folder / name, formats=[_FORMATS[Path(name).suffix.lower()]]) as image:
                if image.size[0] * image.size[1] > _MOST_PIXELS:
                    raise Image.DecompressionBombError
                yield image
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as cause:
        # Pillow says SyntaxError of a damaged PNG
        raise ReaderError(_broken(name, folder, cause)) from cause


def _broken(name: str, folder: Path, cause: Exception) -> str:
    why: object = cause
    if isinstance(cause, UnidentifiedImageError):
        why = "it is not an image of the kind it is named after"
    elif isinstance(cause, Image.DecompressionBombError):
        why = f"it has more than {_MOST_PIXELS:,} pixels"
    return (
        f"Every image must be a whole file; received {name!r} in {str(folder)!r}: {why}. "
        "Repair the file, or take it out of the folder."
    )


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey or colour with eight bits each; what is transparent lies on white."""
    if image.mode in _DEEP:
        deep = np.asarray(image).astype(np.int64)
        return Image.fromarray((deep.clip(0, 65_535) >> 8).astype(np.uint8))
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("L", "RGB"):
        return image
    if image.has_transparency_data:
        grey = image.mode == "LA"
        clear = image.convert("RGBA")
        paper = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(paper, clear).convert("L" if grey else "RGB")
    return image.convert("RGB")
