"""Facility location, graph cut and log-determinant, and their information measures, as greedy objectives."""

from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Positions, Scores
from nextlabel.maths.greedy import Objective
from nextlabel.maths.similarity import (
    Directions,
    cosines,
    similarity_blocks,
    taken,
    width,
)

__all__ = ["FacilityLocation", "GraphCut", "LogDeterminant"]

_EPS = float(np.finfo(np.float64).eps)
_BLOCK, _GROUND = 1 << 22, 1 << 15  # numbers of a block, and of the ground set in it at least
_COLUMNS = 32  # of a Cholesky factor, kept together


@final
class FacilityLocation(Objective):
    """Σ over a ground set of the similarity to the nearest item taken, between a floor and a ceiling.

    Parameters
    ----------
    items : Directions
        What is taken from.
    ground : Directions
        What is to be near to something taken.
    floor : array of float, axes (l,), optional
        Similarity that counts for nothing, from 0; nothing where left out.
    ceiling : array of float, axes (l,), optional
        Similarity beyond which more counts for nothing; infinite where left out.
    bonus : array of float, axes (n,), optional
        What an item adds by itself.

    Notes
    -----
    F(A) = Σ_i max(min(max_{j∈A} s_ij, ceiling_i) − floor_i, 0) + Σ_{j∈A} bonus_j, where s is the cosine
    clipped at 0, is submodular, and monotone where no bonus is negative. Plain facility location has neither
    floor nor ceiling; the conditional gain given P has ν·max_{p∈P} s_ip as floor; the mutual information
    with Q has η·max_{q∈Q} s_iq as ceiling, and the conditional mutual information both. Its form with Q as
    ground set has the bonus η·max_{q∈Q} s_qj.

    Gains cost O(l·d) each, in blocks of 32 MB; memory beside the inputs 8 bytes for each of the ground set.

    References
    ----------
    Iyer, Khargoankar, Bilmes, Asanani. Submodular combinatorial information measures with applications in
    machine learning. ALT 2021, arXiv 2006.15412.

    Examples
    --------
    >>> from nextlabel.maths.similarity import factor_directions
    >>> items = factor_directions(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    >>> cover = FacilityLocation(items, items)
    >>> cover.take(0)
    >>> cover.gains(np.array([1, 2])).tolist()
    [0.0, 1.0]
    """

    def __init__(
        self,
        items: Directions,
        ground: Directions,
        *,
        floor: Scores | None = None,
        ceiling: Scores | None = None,
        bonus: Scores | None = None,
    ) -> None:
        self._items, self._ground = items, ground
        self._held = np.zeros(len(ground[0])) if floor is None else np.array(floor, np.float64)
        self._ceiling = ceiling
        self._bonus = bonus

    @property
    def n(self) -> int:
        """How many items there are to take from."""
        return len(self._items[0])

    @property
    def tolerance(self) -> float:
        """Of a sum over the ground set of products of d numbers."""
        return 4.0 * _EPS * (len(self._held) + 1) * (width(self._ground) + 8)

    @property
    def is_lazy(self) -> bool:
        """Gains are dear, and never rise."""
        return True

    def gains(self, positions: Positions) -> Scores:
        """How much nearer the ground set would come."""
        result = np.zeros(len(positions)) if self._bonus is None else self._bonus[positions].copy()
        items = taken(self._items, positions)
        # few items against many of the ground set: the longer side is cut, so that products stay large
        step = max(_GROUND, _BLOCK // max(1, len(positions)))
        for start in range(0, len(self._held), step):
            some = slice(start, min(start + step, len(self._held)))
            for rows, block in similarity_blocks(items, taken(self._ground, some)):
                if self._ceiling is not None:
                    np.minimum(block, self._ceiling[some], out=block)
                block -= self._held[some]
                np.maximum(block, 0.0, out=block)  # what is held is from 0, so this clips too
                result[rows] += block.sum(axis=1)
        return result

    def take(self, position: int) -> None:
        """Hold what the item is near to."""
        row = cosines(taken(self._items, slice(position, position + 1)), self._ground)[0]
        np.maximum(self._held, row, out=self._held)  # beyond the ceiling too, where there is no gain anyway


@final
class GraphCut(Objective):
    """Σ of what items are worth each, less λ times the similarity among those taken.

    Parameters
    ----------
    items : Directions
        What is taken from.
    worth : array of float, axes (n,)
        What each item counts for by itself.
    lam : float
        λ, from 0.

    Notes
    -----
    F(A) = Σ_{j∈A} worth_j − λ·Σ_{i,j∈A} s_ij, with s the cosine clipped at 0, is submodular; it is graph cut
    where worth is the total similarity to the pool, monotone then for λ up to ½. Beyond, gains turn negative
    and a batch that must be filled ends with what costs least. With λ = 0 it is modular and blind to copies.

    All gains are kept up to date: time O(n·d) for each item taken; memory 16 bytes an item.

    References
    ----------
    Iyer, Khargoankar, Bilmes, Asanani. Submodular combinatorial information measures with applications in
    machine learning. ALT 2021, arXiv 2006.15412.

    Examples
    --------
    >>> from nextlabel.maths.similarity import factor_directions, total_cosines
    >>> items = factor_directions(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    >>> cut = GraphCut(items, total_cosines(items, items), lam=0.5)
    >>> cut.take(0)
    >>> cut.gains(np.array([1, 2])).tolist()
    [0.5, 0.5]
    """

    def __init__(self, items: Directions, worth: Scores, *, lam: float) -> None:
        self._items, self._lam = items, lam
        itself = np.ones(len(worth))
        for factor in items:
            itself *= np.einsum("nd,nd->n", factor, factor)
        self._gains = worth - lam * itself
        self._scale = float(np.abs(worth).max(initial=0.0)) + lam * len(worth)

    @property
    def n(self) -> int:
        """How many items there are to take from."""
        return len(self._gains)

    @property
    def tolerance(self) -> float:
        """Of sums over the pool of products of d numbers."""
        return 4.0 * _EPS * (self._scale + 1.0) * (width(self._items) + 8)

    @property
    def is_lazy(self) -> bool:
        """Gains are at hand."""
        return False

    def gains(self, positions: Positions) -> Scores:
        """The worth of the items less what those taken have in common with them."""
        return self._gains[positions]

    def take(self, position: int) -> None:
        """Lower the gains of what is like the item."""
        if self._lam:
            row = cosines(taken(self._items, slice(position, position + 1)), self._items)[0]
            self._gains -= 2.0 * self._lam * np.maximum(row, 0.0, out=row)


@final
class LogDeterminant(Objective):
    """Logarithm of the determinant of the cosines of the items taken, given others, or shared with others.

    Parameters
    ----------
    items : Directions
        What is taken from.
    jitter : float
        Added to the diagonal, above 0.
    private : Directions, optional
        What is given: items like these add little.
    query : Directions, optional
        What is to be told about: an item adds what it says of these.
    nu, eta : float
        By how much the cosines with the private items and with the query count, from 0 to 1.

    Notes
    -----
    With K the kernel of cosines plus jitter on the diagonal, F(A) = log det K_A; given P,
    log det(K_A − ν²·K_AP·K_P⁻¹·K_PA); and shared with Q, F(A) less F(A) given Q. An item adds the logarithm
    of its variance given what is taken, in a Gaussian process with that kernel, less the same given Q too.
    Cosines are not clipped here: clipping can make the kernel indefinite, and then there is no logarithm.

    For both P and Q, the cosines between the two count by ν·η, so that the scaled kernel, the elementwise
    product of two positive semidefinite ones, stays positive definite for all ν and η up to 1; the paper
    leaves them unscaled, which is the same for ν = η = 1 alone.

    Gains are negative for the most part, and F is submodular but not monotone: greedy takes what loses
    least. What is shared with Q is monotone but not submodular: two items can tell together what neither
    tells alone. All gains are kept up to date: for k private, query and taken items, time O(n·(d + k)) for
    each item taken and O(n·k·(d + k)) before; memory 8·n·k bytes, twice with a query.

    References
    ----------
    Kothawade, Beck, Killamsetty, Iyer. SIMILAR: submodular information measures based active learning in
    realistic scenarios. NeurIPS 2021, arXiv 2107.00717.
    Chen, Zhang, Zhou. Fast greedy MAP inference for determinantal point process to improve recommendation
    diversity. NeurIPS 2018, arXiv 1709.05135. Algorithm 1.

    Examples
    --------
    >>> from nextlabel.maths.similarity import factor_directions
    >>> items = factor_directions(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    >>> volume = LogDeterminant(items, jitter=0.01)
    >>> volume.take(0)
    >>> np.exp(volume.gains(np.array([1, 2]))).round(3).tolist()
    [0.02, 1.01]
    """

    def __init__(
        self,
        items: Directions,
        *,
        jitter: float,
        private: Directions | None = None,
        query: Directions | None = None,
        nu: float = 1.0,
        eta: float = 1.0,
    ) -> None:
        given = [] if private is None else [(private, nu)]
        self._own = _Variances(items, given, jitter)
        self._told = None if query is None else _Variances(items, [*given, (query, eta)], jitter)

    @property
    def n(self) -> int:
        """How many items there are to take from."""
        return len(self._own.values)

    @property
    def tolerance(self) -> float:
        """Of the logarithm of a variance that can be as small as the jitter."""
        return max(own.tolerance for own in (self._own, self._told) if own is not None)

    @property
    def is_lazy(self) -> bool:
        """Gains are at hand, and with a query they can rise."""
        return False

    def gains(self, positions: Positions) -> Scores:
        """Logarithm of the variance given what is taken, less the same given the query too."""
        gains = np.log(self._own.values[positions])
        if self._told is not None:
            gains -= np.log(self._told.values[positions])
        return np.asarray(gains)

    def take(self, position: int) -> None:
        """Condition all variances on the item."""
        self._own.condition(position)
        if self._told is not None:
            self._told.condition(position)


@final
class _Variances:
    """Variances of all items in a Gaussian process, given some others and then one item after another."""

    def __init__(self, items: Directions, given: list[tuple[Directions, float]], jitter: float) -> None:
        self._items, self._jitter = items, jitter
        given = [(others, scale) for others, scale in given if len(others[0])]
        self._factors = [_whitened(items, given, jitter)] if given else []
        self.values = np.full(len(items[0]), jitter)
        itself = np.ones(len(items[0]))
        for factor in items:
            itself *= np.einsum("nd,nd->n", factor, factor)
        self.values += itself
        for factor in self._factors:
            self._lower(np.einsum("nk,nk->n", factor, factor))
        self._taken = 0
        self._depth = width(items) + width(tuple(self._factors))

    @property
    def tolerance(self) -> float:
        return 4.0 * _EPS * (self._depth + 8) / self._jitter

    def condition(self, position: int) -> None:
        """One column more of the Cholesky factor of the kernel."""
        row = cosines(taken(self._items, slice(position, position + 1)), self._items)[0]
        for factor in self._factors:
            row -= factor @ factor[position]
        row /= np.sqrt(self.values[position])
        if self._taken % _COLUMNS == 0:
            self._factors.append(np.zeros((len(row), _COLUMNS)))
        self._factors[-1][:, self._taken % _COLUMNS] = row
        self._taken += 1
        self._depth += 1
        self._lower(row * row)

    def _lower(self, by: NDArray[np.float64]) -> None:
        self.values -= by
        np.maximum(self.values, self._jitter, out=self.values)  # rounding alone goes below


def _whitened(items: Directions, given: list[tuple[Directions, float]], jitter: float) -> NDArray[np.float64]:
    """The covariance of each item with the given ones, in units that make these independent."""
    from scipy.linalg import cholesky, solve_triangular

    everything = tuple(np.concatenate(parts) for parts in zip(*(others for others, _ in given), strict=True))
    scales = np.concatenate([np.full(len(others[0]), scale) for others, scale in given])
    which = np.repeat(np.arange(len(given)), [len(others[0]) for others, _ in given])
    kernel = cosines(everything, everything)
    kernel *= np.where(which[:, None] == which, 1.0, scales[:, None] * scales)
    kernel[np.diag_indices_from(kernel)] += jitter
    lower = cholesky(kernel, lower=True)
    result = np.empty((len(items[0]), len(scales)))
    for rows, block in similarity_blocks(items, everything):
        block *= scales
        result[rows] = solve_triangular(lower, block.T, lower=True).T
    return result
