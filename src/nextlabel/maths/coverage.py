"""Covering points with balls: the graph of a radius, the greedy cover, and the radius of pure balls."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Array, Embeddings, Positions, Sizes, checked, checked_batch
from nextlabel.maths.distances import checked_points, squared_distance_blocks
from nextlabel.maths.parameters import checked_number

__all__ = ["covered_by", "greedy_cover", "pure_radius", "radius_graph"]


def radius_graph(points: Embeddings, radius: float) -> Any:
    """Which points lie in the open ball round each point; a point always lies in its own.

    Parameters
    ----------
    points : array of float, axes (n, d)
        The rows.
    radius : float
        Euclidean, above 0, may be infinite; a distance equal to it is outside.

    Returns
    -------
    scipy.sparse.csr_array of bool, axes (n, n)
        Symmetric; row i holds the ball round point i.

    Raises
    ------
    SignalError
        Wrong axes, values that are not finite, or distances that overflow float64.
    ParameterError
        The radius is not a number above 0.

    Notes
    -----
    Time O(n²·d) in blocks; memory 5 bytes for each pair within the radius, which is 5·n² bytes where the
    radius reaches everything.

    Examples
    --------
    >>> radius_graph(np.array([[0.0], [1.0], [5.0]]), 2.0).toarray().astype(int).tolist()
    [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    """
    from scipy.sparse import csr_array

    square = _checked_square(radius)
    points = checked_points(points, "n d", "points")
    n = len(points)
    starts, neighbours = [np.zeros(1, np.int64)], [np.empty(0, np.int32)]
    for rows, block in squared_distance_blocks(points, points):
        near = block < square
        near[np.arange(len(near)), np.arange(rows.start, rows.stop)] = True
        starts.append(starts[-1][-1] + np.cumsum(near.sum(axis=1)))
        neighbours.append(np.nonzero(near)[1].astype(np.int32))
    indices = np.concatenate(neighbours)
    return csr_array((np.ones(len(indices), bool), indices, np.concatenate(starts)), shape=(n, n))


def covered_by(points: Embeddings, centres: Embeddings, radius: float) -> NDArray[np.bool_]:
    """Whether each point lies in the open ball round some centre.

    Parameters
    ----------
    points : array of float, axes (n, d)
        The rows.
    centres : array of float, axes (l, d)
        Middles of the balls.
    radius : float
        Euclidean, above 0, may be infinite; a distance equal to it is outside.

    Returns
    -------
    array of bool, axes (n,)

    Raises
    ------
    SignalError
        Wrong axes, unequal widths, values that are not finite, or distances that overflow float64.
    ParameterError
        The radius is not a number above 0.

    Notes
    -----
    Time O(n·l·d) in blocks.

    Examples
    --------
    >>> covered_by(np.array([[0.0], [1.0], [5.0]]), np.array([[0.5]]), 1.0).tolist()
    [True, True, False]
    """
    square = _checked_square(radius)
    sizes: Sizes = {}
    points = checked_points(points, "n d", "points", sizes)
    centres = checked_points(centres, "l d", "centres", sizes)
    blocks = squared_distance_blocks(points, centres)
    return np.concatenate([(block < square).any(axis=1) for _, block in blocks])


def greedy_cover(
    graph: Any, batch: int, *, covered: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[Positions, NDArray[np.int64]]:
    """Positions picked one by one, each of the ball that covers most points not covered yet.

    Parameters
    ----------
    graph : scipy.sparse.csr_array, axes (n, n)
        Symmetric; row i holds the points that picking i covers.
    batch : int
        How many at most, between 1 and n.
    covered : array of bool, axes (n,)
        What is covered from the start.
    rng : numpy.random.Generator
        Breaks ties: the ball first in one permutation wins.

    Returns
    -------
    positions : array of int64, axes (at most b,)
        Distinct, in the order picked; the picks end early when everything is covered.
    gains : array of int64, axes (at most b,)
        How many points each pick newly covers: from 1, never rising.

    Raises
    ------
    BatchSizeError
        The batch is below 1 or above n.

    Notes
    -----
    A pick u = argmax_i |Bᵢ ∩ uncovered|; the picks cover at least 1 − 1/e of what the best choice of as many
    would newly cover. Time O(b·n) and once over the pairs.

    References
    ----------
    Nemhauser, Wolsey, Fisher. An analysis of approximations for maximizing submodular set functions.
    Mathematical Programming 14, 1978.

    Examples
    --------
    >>> graph = radius_graph(np.array([[0.0], [1.0], [2.0], [9.0]]), 1.5)
    >>> picked, gains = greedy_cover(graph, 4, covered=np.zeros(4, bool), rng=np.random.default_rng(0))
    >>> picked.tolist(), gains.tolist()
    ([1, 3], [3, 1])
    """
    n = graph.shape[0]
    checked_batch(batch, n)
    covered = covered.copy()
    # one number for gain and rank: a whole gain outweighs any rank
    worth = _reached(graph, np.flatnonzero(~covered)) * n + rng.permutation(n)
    positions: list[int] = []
    gains: list[int] = []
    while len(positions) < batch and (gain := int(worth.max()) // n) > 0:
        pick = int(worth.argmax())
        positions.append(pick)
        gains.append(gain)
        ball = graph.indices[graph.indptr[pick] : graph.indptr[pick + 1]]
        new = ball[~covered[ball]]
        covered[new] = True
        worth -= _reached(graph, new) * n
    return np.array(positions, np.int64), np.array(gains, np.int64)


def pure_radius(points: Embeddings, labels: Array, *, purity: float = 0.95) -> float:
    """The largest radius at which so large a share of the balls holds one label only.

    Parameters
    ----------
    points : array of float, axes (n, d)
        The rows.
    labels : array of int, axes (n,)
        A label of each point, for example its cluster.
    purity : float
        The share, above 0 and at most 1.

    Returns
    -------
    float
        Infinite where there is one label only.

    Raises
    ------
    SignalError
        Wrong axes, unequal lengths, values that are not finite, or distances that overflow float64.
    ParameterError
        The purity is not above 0 and at most 1.

    Notes
    -----
    The open ball round a point is pure for every radius up to the distance to the nearest point of another
    label, and for none beyond. So the answer is an order statistic of these distances, and no radius need be
    tried. Time O(n²·d) in blocks, memory a block.

    References
    ----------
    Yehuda, Dekel, Hacohen, Weinshall. Active learning through a covering lens. NeurIPS 2022. Section 4.2.

    Examples
    --------
    >>> pure_radius(np.array([[0.0], [1.0], [5.0], [7.0]]), np.array([0, 0, 1, 1]), purity=1.0)
    4.0
    """
    purity = checked_number(purity, "purity", above=0, most=1, advice="Give a share.")
    sizes: Sizes = {}
    points = checked_points(points, "n d", "points", sizes)
    labels = checked(labels, "n", "labels", sizes)
    rival = np.empty(len(points))
    for rows, block in squared_distance_blocks(points, points):
        block[labels[rows, None] == labels] = np.inf
        rival[rows] = np.sqrt(block.min(axis=1))
    rival.sort()
    impure = int((1.0 - purity) * len(points) + 1e-9)  # the share is decimal, its product is not
    return float(rival[impure])


def _checked_square(radius: float) -> float:
    """The square of a radius; infinite where it leaves float64, beyond all distances."""
    advice = "Use pure_radius to find one."
    radius = checked_number(radius, "radius", above=0, is_finite=False, advice=advice)
    return radius * radius


def _reached(graph: Any, targets: Array) -> NDArray[np.int64]:
    """How many of the targets lie in each ball; the graph is symmetric, so their rows tell."""
    starts, ends = graph.indptr[targets], graph.indptr[targets + 1]
    lengths = ends - starts
    places = np.arange(lengths.sum()) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    return np.bincount(graph.indices[places], minlength=graph.shape[0])
