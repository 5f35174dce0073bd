"""Networks of one hidden layer, and what a gradient of one says: the layers, the activation, the message."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.errors import ParameterError
from nextlabel.learners.networks import Flat
from nextlabel.maths.axes import Floats
from nextlabel.maths.parameters import checked_whole

__all__ = ["ACTIVATIONS", "Pointwise", "Shifted", "TwoLayer", "TwoLayerMessage", "read_message"]


@final
class Shifted(nn.Module):
    """An activation of the argument moved: activation(t + shift).

    Moving a sigmoid off its centre gives it Hermite coefficients of every order.

    Parameters
    ----------
    activation : torch.nn.Module
        Of one value.
    shift : float
        Added to the argument.
    """

    def __init__(self, activation: nn.Module, shift: float) -> None:
        super().__init__()
        self.activation, self.shift = activation, shift

    def forward(self, values: Tensor) -> Tensor:
        """The activation of the moved values."""
        moved: Tensor = self.activation(values + self.shift)
        return moved


def _shifted_sigmoid() -> Shifted:
    return Shifted(nn.Sigmoid(), 1.0)


ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "shifted_sigmoid": _shifted_sigmoid,
        "relu": nn.ReLU,
        "leaky_relu": nn.LeakyReLU,
        "softplus": nn.Softplus,
    }
)
"""Activations of `TwoLayer` by name; the shifted sigmoid is sigmoid(t + 1)."""


@final
class TwoLayer(nn.Module):
    """The network of one hidden layer of the tensor attack: Σ_j a_j · activation(w_j·x + b_j).

    Parameters
    ----------
    inputs : int
        Values of an item, which are flattened.
    width : int
        Hidden units.
    outputs : int
        Outputs: 1 for a regression.
    activation : str
        One of `ACTIVATIONS`.
    has_bias : bool
        Whether both layers have biases, which begin at 0.

    Raises
    ------
    ParameterError
        Sizes below 1, or an activation that there is not.

    Notes
    -----
    The w_j are drawn from the standard normal law and the a_j from the normal law of variance 1/width, from
    torch's global stream, and are float32 until the module is converted.

    References
    ----------
    Wang, Lee, Lei. Reconstructing training data from model gradient, provably. AISTATS 2023.

    Examples
    --------
    >>> TwoLayer(20, 100)(torch.zeros(3, 20)).shape
    torch.Size([3, 1])
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        outputs: int = 1,
        *,
        activation: str = "tanh",
        has_bias: bool = False,
    ) -> None:
        super().__init__()
        inputs = checked_whole(inputs, "inputs", least=1)
        width = checked_whole(width, "width", least=1)
        outputs = checked_whole(outputs, "outputs", least=1)
        if activation not in ACTIVATIONS:
            message = f"'activation' must be one of {', '.join(ACTIVATIONS)}; received {activation!r}."
            raise ParameterError(message)
        self.hidden = nn.Linear(inputs, width, bias=has_bias)
        self.activation = ACTIVATIONS[activation]()
        self.head = nn.Linear(width, outputs, bias=has_bias)
        with torch.no_grad():
            self.hidden.weight.normal_()
            self.head.weight.normal_(std=width**-0.5)
            if has_bias:
                self.hidden.bias.zero_()
                self.head.bias.zero_()

    def forward(self, items: Tensor) -> Tensor:
        """Outputs, axes (n, outputs)."""
        found: Tensor = self.head(self.activation(self.hidden(items.flatten(1))))
        return found


