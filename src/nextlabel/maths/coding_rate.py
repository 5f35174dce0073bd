"""Coding rate of features, and the greedy batch of largest log-determinant under a posterior kernel.

Written down plainly, the greedy batch is a pivoted Cholesky factorisation of a kernel matrix: one row of the
kernel and one column of the factor for every pick. The kernel here is an inner product of features, so the
Schur complement of an item is x·M·x with M = I − Σ w·wᵀ, one vector w for each pick, and a pick costs one
product with the features. Complements only fall, so an old one is an upper bound: an item is brought up to
date only when its bound could still win, which for most items and most picks is never.
"""

from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import SignalError
from nextlabel.maths.axes import (
    Array,
    Embeddings,
    Positions,
    Scores,
    Sizes,
    checked,
    checked_batch,
    row_chunks,
)
from nextlabel.maths.distances import checked_points
from nextlabel.maths.parameters import checked_number

__all__ = ["coding_rate", "greedy_log_determinant"]

_FRESHENED = 256  # items brought up to date at first; twice as many each time that was not enough
_GATHERED = 4096  # rows copied together
_WHOLE = 0.25  # of the pool: from here up all items are, without gathering their rows
_TIE = 1e-12  # relative; nearer pivots are equal
_ROUNDING = 16.0 * float(np.finfo(np.float64).eps)


def coding_rate(features: Embeddings, epsilon: float) -> float:
    """Half the log-determinant of I + d/(n·ε²)·ZᵀZ: about the nats that code the rows up to distortion ε.

    Parameters
    ----------
    features : array of float, axes (n, d)
        The rows Z.
    epsilon : float
        The distortion allowed, above 0.

    Returns
    -------
    float
        In nats; 0 for no rows.

    Raises
    ------
    SignalError
        Wrong axes, or values that are not finite or overflow float64 when squared.
    ParameterError
        The distortion is not a number above 0.

    Notes
    -----
    From the singular values of Z, so that n and d may be either way around. Time O(n·d·min(n, d)).

    References
    ----------
    Ma, Derksen, Hong, Wright. Segmentation of multivariate mixed data via lossy data coding and compression.
    IEEE TPAMI 29, 2007. Equation 10.

    Examples
    --------
    >>> round(coding_rate(np.eye(2), 1.0), 4)
    0.6931
    """
    features = checked_points(features, "n d", "features")
    epsilon = checked_number(epsilon, "epsilon", above=0, advice="Give for example 0.1.")
    n, d = features.shape
    if not n:
        return 0.0
    values = np.linalg.svd(features.astype(np.float64), compute_uv=False)
    return float(0.5 * np.log1p((values * np.sqrt(d / n) / epsilon) ** 2).sum())


