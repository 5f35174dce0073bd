"""The part of a message that belongs to one linear layer, beside the layer's weights."""

from dataclasses import dataclass
from typing import final

import numpy as np

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.errors import DisclosureError
from nextlabel.leakage.batches import last_linear_of
from nextlabel.leakage.closed_forms.dense_layers import Dense, numbers_of, probe_of
from nextlabel.leakage.messages import as_gradient
from nextlabel.leakage.precisions import unit_of
from nextlabel.maths.axes import Floats
from nextlabel.maths.row_space import Spectrum, gaps_of, spectrum_of

__all__ = ["LayerGradient", "drift", "gradient_of", "last_layer", "last_layer_gradient", "spectrum_of_items"]

_PROBES = 4
_FALL = 10.0


@final
@dataclass(frozen=True, eq=False)
class LayerGradient:
    """The gradient of the loss by the weight and the bias of a linear layer, in float64.

    Parameters
    ----------
    layer : Dense
    weight : array of float64, axes (m, d), or None
        None where the message does not name it.
    bias : array of float64, axes (m,), or None
    precision : float
        The rounding unit of the message's own type.
    """

    layer: Dense
    weight: Floats | None
    bias: Floats | None
    precision: float

    @property
    def is_zero(self) -> bool:
        """Whether nothing of the layer would change."""
        return not any(one is not None and one.any() for one in (self.weight, self.bias))

    @property
    def joined(self) -> Floats:
        """The gradient by the weight with that by the bias as its last column, where both are there."""
        parts = [one.reshape(len(one), -1) for one in (self.weight, self.bias) if one is not None]
        return np.hstack(parts)

    @property
    def singular_values(self) -> Floats:
        """Of the gradient by weight and bias, the largest first."""
        return np.asarray(np.linalg.svd(self.joined, compute_uv=False), np.float64)


def last_layer(knowledge: Knowledge) -> Dense:
    """The last linear layer of a model, with the weights that it computes with.

    Raises
    ------
    LearnerError
        The output of the model is not that of a linear layer.
    """
    model = knowledge.model
    name = last_linear_of(model, probe_of(knowledge, _PROBES), knowledge.classes)
    return Dense(name, *numbers_of(model.get_submodule(name)), None)


def last_layer_gradient(disclosure: Disclosure, knowledge: Knowledge) -> LayerGradient:
    """What a message says of the last linear layer.

    Raises
    ------
    DisclosureError
        A message that is no gradient, or that does not name the layer.
    LearnerError
        The output of the model is not that of a linear layer.
    """
    gradient = as_gradient(disclosure, knowledge)
    return gradient_of(last_layer(knowledge), gradient)


def gradient_of(layer: Dense, gradient: Disclosure) -> LayerGradient:
    """What a gradient says of a layer.

    Raises
    ------
    DisclosureError
        The message names neither its weight nor its bias, or their shapes are others.
    """
    found = {}
    for name, known in ((layer.weight_name, layer.weight), (layer.bias_name, layer.bias)):
        sent = found[name] = gradient.arrays.get(name)
        if sent is not None and (known is None or sent.shape != known.shape):
            message = (
                f"The gradient of {name!r} must have the shape of the model's, "
                f"{None if known is None else known.shape}; received {sent.shape}. "
                "Give the model that the message was made with."
            )
            raise DisclosureError(message)
    held = [one for one in found.values() if one is not None]
    if not held:
        message = (
            f"The attack reads the gradient of the layer {layer.name!r}; the message names "
            f"{', '.join(list(gradient.arrays)[:6])}. Give a message in which that layer takes part."
        )
        raise DisclosureError(message)
    weight, bias = (None if one is None else one.astype(np.float64) for one in found.values())
    return LayerGradient(layer, weight, bias, max(unit_of(one) for one in held))


def drift(knowledge: Knowledge, disclosure: Disclosure) -> str:
    """What to add to a reason where an update of several steps was read as a gradient; empty otherwise."""
    if disclosure.kind != "update" or knowledge.steps == 1:
        return ""
    return (
        f" The update of {knowledge.steps} steps was read as their mean gradient, which is not quite the "
        "gradient at the weights known."
    )


def spectrum_of_items(values: Floats, precision: float, items: int) -> Spectrum:
    """The rank of a layer's gradient that speaks of so many items.

    Parameters
    ----------
    values : array of float64, axes (k,)
        Its singular values, the largest first.
    precision : float
        The rounding unit of the message.
    items : int
        How many the message speaks of, from 1.

    Returns
    -------
    Spectrum

    Notes
    -----
    Singular values may fall twice: from items of much loss to those of little, and from these to rounding.
    The first fall may be the wider, and yet what lies below it is no noise: up to the number of items the
    last fall counts. `spectrum_of` may find a larger rank, which is kept. After as many values as there are
    items a tenfold fall is enough, since the items end there; anywhere else it may be chance, as `gaps_of`
    says.

    Examples
    --------
    >>> values = np.array([1.0, 1e-4, 1e-7, 1e-8])
    >>> spectrum_of_items(values, 1e-7, 2).rank, spectrum_of_items(values, 1e-7, 1).rank
    (2, 1)
    """
    widest = spectrum_of(values, precision=precision)
    gaps = gaps_of(values, precision=precision)
    if items < len(values) and values[0] > 0.0:
        fall = values[items - 1] / max(values[items], precision * values[0])
        gaps[items - 1] = fall if fall >= _FALL else 0.0
    places = np.flatnonzero(gaps[:items])
    is_full = widest.gap == 1.0  # where nothing but the number of items tells noise from the weakest
    if not len(places) or (places[-1] < widest.rank and not is_full):
        return widest
    return Spectrum(widest.values, int(places[-1]) + 1, float(gaps[places[-1]]))
