"""The features behind a gradient embedding: the scales and labels at which the model would send it."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_softmax

from nextlabel.leakage.closed_forms.dense_layers import Dense
from nextlabel.leakage.precisions import step_of
from nextlabel.maths.axes import Floats

__all__ = ["Explanation", "Rounding", "explanations", "noised"]

_GRID = 100  # points a factor of ten, on which a change of sign is looked for
_DECADES = 8  # above the length at which logits begin to differ from those of no features
# Rounding units. Of 2,700 embeddings of seeds 1000 to 1024 (3 to 100 classes, 16 to 256 features, ReLU and
# tanh, weights up to 16 times the usual) the true features leave 0.54 at most, and none was missed.
_ROUNDING = 8.0
_NOISY = 10.0  # times the rounding unit of the message: larger second singular values are noise
_SUREST = 45.0  # factors of ten: no smaller probability is a number of single precision
_ROOT = 1e-13  # the error of a root's logarithm
_OTHERS = 0.1  # of the positive entries: what rounding may make negative beside the label's
_CLEARLY = 3.0  # times the noise of an entry: what is further from zero is no noise
_APART = 2.0  # times the second singular value: where the first is less, most of the message is noise
_NEAR = 0.1  # of zero, in logarithms: a turn that near may reach it between two points
_ALIKE = 1e-4  # scales nearer than this are one
_WITHIN = 1.0  # squared errors: what is off by no more explains a message of two classes
_SINGLE = float(np.finfo(np.float32).eps)
_SAME = 16.0 * _SINGLE  # of a number: nearer than that two messages are the same, however they were sent
_SIGN = 1e-3  # of the largest feature: what is less far below zero is rounding


@final
@dataclass(frozen=True)
class Rounding:
    """How exact the numbers of an embedding are.

    Parameters
    ----------
    precision : float
        The rounding unit of the message and of the model that made it. Logits are rounded by that share of
        their terms, and probabilities by as much.
    least : float
        The smallest number above zero that the message can hold.
    noise : float
        What the message is away from an outer product, as a share of its length; 0 where that is rounding to
        the precision.

    Examples
    --------
    >>> Rounding(1e-7).of_entries(np.ones((3, 5))), Rounding(1e-7).is_coarse
    (0.0, False)
    """

    precision: float
    least: float = 0.0
    noise: float = 0.0

    @property
    def is_coarse(self) -> bool:
        """Whether no entry is so exact that the scale may be read from it alone."""
        return self.noise > 0.0 or self.precision > _SINGLE

    def of_entries(self, embedding: Floats) -> float:
        """The standard deviation of the noise in the numbers of an embedding.

        Parameters
        ----------
        embedding : array of float64, axes (c, d)
            The noise was seen where an outer product has nothing to say: in (c − 1)·(d − 1) numbers.
        """
        rows, columns = embedding.shape
        seen = max(1, (rows - 1) * (columns - 1))
        return float(self.noise * np.linalg.norm(embedding) / np.sqrt(seen))


@final
@dataclass(frozen=True, eq=False)
class Explanation:
    """Features and a label that explain an embedding.

    Parameters
    ----------
    features : array of float64, axes (d,)
    label : int
        The class that the model finds most probable at these features.
    residual : float
        The distance from the embedding they would give, as a share of the length of the one received.
    factor : array of float64, axes (c,)
        p − e of these features: the embedding they would give is its outer product with them.
    misfit : float
        Of the classes but the label: the squares of what the message is off, in units of its error, added up.
    """

    features: Floats
    label: int
    residual: float
    factor: Floats
    misfit: float

    def is_twin_of(self, other: "Explanation") -> bool:
        """Whether the two are apart, and no message tells them apart.

        That is so where the embeddings they would give are the same, number by number: rounding and noise are
        added to the same numbers. Where the two differ in any number, the message may be nearer to one of
        them. Two classes leave one number for the scale: each label and each scale that gives it is as good,
        though of a sure prediction the rows that it is read from are rounded by different amounts.
        """
        if len(self.factor) == 2:
            return other.misfit <= max(self.misfit, _WITHIN) and not _is_alike(self, other)
        ours, theirs = (np.outer(one.factor, one.features) for one in (self, other))
        is_same = bool((np.abs(ours - theirs) <= _SAME * np.abs(theirs)).all())
        return is_same and not _is_alike(self, other)


def explanations(
    embedding: Floats, layer: Dense, rounding: Rounding, *, has_sign: bool, is_guess: bool = True
) -> list[Explanation]:
    """The features, and labels, that explain an embedding up to rounding and noise.

    Parameters
    ----------
    embedding : array of float64, axes (c, d)
        (p − e_ŷ) ⊗ z, not zero.
    layer : Dense
        The last layer of the model.
    rounding : Rounding
        Of the message.
    has_sign : bool
        Whether features are known not to be negative, as after ReLU.
    is_guess : bool
        Whether the label is the model's own; else it may be any, as that of a gradient for training.

    Returns
    -------
    list of Explanation
        That of the least misfit first; empty where nothing explains the embedding. Of those that follow only
        the twins of the first explain it as well.

    Notes
    -----
    The embedding is s·u·v' with v the direction of z, and the label the only entry of u of its sign. With
    z = c·v the label's probability says c·(1 − p_y(c)) = s·|u_y|: every root on c > 0 is looked for by
    changes of sign on a grid in log c, from s·|u_y|, below which there is none. With three classes or more,
    moreover, log |u_k| − (W v)_k·c − b_k is the same for all k ≠ y, which is linear in c: its least squares
    solution is tried as well, and finds a root that the grid would step over. What is left of the message
    decides.

    The label's own row is not read but for its direction: 1 − p_y of a sure prediction has lost its digits,
    while minus the sum of the other rows has not.

    Of a message that was noised, or rounded to few bits, these would be estimates of one scale that lie
    apart. Its scales are the least places of the misfit: of s·u_k from c·p_k, in units of the error of each,
    over the classes k ≠ y. Where no twin is as good, the label's row is then read as well, from which a
    small change of the scale is told best, with the error that 1 − p has.
    """
    _, values, right = np.linalg.svd(embedding, full_matrices=False)
    if len(values) > 1 and values[0] < _APART * values[1]:
        return []
    error = rounding.of_entries(embedding)
    found: list[tuple[Explanation, _Fit]] = []
    for sign in _signs(right[0], error / float(values[0]), has_sign=has_sign):
        for label in _labels(embedding @ (sign * right[0]), error):
            fit = _Fit(embedding, sign * right[0], label, layer, rounding, is_guess=is_guess)
            found += [(one, fit) for one in map(fit.explained, fit.scales()) if one is not None]
    found.sort(key=lambda pair: pair[0].misfit)
    distinct: list[Explanation] = []
    for one, _ in found:
        if all(not _is_alike(one, other) for other in distinct):
            distinct.append(one)
    if rounding.is_coarse and distinct and not any(one.is_twin_of(distinct[0]) for one in distinct[1:]):
        distinct[0] = found[0][1].sharpened(distinct[0])
    return distinct


@final
class _Fit:
    """An embedding beside what the model would send at features of its direction, of any length."""

    def __init__(
        self,
        embedding: Floats,
        direction: Floats,
        label: int,
        layer: Dense,
        rounding: Rounding,
        *,
        is_guess: bool,
    ) -> None:
        self.is_guess = is_guess
        self.direction, self.label, self.layer, self.rounding = direction, label, layer, rounding
        self.embedding = _mended(embedding, label, is_noised=rounding.noise > 0.0)
        self.factor = embedding @ direction
        self.others = np.flatnonzero(np.arange(len(embedding)) != label)
        self.slopes = layer.weight @ direction
        self.start = layer.outputs_of(np.zeros(len(direction)))
        own = np.hypot(rounding.precision * np.abs(self.factor), rounding.of_entries(embedding))
        self._least = rounding.least * float(len(direction)) ** 0.5
        self._error = own + self._least + float(np.finfo(np.float64).tiny)

    def scales(self) -> list[float]:
        """Lengths of features that may explain the message."""
        if self.rounding.is_coarse:
            return self._least_misfits()
        return self._roots() + _by_ratios(
            self.factor[self.others], self.slopes[self.others], self.start[self.others]
        )

    def misfits(self, scales: Floats) -> Floats:
        """Of each scale, axes (n,): the squared distances in units of each entry's error, added up."""
        logits = np.multiply.outer(scales, self.slopes) + self.start
        apart = scales[:, None] * np.exp(log_softmax(logits, axis=1)) - self.factor
        return np.asarray(((apart / self._error)[:, self.others] ** 2).sum(axis=1))

    def explained(self, scale: float) -> Explanation | None:
        """The features of that length; None where the model would say another label or send another message.

        What rounding leaves is that of the logits, which are exponents, and of the message.
        """
        features, rounding = scale * self.direction, self.rounding
        logits = self.layer.outputs_of(features)
        slack = max(1e-5, 3.0 * rounding.noise + rounding.precision)
        least = logits.max() - slack * max(1.0, float(np.abs(logits).max()))
        if self.is_guess and logits[self.label] < least:
            return None
        proba = np.exp(log_softmax(logits))
        # without the rounding of 1 − p
        proba[self.label] = -proba[self.others].sum()
        apart = np.linalg.norm(np.outer(proba, features) - self.embedding) / np.linalg.norm(self.embedding)
        terms = float((np.abs(self.layer.weight) @ np.abs(features)).max())
        left = (_ROUNDING * rounding.precision + _ROOT) * (1.0 + terms)
        left += _ROUNDING * self._least / float(np.linalg.norm(self.factor))
        if apart > 3.0 * rounding.noise + left:
            return None
        misfit = float(self.misfits(np.array([scale]))[0])
        return Explanation(features, self.label, float(apart), proba, misfit)

    def sharpened(self, one: Explanation) -> Explanation:
        """With the label's row read as well; as it was where that gives no explanation."""
        length = float(np.linalg.norm(one.features))
        error = np.hypot(self._error[self.label], self.rounding.precision * length)

        def misfit(logarithm: float) -> float:
            scale = np.exp(logarithm)
            missed = np.exp(log_softmax(self.slopes * scale + self.start))[self.others].sum()
            own = (scale * missed + self.factor[self.label]) / error
            return float(self.misfits(np.array([scale]))[0] + own**2)

        near = np.log(length) + np.array([-1.0, 1.0]) * (_NEAR + self.rounding.noise)
        found = minimize_scalar(misfit, bounds=near, method="bounded", options={"xatol": 1e-11})
        return self.explained(float(np.exp(found.x))) or one

    def _roots(self) -> list[float]:
        """Roots of c·(1 − p_y(c)) = size."""
        # the sum of the others is the label's entry without the rounding of 1 − p
        size = float(self.factor[self.others].sum())
        if size <= 0:
            return []

        def over(logarithm: float) -> float:
            missed = log_softmax(self.slopes * np.exp(logarithm) + self.start)[self.others]
            return float(logarithm + np.logaddexp.reduce(missed) - np.log(size))

        # c·(1 − p) ≤ c: no root lies below the size
        grid = self._grid(np.log(size) - 1e-9)
        logits = np.exp(grid)[:, None] * self.slopes + self.start
        missed = np.logaddexp.reduce(log_softmax(logits, axis=1)[:, self.others], axis=1)
        grid, values = _with_turns(over, grid, grid + missed - np.log(size))
        crossed = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) <= 0)
        return [float(np.exp(brentq(over, grid[place], grid[place + 1], xtol=1e-14))) for place in crossed]

    def _grid(self, begin: float) -> Floats:
        """Logarithms of lengths, from the least to where the logits are of any size.

        Of a sure prediction the embedding is many factors of ten shorter than its features.
        """
        turn = -np.log(max(float(np.ptp(self.slopes)), float(np.finfo(np.float64).tiny)))
        decades = _DECADES + min(max(0.0, (turn - begin) / np.log(10.0)), _SUREST)
        return begin + np.linspace(0.0, np.log(10.0) * decades, int(_GRID * decades))

    def _least_misfits(self) -> list[float]:
        """Where the misfit is least, among scales near by."""
        # ‖p‖ ≤ 1: no scale lies much below the length
        begin = np.log(float(np.linalg.norm(self.factor[self.others])) / 2.0)
        grid = self._grid(begin)
        values = self.misfits(np.exp(grid))
        # a flat end is none
        lower = np.flatnonzero((values[1:-1] < values[:-2]) & (values[1:-1] <= values[2:])) + 1
        ends = [
            minimize_scalar(
                lambda point: float(self.misfits(np.exp([point]))[0]),
                bounds=(grid[place - 1], grid[place + 1]),
                method="bounded",
                options={"xatol": 1e-11},
            )
            for place in lower
        ]
        return [float(np.exp(one.x)) for one in ends]


