"""Features of a pool that are kept in memory, of all its items or of some."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import eq
from typing import Any, final

import numpy as np

from nextlabel.core.pool import Pool
from nextlabel.maths.axes import Positions

__all__ = ["Kept", "size_of", "stacked"]


@final
@dataclass(frozen=True, eq=False)
class Kept:
    """Features of items of a pool.

    Parameters
    ----------
    pool : Pool
    rows : array or sparse matrix, first axis k
    places : array of int64, axes (n,), optional
        Where the features of each item of the pool are, -1 for those that are not kept; all of them in
        the pool's order when left out.
    """

    pool: Pool
    rows: Any
    places: Positions | None = None

    def is_of(self, pool: Pool) -> bool:
        """Whether this is the pool, or an equal one in the same order."""
        known = self.pool
        if known is pool:
            return True
        if len(known.ids) != len(pool.ids) or known.fingerprint != pool.fingerprint:
            return False
        return all(map(eq, known.ids, pool.ids))  # equal fingerprints say nothing of the order

    def take(self, positions: Positions, make: Callable[[Positions], Any]) -> Any:
        """Features of some items, in this order.

        Parameters
        ----------
        positions : array of int64, axes (m,)
        make : callable
            Makes the features of those that are not kept.
        """
        if self.places is None:
            return self.rows[positions]
        found = self.places[positions]
        lacking = found < 0
        if not lacking.any():
            return self.rows[found]
        if lacking.all():
            return make(positions)
        order = np.empty(len(found), np.int64)
        order[~lacking] = np.arange(len(found) - lacking.sum())
        order[lacking] = np.arange(len(found) - lacking.sum(), len(found))
        return stacked([self.rows[found[~lacking]], make(positions[lacking])])[order]


def stacked(pieces: Sequence[Any]) -> Any:
    """Features one below the other, dense or sparse."""
    if len(pieces) == 1:
        return pieces[0]
    if hasattr(pieces[0], "indptr"):
        from scipy.sparse import vstack

        return vstack(pieces, format="csr")
    return np.concatenate(pieces)


def size_of(rows: Any) -> int:
    """How many bytes features take, dense or sparse."""
    if hasattr(rows, "indptr"):
        return int(rows.data.nbytes + rows.indices.nbytes + rows.indptr.nbytes)
    return int(rows.nbytes)
