"""Hyperbolic space as the Poincaré ball: maps to and from tangents, sums, and distances.

Of curvature −c the ball has the radius 1/√c: a point x is √c·x in the unit ball, and distances are those
there divided by √c. Everything is computed in the unit ball, in float64, from differences of coordinates,
so that near points keep their distance also close to the rim.
"""

import warnings
from collections.abc import Iterator
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import SignalError
from nextlabel.maths.axes import Array, Embeddings, Sizes, checked, row_chunks
from nextlabel.maths.parameters import checked_number

__all__ = [
    "OUTERMOST",
    "Geometry",
    "OnTheRim",
    "checked_curvature",
    "exp_at",
    "exp_origin",
    "in_unit_ball",
    "log_at",
    "log_origin",
    "mobius_sum",
    "poincare_blocks",
    "poincare_to",
]

Geometry = Literal["euclidean", "hyperbolic", "ball"]
"""Features as they are; mapped into the ball by exp₀; or points of the ball already."""

OUTERMOST = 1.0 - 1e-5
"""The largest length of a point in the unit ball; what lies farther out is pulled back to it."""

_TOLERATED = 1e-3  # how far beyond the rim rounding may have put a point
_BLOCK_MEGABYTES = 32.0

_Points = NDArray[np.float64]


@final
class OnTheRim(RuntimeWarning):
    """Most features are so long that only their directions are left in the ball."""


def checked_curvature(curvature: float, of: str = "") -> float:
    """The curvature c of the space of curvature −c: a number above 0.

    Raises
    ------
    ParameterError
        Anything else.

    Examples
    --------
    >>> checked_curvature(1)
    1.0
    """
    return checked_number(curvature, "curvature", above=0, of=of, advice="Use 1.0.")


def in_unit_ball(
    features: Embeddings,
    name: str,
    *,
    geometry: Geometry = "hyperbolic",
    curvature: float = 1.0,
    sizes: Sizes | None = None,
) -> _Points:
    """Features as points of the unit ball, not farther out than 1 − 1e-5.

    Parameters
    ----------
    features : array of float, axes (n, d)
        Any vectors, which exp₀ maps into the ball; or with ``geometry="ball"`` points of the ball of radius
        1/√curvature.
    name : str
        How errors call the array.
    geometry : {"hyperbolic", "ball"}
        What the features are.
    curvature : float
        c of the space of curvature −c, above 0.
    sizes : dict, optional
        What each axis letter has measured so far; extended.

    Returns
    -------
    array of float64, axes (n, d)

    Raises
    ------
    SignalError
        Wrong axes or sizes, values that are not finite, or a point outside the ball.

    Warns
    -----
    OnTheRim
        More than half of the vectors are longer than 6.1/√curvature and had to be pulled back.

    Notes
    -----
    exp₀(v) = tanh(√c·‖v‖)·v/(√c·‖v‖). Time O(n·d), memory two float64 copies.

    Examples
    --------
    >>> in_unit_ball(np.array([[0.5, 0.0], [0.0, 0.0]]), "embedding").round(4).tolist()
    [[0.4621, 0.0], [0.0, 0.0]]
    """
    vectors = checked(features, "n d", name, sizes).astype(np.float64)
    unit, length = _polar(vectors)
    with np.errstate(over="ignore"):  # a length beyond float64 is on the rim all the same
        length = length * np.sqrt(curvature)
    if geometry == "ball" and length.max(initial=0.0) > 1.0 + _TOLERATED:
        row = int(length.argmax())
        message = (
            f"Rows of {name!r} must be points of the ball of radius {1.0 / np.sqrt(curvature):.4g}; the row "
            f"at {row} has the length {length[row] / np.sqrt(curvature):.4g}. Use geometry='hyperbolic', "
            "which maps any features into the ball, or lower 'curvature'."
        )
        raise SignalError(message)
    radius = length if geometry == "ball" else np.tanh(length)
    beyond = int((radius > OUTERMOST).sum())
    if geometry != "ball" and 2 * beyond > len(radius):
        message = (
            f"{beyond} of {len(radius)} rows of {name!r} lie so far out that only their directions are left "
            f"in the ball: with curvature {curvature:.4g}, features longer than "
            f"{np.arctanh(OUTERMOST) / np.sqrt(curvature):.3g}. Scale them down, or lower 'curvature'."
        )
        warnings.warn(message, OnTheRim, stacklevel=2)
    points: _Points = unit * np.minimum(radius, OUTERMOST)[:, None]
    return points


