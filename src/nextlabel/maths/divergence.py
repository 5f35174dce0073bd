"""Symmetric divergence between items that are mixtures of predictions by class, and k-centre under it."""

from dataclasses import dataclass
from typing import Literal, final, get_args

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Array, Positions, checked_batch
from nextlabel.maths.parameters import checked_choice

__all__ = ["Mixtures", "Reduction", "contextual_distances", "divergent_centres", "mixtures", "predictions"]

Reduction = Literal["mean", "sum"]

_SMOOTHING = 1e-8
_LARGEST = float(np.log((1.0 + _SMOOTHING) / _SMOOTHING))
_CHUNK = 1 << 18  # numbers of a block of differences: a few megabytes that stay in the cache


@final
@dataclass(frozen=True, eq=False)
class Mixtures:
    """Of each item, one distribution for each class that is present in it; sorted by class.

    Parameters
    ----------
    n : int
        Number of items.
    items : array of int64, axes (r,)
        To which item a row belongs; ascending within a class.
    rows : array of float64, axes (r, c)
        Distributions, smoothed so that none holds a zero.
    starts : array of int64, axes (c + 1,)
        Where the rows of each class begin, and the end.
    """

    n: int
    items: NDArray[np.int64]
    rows: NDArray[np.float64]
    starts: NDArray[np.int64]

    def of(self, item: int) -> list[tuple[int, NDArray[np.float64]]]:
        """The classes present in an item, with their distributions."""
        found = []
        for label in range(len(self.starts) - 1):
            start, end = self.starts[label : label + 2]
            row = start + np.searchsorted(self.items[start:end], item)
            if row < end and self.items[row] == item:
                found.append((label, self.rows[row]))
        return found

    def middle(self) -> list[tuple[int, NDArray[np.float64]]]:
        """For each class that is present anywhere, the mean of its distributions."""
        found = []
        for label in range(len(self.starts) - 1):
            start, end = self.starts[label : label + 2]
            if end > start:
                found.append((label, self.rows[start:end].sum(axis=0) / float(end - start)))
        return found


def mixtures(class_mixture: Array) -> Mixtures:
    """The rows of a class mixture that are present, scaled to sum to one and smoothed.

    Parameters
    ----------
    class_mixture : array of float, axes (n, c, c)
        From 0; a row of zeros is a class that is absent. Not checked.

    Returns
    -------
    Mixtures

    Notes
    -----
    Time O(n·c²), memory 8·c bytes for each class that is present in an item, and twice that in between.

    Examples
    --------
    >>> found = mixtures(np.array([[[0.0, 0.0], [1.0, 3.0]]]))
    >>> [(label, row.round(3).tolist()) for label, row in found.of(0)]
    [(1, [0.25, 0.75])]
    """
    n, classes, _ = class_mixture.shape
    labels, items = np.nonzero((class_mixture > 0.0).any(axis=2).T)
    rows = class_mixture[items, labels].astype(np.float64)
    return _gathered(n, classes, items, labels, rows)


def predictions(proba: Array) -> Mixtures:
    """Each item's class probabilities as one distribution, whatever class is the most probable.

    Parameters
    ----------
    proba : array of float, axes (n, c)
        Class probabilities. Not checked.

    Returns
    -------
    Mixtures
        All under one label: every two items have it in common.

    Notes
    -----
    Time and memory O(n·c).

    Examples
    --------
    >>> predictions(np.array([[0.25, 0.75]])).items.tolist()
    [0]
    """
    n = len(proba)
    return _gathered(n, proba.shape[1], np.arange(n), np.zeros(n, np.int64), proba.astype(np.float64))


