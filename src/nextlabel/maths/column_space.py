"""The space that the columns of a noisy matrix span: its rank from the spectrum, and who lies in it."""

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import linalg, stats

from nextlabel.maths.axes import Floats

__all__ = ["ColumnSpace", "column_space", "least_falls", "least_gap", "rank_of"]


_GAP = 20.0  # a ratio of neighbouring singular values that noise of many columns cannot make
_EDGE = 1.1  # of the edge of a noise spectrum: the largest singular value exceeds it by less, but for 1e-6
_FEWEST = 4  # values: fewer are alike by chance
_LOWER = 0.7  # of the lower edge, which falls where some rows are noisier than others
_LEAST = 0.05  # of the dimensions must be left to tell noise that stands high
_MISS = 1e-6  # chance that noise moves a vector of the space beyond its bound
_CHANCE = 1e-3  # expected number of foreign vectors within the upper bound
_COMPUTED = 1e-5  # of the whole matrix: computed in float32, in an order of sums that is not known
_ROUNDING = 2.0**-20  # of a vector itself: a few hundred float32 operations made it


@final
@dataclass(frozen=True, eq=False)
class ColumnSpace:
    """The space that the columns of a matrix span, as far as its noise shows it.

    Parameters
    ----------
    basis : array of float64, axes (d, r)
        Orthonormal.
    values : array of float64, axes (k,)
        All singular values, falling.
    rank : int
        How many of them stand above the noise.
    size : int
        The largest rank that the matrix could have: of its dimensions, or of its columns.
    noise : float
        The root mean square of an entry of what the rank leaves out.
    within : array of float64, axes (d, D)
        Orthonormal: all dimensions that columns could have used.
    columns : int
        Of the matrix.
    """

    basis: Floats
    values: Floats
    rank: int
    size: int
    noise: float
    within: Floats
    columns: int

    @property
    def is_exhausted(self) -> bool:
        """Whether the columns fill all dimensions there are, so that every vector lies in their space."""
        return bool(self.rank >= self.size)

    @property
    def samples(self) -> int:
        """How many independent entries the noise is the mean of: one at least."""
        return max(int((self.within.shape[1] - self.rank) * (self.columns - self.rank)), 1)

    @property
    def gap(self) -> float:
        """The last singular value of the rank over the next one; infinity where there is none."""
        if self.rank >= len(self.values) or self.values[self.rank] == 0.0:
            return float("inf")
        return float(self.values[self.rank - 1] / self.values[self.rank]) if self.rank else 0.0

    @property
    def has_gap(self) -> bool:
        """Whether the spectrum falls by more after the rank than one without noise would by chance."""
        left_over = len(self.values) - self.rank
        return bool(0 < self.rank < len(self.values) and self.gap >= least_gap(left_over))

    def distances(self, vectors: Floats) -> Floats:
        """How far vectors lie from the space, each as a share of its own length; 0 for zero vectors.

        Parameters
        ----------
        vectors : array of float64, axes (n, d)
        """
        lengths = np.linalg.norm(vectors, axis=1)
        outside = np.linalg.norm(vectors - (vectors @ self.basis) @ self.basis.T, axis=1)
        return np.asarray(np.divide(outside, lengths, out=np.zeros_like(outside), where=lengths > 0))

    def scores(self, vectors: Floats, of: int | None = None) -> Floats:
        """How far vectors lie from the space, as a share of what noise explains: up to 1 for its vectors.

        Parameters
        ----------
        vectors : array of float64, axes (n, d)
        of : int, optional
            How many vectors are tried altogether; these, unless said.

        Returns
        -------
        array of float64, axes (n,)
            At most 1 for every vector of the space, but for a chance of one in a million each; for few or
            none of the others while the noise is low, and for more of them as it grows. 0 where the space
            is exhausted.

        Notes
        -----
        A vector of the space is x = (G - E) a for the matrix G, its noise E and some a, of which the shortest
        has the squared length sum over k of (u_k · x)² / s_k². What lies outside the basis is then -E a, in
        D - r of the D dimensions there are: its squared length is that of a times the variance of an entry of
        E times a chi-square of D - r degrees of freedom. That is the lower bound of the threshold. A foreign
        vector has a squared distance of the law Beta((D - r) / 2, r / 2): of all that are tried, a thousandth
        of one lies below the upper bound. The threshold is the geometric mean of both where they are in
        order, and the lower bound where they are not.
        """
        free = self.within.shape[1] - self.rank
        if free <= 0:
            return np.zeros(len(vectors))
        inside = vectors @ self.basis
        lengths = np.linalg.norm(vectors, axis=1)
        coefficients = np.sqrt(((inside / self.values[: self.rank]) ** 2).sum(axis=1))
        reach = np.sqrt(free * stats.f.isf(_MISS, free, self.samples))
        lower = np.hypot(self.noise * coefficients * reach, _ROUNDING * lengths)
        share = stats.beta.ppf(_CHANCE / (of or max(len(vectors), 1)), free / 2, max(self.rank, 1) / 2)
        upper = np.sqrt(share) * lengths
        bound = np.where(lower < upper, np.sqrt(lower * upper), lower)
        apart = np.linalg.norm(vectors - inside @ self.basis.T, axis=1)
        return np.asarray(np.divide(apart, bound, out=np.zeros_like(apart), where=bound > 0))

    def unexplained(self, vectors: Floats) -> float:
        """What of the matrix vectors leave over, as a share of what noise explains: up to 1 for all vectors.

        Parameters
        ----------
        vectors : array of float64, axes (n, d)
            Said to be those that the columns combine.

        Notes
        -----
        Infinity where they span all dimensions there are: such vectors explain any matrix, and so none.
        """
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        left, values, _ = linalg.svd((vectors / np.maximum(lengths, 1e-300)).T, full_matrices=False)
        held = left[:, values > _ROUNDING * values[0]]
        if held.shape[1] >= self.within.shape[1]:
            return float("inf")
        seen = self.basis * self.values[: self.rank]
        rest = np.linalg.norm(seen - held @ (held.T @ seen))
        noise = self.noise * np.sqrt(self.within.shape[1] * self.columns)
        return float(rest / np.hypot(2.0 * noise, _COMPUTED * np.linalg.norm(seen)))

    def clarity(self, rank: int) -> float:
        """How far so many singular values stand above what noise makes of none; above 1 where all do.

        Parameters
        ----------
        rank : int
            From 1.
        """
        if rank > len(self.values):
            return 0.0
        rows, columns = self.within.shape[1] - self.rank, self.columns - self.rank
        edge = self.noise * (np.sqrt(max(rows, 0)) + np.sqrt(max(columns, 0)))
        return float(self.values[rank - 1] / edge) if edge > 0 else float("inf")


