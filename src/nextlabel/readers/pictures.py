"""One image in a file: where it may lie, what it may be, and how it is seen."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nextlabel.errors import ReaderError
from nextlabel.maths.axes import Array
from nextlabel.readers.faults import Fault

__all__ = ["MOST_PIXELS", "SUFFIXES", "header", "pixels", "resolved", "thumbnail", "why_unusable"]

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""What the name of an image ends in."""
MOST_PIXELS = 1 << 26
"""64 million: what is larger is more likely an attack on the memory than a picture."""

_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_LOSSY = frozenset({"JPEG", "MPO", "WEBP"})
_GREY = frozenset({"1", "L", "LA", "I", "I;16", "I;16B"})
_DEEP = frozenset({"I", "I;16", "I;16B"})
_ORIENTATION, _ON_ITS_SIDE = 0x0112, 5  # from here on, width and height are exchanged
_QUALITY = 90
_BAND = 1 << 20  # pixels that are shrunk at once
_TURNS = {  # how the camera was held, and what makes up for it
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def resolved(folder: Path, name: str) -> Path:
    """The file that a name means, which lies in the folder.

    Parameters
    ----------
    folder : path
    name : str
        A path from there, links allowed.

    Raises
    ------
    ReaderError
        It leads out of the folder or nowhere, or to what is no file.
    """
    why = why_unusable(folder, name)
    if why:
        raise _broken(name, folder, why)
    return (folder / name).resolve()


def why_unusable(folder: Path, name: str) -> str:
    """Why a name is none of a file in the folder; nothing where it is one.

    Parameters
    ----------
    folder : path
    name : str
        What somebody wrote: anything.

    Notes
    -----
    What leads out of the folder is not looked at, so that nobody learns what is there.
    """
    try:
        leads, root = (folder / name).resolve(), folder.resolve()
        if not leads.is_relative_to(root):
            return "it leads out of the folder"
        if not leads.exists():
            return "there is no such file"
        return "" if leads.is_file() else "it is no file"
    except (OSError, ValueError, RuntimeError) as cause:  # a loop of links; a zero byte; a name too long
        return f"it is no path of a file ({getattr(cause, 'strerror', None) or cause})"


def header(folder: Path, name: str) -> tuple[int, int, bool]:
    """Height and width as a person sees them, and whether an image is grey, by its header.

    Parameters
    ----------
    folder : path
    name : str
        A path from there.

    Raises
    ------
    ReaderError
        The file is broken, has more than 64 million pixels, or does not lie in the folder.

    Notes
    -----
    No pixel is decoded; a PNG file is read to its end.
    """
    with _raw(folder, name) as image:
        turned = 0
        if image.format != "PNG" or "exif" in image.info:  # asked of a PNG without it, Pillow decodes all
            turned = image.getexif().get(_ORIENTATION, 0)
        width, height = image.size
        image.verify()
        if isinstance(turned, int) and turned >= _ON_ITS_SIDE:
            width, height = height, width
        return height, width, image.mode in _GREY


def pixels(
    folder: Path,
    name: str,
    *,
    size: tuple[int, int] | None = None,
    largest: int | None = None,
    grey: bool | None = None,
) -> Array:
    """An image as a person sees it: turned as the camera says, on white where it is transparent.

    Parameters
    ----------
    folder : path
    name : str
        A path from there.
    size : pair of int, optional
        Height and width that it gets, without regard to proportions.
    largest : int, optional
        Pixels that neither height nor width exceed; proportions stay.
    grey : bool, optional
        Whether there are no colours; as the image is, when left out.

    Returns
    -------
    array of uint8, axes (h, w) where grey, else (h, w, 3)

    Raises
    ------
    ReaderError
        The file is broken, has more than 64 million pixels, or does not lie in the folder.
    """
    with _opened(folder, name, largest) as image:
        seen = _eight_bits(image)
        if grey is not None:
            seen = seen.convert("L" if grey else "RGB")
        if largest is not None:
            seen.thumbnail((largest, largest), Image.Resampling.BILINEAR)
        if size is not None and seen.size != (size[1], size[0]):
            seen = seen.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        return np.asarray(seen)


def thumbnail(folder: Path, name: str, largest: int) -> tuple[bytes, str]:
    """An image written anew, so that nothing of the file but its pixels gets out.

    Parameters
    ----------
    folder : path
    name : str
        A path from there.
    largest : int
        Pixels that neither height nor width exceed.

    Returns
    -------
    bytes
    str
        ``"image/jpeg"`` of photographs, else ``"image/png"``.

    Raises
    ------
    ReaderError
        The file is broken, has more than 64 million pixels, or does not lie in the folder.

    Notes
    -----
    Memory: the pixels as the file has them, four bytes each at most, and little beside: what is large is
    brought to eight bits, laid on white and shrunk a band at a time.
    """
    with _raw(folder, name) as image:
        image.draft(None, (2 * largest, 2 * largest))  # of a JPEG, decode no more than is wanted
        is_lossy, turned = image.format in _LOSSY, image.getexif().get(_ORIENTATION)
        seen = _shrunk(image, largest)
        seen.thumbnail((largest, largest), Image.Resampling.LANCZOS)
        if turned in _TURNS:
            seen = seen.transpose(_TURNS[turned])
        plain = Image.frombytes(seen.mode, seen.size, seen.tobytes())  # without profiles and remarks
        buffer = io.BytesIO()
        if is_lossy:
            plain.save(buffer, "JPEG", quality=_QUALITY)
            return buffer.getvalue(), "image/jpeg"
        plain.save(buffer, "PNG")
        return buffer.getvalue(), "image/png"


@contextmanager
def _opened(folder: Path, name: str, largest: int | None) -> Iterator[Image.Image]:
    """An image, decoded and turned as the camera says."""
    with _raw(folder, name) as image:
        if largest is not None:
            image.draft(None, (2 * largest, 2 * largest))  # of a JPEG, decode no more than is wanted
        turned = ImageOps.exif_transpose(image)
        turned.load()
        yield turned


@contextmanager
def _raw(folder: Path, name: str) -> Iterator[Image.Image]:
    """An image whose header has been read; whatever goes wrong with it is one error that names the file."""
    file = resolved(folder, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata; the number of pixels is checked here
            with Image.open(file, formats=_FORMATS) as image:
                if image.size[0] * image.size[1] > MOST_PIXELS:
                    raise Image.DecompressionBombError
                yield image
    except ReaderError:
        raise
    except UnidentifiedImageError as cause:
        why = f"it is not an image of the kinds {', '.join(_FORMATS)}"
        raise _broken(name, folder, why) from cause
    except MemoryError as cause:
        raise _broken(name, folder, "it needs more memory than there is for a picture") from cause
    except Image.DecompressionBombError as cause:
        raise _broken(name, folder, f"it has more than {MOST_PIXELS:,} pixels") from cause
    except Exception as cause:  # Pillow says SyntaxError of a damaged PNG, struct.error of a TIFF, and more
        raise _broken(name, folder, cause) from cause


def _broken(name: str, folder: Path, why: object) -> ReaderError:
    message = (
        f"Every image must be a whole file; received {name!r} in {str(folder)!r}: {why}. "
        "Repair the file, or take it out of the folder."
    )
    return ReaderError(message, faults=(Fault(0, "image", f"{name!r}: {why}"),))


def _shrunk(image: Image.Image, largest: int) -> Image.Image:
    """Grey or colour, by a whole factor smaller, so that its longest side is below twice `largest`."""
    factor = max(1, max(image.size) // largest)
    if factor == 1:
        return _eight_bits(image)
    wide, high = image.size
    rows = max(1, _BAND // (wide * factor)) * factor
    made: Image.Image | None = None
    for top in range(0, high, rows):
        band = _eight_bits(image.crop((0, top, wide, min(top + rows, high)))).reduce(factor)
        if made is None:
            made = Image.new(band.mode, (-(-wide // factor), -(-high // factor)))
        made.paste(band, (0, top // factor))
    assert made is not None
    return made


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey or colour with eight bits each; what is transparent lies on white."""
    if image.mode in _DEEP:
        deep: Any = np.asarray(image).astype(np.int64)
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
