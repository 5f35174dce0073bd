"""Grey images of 28 × 28 pixels: MNIST and Fashion-MNIST."""

import gzip

import numpy as np

from nextlabel.core.dataset import Dataset
from nextlabel.core.spec import Spec
from nextlabel.core.task import Task, classes
from nextlabel.datasets.listing import Listing
from nextlabel.datasets.pixels import PixelPool
from nextlabel.datasets.places import read
from nextlabel.datasets.published import FASHION_MNIST, MNIST
from nextlabel.maths.axes import Array
from nextlabel.readers.arrays import ArrayPool

__all__ = ["fashion_mnist", "mnist"]

_SIDE, _PIXELS_BEGIN, _LABELS_BEGIN = 28, 16, 8
_CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def mnist() -> Dataset:
    """70,000 handwritten digits of 28 × 28 pixels, in ten classes.

    Returns
    -------
    Dataset
        Items are float32 images (n, 28, 28) from 0 (paper) to 1 (ink); the last 10,000 are the official test
        part; ids ``"train-00000"`` and on, then ``"test-00000"`` and on.

    Raises
    ------
    DatasetMissing
        A file is not on this machine.
    DigestError
        A file is another one.

    References
    ----------
    LeCun, Bottou, Bengio, Haffner. Gradient-based learning applied to document recognition. Proceedings of
    the IEEE 86, 1998.
    """
    return _set(MNIST, classes([str(digit) for digit in range(10)]))


def fashion_mnist() -> Dataset:
    """70,000 pictures of clothes of 28 × 28 pixels, in ten classes.

    Returns
    -------
    Dataset
        Items are float32 images (n, 28, 28) from 0 (background) to 1; the last 10,000 are the official test
        part; ids ``"train-00000"`` and on, then ``"test-00000"`` and on.

    Raises
    ------
    DatasetMissing
        A file is not on this machine.
    DigestError
        A file is another one.

    References
    ----------
    Xiao, Rasul, Vollgraf. Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms.
    arXiv 1708.07747, 2017.
    """
    return _set(FASHION_MNIST, classes(_CLOTHES))


def _set(listing: Listing, task: Task) -> Dataset:
    pixels = [_unpacked(listing, f"{part}-images-idx3-ubyte.gz", _PIXELS_BEGIN) for part in ("train", "t10k")]
    labels = [_unpacked(listing, f"{part}-labels-idx1-ubyte.gz", _LABELS_BEGIN) for part in ("train", "t10k")]
    train, test = (len(one) for one in labels)
    images = np.concatenate(pixels).reshape(-1, _SIDE, _SIDE)
    images.flags.writeable = False
    ids = [f"train-{i:05d}" for i in range(train)] + [f"test-{i:05d}" for i in range(test)]
    return Dataset(
        name=listing.name,
        description=listing.description,
        pool=PixelPool(ArrayPool(images, ids, source=Spec(listing.name))),
        labels=np.concatenate(labels).astype(np.int64),
        task=task,
        test=np.arange(train, train + test),
    )


def _unpacked(listing: Listing, name: str, begin: int) -> Array:
    """The bytes of an idx file behind its head, which the digest vouches for."""
    return np.frombuffer(gzip.decompress(read(listing, name)), np.uint8, offset=begin)
