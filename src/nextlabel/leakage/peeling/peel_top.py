"""The last layer's gradient of one item: what entered the layer, the loss's slope, and how noisy they are."""

from dataclasses import dataclass
from typing import final

import numpy as np
import scipy.linalg as sl

from nextlabel.maths.axes import Floats

__all__ = ["Noise", "Top", "top_of"]


_SUMMED = 3.0  # the rounding of a sum over that of a number


@final
@dataclass(frozen=True)
class Noise:
    """How far a message's numbers are off: by a share of each, and by an amount equal for all.

    Parameters
    ----------
    precision : float
        Of the numbers in which it was computed.
    share, amount : float
        Standard errors.
    """

    precision: float
    share: float
    amount: float

    def of(self, array: Floats) -> Floats:
        """The standard error of each number of an array.

        Notes
        -----
        A number that is a sum of larger ones is rounded as they are, so the root mean square of the array
        counts with each.
        """
        typical = np.sqrt((array**2).mean())
        return np.asarray(np.sqrt(self.share**2 * (array**2 + typical**2) + self.amount**2))


@final
@dataclass(frozen=True, eq=False)
class Top:
    """What the gradient of the last layer says of one item.

    Parameters
    ----------
    slope : array of float64, axes (c,)
        The gradient of the loss by the outputs.
    features : array of float64, axes (d,)
        What entered the layer.
    error : array of float64, axes (d,)
        The standard error of the features.
    noise : Noise
        Of the message.
    doubt : float
        The error of the slope, as a share of its length.
    remainder : float
        The second singular value over the first: near the precision for one item without noise.
    """

    slope: Floats
    features: Floats
    error: Floats
    noise: Noise
    doubt: float
    remainder: float


def top_of(weight: Floats, bias: Floats, precision: float) -> Top | None:
    """What the gradients by weight and bias of the last layer say of the one item behind them.

    Parameters
    ----------
    weight : array of float64, axes (c, d)
        The gradient by the weight.
    bias : array of float64, axes (c,)
        The gradient by the bias.
    precision : float
        The rounding of the message's numbers, as a share of each.

    Returns
    -------
    Top or None
        None where all of it is zero, or the bias's part of it.

    Notes
    -----
    Of one item the two together are the outer product of the slope and the features with a one behind them,
    and so are their first singular vectors. What the first leaves is noise; its squares are fitted
    as a share of the squared entries and an amount.

    Examples
    --------
    >>> slope, features = np.array([0.5, -0.5]), np.array([3.0, 1.0, 2.0])
    >>> top_of(np.outer(slope, features), slope, 1e-16).features.round(9).tolist()
    [3.0, 1.0, 2.0]
    """
    joined = np.column_stack([weight, bias])
    if not np.any(bias):
        return None
    left, singular, right = sl.svd(joined, full_matrices=False, check_finite=False)
    if singular[0] == 0.0 or right[0, -1] == 0.0:
        return None
    features = right[0, :-1] / right[0, -1]
    slope = left[:, 0] * singular[0] * right[0, -1]
    noise = _noise(joined, np.outer(slope, np.append(features, 1.0)), precision)
    length = float(np.linalg.norm(slope))
    errors = noise.of(joined)
    # a feature is a mean of its column, weighted by the slope, which has the error of the last column
    spread = np.sqrt((slope**2) @ (errors**2)) / length**2
    error = np.hypot(spread[:-1], np.abs(features) * spread[-1])
    doubt = float(np.linalg.norm(errors[:, -1]) / length) / np.sqrt(1.0 + float(features @ features))
    remainder = float(singular[1] / singular[0]) if len(singular) > 1 else 0.0
    # the features were themselves computed with rounding, of sums of many terms
    floor = _SUMMED * precision * max(float(np.sqrt((features**2).mean())), precision)
    return Top(
        slope,
        features,
        np.maximum(error, floor),
        noise,
        float(np.hypot(doubt, _SUMMED * precision)),
        remainder,
    )


def _noise(joined: Floats, explained: Floats, precision: float) -> Noise:
    # the squares left over, as b0 + b1 times the squares explained; neither may be negative
    left, size = (joined - explained).ravel() ** 2, explained.ravel() ** 2
    unit = float(size.mean())
    if unit == 0.0:
        return Noise(precision, precision, 0.0)
    columns = np.column_stack([np.full_like(size, unit), size]) / unit
    # relative weights, so that the small entries tell the amount
    weight = 1.0 / (size / unit + 0.1)
    found = _nonnegative(columns * weight[:, None], left * weight)
    share, amount = np.sqrt(found[1] / unit), np.sqrt(found[0])
    is_rounding = np.hypot(amount / np.sqrt(unit), share) < 8.0 * precision
    return (
        Noise(precision, precision, 0.0) if is_rounding else Noise(precision, max(share, precision), amount)
    )


def _nonnegative(columns: Floats, target: Floats) -> Floats:
    """Least squares of two unknowns, neither below 0: the best of the one free and two bound solutions."""
    normal, right = columns.T @ columns, columns.T @ target
    bound = np.maximum(right / np.diagonal(normal), 0.0)
    best = 0 if right[0] * bound[0] >= right[1] * bound[1] else 1
    found = np.where(np.arange(2) == best, bound, 0.0)
    determinant = normal[0, 0] * normal[1, 1] - normal[0, 1] ** 2
    if determinant > 1e-12 * normal[0, 0] * normal[1, 1]:
        free = np.linalg.solve(normal, right)
        return np.asarray(free) if (free >= 0.0).all() else found
    return found
