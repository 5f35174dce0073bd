"""What a layer reads of an item, found by probing: its values in some order, each scaled and shifted."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nextlabel.leakage.double_copies import doubled
from nextlabel.leakage.model_copies import copied
from nextlabel.maths.axes import Floats

__all__ = ["Reading", "reading_of"]

_FRESH = 8  # items on which a reading is verified
_ROUNDED = 64.0  # units of rounding: a few operations make each value that is read
_CLEAR = 0.01  # by which a 0 or 1 that is read may be off


@final
@dataclass(frozen=True, eq=False)
class Reading:
    """A layer reads ``factor * item.ravel()[order] + shift``.

    Parameters
    ----------
    order : array of int64, axes (d,)
        A permutation.
    factor, shift : array of float64, axes (d,)
        No factor is 0.
    """

    order: NDArray[np.int64]
    factor: Floats
    shift: Floats

    def values_of(self, rows: Floats) -> Floats:
        """The flattened items, axes (n, d), of which rows of the same axes are read.

        Examples
        --------
        >>> reading = Reading(np.array([1, 0]), np.array([2.0, 4.0]), np.array([0.0, 1.0]))
        >>> reading.values_of(np.array([[6.0, 9.0]]))
        array([[2., 3.]])
        """
        flat = np.empty(rows.shape)
        flat[:, self.order] = (rows - self.shift) / self.factor
        return flat


def reading_of(model: nn.Module, layer: str, item_shape: tuple[int, ...]) -> Reading | None:
    """What a layer reads of each item, where that is each of its values, scaled and shifted.

    Parameters
    ----------
    model : torch.nn.Module
        A copy of it is run, in the mode that it is in, in float64 where it takes that.
    layer : str
        As the model calls the module.
    item_shape : tuple of int
        The shape of one item.

    Returns
    -------
    Reading or None
        None where the layer reads anything else, of values from −1 to 1: the logarithm of values, say, or
        values cut to a range, or some twice.

    Notes
    -----
    Items of zeros and of ones give the shifts and the factors. Of d values log₂ d further items, each with
    ones where the number of the place has a certain digit, spell out which value is read where. Eight fresh
    items of random values must then be read as predicted, up to rounding. Costs two forward passes.

    Examples
    --------
    >>> model = nn.Sequential(nn.BatchNorm1d(2, eps=0.0), nn.Linear(2, 3)).eval()
    >>> model[0].running_var[:] = torch.tensor([0.25, 4.0])
    >>> found = reading_of(model, "1", (2,))
    >>> found.order.tolist(), found.factor.tolist(), found.shift.tolist()
    ([0, 1], [2.0, 0.5], [0.0, 0.0])
    """
    blank = np.zeros((1, *item_shape), np.float32)
    copies: tuple[Callable[[], nn.Module], ...] = (lambda: doubled(model, blank), lambda: copied(model))
    for made in copies:
        try:
            return _Probed(made(), layer, item_shape).reading()
        except Exception:  # a model may raise anything, and some take numbers of one precision only
            continue
    return None


@final
class _Probed:
    """A model that is run for what enters one of its layers."""

    def __init__(self, model: nn.Module, layer: str, item_shape: tuple[int, ...]) -> None:
        self._model, self._shape = model, item_shape
        self._like = next(model.parameters())
        self._found: list[Tensor] = []
        model.get_submodule(layer).register_forward_pre_hook(self._note)

    def reading(self) -> Reading | None:
        size = math.prod(self._shape)
        digits = np.arange(size) >> np.arange(max(1, (size - 1).bit_length()))[:, None] & 1
        read = self._read(np.concatenate([np.zeros((1, size)), np.ones((1, size)), digits]))
        if read is None:
            return None
        shift, factor = read[0], read[1] - read[0]
        precision = float(torch.finfo(self._like.dtype).eps)
        if (np.abs(factor) <= _ROUNDED * precision * np.abs(shift)).any():
            return None
        spelt = (read[2:] - shift) / factor
        is_one = spelt > 0.5
        if (np.abs(spelt - is_one) > _CLEAR).any():
            return None
        order = (is_one.astype(np.int64) << np.arange(len(spelt))[:, None]).sum(0)
        if not np.array_equal(np.sort(order), np.arange(size)):
            return None
        values = np.random.default_rng(0).uniform(-1.0, 1.0, (_FRESH, size))
        fresh = self._read(values)
        borne = _ROUNDED * precision * (np.abs(factor) + np.abs(shift))
        if fresh is None or (np.abs(fresh - (values[:, order] * factor + shift)) > borne).any():
            return None
        return Reading(order, factor, shift)

    def _note(self, module: nn.Module, inputs: tuple[object, ...]) -> None:
        if inputs and isinstance(inputs[0], Tensor):
            self._found.append(inputs[0].detach().flatten(1).double().cpu().clone())

    def _read(self, values: Floats) -> Floats | None:
        """What enters the layer, axes as the values; None where that has other axes or is not finite."""
        self._found.clear()
        items = torch.as_tensor(values.reshape(-1, *self._shape)).to(self._like)
        with torch.no_grad():
            self._model(items)
        if not self._found or self._found[0].shape != values.shape:
            return None
        read: Floats = self._found[0].numpy()
        return read if np.isfinite(read).all() else None