def exp_origin(vectors: Embeddings, *, curvature: float = 1.0) -> _Points:
    """Where geodesics from the origin arrive: exp₀(v) = tanh(√c·‖v‖)·v/(√c·‖v‖).

    Parameters
    ----------
    vectors : array of float, axes (n, d)
        Tangents at the origin, in the coordinates of the ball: the distance covered is 2·‖v‖.
    curvature : float
        c of the space of curvature −c, above 0.

    Returns
    -------
    array of float64, axes (n, d)
        In the open ball of radius 1/√c, up to rounding; nothing is pulled back.

    Examples
    --------
    >>> exp_origin(np.array([[np.arctanh(0.5)]])).round(12).tolist()
    [[0.5]]
    """
    root = np.sqrt(checked_curvature(curvature))
    unit, length = _polar(checked(vectors, "n d", "vectors").astype(np.float64))
    points: _Points = unit * (np.tanh(root * length) / root)[:, None]
    return points


def log_origin(points: Embeddings, *, curvature: float = 1.0) -> _Points:
    """The tangents at the origin that lead to points: log₀(x) = artanh(√c·‖x‖)·x/(√c·‖x‖).

    Parameters
    ----------
    points : array of float, axes (n, d)
        Of the open ball of radius 1/√curvature.
    curvature : float
        c of the space of curvature −c, above 0.

    Returns
    -------
    array of float64, axes (n, d)

    Examples
    --------
    >>> log_origin(exp_origin(np.array([[0.3, 0.4]]))).round(12).tolist()
    [[0.3, 0.4]]
    """
    root = np.sqrt(checked_curvature(curvature))
    unit, length = _polar(checked(points, "n d", "points").astype(np.float64))
    vectors: _Points = unit * (np.arctanh(root * length) / root)[:, None]
    return vectors


def mobius_sum(left: Embeddings, right: Embeddings, *, curvature: float = 1.0) -> _Points:
    """Möbius addition x ⊕ y, row by row: y as seen after the origin has moved to x.

    Parameters
    ----------
    left, right : array of float, axes (n, d)
        Points of the ball of radius 1/√curvature; one row goes with all rows of the other.
    curvature : float
        c of the space of curvature −c, above 0.

    Returns
    -------
    array of float64, axes (n, d)

    Notes
    -----
    ((1 + 2⟨x, y⟩ + ‖y‖²)·x + (1 − ‖x‖²)·y) / (1 + 2⟨x, y⟩ + ‖x‖²‖y‖²) in the unit ball, written with x + y so
    that −x ⊕ y is exact for near points. For fixed x an isometry.

    References
    ----------
    Ganea, Bécigneul, Hofmann. Hyperbolic neural networks. NeurIPS 2018. Equations 3, 10 and 11.

    Examples
    --------
    >>> mobius_sum(np.array([[0.5]]), np.array([[0.5]])).tolist()
    [[0.8]]
    """
    root = np.sqrt(checked_curvature(curvature))
    x, y = root * np.asarray(left, np.float64), root * np.asarray(right, np.float64)
    together = x + y
    square = _squares(together)
    near, far = _depth(x), _depth(y)
    moved: _Points = (near * together + square * x) / (square + near * far) / root
    return moved


def exp_at(base: Embeddings, vectors: Embeddings, *, curvature: float = 1.0) -> _Points:
    """Where geodesics from points arrive, row by row.

    Parameters
    ----------
    base : array of float, axes (n, d)
        Points of the ball of radius 1/√curvature.
    vectors : array of float, axes (n, d)
        Tangents there, in the coordinates of the ball: the distance covered is 2·‖v‖/(1 − c‖x‖²).
    curvature : float
        c of the space of curvature −c, above 0.

    Returns
    -------
    array of float64, axes (n, d)

    Examples
    --------
    >>> base, point = np.array([[0.3, 0.1]]), np.array([[-0.2, 0.7]])
    >>> exp_at(base, log_at(base, point)).round(12).tolist()
    [[-0.2, 0.7]]
    """
    root = np.sqrt(checked_curvature(curvature))
    base = np.asarray(base, np.float64)
    unit, length = _polar(np.asarray(vectors, np.float64))
    step = unit * (np.tanh(root * length[:, None] / _depth(root * base)) / root)
    return mobius_sum(base, step, curvature=curvature)


