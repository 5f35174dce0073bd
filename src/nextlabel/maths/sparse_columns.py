"""Sparse columns in the span of a tall matrix, found by null vectors of a few of its rows."""

from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Floats

__all__ = ["SparseColumns"]


_PARALLEL = 1e-6  # of one minus a cosine: angles below 1.4e-3
_LOOSE = 20.0  # times the tolerance: a few rows fix a direction less well than all its zeros will
_DEPENDENT = 1e-3  # of its length: what is left of a direction that the others make up


@final
class SparseColumns:
    """Directions q for which ``basis @ q`` has many zeros, kept as they are found.

    If b − 1 rows of the basis are all zero in one hidden sparse column, their null vector is that column's
    direction. Random rows are tried; a direction is kept when its column has more zeros than the b − 1 that
    any null vector has.

    Parameters
    ----------
    basis : array of float64, axes (m, b)
        Its columns span the hidden sparse columns. Rows of zeros only are left out.
    tolerance : float or array of float, axes (m,)
        An entry counts as zero below this share of the length of its row, times the length of the direction
        in the metric of the noise.
    least_zeros : int
        Beyond the b − 1 rows solved for, how many more zeros make a direction worth keeping.
    noise : array of float, axes (b,), optional
        How much the noise of each column of the basis weighs: that of a column ``basis @ q`` goes with the
        length of ``noise * q``. Ones unless given.
    most : int
        How many directions are kept at most, those with the most zeros.

    Attributes
    ----------
    directions : array of float64, axes (k, b)
        Kept so far, of length one, no two of them parallel.
    zeros : array of int64, axes (k,)
        How many entries of each one's column are zero.

    Notes
    -----
    Each null vector is one linear system with a random last equation, O(b³), and one product O(m·b). A hidden
    column of which half is zero is hit by one draw in about 2^(b − 1). Systems with a pivot that is zero to
    the last digit are passed over.

    References
    ----------
    Dimitrov, Baader, Müller, Vechev. SPEAR: exact gradient inversion of batches in federated learning.
    NeurIPS 2024. Section 4.

    Examples
    --------
    >>> hidden = np.array([[1.0, 0], [2, 0], [3, 0], [0, 1], [0, 2], [0, 3]])
    >>> found = SparseColumns(hidden @ np.array([[1.0, 2.0], [3.0, 4.0]]), 1e-9)
    >>> found.draw(50, np.random.default_rng(0))
    >>> len(found.directions), found.zeros.tolist()
    (2, [3, 3])
    """

    def __init__(
        self,
        basis: Floats,
        tolerance: float | Floats,
        least_zeros: int = 2,
        *,
        noise: Floats | None = None,
        most: int = 200,
    ) -> None:
        lengths = np.linalg.norm(basis, axis=1)
        rows = lengths > 1e-9 * lengths.max(initial=0.0)
        self._rows: Floats = basis[rows] / lengths[rows, None]
        self._tolerance = np.broadcast_to(np.asarray(tolerance, np.float64), len(basis))[rows]
        self._noise = np.ones(basis.shape[1]) if noise is None else noise
        self._wanted = basis.shape[1] - 1 + least_zeros
        self._most = most
        self.directions: Floats = np.empty((0, basis.shape[1]))
        self.zeros: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def draw(self, samples: int, rng: np.random.Generator) -> None:
        """Try so many random sets of rows.

        Parameters
        ----------
        samples : int
        rng : numpy.random.Generator
        """
        m, b = self._rows.shape
        if b == 1:  # one column is its own span
            self.directions, self.zeros = np.ones((1, 1)), np.zeros(1, dtype=np.int64)
        if b == 1 or m < b:
            return
        chosen = _sets(m, b - 1, samples, rng)
        system = np.empty((samples, b, b))
        system[:, :-1] = self._rows[chosen]
        system[:, -1] = rng.standard_normal((samples, b))
        # units that are alike have parallel rows: of such a set any null vector will do
        system += 1e-13 * rng.standard_normal(system.shape)
        system = system[np.linalg.slogdet(system)[0] != 0]  # singular to the last digit all the same
        aim = np.zeros((len(system), b, 1))
        aim[:, -1] = 1.0
        found: Floats = np.asarray(np.linalg.solve(system, aim)[:, :, 0], np.float64)
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        is_zero = self._zeros(found, _LOOSE)
        good = np.flatnonzero(is_zero.sum(axis=1) >= self._wanted)
        # the sparsest columns are hit most often: without this their copies would crowd out the others
        distinct = good[np.unique(np.packbits(is_zero[good], axis=1), axis=0, return_index=True)[1]]
        order = np.argsort(-is_zero[distinct].sum(axis=1), kind="stable")[: 2 * self._most]
        self._keep([self._sharpened(found[place]) for place in distinct[order]])

    def sparsest(self) -> Floats | None:
        """Independent directions, those with the most zeros first; None where they are too few.

        Returns
        -------
        array of float64, axes (b, b), or None
            One direction a row.
        """
        width = self.directions.shape[1]
        chosen: list[Floats] = []
        left = np.eye(width)
        for one in self.directions:
            rest = left @ one
            length = float(np.linalg.norm(rest))
            if length > _DEPENDENT:
                chosen.append(one)
                left -= np.outer(rest, rest) / length**2
            if len(chosen) == width:
                return np.array(chosen)
        return None

    def _sharpened(self, direction: Floats) -> tuple[int, Floats]:
        """The null vector of all rows that are zero, not of a few of them; and how many there are."""
        for loose in (_LOOSE, 1.0):
            zeros = self._zeros(direction[None], loose)[0]
            if zeros.sum() < self._wanted:
                break
            weighted = self._rows[zeros] / self._tolerance[zeros, None]
            direction = np.asarray(np.linalg.svd(weighted)[2][-1], np.float64)
        return int(self._zeros(direction[None]).sum()), direction

    def _zeros(self, directions: Floats, loose: float = 1.0) -> NDArray[np.bool_]:
        """Which entries of each direction's column are zero, axes (k, m)."""
        lengths = loose * np.linalg.norm(directions * self._noise, axis=1, keepdims=True)
        return np.asarray(np.abs(directions @ self._rows.T) <= lengths * self._tolerance)

    def _keep(self, found: list[tuple[int, Floats]]) -> None:
        """With what is kept already the ones with the most zeros, no two of them parallel."""
        added = [one for one in found if one[0] >= self._wanted]
        if not added:
            return
        directions = np.vstack([self.directions, [direction for _, direction in added]])
        zeros = np.append(self.zeros, np.array([count for count, _ in added]))
        order = np.argsort(-zeros, kind="stable")
        directions, zeros = directions[order], zeros[order]
        # the first of parallel ones is kept
        alike = np.abs(directions @ directions.T) > 1.0 - _PARALLEL
        first = alike.argmax(axis=1) == np.arange(len(directions))
        self.directions, self.zeros = directions[first][: self._most], zeros[first][: self._most]


def _sets(m: int, size: int, samples: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Random sets of rows, axes (samples, size): each shuffle of all rows is cut into as many as it holds."""
    cuts = m // size
    shuffles = -(-samples // cuts)
    shuffled = rng.permuted(np.tile(np.arange(m), (shuffles, 1)), axis=1)
    return np.asarray(shuffled[:, : cuts * size].reshape(-1, size)[:samples])
