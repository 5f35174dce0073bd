"""Exact greedy k-centre by lazy bounds: each pick is the item farthest from all centres so far.

Written down plainly that is one pass over the pool for every pick. Here an item keeps an upper bound of its
distance to the nearest centre, and the centres it has met. Bounds only fall, so the item of the largest bound
is the farthest as soon as it has met all centres; most items are never looked at for most picks.

An item that is looked at should meet the centre that lowers its bound most first. A sketch says which: the
coordinates along a few directions of large variance. Distances between sketches never exceed distances, so
they also tell which centres need not be met at all. They only save time: every distance that decides is
computed from the rows themselves, in one order of summation, so the sequence is that of the plain form.
"""

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import (
    Array,
    Embeddings,
    Positions,
    Sizes,
    checked_batch,
    frozen,
    row_chunks,
)
from nextlabel.maths.distances import checked_points, squared_distances_to

__all__ = ["greedy_centres"]

# Up to so many differences in the plain form, NumPy answers before the compiled kernel is loaded. A row costs
# it as much as so many differences beside its own.
_PLAIN_WORK = 100_000_000
_PLAIN_ROW = 16
_DIRECTIONS = 32  # of a sketch: one row of it is two vector registers
_SAMPLE = 2048  # rows from which the directions are found


def greedy_centres(
    points: Embeddings,
    batch: int,
    *,
    centres: Embeddings | None = None,
    rng: np.random.Generator,
) -> tuple[Positions, NDArray[np.float64]]:
    """Positions picked one by one, each the farthest from the given centres and the picks before it.

    Parameters
    ----------
    points : array of float, axes (n, d)
        The items to pick from.
    batch : int
        How many, between 1 and n.
    centres : array of float, axes (l, d), optional
        Where centres are already, for example the labelled items. Without any, the first pick is the item
        nearest the mean.
    rng : numpy.random.Generator
        Breaks ties: of equal distances, the item first in one permutation wins.

    Returns
    -------
    positions : array of int64, axes (b,)
        Distinct, in the order picked.
    distances : array of float64, axes (b,)
        Euclidean distance of each pick to the nearest centre before it, never rising; infinite for a pick
        that has none before it.

    Raises
    ------
    SignalError
        Wrong axes, unequal widths, values that are not finite, or distances that overflow float64.
    BatchSizeError
        The batch is below 1 or above n.

    Notes
    -----
    Pick u = argmax_i min_j ‖x_i − c_j‖, over centres c; the radius of the result is at most twice the
    smallest possible. Copies of a centre come last; among them the permutation decides.

    Distances are summed in float64 as `nextlabel.maths.distances.squared_distances_to` says, in small pools
    by NumPy and in larger ones by a compiled kernel, with the same result. Worst case time O(n·(l + b)·d),
    typically a few hundredths of that; memory beside the inputs about 200 bytes an item, and the centres.

    References
    ----------
    Gonzalez. Clustering to minimize the maximum intercluster distance. Theoretical Computer Science 38, 1985.
    Sener, Savarese. Active learning for convolutional neural networks: a core-set approach. ICLR 2018.
    Algorithm 1.

    Examples
    --------
    >>> line = np.arange(11.0)[:, None]
    >>> positions, distances = greedy_centres(line, 2, centres=line[:1], rng=np.random.default_rng(0))
    >>> positions.tolist(), distances.tolist()
    ([10, 5], [10.0, 5.0])
    """
    sizes: Sizes = {}
    points = checked_points(points, "n d", "points", sizes)
    given = points[:0] if centres is None else checked_points(centres, "l d", "centres", sizes)
    n = len(points)
    checked_batch(batch, n)
    order = rng.permutation(n)
    work = n * (points.shape[1] + _PLAIN_ROW) * (len(given) + batch)
    pick = _plain if work <= _PLAIN_WORK else _lazy
    positions, squares = pick(points, batch, given, order)
    return positions, np.sqrt(squares)


def _plain(
    points: Array, batch: int, given: Array, order: Positions
) -> tuple[Positions, NDArray[np.float64]]:
    """One pass over the pool for every centre; sooner done than loading a kernel where the pool is small."""
    bounds = np.full(len(points), np.inf)
    for centre in given:
        np.minimum(bounds, squared_distances_to(points, centre), out=bounds)
    positions, squares = np.empty(batch, np.int64), np.empty(batch)
    for k in range(batch):
        if k == 0 and not len(given):
            pick = order[squared_distances_to(points, _mean(points))[order].argmin()]
        else:
            pick = order[bounds[order].argmax()]
        positions[k], squares[k] = pick, bounds[pick]
        np.minimum(bounds, squared_distances_to(points, points[pick]), out=bounds)
        bounds[pick] = -1.0
    return positions, squares


