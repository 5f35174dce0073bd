"""Which axis of an image holds its channels: the one place that says so."""

from collections.abc import Sequence
from typing import Final

__all__ = ["channel_axis", "pixel_axes"]

_MOST_CHANNELS: Final = 4  # as of colours with transparency; rows of pixels are more


def channel_axis(shape: Sequence[int]) -> int | None:
    """The axis of the channels of an image; None where it has none.

    Parameters
    ----------
    shape : sequence of int
        Of one image, without the axis of items: two or three axes.

    Returns
    -------
    int or None
        The last of three where the first is longer than 4 and it is not itself; else the first.

    Examples
    --------
    >>> channel_axis((32, 32, 3)), channel_axis((3, 32, 32)), channel_axis((28, 28))
    (2, 0, None)
    """
    if len(shape) != 3:
        return None
    return 2 if shape[0] > _MOST_CHANNELS >= shape[2] else 0


def pixel_axes(shape: Sequence[int]) -> tuple[int, int]:
    """The axes of the rows and the columns of pixels of an image.

    Parameters
    ----------
    shape : sequence of int
        Of one image, without the axis of items: two axes or more.

    Returns
    -------
    tuple of int
        Counted from the end, so that axes may stand before those of the image.

    Examples
    --------
    >>> pixel_axes((32, 32, 3)), pixel_axes((3, 32, 32)), pixel_axes((28, 28))
    ((-3, -2), (-2, -1), (-2, -1))
    """
    return (-3, -2) if channel_axis(shape) == 2 else (-2, -1)
