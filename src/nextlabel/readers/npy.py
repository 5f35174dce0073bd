"""Arrays that NumPy saved, as a pool: one, mapped from disk, or several in one file."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nextlabel.core.spec import Spec
from nextlabel.errors import ReaderError
from nextlabel.maths.axes import Array
from nextlabel.readers.arrays import ArrayPool
from nextlabel.readers.files import Source, open_bytes, reading
from nextlabel.readers.identity import content_ids

__all__ = ["npy", "npz"]


def npy(path: Source) -> ArrayPool:
    """The rows of an array that ``numpy.save`` wrote, mapped from disk.

    Parameters
    ----------
    path : str or path
        A file that ends in ``.npy``.

    Returns
    -------
    ArrayPool
        Items are the rows, read when they are taken; texts (n,) are read at once. Ids are made from the
        content.

    Raises
    ------
    ReaderError
        The file is not there, cut short, or holds no rows, or what is neither numbers nor texts.

    Notes
    -----
    The file is read once for the ids: 1 GB in about 3 s. Nothing in it is ever executed.
    """
    open_bytes(path).close()
    with reading(path):
        try:
            array = np.load(Path(path), mmap_mode="r", allow_pickle=False)
        except Exception as cause:  # what a damaged header makes NumPy raise has no end
            raise ReaderError(_unreadable(path, cause)) from cause
    if not isinstance(array, np.ndarray):
        array.close()
        raise ReaderError(_unreadable(path, "it is an npz file"))
    items = _items(array, path)
    return ArrayPool(items, content_ids(items), source=Spec("npy", {"path": str(path)}))


def npz(path: Source, *, items: str | None = None) -> ArrayPool:
    """The rows of an array in a file that ``numpy.savez`` wrote, with ids and labels where they are.

    Parameters
    ----------
    path : str or path
        A file that ends in ``.npz``.
    items : str, optional
        The name of the array of items; ``"items"``, or the only one with two axes or more, when left out.

    Returns
    -------
    ArrayPool
        Items are the rows. Ids are the array ``ids`` where there is one, else made from the content.
        Other arrays with one value for each item are columns, as text; ``labels`` and ``y`` are the
        column ``label``.

    Raises
    ------
    ReaderError
        The file is not there or cut short, no array or more than one may be the items, or an array holds
        what is neither numbers nor texts.
    PoolError
        Unequal numbers of items and ids, or an id twice.

    Notes
    -----
    The whole file is read at once. Nothing in it is ever executed.
    """
    with open_bytes(path) as file, reading(path):
        try:
            loaded = np.load(file, allow_pickle=False)
            arrays = {name: loaded[name] for name in loaded.files}
        except AttributeError as cause:
            raise ReaderError(_unreadable(path, "it is an npy file")) from cause
        except Exception as cause:  # what a damaged header makes NumPy raise has no end
            raise ReaderError(_unreadable(path, cause)) from cause
    name = _chosen(arrays, items, path)
    rows = _items(arrays[name], path)
    columns = {
        "label" if key in ("labels", "y") else key: [str(value) for value in array.tolist()]
        for key, array in arrays.items()
        if array.shape == rows.shape[:1] and key not in (name, "ids")
    }
    ids = [str(one) for one in arrays["ids"].tolist()] if "ids" in arrays else content_ids(rows)
    source = Spec("npz", {"path": str(path), **({} if items is None else {"items": items})})
    return ArrayPool(rows, ids, columns, source)


def _chosen(arrays: Mapping[str, Array], said: str | None, path: Source) -> str:
    rows = [name for name, array in arrays.items() if array.ndim >= 2]
    wanted = said or ("items" if "items" in arrays else rows[0] if len(rows) == 1 else "")
    if wanted in arrays:
        return wanted
    there = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "no array"
    message = (
        "The array of items must be named 'items', be the only one with two axes or more, or be said "
        f"with items=; received {said!r} and {str(path)!r} with {there}. Name one of these."
    )
    raise ReaderError(message)


def _items(array: Array, path: Source) -> Array:
    """Rows that may be items: numbers as they are, texts as objects."""
    texts = array.dtype.kind == "U" and array.ndim == 1
    if not (texts or array.dtype.kind in "biuf") or array.ndim == 0 or array.size == 0:
        message = (
            "Rows of numbers, or texts with one axis, are needed; received an array of shape "
            f"{array.shape} and type {array.dtype} from {str(path)!r}. Save numbers, one row for each item."
        )
        raise ReaderError(message)
    if texts:
        return array.astype(object)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _unreadable(path: Source, why: object) -> str:
    return (
        f"A whole file of NumPy arrays without Python objects is needed; received {str(path)!r}: {why}. "
        "Save arrays of numbers or texts again, .npy with numpy.save and .npz with numpy.savez."
    )
