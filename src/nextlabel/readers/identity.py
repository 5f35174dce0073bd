"""Ids for items that the data do not name: from their content, so that files may be sorted anew."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

import numpy as np

from nextlabel.maths.axes import Array, row_chunks

__all__ = ["content_ids"]


def content_ids(items: Array, rest: Callable[[int], Any] | None = None) -> list[str]:
    """An id for each item, from what it is: the same in whatever order the items come.

    Parameters
    ----------
    items : array, first axis n
        Numbers, at least one for each item; or objects: texts (n,), or the cells of table rows (n, d).
    rest : callable, optional
        What else is known of the item at a position; equal items are numbered in the order of it.

    Returns
    -------
    list of str
        ``x`` and sixteen hexadecimal digits: a spreadsheet would read some of the bare digits as a number.
        Equal items get ``-2``, ``-3`` and on behind them.

    Notes
    -----
    A digest of 64 bits for each item. Should two different items meet in one, they count as equal and
    still get ids of their own. Two microseconds an item of a few hundred bytes.

    Examples
    --------
    >>> import numpy as np
    >>> content_ids(np.array([[1.0], [2.0], [1.0]]))
    ['x73e88ae335f559cd', 'x354ff9e6c5c53d32', 'x73e88ae335f559cd-2']
    """
    ids = [f"x{blake2b(content, digest_size=8).hexdigest()}" for content in _contents(items)]
    times = Counter(ids)
    if len(times) == len(ids):
        return ids
    places: defaultdict[str, list[int]] = defaultdict(list)
    for position, one in enumerate(ids):
        if times[one] > 1:
            places[one].append(position)
    for one, positions in places.items():
        ordered = positions if rest is None else sorted(positions, key=rest)
        for number, position in enumerate(ordered[1:], start=2):
            ids[position] = f"{one}-{number}"
    return ids


def _contents(items: Array) -> Iterator[bytes | memoryview]:
    """Each item as bytes."""
    if items.dtype.kind != "O":
        for rows in row_chunks(items):  # a row by itself costs more to cut out of the array than to digest
            piece = memoryview(np.ascontiguousarray(items[rows]).tobytes())
            step = len(piece) // (rows.stop - rows.start)
            yield from (piece[begin : begin + step] for begin in range(0, len(piece), step))
    elif items.ndim == 1:
        yield from (item.encode("utf-8", "surrogatepass") for item in items)
    else:
        for item in items:
            yield json.dumps(item.tolist(), ensure_ascii=False).encode("utf-8", "surrogatepass")
