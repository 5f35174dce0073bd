"""Batch active learning by diverse gradient embeddings (Ash et al., 2020)."""

from dataclasses import dataclass
from typing import ClassVar, final, get_args

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import ParameterError
from nextlabel.maths.axes import Array, Embeddings, Positions, Residuals, Scores, Sizes, checked
from nextlabel.maths.hyperbolic import Geometry, checked_curvature, in_unit_ball
from nextlabel.maths.hyperbolic_clusters import ball_seeds
from nextlabel.maths.parameters import checked_choice, checked_flag, settle
from nextlabel.maths.seeding import First, outer_product_seeds

__all__ = ["BADGE", "badge"]


def badge(
    residual: Residuals,
    embedding: Embeddings,
    batch: int,
    *,
    rng: np.random.Generator,
    first: First = "largest",
    include_bias: bool = False,
    geometry: Geometry = "euclidean",
    curvature: float = 1.0,
) -> Positions:
    """Positions drawn by k-means++ from the last layer's gradients under each item's own label.

    The gradient of item i is (p − e_ŷ) ⊗ z, with ŷ the most probable class. Its length says how unsure the
    model is, its direction how the item differs.

    Parameters
    ----------
    residual : array of float, axes (n, c)
        Probability minus one-hot of the most probable class.
    embedding : array of float, axes (n, d)
        The input of the last layer.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        The only source of randomness.
    first : {"largest", "uniform", "norm"}
        The first pick: of the longest gradient (a tie is drawn), uniform, or in proportion to its square.
    include_bias : bool
        Whether the gradient of the last layer's bias is part of it: one constant more in each embedding.
    geometry : {"euclidean", "hyperbolic", "ball"}
        By gradients; or by the embedding in hyperbolic space, weighted by the length of the residual, which
        is another law: with "hyperbolic" the embedding is mapped into the Poincaré ball by exp₀, with "ball"
        it holds points of it already.
    curvature : float
        c of the hyperbolic space of curvature −c, above 0; the ball has the radius 1/√c. Read in hyperbolic
        space.

    Returns
    -------
    array of int64, axes (b,)
        Distinct, in the order drawn.

    Raises
    ------
    SignalError
        Wrong axes or sizes, values that are not finite, or points outside the ball.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        An unknown rule for the first pick or geometry, a bias that is neither True nor False or is wanted in
        hyperbolic space, or a curvature that is not above 0.

    Notes
    -----
    The gradients are never formed: see `nextlabel.maths.seeding`. Labelled items are not centres. For two
    classes the law is that of k-means++ on √2·s·z with s = ±(1 − p_ŷ), signed by the predicted class.
    Time: one pass over n·(c + d) numbers, then typically a few thousand comparisons for a thousand picks;
    memory 28 bytes an item, and the residual in float64, beside the inputs.

    In hyperbolic space the law is not BADGE's: item i is drawn in proportion to ‖r_i‖²·min_j d(x_i, x_j)²,
    with r the residual and d the distance of points x over the picks j; the direction of the residual, which
    says between which classes the model hesitates, does not count. The first pick is that of largest
    ‖r‖·d(0, x). For residuals all alike and short embeddings both laws are one. Time O(n·b·d), memory O(n·d).

    References
    ----------
    Ash, Zhang, Krishnamurthy, Langford, Agarwal. Deep batch active learning by diverse, uncertain gradient
    lower bounds. ICLR 2020. Algorithm 1; the longest gradient first, as in the authors' code.

    Examples
    --------
    Two sure items and one in doubt:

    >>> residual = np.array([[-0.01, 0.01], [-0.5, 0.5], [0.02, -0.02]])
    >>> badge(residual, np.ones((3, 1)), 1, rng=np.random.default_rng(0))
    array([1])
    """
    _checked_space(geometry, curvature, include_bias)
    if geometry == "euclidean":
        return outer_product_seeds(residual, embedding, batch, rng=rng, first=first, bias=include_bias)[0]
    return _seeds_in_ball(residual, embedding, batch, first, geometry, curvature, rng)[0]


