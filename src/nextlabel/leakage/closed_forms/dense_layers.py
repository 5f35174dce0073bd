"""The linear layers that a model executes, in order, and what lies between them, found by running it once."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array
from nextlabel.errors import LearnerError
from nextlabel.leakage.blank_items import blank_item, looks_values_up, takes_only_tokens
from nextlabel.leakage.closed_forms.activations import Activation, recognised
from nextlabel.leakage.closed_forms.item_readings import Reading, reading_of
from nextlabel.maths.axes import Floats

__all__ = ["Dense", "DenseLayers", "dense_layers", "first_of", "layers_of_size", "numbers_of", "probe_of"]

_PROBES = 8  # enough that the inputs of every unit have both signs, nearly always


@final
@dataclass(frozen=True, eq=False)
class Dense:
    """One executed linear layer, in float64.

    Parameters
    ----------
    name : str
        Its name in the model; empty where it is the model.
    weight : array of float64, axes (m, d)
    bias : array of float64, axes (m,), or None
    activation : Activation or None
        What makes the next linear layer's input out of its output; None for the last, and where it is no
        known function of one value.
    """

    name: str
    weight: Floats
    bias: Floats | None
    activation: Activation | None

    def outputs_of(self, rows: Floats) -> Floats:
        """What the layer makes of rows of inputs, axes (..., d)."""
        made = rows @ self.weight.T
        return np.asarray(made if self.bias is None else made + self.bias)

    @property
    def weight_name(self) -> str:
        """How a message calls the gradient of its weight."""
        return f"{self.name}.weight" if self.name else "weight"

    @property
    def bias_name(self) -> str:
        """How a message calls the gradient of its bias."""
        return f"{self.name}.bias" if self.name else "bias"


@final
@dataclass(frozen=True, eq=False)
class DenseLayers:
    """The linear layers of a model, in the order of execution.

    Parameters
    ----------
    layers : tuple of Dense
    reading : Reading or None
        What the first of them reads of an item: each of its values, in some order, scaled and shifted; None
        where it reads something else.
    item_shape : tuple of int
        The shape of one item.
    unread : str
        Where there is no reading, why.
    """

    layers: tuple[Dense, ...]
    reading: Reading | None
    item_shape: tuple[int, ...]
    unread: str = ""

    @property
    def order(self) -> NDArray[np.int64] | None:
        """Where each value that the first layer reads stands in the item; None without a reading."""
        return None if self.reading is None else self.reading.order

    def items_of(self, rows: Floats) -> Floats:
        """Items whose values, as the first layer reads them, are these rows, axes (n, d)."""
        assert self.reading is not None  # or no one knows an item's rows
        return self.reading.values_of(rows).reshape(len(rows), *self.item_shape)


def dense_layers(knowledge: Knowledge) -> DenseLayers:
    """The linear layers that a model executes and how they are joined.

    Parameters
    ----------
    knowledge : Knowledge
        The model, which is run once on a few items of random values, and the shape of one item.

    Returns
    -------
    DenseLayers

    Raises
    ------
    LearnerError
        No linear layer is executed, or one that reads more than one row an item or is executed twice.

    Notes
    -----
    What lies between two layers is found by what it does, so that activations written as functions are seen
    as well as those written as modules; so is what lies before the first, as where a model scales and shifts
    its input by itself.

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> seen = dense_layers(Knowledge(model, (2, 2), 2))
    >>> [layer.name for layer in seen.layers], seen.layers[0].activation.name, seen.order.tolist()
    (['1', '3'], 'relu', [0, 1, 2, 3])
    """
    probe = probe_of(knowledge, _PROBES)
    steps = _steps(knowledge.model, probe)
    linear = [place for place, step in enumerate(steps) if isinstance(step.module, nn.Linear)]
    _require_plain(knowledge.model, [steps[place] for place in linear])
    layers = []
    for place, following in zip(linear, [*linear[1:], -1], strict=True):
        step = steps[place]
        is_next = following == place + 1
        between = recognised(step.leaving, steps[following].entering) if is_next else None
        layers.append(
            Dense(
                step.name,
                *numbers_of(step.module),
                between,
            )
        )
    first = steps[linear[0]]
    reading = _reading(knowledge, probe, first)
    unread = "" if reading is not None else _unread(first, is_first=linear[0] == 0, size=probe[0].numel())
    return DenseLayers(tuple(layers), reading, tuple(knowledge.item_shape), unread)


def first_of(knowledge: Knowledge, items: Array | None) -> str:
    """The name of the layer with weights that the model executes first, given these items.

    Parameters
    ----------
    knowledge : Knowledge
        The model.
    items : array, axes (n, ...), or None
        Without items, no layer is: the name is empty.

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Linear(3, 2))
    >>> first_of(Knowledge(model, (2, 2), 2), np.zeros((1, 2, 2)))
    '1'
    """
    if items is None:
        return ""
    weights = next(knowledge.model.parameters())
    return _steps(knowledge.model, torch.as_tensor(items, dtype=weights.dtype, device=weights.device))[0].name


def layers_of_size(knowledge: Knowledge) -> tuple[Dense, ...]:
    """The linear layers of the model that could read a whole item, executed or not.

    Parameters
    ----------
    knowledge : Knowledge
        The model and the shape of one item.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2), nn.Linear(2, 2))
    >>> [layer.name for layer in layers_of_size(Knowledge(model, (3,), 2))]
    ['0', '2']
    """
    size = int(np.prod(knowledge.item_shape))
    return tuple(
        Dense(name, *numbers_of(module), None)
        for name, module in knowledge.model.named_modules()
        if isinstance(module, nn.Linear) and module.in_features == size
    )


def numbers_of(layer: nn.Module) -> tuple[Floats, Floats | None]:
    """The weight and the bias that a linear layer computes with, in float64.

    Where they are parametrised, as by a weight norm, they are no parameters: a message names others.

    Examples
    --------
    >>> weight, bias = numbers_of(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)))
    >>> weight.shape, bias.shape
    ((2, 3), (2,))
    """
    weight, bias = getattr(layer, "weight"), getattr(layer, "bias")  # noqa: B009 - torch types them as modules
    return _floats(weight), None if bias is None else _floats(bias)


def probe_of(knowledge: Knowledge, items: int) -> Tensor:
    """Items of distinct values of both signs, or a blank one where the model takes tokens alone.

    Where a model looks some values up, as categories, they are from 0 to 1.

    Examples
    --------
    >>> probe_of(Knowledge(nn.Linear(3, 2), (3,), 2), 2).shape
    torch.Size([2, 3])
    """
    weights = next(knowledge.model.parameters())
    shape = (items, *knowledge.item_shape)
    if takes_only_tokens(knowledge):
        tokens = torch.as_tensor(blank_item(knowledge), dtype=torch.int64, device=weights.device)
        return tokens.repeat(items, *[1] * len(knowledge.item_shape))
    size = int(np.prod(shape))
    drawn = np.random.default_rng(0)
    values = (drawn.permutation(size) + 0.5) / size * drawn.choice([-1.0, 1.0], size)
    values = np.abs(values) if looks_values_up(knowledge) else values
    return torch.tensor(values.reshape(shape), dtype=weights.dtype, device=weights.device)


@final
@dataclass(frozen=True, eq=False)
class _Step:
    name: str
    module: nn.Module
    entering: Tensor
    leaving: Tensor


def _steps(model: nn.Module, probe: Tensor) -> list[_Step]:
    """The executed layers that hold weights, in order."""
    steps: list[_Step] = []
    holding = _holding(model)

    def note(name: str, module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        entering = inputs[0] if inputs else None
        if isinstance(entering, Tensor) and isinstance(output, Tensor):
            # what follows may write into them
            steps.append(_Step(name, module, entering.detach().clone(), output.detach().clone()))

    handles = [
        module.register_forward_hook(
            lambda module, inputs, output, name=name: note(name, module, inputs, output)
        )
        for name, module in model.named_modules()
        if module in holding
    ]
    try:
        with torch.no_grad():
            model(probe)
    finally:
        for handle in handles:
            handle.remove()
    return steps


def _holding(model: nn.Module) -> set[nn.Module]:
    """The modules that compute with weights of their own, and not those that make another's weights."""
    makers = {
        maker
        for module in model.modules()
        if is_parametrized(module)
        for maker in module.get_submodule("parametrizations").modules()
    }
    return {
        module
        for module in model.modules()
        if is_parametrized(module) or next(module.parameters(recurse=False), None) is not None
    } - makers


