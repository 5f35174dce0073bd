"""Covering the pool with balls of one radius (Yehuda et al., 2022)."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.maths.axes import Array, Embeddings, Positions, Sizes, checked_batch
from nextlabel.maths.centres import greedy_centres
from nextlabel.maths.clustering import k_means
from nextlabel.maths.coverage import covered_by, greedy_cover, pure_radius, radius_graph
from nextlabel.maths.distances import checked_points
from nextlabel.maths.parameters import checked_number, checked_whole, settle

__all__ = ["ProbCover", "probcover"]


def probcover(
    embedding: Embeddings,
    batch: int,
    *,
    rng: np.random.Generator,
    labelled: Embeddings | None = None,
    radius: float | None = None,
    clusters: int | None = None,
    purity: float = 0.95,
) -> Positions:
    """Positions picked one by one, each of the ball that holds most items not covered yet.

    Parameters
    ----------
    embedding : array of float, axes (n, d)
        Features of the unlabelled items, best from self-supervised training.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        For k-means, and to break ties.
    labelled : array of float, axes (l, d), optional
        Features of the labelled items; what lies in their balls is covered from the start.
    radius : float, optional
        Of the balls, Euclidean, above 0. When left out, the largest at which the wanted share of the balls
        holds items of one cluster only.
    clusters : int, optional
        How many clusters stand for classes when the radius is found, from 2; as many as picks, and at least
        two, when left out.
    purity : float
        The share, above 0 and at most 1. Read, as are the clusters, where the radius is left out.

    Returns
    -------
    array of int64, axes (b,)
        Distinct, in the order picked.

    Raises
    ------
    SignalError
        Wrong axes, unequal widths, values that are not finite, or distances that overflow float64.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        A parameter out of its range.

    Notes
    -----
    i covers j where ‖x_i − x_j‖ < radius. Each pick is the unlabelled item that covers most items which
    neither a labelled item nor an earlier pick covers. Once all items are covered, the rest of the batch is
    filled with the farthest items, by greedy k-centre.

    Departs from the authors' code, which leaves out the last rows of a pool that its blocks do not divide,
    and picks the first item, labelled or not, once everything is covered.

    Time O(n·(n + l)·d) in blocks; memory 5 bytes for each pair within the radius.

    References
    ----------
    Yehuda, Dekel, Hacohen, Weinshall. Active learning through a covering lens. NeurIPS 2022. Algorithm 1.

    Examples
    --------
    >>> line = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0]])
    >>> int(probcover(line, 2, radius=0.15, rng=np.random.default_rng(0))[0])
    1
    """
    _checked(radius, clusters, purity)
    sizes: Sizes = {}
    embedding = checked_points(embedding, "n d", "embedding", sizes)
    checked_batch(batch, len(embedding))
    centres = embedding[:0] if labelled is None else checked_points(labelled, "l d", "labelled", sizes)
    if radius is None:
        radius = _found_radius(embedding, centres, clusters or max(2, batch), purity, rng)
    picks = np.empty(0, np.int64)
    if 0 < radius < np.inf:  # else a ball covers its centre alone, or all: nothing is left but to spread
        covered = covered_by(embedding, centres, radius)
        picks, _ = greedy_cover(radius_graph(embedding, radius), batch, covered=covered, rng=rng)
    if len(picks) == batch:
        return picks
    rest = np.setdiff1d(np.arange(len(embedding)), picks)
    centres = np.concatenate([centres, embedding[picks]])
    more, _ = greedy_centres(embedding[rest], batch - len(picks), centres=centres, rng=rng)
    return np.concatenate([picks, rest[more]])


@final
@dataclass(frozen=True)
class ProbCover(Strategy):
    """Prefers dense regions without labels; needs embedding; costs all pairs of items.

    Parameters
    ----------
    radius : float, optional
        Of the balls, Euclidean, above 0. When left out, the largest at which the wanted share of the balls
        holds items of one k-means cluster only.
    clusters : int, optional
        How many clusters stand for classes when the radius is found, from 2. When left out, as many as
        there are classes; where nothing says how many, as many as picks. Read where the radius is left out.
    purity : float
        The share, above 0 and at most 1. Read, as are the clusters, where the radius is left out.

    Raises
    ------
    ParameterError
        A parameter out of its range.

    Notes
    -----
    For small budgets and for embeddings from self-supervised training; works without any label. Time
    O(n·(n + l)·d) in blocks; memory O(n·d) and 5 bytes for each pair within the radius.

    Fails where near items differ in class, as raw pixels or an untrained network have it, and with many
    labels, when nearly all is covered and little is left to prefer.

    References
    ----------
    Yehuda, Dekel, Hacohen, Weinshall. Active learning through a covering lens. NeurIPS 2022.

    Examples
    --------
    >>> from nextlabel import select
    >>> line = [[0.0], [0.1], [0.2], [5.0], [5.1], [9.0]]
    >>> select({"name": "probcover", "radius": 0.15}, embedding=line, batch=1, seed=0)
    array([1])
    """

    radius: float | None = None
    clusters: int | None = None
    purity: float = 0.95

    is_random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(self, _checked(self.radius, self.clusters, self.purity))

    @property
    def needs(self) -> frozenset[str]:
        """The features."""
        return frozenset({"embedding"})

    @property
    def needs_labelled(self) -> frozenset[str]:
        """The features."""
        return frozenset({"embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """Each the middle of the ball that holds most items not covered yet."""
        classes = len(signals.class_counts)
        positions = probcover(
            signals["embedding"],
            batch,
            labelled=None if signals.labelled is None else signals.labelled["embedding"],
            radius=self.radius,
            clusters=self.clusters or (max(2, classes) if classes else None),
            purity=self.purity,
            rng=rng,
        )
        return Picks(positions)


def _found_radius(
    embedding: Array, labelled: Array, clusters: int, purity: float, rng: np.random.Generator
) -> float:
    points = np.concatenate([embedding, labelled])
    return pure_radius(points, k_means(points, clusters, rng=rng), purity=purity)


def _checked(radius: float | None, clusters: int | None, purity: float) -> dict[str, float | None]:
    if radius is not None:
        advice = "Leave it out to have it found."
        radius = checked_number(radius, "radius", above=0, of="ProbCover", advice=advice)
    if clusters is not None:
        advice = "Give the number of classes."
        clusters = checked_whole(clusters, "clusters", least=2, of="ProbCover", advice=advice)
    purity = checked_number(purity, "purity", above=0, most=1, of="ProbCover", advice="Give a share.")
    return {"radius": radius, "clusters": clusters, "purity": purity}