def greedy_log_determinant(
    features: Embeddings,
    batch: int,
    *,
    noise: Scores,
    labelled: Embeddings | None = None,
    label_noise: float = 0.1,
    bonus: Scores | None = None,
    rng: np.random.Generator,
) -> tuple[Positions, NDArray[np.float64]]:
    """Positions picked one by one, each adding most to ½·log det(K_SS + diag(noise_S)) + Σ bonus_S.

    Parameters
    ----------
    features : array of float, axes (n, r)
        The kernel K is the inner product of two rows, given the labelled ones.
    batch : int
        How many, between 1 and n.
    noise : array of float, axes (n,)
        What is added to the diagonal of the kernel, from 0.
    labelled : array of float, axes (l, r), optional
        The kernel is the posterior covariance of a Gaussian process that has been observed at these rows.
    label_noise : float
        Standard deviation of these observations, from 0.
    bonus : array of float, axes (n,), optional
        Added for each pick; nothing when left out.
    rng : numpy.random.Generator
        Breaks ties: of equal gains, the item first in one permutation wins.

    Returns
    -------
    positions : array of int64, axes (up to b,)
        Distinct, in the order picked; fewer than wanted where the matrix has no full rank.
    pivots : array of float64
        For each the ratio of the determinants with and without it, above 0.

    Raises
    ------
    SignalError
        Wrong axes, unequal sizes, values that are not finite or overflow float64 when squared, or a noise
        below 0.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        The noise of the labels is not a number from 0 up.

    Notes
    -----
    Picking s divides what is left: M ← M − (M·x)(M·x)ᵀ/p with p = x·M·x + noise, the pivot. Without labelled
    rows M begins as I, with them as σ²(ΦᵀΦ + σ²·I)⁻¹, held as I − V·Vᵀ by the singular vectors of Φ. A
    pivot within the rounding of its sum, 16·ε·(r + b)·max‖x‖², counts as 0 and ends the picking. Pivots that
    differ by less than 1e-12 of themselves, or by that rounding, are equal.

    All sums in float64. Time O(n·r·l) for the labelled rows where l < r, else O((n + l)·r²); then
    O(n·r·b) at worst and typically a tenth of that. Memory beside the inputs: 80 bytes an item, the labelled
    rows a few times over, r·(b + min(l, r)) numbers, and 4096 rows in float64.

    References
    ----------
    Chen, Zhang, Zhou. Fast greedy MAP inference for determinantal point process to improve recommendation
    diversity. NeurIPS 2018. Algorithm 1, with kernel rows in place of features.

    Examples
    --------
    The second item is a copy of the first:

    >>> rows = np.array([[2.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    >>> picked = greedy_log_determinant(rows, 2, noise=np.full(3, 0.01), rng=np.random.default_rng(0))
    >>> picked[0].tolist(), picked[1].round(2).tolist()
    ([0, 2], [4.01, 1.01])
    """
    sizes: Sizes = {}
    features = checked_points(features, "n d", "features", sizes)
    n, width = features.shape
    checked_batch(batch, n)
    added = np.zeros(n) if bonus is None else checked(bonus, "n", "bonus", sizes).astype(np.float64)
    noise = _checked_noise(noise, sizes)
    label_noise = checked_number(label_noise, "label_noise", least=0, advice="Give for example 0.1.")
    known = np.empty((0, width))
    if labelled is not None:
        known = _explained(checked_points(labelled, "l d", "labelled", sizes), label_noise)
    variances = _variances(features, known)
    rounding = _ROUNDING * (width + batch) * float(variances[1].max(initial=0.0))
    return _Picking(features, variances[0], noise, added, known, rounding).run(batch, rng.permutation(n))


