"""The true mean of points in hyperbolic space: where the sum of squared distances is smallest."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.errors import ConvergenceError, SignalError
from nextlabel.maths.axes import Embeddings, Sizes, checked
from nextlabel.maths.hyperbolic import checked_curvature, exp_at, in_unit_ball
from nextlabel.maths.parameters import checked_number, checked_whole

__all__ = ["frechet_mean", "frechet_means"]

_STEP = 1e-9
_STEPS = 10_000

_Points = NDArray[np.float64]


def frechet_mean(
    points: Embeddings,
    *,
    weights: ArrayLike | None = None,
    curvature: float = 1.0,
    steps: int = _STEPS,
) -> _Points:
    """The point of smallest Σ w·d² to the points of the Poincaré ball.

    Parameters
    ----------
    points : array of float, axes (n, d)
        Of the ball of radius 1/√curvature; at least one.
    weights : array of float, axes (n,), optional
        Not negative, and not all zero; equal when left out.
    curvature : float
        c of the space of curvature −c, above 0.
    steps : int
        After so many steps without an end, the search is given up.

    Returns
    -------
    array of float64, axes (d,)

    Raises
    ------
    SignalError
        No point, a point outside the ball, weights that are negative or all zero, or of another number.
    ParameterError
        A curvature that is not above 0, or steps below 1.
    ConvergenceError
        The steps were too few.

    Notes
    -----
    As `frechet_means`, for one group.

    Examples
    --------
    >>> frechet_mean(np.array([[0.6, 0.0], [-0.6, 0.0], [0.0, 0.3], [0.0, -0.3]])).round(12).tolist()
    [0.0, 0.0]
    """
    curvature = checked_curvature(curvature)
    sizes: Sizes = {}
    inside = in_unit_ball(points, "points", geometry="ball", curvature=curvature, sizes=sizes)
    given = np.ones(len(inside)) if weights is None else checked(weights, "n", "weights", sizes)
    if not len(inside) or given.min() < 0.0 or given.max() == 0.0:
        received = f"{len(inside)} points and weights that sum to {given.sum():g}"
        if len(inside):
            received += f", from {given.min():g} up"
        message = (
            f"A mean needs at least one point, and weights that are not negative, one of them above 0; "
            f"received {received}. Give other points or weights."
        )
        raise SignalError(message)
    mean = frechet_means(
        inside, np.zeros(len(inside), np.int64), weights=given.astype(np.float64), steps=steps
    )
    return np.asarray(mean[0] / np.sqrt(curvature))


def frechet_means(
    points: _Points,
    groups: NDArray[np.int64],
    *,
    weights: _Points | None = None,
    start: _Points | None = None,
    tolerance: float = _STEP,
    steps: int = _STEPS,
) -> _Points:
    """The Fréchet mean of each group of points, all in the unit ball.

    Parameters
    ----------
    points : array of float64, axes (n, d)
        Of the unit ball.
    groups : array of int64, axes (n,)
        The group of each point, from 0 without gaps.
    weights : array of float64, axes (n,), optional
        Not negative, and not all zero in any group; equal when left out.
    start : array of float64, axes (groups, d), optional
        Where the search begins; at the centroids on the hyperboloid when left out.
    tolerance : float
        Above 0: the end is reached where the step of Karcher's flow is shorter.
    steps : int
        After so many steps without an end, the search is given up.

    Returns
    -------
    array of float64, axes (groups, d)

    Raises
    ------
    ConvergenceError
        The steps were too few.

    Notes
    -----
    Karcher's flow m ← exp_m(t·g), g = Σ w·log_m(x) / Σ w, from the centroid on the hyperboloid, which is an
    approximation of the mean and no more, until ‖g‖ is below the tolerance. The mean is unique.

    Departs from the flow with t = 1, which swings for ever between points far apart: along the sphere
    around x, half the squared distance d² bends as d·coth d, so a step of 1 overshoots once the mean of that
    is above 2. Here t = 2 / (1 + Σ w·d·coth d / Σ w), and half of it as often as the gradient has
    not become shorter.

    Time O(n·d) a step, for groups that have not reached their end; about ten steps for points within a
    distance of 2, a few hundred for points along the rim. Memory a few copies of the points.

    References
    ----------
    Karcher. Riemannian center of mass and mollifier smoothing. Communications on Pure and Applied
    Mathematics 30, 1977.

    Examples
    --------
    >>> line = np.array([[0.0], [0.8], [-0.3]])
    >>> frechet_means(line, np.array([0, 0, 1])).round(12).tolist()
    [[0.5], [-0.3]]
    """
    tolerance = checked_number(tolerance, "tolerance", above=0, advice="Use 1e-9.")
    steps = checked_whole(steps, "steps", least=1)
    count = int(groups.max()) + 1
    weights = np.ones(len(points)) if weights is None else weights
    weights = weights / np.bincount(groups, weights=weights, minlength=count)[groups]
    means = _centroids(points, groups, weights, count) if start is None else start.copy()
    gradient, bend = _gradients(means, points, groups, weights, count)
    length = np.linalg.norm(gradient, axis=1)
    damping = np.ones(count)
    for _ in range(steps):
        open_ones = length > tolerance
        if not open_ones.any():
            return means
        kept = open_ones[groups]
        name = np.cumsum(open_ones) - 1
        rates = 2.0 * damping[open_ones] / (1.0 + bend[open_ones])
        tried = _along(means[open_ones], gradient[open_ones] * rates[:, None])
        slope, curve = _gradients(tried, points[kept], name[groups[kept]], weights[kept], len(tried))
        shorter = np.linalg.norm(slope, axis=1)
        better = shorter < length[open_ones]
        at = np.flatnonzero(open_ones)
        damping[at] = np.where(better, np.minimum(2.0 * damping[at], 1.0), damping[at] / 2.0)
        at = at[better]
        means[at], gradient[at] = tried[better], slope[better]
        bend[at], length[at] = curve[better], shorter[better]
    message = (
        f"The mean of points in the ball must be reached within {steps} steps; received points whose next "
        f"step is {length.max():.3g} long and not below {tolerance:g}. Allow more steps, or pull the points "
        "in."
    )
    raise ConvergenceError(message)


def _gradients(
    means: _Points, points: _Points, groups: NDArray[np.int64], weights: _Points, count: int
) -> tuple[_Points, _Points]:
    """Σ w·log_m(x) of each group, in lengths of the space, and the largest bend of Σ w·d²/2."""
    depth = _depth(means)[groups]
    gap = points - means[groups]
    square = np.einsum("nd,nd->n", gap, gap)
    product = depth * _depth(points)
    distance = 2.0 * np.arcsinh(np.sqrt(square / product))
    is_small = distance < 1e-4  # where d·coth d is 1, to the rounding of what it is used for
    bent = np.where(is_small, 1.0, distance / np.tanh(np.where(is_small, 1.0, distance)))
    # (1 − ‖m‖²)(x − m) − ‖x − m‖²·m points along log_m(x), and is so long
    length = np.tanh(distance / 2.0) * (square + product)
    share = weights * distance / np.where(length > 0.0, length, 1.0)
    scaled = np.column_stack([(depth * share)[:, None] * gap, share * square, weights * bent])
    total = _totals(scaled, groups, count)
    return total[:, :-2] - total[:, -2:-1] * means, total[:, -1]


def _along(means: _Points, steps: _Points) -> _Points:
    return exp_at(means, steps * _depth(means)[:, None] / 2.0)


def _depth(points: _Points) -> _Points:
    """1 − ‖x‖², as a product that keeps its digits near the rim."""
    length = np.sqrt(np.einsum("nd,nd->n", points, points))
    depth: _Points = (1.0 - length) * (1.0 + length)
    return depth


def _centroids(points: _Points, groups: NDArray[np.int64], weights: _Points, count: int) -> _Points:
    """The weighted sums of points of the hyperboloid, brought back to it: where the flow begins."""
    square = np.einsum("nd,nd->n", points, points)
    heights = weights * (1.0 + square) / (1.0 - square)
    sums = _totals(
        np.column_stack([heights[:, None] * points * (2.0 / (1.0 + square))[:, None], heights]), groups, count
    )
    klein = sums[:, :-1] / sums[:, -1:]
    centroids: _Points = (
        klein / (1.0 + np.sqrt(np.maximum(1.0 - np.einsum("nd,nd->n", klein, klein), 0.0)))[:, None]
    )
    return centroids


def _totals(rows: _Points, groups: NDArray[np.int64], count: int) -> _Points:
    from scipy.sparse import csr_array

    n = len(rows)
    members = csr_array((np.ones(n), (groups, np.arange(n))), shape=(count, n))
    return np.asarray(members @ rows)
