"""Cosine similarity of items that are given by one factor, or by several whose outer product they are.

The cosine of two outer products is the product of the cosines of their factors:
⟨a⊗x, b⊗y⟩ / (‖a⊗x‖·‖b⊗y‖) = ⟨a, b⟩/(‖a‖·‖b‖) · ⟨x, y⟩/(‖x‖·‖y‖). So no product is ever written out.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Array, Positions, checked
from nextlabel.maths.directions import directions

__all__ = [
    "Directions",
    "alignment",
    "cosines",
    "factor_directions",
    "largest_cosines",
    "similarity_blocks",
    "taken",
    "total_cosines",
    "width",
]

Directions = tuple[NDArray[np.float64], ...]
"""Factors with rows of length one, or zero, each of axes (n, features of its own)."""

_BLOCK_BYTES = 1 << 25


def factor_directions(*factors: Array) -> Directions:
    """Each factor with its rows scaled to length one; a row of zeros has no direction and stays.

    Parameters
    ----------
    *factors : array of float, axes (n, d)
        Over the same items; their widths may differ.

    Returns
    -------
    tuple of array of float64, axes (n, d)

    Raises
    ------
    SignalError
        Wrong axes, or values that are not finite.

    Notes
    -----
    Time O(n·d); memory two float64 copies at most.

    Examples
    --------
    >>> factor_directions(np.array([[3.0, 4.0], [0.0, 0.0]]))[0].tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    checks = (checked(factor, "n d", "features") for factor in factors)
    return tuple(directions(factor.astype(np.float64, copy=False), "features") for factor in checks)


def cosines(items: Directions, others: Directions) -> NDArray[np.float64]:
    """Cosine of every item with every other; 0 where either has no direction.

    Parameters
    ----------
    items, others : Directions
        With as many factors of the same widths.

    Returns
    -------
    array of float64, axes (n, l)
        Between −1 and 1, up to rounding.

    Notes
    -----
    Time O(n·l·d); memory the result, twice where there are two factors.

    Examples
    --------
    >>> east = factor_directions(np.array([[1.0, 0.0]]))
    >>> cosines(east, factor_directions(np.array([[1.0, 0.0], [-2.0, 0.0]]))).tolist()
    [[1.0, -1.0]]
    """
    result: NDArray[np.float64] = items[0] @ others[0].T
    for left, right in zip(items[1:], others[1:], strict=True):
        result *= left @ right.T
    return result


def similarity_blocks(
    items: Directions, others: Directions, *, megabytes: float = _BLOCK_BYTES / (1 << 20)
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Cosines of all items with all others, some rows at a time.

    Parameters
    ----------
    items, others : Directions
        With as many factors of the same widths.
    megabytes : float
        About how large a block may be; at least one row is computed at once.

    Yields
    ------
    slice, array of float64, axes (rows, l)
        Which items, and their cosines. Every block is new and may be written to.

    Notes
    -----
    Time O(n·l·d); memory a block, twice where there are two factors.

    Examples
    --------
    >>> line = factor_directions(np.array([[1.0], [-1.0]]))
    >>> [block.tolist() for _, block in similarity_blocks(line, line)]
    [[[1.0, -1.0], [-1.0, 1.0]]]
    """
    n, step = len(items[0]), max(1, int(megabytes * (1 << 20)) // (8 * max(1, len(others[0]))))
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        yield rows, cosines(taken(items, rows), others)


def total_cosines(items: Directions, others: Directions) -> NDArray[np.float64]:
    """Sum over the others of the cosine with each item, negative cosines counted as 0.

    Parameters
    ----------
    items, others : Directions
        With as many factors of the same widths.

    Returns
    -------
    array of float64, axes (n,)
        Zero where there are no others.

    Notes
    -----
    Time O(n·l·d) in blocks.

    Examples
    --------
    >>> line = factor_directions(np.array([[1.0], [-1.0], [2.0]]))
    >>> total_cosines(line, line).tolist()
    [2.0, 1.0, 2.0]
    """
    result = np.zeros(len(items[0]))
    for rows, block in similarity_blocks(items, others):
        result[rows] = np.maximum(block, 0.0, out=block).sum(axis=1)
    return result


def largest_cosines(items: Directions, others: Directions) -> NDArray[np.float64]:
    """The largest cosine of each item with any of the others, and no less than 0.

    Parameters
    ----------
    items, others : Directions
        With as many factors of the same widths.

    Returns
    -------
    array of float64, axes (n,)
        Zero where there are no others.

    Notes
    -----
    Time O(n·l·d) in blocks.

    Examples
    --------
    >>> line = factor_directions(np.array([[1.0], [-1.0]]))
    >>> largest_cosines(line, factor_directions(np.array([[5.0]]))).tolist()
    [1.0, 0.0]
    """
    result = np.zeros(len(items[0]))
    for rows, block in similarity_blocks(items, others):
        result[rows] = block.max(axis=1, initial=0.0)
    return result


def alignment(items: Directions) -> NDArray[np.float64]:
    """Mean over all items of the cosine with each: how near an item is to the middle of all.

    Parameters
    ----------
    items : Directions
        One factor, or two.

    Returns
    -------
    array of float64, axes (n,)

    Notes
    -----
    The mean of the (outer products of the) directions is taken first: time O(n·d) for one factor of width d,
    O(n·c·d) for two of widths c and d. Negative cosines count as they are.

    Examples
    --------
    >>> alignment(factor_directions(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))).round(3).tolist()
    [0.667, 0.333, 0.667]
    """
    n = max(1, len(items[0]))
    if len(items) == 1:
        return np.asarray(items[0] @ (items[0].sum(axis=0) / n))
    first, second = items
    return np.asarray(np.einsum("nd,nd->n", first @ (first.T @ second / n), second))


def taken(items: Directions, positions: Positions | NDArray[np.bool_] | slice) -> Directions:
    """The directions of some of the items.

    Examples
    --------
    >>> taken(factor_directions(np.array([[1.0], [-2.0]])), np.array([1]))[0].tolist()
    [[-1.0]]
    """
    return tuple(factor[positions] for factor in items)


def width(items: Directions) -> int:
    """How many numbers describe an item.

    Examples
    --------
    >>> width(factor_directions(np.ones((5, 2)), np.ones((5, 3))))
    5
    """
    return sum(int(factor.shape[1]) for factor in items)