@final
@dataclass(frozen=True, eq=False)
class Pointwise:
    """An activation as a function of numbers, with its first two derivatives and its symmetry.

    Parameters
    ----------
    module : torch.nn.Module
        Of one value, without parameters that change.
    """

    module: nn.Module

    def __call__(self, values: Floats) -> Floats:
        """The activation, axes as given."""
        with torch.no_grad():
            return np.asarray(self.module(torch.from_numpy(np.ascontiguousarray(values))).numpy())

    def with_slopes(self, values: Floats) -> tuple[Floats, Floats, Floats]:
        """The activation and its first two derivatives, axes as given."""
        at = torch.from_numpy(np.ascontiguousarray(values)).requires_grad_()
        with torch.enable_grad():
            value = self.module(at)
            (slope,) = torch.autograd.grad(value.sum(), at, create_graph=True)
            bend = torch.zeros_like(at)
            if slope.requires_grad:
                (found,) = torch.autograd.grad(slope.sum(), at, allow_unused=True)
                bend = bend if found is None else found
        return value.detach().numpy(), slope.detach().numpy(), bend.numpy()

    @cached_property
    def is_homogeneous(self) -> bool:
        """Whether a positive factor of the argument is one of the value: straight but for a kink at 0."""
        return bool(np.allclose(self(2.0 * _EVEN), 2.0 * self(_EVEN), rtol=1e-9, atol=1e-12))

    @cached_property
    def is_linear(self) -> bool:
        """Whether it is a straight line: its second derivative is 0 everywhere, and it has no kink."""
        bent = self(_GRID) + self(-_GRID) - 2.0 * self(np.zeros_like(_GRID))
        return bool(np.abs(bent).max() < 1e-12) and bool(np.allclose(np.diff(self(_EVEN), 2), 0, atol=1e-12))

    @cached_property
    def odd_about(self) -> float | None:
        """The sum of values at opposite arguments where it is always the same: 0 of tanh, 1 of sigmoid."""
        total = self(_GRID) + self(-_GRID)
        return float(total.mean()) if np.allclose(total, total.mean(), rtol=0, atol=1e-9) else None

    @cached_property
    def even_but_for(self) -> float | None:
        """The slope of what is not even where that is a straight line: 1 of the rectifier and of softplus."""
        slopes = (self(_GRID) - self(-_GRID)) / _GRID
        return float(slopes.mean()) if np.allclose(slopes, slopes.mean(), rtol=0, atol=1e-9) else None


@final
@dataclass(frozen=True, eq=False)
class TwoLayerMessage:
    """A full gradient of a network of one hidden layer, in float64.

    The bias of a hidden unit is the weight of one more value of an item, which is always 1: weights, gradient
    and items are extended by it, and the network has no other bias in the hidden layer.

    Parameters
    ----------
    weights : array of float64, axes (m, d), or (m, d + 1) with a bias
    head : array of float64, axes (k, m)
    head_bias : array of float64, axes (k,)
        Zeros where there is none.
    activation : Pointwise
    hidden_gradient : array of float64, axes of the weights
    head_gradient : array of float64, axes (m, k)
    bias_gradient : array of float64, axes (k,), or None
        By the bias of the head.
    has_bias : bool
        Whether the weights are extended.
    precision : float
        The rounding unit of what was shared.
    """

    weights: Floats
    head: Floats
    head_bias: Floats
    activation: Pointwise
    hidden_gradient: Floats
    head_gradient: Floats
    bias_gradient: Floats | None
    has_bias: bool
    precision: float

    @property
    def length(self) -> float:
        """The length of the whole message."""
        return float(np.sqrt(sum((one**2).sum() for one in self._parts)))

    @property
    def _parts(self) -> tuple[Floats, ...]:
        own = () if self.bias_gradient is None else (self.bias_gradient,)
        return (self.hidden_gradient, self.head_gradient, *own)

    def outputs_of(self, rows: Floats) -> Floats:
        """What the network says of extended items, axes (b, k)."""
        return np.asarray(self.activation(rows @ self.weights.T) @ self.head.T + self.head_bias)

    def residual(self, rows: Floats, shares: Floats) -> float:
        """How far the gradient of given items is from the message, as a share of its length.

        Parameters
        ----------
        rows : array of float64, axes (b, d) or (b, d + 1)
            Extended items.
        shares : array of float64, axes (b, k)
            The derivative of the joined loss by each output of each item.
        """
        value, slope, _ = self.activation.with_slopes(rows @ self.weights.T)
        made = ((((shares @ self.head) * slope).T) @ rows, value.T @ shares, shares.sum(0))
        apart = sum(((one - own) ** 2).sum() for one, own in zip(made, self._parts, strict=False))
        return float(np.sqrt(apart)) / self.length if self.length else np.inf


