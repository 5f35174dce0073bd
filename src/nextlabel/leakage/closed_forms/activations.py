"""Activations of one value: recognised by what they do, and undone where they can be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nextlabel.maths.axes import Bools, Floats

__all__ = ["Activation", "recognised"]

_TOLERANCE = 1e-5  # of float32 rounding in an activation of values of usual size


_PLAIN = {
    "identity": lambda values: values,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
    "elu": functional.elu,
}
# Rising from 0 on, between half of their input and all of it; below, two inputs may have one output.
_RISING: Mapping[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "gelu_tanh": partial(functional.gelu, approximate="tanh"),
    "silu": functional.silu,
    "mish": functional.mish,
    "hardswish": functional.hardswish,
}
_FROM_ZERO = dict.fromkeys(_RISING, 0.0)
_HALVINGS = 60  # of an interval: no more digits are left


@final
@dataclass(frozen=True)
class Activation:
    """A function of one value between two linear layers.

    Parameters
    ----------
    name : str
        ``"identity"``, ``"relu"``, ``"leaky_relu"``, ``"sigmoid"``, ``"tanh"``, ``"softplus"``, ``"elu"``,
        ``"gelu"``, ``"gelu_tanh"``, ``"silu"``, ``"mish"``, ``"hardswish"``; of the last five outputs above
        zero tell their input, and others do not.
    slope : float
        Of ``"leaky_relu"`` below zero.

    Examples
    --------
    >>> usable, inputs, slopes = Activation("relu").undone(np.array([0.0, 2.0]), 1e-9)
    >>> usable.tolist(), inputs[usable].tolist()
    ([False, True], [2.0])
    """

    name: str
    slope: float = 0.0

    @property
    def is_single_valued(self) -> bool:
        """Whether all inputs of one output lie together, so that an output says one thing or nothing."""
        return self.name not in _RISING

    def undone(self, outputs: Floats, tolerance: float) -> tuple[Bools, Floats, Floats]:
        """Which outputs tell their input, that input, and how much an output moves with it.

        Parameters
        ----------
        outputs : array of float64, axes (m,)
            What left the activation.
        tolerance : float
            The error of an output: nearer to the end of the range it tells nothing of its input.

        Returns
        -------
        tuple of arrays, axes (m,)
            Whether the output tells its input; the input there, and 0 elsewhere; the slope there.
        """
        inside = _inside(self.name, outputs, tolerance)
        inputs, slopes = np.zeros_like(outputs), np.zeros_like(outputs)
        inputs[inside], slopes[inside] = _inverse(self, outputs[inside])
        return inside, inputs, slopes


def recognised(before: Tensor, after: Tensor) -> Activation | None:
    """The activation that turns the first into the second; None where there is none that is known.

    Parameters
    ----------
    before, after : Tensor
        What left a layer and what entered the next, of values of both signs.

    Examples
    --------
    >>> values = torch.tensor([[-1.0, 2.0, -0.5]])
    >>> recognised(values, torch.tanh(values)).name
    'tanh'
    """
    if before.shape != after.shape:
        return None
    before, after = before.double(), after.double()
    for name, made in {**_PLAIN, **_RISING}.items():
        if torch.allclose(made(before), after, rtol=_TOLERANCE, atol=_TOLERANCE * 0.1):
            return Activation(name)
    below = before < 0
    if not bool(below.any()):
        return None
    slope = float((after[below] * before[below]).sum() / (before[below] ** 2).sum())
    leaky = functional.leaky_relu(before, slope)
    if slope > 0 and torch.allclose(leaky, after, rtol=_TOLERANCE, atol=_TOLERANCE * 0.1):
        return Activation("leaky_relu", slope)
    return None


def _inside(name: str, outputs: Floats, tolerance: float) -> Bools:
    low = {"relu": 0.0, "softplus": 0.0, "sigmoid": 0.0, "tanh": -1.0, "elu": -1.0, **_FROM_ZERO}.get(
        name, -np.inf
    )
    high = 1.0 if name in ("sigmoid", "tanh") else np.inf
    inside = (outputs > low + tolerance) & (outputs < high - tolerance)
    if name == "leaky_relu":  # on which side of its bend, an output nearer than its error does not tell
        inside &= np.abs(outputs) > tolerance
    return np.asarray(inside)


def _inverse(activation: Activation, outputs: Floats) -> tuple[Floats, Floats]:
    """Inputs and slopes at outputs inside the range."""
    name, ones = activation.name, np.ones_like(outputs)
    if name == "sigmoid":
        return np.log(outputs) - np.log1p(-outputs), outputs * (1.0 - outputs)
    if name == "tanh":
        return np.arctanh(outputs), 1.0 - outputs**2
    if name == "softplus":
        return outputs + np.log(-np.expm1(-outputs)), -np.expm1(-outputs)
    if name == "elu":
        low = np.minimum(outputs, 0.0)
        return np.where(outputs < 0, np.log1p(low), outputs), np.where(outputs < 0, 1.0 + low, ones)
    if name == "leaky_relu":
        slopes = np.where(outputs < 0, activation.slope, ones)
        return outputs / slopes, slopes
    if name in _RISING:
        return _risen(_RISING[name], outputs)
    return outputs, ones


def _risen(made: Callable[[Tensor], Tensor], outputs: Floats) -> tuple[Floats, Floats]:
    """By halving the interval from the output to twice the output, in which its input lies."""
    wanted = torch.tensor(outputs)
    low, high = wanted.clone(), 2.0 * wanted
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        is_below = made(middle) < wanted
        low, high = torch.where(is_below, middle, low), torch.where(is_below, high, middle)
    inputs = high.requires_grad_()
    slopes = torch.autograd.grad(made(inputs).sum(), inputs)[0]
    return inputs.detach().numpy(), slopes.numpy()
