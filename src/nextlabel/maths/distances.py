"""Euclidean distances: exact and reproducible to one point, or blocked between many."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.errors import SignalError
from nextlabel.maths.axes import Array, Embeddings, Sizes, checked, row_chunks
from nextlabel.maths.parameters import checked_number

__all__ = ["LANES", "checked_points", "squared_distance_blocks", "squared_distances_to"]

LANES = 32
"""Partial sums of a squared distance: feature j is added to lane j mod 32, and halves are added up."""

_BLOCK_BYTES = 1 << 25


def checked_points(values: ArrayLike, axes: str, name: str, sizes: Sizes | None = None) -> Array:
    """As `checked`, and the sum of all squared distances from one row fits into float64.

    Raises
    ------
    SignalError
        As `checked`; or values so large that the sum could overflow, from about 1e148 up.

    Notes
    -----
    No row is longer than all values of its chunk together, which one product of the chunk with itself tells,
    and no distance is longer than two rows. Float32 cannot overflow and costs nothing.

    Examples
    --------
    >>> checked_points([[0.0, 1e100]], "n d", "embedding").shape
    (1, 2)
    """
    array = checked(values, axes, name, sizes)
    if array.dtype == np.float32:
        return array
    for rows in row_chunks(array):
        chunk = array[rows].reshape(-1)
        with np.errstate(over="ignore"):
            total = 4.0 * len(array) * np.dot(chunk, chunk)
        if not np.isfinite(total):
            message = (
                f"Squared distances between rows of {name!r} must fit into float64; received values up to "
                f"{np.abs(chunk).max():g}. Scale {name!r} down, for example by its largest absolute value."
            )
            raise SignalError(message)
    return array


def squared_distances_to(points: Embeddings, point: Array) -> NDArray[np.float64]:
    """Squared distance of each point to one point, to the last bit as the compiled kernel computes it.

    Parameters
    ----------
    points : array of float, axes (n, d)
        The rows.
    point : array of float, axes (d,)
        The other end.

    Returns
    -------
    array of float64, axes (n,)
        Exactly 0 for a copy of the point.

    Raises
    ------
    SignalError
        Wrong axes, unequal widths, values that are not finite, or distances that overflow float64.

    Notes
    -----
    Σ (x − y)² in float64, feature j into partial sum j mod 32, then halves of the partial sums are added
    until one is left: an order of summation that vector units and NumPy can both keep, so that two
    implementations agree index for index. Time O(n·d), a few megabytes beside the input.

    Examples
    --------
    >>> squared_distances_to(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([0.0, 0.0])).tolist()
    [0.0, 25.0]
    """
    sizes: Sizes = {}
    points = checked_points(points, "n d", "points", sizes)
    point = checked_points(point, "d", "point", sizes)
    result = np.empty(len(points), np.float64)
    for rows in row_chunks(points, megabytes=0.5):
        result[rows] = _squared(points[rows], point)
    return result


def _squared(points: Array, point: Array) -> NDArray[np.float64]:
    squares = points.astype(np.float64) - point
    squares *= squares
    lanes = squares[:, :LANES]
    for start in range(LANES, squares.shape[1], LANES):
        more = squares[:, start : start + LANES]
        lanes[:, : more.shape[1]] += more
    half = LANES
    while (half := half // 2) > 0:
        if (above := lanes.shape[1] - half) > 0:  # lanes that no feature reaches are zero: left out
            lanes[:, :above] += lanes[:, half:]
            lanes = lanes[:, :half]
    total: NDArray[np.float64] = lanes[:, 0]
    return total


def squared_distance_blocks(
    points: Embeddings, others: Embeddings, *, megabytes: float = _BLOCK_BYTES / (1 << 20)
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Squared distances between all points and all others, some rows at a time.

    Parameters
    ----------
    points : array of float, axes (n, d)
        The rows of the blocks.
    others : array of float, axes (l, d)
        The columns of the blocks.
    megabytes : float
        About how large a block may be; at least one row is computed at once.

    Yields
    ------
    slice, array of float64, axes (rows, l)
        Which points, and their distances. Every block is new and may be written to.

    Raises
    ------
    SignalError
        Wrong axes, unequal widths, values that are not finite, or distances that overflow float64.
    ParameterError
        `megabytes` is not a number above 0.

    Notes
    -----
    ‖x − m‖² + ‖y − m‖² − 2⟨x − m, y − m⟩ in float64, where m is the mean of the others: a matrix product,
    many times faster than differences. What is below 8ε(‖x − m‖² + ‖y − m‖²) is rounding alone, and is
    given as 0. Time O(n·l·d), memory a block, its rows, and the others in float64.

    Examples
    --------
    >>> line = np.array([[0.0], [1.0], [3.0]])
    >>> [block.tolist() for _, block in squared_distance_blocks(line, line[:2])]
    [[[0.0, 1.0], [1.0, 0.0], [9.0, 4.0]]]
    """
    megabytes = checked_number(megabytes, "megabytes", above=0, advice="Give for example 32.")
    sizes: Sizes = {}
    points = checked_points(points, "n d", "points", sizes)
    others = checked_points(others, "l d", "others", sizes)
    if not len(others):
        yield slice(0, len(points)), np.empty((len(points), 0))
        return
    middle = others.mean(axis=0, dtype=np.float64)
    columns = others - middle
    of_column = np.einsum("ld,ld->l", columns, columns)
    step = max(1, int(megabytes * (1 << 20)) // (8 * max(len(others), points.shape[1])))
    for start in range(0, len(points), step):
        rows = slice(start, min(start + step, len(points)))
        chunk = points[rows] - middle
        scale = np.einsum("nd,nd->n", chunk, chunk)[:, None] + of_column
        block = chunk @ columns.T
        block *= -2.0
        block += scale
        scale *= 8.0 * np.finfo(np.float64).eps
        block[block < scale] = 0.0
        yield rows, block