_EVEN = np.linspace(-4.0, 4.0, 81)
_GRID = np.linspace(0.05, 4.0, 80)


def read_message(disclosure: Disclosure, knowledge: Knowledge) -> TwoLayerMessage | str:
    """A message as one of a network of one hidden layer, or why it is none.

    Parameters
    ----------
    disclosure : Disclosure
        Of kind ``"full"``.
    knowledge : Knowledge
        The model is a `TwoLayer`, or a `torch.nn.Sequential` of flattening (optional), a linear layer, an
        activation and a linear layer.

    Returns
    -------
    TwoLayerMessage or str
        In words, where the attack does not apply.
    """
    if disclosure.kind != "full":
        return f"it reads full gradients; the message is of kind {disclosure.kind!r}"
    found = _layers(knowledge.model)
    if isinstance(found, str):
        return found
    (hidden_name, hidden), activation, (head_name, head) = found
    wanted = {f"{hidden_name}.weight": hidden.weight, f"{head_name}.weight": head.weight}
    if hidden.bias is not None:
        wanted[f"{hidden_name}.bias"] = hidden.bias
    for name, parameter in wanted.items():
        if name not in disclosure.arrays:
            return f"the gradient by {name!r} is missing from the message"
        if disclosure[name].shape != tuple(parameter.shape):
            return f"the gradient by {name!r} has the shape of another model"
    pointwise = Pointwise(activation)
    if not _is_pointwise(pointwise):
        return f"{type(activation).__name__} is no function of one value"
    if pointwise.is_linear:
        return "the activation is a straight line, so that the gradient tells the sums of items only"
    gradient = _floats(disclosure[f"{hidden_name}.weight"])
    weights = _floats(hidden.weight)
    if hidden.bias is not None:
        gradient = np.column_stack([gradient, _floats(disclosure[f"{hidden_name}.bias"])])
        weights = np.column_stack([weights, _floats(hidden.bias)])
    own = disclosure.arrays.get(f"{head_name}.bias")
    return TwoLayerMessage(
        weights,
        _floats(head.weight),
        np.zeros(len(head.weight)) if head.bias is None else _floats(head.bias),
        pointwise,
        gradient,
        _floats(disclosure[f"{head_name}.weight"]).T,
        None if own is None else _floats(own),
        hidden.bias is not None,
        float(np.finfo(disclosure[f"{hidden_name}.weight"].dtype).eps),
    )


_Named = tuple[str, nn.Linear]


def _layers(model: nn.Module) -> tuple[_Named, nn.Module, _Named] | str:
    if isinstance(model, TwoLayer):
        return ("hidden", model.hidden), model.activation, ("head", model.head)
    named = list(model.named_children()) if isinstance(model, nn.Sequential) else []
    while named and isinstance(named[0][1], Flat | nn.Flatten):
        named = named[1:]
    # in evaluation mode dropout does nothing
    named = [(name, one) for name, one in named if not isinstance(one, nn.Dropout | nn.Identity)]
    kinds = [isinstance(one, nn.Linear) for _, one in named]
    if kinds == [True, False, True] and not list(named[1][1].parameters()):
        (first, hidden), (_, activation), (last, head) = named
        if isinstance(hidden, nn.Linear) and isinstance(head, nn.Linear):
            return (first, hidden), activation, (last, head)
    return (
        f"it reads networks of one hidden layer (a linear layer, an activation, a linear layer); "
        f"{type(model).__name__} is none that it knows"
    )


def _is_pointwise(activation: Pointwise) -> bool:
    """Whether values are treated one by one: softmax is not."""
    together = activation(_GRID[None])
    return together.shape == (1, len(_GRID)) and bool(
        np.allclose(together[0, ::7], activation(_GRID[None, ::7])[0], rtol=1e-12, atol=1e-15)
    )


def _floats(values: object) -> Floats:
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
    return np.array(array, dtype=np.float64)
