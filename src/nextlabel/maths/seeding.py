"""Exact k-means++ seeding (D² sampling) over outer products, by rejection from stale bounds.

k-means++ picks each next centre with probability proportional to D², the squared distance to the nearest
centre so far. Written down plainly that is one pass over the pool for every pick. Here the pool is passed
over once: an item keeps an upper bound w of its D²; an item is proposed with probability proportional to w,
its distances to the centres it has not met are computed then, and it is accepted with probability D²/w. In
one trial item i is accepted with probability (w_i / Σw)·(D_i² / w_i), which is proportional to D_i² whatever
the bounds are; so the picks follow the law of k-means++ exactly, and only the time depends on the bounds.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import SignalError
from nextlabel.maths.axes import (
    Array,
    Embeddings,
    Positions,
    Residuals,
    Scores,
    Sizes,
    checked,
    checked_batch,
    frozen,
    shaped,
)
from nextlabel.maths.parameters import checked_choice, checked_flag

__all__ = ["First", "outer_product_seeds"]

First = Literal["largest", "uniform", "norm"]

# Up to so many multiply-adds in the plain form, NumPy answers before the compiled kernel is loaded.
_PLAIN_WORK = 100_000_000
_UNIFORMS = 4096  # drawn at a time, two for each proposal


def outer_product_seeds(
    residual: Residuals,
    embedding: Embeddings,
    batch: int,
    *,
    rng: np.random.Generator,
    first: First = "largest",
    bias: bool = False,
) -> tuple[Positions, Scores]:
    """Positions drawn by k-means++ from the outer products of two factors, which are never formed.

    Parameters
    ----------
    residual : array of float, axes (n, c)
        One factor of each item, short.
    embedding : array of float, axes (n, d)
        The other factor.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        The only source of randomness.
    first : {"largest", "uniform", "norm"}
        The first centre: of the largest norm (a tie is drawn), uniform, or in proportion to the squared norm.
    bias : bool
        Whether each row of the embedding carries a constant one more.

    Returns
    -------
    positions : array of int64, axes (b,)
        Distinct, in the order drawn.
    squares : array of float64, axes (b,)
        The squared distance of each pick to the nearest pick before it; for the first, its squared norm.

    Raises
    ------
    SignalError
        Wrong axes or sizes, values that are not finite, or norms that overflow float64.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        An unknown rule for the first centre, or a bias that is neither True nor False.

    Notes
    -----
    ‖q⊗z − q'⊗z'‖² = ‖q‖²‖z‖² + ‖q'‖²‖z'‖² − 2⟨q,q'⟩⟨z,z'⟩, summed in float64. A distance below the rounding
    error of that sum is zero, so that an exact duplicate of a centre is never drawn while anything
    else is left. Once all distances are zero, the rest of the batch is drawn uniformly.

    Time: one pass over both factors, then about as many comparisons as proposals; where the proposals
    are too often rejected (tight clusters), all items are compared with the new centres in blocks, and
    that never costs more than the rejected work. Worst case O(b·n·(c + d)). Memory beside the inputs:
    28 bytes an item, the residual in float64 where it is not, and b·(c + d) numbers.

    References
    ----------
    Arthur, Vassilvitskii. k-means++: the advantages of careful seeding. SODA 2007. The law.
    Ash, Zhang, Krishnamurthy, Langford, Agarwal. Deep batch active learning by diverse, uncertain gradient
    lower bounds. ICLR 2020. Its use on gradients.

    Examples
    --------
    >>> one = np.ones((3, 1))
    >>> outer_product_seeds(one, np.array([[0.0], [1.0], [5.0]]), 1, rng=np.random.default_rng(0))[0]
    array([2])
    """
    sizes: Sizes = {}
    residual = shaped(residual, "n c", "residual", sizes)
    embedding = shaped(embedding, "n d", "embedding", sizes)
    n = len(residual)
    checked_batch(batch, n)
    first = checked_choice(first, "first", get_args(First))
    bias = checked_flag(bias, "bias")
    # the short factor in one precision, whatever it came from: logits and probabilities share a kernel
    residual = residual.astype(np.float64, copy=False)
    seeds = _plain_seeds if _multiply_adds(residual, embedding, batch) <= _PLAIN_WORK else _lazy_seeds
    positions, squares, count = seeds(residual, embedding, 1.0 if bias else 0.0, batch, first, rng)
    if count < batch:  # every distance left is zero
        left = np.ones(n, bool)
        left[positions[:count]] = False
        positions[count:] = rng.choice(np.flatnonzero(left), size=batch - count, replace=False)
    return positions, squares


def _squares(residual: Array, embedding: Array, bias: float) -> NDArray[np.float64]:
    short = np.einsum("nc,nc->n", residual, residual, dtype=np.float64)
    long = np.einsum("nd,nd->n", embedding, embedding, dtype=np.float64)
    return np.asarray(short * (long + bias))


def _multiply_adds(residual: Array, embedding: Array, batch: int) -> int:
    n, classes = residual.shape
    features: int = embedding.shape[1]
    return int(n * (classes + features) * batch)


def _noise(residual: Array, embedding: Array) -> float:
    """The share of ‖g‖² + ‖g'‖² below which a squared distance is nothing but rounding."""
    terms: int = residual.shape[1] + embedding.shape[1] + 1
    return 4.0 * float(np.finfo(np.float64).eps) * terms


