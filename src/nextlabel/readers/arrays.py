"""Arrays in memory, or mapped from disk, as a pool."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.core.pool import View
from nextlabel.errors import PoolError, UnknownName
from nextlabel.maths.axes import Array, Positions, row_chunks

__all__ = ["ArrayPool", "arrays"]


@final
@dataclass(frozen=True, eq=False)
class ArrayPool:
    """Items that are the rows of one array.

    Parameters
    ----------
    items : array, first axis n
        The content; kept as it is, also when it is mapped from disk.
    ids : sequence of str
        One for each item, all different.

    Raises
    ------
    PoolError
        No items, a number of ids that differs from the number of items, or an id twice.
    """

    items: Array
    ids: Sequence[str] = field(repr=False)

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
        """A digest of ids, type, shape and content."""
        digest = blake2b(digest_size=16)
        digest.update(f"{self.items.dtype.str}{self.items.shape}".encode())
        for rows in row_chunks(self.items):
            digest.update(np.ascontiguousarray(self.items[rows]).tobytes())
        for one in self.ids:
            digest.update(one.encode() + b"\0")
        return digest.hexdigest()

    def take(self, positions: Positions) -> Array:
        """The rows at these positions, in this order."""
        return np.asarray(self.items[positions])

    def show(self, id: str) -> View:
        """One row, as an image where it has two axes, else as a row of numbers.

        Raises
        ------
        UnknownName
            There is no such id.
        """
        if id not in self._positions:
            message = f"{id!r} is not an id of this pool of {len(self.ids)} items. Use one of pool.ids."
            raise UnknownName(message)
        item = np.asarray(self.items[self._positions[id]])
        return View("image" if item.ndim >= 2 else "row", item)


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