def contextual_distances(
    mixed: Mixtures, centre: list[tuple[int, NDArray[np.float64]]], reduce: Reduction = "mean"
) -> NDArray[np.float64]:
    """Distance of each item to a centre: symmetric divergence class by class, over the classes of both.

    Parameters
    ----------
    mixed : Mixtures
        The items.
    centre : list of int and array of float64, axes (c,)
        The classes present in the centre, with their smoothed distributions.
    reduce : {"mean", "sum"}
        Over the classes present in both.

    Returns
    -------
    array of float64, axes (n,)
        In nats; exactly 0 for a copy of the centre.

    Notes
    -----
    ½·KL(p‖q) + ½·KL(q‖p) = ½·Σ (p − q)·(log p − log q) for each class. Items without a common class are as
    far as two can be: smoothing by 1e-8 leaves log(1 + 10⁸), about 18.4 nats, and with "sum" that for each of
    the c classes. No distance exceeds this. Time O(c) for each row of a class of the centre.

    Examples
    --------
    >>> items = predictions(np.array([[0.9, 0.1], [0.6, 0.4], [0.1, 0.9]]))
    >>> contextual_distances(items, items.of(0)).round(3).tolist()
    [0.0, 0.269, 1.758]
    """
    total, common = np.zeros(mixed.n), np.zeros(mixed.n)
    for label, q in centre:
        start, end = mixed.starts[label : label + 2]
        log_q = np.log(q)
        step = max(1, _CHUNK // len(q))
        for first in range(start, end, step):
            part = slice(first, min(first + step, end))
            p, items = mixed.rows[part], mixed.items[part]
            # differences, not entropies: copies are exactly 0 apart, and no sum is rounded below it
            total[items] += 0.5 * ((p - q) * (np.log(p) - log_q)).sum(axis=1)
            common[items] += 1.0
    if reduce == "mean":
        np.divide(total, common, out=total, where=common > 0.0)
        largest = _LARGEST
    else:
        largest = _LARGEST * max(1, len(mixed.starts) - 1)
    total[common == 0.0] = largest
    return total


def divergent_centres(
    mixed: Mixtures,
    batch: int,
    *,
    given: Mixtures | None = None,
    reduce: Reduction = "mean",
    rng: np.random.Generator,
) -> tuple[Positions, NDArray[np.float64]]:
    """Positions picked one by one, each the farthest from the given items and the picks before it.

    Parameters
    ----------
    mixed : Mixtures
        The items to pick from.
    batch : int
        How many, between 1 and n.
    given : Mixtures, optional
        Items that are centres already, for example the labelled ones. Without any, the first pick is the
        item nearest to the middle: for each class, the mean over the items in which it is present.
    reduce : {"mean", "sum"}
        Over the classes present in both.
    rng : numpy.random.Generator
        Breaks ties: of equal distances, the item first in one permutation wins.

    Returns
    -------
    positions : array of int64, axes (b,)
        Distinct, in the order picked.
    distances : array of float64, axes (b,)
        Of each pick to the nearest centre before it, never rising; infinite for a pick that has none.

    Raises
    ------
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        An unknown reduction.

    Notes
    -----
    Time O((l + b)·r·c) at most, for l given items and r rows of distributions; one row an item, of k equally
    frequent classes, makes that O((l + b)·(n + n·c/k)). Memory O(n) and a few megabytes.

    References
    ----------
    Agarwal, Arora, Anand, Arora. Contextual diversity for active learning. ECCV 2020, arXiv 2008.05723.
    Section 3.

    Examples
    --------
    >>> items = predictions(np.array([[0.9, 0.1], [0.6, 0.4], [0.95, 0.05]]))
    >>> given = predictions(np.array([[0.9, 0.1]]))
    >>> divergent_centres(items, 1, given=given, rng=np.random.default_rng(0))[0].tolist()
    [1]
    """
    checked_choice(reduce, "reduce", get_args(Reduction))
    checked_batch(batch, mixed.n)
    order = rng.permutation(mixed.n)
    nearest = np.full(mixed.n, np.inf)
    known = [] if given is None else [given.of(item) for item in range(given.n)]
    for centre in known:
        np.minimum(nearest, contextual_distances(mixed, centre, reduce), out=nearest)
    positions, distances = np.empty(batch, np.int64), np.empty(batch)
    for k in range(batch):
        if k == 0 and not known:
            pick = order[contextual_distances(mixed, mixed.middle(), reduce)[order].argmin()]
        else:
            pick = order[nearest[order].argmax()]
        positions[k], distances[k] = pick, nearest[pick]
        np.minimum(nearest, contextual_distances(mixed, mixed.of(pick), reduce), out=nearest)
        nearest[pick] = -1.0
    return positions, distances


def _gathered(
    n: int, classes: int, items: NDArray[np.int64], labels: NDArray[np.int64], rows: NDArray[np.float64]
) -> Mixtures:
    """Rows sorted by class and then by item; each is scaled to one, and smoothed in place."""
    rows /= rows.max(axis=1, keepdims=True, initial=np.finfo(np.float64).tiny)  # so that no sum overflows
    rows /= rows.sum(axis=1, keepdims=True)
    rows += _SMOOTHING
    rows /= 1.0 + classes * _SMOOTHING
    starts = np.searchsorted(labels, np.arange(classes + 1)).astype(np.int64)
    return Mixtures(n, items.astype(np.int64), rows, starts)
