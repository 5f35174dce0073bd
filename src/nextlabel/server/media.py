"""Images for the browser: by position only, under an address that no other image has, and written anew.

What the browser gets was decoded to pixels and written by us as PNG or JPEG: nothing that a file may hold
beside pixels, such as a script in an SVG, comes through.
"""

from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any

from nextlabel.campaign.ordering import Ordered
from nextlabel.core.pool import Pool
from nextlabel.errors import NextlabelError, RequestError

__all__ = ["LARGEST", "image_file", "is_of_files", "media_address", "picture", "seal"]

LARGEST = 2_000
"""The longest side of what is sent, in pixels."""


def media_address(pool: Pool, position: int) -> str:
    """Where the browser fetches an image: its position, and a seal that no other image has.

    Browsers keep pictures by their address; another campaign may be served at the same host and port
    tomorrow, and its pictures must not be taken for those of today.

    Parameters
    ----------
    pool : Pool
    position : int
        From 0, in the order of the pool.
    """
    return f"/media/{position}?seal={seal(pool, position)}"


def seal(pool: Pool, position: int) -> str:
    """What tells the image of an item from every other, and from itself before it was replaced.

    Parameters
    ----------
    pool : Pool
    position : int
        From 0, in the order of the pool.

    Notes
    -----
    Of an image in a file, a digest of its path and of what the system says of it: which file it is, its
    size, when it was written and when anything of it was changed last, which nobody can set back. Of
    others, of the pool's fingerprint and the position. Nothing is read.
    """
    pool, position = _inner(pool, position)
    own: Any = getattr(pool, "path", None)
    if own is None:
        said = f"{pool.fingerprint} {position}"
    else:
        try:
            path = own(position)
            found = path.stat()
            said = repr([str(path), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns])
            said += str(found.st_ctime_ns)
        except (NextlabelError, OSError):
            said = f"gone {pool.ids[position]}"
    return blake2b(said.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def image_file(pool: Pool, position: int) -> Path | None:
    """The file of an item that is an image, every link followed; None where its pixels are in memory.

    Parameters
    ----------
    pool : Pool
    position : int
        From 0, in the order of the pool.

    Raises
    ------
    RequestError
        There is no such item.
    ReaderError
        The file is gone, or leads out of its folder by now.
    """
    if not 0 <= position < len(pool.ids):
        message = f"Images are numbered from 0 to {len(pool.ids) - 1:,}; received {position:,}."
        raise RequestError(message, status=404, kind="missing")
    pool, position = _inner(pool, position)
    own: Any = getattr(pool, "path", None)
    return None if own is None else Path(own(position))


def is_of_files(pool: Pool) -> bool:
    """Whether the items are files of images."""
    return hasattr(_inner(pool, 0)[0] if len(pool.ids) else pool, "path")


def picture(pool: Pool, position: int) -> tuple[bytes, str]:
    """An image whose pixels are in memory, and its media type; files are for `nextlabel.server.painting`.

    Parameters
    ----------
    pool : Pool
    position : int
        From 0, in the order of the pool.

    Raises
    ------
    RequestError
        The item is no image.
    """
    shown = pool.show(pool.ids[position])
    if shown.medium != "image":
        message = f"Item {position + 1:,} is no image but a {shown.medium}. Its view needs no picture."
        raise RequestError(message, status=404, kind="missing")
    return _written(shown.content)


def _inner(pool: Pool, position: int) -> tuple[Pool, int]:
    """The pool behind one that has another order, and the position there."""
    while isinstance(pool, Ordered):
        position = int(pool.places[position])
        pool = pool.pool
    return pool, position


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
