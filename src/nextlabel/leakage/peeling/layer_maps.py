"""A layer as a sparse linear map: of what enters it, and of its weights' gradient."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import scipy.sparse as sp
import torch
from torch import nn

from nextlabel.leakage.closed_forms.item_readings import Reading, reading_of
from nextlabel.leakage.double_copies import doubled
from nextlabel.leakage.peeling.layer_chain import Stage
from nextlabel.maths.axes import Floats, Whole

__all__ = ["LayerMap", "layer_map"]


@final
@dataclass(frozen=True, eq=False)
class LayerMap:
    """What leaves an affine layer is ``matrix`` times what enters, plus ``shift``.

    Parameters
    ----------
    matrix : sparse array, axes (leaving, entering)
        With the weights of the layer.
    shift : array of float64, axes (leaving,)
        Its bias, at every place.
    places : tuple of three arrays of int64, axes (k,)
        Row and column of each entry of the matrix, and the position in the flattened weight of the number
        that stands there; empty for a layer without weights.
    blocks : pair of arrays of int64, axes (blocks, positions of one) and (blocks, columns of one), optional
        Positions in the weight, and columns, that only meet one another: a block for each channel.
    weight, bias : str
        Names of the parameters; empty where there are none.
    """

    matrix: Any
    shift: Floats
    places: tuple[Whole, Whole, Whole]
    blocks: tuple[Whole, Whole] | None = None
    weight: str = ""
    bias: str = ""

    def of_weights(self, delta: Floats) -> Any:
        """The linear map from what enters to the gradient by the flattened weight.

        Parameters
        ----------
        delta : array of float64, axes (leaving,)
            The gradient of the loss by what leaves the layer.

        Returns
        -------
        sparse array, axes (weight, entering)
        """
        rows, columns, positions = self.places
        # counted by the blocks: on a small item some weights meet nothing but padding
        size = 0 if self.blocks is None else int(self.blocks[0].max()) + 1
        made = sp.coo_array((delta[rows], (positions, columns)), shape=(size, self.matrix.shape[1]))
        return made.tocsr()

    @property
    def is_by_value(self) -> bool:
        """Whether each value is moved, scaled and shifted by itself."""
        return not self.weight and self.matrix.nnz == len(self.shift) == self.matrix.shape[1]

    def backwards(self) -> Any:
        """The inverse of a matrix with one number in each row and column: its transpose, by their squares."""
        squares = np.asarray(self.matrix.power(2).sum(axis=1)).ravel()
        return sp.csr_array(self.matrix.T.multiply(1.0 / squares))


def layer_map(stage: Stage) -> LayerMap | None:
    """The linear map of an executed layer, or None for a layer of another kind.

    Parameters
    ----------
    stage : Stage
        A linear layer, a convolution over one or two axes (with any stride, padding, dilation and groups), an
        average pooling, a batch normalisation in evaluation mode, a layer that only rearranges values, or
        shifts and scales each, or what a network does to an item first.

    Notes
    -----
    A convolution of n places, o output channels and a kernel of k numbers takes O(n·o·k) memory. A pooling is
    run on every unit vector, in chunks.

    Examples
    --------
    >>> found = layer_map(Stage("", nn.Linear(3, 2), (3,), (2,)))
    >>> found.matrix.shape
    (2, 3)
    """
    module = stage.module
    if stage.reading is not None:
        return _read(stage.reading)
    if isinstance(module, nn.Linear) and len(stage.entering) == 1:
        return _linear(module, stage.name)
    if isinstance(module, nn.Conv1d | nn.Conv2d):
        return _convolution(module, stage)
    if isinstance(module, _POOLED):
        return _fixed(module, stage)
    moved = _rearranged(stage)
    if moved is None:
        reading = _scaled(stage)
        return None if reading is None else _read(reading)
    size = len(moved)
    matrix = sp.csr_array((np.ones(size), (np.arange(size), moved)), shape=(size, size))
    return LayerMap(matrix, np.zeros(size), _NOWHERE)


_POOLED = (
    nn.AvgPool1d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
)
_ROUNDED = 1e-9  # of a number: what double precision may leave after a few operations
_NOWHERE = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))


def _read(reading: Reading) -> LayerMap:
    size = len(reading.order)
    matrix = sp.csr_array((reading.factor, (np.arange(size), reading.order)), shape=(size, size))
    return LayerMap(matrix, reading.shift, _NOWHERE)


def _array(tensor: torch.Tensor) -> Floats:
    return np.asarray(tensor.detach().cpu().double().numpy())


def _named(layer: str, parameter: str) -> str:
    return f"{layer}.{parameter}" if layer else parameter


def _linear(module: nn.Linear, name: str) -> LayerMap:
    weight = _array(module.weight)
    leaving, entering = weight.shape
    rows, columns = (axis.ravel() for axis in np.indices(weight.shape))
    positions = np.arange(weight.size)
    blocks = (positions.reshape(leaving, entering).T, np.arange(entering)[:, None])
    shift = np.zeros(leaving) if module.bias is None else _array(module.bias)
    return LayerMap(
        sp.csr_array(weight),
        shift,
        (rows, columns, positions),
        blocks,
        _named(name, "weight"),
        "" if module.bias is None else _named(name, "bias"),
    )


def _convolution(module: nn.Conv1d | nn.Conv2d, stage: Stage) -> LayerMap:
    seen = _seen(module, stage)  # axes (channel, kernel, place): the column that is read, -1 for padding
    channels, kernel, places = seen.shape
    made, groups = module.out_channels, module.groups
    of_group, per_group = channels // groups, made // groups
    output, inner, tap, place = np.indices((made, of_group, kernel, places)).reshape(4, -1)
    columns = seen[output // per_group * of_group + inner, tap, place]
    rows = output * places + place
    positions = (output * of_group + inner) * kernel + tap
    is_read = columns >= 0
    rows, columns, positions = rows[is_read], columns[is_read], positions[is_read]
    weight = _array(module.weight).ravel()
    shape = (made * places, int(np.prod(stage.entering)))
    matrix = sp.coo_array((weight[positions], (rows, columns)), shape=shape).tocsr()
    bias = np.zeros(made) if module.bias is None else _array(module.bias)
    pixels = shape[1] // channels
    channel = np.arange(channels)
    outputs = channel[:, None] // of_group * per_group + np.arange(per_group)
    taken = ((outputs * of_group + channel[:, None] % of_group)[:, :, None] * kernel) + np.arange(kernel)
    blocks = (taken.reshape(channels, -1), np.arange(shape[1]).reshape(channels, pixels))
    return LayerMap(
        matrix,
        np.repeat(bias, places),
        (rows, columns, positions),
        blocks,
        _named(stage.name, "weight"),
        "" if module.bias is None else _named(stage.name, "bias"),
    )


def _seen(module: nn.Conv1d | nn.Conv2d, stage: Stage) -> Whole:
    # positions, from 1 up so that padding with zeros is told apart, are moved as the convolution moves values
    size = int(np.prod(stage.entering))
    shape = stage.entering if len(stage.entering) == 3 else (stage.entering[0], 1, stage.entering[1])
    numbered = torch.arange(1, size + 1, dtype=torch.float64).reshape(1, *shape)
    padding = list(module._reversed_padding_repeated_twice)
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    padded = _padded(numbered, padding, mode)
    unfolded = nn.functional.unfold(
        padded,
        kernel_size=_two(module.kernel_size),
        dilation=_two(module.dilation),
        stride=_two(module.stride),
    )
    found = unfolded[0].reshape(shape[0], -1, unfolded.shape[-1]).numpy()
    return np.asarray(found.round().astype(np.int64) - 1)


def _padded(numbered: torch.Tensor, padding: list[int], mode: str) -> torch.Tensor:
    if len(padding) == 2 and mode != "constant":  # torch pads the last of three axes in these modes
        return nn.functional.pad(numbered[:, :, 0], padding, mode=mode)[:, :, None]
    return nn.functional.pad(numbered, padding, mode=mode)


def _two(numbers: tuple[int, ...]) -> tuple[int, int]:
    return (1, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])


def _fixed(module: nn.Module, stage: Stage) -> LayerMap:
    entering, leaving = int(np.prod(stage.entering)), int(np.prod(stage.leaving))
    own = _double(module)
    with torch.no_grad():
        shift = _array(own(torch.zeros((1, *stage.entering), dtype=torch.float64))).ravel()
        columns = []
        for begin in range(0, entering, 256):
            units = torch.eye(entering, dtype=torch.float64)[begin : begin + 256]
            after = _array(own(units.reshape(-1, *stage.entering))).reshape(len(units), leaving)
            columns.append(sp.csr_array(after - shift))
    return LayerMap(sp.csr_array(sp.vstack(columns).T), shift, _NOWHERE)


def _double(module: nn.Module) -> nn.Module:
    return deepcopy(module).double().eval()


def _scaled(stage: Stage) -> Reading | None:
    """What a module of somebody's own reads that shifts and scales each value; None for any other."""
    if list(stage.module.parameters()):
        return None
    reading = reading_of(nn.Sequential(stage.module, nn.PReLU()), "1", stage.entering)  # what enters "1"
    if reading is None:
        return None
    values = _far(stage)
    own = doubled(stage.module, np.zeros((1, *stage.entering), np.float32)).eval()
    with torch.no_grad():
        after = _array(own(values.reshape(1, *stage.entering))).ravel()
    want = _array(values)[reading.order] * reading.factor + reading.shift
    return reading if np.allclose(after, want, rtol=_ROUNDED, atol=_ROUNDED * np.abs(want).max()) else None


def _far(stage: Stage) -> torch.Tensor:
    """Values far from and near zero, so that an activation changes some of them."""
    return torch.linspace(-1e3, 1e3, int(np.prod(stage.entering)), dtype=torch.float64) + 0.01


def _rearranged(stage: Stage) -> Whole | None:
    """Where each value comes from, for a layer that only moves values; None for any other."""
    size = int(np.prod(stage.entering))
    if list(stage.module.parameters()) or size != int(np.prod(stage.leaving)):
        return None
    values = _far(stage)
    own = _double(stage.module)
    try:
        with torch.no_grad():
            after = _array(own(values.reshape(1, *stage.entering))).ravel()
    except (RuntimeError, TypeError, ValueError):
        return None
    order = np.argsort(_array(values), kind="stable")
    ranks = np.searchsorted(_array(values)[order], after)
    found = order[np.minimum(ranks, size - 1)]
    is_same = np.array_equal(_array(values)[found], after) and len(np.unique(found)) == size
    return found if is_same else None
