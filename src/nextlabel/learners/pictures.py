"""Arrays of pixels as pictures with eight bits, whatever their size and type."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from nextlabel.errors import LearnerError
from nextlabel.learners.extras import needed
from nextlabel.maths.axes import Array

__all__ = ["has_colour", "pictures", "pixel_arrays"]

_COLOURS = (3, 4)


def pixel_arrays(items: Array, *, by: str) -> list[Array]:
    """The items as arrays of pixels, axes (h, w) or (h, w, 1 or 3 or 4), sizes as they come.

    Parameters
    ----------
    items : array, axes (n, h, w) or (n, h, w, k); or objects, axes (n,), that are such arrays
    by : str
        What needs them, the subject of the message.

    Raises
    ------
    LearnerError
        An item is something else, or has no pixel.
    """
    are_arrays = items.dtype.kind != "O" or items.ndim > 1
    images = [np.asarray(one) for one in items]
    for one in images if not are_arrays else images[:1]:
        is_image = one.ndim == 2 or (one.ndim == 3 and one.shape[2] in (1, *_COLOURS))
        if not is_image or not one.size or one.dtype.kind not in "fiub":
            message = (
                f"{by} takes images, axes (h, w) or (h, w, 3); received an item of shape {one.shape} and "
                f"type {one.dtype}. Use features='tfidf' for texts, 'table' for rows, 'scale' for other "
                "numbers."
            )
            raise LearnerError(message)
    return images


def has_colour(image: Array) -> bool:
    """Whether an array of pixels has red, green and blue."""
    return image.ndim == 3 and image.shape[2] in _COLOURS


def pictures(images: list[Array], low: float = 0.0, high: float = 1.0, *, by: str) -> Iterator[Any]:
    """Pillow's form of arrays of pixels: grey (mode L) or red, green and blue (mode RGB).

    Parameters
    ----------
    images : list of array
        What `pixel_arrays` gave. Bytes are taken from 0 to 255 and 16 bits from 0 to 65,535; other
        numbers from `low` to `high`, and beyond these as these. A fourth channel is left out.
    low, high : float
        Black and white of other numbers.
    by : str
        What needs them.

    Raises
    ------
    LearnerError
        A pixel that is not finite.
    MissingExtra
        Pillow is not installed.
    """
    image = needed("PIL.Image", "data", by=by)
    for pixels in images:
        plain = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
        yield image.fromarray(
            np.ascontiguousarray(_bytes(plain[..., :3] if plain.ndim == 3 else plain, low, high))
        )


def _bytes(pixels: Array, low: float, high: float) -> Array:
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return (pixels >> 8).astype(np.uint8)
    values = pixels.astype(np.float32)
    if not np.isfinite(values).all():
        message = (
            f"The pixels of images must be finite; {int((~np.isfinite(values)).sum())} of {values.size} of "
            "one are nan or infinite. Correct or remove the image."
        )
        raise LearnerError(message)
    if pixels.dtype == np.bool_:
        low, high = 0.0, 1.0
    share = (values - low) / (high - low if high > low else 1.0)
    return np.asarray(share.clip(0.0, 1.0) * 255.0 + 0.5, dtype=np.uint8)