@final
@dataclass(frozen=True)
class BADGE(Strategy):
    """Prefers items uncertain and unlike each other; needs residual and embedding; costs one pass over both.

    Parameters
    ----------
    first : {"largest", "uniform", "norm"}
        The first pick: of the longest gradient (a tie is drawn), uniform, or in proportion to its square.
    include_bias : bool
        Whether the gradient of the last layer's bias counts as well.
    geometry : {"euclidean", "hyperbolic", "ball"}
        By gradients; or by the embedding in hyperbolic space, weighted by the length of the residual, which
        is another law: with "hyperbolic" the embedding is mapped into the Poincaré ball by exp₀, with "ball"
        it holds points of it already.
    curvature : float
        c of the hyperbolic space of curvature −c, above 0; the ball has the radius 1/√c. Read in hyperbolic
        space.

    Raises
    ------
    ParameterError
        An unknown rule for the first pick or geometry, a bias that is neither True nor False or is wanted in
        hyperbolic space, or a curvature that is not above 0.

    Notes
    -----
    Scores are squared distances of gradients: of each pick to the nearest one before it. Time O(n·(c + d))
    and a few thousand comparisons for a batch b of a thousand; memory O(n + b·(c + d)). In hyperbolic space
    scores are ‖r‖²·d², time O(n·b·d) and memory O(n·d).

    Fails where the model is confidently wrong, since gradients are short there, and with very few labels,
    when neither its doubts nor its features say much yet.

    References
    ----------
    Ash, Zhang, Krishnamurthy, Langford, Agarwal. Deep batch active learning by diverse, uncertain gradient
    lower bounds. ICLR 2020.

    Examples
    --------
    >>> from nextlabel import select
    >>> proba = [[0.99, 0.01], [0.5, 0.5], [0.98, 0.02], [0.4, 0.6]]
    >>> embedding = [[1, 0], [1, 0], [0, 1], [0, 1]]
    >>> sorted(select("badge", proba=proba, embedding=embedding, batch=2, seed=0).tolist())
    [1, 3]
    """

    first: First = "largest"
    include_bias: bool = False
    geometry: Geometry = "euclidean"
    curvature: float = 1.0

    is_random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checked_choice(self.first, "first", get_args(First), of="BADGE")
        settle(self, {"include_bias": checked_flag(self.include_bias, "include_bias", of="BADGE")})
        settle(self, {"curvature": _checked_space(self.geometry, self.curvature, self.include_bias)})

    @property
    def needs(self) -> frozenset[str]:
        """The two factors of a last-layer gradient."""
        return frozenset({"residual", "embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """Draw by k-means++ from the gradients, or from the embedding in hyperbolic space."""
        residual, embedding = signals["residual"], signals["embedding"]
        if self.geometry == "euclidean":
            positions, squares = outer_product_seeds(
                residual, embedding, batch, rng=rng, first=self.first, bias=self.include_bias
            )
        else:
            positions, squares = _seeds_in_ball(
                residual, embedding, batch, self.first, self.geometry, self.curvature, rng
            )
        return Picks(positions, scores=squares)


def _seeds_in_ball(
    residual: Array,
    embedding: Array,
    batch: int,
    first: First,
    geometry: Geometry,
    curvature: float,
    rng: np.random.Generator,
) -> tuple[Positions, Scores]:
    sizes: Sizes = {}
    residual = checked(residual, "n c", "residual", sizes)
    points = in_unit_ball(embedding, "embedding", geometry=geometry, curvature=curvature, sizes=sizes)
    residual = residual.astype(np.float64)
    largest = np.abs(residual).max(initial=0.0) or 1.0  # first, or the squares of small ones vanish
    doubt = largest * np.linalg.norm(residual / largest, axis=1)
    positions, squares = ball_seeds(points, doubt, batch, first=first, rng=rng)
    return positions, squares / curvature


def _checked_space(geometry: Geometry, curvature: float, include_bias: bool) -> float:
    """The curvature, when the three are possible together."""
    checked_choice(geometry, "geometry", get_args(Geometry), of="BADGE")
    if include_bias and geometry != "euclidean":
        message = (
            f"BADGE's 'include_bias' must be False where 'geometry' is {geometry!r}, which has no gradients; "
            "received True. Leave one of the two out."
        )
        raise ParameterError(message)
    return checked_curvature(curvature, of="BADGE")
