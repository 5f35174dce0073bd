"""The few centres from which a radius reaches all items but the worst: robust k-centre, with a proof.

The smallest radius is one of the distances at hand. Of those between the largest radius known to be too
small and the smallest known to do, one near the middle is tried, until none is left between: first with
greedy covers and swaps, which only say yes; then with the linear programme, which only says no; and what
lies between goes to the mixed-integer programme.
"""

import time
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Array, Embeddings, Positions, Sizes, checked_batch, row_chunks
from nextlabel.maths.cover_programme import Undecided, choice, relaxed
from nextlabel.maths.distances import checked_points
from nextlabel.maths.partial_cover import BallGraph, fewest_outside, greedy_order, improved

__all__ = ["Covering", "covering_centres"]

_PROOF_SLACK = 1e-6  # far above the rounding of a bound's sums, far below one item
_LARGEST_PROGRAMME = 10_000_000  # pairs; the solvers would take hours and gigabytes for more
_BLOCK_MEGABYTES = 8.0  # of distances at a time
_ROUNDING = 1e-12  # of a distance: values nearer than this share are one value


@final
@dataclass(frozen=True, eq=False)
class Covering:
    """Centres, how far they reach, and how far any could.

    Parameters
    ----------
    positions : array of int64, axes (b,)
        Distinct, most wanted first: each reaches most of what those before it do not.
    radius : float
        The distance within which the centres reach all items but the worst few.
    lower_bound : float
        No choice of as many centres has a smaller radius.
    is_proven : bool
        Whether the radius is the smallest possible.
    """

    positions: Positions
    radius: float
    lower_bound: float
    is_proven: bool

    @property
    def gap(self) -> float:
        """How much smaller the radius could be at most, as a share of it: 0 where it is proven."""
        return 0.0 if self.is_proven else 1.0 - self.lower_bound / self.radius


def covering_centres(
    points: Embeddings,
    batch: int,
    *,
    rng: np.random.Generator,
    centres: Embeddings | None = None,
    outliers: int = 0,
    seconds: float | None = None,
    nodes: int | None = None,
) -> Covering:
    """The centres of smallest radius among the items, where so many items may lie outside.

    Parameters
    ----------
    points : array of float, axes (n, d)
        The items to be reached and to pick from.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        Decides between equal rows, and nothing else.
    centres : array of float, axes (l, d), optional
        Where centres are already, for example the labelled items.
    outliers : int
        How many items may lie outside.
    seconds : float, optional
        The time limit in all. What cannot be proven within it depends on the speed of the machine.
    nodes : int, optional
        How many nodes of a search tree each mixed-integer programme may solve; from 0.

    Returns
    -------
    Covering

    Raises
    ------
    SignalError
        Wrong axes, unequal widths, values that are not finite, or distances that overflow float64.
    BatchSizeError
        The batch is below 1 or above n.

    Notes
    -----
    Items are first brought into the order of their values, so that the answer does not depend on the order
    in which they came. The first upper end is the better of greedy k-centre and its robust form, which each
    time passes over as many farthest items as may lie outside. Half the greedy radius is a lower end where no
    item may lie outside. With outliers it is none: for 21 points on [−1, 1] and one at each of ±100, a
    centre at 0, one pick and one outlier, greedy has 100 and the smallest radius is 1.

    Of several choices with the radius, one that reaches more within it is preferred; picks that the radius
    does not need go to what is farthest. Memory up to 24·n² bytes: 24 for each pair within the upper end,
    nearly all n² where one pick is to reach everything. The programmes take about 80 bytes a pair more, and
    are not tried beyond ten million pairs.

    References
    ----------
    Sener, Savarese. Active learning for convolutional neural networks: a core-set approach. ICLR 2018.
    Section 4.2 and appendix C.
    Hochbaum, Shmoys. A best possible heuristic for the k-center problem. Mathematics of Operations Research
    10, 1985. The search over distances.

    Examples
    --------
    >>> line = np.concatenate([np.linspace(-1, 1, 21), [100, -100]])[:, None]
    >>> middle, draw = np.zeros((1, 1)), np.random.default_rng(0)
    >>> found = covering_centres(line, 1, centres=middle, outliers=1, rng=draw)
    >>> found.radius, found.is_proven
    (1.0, True)
    """
    sizes: Sizes = {}
    points = checked_points(points, "n d", "points", sizes).astype(np.float64)
    given = points[:0] if centres is None else checked_points(centres, "l d", "centres", sizes)
    batch = checked_batch(batch, len(points))
    until = None if seconds is None else time.monotonic() + seconds
    order = np.lexsort((rng.random(len(points)), *points.T))
    search = _Search(points[order], _nearest(points[order], given), batch, outliers, until, nodes)
    search.run()
    lower = search.radius if search.is_proven else search.lower_bound
    return Covering(order[search.ordered()], search.radius, lower, search.is_proven)