def _mended(embedding: Floats, label: int, *, is_noised: bool) -> Floats:
    """With the label's row as the others give it: all rows add up to zero.

    Of two classes noise leaves as much of the one row as of the other, and either may be the label's.
    """
    mended = embedding.copy()
    if is_noised and len(embedding) == 2:
        mended[1 - label] = (embedding[1 - label] - embedding[label]) / 2.0
    mended[label] = 0.0
    mended[label] = -mended.sum(axis=0)
    return mended


def _signs(direction: Floats, error: float, *, has_sign: bool) -> list[float]:
    """Which way the features may point along their direction, of which each number has that error."""
    if not has_sign:
        return [1.0, -1.0]
    small = _SIGN * np.abs(direction).max()
    noise = _CLEARLY * error * float(len(direction)) ** 0.5
    return [
        sign
        for sign in (1.0, -1.0)
        if (sign * direction).min() >= -small or np.linalg.norm(np.minimum(sign * direction, 0.0)) <= noise
    ]


def _labels(factor: Floats, error: float) -> list[int]:
    """The entries that could be the label's: not positive, and the only ones that are clearly so.

    That entry itself is not held against the others: of a sure prediction rounding leaves nothing of it.
    """
    above = float(factor[factor > 0].sum())
    clear = np.where(factor < -_CLEARLY * error, -factor, 0.0)
    below = float(clear.sum())
    return [int(place) for place in np.flatnonzero(factor <= 0) if below - clear[place] < _OTHERS * above]


