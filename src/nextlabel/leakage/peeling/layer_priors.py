"""The layers of a chain as they are read backwards, and what is known of values before any equation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import scipy.sparse as sp

from nextlabel.core.attack import Knowledge
from nextlabel.errors import LearnerError
from nextlabel.leakage.peeling.activation_inverses import Inverse, inverse_of
from nextlabel.leakage.peeling.layer_chain import Stage
from nextlabel.leakage.peeling.layer_maps import LayerMap, layer_map
from nextlabel.leakage.peeling.weighted_solving import Equations, row_lengths
from nextlabel.leakage.pixels import pixel_axes
from nextlabel.maths.axes import Floats

__all__ = ["Layer", "Prior", "layers_of", "prior_of"]


_WIDE = 3.0  # spread of unknown values before anything is read, in units of what is typical for them
_STEP = 0.1  # by how much neighbouring pixels differ, of the spread; only orders pictures that explain alike


@final
@dataclass(frozen=True, eq=False)
class Layer:
    """A layer that can be read backwards: an affine map or an activation."""

    stage: Stage
    map: LayerMap | None
    inverse: Inverse | None


@final
@dataclass(frozen=True, eq=False)
class Prior:
    """What is known of values before the equations: mean, spread, range, and which neighbours are alike.

    Answers are cut to ``low`` and ``high``; ``ends`` are those of the range that values may lie at.
    """

    mean: float | Floats
    spread: float | Floats
    low: float
    high: float
    typical: float
    alike: Equations | None
    ends: tuple[float | Floats, float | Floats] | None = None


def layers_of(chain: Sequence[Stage]) -> tuple[Layer, ...]:
    """The layers of a chain, each as a linear map or as the inverse of an activation.

    Raises
    ------
    LearnerError
        A layer that is neither, by name.
    """
    made = []
    for stage in chain:
        layer = Layer(stage, None, None if stage.reading is not None else inverse_of(stage.module))
        if layer.inverse is None:
            layer = replace(layer, map=layer_map(stage))
            if layer.map is None:
                message = (
                    f"{stage.title} can be read backwards neither as a linear layer nor as an activation "
                    "with an inverse."
                )
                raise LearnerError(message)
        made.append(layer)
    return tuple(made)


def prior_of(below: Sequence[Layer], knowledge: Knowledge, stage: Stage, scale: float) -> Prior:
    """What is known of the values that enter a layer, before any equation of the layers from there up.

    Parameters
    ----------
    below : sequence of Layer
        The layers before it.
    knowledge : Knowledge
        For the bounds of items, their shape, and whether they are images.
    stage : Stage
        The layer.
    scale : float
        How much larger values are than those of the random item that was run.
    """
    inverses = [layer.inverse for layer in below if layer.inverse is not None]
    is_item = all(layer.map is not None and layer.map.is_by_value for layer in below)
    if not is_item and inverses and below[-1].map is None:
        low, high = inverses[-1].low, inverses[-1].high
    elif is_item and knowledge.bounds is not None:
        low, high = knowledge.bounds
    else:
        low, high = -np.inf, np.inf
    mean: float | Floats
    spread: float | Floats
    if np.isfinite(high - low):
        mean, spread = (low + high) / 2, (high - low) / 2
        if is_item:
            mean, spread = _range_after(below, mean, spread)
    else:
        mean, spread = 0.0, _WIDE * scale * max(stage.typical, 1e-6)
    if is_item:
        low, high = -np.inf, np.inf  # items are cut to their bounds at the end, where that explains more
    alike = None
    if is_item and knowledge.is_image:
        alike = _alike(below, knowledge.item_shape, knowledge.bounds, float(np.mean(spread)))
    ends: tuple[float | Floats, float | Floats] | None = None
    if is_item and knowledge.bounds is not None:
        ends = (mean - spread, mean + spread)
    elif not is_item and below[-1].inverse is not None and below[-1].inverse.is_rectifier:
        ends = (low, high)
    return Prior(mean, spread, low, high, scale * stage.typical, alike, ends)


def _range_after(below: Sequence[Layer], mean: float, spread: float) -> tuple[float | Floats, float | Floats]:
    """The middle and half the width of the range of an item's values, after what moves and scales each."""
    for layer in below:
        assert layer.map is not None
        size = layer.map.matrix.shape[1]
        mean = layer.map.matrix @ np.full(size, mean) + layer.map.shift
        spread = abs(layer.map.matrix) @ np.full(size, spread)
    return mean, spread


def _alike(
    below: Sequence[Layer], shape: tuple[int, ...], bounds: tuple[float, float] | None, spread: float
) -> Equations:
    """Neighbouring pixels are equal, give or take, in the order in which the first layer takes them."""
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    pairs = [
        (np.delete(numbers, 0, axis).ravel(), np.delete(numbers, -1, axis).ravel())
        for axis in pixel_axes(shape)
    ]
    first, second = (np.concatenate(side) for side in zip(*pairs, strict=True))
    rows = np.arange(len(first))
    ones = np.ones(len(first))
    matrix = sp.csr_array(
        (np.append(ones, -ones), (np.append(rows, rows), np.append(first, second))),
        shape=(len(first), numbers.size),
    )
    target = np.zeros(len(first))
    for layer in below:
        assert layer.map is not None
        matrix = matrix @ layer.map.backwards()
        target += matrix @ layer.map.shift
    # of the item's own spread, while what is given is that of the values which the first layer takes
    spread = (bounds[1] - bounds[0]) / 2 if bounds else spread * float(row_lengths(matrix).mean()) / 2**0.5
    return Equations(sp.csr_array(matrix), target, np.full(len(first), _STEP * spread))