@final
class _Search:
    """The state of one search: the best choice so far, and the largest radius known to be too small."""

    def __init__(
        self,
        points: Array,
        given: NDArray[np.float64],
        batch: int,
        outliers: int,
        until: float | None,
        nodes: int | None,
    ) -> None:
        self.points, self.given, self.batch, self.outliers = points, given, batch, outliers
        self.until, self.nodes = until, nodes
        self.chosen, self.radius = np.empty(0, np.int64), np.inf
        self.too_small = -1.0
        self.graph = BallGraph(np.zeros(len(points) + 1, np.int64), np.empty(0, np.int32))
        self.values = np.zeros(1)  # the distances of pairs, then those from where centres are already

    def run(self) -> None:
        """Greedy centres first, then all that the limits allow."""
        self._by_greedy()
        if self.radius == 0.0:
            return
        self.graph, self.values = _pairs_within(self.points, self.radius, self.given)
        self._by_swaps()
        if len(self.graph.items) <= _LARGEST_PROGRAMME:
            self._by_bounds()
            self._by_programmes()

    @property
    def is_proven(self) -> bool:
        """Whether no radius is left between."""
        return self._middle(self.too_small, self.radius) is None

    @property
    def lower_bound(self) -> float:
        """The smallest distance that is not known to be too small."""
        return float(self.values.min(where=self.values > self.too_small, initial=self.radius))

    def ordered(self) -> Positions:
        """The choice, most reached first; then fillers, until there are as many as wanted."""
        chosen = self.chosen
        if self.radius > 0.0:
            graph, is_open, balls = self._question(self.radius)
            again, outside = fewest_outside(graph, is_open, balls, 0, is_late=self._is_late)
            if outside < np.count_nonzero(self._near(chosen) > self.radius):
                chosen = again
            chosen = greedy_order(graph, is_open, chosen)
        near = self._near(chosen)
        picks = chosen.tolist()
        near[picks] = -1.0
        while len(picks) < self.batch:
            pick = int(near.argmax())
            picks.append(pick)
            near[pick] = -1.0
            np.minimum(near, self._to(pick), out=near)
        return np.array(picks, np.int64)

    def _by_greedy(self) -> None:
        plain = self._accept(self._greedy(0))
        if self.outliers:
            self._accept(self._greedy(self.outliers))
        elif plain > 0.0:  # half the greedy radius will do at best: what is shorter is too small
            self.too_small = plain / 2.0 * (1.0 - _ROUNDING)

    def _by_swaps(self) -> None:
        low = self.too_small
        while (middle := self._middle(low, self.radius)) is not None and not self._is_late():
            chosen, _ = fewest_outside(*self._question(middle), self.outliers, is_late=self._is_late)
            if self._accept(chosen) > middle:
                low = middle

    def _by_bounds(self) -> None:
        fits = self.radius  # no bound speaks against it
        while (middle := self._middle(self.too_small, fits)) is not None and not self._is_late():
            graph, is_open, balls = self._question(middle)
            bound, shares = relaxed(graph, is_open, balls, seconds=self._seconds_left())
            if bound > self.outliers + _PROOF_SLACK:
                self.too_small = middle
                continue
            start = np.argsort(-shares, kind="stable")[: np.count_nonzero(shares)][:balls]
            self._accept(improved(graph, is_open, start, balls, self.outliers, is_late=self._is_late)[0])
            fits = min(middle, self.radius)

    def _by_programmes(self) -> None:
        """The smallest radius first, which mostly does; then both sides of what was too hard."""
        hard: tuple[float, float] | None = None
        middle: float | None = self.lower_bound if not self.is_proven else None
        while middle is not None and not self._is_late():
            seconds = self._seconds_left()
            try:
                chosen = choice(
                    *self._question(middle),
                    self.outliers,
                    seconds=None if seconds is None else seconds / 2.0,
                    nodes=self.nodes,
                )
            except Undecided:
                chosen = self.chosen
            if chosen is None:
                self.too_small = middle
            else:
                self._accept(chosen)
            if self.too_small < middle < self.radius:
                hard = (middle, middle) if hard is None else (min(hard[0], middle), max(hard[1], middle))
            middle = self._beside(hard)

    def _beside(self, hard: tuple[float, float] | None) -> float | None:
        """A radius that is neither known to do nor to be too small, nor between two that were too hard."""
        if hard is None:
            return self._middle(self.too_small, self.radius)
        above = self._middle(hard[1], self.radius)
        return self._middle(self.too_small, hard[0]) if above is None else above

    def _question(self, radius: float) -> tuple[BallGraph, NDArray[np.bool_], int]:
        return self._within(radius), self.given > radius, self.batch

    def _within(self, radius: float) -> BallGraph:
        holds = self.values[: len(self.graph.items)] <= radius
        # no row is empty: each item is within its own ball
        sizes = np.add.reduceat(holds, self.graph.starts[:-1], dtype=np.int64)
        return BallGraph(np.append(0, np.cumsum(sizes)), self.graph.items[holds])

    def _middle(self, low: float, high: float) -> float | None:
        """A distance between two, as many below it as above; None where there is none."""
        holds = self.values > low
        holds &= self.values < high * (1.0 - _ROUNDING)
        between = self.values[holds]
        if not len(between):
            return None
        half = len(between) // 2
        between.partition(half)  # where it is: a second copy would be the peak of memory
        return float(between[half])

    def _accept(self, chosen: Positions) -> float:
        """The radius of a choice, which is kept where it is the best so far."""
        radius = self._reach(self._near(chosen))
        if radius < self.radius:
            self.chosen, self.radius = chosen, radius
        return radius

    def _reach(self, near: NDArray[np.float64]) -> float:
        last = len(near) - 1 - self.outliers
        return float(np.partition(near, last)[last]) if last >= 0 else 0.0

    def _near(self, chosen: Positions) -> NDArray[np.float64]:
        return np.minimum(self.given, _nearest(self.points, self.points[chosen]))

    def _to(self, item: int) -> NDArray[np.float64]:
        return _nearest(self.points, self.points[item : item + 1])

    def _greedy(self, passed_over: int) -> Positions:
        """Each next the farthest, or the farthest after so many that are passed over."""
        near = self.given.copy()
        chosen: list[int] = []
        last = len(near) - 1 - passed_over
        while len(chosen) < self.batch and last >= 0:
            if np.isinf(near[0]):
                pick = int(_nearest(self.points, self.points.mean(axis=0, keepdims=True)).argmin())
            else:
                pick = int(near.argmax() if not passed_over else np.argpartition(near, last)[last])
            if near[pick] == 0.0:
                break
            chosen.append(pick)
            np.minimum(near, self._to(pick), out=near)
        return np.array(chosen, np.int64)

    def _seconds_left(self) -> float | None:
        return None if self.until is None else max(self.until - time.monotonic(), 0.0)

    def _is_late(self) -> bool:
        return self.until is not None and time.monotonic() >= self.until


