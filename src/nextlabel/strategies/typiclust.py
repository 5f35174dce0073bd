"""Typical items of clusters that hold few labels (Hacohen et al., 2022)."""

from dataclasses import dataclass
from typing import ClassVar, final, get_args

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.maths.axes import Array, Embeddings, Positions, Sizes, checked_batch
from nextlabel.maths.clustering import k_means
from nextlabel.maths.distances import checked_points, squared_distance_blocks
from nextlabel.maths.hyperbolic import Geometry, checked_curvature, in_unit_ball, poincare_blocks
from nextlabel.maths.hyperbolic_clusters import ball_clusters
from nextlabel.maths.parameters import checked_choice, checked_whole, settle

__all__ = ["TypiClust", "typiclust"]


def typiclust(
    embedding: Embeddings,
    batch: int,
    *,
    rng: np.random.Generator,
    labelled: Embeddings | None = None,
    max_clusters: int = 500,
    smallest_cluster: int = 6,
    neighbours: int = 20,
    geometry: Geometry = "euclidean",
    curvature: float = 1.0,
) -> Positions:
    """Positions of the most typical items of the clusters that hold fewest labels.

    Parameters
    ----------
    embedding : array of float, axes (n, d)
        Features of the unlabelled items, best from self-supervised training.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        For k-means, and to break ties.
    labelled : array of float, axes (l, d), optional
        Features of the labelled items.
    max_clusters : int
        There are l + b clusters, at most so many.
    smallest_cluster : int
        Clusters of fewer items, labelled ones included, wait until all others are used up.
    neighbours : int
        Typicality looks at so many nearest neighbours, at most half of the cluster.
    geometry : {"euclidean", "hyperbolic", "ball"}
        Distances between the features as they are, or in hyperbolic space: with "hyperbolic" the features are
        mapped into the Poincaré ball by exp₀, with "ball" they are points of it already.
    curvature : float
        c of the hyperbolic space of curvature −c, above 0; the ball has the radius 1/√c. Read in hyperbolic
        space.

    Returns
    -------
    array of int64, axes (b,)
        Distinct, in the order picked.

    Raises
    ------
    SignalError
        Wrong axes, unequal widths, values that are not finite, distances that overflow float64, or points
        outside the ball.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        A count that is not a whole number from one up, an unknown geometry, or a curvature that is not
        above 0.

    Notes
    -----
    k-means on labelled and unlabelled items into min(l + b, 500) clusters; clusters in the order of (labels
    held, ascending; size, descending), each giving its next item of highest typicality, then all over again.
    The typicality of an item is 1 / (mean distance to its min(20, size // 2) nearest neighbours within its
    cluster, itself excluded).

    Departs from the authors' code: distances are plain, not squared; labelled and picked items stay
    neighbours of the others; k-means runs in full up to 100,000 items, not to 50 clusters; and small clusters
    are used at last, where the code would ask for more than there is.

    In hyperbolic space k-means goes by its distance and by Fréchet means, and typicality by its distance.

    Time: that of k-means, and O(s²·d) for each cluster of size s that gives an item.

    References
    ----------
    Hacohen, Dekel, Weinshall. Active learning on a budget: opposite strategies suit high and low budgets.
    ICML 2022. Section 3.

    Examples
    --------
    Two clusters, in each of which the second item is nearest to its two neighbours:

    >>> line = np.array([[0.0], [0.2], [0.3], [0.8], [7.0], [7.2], [7.3], [7.8]])
    >>> sorted(typiclust(line, 2, rng=np.random.default_rng(0)).tolist())
    [1, 5]
    """
    _checked(max_clusters=max_clusters, smallest_cluster=smallest_cluster, neighbours=neighbours)
    _checked_space(geometry, curvature)
    is_flat = geometry == "euclidean"
    points, n = _points(embedding, labelled, geometry, curvature), len(embedding)
    checked_batch(batch, n)
    clustered = k_means if is_flat else ball_clusters
    cluster = clustered(points, min(len(points) - n + batch, max_clusters), rng=rng)
    size = np.bincount(cluster)
    labels = np.bincount(cluster[n:], minlength=len(size))
    left = size - labels
    by_cluster = np.split(np.argsort(cluster, kind="stable"), np.cumsum(size)[:-1])
    queues: dict[int, Positions] = {}
    picks: list[int] = []
    while len(picks) < batch:
        usable = np.flatnonzero((left > 0) & (size >= smallest_cluster))
        if not len(usable):
            usable = np.flatnonzero(left)
        order = np.lexsort((rng.random(len(usable)), -size[usable], labels[usable]))
        for one in usable[order][: batch - len(picks)].tolist():
            if one not in queues:
                queues[one] = _most_typical(points, by_cluster[one], n, neighbours, is_flat, rng)
            picks.append(int(queues[one][-left[one]]))
            left[one] -= 1
            labels[one] += 1
    return np.array(picks, np.int64)


