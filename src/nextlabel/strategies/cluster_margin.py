"""Small margins spread over clusters (Citovsky et al., 2021)."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import ParameterError
from nextlabel.maths.axes import (
    Array,
    Embeddings,
    Positions,
    Probabilities,
    Scores,
    Sizes,
    checked,
    checked_batch,
    checked_probabilities,
)
from nextlabel.maths.clustering import average_linkage
from nextlabel.maths.ranking import top

__all__ = ["ClusterMargin", "cluster_margin"]


def cluster_margin(
    proba: Probabilities,
    embedding: Embeddings,
    batch: int,
    *,
    candidates: float = 1.25,
    distance: float | None = None,
    part: int = 10_000,
    rng: np.random.Generator,
) -> Positions:
    """Positions drawn from the items of smallest margin, small clusters first and each in its turn.

    Parameters
    ----------
    proba : array of float, axes (n, c)
        Class probabilities; rows sum to one.
    embedding : array of float, axes (n, d)
        Features of the same items.
    batch : int
        How many, between 1 and n.
    candidates : float
        How many items of smallest margin are drawn from, as a multiple of the batch, from 1; the authors
        take 1.25, and 10 for very large batches.
    distance : float, optional
        Clusters are joined while the mean distance between their items is at most this, from 0. When left
        out, the smallest that gives clusters of ten items on average.
    part : int
        Larger pools are split at random into parts of at most so many items, each clustered by itself.
    rng : numpy.random.Generator
        Draws within clusters, splits large pools, and breaks ties.

    Returns
    -------
    array of int64, axes (b,)
        Distinct, in the order drawn.

    Raises
    ------
    SignalError
        Wrong axes, unequal lengths, values that are not finite, or rows that do not sum to one.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        A parameter out of its range.

    Notes
    -----
    Average linkage on all items; M, the ⌈candidates · b⌉ items of smallest margin, grouped by cluster;
    groups in the order of their size in M, smallest first; one item drawn uniformly from each in turn, groups
    dropping out when they are empty.

    Departs from the paper in clustering at each call, which gives the same clusters while the embedding
    does not change and one part holds the pool; with one class, all margins are equal.

    Time O(n·part·d), memory about 14·part² bytes.

    References
    ----------
    Citovsky, DeSalvo, Gentile, Karydas, Rajagopalan, Rostamizadeh, Kumar. Batch active learning at scale.
    NeurIPS 2021. Algorithms 1 and 2.

    Examples
    --------
    >>> proba = np.array([[0.5, 0.5], [0.52, 0.48], [0.51, 0.49], [1.0, 0.0]])
    >>> line = np.array([[0.0], [0.1], [7.0], [9.0]])
    >>> draw = np.random.default_rng(0)
    >>> int(cluster_margin(proba, line, 2, candidates=1.5, distance=1.0, rng=draw)[0])
    2
    """
    _check(candidates, distance, part)
    sizes: Sizes = {}
    proba = checked_probabilities(proba, "n c", "proba", sizes)
    embedding = checked(embedding, "n d", "embedding", sizes)
    n = len(embedding)
    checked_batch(batch, n)
    wanted = min(n, max(batch, int(np.ceil(candidates * batch - 1e-9))))  # the factor is decimal
    clusters = average_linkage(embedding, distance=distance, part=part, rng=rng)
    drawn_from = top(_closeness(proba), wanted, rng)
    return drawn_from[_round_robin(clusters[drawn_from], batch, rng)]


@final
@dataclass(frozen=True)
class ClusterMargin(Strategy):
    """Prefers small margins spread over clusters; needs proba and embedding; costs a clustering of the pool.

    Parameters
    ----------
    candidates : float
        How many items of smallest margin are drawn from, as a multiple of the batch, from 1.
    distance : float, optional
        Clusters are joined while the mean distance between their items is at most this, from 0. When left
        out, the smallest that gives clusters of ten items on average.
    part : int
        Larger pools are split at random into parts of at most so many items, each clustered by itself.

    Raises
    ------
    ParameterError
        A parameter out of its range.

    Notes
    -----
    For very large batches. Time O(n·part·d) for the clustering, then O(n·c + b log b); memory O(part²).

    References
    ----------
    Citovsky, DeSalvo, Gentile, Karydas, Rajagopalan, Rostamizadeh, Kumar. Batch active learning at scale.
    NeurIPS 2021.

    Examples
    --------
    >>> from nextlabel import select
    >>> proba = [[0.5, 0.5], [0.6, 0.4], [1.0, 0.0]]
    >>> select("cluster_margin", proba=proba, embedding=[[0.0], [5.0], [9.0]], batch=1, seed=0).shape
    (1,)
    """

    candidates: float = 1.25
    distance: float | None = None
    part: int = 10_000

    is_random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check(self.candidates, self.distance, self.part)

    @property
    def needs(self) -> frozenset[str]:
        """Class probabilities for the margins, features for the clusters."""
        return frozenset({"proba", "embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """Items of small margin, small clusters first and each in its turn."""
        positions = cluster_margin(
            signals["proba"],
            signals["embedding"],
            batch,
            candidates=self.candidates,
            distance=self.distance,
            part=self.part,
            rng=rng,
        )
        return Picks(positions)


def _closeness(proba: Array) -> Scores:
    """Minus the lead of the most probable class."""
    if proba.shape[1] == 1:
        return np.zeros(len(proba))
    largest = np.partition(proba, -2, axis=1)[:, -2:].astype(np.float64)
    closeness: Scores = largest[:, 0] - largest[:, 1]
    return closeness


def _round_robin(groups: Array, batch: int, rng: np.random.Generator) -> Positions:
    """Places in `groups`: one drawn from each group in turn, small groups first, until there are enough.

    The k-th item of a group, in a random order of the group, is drawn in pass k.
    """
    _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    rank = rng.permutation(len(size))  # breaks ties between groups of one size
    order = np.lexsort((rng.random(len(group)), group))
    turn = np.empty(len(group), np.int64)
    turn[order] = np.arange(len(group)) - np.repeat(np.cumsum(size) - size, size)
    return np.lexsort((rank[group], size[group], turn))[:batch].astype(np.int64)


def _check(candidates: float, distance: float | None, part: int) -> None:
    if not candidates >= 1.0:
        message = f"ClusterMargin's 'candidates' must be at least 1; received {candidates}. Try 1.25."
        raise ParameterError(message)
    if distance is not None and not distance >= 0.0:
        message = f"ClusterMargin's 'distance' must be at least 0; received {distance}. Or leave it out."
        raise ParameterError(message)
    if part < 2:
        message = f"ClusterMargin's 'part' must be at least 2; received {part}. Try 10000."
        raise ParameterError(message)
