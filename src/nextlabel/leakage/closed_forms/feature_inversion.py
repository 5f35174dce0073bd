"""From the features that enter the last layer back to the item, through known linear layers."""

from typing import final

import numpy as np

from nextlabel.leakage.closed_forms.activations import Activation
from nextlabel.leakage.closed_forms.dense_layers import Dense, DenseLayers
from nextlabel.maths.axes import Floats

__all__ = ["Inversion", "inverted"]

# Of the largest singular value of a layer. However coarse features are, a direction that the layer carries
# at a thousandth is only less exact, and one of a wide random layer is carried at a hundredth or more.
_SINGULAR = 1e-3


@final
class Inversion:
    """How far features could be followed back.

    Parameters
    ----------
    row : array of float64, axes (d,), or None
        What enters the first layer; None where it does not follow.
    units, inputs : int
        Of the last layer solved for or tried: units that speak of their input, and inputs to be found.
    layer : str
        Its name.
    """

    def __init__(self, row: Floats | None, units: int = 0, inputs: int = 0, layer: str = "") -> None:
        self.row = row
        self.units, self.inputs, self.layer = units, inputs, layer


def inverted(features: Floats, seen: DenseLayers, tolerance: float) -> Inversion:
    """The item, as the first layer reads it, behind features, where enough units speak of it.

    Parameters
    ----------
    features : array of float64, axes (d,)
        What enters the last layer.
    seen : DenseLayers
        All layers before the last must be linear, with known activations, and the first must read the values
        of the item.
    tolerance : float
        The error of the features, as a share of the largest.

    Returns
    -------
    Inversion

    Notes
    -----
    Layer by layer from the end: units whose activation can be undone give one linear equation each for what
    enters the layer, weighted by how much the activation moves; where they have full column rank, least
    squares gives it. ReLU that is off says only that its input is not positive, which is no equation.
    """
    joints = [(layer, layer.activation) for layer in seen.layers[:-1] if layer.activation is not None]
    if seen.order is None or len(joints) < len(seen.layers) - 1:
        return Inversion(None)
    row = features
    step = Inversion(row)
    for layer, activation in reversed(joints):
        step = _through(row, layer, activation, tolerance)
        if step.row is None:
            return step
        row = step.row
    return Inversion(row, step.units, step.inputs, step.layer)


def _through(outputs: Floats, layer: Dense, activation: Activation, tolerance: float) -> Inversion:
    size = float(np.abs(outputs).max(initial=0.0))
    usable, before, slopes = activation.undone(outputs, tolerance * size)
    inputs = layer.weight.shape[1]
    units = int(usable.sum())
    weighted = layer.weight[usable] * slopes[usable, None]
    if (
        units < inputs
        or np.linalg.matrix_rank(weighted, tol=min(tolerance, _SINGULAR) * np.linalg.norm(weighted, 2))
        < inputs
    ):
        return Inversion(None, units, inputs, layer.name)
    bias = layer.outputs_of(np.zeros(inputs))
    known = (before - bias)[usable] * slopes[usable]
    row = np.asarray(np.linalg.lstsq(weighted, known, rcond=None)[0], np.float64)
    return Inversion(row, units, inputs, layer.name)