@final
@dataclass(frozen=True)
class TypiClust(Strategy):
    """Prefers typical items of clusters without labels; needs embedding; costs a k-means run.

    Parameters
    ----------
    max_clusters : int
        There are as many clusters as labelled items and picks together, at most so many.
    smallest_cluster : int
        Clusters of fewer items wait until all others are used up.
    neighbours : int
        Typicality looks at so many nearest neighbours, at most half of the cluster.
    geometry : {"euclidean", "hyperbolic", "ball"}
        Distances between the features as they are, or in hyperbolic space: with "hyperbolic" the features are
        mapped into the Poincaré ball by exp₀, with "ball" they are points of it already.
    curvature : float
        c of the hyperbolic space of curvature −c, above 0; the ball has the radius 1/√c. Read in hyperbolic
        space.

    Raises
    ------
    ParameterError
        A count that is not a whole number from one up, an unknown geometry, or a curvature that is not
        above 0.

    Notes
    -----
    For small budgets and for embeddings from self-supervised training; works without any label. Time
    O(n·(l + b)·d) for each step of k-means, and O(s²·d) for each cluster of size s that gives an item;
    memory O(n·d).

    Fails where clusters of the features are not those of the classes, as raw pixels or an untrained network
    have it, and with many labels, when typical items teach little more.

    References
    ----------
    Hacohen, Dekel, Weinshall. Active learning on a budget: opposite strategies suit high and low budgets.
    ICML 2022.

    Examples
    --------
    >>> from nextlabel import select
    >>> line = [[0.0], [0.2], [0.3], [0.8], [7.0], [7.2], [7.3], [7.8]]
    >>> seen = {"embedding": [[0.1]]}
    >>> select("typiclust", embedding=line, labelled=seen, batch=1, seed=0)
    array([5])
    """

    max_clusters: int = 500
    smallest_cluster: int = 6
    neighbours: int = 20
    geometry: Geometry = "euclidean"
    curvature: float = 1.0

    is_random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(
            self,
            _checked(
                max_clusters=self.max_clusters,
                smallest_cluster=self.smallest_cluster,
                neighbours=self.neighbours,
            ),
        )
        settle(self, {"curvature": _checked_space(self.geometry, self.curvature)})

    @property
    def needs(self) -> frozenset[str]:
        """The features."""
        return frozenset({"embedding"})

    @property
    def needs_labelled(self) -> frozenset[str]:
        """The features."""
        return frozenset({"embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """The most typical items of the clusters that hold fewest labels."""
        positions = typiclust(
            signals["embedding"],
            batch,
            labelled=None if signals.labelled is None else signals.labelled["embedding"],
            max_clusters=self.max_clusters,
            smallest_cluster=self.smallest_cluster,
            neighbours=self.neighbours,
            geometry=self.geometry,
            curvature=self.curvature,
            rng=rng,
        )
        return Picks(positions)


def _most_typical(
    points: Array, members: Positions, n: int, neighbours: int, is_flat: bool, rng: np.random.Generator
) -> Positions:
    """The unlabelled members of a cluster, most typical first, ties at random."""
    unlabelled = members[members < n]  # members ascend: these come first
    distance = _mean_distance(points[unlabelled], points[members], neighbours, is_flat)
    return unlabelled[np.lexsort((rng.random(len(unlabelled)), distance))]


def _mean_distance(points: Array, members: Array, neighbours: int, is_flat: bool) -> NDArray[np.float64]:
    """Mean distance of each point to its nearest members; the points are the first of the members."""
    nearest = min(neighbours, len(members) // 2)
    result = np.zeros(len(points))
    if nearest == 0:  # alone in its cluster
        return result
    for rows, block in (squared_distance_blocks if is_flat else poincare_blocks)(points, members):
        block[np.arange(len(block)), np.arange(rows.start, rows.stop)] = np.inf
        block.partition(nearest - 1, axis=1)
        distances = block[:, :nearest]
        result[rows] = (np.sqrt(distances) if is_flat else distances).mean(axis=1)
    return result


def _points(embedding: Array, labelled: Array | None, geometry: Geometry, curvature: float) -> Array:
    """The unlabelled items, then the labelled ones, as they are or in the unit ball."""
    sizes: Sizes = {}
    parts = []
    for values, name, axis in ((embedding, "embedding", "n"), (labelled, "labelled", "l")):
        if values is None:
            continue
        points = checked_points(values, f"{axis} d", name, sizes)
        if geometry != "euclidean":
            points = in_unit_ball(points, name, geometry=geometry, curvature=curvature)
        parts.append(points)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _checked_space(geometry: Geometry, curvature: float) -> float:
    """The curvature, when the geometry is known."""
    checked_choice(geometry, "geometry", get_args(Geometry), of="TypiClust")
    return checked_curvature(curvature, of="TypiClust")


def _checked(**given: int) -> dict[str, int]:
    return {name: checked_whole(value, name, least=1, of="TypiClust") for name, value in given.items()}
