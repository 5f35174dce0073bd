"""Somebody's own labelled items as a data set: what a column says is taken for the truth."""

from hashlib import blake2b
from typing import cast

import numpy as np

from nextlabel.core.dataset import Dataset
from nextlabel.core.pool import Pool
from nextlabel.core.registry import build
from nextlabel.core.task import classes
from nextlabel.errors import LabelError, ParameterError

__all__ = ["MISSING", "copies", "labelled"]

MISSING = ("", "?")
"""Cells that hold no label."""


def labelled(name: str, pool: Pool, column: str) -> tuple[Dataset, int]:
    """The items of a pool whose label is known.

    Parameters
    ----------
    name : str
        What the data set is called.
    pool : Pool
    column : str
        One of the pool's columns: the label of each item, blank or ``?`` where it has none.

    Returns
    -------
    Dataset
        The items with a label, all in memory, in the order of the pool; its classes are alphabetical.
    int
        How many items were left out.

    Raises
    ------
    ParameterError
        The pool has no such column.
    LabelError
        Fewer than two classes are named.

    Examples
    --------
    >>> from nextlabel.readers.arrays import ArrayPool
    >>> pool = ArrayPool(np.arange(4.0), list("abcd"), {"label": ["no", "", "yes", "no"]})
    >>> data, left_out = labelled("four", pool, "label")
    >>> data.pool.ids, data.task.classes, data.labels.tolist(), left_out
    (['a', 'c', 'd'], ('no', 'yes'), [0, 1, 0], 1)
    """
    if column not in pool.columns:
        message = (
            f"The labels must be a column of the items; received {column!r}. The columns are: "
            f"{', '.join(pool.columns) or 'none'}. Name one of these."
        )
        raise ParameterError(message)
    cells = [cell.strip() for cell in pool.columns[column]]
    kept = np.array([place for place, cell in enumerate(cells) if cell not in MISSING], dtype=np.int64)
    names = sorted({cells[place] for place in kept})
    if len(names) < 2:
        message = (
            f"Labels must name at least two classes; the column {column!r} names "
            f"{', '.join(names) or 'none'} in {len(kept)} of {len(cells)} items. Name another column."
        )
        raise LabelError(message)
    task = classes(names)
    items = {"name": "arrays", "items": pool.take(kept), "ids": _ids(pool, kept)}
    part = cast("Pool", build("reader", items))
    about = f"{len(kept):,} items of {name} in {len(names)} classes"
    return Dataset(name, about, part, task.encode([cells[place] for place in kept]), task), len(cells) - len(
        kept
    )


def copies(pool: Pool) -> int:
    """How many items equal an earlier one in all that a model reads.

    Parameters
    ----------
    pool : Pool
        In memory; every item is read once.

    Examples
    --------
    >>> from nextlabel.readers.arrays import ArrayPool
    >>> copies(ArrayPool(np.array([[1, 2], [3, 4], [1, 2], [1, 2]]), list("abcd")))
    2
    """
    items = pool.take(np.arange(len(pool.ids)))
    seen = {_content(one) for one in items}
    return len(items) - len(seen)


def _content(item: object) -> bytes:
    return blake2b(np.ascontiguousarray(item).tobytes(), digest_size=16).digest()


def _ids(pool: Pool, kept: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> list[str]:
    return [pool.ids[place] for place in kept]
