"""Greedy k-centre, k-means and k-means++ seeding with the distance of hyperbolic space.

All points lie in the unit ball (see `nextlabel.maths.hyperbolic.in_unit_ball`), and so do the distances:
those of curvature −c are smaller by √c, which changes no pick.
"""

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Positions, checked_batch
from nextlabel.maths.frechet import frechet_mean, frechet_means
from nextlabel.maths.hyperbolic import poincare_blocks, poincare_to
from nextlabel.maths.parameters import checked_choice, checked_whole
from nextlabel.maths.seeding import First

__all__ = ["ball_centres", "ball_clusters", "ball_seeds"]

_LLOYD_STEPS = 100
_MEAN_STEP = 1e-6  # of a mean within k-means: far below the distances that assign points

_Points = NDArray[np.float64]


def ball_centres(
    points: _Points, batch: int, *, centres: _Points | None = None, rng: np.random.Generator
) -> tuple[Positions, NDArray[np.float64]]:
    """Positions picked one by one, each the farthest from the given centres and the picks before it.

    Parameters
    ----------
    points : array of float64, axes (n, d)
        Of the unit ball.
    batch : int
        How many, between 1 and n.
    centres : array of float64, axes (l, d), optional
        Where centres are already. Without any, the first pick is the item nearest the Fréchet mean.
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

    Notes
    -----
    Time O(n·(l + b)·d), a pass over the pool for every centre; memory O(n) and a block of 32 megabytes.

    Examples
    --------
    >>> line = np.array([[0.0], [0.5], [0.9]])
    >>> ball_centres(line, 2, centres=line[:1], rng=np.random.default_rng(0))[0].tolist()
    [2, 1]
    """
    batch = checked_batch(batch, len(points))
    order = rng.permutation(len(points))
    near = np.full(len(points), np.inf)
    if centres is not None and len(centres):
        for rows, block in poincare_blocks(points, centres):
            near[rows] = block.min(axis=1)
    positions, distances = np.empty(batch, np.int64), np.empty(batch)
    for k in range(batch):
        if np.isinf(near[0]):
            pick = order[poincare_to(points, frechet_mean(points))[order].argmin()]
        else:
            pick = order[near[order].argmax()]
        positions[k], distances[k] = pick, near[pick]
        np.minimum(near, poincare_to(points, points[pick]), out=near)
        near[pick] = -1.0
    return positions, distances


def ball_clusters(points: _Points, clusters: int, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Which cluster each point belongs to, by Lloyd's k-means with Fréchet means, from k-means++ centres.

    Parameters
    ----------
    points : array of float64, axes (n, d)
        Of the unit ball.
    clusters : int
        How many at most, from 1.
    rng : numpy.random.Generator
        Draws the first centres.

    Returns
    -------
    array of int64, axes (n,)
        From 0, without gaps. Equal points share a cluster, so there may be fewer than asked for.

    Raises
    ------
    ParameterError
        The number of clusters is not a whole number from one up.

    Notes
    -----
    Time O(n·clusters·d) for each of up to a hundred steps, and the means; memory beside the points a few
    copies of them, and a block of 32 megabytes.

    Examples
    --------
    >>> labels = ball_clusters(np.array([[0.0], [0.01], [0.9]]), 2, rng=np.random.default_rng(0))
    >>> bool(labels[0] == labels[1] != labels[2])
    True
    """
    clusters = min(checked_whole(clusters, "clusters", least=1), len(points))
    seeds, squares = ball_seeds(points, np.ones(len(points)), clusters, first="uniform", rng=rng)
    seeds = seeds[: 1 + np.count_nonzero(squares[1:])]  # what follows are copies of centres
    found, kept = _nearest(points, points[seeds])
    means = points[seeds][kept]
    for _ in range(_LLOYD_STEPS):
        means = frechet_means(points, found, start=means, tolerance=_MEAN_STEP)
        before, (found, kept) = found, _nearest(points, means)
        means = means[kept]
        if (before == found).all():
            break
    return found


def ball_seeds(
    points: _Points,
    weights: NDArray[np.float64],
    batch: int,
    *,
    rng: np.random.Generator,
    first: First = "largest",
) -> tuple[Positions, NDArray[np.float64]]:
    """Positions drawn by k-means++ in hyperbolic distance, which counts by the weight of the item.

    Parameters
    ----------
    points : array of float64, axes (n, d)
        Of the unit ball.
    weights : array of float64, axes (n,)
        Not negative.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        The only source of randomness.
    first : {"largest", "uniform", "norm"}
        The first pick: of the largest w·d(0, x) (a tie is drawn), uniform, or in proportion to its square.

    Returns
    -------
    positions : array of int64, axes (b,)
        Distinct, in the order drawn.
    squares : array of float64, axes (b,)
        w²·d² of each pick, d the distance to the nearest pick before it; for the first, to the origin.

    Raises
    ------
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        An unknown rule for the first pick.

    Notes
    -----
    Each next item i is drawn with probability in proportion to w_i²·min_j d(x_i, x_j)² over the picks j.
    Where all that is left is zero, the rest of the batch is drawn uniformly. Time O(n·b·d), memory O(n).

    References
    ----------
    Arthur, Vassilvitskii. k-means++: the advantages of careful seeding. SODA 2007. The law, for any distance.

    Examples
    --------
    >>> line, weights = np.array([[0.0], [0.1], [0.5]]), np.array([1.0, 9.0, 1.0])
    >>> ball_seeds(line, weights, 2, rng=np.random.default_rng(0))[0].tolist()
    [1, 2]
    """
    n = len(points)
    batch = checked_batch(batch, n)
    first = checked_choice(first, "first", get_args(First))
    scale = weights / (weights.max() or 1.0)  # or the squares of small weights vanish
    start = (scale * poincare_to(points, np.zeros(points.shape[1]))) ** 2
    nearest, left = np.full(n, np.inf), np.ones(n, bool)
    positions, squares = np.empty(batch, np.int64), np.empty(batch)
    for k in range(batch):
        share = start if k == 0 else (scale * nearest) ** 2
        if k == 0 and first == "uniform":
            pick = int(rng.integers(n))
        elif k == 0 and first == "largest":
            pick = int(rng.choice(np.flatnonzero(start == start.max())))
        else:
            pick = _drawn(np.where(left, share, 0.0), left, rng)
        positions[k], squares[k] = pick, share[pick]
        left[pick] = False
        np.minimum(nearest, poincare_to(points, points[pick]), out=nearest)
    return positions, squares * weights.max(initial=0.0) ** 2


def _drawn(share: NDArray[np.float64], left: NDArray[np.bool_], rng: np.random.Generator) -> int:
    total = share.sum()
    return int(rng.choice(len(share), p=share / total) if total > 0.0 else rng.choice(np.flatnonzero(left)))


def _nearest(points: _Points, means: _Points) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The mean nearest each point, counted among the means that are nearest to some, and which those are."""
    found = np.empty(len(points), np.int64)
    for rows, block in poincare_blocks(points, means):
        found[rows] = block.argmin(axis=1)
    kept, found = np.unique(found, return_inverse=True)
    return found.astype(np.int64), kept
