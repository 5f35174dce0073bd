"""Clusters of points: k-means, and a cut through average linkage; scikit-learn and SciPy behind our names."""

import warnings

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Array, Embeddings
from nextlabel.maths.distances import checked_points, squared_distance_blocks
from nextlabel.maths.parameters import checked_number, checked_whole

__all__ = ["Clusters", "average_linkage", "k_means"]

Clusters = NDArray[np.int64]

_MINI_BATCH_ITEMS = 100_000  # beyond so many items, k-means reads a random chunk for each step
_CHUNK = 10_000


def k_means(points: Embeddings, clusters: int, *, rng: np.random.Generator) -> Clusters:
    """Which cluster each point belongs to, by Lloyd's k-means from k-means++ centres.

    Parameters
    ----------
    points : array of float, axes (n, d)
        The rows.
    clusters : int
        How many at most, from 1; there are never more than points.
    rng : numpy.random.Generator
        One integer is drawn for scikit-learn.

    Returns
    -------
    array of int64, axes (n,)
        From 0, without gaps. Equal points share a cluster, so there may be fewer than asked for.

    Raises
    ------
    SignalError
        Wrong axes, values that are not finite, or distances that overflow float64.
    ParameterError
        The number of clusters is not a whole number from one up.

    Notes
    -----
    Up to 100,000 points in full, beyond in mini-batches of 10,000. Time O(n·clusters·d) for each of up to a
    hundred steps; memory beside the input a float64 copy.

    References
    ----------
    Lloyd. Least squares quantization in PCM. IEEE Transactions on Information Theory 28, 1982.
    Sculley. Web-scale k-means clustering. WWW 2010.

    Examples
    --------
    >>> labels = k_means(np.array([[0.0], [0.1], [9.0]]), 2, rng=np.random.default_rng(0))
    >>> bool(labels[0] == labels[1] != labels[2])
    True
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    points = checked_points(points, "n d", "points")
    clusters = checked_whole(clusters, "clusters", least=1)
    centred = points - points.mean(axis=0, dtype=np.float64)
    options = {
        "n_clusters": min(clusters, len(points)),
        "n_init": 1,
        "max_iter": 100,
        "random_state": int(rng.integers(2**31)),
    }
    if len(points) > _MINI_BATCH_ITEMS:
        method = MiniBatchKMeans(batch_size=_CHUNK, **options)
    else:
        method = KMeans(copy_x=False, **options)
    with warnings.catch_warnings():
        # equal points make fewer clusters than asked for, which is the right answer
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels = method.fit(centred).labels_
    return _without_gaps(labels)


def average_linkage(
    points: Embeddings,
    *,
    distance: float | None = None,
    mean_size: float = 10.0,
    part: int = _CHUNK,
    rng: np.random.Generator,
) -> Clusters:
    """Which cluster each point belongs to, by average linkage up to a distance.

    Parameters
    ----------
    points : array of float, axes (n, d)
        The rows.
    distance : float, optional
        Clusters are joined while the mean Euclidean distance between their points is at most this. When
        left out, the smallest that gives clusters of `mean_size` points on average.
    mean_size : float
        From 1; read only where `distance` is left out.
    part : int
        Larger pools are split at random into parts of at most so many points, each clustered by itself;
        from 2.
    rng : numpy.random.Generator
        Splits the pool; left alone where one part holds it.

    Returns
    -------
    array of int64, axes (n,)
        From 0, without gaps.

    Raises
    ------
    SignalError
        Wrong axes, values that are not finite, or distances that overflow float64.
    ParameterError
        A distance below 0, a mean size below 1, or parts of fewer than two points.

    Notes
    -----
    Time O(n·part·d), memory about 14·part² bytes: 1.4 GB and ten seconds for each part of 10,000 points.

    References
    ----------
    Sokal, Michener. A statistical method for evaluating systematic relationships. University of Kansas
    Science Bulletin 38, 1958.

    Examples
    --------
    >>> line = np.array([[0.0], [0.1], [9.0]])
    >>> average_linkage(line, distance=1.0, rng=np.random.default_rng(0)).tolist()
    [0, 0, 1]
    """
    if distance is not None:
        distance = checked_number(distance, "distance", least=0, advice="Or leave it out.")
    mean_size = checked_number(mean_size, "mean_size", least=1, advice="Give for example 10.")
    part = checked_whole(part, "part", least=2, advice="Give for example 10000.")
    points = checked_points(points, "n d", "points")
    n = len(points)
    parts = -(-n // part)
    order = np.arange(n) if parts <= 1 else rng.permutation(n)
    labels = np.empty(n, np.int64)
    known = 0
    for members in np.array_split(order, max(1, parts)):
        labels[members] = known + _cut(points[members], distance, mean_size)
        known += len(members)
    return _without_gaps(labels)


def _cut(points: Array, distance: float | None, mean_size: float) -> Clusters:
    from scipy.cluster.hierarchy import fcluster, linkage

    n = len(points)
    if n < 2:
        return np.zeros(n, np.int64)
    condensed = np.empty(n * (n - 1) // 2)
    filled, columns = 0, np.arange(n)
    for rows, block in squared_distance_blocks(points, points):
        above = block[columns[rows, None] < columns]  # row after row, as SciPy wants them
        condensed[filled : filled + len(above)] = np.sqrt(above)
        filled += len(above)
    joins = linkage(condensed, method="average")
    if distance is None:
        clusters = max(1, int(n / mean_size))
        distance = float(joins[n - 1 - clusters, 2]) if clusters < n else 0.0
    labels: Clusters = fcluster(joins, distance, criterion="distance").astype(np.int64) - 1
    return labels


def _without_gaps(labels: Array) -> Clusters:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)
