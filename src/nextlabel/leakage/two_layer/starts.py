"""Where to begin looking for the items of a two-layer gradient: at tensors of moments, and at random."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from math import comb
from typing import final

import numpy as np

from nextlabel.leakage.two_layer.fit import Guess, Reduced
from nextlabel.maths.axes import Floats
from nextlabel.maths.hermite import hermite_coefficients, hermite_tensors
from nextlabel.maths.tensors import (
    alternated,
    common_directions,
    power_directions,
    symmetrised,
    weights_along,
)

__all__ = ["starts"]


_SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the inputs of hidden units, as standard deviations
_LEAST_HEAD = 0.1  # of the usual weight of the head: units with less tell little when divided by it
_MOST_TERMS = 1_000
_FEW = 6
_LEAST_COEFFICIENT = 0.02  # of the largest: a tensor of such an order is noise


def starts(problem: Reduced, rng: np.random.Generator) -> Iterator[Guess]:
    """Guesses without end, in turn from tensors of moments and at random.

    Parameters
    ----------
    problem : Reduced
        The message; its weights have about unit covariance.
    rng : numpy.random.Generator

    Yields
    ------
    Guess

    Notes
    -----
    With v ~ N(0, 1) in b dimensions, H(v) = Σ_i r_i·s(v·u_i) has the derivative G(v) = Σ_i r_i·s'(v·u_i)·u_i,
    which the hidden gradient tells at the weight of every unit. Its Hermite tensors are
    Σ_i r_i·E[s^(p)(v·u_i)]·u_i^{⊗p}: of order p = 3 from the second degree of G, and p = 2 and 4 from the
    first and third. Directions are those in which two slices of order 3, or one of order 2 and one of order
    4, are diagonal at once; those of order 3 are then improved by alternating least squares. Orders in which
    the activation's own coefficient vanishes hold noise only, and are left out. With several outputs, the
    head's gradient gives one tensor of order 2 and one of order 3 for each.
    """
    families = _families(problem)
    width = problem.weights.shape[1]
    for turn in count():
        # at random items are found while they are few
        if families and (turn % 2 == 0 or (turn % 4 == 1 and width > _FEW)):
            directions = _common(families[turn // 2 % len(families)], rng)
        else:
            directions = rng.standard_normal((width, width))
        yield _scaled(problem, directions / np.linalg.norm(directions, axis=1, keepdims=True))


@final
@dataclass(frozen=True, eq=False)
class _Family:
    """Matrices that the items make diagonal at once; those of one tensor come with it."""

    slices: Floats
    cube: Floats | None = None


def _families(problem: Reduced) -> list[_Family]:
    units, width = problem.weights.shape
    present = np.abs(hermite_coefficients(problem.activation, 4)[2:])
    even, odd, fourth = present > _LEAST_COEFFICIENT * present.max()
    told = np.arange(units)
    if len(problem.head) == 1:
        usual = np.sqrt((problem.head**2).mean())
        told = np.flatnonzero(np.abs(problem.head[0]) > _LEAST_HEAD * usual)
    degree = _degree(width, len(told))
    if degree < 2:
        return []
    if len(problem.head) > 1:
        tensors = hermite_tensors(problem.weights, problem.head_gradient, degree)
        found = [_Family(np.moveaxis(tensors[2], -1, 0))] if even else []
        if degree == 3 and odd:
            found.append(_Family(np.moveaxis(tensors[3], -1, 0).reshape(-1, width, width)))
        return found
    along = problem.hidden_gradient[told] / problem.head[0, told, None]
    tensors = hermite_tensors(problem.weights[told], along, degree)
    cube = symmetrised(tensors[2])
    found = [_Family(cube, cube)] if odd else []
    if degree == 3 and even and fourth:
        lower, upper = tensors[1], np.einsum("pqql->pl", tensors[3])
        # scaled to one length: their mixture is drawn at random
        both = [(one + one.T) / np.linalg.norm(one) for one in (lower, upper)]
        found.append(_Family(np.array(both)))
    return found


def _degree(width: int, units: int) -> int:
    """The highest degree of which there are few enough coefficients to fit."""
    for degree in (3, 2):
        if comb(width + degree, degree) <= min(units / 2, _MOST_TERMS):
            return degree
    return 1


def _common(family: _Family, rng: np.random.Generator) -> Floats:
    first, second = np.tensordot(rng.standard_normal((2, len(family.slices))), family.slices, 1)
    cube = family.cube
    if cube is None:
        return common_directions(first, second)
    # two ways in: slices bear items that are alike, and powers bear noise
    tried = [
        alternated(cube, common_directions(first, second)),
        alternated(cube, power_directions(cube, len(cube), rng)),
    ]
    left = [weights_along(cube, directions)[1] for directions in tried]
    return tried[int(np.argmin(left))]


def _scaled(problem: Reduced, directions: Floats) -> Guess:
    """Directions at the length, and with the signs and shares, that explain the head's gradient best."""
    best, least = (directions, directions[:, :0]), np.inf
    for scale in _SCALES:
        items = scale * directions
        if problem.free == "nothing" and problem.activation.odd_about is None:
            items = _turned(problem, items)
        shares, left = _shares(problem, items)
        if left < least:
            best, least = (items, shares), left
    return Guess(*best, np.zeros((len(problem.head), problem.freedom)))


def _shares(problem: Reduced, items: Floats) -> tuple[Floats, float]:
    values = problem.activation(problem.weights @ items.T)
    more = {"nothing": [], "constant": [np.ones((len(values), 1))], "linear": [problem.weights]}[problem.free]
    features = np.hstack([values, *more])
    solved = np.linalg.lstsq(features, problem.head_gradient, rcond=1e-10)[0]
    left = float(np.linalg.norm(features @ solved - problem.head_gradient))
    return np.asarray(solved[: len(items)]), left


def _turned(problem: Reduced, items: Floats) -> Floats:
    """Each item with the sign that has the larger share where both are offered."""
    both = np.vstack([items, -items])
    shares, _ = _shares(problem, both)
    sizes = np.linalg.norm(shares, axis=1).reshape(2, -1)
    return np.where((sizes[1] > sizes[0])[:, None], -items, items)
