"""Small margins spread over clusters (Citovsky et al., 2021)."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.maths.axes import (
    Array,
    Embeddings,
    Positions,
    Probabilities,
    Sizes,
    checked_batch,
    checked_probabilities,
)
from nextlabel.maths.clustering import average_linkage
from nextlabel.maths.distances import checked_points
from nextlabel.maths.parameters import checked_number, checked_whole, settle
from nextlabel.maths.ranking import top
from nextlabel.maths.uncertainty import margin

__all__ = ["ClusterMargin", "cluster_margin"]


def cluster_margin(
    proba: Probabilities,
    embedding: Embeddings,
    batch: int,
    *,
    rng: np.random.Generator,
    candidates: float = 1.25,
    distance: float | None = None,
    part: int = 10_000,
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
    rng : numpy.random.Generator
        Draws within clusters, splits large pools, and breaks ties.
    candidates : float
        How many items of smallest margin are drawn from, as a multiple of the batch, from 1; the authors
        take 1.25, and 10 for very large batches.
    distance : float, optional
        Clusters are joined while the mean distance between their items is at most this, from 0. When left
        out, the smallest that gives clusters of ten items on average.
    part : int
        Larger pools are split at random into parts of at most so many items, each clustered by itself;
        from 2.

    Returns
    -------
    array of int64, axes (b,)
        Distinct, in the order drawn.

    Raises
    ------
    SignalError
        Wrong axes, unequal lengths, values that are not finite, distances that overflow float64, or rows
        that do not sum to one.
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
    _checked(candidates, distance, part)
    sizes: Sizes = {}
    proba = checked_probabilities(proba, "n c", "proba", sizes)
    embedding = checked_points(embedding, "n d", "embedding", sizes)
    n = len(embedding)
    checked_batch(batch, n)
    wanted = max(batch, int(np.ceil(min(n, candidates * batch - 1e-9))))  # the factor is decimal
    clusters = average_linkage(embedding, distance=distance, part=part, rng=rng)
    # of one class there is no margin, and all items are equal
    closeness = margin(proba) if proba.shape[1] > 1 else np.zeros(n)
    drawn_from = top(closeness, wanted, rng=rng)
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
        Larger pools are split at random into parts of at most so many items, each clustered by itself;
        from 2.

    Raises
    ------
    ParameterError
        A parameter out of its range.

    Notes
    -----
    For very large batches. Time O(n·part·d) for the clustering, then O(n·c + b log b); memory O(part²).

    Fails where distances between features say little of the classes: the clusters are arbitrary then, and
    what remains is a random choice among small margins.

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
        settle(self, _checked(self.candidates, self.distance, self.part))

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


def _checked(candidates: float, distance: float | None, part: int) -> dict[str, float | None]:
    candidates = checked_number(candidates, "candidates", least=1, of="ClusterMargin", advice="Try 1.25.")
    if distance is not None:
        advice = "Or leave it out."
        distance = checked_number(distance, "distance", least=0, of="ClusterMargin", advice=advice)
    part = checked_whole(part, "part", least=2, of="ClusterMargin", advice="Try 10000.")
    return {"candidates": candidates, "distance": distance, "part": part}