def _require_finite(square: NDArray[np.float64], residual: Array, embedding: Array) -> None:
    """Refuse what the norms, which have met every value, show to be no number or too large."""
    if not np.isfinite(4.0 * len(square) * square.max()):
        checked(residual, "n c", "residual")
        checked(embedding, "n d", "embedding")
        message = (
            "The squared norms of the outer products must fit into float64; received values up to "
            f"{square.max():g}. Scale 'embedding' down, for example by its largest absolute value."
        )
        raise SignalError(message)


def _first_centre(square: NDArray[np.float64], first: First, rng: np.random.Generator) -> int:
    total = square.sum()
    if first == "uniform" or (first == "norm" and total == 0.0):
        return int(rng.integers(len(square)))
    if first == "norm":
        return _place(np.cumsum(square), rng.random())
    return int(rng.choice(np.flatnonzero(square == square.max())))


def _place(cumulated: NDArray[np.float64], uniform: float) -> int:
    """The index in whose share a uniform number falls; never one whose share is nothing."""
    place = np.searchsorted(cumulated, uniform * cumulated[-1], side="right")
    return int(min(place, np.searchsorted(cumulated, cumulated[-1], side="left")))


def _plain_seeds(
    residual: Array, embedding: Array, bias: float, batch: int, first: First, rng: np.random.Generator
) -> tuple[Positions, Scores, int]:
    """One pass over the pool for every pick; sooner done than loading a kernel where the pool is small."""
    residual, embedding = residual.astype(np.float64), embedding.astype(np.float64)
    square = _squares(residual, embedding, bias)
    _require_finite(square, residual, embedding)
    noise = _noise(residual, embedding)
    positions, squares = np.zeros(batch, np.int64), np.zeros(batch)
    nearest = np.full(len(square), np.inf)
    centre = _first_centre(square, first, rng)
    positions[0], squares[0] = centre, square[centre]
    for count in range(1, batch):
        both = square + square[centre]
        distance = both - 2.0 * (residual @ residual[centre]) * (embedding @ embedding[centre] + bias)
        distance[distance < noise * both] = 0.0
        np.minimum(nearest, distance, out=nearest)
        nearest[centre] = 0.0
        cumulated = np.cumsum(nearest)
        if cumulated[-1] <= 0.0:
            return positions, squares, count
        centre = _place(cumulated, rng.random())
        positions[count], squares[count] = centre, nearest[centre]
    return positions, squares, batch


def _lazy_seeds(
    residual: Array, embedding: Array, bias: float, batch: int, first: First, rng: np.random.Generator
) -> tuple[Positions, Scores, int]:
    """The same law, touching only the items that are proposed."""
    from nextlabel.maths.kernels import seeding as kernel
    from nextlabel.maths.kernels.compiler import announced

    residual, embedding = frozen(residual), frozen(embedding)
    n, classes = residual.shape
    square, length = np.empty(n), np.empty(n)
    positions, squares = np.zeros(batch, np.int64), np.zeros(batch)
    qs, zs = (
        np.empty((batch, classes), residual.dtype),
        np.empty((batch, embedding.shape[1]), embedding.dtype),
    )
    centre_squares, centre_lengths = np.empty(batch), np.empty(batch)
    leaves = np.empty(-(-n // kernel.LEAF))
    branches = np.empty(-(-len(leaves) // kernel.BRANCH))
    # a norm that overflows is refused below; without the compiler NumPy would warn of it first
    with (
        announced("the kernel of exact k-means++", kernel.advance, residual, embedding),
        np.errstate(over="ignore", invalid="ignore"),
    ):
        kernel.norms(residual, embedding, bias, square, length)
        _require_finite(square, residual, embedding)
        centre = _first_centre(square, first, rng)
        positions[0], squares[0] = centre, square[centre]
        qs[0], zs[0] = residual[centre], embedding[centre]
        centre_squares[0], centre_lengths[0] = square[centre], length[centre]
        weight, seen = np.full(n, np.inf), np.zeros(n, np.int32)
        weight[centre] = 0.0
        state = np.array([np.sqrt(square[centre]), np.inf, 0.0, 0.0, 0.0])
        count, is_left = 1, True
        while count < batch and is_left:
            count, is_left = kernel.advance(
                residual, embedding, bias, _noise(residual, embedding), square, length, weight, seen,
                leaves, branches, positions, squares, qs, zs, centre_squares, centre_lengths,
                count, state, rng.random(min(_UNIFORMS, 64 + 8 * batch)),
            )  # fmt: skip
    return positions, squares, count
