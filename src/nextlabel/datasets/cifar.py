"""CIFAR-10: small colour photographs, from the archive that its authors publish."""

import io
import pickle
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np

from nextlabel.core.dataset import Dataset
from nextlabel.core.spec import Spec
from nextlabel.core.task import classes
from nextlabel.datasets.pixels import PixelPool
from nextlabel.datasets.places import read
from nextlabel.datasets.published import CIFAR10
from nextlabel.errors import DigestError
from nextlabel.readers.arrays import ArrayPool

__all__ = ["CIFAR_CLASSES", "assembled", "cifar10", "unpacked"]

CIFAR_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_ARCHIVE, _FOLDER = "cifar-10-python.tar.gz", "cifar-10-batches-py"
_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
_PLANES = (3, 32, 32)  # red, green, blue; rows; columns


def cifar10() -> Dataset:
    """60,000 colour photographs of 32 × 32 pixels, in ten classes.

    Returns
    -------
    Dataset
        Items are float32 images (n, 32, 32, 3) from 0 to 1, in the original order; the last 10,000 are the
        official test part; ids ``"train-00000"`` and on, then ``"test-00000"`` and on; the original file
        names are in the pool's column ``"filename"``.

    Raises
    ------
    DatasetMissing
        The archive is not on this machine.
    DigestError
        The archive is another one.

    Notes
    -----
    The archive holds pickles; whatever is not an array, a text or a number is refused before it is made.
    Peak memory about 0.6 GB.

    References
    ----------
    Krizhevsky. Learning multiple layers of features from tiny images. Technical report, University of
    Toronto, 2009.
    """
    return assembled(unpacked(read(CIFAR10, _ARCHIVE)))


def assembled(batches: Sequence[Mapping[str, Any]]) -> Dataset:
    """The batches one after another, the last of them as the official test part.

    Parameters
    ----------
    batches : sequence of mapping
        As `unpacked` gives them.
    """
    planes = np.concatenate([batch["data"] for batch in batches])
    images = np.ascontiguousarray(planes.reshape(-1, *_PLANES).transpose(0, 2, 3, 1))
    images.flags.writeable = False
    test = len(batches[-1]["labels"])
    train = len(images) - test
    ids = [f"train-{i:05d}" for i in range(train)] + [f"test-{i:05d}" for i in range(test)]
    names = [name for batch in batches for name in batch["filenames"]]
    return Dataset(
        name="cifar10",
        description=CIFAR10.description,
        pool=PixelPool(ArrayPool(images, ids, columns={"filename": names}, source=Spec("cifar10"))),
        labels=np.array([label for batch in batches for label in batch["labels"]], dtype=np.int64),
        task=classes(CIFAR_CLASSES),
        test=np.arange(train, train + test),
    )


def unpacked(archive: bytes) -> list[Mapping[str, Any]]:
    """The six batches of the archive: ``data`` as uint8 (n, 3072), ``labels`` and ``filenames`` as lists.

    Parameters
    ----------
    archive : bytes
        The gzipped tar file.

    Raises
    ------
    DigestError
        It holds other things than the published archive: a file is not there, or would make a foreign object.
    """
    found: dict[str, Mapping[str, Any]] = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as members:
        for member in members:
            folder, _, name = member.name.partition("/")
            content = members.extractfile(member) if folder == _FOLDER and name in _BATCHES else None
            if content is not None:
                found[name] = _Unpickler(content, encoding="latin-1").load()
    missing = [name for name in _BATCHES if name not in found]
    if missing:
        message = (
            f"The archive of CIFAR-10 must hold {', '.join(_BATCHES)} in {_FOLDER}; it lacks "
            f"{', '.join(missing)}. Fetch it again: nextlabel data fetch cifar10."
        )
        raise DigestError(message)
    return [found[name] for name in _BATCHES]


@final
class _Unpickler(pickle.Unpickler):
    """Makes arrays, and nothing else that a pickle may ask for by name."""

    def find_class(self, module: str, name: str) -> Any:
        """What NumPy's arrays are made of, wherever the NumPy of the archive kept it."""
        rebuild = np.empty(0, dtype=np.uint8).__reduce__()[0]
        made = {"_reconstruct": rebuild, "ndarray": np.ndarray, "dtype": np.dtype}
        if module.partition(".")[0] != "numpy" or name not in made:
            message = (
                f"The archive of CIFAR-10 must hold arrays of numpy, lists and texts; it asks for "
                f"{module}.{name}. Fetch it again: nextlabel data fetch cifar10."
            )
            raise DigestError(message)
        return made[name]
