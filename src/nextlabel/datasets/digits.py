"""Handwritten digits of eight by eight pixels, bundled with scikit-learn: nothing is downloaded."""

import numpy as np

from nextlabel.core.dataset import Dataset
from nextlabel.core.spec import Spec
from nextlabel.core.task import classes
from nextlabel.readers.arrays import ArrayPool

__all__ = ["digits"]


def digits() -> Dataset:
    """1,797 handwritten digits of 8 × 8 pixels, in ten classes, bundled with scikit-learn.

    Returns
    -------
    Dataset
        Items are float32 images (n, 8, 8) from 0 (paper) to 1 (ink); ids ``"digit-0000"`` and on. There is
        no official split.

    References
    ----------
    Alpaydin, Kaynak. Optical recognition of handwritten digits. UCI Machine Learning Repository, 1998,
    doi 10.24432/C50P49; this is its test part.

    Examples
    --------
    >>> data = digits()
    >>> len(data.pool.ids), data.pool.take(np.array([0])).shape, data.task.classes[:3]
    (1797, (1, 8, 8), ('0', '1', '2'))
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = (images.reshape(-1, 8, 8) / 16.0).astype(np.float32)
    pixels.flags.writeable = False
    return Dataset(
        name="digits",
        description="1,797 handwritten digits of 8 × 8 pixels in ten classes, bundled with scikit-learn",
        pool=ArrayPool(
            pixels,
            [f"digit-{position:04d}" for position in range(len(pixels))],
            source=Spec("digits"),
        ),
        labels=labels.astype(np.int64),
        task=classes([str(digit) for digit in range(10)]),
    )