def _with_turns(over: Callable[[float], float], grid: Floats, values: Floats) -> tuple[Floats, Floats]:
    """The grid with the points where the function turns close to zero, which may hide two roots."""
    bends = np.flatnonzero((values[1:-1] - values[:-2]) * (values[2:] - values[1:-1]) < 0) + 1
    for place in bends[np.abs(values[bends]) < _NEAR]:
        sign = float(np.sign(values[place]))
        turn = minimize_scalar(
            lambda point, sign=sign: sign * over(point),
            bounds=(grid[place - 1], grid[place + 1]),
            method="bounded",
            options={"xatol": 1e-10},
        )
        grid, values = np.append(grid, turn.x), np.append(values, sign * turn.fun)
    order = np.argsort(grid)
    return grid[order], values[order]


def _by_ratios(factor: Floats, slopes: Floats, start: Floats) -> list[float]:
    """The scale from how the other classes compare: log |u_k| − b_k is linear in their slopes."""
    seen = factor > 0
    if seen.sum() < 2:
        return []
    weights = factor[seen] / factor[seen].sum()
    known = np.log(factor[seen]) - start[seen]
    centred = slopes[seen] - weights @ slopes[seen]
    spread = float(weights @ centred**2)
    scale = float(weights @ (centred * known) / spread) if spread > 0 else 0.0
    return [scale] if scale > 0 else []


def _is_alike(one: Explanation, other: Explanation) -> bool:
    apart = np.linalg.norm(one.features - other.features)
    return one.label == other.label and float(apart) < _ALIKE * float(np.linalg.norm(other.features))


def noised(row: Floats, rounding: Rounding) -> Rounding:
    """How exact an embedding is: with its noise, where there is more than rounding to the precision.

    Noise keeps an embedding from being an outer product. Steps of one size may not: of two classes the rows
    are each other's opposite, and are rounded alike.

    Parameters
    ----------
    row : array of float64, axes (c, d)
    rounding : Rounding
        To the precision of the message.
    """
    values = np.linalg.svd(row, compute_uv=False)
    noise = float(np.linalg.norm(values[1:]) / values[0]) if len(values) > 1 else 0.0
    noise = noise if noise > _NOISY * rounding.precision else 0.0
    step = step_of(row) / np.sqrt(12.0)
    seen = Rounding(rounding.precision, noise=1.0).of_entries(row)
    return dataclasses.replace(rounding, noise=max(noise, step / seen))