def log_at(base: Embeddings, points: Embeddings, *, curvature: float = 1.0) -> _Points:
    """The tangents at points that lead to other points, row by row.

    Parameters
    ----------
    base, points : array of float, axes (n, d)
        Points of the ball of radius 1/√curvature; one row goes with all rows of the other.
    curvature : float
        c of the space of curvature −c, above 0.

    Returns
    -------
    array of float64, axes (n, d)
        In the coordinates of the ball, see `exp_at`.

    Examples
    --------
    >>> log_at(np.array([[0.0]]), np.array([[0.5]])).round(6).tolist()
    [[0.549306]]
    """
    root = np.sqrt(checked_curvature(curvature))
    start, end = root * np.asarray(base, np.float64), root * np.asarray(points, np.float64)
    unit, _ = _polar(mobius_sum(-start, end))
    depth = _depth(start)
    half = np.arcsinh(np.sqrt(_squares(end - start) / (depth * _depth(end))))
    vectors: _Points = unit * half * depth / root
    return vectors


def poincare_to(points: _Points, point: Array) -> NDArray[np.float64]:
    """Distances from one point, all in the unit ball.

    Parameters
    ----------
    points : array of float64, axes (n, d)
        Of the unit ball.
    point : array of float64, axes (d,)
        The other end.

    Returns
    -------
    array of float64, axes (n,)
        Exactly 0 for a copy of the point.

    Notes
    -----
    arcosh(1 + 2δ) with δ = ‖x − y‖²/((1 − ‖x‖²)(1 − ‖y‖²)), computed as 2·arsinh(√δ), which loses nothing
    for near points. Time O(n·d).

    Examples
    --------
    >>> poincare_to(np.array([[0.5, 0.0], [0.0, 0.0]]), np.zeros(2)).round(4).tolist()
    [1.0986, 0.0]
    """
    distances: NDArray[np.float64] = next(block for _, block in poincare_blocks(point[None], points))[0]
    return distances


def poincare_blocks(points: _Points, others: _Points) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Distances between all points and all others, some rows at a time, all in the unit ball.

    Parameters
    ----------
    points : array of float64, axes (n, d)
        The rows of the blocks.
    others : array of float64, axes (l, d)
        The columns of the blocks.

    Yields
    ------
    slice, array of float64, axes (rows, l)
        Which points, and their distances. Every block is new and may be written to.

    Notes
    -----
    From the differences of coordinates, not by a matrix product: close to the rim the rounding of a product
    would be larger than the distance of near points. Time O(n·l·d), memory a block of 32 megabytes.

    Examples
    --------
    >>> line = np.array([[0.0], [0.5]])
    >>> [block.round(4).tolist() for _, block in poincare_blocks(line, line)]
    [[[0.0, 1.0986], [1.0986, 0.0]]]
    """
    from scipy.spatial.distance import cdist

    of_column = _depth(others)[:, 0]
    share = points.shape[1] / max(1, len(others))
    for rows in row_chunks(points, megabytes=_BLOCK_MEGABYTES * share):
        block = cdist(points[rows], others, "sqeuclidean")
        block /= _depth(points[rows]) * of_column
        yield rows, 2.0 * np.arcsinh(np.sqrt(block))


def _polar(vectors: _Points) -> tuple[_Points, NDArray[np.float64]]:
    """Directions and lengths; no square leaves its range, and a row of zeros has no direction."""
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    unit = vectors / np.where(largest > 0.0, largest, 1.0)
    length = np.linalg.norm(unit, axis=1, keepdims=True)
    unit /= np.where(length > 0.0, length, 1.0)
    with np.errstate(over="ignore"):
        return unit, (length * largest)[:, 0]


def _squares(vectors: _Points) -> _Points:
    squares: _Points = np.einsum("nd,nd->n", vectors, vectors)[:, None]
    return squares


def _depth(points: _Points) -> _Points:
    """1 − ‖x‖², axes (n, 1), as a product that keeps its digits near the rim."""
    length = np.sqrt(_squares(points))
    return (1.0 - length) * (1.0 + length)