def _nearest(points: Array, centres: Array) -> NDArray[np.float64]:
    """Distance of each point to the nearest centre, from the differences themselves; infinite without any."""
    from scipy.spatial.distance import cdist

    near = np.full(len(points), np.inf)
    for some in row_chunks(centres, megabytes=_BLOCK_MEGABYTES / max(1, len(points)) * centres.shape[1]):
        near = np.minimum(near, cdist(points, centres[some]).min(axis=1))
    return near


def _pairs_within(
    points: Array, radius: float, given: NDArray[np.float64]
) -> tuple[BallGraph, NDArray[np.float64]]:
    """All pairs of points not farther apart; their distances, followed by those given within the radius."""
    from scipy.spatial.distance import cdist

    items, distances, sizes = [], [], []
    for rows in row_chunks(points, megabytes=_BLOCK_MEGABYTES / len(points) * points.shape[1]):
        block = cdist(points[rows], points)
        holds = block <= radius
        items.append(np.nonzero(holds)[1].astype(np.int32))
        distances.append(block[holds])
        sizes.append(holds.sum(axis=1))
    graph = BallGraph(np.append(0, np.cumsum(np.concatenate(sizes))), np.concatenate(items))
    items.clear()  # before the larger half is joined
    return graph, np.concatenate([*distances, given[given <= radius]])