@final
class _Picking:
    """The state of one greedy run: bounds of the Schur complements, and a vector for every pick."""

    def __init__(
        self,
        features: Array,
        variances: NDArray[np.float64],
        noise: NDArray[np.float64],
        bonus: NDArray[np.float64],
        known: NDArray[np.float64],
        rounding: float,
    ) -> None:
        self._features, self._variances, self._noise, self._bonus = features, variances, noise, bonus
        self._rounding = rounding
        self._seen = np.zeros(len(features), np.int64)  # picks that an item's variance accounts for
        self._gains = np.empty(len(features))
        self._score(slice(None))
        self._known = known
        self._vectors = np.empty((0, features.shape[1]))
        self._picked = 0

    def run(self, batch: int, order: Positions) -> tuple[Positions, NDArray[np.float64]]:
        """Pick until there are enough, or no pivot is left."""
        positions, pivots = np.empty(batch, np.int64), np.empty(batch)
        self._vectors = np.empty((batch, self._features.shape[1]))
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        for k in range(batch):
            best = self._freshened()
            if best.size == 0:
                return positions[:k], pivots[:k]
            pick = int(best[rank[best].argmin()])
            positions[k], pivots[k] = pick, self._variances[pick] + self._noise[pick]
            self._take(pick, pivots[k])
        return positions, pivots

    def _freshened(self) -> Positions:
        """The items of the largest gain, brought up to date, and everything that could have been one."""
        many = _FRESHENED
        while True:
            is_stale = self._seen < self._picked
            best = float(self._gains[~is_stale].max(initial=-np.inf))
            least = best - self._slack(best)
            stale = np.flatnonzero(is_stale & (self._gains >= least) & (self._gains > -np.inf))
            if not len(stale):
                return np.flatnonzero((self._gains >= least) & (self._gains > -np.inf))
            if len(stale) > many:
                stale = stale[np.argpartition(self._gains[stale], len(stale) - many)[len(stale) - many :]]
            if len(stale) > _WHOLE * len(self._gains):
                for rows in row_chunks(self._features):
                    self._update(np.arange(rows.start, rows.stop), self._features[rows])
            else:
                for start in range(0, len(stale), _GATHERED):
                    items = stale[start : start + _GATHERED]
                    self._update(items, self._features[items])
            many *= 2

    def _update(self, items: Positions, rows: Array) -> None:
        """Subtract from the variances what picks since the items' last look explain of them."""
        start = int(self._seen[items].min())
        parts = rows.astype(np.float64, copy=False) @ self._vectors[start : self._picked].T
        parts *= parts
        parts[np.arange(start, self._picked) < self._seen[items, None]] = 0.0
        self._variances[items] = np.maximum(self._variances[items] - parts.sum(axis=1), 0.0)
        self._seen[items] = np.maximum(self._seen[items], self._picked)
        self._score(items)

    def _score(self, items: Positions | slice) -> None:
        pivots = self._variances[items] + self._noise[items]
        with np.errstate(divide="ignore"):
            gains = 0.5 * np.log(pivots) + self._bonus[items]
        gains[pivots <= self._rounding] = -np.inf
        if isinstance(items, slice):
            self._gains = gains
        else:
            gains[self._seen[items] > self._picked] = -np.inf  # picked already
            self._gains[items] = gains

    def _slack(self, best: float) -> float:
        """By how much equal gains may differ: rounding of the pivots, as it shows in their logarithms."""
        if not np.isfinite(best):
            return 0.0
        near = np.flatnonzero((self._gains == best) & (self._seen >= self._picked))[0]
        pivot = self._variances[near] + self._noise[near]
        return float(_TIE + self._rounding / pivot)

    def _take(self, pick: int, pivot: float) -> None:
        row = self._features[pick].astype(np.float64)
        left = row - (row @ self._known.T) @ self._known
        vectors = self._vectors[: self._picked]
        left -= (row @ vectors.T) @ vectors
        self._vectors[self._picked] = left / np.sqrt(pivot)
        self._picked += 1
        self._gains[pick], self._seen[pick] = -np.inf, np.iinfo(np.int64).max


def _checked_noise(noise: Scores, sizes: Sizes) -> NDArray[np.float64]:
    noise = checked(noise, "n", "noise", sizes).astype(np.float64)
    if noise.size and noise.min() < 0.0:
        item = int(noise.argmin())
        message = (
            f"The noise on the diagonal must be 0 or more for every item; received {noise[item]:g} for item "
            f"{item}. A kernel that is positive definite needs none below 0."
        )
        raise SignalError(message)
    return noise


def _explained(labelled: Array, label_noise: float) -> NDArray[np.float64]:
    """Rows V such that I − VᵀV is σ²(ΦᵀΦ + σ²·I)⁻¹; for σ = 0, the projection away from the labelled rows."""
    rows = labelled.astype(np.float64)
    if len(rows) > rows.shape[1]:
        rows = np.asarray(np.linalg.qr(rows, mode="r"))
    _, values, vectors = np.linalg.svd(rows, full_matrices=False)
    keep = values > values.max(initial=0.0) * max(rows.shape) * np.finfo(np.float64).eps
    values, vectors = values[keep], vectors[keep]
    found: NDArray[np.float64] = vectors * (values / np.hypot(values, label_noise))[:, None]
    return found


def _variances(
    features: Array, known: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The diagonal of the kernel given the labelled rows, and without them."""
    left, squares = np.empty(len(features)), np.empty(len(features))
    for rows in row_chunks(features):
        chunk = features[rows].astype(np.float64)
        squares[rows] = np.einsum("nd,nd->n", chunk, chunk)
        parts = chunk @ known.T
        left[rows] = squares[rows] - np.einsum("nk,nk->n", parts, parts)
    return np.maximum(left, 0.0), squares
