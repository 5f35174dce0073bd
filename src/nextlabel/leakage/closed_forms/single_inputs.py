"""The one input that a linear layer's gradient speaks of, and the item behind it where layers come before."""

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.errors import DisclosureError, LearnerError
from nextlabel.leakage.closed_forms.dense_layers import Dense, DenseLayers, dense_layers
from nextlabel.leakage.closed_forms.followed_features import followed, why_not_followed
from nextlabel.leakage.closed_forms.layer_gradients import LayerGradient, gradient_of
from nextlabel.leakage.precisions import rounding_of, step_of
from nextlabel.maths.axes import Floats

__all__ = ["ItemBehind", "LaterLayer", "item_behind", "later_layer", "single_input"]

_ERROR = 32.0  # rounding units that an input may be off
_UNSURE = 0.02  # of the largest value: a coarser message says no less of which units are on
_SEEN = 4.0  # times the noise of a value: what is above it is on
_NOISE = 3.0  # times the noise of an input: what the model's own may be away from it
_CLOSE = 1e-3  # of an input: what the model's own may be away from it in any case


@final
@dataclass(frozen=True, eq=False)
class ItemBehind:
    """The item that the input of a later layer leads to.

    Parameters
    ----------
    item : array of float64, the axes of an item, or None
    layer : str
        The layer that it was followed from.
    reason : str
        Where there is no item, why.
    noise : float
        Of the input of that layer, as a share of its length, as far as the message shows it.
    """

    item: Floats | None
    layer: str
    reason: str = ""
    noise: float = 0.0


def single_input(weight: Floats, bias: Floats) -> tuple[Floats, float]:
    """The one input that explains the rows best, and how far they are from it as a share of their length.

    Parameters
    ----------
    weight : array of float64, axes (m, d)
        The gradient of one item's loss by the weight of a layer.
    bias : array of float64, axes (m,)
        By its bias; not all zero.

    Examples
    --------
    >>> row, apart = single_input(np.array([[1.0, 2.0], [-2.0, -4.0]]), np.array([0.5, -1.0]))
    >>> row.tolist(), apart
    ([2.0, 4.0], 0.0)
    """
    row = bias @ weight / (bias @ bias)
    apart = np.linalg.norm(weight - np.outer(bias, row))
    length = np.sqrt((weight**2).sum() + (bias**2).sum())
    return row, float(apart / length)


def item_behind(gradient: Disclosure, knowledge: Knowledge) -> ItemBehind | None:
    """The item of a message of one, followed back from the first layer of which weight and bias are sent.

    Parameters
    ----------
    gradient : Disclosure
        Of one item: a gradient, or a change of any scale, as long as what enters the layer stayed the same.
    knowledge : Knowledge
        The model.

    Returns
    -------
    ItemBehind or None
        None where the message holds no such layer behind the first, or the model's layers cannot be read.

    Notes
    -----
    The input follows as in `single_input`, and is followed back as in `followed`. Its error is the rounding
    of the message, or what the rows show of noise, spread over their m·d numbers, over the length of the
    gradient by the bias. A later layer would tell less: its input is made of this one's. Time O(m·d²) a
    layer of m units and d inputs.
    """
    later = later_layer(gradient, knowledge)
    return None if later is None else _behind(later)


def later_layer(gradient: Disclosure, knowledge: Knowledge) -> "LaterLayer | None":
    """The first layer behind the first one of which a message holds both weight and bias.

    Parameters
    ----------
    gradient : Disclosure
    knowledge : Knowledge

    Returns
    -------
    LaterLayer or None
        As of `item_behind`.
    """
    try:
        seen = dense_layers(knowledge)
    except LearnerError:
        return None
    for place, layer in enumerate(seen.layers[1:], start=2):
        try:
            found = gradient_of(layer, gradient)
        except DisclosureError:
            continue
        if found.weight is not None and found.bias is not None and found.bias.any():
            sent = gradient.arrays[layer.weight_name]
            precision = max(found.precision, rounding_of(sent, knowledge)[0])
            return LaterLayer(found, replace(seen, layers=seen.layers[:place]), knowledge, precision)
    return None


@final
@dataclass(frozen=True, eq=False)
class LaterLayer:
    """A layer behind the first, what a message says of it, and the way back to items.

    Parameters
    ----------
    found : LayerGradient
    before : DenseLayers
        The layers up to this one.
    knowledge : Knowledge
    precision : float
        The rounding unit of the message, and of the model that made it.
    """

    found: LayerGradient
    before: DenseLayers
    knowledge: Knowledge
    precision: float

    @property
    def layers(self) -> tuple[Dense, ...]:
        """The layer by itself."""
        return self.before.layers[-1:]

    def items_of(self, rows: Floats) -> Floats:
        """The items of which the layer reads these rows, axes (n, ...), as `followed`; NaN without one."""
        unsure = min(_ERROR * self.precision, _UNSURE)
        near = max(_CLOSE, _ERROR * self.precision)
        items = np.full((len(rows), *self.before.item_shape), np.nan)
        for place, row in enumerate(rows):
            made = followed(row, self.before, self.knowledge, tolerance=unsure, near=near)
            if made.item is not None:
                items[place] = made.item
        return items


def _behind(later: LaterLayer) -> ItemBehind:
    found, precision, seen = later.found, later.precision, later.before
    assert found.weight is not None
    assert found.bias is not None
    row, apart = single_input(found.weight, found.bias)
    largest, length = float(np.abs(row).max()), float(np.linalg.norm(row))
    if not largest:
        return ItemBehind(None, found.layer.name, f"Nothing enters the layer {found.layer.name!r}.")
    # of one value of the input; rows of two classes are each other's opposite, and steps round both alike
    step = step_of(found.weight) / np.sqrt(12.0) / float(np.linalg.norm(found.bias))
    noise = max(apart * np.sqrt(1.0 + length**2) / np.sqrt(found.weight.size), step)
    share = float(noise * np.sqrt(len(row)) / length)
    made = followed(
        row,
        seen,
        later.knowledge,
        tolerance=max(_SEEN * noise / largest, min(_ERROR * precision, _UNSURE)),
        near=max(_CLOSE, _ERROR * precision, _NOISE * share),
    )
    reason = "" if made.item is not None else why_not_followed(made, seen)
    return ItemBehind(made.item, found.layer.name, reason, share)
