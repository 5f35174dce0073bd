"""The idx format of the MNIST files, as an array or a pool."""

import math
import sys
from typing import BinaryIO

import numpy as np

from nextlabel.core.spec import Spec
from nextlabel.errors import ReaderError
from nextlabel.maths.axes import Array
from nextlabel.readers.arrays import ArrayPool
from nextlabel.readers.files import Source, open_bytes, reading
from nextlabel.readers.identity import content_ids

__all__ = ["idx", "read_idx"]

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_BYTES = 1 << 36
_PIECE = 1 << 24  # bytes read at a time, so that a header that lies cannot ask for all memory


def read_idx(path: Source) -> Array:
    """The array of an idx file.

    Parameters
    ----------
    path : str or path
        A file; compressed where its name ends in ``.gz``.

    Returns
    -------
    array
        Of the type and axes that the file states, in the machine's byte order.

    Raises
    ------
    ReaderError
        The file is not there, does not begin as an idx file, or has more or fewer values than it says.

    Notes
    -----
    Two zero bytes, a byte for the type, a byte for the number of axes, a big-endian length of four bytes
    for each axis, then the values.

    References
    ----------
    LeCun, Cortes, Burges. The MNIST database of handwritten digits: file formats. 1998.
    """
    with open_bytes(path) as file, reading(path):
        head = file.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES or head[3] == 0:
            message = (
                "An idx file begins with two zero bytes, a known type and a number of axes; received "
                f"{str(path)!r}, which begins with {head.hex(' ') or 'nothing'}. "
                "Give the file as published; one that is compressed must end in .gz."
            )
            raise ReaderError(message)
        kind, axes = np.dtype(_TYPES[head[2]]), head[3]
        lengths = file.read(4 * axes)
        shape = tuple(np.frombuffer(lengths[: len(lengths) // 4 * 4], ">u4").tolist())
        size = math.prod(shape) * kind.itemsize
        body = bytearray() if len(shape) < axes or size > _MOST_BYTES else _body(file, size)
    if len(shape) < axes or len(body) != size:
        message = (
            f"{str(path)!r} says that it holds {axes} axes of lengths {shape}, {size:,} bytes; received "
            f"{'more' if len(body) > size else f'{len(body):,}'}. Copy or download it again."
        )
        raise ReaderError(message)
    values = np.frombuffer(body, kind).reshape(shape)
    return (
        values.astype(kind.newbyteorder("=")) if sys.byteorder == "little" and kind.itemsize > 1 else values
    )


def _body(file: BinaryIO, size: int) -> bytearray:
    """As many bytes as there should be, and one more where there are more."""
    body = bytearray()
    while piece := file.read(min(_PIECE, size + 1 - len(body))):
        body += piece
    return body


def idx(path: Source) -> ArrayPool:
    """The first axis of an idx file as items: images, as in the MNIST files.

    Parameters
    ----------
    path : str or path
        A file; compressed where its name ends in ``.gz``.

    Returns
    -------
    ArrayPool
        Items as the file holds them, bytes from 0 to 255 for images. Ids are made from the content.

    Raises
    ------
    ReaderError
        The file is not there, does not begin as an idx file, has more or fewer values than it says, or none.
    """
    items = read_idx(path)
    if items.size == 0:
        message = (
            f"Items are needed; received {str(path)!r}, whose shape is {items.shape}. Give a file with some."
        )
        raise ReaderError(message)
    return ArrayPool(items, content_ids(items), source=Spec("idx", {"path": str(path)}))