def column_space(matrix: Floats, reference: Floats | None = None, *, precision: float = 0.0) -> ColumnSpace:
    """The space spanned by the columns of a matrix that is known up to noise.

    Parameters
    ----------
    matrix : array of float64, axes (d, m)
        Its columns are noisy combinations of a few vectors.
    reference : array of float64, axes (n, d), optional
        Vectors of the kind that the columns combine: they show which of the d dimensions can be used.
    precision : float
        The relative rounding of the matrix, where it is known.

    Returns
    -------
    ColumnSpace

    Notes
    -----
    The rank is where the singular values fall by a factor of 20 or more at one step, at the last such step;
    near their end by more, see `least_gap`, since the last of them may be small by chance.
    Where no step is that high, the noise is: the rank is then the smallest one whose remainder is bounded as
    the spectrum of independent noise is, by √columns ± √rows times the root mean square of an entry, give or
    take a little. It must leave a twentieth of the dimensions, and four: less of a remainder always looks
    like noise, and the space counts as exhausted. A matrix that is noise to the eye has rank 0. Time O(d²·m).

    References
    ----------
    Davidson, Szarek. Local operator theory, random matrices and Banach spaces. 2001. Theorem II.13.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> matrix = rng.normal(size=(20, 3)) @ rng.normal(size=(3, 40))
    >>> space = column_space(matrix + 1e-6 * rng.normal(size=(20, 40)))
    >>> space.rank, space.gap > 1e4
    (3, True)
    """
    within = np.eye(len(matrix)) if reference is None else _usable(reference)
    held = within.T @ matrix
    left, values, _ = linalg.svd(held, full_matrices=False)
    rank = rank_of(values, held.shape, precision)
    rows, columns = held.shape
    entries = max((rows - rank) * (columns - rank), 1)
    noise = float(np.sqrt((values[rank:] ** 2).sum() / entries))
    return ColumnSpace(within @ left[:, :rank], values, rank, min(rows, columns), noise, within, columns)


