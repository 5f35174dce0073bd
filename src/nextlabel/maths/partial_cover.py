"""Which few balls of one radius leave fewest items outside: greedy, then swaps.

Items are both what is covered and where a ball may stand; who covers whom is a symmetric graph. A choice that
is good enough answers whether so many balls can do; that none can is proved elsewhere (`cover_programme`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Array, Positions

__all__ = ["BallGraph", "fewest_outside", "greedy_order", "improved"]

_PART = 1 << 20  # entries of rows read at a time
_SWEEPS = 10  # rounds of swaps, each over all balls, before a local search gives up


@final
@dataclass(frozen=True, eq=False)
class BallGraph:
    """For each item those within the radius, itself among them: row i is `items[starts[i]:starts[i + 1]]`.

    Parameters
    ----------
    starts : array of int64, axes (n + 1,)
        Where each row begins.
    items : array of int32
        The rows, one after another. Row i holds j exactly where row j holds i.
    """

    starts: NDArray[np.int64]
    items: NDArray[np.int32]

    @property
    def n(self) -> int:
        """Number of items."""
        return len(self.starts) - 1

    def row(self, item: int) -> NDArray[np.int32]:
        """The items within the radius of one."""
        return self.items[self.starts[item] : self.starts[item + 1]]

    def weighed(self, rows: NDArray[np.integer[Any]], weights: Array | None = None) -> NDArray[np.float64]:
        """For each item, how many of some rows hold it, or the sum of their weights. O(their length + n)."""
        total = np.zeros(self.n)
        ends = np.cumsum(self.starts[rows + 1] - self.starts[rows])
        parts = np.searchsorted(ends, np.arange(_PART, ends[-1], _PART)) if len(ends) else ()
        for part in np.split(np.arange(len(rows)), parts):
            some = rows[part]
            sizes = self.starts[some + 1] - self.starts[some]
            begin = np.repeat(self.starts[some] - np.cumsum(sizes) + sizes, sizes)
            held = self.items[begin + np.arange(len(begin))]
            each = None if weights is None else np.repeat(weights[part], sizes)
            total += np.bincount(held, weights=each, minlength=self.n)
        return total


def fewest_outside(
    graph: BallGraph, is_open: NDArray[np.bool_], balls: int, enough: int, *, is_late: Callable[[], bool]
) -> tuple[Positions, int]:
    """A choice of balls that leaves few open items outside: greedy, then swaps.

    Parameters
    ----------
    graph : BallGraph
        Who lies within whose ball.
    is_open : array of bool, axes (n,)
        What is to be covered.
    balls : int
        How many, at most.
    enough : int
        So few items outside are few enough: stop there.
    is_late : callable
        Whether time is up.

    Returns
    -------
    chosen : array of int64
        At most so many balls; fewer where nothing is left to cover.
    outside : int
        How many open items they leave outside.

    Notes
    -----
    Ties go to the item first in order. Time O(pairs) for greedy, and for each swap tried the pairs of what
    one ball alone covers.

    Examples
    --------
    A path of five items, each reaching its neighbours:

    >>> path = BallGraph(np.array([0, 2, 5, 8, 11, 13]), np.array([0, 1, 0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4]))
    >>> chosen, outside = fewest_outside(path, np.ones(5, bool), 2, 0, is_late=lambda: False)
    >>> chosen.tolist(), outside
    ([1, 3], 0)
    """
    chosen = _greedy(graph, is_open, balls, range(graph.n))
    return improved(graph, is_open, chosen, balls, enough, is_late=is_late)


def improved(
    graph: BallGraph,
    is_open: NDArray[np.bool_],
    chosen: Positions,
    balls: int,
    enough: int,
    *,
    is_late: Callable[[], bool],
) -> tuple[Positions, int]:
    """A choice of balls at least as good as a given one: one ball at a time is moved to where it serves best.

    Parameters
    ----------
    graph, is_open, balls, enough, is_late
        As for `fewest_outside`.
    chosen : array of int64
        The choice to begin with; further balls are added greedily where there are fewer than allowed.

    Returns
    -------
    chosen : array of int64
        At most so many balls.
    outside : int
        How many open items they leave outside.

    Examples
    --------
    >>> path = BallGraph(np.array([0, 2, 5, 8, 11, 13]), np.array([0, 1, 0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4]))
    >>> chosen, outside = improved(path, np.ones(5, bool), np.array([2]), 2, 0, is_late=lambda: False)
    >>> sorted(chosen.tolist()), outside
    ([0, 3], 0)
    """
    times = np.where(is_open, 0, 1)  # how many balls hold each item; what is not open is held already
    for ball in chosen:
        times[graph.row(int(ball))] += 1
    added = _greedy(graph, times == 0, balls - len(chosen), range(graph.n))
    for ball in added:
        times[graph.row(int(ball))] += 1
    places = [*chosen.tolist(), *added.tolist()]
    gains = graph.weighed(np.flatnonzero(times == 0))
    for _ in range(_SWEEPS):
        before = _none(times)
        for place, ball in enumerate(places):
            if _none(times) <= enough or is_late():
                return np.array(places, np.int64), _none(times)
            places[place] = _moved(graph, times, gains, ball)
        if _none(times) == before:
            break
    return np.array(places, np.int64), _none(times)


def _none(times: NDArray[np.int64]) -> int:
    return len(times) - int(np.count_nonzero(times))


def _moved(graph: BallGraph, times: NDArray[np.int64], gains: NDArray[np.float64], ball: int) -> int:
    """Where one ball serves best while all others stay; the counts and gains follow."""
    row = graph.row(ball)
    times[row] -= 1
    gains += graph.weighed(row[times[row] == 0])
    best = int(gains.argmax())
    best = best if gains[best] > gains[ball] else ball
    row = graph.row(best)
    gains -= graph.weighed(row[times[row] == 0])
    times[row] += 1
    return best


def greedy_order(graph: BallGraph, is_open: NDArray[np.bool_], chosen: Positions) -> Positions:
    """The same balls, each next the one that covers most of what is still open.

    Parameters
    ----------
    graph : BallGraph
        Who lies within whose ball.
    is_open : array of bool, axes (n,)
        What is to be covered.
    chosen : array of int64
        The balls.

    Returns
    -------
    array of int64
        Those that cover nothing more come last, in the order given.

    Examples
    --------
    >>> path = BallGraph(np.array([0, 2, 5, 8, 11, 13]), np.array([0, 1, 0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4]))
    >>> greedy_order(path, np.ones(5, bool), np.array([0, 3])).tolist()
    [3, 0]
    """
    first = _greedy(graph, is_open, len(chosen), chosen.tolist())
    return np.concatenate([first, chosen[~np.isin(chosen, first)]])


def _greedy(graph: BallGraph, is_open: NDArray[np.bool_], balls: int, among: Sequence[int]) -> Positions:
    is_open = is_open.copy()
    gains = graph.weighed(np.flatnonzero(is_open))
    candidates = np.array(among, np.int64)
    chosen: list[int] = []
    while len(chosen) < balls:
        best = int(candidates[gains[candidates].argmax()])
        if gains[best] <= 0.0:
            break
        row = graph.row(best)
        newly = row[is_open[row]]
        gains -= graph.weighed(newly)
        is_open[newly] = False
        chosen.append(best)
    return np.array(chosen, np.int64)
