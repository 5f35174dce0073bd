"""Core-set selection by greedy k-centre (Sener & Savarese, 2018)."""

from dataclasses import dataclass
from typing import Literal, final, get_args

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.maths.axes import Array, Embeddings, Positions, Sizes, checked, row_chunks
from nextlabel.maths.centres import greedy_centres
from nextlabel.maths.distances import checked_points
from nextlabel.maths.parameters import checked_choice

__all__ = ["CoreSet", "Metric", "Reading", "coreset"]

Metric = Literal["euclidean", "cosine"]
Reading = Literal["embedding", "logits"]


def coreset(
    embedding: Embeddings,
    batch: int,
    *,
    rng: np.random.Generator,
    labelled: Embeddings | None = None,
    metric: Metric = "euclidean",
) -> Positions:
    """Positions picked one by one, each the farthest from all labelled items and the picks before it.

    Parameters
    ----------
    embedding : array of float, axes (n, d)
        Features of the unlabelled items.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        Breaks ties: of equal distances, the item first in one permutation wins.
    labelled : array of float, axes (l, d), optional
        Features of the labelled items. Without any, the first pick is the item nearest the mean.
    metric : {"euclidean", "cosine"}
        Distances between the features, or between the features scaled to length one.

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
        An unknown metric.

    Notes
    -----
    Cost as `nextlabel.maths.centres.greedy_centres`; with cosine, a copy of the features beside it.

    References
    ----------
    Sener, Savarese. Active learning for convolutional neural networks: a core-set approach. ICLR 2018.
    Algorithm 1.

    Examples
    --------
    >>> line = np.arange(11.0)[:, None]
    >>> coreset(line, 2, labelled=line[:1], rng=np.random.default_rng(0)).tolist()
    [10, 5]
    """
    return _farthest(embedding, batch, labelled, metric, rng)[0]


@final
@dataclass(frozen=True)
class CoreSet(Strategy):
    """Prefers items far from all labelled ones; needs embedding; costs up to O(n·(l + b)·d), mostly far less.

    Parameters
    ----------
    metric : {"euclidean", "cosine"}
        Distances between the features, or between the features scaled to length one.
    of : {"embedding", "logits"}
        What is read as features, of unlabelled and labelled items.

    Raises
    ------
    ParameterError
        An unknown metric or reading.

    Notes
    -----
    Greedy k-centre from the labelled items: the radius is at most twice the smallest possible. Scores are
    distances: of each pick to the nearest labelled item or earlier pick; there are none where nothing is
    labelled, since the first pick has no neighbour then.
    Time O(n·(l + b)·d) at worst and typically a few hundredths of that, for l labelled items; memory O(n).

    Fails where the pool has outliers, which are far from everything and come first, and where features are so
    many that all distances are nearly alike.

    References
    ----------
    Sener, Savarese. Active learning for convolutional neural networks: a core-set approach. ICLR 2018.

    Examples
    --------
    >>> from nextlabel import select
    >>> seen = {"embedding": [[0.0]]}
    >>> select("coreset", embedding=[[1.0], [2.0], [9.0], [5.0]], labelled=seen, batch=2, seed=0)
    array([2, 3])
    """

    metric: Metric = "euclidean"
    of: Reading = "embedding"

    def __post_init__(self) -> None:
        checked_choice(self.metric, "metric", get_args(Metric), of="CoreSet")
        checked_choice(self.of, "of", get_args(Reading), of="CoreSet")

    @property
    def needs(self) -> frozenset[str]:
        """The features."""
        return frozenset({self.of})

    @property
    def needs_labelled(self) -> frozenset[str]:
        """The features."""
        return frozenset({self.of})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """Each the farthest from the labelled items and the picks before it."""
        labelled = None if signals.labelled is None else signals.labelled[self.of]
        positions, distances = _farthest(signals[self.of], batch, labelled, self.metric, rng)
        return Picks(positions, scores=distances if np.isfinite(distances[0]) else None)


def _farthest(
    embedding: Array, batch: int, labelled: Array | None, metric: Metric, rng: np.random.Generator
) -> tuple[Positions, Array]:
    checked_choice(metric, "metric", get_args(Metric), of="CoreSet")
    if metric == "cosine":
        embedding = _directions(embedding, "embedding")
        labelled = None if labelled is None else _directions(labelled, "labelled")
    sizes: Sizes = {}
    embedding = checked_points(embedding, "n d", "embedding", sizes)
    labelled = None if labelled is None else checked_points(labelled, "l d", "labelled", sizes)
    return greedy_centres(embedding, batch, centres=labelled, rng=rng)


def _directions(features: Array, name: str) -> Array:
    """The rows scaled to length one; a row of zeros has no direction and stays."""
    features = checked(features, "n d", name)
    directions = np.empty_like(features)
    for rows in row_chunks(features):
        chunk = features[rows].astype(np.float64)
        largest = np.abs(chunk).max(axis=1, keepdims=True)  # first, so that no square leaves its range
        chunk /= np.where(largest > 0.0, largest, 1.0)
        length = np.linalg.norm(chunk, axis=1, keepdims=True)
        directions[rows] = chunk / np.where(length > 0.0, length, 1.0)
    return directions
