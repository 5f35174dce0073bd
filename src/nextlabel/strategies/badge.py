"""Batch active learning by diverse gradient embeddings (Ash et al., 2020)."""

from dataclasses import dataclass
from typing import ClassVar, final, get_args

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.maths.axes import Embeddings, Positions, Residuals
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

    Returns
    -------
    array of int64, axes (b,)
        Distinct, in the order drawn.

    Raises
    ------
    SignalError
        Wrong axes or sizes, or values that are not finite.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        An unknown rule for the first pick, or a bias that is neither True nor False.

    Notes
    -----
    The gradients are never formed: see `nextlabel.maths.seeding`. Labelled items are not centres. For two
    classes the law is that of k-means++ on √2·s·z with s = ±(1 − p_ŷ), signed by the predicted class.
    Time: one pass over n·(c + d) numbers, then typically a few thousand comparisons for a thousand picks;
    memory 28 bytes an item, and the residual in float64, beside the inputs.

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
    return outer_product_seeds(residual, embedding, batch, rng=rng, first=first, bias=include_bias)[0]


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

    Raises
    ------
    ParameterError
        An unknown rule for the first pick, or a bias that is neither True nor False.

    Notes
    -----
    Scores are squared distances of gradients: of each pick to the nearest one before it. Time O(n·(c + d))
    and a few thousand comparisons for a batch b of a thousand; memory O(n + b·(c + d)).

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

    is_random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checked_choice(self.first, "first", get_args(First), of="BADGE")
        settle(self, {"include_bias": checked_flag(self.include_bias, "include_bias", of="BADGE")})

    @property
    def needs(self) -> frozenset[str]:
        """The two factors of a last-layer gradient."""
        return frozenset({"residual", "embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """Draw by k-means++ from the gradients."""
        positions, squares = outer_product_seeds(
            signals["residual"],
            signals["embedding"],
            batch,
            rng=rng,
            first=self.first,
            bias=self.include_bias,
        )
        return Picks(positions, scores=squares)
