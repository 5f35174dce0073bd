"""Images for the browser: by position only, decoded under a cap on pixels, and written anew."""

from io import BytesIO
from typing import Any

from nextlabel.core.pool import Pool
from nextlabel.errors import RequestError

__all__ = ["LARGEST", "picture"]

LARGEST = 2_000
"""The longest side of what is sent, in pixels."""


def picture(pool: Pool, position: int) -> tuple[bytes, str]:
    """One image of the pool, and its media type.

    Parameters
    ----------
    pool : Pool
    position : int
        From 0, in the order of the pool.

    Raises
    ------
    RequestError
        There is no such item, or it is no image.
    ReaderError
        The file is gone, broken, or has too many pixels.

    Notes
    -----
    What the browser gets was decoded to pixels and written by us as PNG or JPEG: nothing that a file may
    hold beside pixels, such as a script in an SVG, comes through. Readers check that a file lies in its
    folder, and the number of pixels before they decode.
    """
    if not 0 <= position < len(pool.ids):
        message = f"Images are numbered from 0 to {len(pool.ids) - 1:,}; received {position:,}."
        raise RequestError(message, status=404, kind="missing")
    own: Any = getattr(pool, "picture", None)
    if own is not None:
        made: tuple[bytes, str] = own(position, LARGEST)
        return made
    shown = pool.show(pool.ids[position])
    if shown.medium != "image":
        message = f"Item {position + 1:,} is no image but a {shown.medium}. Its view needs no picture."
        raise RequestError(message, status=404, kind="missing")
    return _written(shown.content)


def _written(pixels: Any) -> tuple[bytes, str]:
    """Pixels (h, w) or (h, w, 3), bytes or from 0 to 1, as a PNG."""
    import numpy as np
    from PIL import Image

    array = np.asarray(pixels)
    if array.dtype.kind == "f":
        array = (array.clip(0, 1) * 255).round().astype(np.uint8)
    image = Image.fromarray(array)
    image.thumbnail((LARGEST, LARGEST))
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue(), "image/png"
