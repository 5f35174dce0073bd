"""Hermite polynomials under the standard normal law, and the coefficients of a function in them."""

from collections import Counter
from collections.abc import Callable
from itertools import combinations_with_replacement, permutations
from math import factorial, prod

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.maths.axes import Floats
from nextlabel.maths.parameters import checked_number, checked_whole

__all__ = ["hermite", "hermite_coefficients", "hermite_tensors"]


_REACH = 13.0  # the normal law beyond so many standard deviations weighs less than 1e-37
_PANELS = 26
_NODES = 40


def hermite(order: int, values: ArrayLike) -> Floats:
    """The polynomial He of an order: orthogonal to the others under the standard normal law.

    Parameters
    ----------
    order : int
        From 0.
    values : array of float
        Where it is evaluated.

    Returns
    -------
    array of float64, axes as given

    Raises
    ------
    ParameterError
        An order that is no whole number from 0 up.

    Notes
    -----
    He_0 = 1, He_1 = x, He_{p+1} = x·He_p − p·He_{p−1}; E[He_p(z)·He_q(z)] = p! where p = q, and 0 elsewhere.

    Examples
    --------
    >>> hermite(3, [1.0, 2.0]).tolist()
    [-2.0, 2.0]
    """
    order = checked_whole(order, "order", least=0)
    points = np.asarray(values, dtype=np.float64)
    before, now = np.zeros_like(points), np.ones_like(points)
    for lower in range(order):
        before, now = now, points * now - lower * before
    return now


def hermite_coefficients(function: Callable[[Floats], Floats], orders: int, *, scale: float = 1.0) -> Floats:
    """What a function has of each Hermite polynomial: E[function(scale·z)·He_p(z)] for standard normal z.

    A moment of order p of a network's gradient sees an item through the coefficient of order p of the
    activation, and sees nothing where it is 0.

    Parameters
    ----------
    function : callable
        Takes and returns an array of float64, axes (k,); smooth but for a kink or a step at 0.
    orders : int
        The highest order, from 0.
    scale : float
        The standard deviation of the argument, above 0.

    Returns
    -------
    array of float64, axes (orders + 1,)

    Raises
    ------
    ParameterError
        Orders or a scale out of range.

    Notes
    -----
    Integrating by parts p times, E[f(z)·He_p(z)] = E[f^(p)(z)]: the form in which Stein's identity brings it
    in. Gauss–Legendre nodes on panels of half a unit to both sides of 0, so that a function with a kink at 0
    is integrated as precisely as a smooth one: rounding, while the scale is moderate.

    Examples
    --------
    The rectifier: 1/2, 1/√(2π), 0 and −1/√(2π) in the orders 1 to 4:

    >>> found = hermite_coefficients(lambda x: np.maximum(x, 0.0), 4)
    >>> bool(np.allclose(found[1:], [0.5, (2 * np.pi) ** -0.5, 0.0, -((2 * np.pi) ** -0.5)]))
    True
    """
    orders = checked_whole(orders, "orders", least=0)
    scale = checked_number(scale, "scale", above=0, advice="Give 1 for weights of the standard normal law.")
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    width = _REACH / _PANELS
    ends = width * np.arange(_PANELS)
    right = (ends[:, None] + width * (nodes + 1.0) / 2.0).ravel()
    mass = np.tile(weights * width / 2.0, _PANELS) * np.exp(-(right**2) / 2.0) / np.sqrt(2.0 * np.pi)
    points, masses = np.concatenate([-right, right]), np.concatenate([mass, mass])
    values = np.asarray(function(scale * points), dtype=np.float64) * masses
    return np.array([values @ hermite(order, points) for order in range(orders + 1)])


def hermite_tensors(points: ArrayLike, values: ArrayLike, degree: int) -> tuple[Floats, ...]:
    """The tensors of a function's expansion in Hermite polynomials of several variables, by least squares.

    Parameters
    ----------
    points : array of float, axes (m, d)
        Drawn from about the standard normal law, more than there are coefficients.
    values : array of float, axes (m, k)
        The function's values there, of k functions at once.
    degree : int
        The highest degree fitted, from 0 to 3.

    Returns
    -------
    tuple of arrays of float64
        T_0, axes (k,), T_1, axes (d, k), T_2, axes (d, d, k), and so on: T_p estimates the mean of the p-th
        derivative.

    Raises
    ------
    ParameterError
        A degree that is not 0 to 3.

    Notes
    -----
    f(v) = Σ_p (1/p!) · T_p : He_p(v). Stein's identity gives T_p = E[f(v)·He_p(v)], and the plain mean of
    f·He_p over the points estimates it; least squares on all degrees up to the highest takes away the noise
    that the lower degrees would leave in it, which is most of it. Time O(m·n²) for n coefficients, of the
    order of d^degree / degree!.

    Examples
    --------
    >>> points = np.random.default_rng(0).standard_normal((50, 2))
    >>> tensors = hermite_tensors(points, points[:, :1] ** 2 + points[:, 1:], 2)
    >>> [np.round(one[..., 0], 6).tolist() for one in tensors]
    [1.0, [0.0, 1.0], [[2.0, 0.0], [0.0, 0.0]]]
    """
    degree = checked_whole(degree, "degree", least=0)
    checked_number(degree, "degree", most=3, advice="Higher degrees have too many coefficients.")
    rows = np.asarray(points, dtype=np.float64)
    wanted = np.asarray(values, dtype=np.float64)
    width = rows.shape[1]
    powers = [hermite(order, rows) for order in range(degree + 1)]
    terms = [
        Counter(term)
        for order in range(degree + 1)
        for term in combinations_with_replacement(range(width), order)
    ]
    features = np.ones((len(rows), len(terms)))
    for column, term in enumerate(terms):
        for axis, order in term.items():
            features[:, column] *= powers[order][:, axis]
    square = features.T @ features
    # a trace of damping: points may lie in fewer dimensions than they have
    square[np.diag_indices_from(square)] += 1e-10 * np.trace(square) / len(square)
    solved = np.linalg.solve(square, features.T @ wanted)
    tensors = [np.zeros((*[width] * order, wanted.shape[1])) for order in range(degree + 1)]
    for term, coefficients in zip(terms, solved, strict=True):
        scaled = coefficients * prod(factorial(order) for order in term.values())
        for place in set(permutations(term.elements())):
            tensors[term.total()][place] = scaled
    return tuple(tensors)