def rank_of(values: Floats, shape: tuple[int, int], precision: float = 0.0) -> int:
    """How many singular values stand above the noise; see `column_space`.

    Parameters
    ----------
    values : array of float64, axes (k,)
        Singular values, falling.
    shape : pair of int
        Of the matrix.
    precision : float
        The relative rounding of the matrix, where it is known: values below this share of the largest are
        rounding, and a fall to these needs to be no larger than any other.

    Examples
    --------
    >>> rank_of(np.array([5.0, 3.0, 1e-7, 8e-8]), (4, 9))
    2
    """
    if len(values) == 0 or values[0] == 0.0:
        return 0
    floor = float(values[0]) * max(float(np.finfo(np.float64).eps) * max(shape), precision)
    kept = np.maximum(values, floor)
    steep = np.flatnonzero(kept[:-1] / kept[1:] >= least_falls(values, floor, _GAP))
    if len(steep):
        return int(steep[-1]) + 1
    rows, columns = shape
    rests = np.cumsum(values[::-1] ** 2)[::-1]
    # a remainder of a few values always looks like noise
    for rank in range(len(values) - max(int(np.ceil(_LEAST * len(values))), _FEWEST) + 1):
        entry = np.sqrt(rests[rank] / ((rows - rank) * (columns - rank)))
        up, down = np.sqrt(max(rows, columns) - rank), np.sqrt(min(rows, columns) - rank)
        if values[rank] <= _EDGE * entry * (up + down) and values[-1] >= entry * (up - down) * _LOWER:
            return rank
    return len(values)


def least_gap(left_over: int) -> float:
    """The fall of singular values that a matrix of full rank, without noise, shows once in a thousand times.

    Below it nothing says that what is left over is noise: it may be the weakest of what was sent.

    Parameters
    ----------
    left_over : int
        How many singular values lie beyond the fall, from 1.

    Returns
    -------
    float
        A ratio of neighbouring singular values, above 1.

    Notes
    -----
    exp(5 / k² + 3 / k) for k values. The k smallest singular values of a square matrix of independent normal
    numbers have a joint density that grows as the product of all differences of their squares: all are
    g times smaller than the next with a chance of the order g^(-k²), which is the first term; many of them
    are as evenly spaced as levels that repel one another, with a chance of exp(-(π s / 4)²) of a space of s
    instead of 1 and values of about k such spaces, which is the second. The constants cover the thousandth
    of 40,000 matrices with 31 rows: 2070, 9.6, 3.7, 2.5, 2.0 for k from 1 to 5, 1.51 for 8 and 1.31 for 12.
    More columns than rows make the spectrum more level, and the fall smaller. Where the spectrum is cut near
    its upper end, a few vectors that are longer than all others make a wider fall.

    References
    ----------
    Edelman. Eigenvalues and condition numbers of random matrices. SIAM Journal on Matrix Analysis and
    Applications 9(4), 1988.

    Examples
    --------
    >>> [round(least_gap(left_over), 2) for left_over in (2, 4, 12)]
    [15.64, 2.89, 1.33]
    """
    return float(np.exp(5.0 / left_over**2 + 3.0 / left_over))


def least_falls(values: Floats, floor: float, least: float) -> Floats:
    """By how much each singular value must exceed the next for what lies beyond to count as noise.

    Parameters
    ----------
    values : array of float64, axes (k,)
        Falling.
    floor : float
        Values up to this are rounding.
    least : float
        What any fall must reach.

    Returns
    -------
    array of float64, axes (k - 1,)
        ``least`` of falls to rounding, and at least `least_gap` of the values left over for the others.

    Examples
    --------
    >>> least_falls(np.array([3.0, 2.0, 1.0]), 0.0, 10.0).round()
    array([  16., 2981.])
    >>> least_falls(np.array([3.0, 2.0, 1e-9]), 1e-7, 10.0).round()
    array([16., 10.])
    """
    left_over = range(len(values) - 1, 0, -1)
    by_chance = np.array([least_gap(one) for one in left_over])
    return np.asarray(np.where(values[1:] <= floor, least, np.maximum(by_chance, least)))


def _usable(reference: Floats) -> Floats:
    """An orthonormal basis of all dimensions in which vectors of a kind differ from zero."""
    _, values, right = linalg.svd(reference, full_matrices=False)
    return np.asarray(right[values > values[0] * 1e-5].T)
