"""A strip of small pictures: what a strategy asked for."""

from io import BytesIO

import numpy as np

from nextlabel.figures.canvas import require_matplotlib
from nextlabel.maths.axes import Array

__all__ = ["strip"]


def strip(images: Array, *, scale: int = 4) -> bytes:
    """Grey images side by side as one PNG, ink dark on white, one pixel of white between them.

    Parameters
    ----------
    images : array of float, axes (n, height, width)
        From 0 (paper) to 1 (ink).
    scale : int
        Pixels of the picture for each pixel of an image.

    Returns
    -------
    bytes

    Raises
    ------
    MissingExtra
        Matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib.image import imsave

    padded = np.pad(np.asarray(images), ((0, 0), (1, 1), (1, 1)))
    row = np.concatenate(list(padded), axis=1)
    written = BytesIO()
    pixels = np.kron(row, np.ones((scale, scale)))
    imsave(written, pixels, format="png", cmap="gray_r", vmin=0.0, vmax=1.0)
    return written.getvalue()
