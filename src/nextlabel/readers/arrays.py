"""Arrays in memory, or mapped from disk, as a pool."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.core.pool import View
from nextlabel.core.spec import Spec
from nextlabel.errors import PoolError, UnknownName
from nextlabel.maths.axes import Array, Positions, row_chunks
from nextlabel.readers.faults import Fault

__all__ = ["ArrayPool", "arrays"]

_TOGETHER = 1000  # texts or table rows that are written as JSON at once


@final
@dataclass(frozen=True, eq=False)
class ArrayPool:
    """Items that are the rows of one array.

    Parameters
    ----------
    items : array, first axis n
        The content; kept as it is, also when it is mapped from disk.
        Numbers; or objects: texts (n,), or the cells of table rows (n, d).
    ids : sequence of str
        One for each item, all different.
    columns : mapping of str to sequence of str
        What else the data say of each item, as text, in the order of the items.
    source : Spec, optional
        What makes this pool again.
    names : sequence of str
        What the cells of a row are called, axes (d,); none where nobody said.
    lines : sequence of int
        The line or row of the file where each item stands; none where nobody said.
    faults : sequence of Fault
        What of the file could not be read and was left out.

    Raises
    ------
    PoolError
        No items, a number of ids or of a column's cells other than that of the items, or an id twice.
    """

    items: Array
    ids: Sequence[str] = field(repr=False)
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    source: Spec | None = None
    names: Sequence[str] = ()
    lines: Sequence[int] = field(default=(), repr=False)
    faults: Sequence[Fault] = ()

    def __post_init__(self) -> None:
        if self.items.ndim == 0 or len(self.items) == 0:
            message = (
                f"A pool needs at least one item; received an array of shape {self.items.shape}. Give rows."
            )
            raise PoolError(message)
        if len(self.ids) != len(self.items):
            message = (
                f"A pool needs one id for each item; received {len(self.items)} items and "
                f"{len(self.ids)} ids. "
                "Give both in the same order."
            )
            raise PoolError(message)
        for name, cells in self.columns.items():
            if len(cells) != len(self.items):
                message = (
                    f"A column needs one cell for each of the {len(self.items)} items; received {len(cells)} "
                    f"for {name!r}. Give them in the order of the items."
                )
                raise PoolError(message)
        if len(self._positions) < len(self.ids):
            seen: set[str] = set()
            doubled = next(one for one in self.ids if one in seen or seen.add(one))  # type: ignore[func-returns-value]
            message = (
                f"The ids of a pool must all be different; {doubled!r} comes twice. Name each item once."
            )
            raise PoolError(message)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {one: position for position, one in enumerate(self.ids)}

    @cached_property
    def fingerprint(self) -> str:
        """A digest of ids, type, shape and content in the order of the ids: files may be sorted anew."""
        digest = blake2b(digest_size=16)
        digest.update(f"{self.items.dtype.str}{self.items.shape}".encode())
        order = np.array(sorted(range(len(self.ids)), key=self.ids.__getitem__))
        for rows in row_chunks(self.items):
            for part in _content(np.asarray(self.items[order[rows]])):
                digest.update(part)
        for position in order:
            digest.update(self.ids[position].encode() + b"\0")
        return digest.hexdigest()

    def take(self, positions: Positions) -> Array:
        """The rows at these positions, in this order."""
        return np.asarray(self.items[positions])

    def show(self, id: str) -> View:
        """One item: a text, an image where it has two axes or more, else a row.

        Raises
        ------
        UnknownName
            There is no such id.
        """
        if id not in self._positions:
            message = f"{id!r} is not an id of this pool of {len(self.ids)} items. Use one of pool.ids."
            raise UnknownName(message)
        item = self.items[self._positions[id]]
        if isinstance(item, str):
            return View("text", item)
        values = np.asarray(item)
        if values.ndim >= 2:
            return View("image", values)
        if self.names:
            return View("row", dict(zip(self.names, values.tolist(), strict=True)))
        return View("row", values)


def _content(rows: Array) -> Iterator[bytes]:
    """The bytes of some rows; of objects, which have none of their own, the JSON text of one list."""
    if rows.dtype.kind != "O":
        yield np.ascontiguousarray(rows).tobytes()
        return
    for begin in range(0, len(rows), _TOGETHER):  # long texts would fill the memory once more
        part = rows[begin : begin + _TOGETHER].tolist()
        text = json.dumps(part, ensure_ascii=False, default=_summary)
        yield (f", {text[1:-1]}" if begin else text[:-1]).encode("utf-8", "surrogatepass")
    yield b"]"


def _summary(one: Any) -> list[Any]:
    """What stands for an array among objects, as images of several sizes are."""
    values = np.asarray(one)
    if values.dtype.kind == "O":
        message = (
            f"Items must be texts, rows of values or arrays of numbers; received one of type "
            f"{type(one).__name__}. Give what they hold."
        )
        raise PoolError(message)
    digest = blake2b(np.ascontiguousarray(values).tobytes(), digest_size=16)
    return [values.dtype.str, list(values.shape), digest.hexdigest()]


def arrays(items: ArrayLike, ids: Sequence[str] | None = None) -> ArrayPool:
    """A pool over the rows of an array.

    Parameters
    ----------
    items : array-like, first axis n
        Features, images or anything else with one row for each item.
    ids : sequence of str, optional
        One for each item, all different; ``"0"``, ``"1"``, ... when left out.

    Returns
    -------
    ArrayPool

    Raises
    ------
    PoolError
        No items, a number of ids that differs from the number of items, or an id twice.

    Examples
    --------
    >>> pool = arrays([[1.0, 2.0], [3.0, 4.0]], ids=["a", "b"])
    >>> pool.take(np.array([1])).tolist()
    [[3.0, 4.0]]
    """
    rows = np.asarray(items)
    return ArrayPool(
        rows, [str(i) for i in range(len(rows))] if ids is None and rows.ndim else list(ids or [])
    )
