"""From the last layer of a chain down to the item, one layer's equations at a time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import scipy.sparse as sp
import torch

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.core.progress import report
from nextlabel.leakage.peeling.activation_inverses import Inverse
from nextlabel.leakage.peeling.layer_chain import Stage
from nextlabel.leakage.peeling.layer_maps import LayerMap
from nextlabel.leakage.peeling.layer_priors import Layer, Prior, prior_of
from nextlabel.leakage.peeling.peel_top import Noise, Top
from nextlabel.leakage.peeling.weighted_solving import Equations, row_lengths, solved
from nextlabel.leakage.peeling.within_range import Polytope, solved_within
from nextlabel.maths.axes import Bools, Floats

__all__ = ["Peeled", "peeled"]


_SUMMED = 2.0  # rounding of a sum of many terms, as a share of the root of their squares
_PINNED = 1e-6  # spread of a value that is known to be 0, of the usual


@final
@dataclass(frozen=True, eq=False)
class Peeled:
    """What the equations of every layer say of the item.

    Parameters
    ----------
    item : array of float64, axes of the item
        The likeliest item.
    error : float
        The root mean square of the standard errors of its values, as a share of the spread of these.
    drawn : array of float64, axes of the item
        An item as likely as the equations leave it.
    missing : int
        How many directions of the item the equations leave open.
    misfit : float
        How much larger than stated the errors are of the layer whose equations disagree most.
    layers : tuple of dict
        For each affine layer from the top: its name, unknowns, equations, and error.
    """

    item: Floats
    error: float
    drawn: Floats
    missing: int
    misfit: float
    layers: tuple[dict[str, object], ...]


@final
@dataclass(frozen=True, eq=False)
class _Level:
    """Values at one height of the chain, their standard errors, and the loss's slope by them.

    Where an error is infinite, the value is one that the true one may not pass: ``side`` is 1 where it is the
    most, and -1 where it is the least.
    """

    value: Floats
    error: Floats
    slope: Floats
    doubt: float
    side: Floats | None = None


def peeled(
    layers: Sequence[Layer],
    top: Top,
    gradient: Disclosure,
    knowledge: Knowledge,
    rng: np.random.Generator,
    guess: Floats | None = None,
    *,
    is_doubting: bool = False,
    until: float = float("inf"),
) -> Peeled | None:
    """The item behind a gradient, from the last layer down.

    Parameters
    ----------
    layers : sequence of Layer
        All layers, the last of them the linear one that makes the outputs.
    top : Top
        What the gradient of the last layer says.
    gradient : Disclosure
        By the names of the parameters.
    knowledge : Knowledge
        For the shape and the bounds of the item.
    rng : numpy.random.Generator
        Draws the probes by which errors are estimated.
    guess : array of float64, axes of the item, optional
        An item that is nearly right: it tells on which side of their kinks the activations are.
    is_doubting : bool
        Whether the slopes of activations near their kinks count as unsure; where a side is taken wrongly,
        only the residual of the answer shows it.
    until : float
        The monotonic time from which no other layer is begun.

    Returns
    -------
    Peeled or None
        None where the time was over before the item was reached.
    """
    sides = None if guess is None else _sides(layers, guess)
    final = layers[-1].map
    assert final is not None  # it has a weight, or there were no top
    scale = _scale(layers[-1].stage, top.features)
    level = _Level(top.features, top.error, final.matrix.T @ top.slope, top.doubt)
    rows: list[dict[str, object]] = []
    drawn, missing = None, 0
    for position in range(len(layers) - 2, -1, -1):
        if time.monotonic() > until:
            return None
        layer = layers[position]
        report("peeling layers", len(layers) - 1 - position, len(layers))
        if layer.inverse is not None:
            level = _before(layer.inverse, level, None if sides is None else sides[position], is_doubting)
            continue
        assert layer.map is not None
        if layer.map.is_by_value:
            level = _before_each(layer.map, level)
            drawn = drawn if drawn is None else _undone(layer.map, drawn)
            continue
        prior = prior_of(layers[:position], knowledge, layer.stage, scale)
        pinned = _pinned(layers[:position], sides)
        level, drawn, row = _through(layer.map, level, gradient, top.noise, prior, rng, pinned, until)
        missing = int(str(row["missing"]))
        rows.append({"layer": layer.stage.title, **row})
    shape = knowledge.item_shape
    spread = max(float(level.value.std()), 1e-12)
    error = float(np.sqrt((level.error**2).mean())) / spread
    if drawn is None:
        drawn = level.value + level.error * rng.standard_normal(len(level.value))
    misfit = max((float(str(row["misfit"])) for row in rows), default=1.0)
    return Peeled(level.value.reshape(shape), error, drawn.reshape(shape), missing, misfit, tuple(rows))


def _through(
    layer: LayerMap,
    level: _Level,
    gradient: Disclosure,
    noise: Noise,
    prior: Prior,
    rng: np.random.Generator,
    pinned: Bools | None,
    until: float,
) -> tuple[_Level, Floats, dict[str, object]]:
    """What entered an affine layer, one draw of it, and what to report."""
    level = _with_bias_gradient(layer, level, gradient, noise)
    parts = _equations(layer, level, gradient, noise, prior.typical)
    size = layer.matrix.shape[1]
    mean, spread = np.full(size, prior.mean), np.full(size, prior.spread)
    if pinned is not None:
        spread[pinned] *= _PINNED
        mean[pinned] = 0.0
    found = solved(parts, mean, spread, rng)
    missing = round(found.missing) - (0 if pinned is None else int(pinned.sum()))
    missing = max(missing, 0)
    value = found.value
    if missing and prior.alike is not None:
        value = solved([*parts, prior.alike], mean, spread, rng).value
    if missing and prior.ends is not None:
        low, high = (np.broadcast_to(end, size).astype(np.float64) for end in prior.ends)
        polytope = Polytope(parts, *_sides_of(layer, level), low, high)
        within = solved_within(polytope, value, spread, rng, until)
        if within is not None:
            value = within.value
        if within is not None and not within.missing:
            found, missing = within, 0
    row: dict[str, object] = {
        "unknowns": size,
        "equations": sum(len(part.target) for part in parts),
        "missing": missing,
        "error": float(np.sqrt((found.error**2).mean())),
        "misfit": found.misfit,
    }
    drawn = value + found.draw(rng)
    doubt = float(np.hypot(level.doubt, _SUMMED * noise.precision))
    below = _Level(np.clip(value, prior.low, prior.high), found.error, layer.matrix.T @ level.slope, doubt)
    return below, drawn, row


def _equations(
    layer: LayerMap, level: _Level, gradient: Disclosure, noise: Noise, typical: float
) -> list[Equations]:
    """What the values after a layer and the gradient by its weight say of the values before it.

    Both were computed from sums, whose rounding is a share of the length of their terms and not of the sum.
    """
    is_read = np.isfinite(level.error)
    parts = []
    if is_read.any():
        matrix = layer.matrix[is_read]
        summed = np.hypot(typical * row_lengths(matrix), layer.shift[is_read])
        error = np.hypot(level.error[is_read], _SUMMED * noise.precision * summed)
        parts.append(Equations(matrix, (level.value - layer.shift)[is_read], error))
    if layer.weight in gradient.arrays:
        target = gradient[layer.weight].astype(np.float64).ravel()
        matrix = layer.of_weights(level.slope)
        summed = typical * row_lengths(matrix)
        share = np.hypot(_SUMMED * noise.precision, level.doubt)
        least = 1e-3 * share * float(np.sqrt((summed**2).mean())) + 1e-150
        error = np.maximum(np.hypot(noise.of(target), share * summed), least)
        parts.append(Equations(matrix, target, error, layer.blocks))
    return parts


def _sides_of(layer: LayerMap, level: _Level) -> tuple[Any, Floats]:
    """What cut values say: linear forms of what entered the layer, and what they are at most."""
    is_cut = np.isinf(level.error)
    side = np.ones(len(level.value)) if level.side is None else level.side
    forms = layer.matrix[is_cut].multiply(side[is_cut][:, None])
    return sp.csr_array(forms), (side * (level.value - layer.shift))[is_cut]


def _with_bias_gradient(layer: LayerMap, level: _Level, gradient: Disclosure, noise: Noise) -> _Level:
    # of a linear layer the gradient by the bias is the slope itself
    if layer.bias not in gradient.arrays or gradient[layer.bias].size != len(level.slope):
        return level
    shared = gradient[layer.bias].astype(np.float64)
    length = float(np.linalg.norm(shared))
    doubt = float(np.linalg.norm(noise.of(shared))) / length if length else np.inf
    return replace(level, slope=shared, doubt=doubt) if doubt < level.doubt else level


def _sides(layers: Sequence[Layer], item: Floats) -> list[Bools]:
    """Whether what enters each layer is above 0, for an item."""
    value, found = item.ravel(), []
    for layer in layers:
        found.append(value > 0.0)
        if layer.map is not None:
            value = layer.map.matrix @ value + layer.map.shift
        else:
            with torch.no_grad():
                value = layer.stage.module(torch.tensor(value)).numpy()
    return found


def _pinned(below: Sequence[Layer], sides: list[Bools] | None) -> Bools | None:
    # what a rectifier cut is 0
    if sides is None or not below or below[-1].inverse is None or not below[-1].inverse.is_rectifier:
        return None
    return ~sides[len(below) - 1]


def _before(inverse: Inverse, level: _Level, is_up: Bools | None, is_doubting: bool) -> _Level:
    value, error, steepness, unsure = inverse.read(level.value, level.error, is_up, is_doubting=is_doubting)
    slope = level.slope * steepness
    length = float(np.linalg.norm(slope))
    added = float(np.linalg.norm(level.slope * unsure)) / length if length else 1.0
    return _Level(value, error, slope, float(np.hypot(level.doubt, added)))


def _undone(layer: LayerMap, value: Floats) -> Floats:
    return np.asarray(layer.backwards() @ (value - layer.shift))


def _before_each(layer: LayerMap, level: _Level) -> _Level:
    backwards = layer.backwards()
    error = abs(backwards) @ level.error
    slope = layer.matrix.T @ level.slope
    side = np.ones(len(level.value)) if level.side is None else level.side
    turned = backwards.sign() @ side
    return replace(level, value=_undone(layer, level.value), error=error, slope=slope, side=turned)


def _scale(stage: Stage, features: Floats) -> float:
    # how much larger the values are than those of the random item that was run
    return max(1.0, float(np.sqrt((features**2).mean())) / max(stage.typical, 1e-12))
