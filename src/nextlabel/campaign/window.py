"""The window on a large pool: so many items that strategies and learners see, and more when these run out."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from nextlabel.campaign.turn import WINDOW
from nextlabel.core.rng import generator
from nextlabel.maths.axes import Positions

__all__ = ["Window"]


@final
@dataclass(frozen=True)
class Window:
    """The first items of a permutation of those outside the reserve.

    Parameters
    ----------
    seed : int
        Of the campaign; names the permutation.
    candidates : int
        How many items are seen at first.
    items : int
        In the pool.
    reserve : tuple of int
        Positions that are not seen.
    is_released : bool
        Whether they are seen after all others.

    Notes
    -----
    The permutation is drawn when it is first needed, in O(items), and kept; all states of a campaign between
    two extensions of its pool share one window.

    Examples
    --------
    >>> window = Window(0, 2, 9, (3, 4))
    >>> nothing = np.array([], dtype=np.int64)
    >>> len(window.positions(nothing)), len(window.positions(window.order[:2])), 3 in window.order
    (2, 4, False)
    """

    seed: int
    candidates: int
    items: int
    reserve: tuple[int, ...]
    is_released: bool = False

    @cached_property
    def order(self) -> Positions:
        """All positions that are ever seen, in the order in which they come into sight."""
        is_outside = np.ones(self.items, dtype=bool)
        is_outside[list(self.reserve)] = False
        outside = np.flatnonzero(is_outside).astype(np.int64)
        drawn = generator(self.seed, WINDOW).permutation(outside)
        last = np.array(self.reserve if self.is_released else (), dtype=np.int64)
        return np.concatenate([drawn, last])

    @cached_property
    def _rank(self) -> Positions:
        """Of every position its place in the order; of those never seen, the number of items."""
        rank = np.full(self.items, self.items, dtype=np.int64)
        rank[self.order] = np.arange(len(self.order))
        return rank

    def positions(self, gone: Positions) -> Positions:
        """What is seen, ascending: the least doubling of the window of which half is left.

        Parameters
        ----------
        gone : array of int64, axes (l,)
            Positions of the items that are not to be seen any more, such as those labelled.

        Notes
        -----
        Time O(window · log window + items gone · log items gone).
        """
        ranks = np.unique(self._rank[gone])
        size = self.candidates
        while size < len(self.order) and 2 * int((ranks < size).sum()) > size:
            size *= 2
        return np.sort(self.order[:size])
