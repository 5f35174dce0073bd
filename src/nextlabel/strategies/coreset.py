"""Core-set selection by greedy k-centre (Sener & Savarese, 2018)."""

from dataclasses import dataclass
from typing import Literal, final, get_args

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import ParameterError
from nextlabel.maths.axes import Array, Embeddings, Positions, Sizes
from nextlabel.maths.centres import greedy_centres
from nextlabel.maths.directions import directions
from nextlabel.maths.distances import checked_points
from nextlabel.maths.hyperbolic import Geometry, checked_curvature, in_unit_ball
from nextlabel.maths.hyperbolic_clusters import ball_centres
from nextlabel.maths.parameters import checked_choice, settle

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
    geometry: Geometry = "euclidean",
    curvature: float = 1.0,
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
        Features of the labelled items. Without any, the first pick is the item nearest the mean, in
        hyperbolic space the Fréchet mean.
    metric : {"euclidean", "cosine"}
        Distances between the features, or between the features scaled to length one.
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
        An unknown metric or geometry, cosine in hyperbolic space, or a curvature that is not above 0.

    Notes
    -----
    Cost as `nextlabel.maths.centres.greedy_centres`; with cosine, a copy of the features beside it. In
    hyperbolic space O(n·(l + b)·d), and copies of the features in float64.

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
    _checked(metric, geometry, curvature)
    if geometry != "euclidean":
        return _farthest_in_ball(embedding, batch, labelled, geometry, curvature, rng)[0]
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
    geometry : {"euclidean", "hyperbolic", "ball"}
        Distances between the features as they are, or in hyperbolic space: with "hyperbolic" the features are
        mapped into the Poincaré ball by exp₀, with "ball" they are points of it already.
    curvature : float
        c of the hyperbolic space of curvature −c, above 0; the ball has the radius 1/√c. Read in hyperbolic
        space.

    Raises
    ------
    ParameterError
        An unknown metric, reading or geometry, cosine in hyperbolic space, or a curvature that is not above
        0.

    Notes
    -----
    Greedy k-centre from the labelled items: the radius is at most twice the smallest possible. Scores are
    distances: of each pick to the nearest labelled item or earlier pick; there are none where nothing is
    labelled, since the first pick has no neighbour then.
    Time O(n·(l + b)·d) at worst and typically a few hundredths of that, for l labelled items; memory O(n).
    In hyperbolic space always O(n·(l + b)·d), and memory O(n·d).

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
    geometry: Geometry = "euclidean"
    curvature: float = 1.0

    def __post_init__(self) -> None:
        settle(self, {"curvature": _checked(self.metric, self.geometry, self.curvature)})
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
        features = signals[self.of]
        if self.geometry == "euclidean":
            positions, distances = _farthest(features, batch, labelled, self.metric, rng)
        else:
            positions, distances = _farthest_in_ball(
                features, batch, labelled, self.geometry, self.curvature, rng
            )
        return Picks(positions, scores=distances if np.isfinite(distances[0]) else None)


def _farthest(
    embedding: Array, batch: int, labelled: Array | None, metric: Metric, rng: np.random.Generator
) -> tuple[Positions, Array]:
    if metric == "cosine":
        embedding = directions(embedding, "embedding")
        labelled = None if labelled is None else directions(labelled, "labelled")
    sizes: Sizes = {}
    embedding = checked_points(embedding, "n d", "embedding", sizes)
    labelled = None if labelled is None else checked_points(labelled, "l d", "labelled", sizes)
    return greedy_centres(embedding, batch, centres=labelled, rng=rng)


def _farthest_in_ball(
    embedding: Array,
    batch: int,
    labelled: Array | None,
    geometry: Geometry,
    curvature: float,
    rng: np.random.Generator,
) -> tuple[Positions, Array]:
    sizes: Sizes = {}
    points = in_unit_ball(embedding, "embedding", geometry=geometry, curvature=curvature, sizes=sizes)
    centres: Array | None = None
    if labelled is not None:
        sizes.pop("n")
        centres = in_unit_ball(labelled, "labelled", geometry=geometry, curvature=curvature, sizes=sizes)
    positions, distances = ball_centres(points, batch, centres=centres, rng=rng)
    return positions, distances / np.sqrt(curvature)


def _checked(metric: Metric, geometry: Geometry, curvature: float) -> float:
    """The curvature, when all three are possible together."""
    checked_choice(metric, "metric", get_args(Metric), of="CoreSet")
    checked_choice(geometry, "geometry", get_args(Geometry), of="CoreSet")
    if metric == "cosine" and geometry != "euclidean":
        message = (
            f"CoreSet's 'metric' must be 'euclidean' where 'geometry' is {geometry!r}, which has a distance "
            "of its own; received 'cosine'. Leave one of the two out."
        )
        raise ParameterError(message)
    return checked_curvature(curvature, of="CoreSet")