def _mean(points: Array) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = points.sum(axis=0, dtype=np.float64) / len(points)
    return mean


def _lazy(points: Array, batch: int, given: Array, order: Positions) -> tuple[Positions, NDArray[np.float64]]:
    """The same sequence, comparing only what can be the farthest."""
    from nextlabel.maths.kernels import centres as kernel
    from nextlabel.maths.kernels.compiler import announced

    if given.dtype == np.float64 and len(given):  # centres are kept in the precision of the points
        points = points.astype(np.float64, copy=False)
    points = frozen(points)
    (n, features), known = points.shape, len(given)
    with announced("the kernel of exact k-centre", kernel.farthest_first):
        mean = np.zeros(features)
        kernel.add_up(points, mean)
        mean /= n
        if not known:
            squares = np.empty(n)
            kernel.squared_to(points, mean, squares)
            first = squares[order].argmin()
            order = np.concatenate((order[first : first + 1], order[:first], order[first + 1 :]))
        centres = np.empty((known + batch, features), points.dtype)
        centres[:known] = given
        directions = _directions(points, mean)
        sketches, reaches, unit = _sketch(points, mean, directions)
        seen, distant, _ = _sketch(centres[:known], mean, directions, unit)
        if not all(np.isfinite(part).all() for part in (sketches, reaches, seen, distant)):
            # beyond the range of float32: sketches of zeros say nothing, and bound every distance from below,
            # but only where both ends have them
            sketches, reaches, unit = np.zeros_like(sketches), np.zeros_like(reaches), 1.0
            seen, distant = np.zeros_like(seen), np.zeros_like(distant)
        columns = np.zeros((directions.shape[1], len(centres)), np.float32)
        columns[:, :known] = seen.T
        rests = np.zeros(len(centres), np.float32)
        rests[:known] = np.maximum(distant**2 - np.einsum("lm,lm->l", seen, seen), 0.0)
        far = np.float32(distant.max(initial=0.0))
        result = np.empty(batch)
        positions = kernel.farthest_first(
            points, sketches, reaches, order, centres, columns, rests, far, known, unit,
            _slack(features, directions.shape[1]), result,
        )  # fmt: skip
    return positions, result


def _directions(points: Array, mean: Array) -> Array:
    """Orthonormal columns along which the points vary much: two steps of orthogonal iteration."""
    sample = points[:: -(-len(points) // _SAMPLE)] - mean
    sample /= np.abs(sample).max() or 1.0  # or the products below leave float64
    found = sample[np.linspace(0, len(sample) - 1, min(_DIRECTIONS, points.shape[1])).astype(np.int64)].T
    for _ in range(2):
        found = np.linalg.qr(sample.T @ (sample @ found))[0]
    return found.astype(np.float32)


def _sketch(
    points: Array, mean: Array, directions: Array, unit: float = 0.0
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Coordinates along the directions, distance to the mean, both in units of the largest distance.

    The unit keeps squares within float32, unless a distance itself leaves it: then a value is not finite.
    """
    sketches = np.empty((len(points), directions.shape[1]), np.float32)
    reaches = np.empty(len(points), np.float32)
    middle = mean.astype(points.dtype)
    with np.errstate(all="ignore"):
        for rows in row_chunks(points):
            chunk = (points[rows] - middle).astype(np.float32, copy=False)
            np.matmul(chunk, directions, out=sketches[rows])
            reaches[rows] = np.sqrt(np.einsum("nd,nd->n", chunk, chunk))
        unit = unit or float(reaches.max(initial=0.0)) or 1.0
        sketches /= np.float32(unit)
        reaches /= np.float32(unit)
    return sketches, reaches, unit


def _slack(features: int, directions: int) -> float:
    """How much rounding can lengthen the difference of two sketches, as a share of their reaches.

    A sum of d products in float32 errs by at most d·2⁻²⁴ of the sum of their sizes, in each of the m
    coordinates; twice that covers the directions, the differences from the mean, and the reaches too.
    """
    return 2.0 * (features + 4) * float(np.sqrt(directions)) * 2.0**-24