def _require_plain(model: nn.Module, linear: list[_Step]) -> None:
    if not linear:
        message = (
            f"The attack reads linear layers; {type(model).__name__} executes no torch.nn.Linear. "
            "Use an attack that reads other layers."
        )
        raise LearnerError(message)
    for step in linear:
        if step.entering.ndim != 2 or len(step.entering) != _PROBES:
            message = (
                f"The attack reads linear layers that are given one row an item; {step.name!r} is given an "
                f"array of shape {tuple(step.entering.shape)} for {_PROBES} items. "
                "Use an attack that reads sequences."
            )
            raise LearnerError(message)
    names = [step.name for step in linear]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        message = (
            f"The attack reads linear layers that are executed once; {twice!r} is executed "
            f"{names.count(twice)} times, so that its gradient is a sum. Use an attack by gradient matching."
        )
        raise LearnerError(message)


def _reading(knowledge: Knowledge, probe: Tensor, first: _Step) -> Reading | None:
    """What enters the first layer, of an item; None where that is more than a value each."""
    given, read = (one.flatten(1).cpu().numpy() for one in (probe, first.entering))
    if given.shape != read.shape or not probe.is_floating_point():
        return None
    order = np.empty(given.shape[1], dtype=np.int64)
    order[np.argsort(read[0])] = np.argsort(given[0])
    if given.dtype == read.dtype and np.array_equal(given[:, order], read):
        return Reading(order, np.ones(len(order)), np.zeros(len(order)))
    return reading_of(knowledge.model, first.name, tuple(knowledge.item_shape))


def _unread(first: _Step, *, is_first: bool, size: int) -> str:
    if is_first and first.entering[0].numel() == size:
        return (
            f"What enters the first layer, {first.name!r}, are not the values of the item, each scaled and "
            "shifted at most: a function such as a clamp or a logarithm lies between, which is not undone."
        )
    return "The first layer with weights is not a linear one that reads the values of the item."


def _floats(parameter: Tensor) -> Floats:
    return parameter.detach().cpu().double().numpy()
