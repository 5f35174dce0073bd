"""A part of CIFAR-10 in lossless strips of pictures: 1,500 images a class, and the whole test part."""

import io
import zipfile

import numpy as np
from PIL import Image

from nextlabel.core.dataset import Dataset
from nextlabel.core.spec import Spec
from nextlabel.core.task import classes
from nextlabel.datasets.cifar import CIFAR_CLASSES
from nextlabel.datasets.pixels import PixelPool
from nextlabel.datasets.places import read
from nextlabel.datasets.published import CIFAR10_15K
from nextlabel.maths.axes import Array
from nextlabel.readers.arrays import ArrayPool

__all__ = ["cifar10_15k"]

_SHAPE = (32, 32, 3)


def cifar10_15k() -> Dataset:
    """25,000 colour photographs of 32 × 32 pixels: 1,500 a class of CIFAR-10, and its test part.

    Returns
    -------
    Dataset
        Items are float32 images (n, 32, 32, 3) from 0 to 1; the last 10,000 are the official test part. The
        number in an id is the position in the original order, so that ids are those of ``cifar10``; the
        original file names are in the pool's column ``"filename"``.

    Raises
    ------
    DatasetMissing
        A file is not on this machine.
    DigestError
        A file is another one.

    Notes
    -----
    The first 1,500 images of each class in the original order.

    References
    ----------
    Krizhevsky. Learning multiple layers of features from tiny images. Technical report, University of
    Toronto, 2009.
    """
    parts = {part: (_images(part), _described(part)) for part in ("train", "test")}
    images = np.concatenate([pixels for pixels, _ in parts.values()])
    images.flags.writeable = False
    ids = [f"{part}-{index:05d}" for part, (_, meta) in parts.items() for index in meta["index"].tolist()]
    names = [name.decode() for _, meta in parts.values() for name in meta["filename"].tolist()]
    labels = np.concatenate([meta["labels"] for _, meta in parts.values()])
    train = len(parts["train"][0])
    return Dataset(
        name="cifar10_15k",
        description=CIFAR10_15K.description,
        pool=PixelPool(ArrayPool(images, ids, columns={"filename": names}, source=Spec("cifar10_15k"))),
        labels=labels.astype(np.int64),
        task=classes(CIFAR_CLASSES),
        test=np.arange(train, len(images)),
    )


def _images(part: str) -> Array:
    with zipfile.ZipFile(io.BytesIO(read(CIFAR10_15K, f"cifar10_{part}.zip"))) as strips:
        pictures = [
            np.asarray(Image.open(io.BytesIO(strips.read(name)))) for name in sorted(strips.namelist())
        ]
    return np.concatenate([picture.reshape(-1, *_SHAPE) for picture in pictures])


def _described(part: str) -> dict[str, Array]:
    with np.load(io.BytesIO(read(CIFAR10_15K, f"cifar10_{part}_meta.npz")), allow_pickle=False) as meta:
        return {name: meta[name] for name in ("index", "labels", "filename")}
