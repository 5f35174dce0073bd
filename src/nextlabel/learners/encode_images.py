"""Images as histograms of gradients and of colours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from nextlabel.errors import ParameterError
from nextlabel.learners.encoder import Encoder, Passes, Reader
from nextlabel.learners.extras import needed
from nextlabel.learners.pictures import has_colour, pictures, pixel_arrays
from nextlabel.maths.axes import Array
from nextlabel.maths.parameters import checked_flag, checked_whole, settle

__all__ = ["Hog"]

_BY = "features='hog'"
_BINS = (8, 4, 4)
"""Of hue, of saturation and of brightness."""


@final
@dataclass(frozen=True)
class Hog(Encoder):
    """Which way edges run in each part of an image, and which colours are where.

    Parameters
    ----------
    size : int
        Images of any size are brought to this height and width, without regard to proportions.
    cells : int
        Along each side, with a histogram of gradients each.
    orientations : int
        Bins of such a histogram.
    uses_colour : bool
        Whether colours are read, where the items learnt of have any.

    Raises
    ------
    ParameterError
        A setting outside its range, or a size that is not a multiple of the cells.

    Notes
    -----
    (cells − 1)² blocks of 2 × 2 cells, each with its histograms as one vector of length 1 (clipped at
    0.2 and normalised again). They say nothing of how bright an image is, so the mean brightness of 4 × 4
    parts stands beside them; or where there is colour their mean red, green and blue, and the roots of the
    shares of 8 hues, 4 saturations and 4 brightnesses, from the image at half the size. With the defaults
    340 numbers an image, 388 with colour, all between 0 and 1.

    Nothing is learnt but whether the items have colour, and black and white where pixels are neither
    bytes nor from 0 to 1; so a grey image among coloured ones has grey colours, and of a coloured one among
    grey ones only the brightness is read. Columns are deliberately not brought to one scale: where each is
    divided by its deviation, rare bins become as loud as frequent ones, which costs a logistic regression
    with 500 labels six hundredths of accuracy on CIFAR-10.

    Time: 0.9 ms an image of 32 × 32 in colour, 0.3 ms in grey. Memory: the features.

    References
    ----------
    Dalal, Triggs. Histograms of oriented gradients for human detection. CVPR 2005. Blocks of 2 × 2 cells,
    nine orientations, L2-Hys. Departs from the paper in the size of a cell: a sixteenth of the image.

    Examples
    --------
    >>> made = Hog(size=32, cells=2)
    >>> image = np.zeros((1, 20, 20), np.float32)
    >>> image[:, :, 10:] = 1.0
    >>> made.reader(made.learnt(lambda: iter([image]))).rows(image).shape
    (1, 52)
    """

    size: int = 64
    cells: int = 4
    orientations: int = 9
    uses_colour: bool = True

    def __post_init__(self) -> None:
        settle(
            self,
            {
                "size": checked_whole(self.size, "size", least=8, advice="Give 64."),
                "cells": checked_whole(self.cells, "cells", least=2, advice="Give 4."),
                "orientations": checked_whole(self.orientations, "orientations", least=2, advice="Give 9."),
                "uses_colour": checked_flag(self.uses_colour, "uses_colour"),
            },
        )
        if self.size % self.cells or self.size < 2 * self.cells:
            message = (
                f"The size must be a multiple of the cells, twice as much at least; received {self.size} "
                f"and {self.cells}. Give for example size=64, cells=4."
            )
            raise ParameterError(message)

    def require(self, items: Array) -> None:
        """Refuse what is no image."""
        pixel_arrays(items, by=_BY)

    def learnt(self, passes: Passes) -> dict[str, Array]:
        """Whether there is colour; black and white."""
        colour, low, high = False, 0.0, 1.0
        for place, items in enumerate(passes()):
            images = pixel_arrays(items, by=_BY)
            colour = colour or (self.uses_colour and any(map(has_colour, images)))
            ends = _ends(images)
            low, high = min(low, ends[0]), max(high, ends[1])
            if place == 0 and items.dtype.kind != "O" and (low, high) == (0.0, 1.0):
                break  # of one type and shape; and where some are shares of white, so are others
        return {"colour": np.array(colour), "ends": np.array([low, high])}

    def reader(self, learnt: Mapping[str, Array]) -> Reader:
        """Describes images so."""
        low, high = learnt["ends"].tolist()
        return _Described(self, bool(learnt["colour"]), low, high)


@final
@dataclass(frozen=True, eq=False)
class _Described(Reader):
    settings: Hog
    colour: bool
    low: float
    high: float

    def rows(self, items: Array) -> Array:
        """Histograms, float32, axes (n, d)."""
        hog = needed("skimage.feature", "app", by=_BY).hog
        made = []
        for picture in pictures(pixel_arrays(items, by=_BY), self.low, self.high, by=_BY):
            read = picture.convert("RGB" if self.colour else "L")
            small = _resized(read, max(self.settings.size // 2, 4))
            made.append(np.concatenate([self._gradients(hog, read), *_colours(small)]))
        return np.stack(made) if made else np.empty((0, self._width), np.float32)

    def _gradients(self, hog: Any, read: Any) -> Array:
        settings = self.settings
        cell = settings.size // settings.cells
        pixels = np.asarray(_resized(read, settings.size))
        described: Array = hog(
            pixels,
            orientations=settings.orientations,
            pixels_per_cell=(cell, cell),
            cells_per_block=(2, 2),
            block_norm="L2-Hys",
            channel_axis=-1 if self.colour else None,
        )
        return described.astype(np.float32)

    @property
    def _width(self) -> int:
        blocks = (self.settings.cells - 1) ** 2 * 4 * self.settings.orientations
        return blocks + (48 + sum(_BINS) if self.colour else 16)


def _ends(images: list[Array]) -> tuple[float, float]:
    """Least and greatest of numbers that are neither bytes nor shares by their type."""
    there = [one for one in images if one.dtype not in (np.uint8, np.uint16, np.bool_)]
    with np.errstate(invalid="ignore"):
        finite = [one[np.isfinite(one)] for one in there]
    finite = [one for one in finite if one.size]
    return min((float(one.min()) for one in finite), default=0.0), max(
        (float(one.max()) for one in finite), default=1.0
    )


def _colours(small: Any) -> list[Array]:
    """How bright each part is, in each colour; and which colours there are."""
    means = np.asarray(small.resize((4, 4), _filters().BOX), np.float32).reshape(-1) / 255.0
    if small.mode == "L":
        return [means]
    channels = np.asarray(small.convert("HSV")).reshape(-1, 3)
    shares = [
        np.bincount(channels[:, place] // (256 // bins), minlength=bins) / len(channels)
        for place, bins in enumerate(_BINS)
    ]
    return [means, np.sqrt(np.concatenate(shares)).astype(np.float32)]


def _resized(picture: Any, size: int) -> Any:
    return picture if picture.size == (size, size) else picture.resize((size, size), _filters().BILINEAR)


def _filters() -> Any:
    return needed("PIL.Image", "data", by=_BY).Resampling
