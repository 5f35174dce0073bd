"""Models that change in place what they are given, as ``x -= mean`` does."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.disclosure import Array
from nextlabel.leakage.batches import evaluating, forked, inputs_of
from nextlabel.leakage.model_copies import copied

__all__ = ["sparing"]


def sparing(model: Any, items: Array) -> Any:
    """A model that leaves its items as they are: itself, or a copy that is handed a copy of them.

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is. The copy has the same names and the same mode.
    items : array, first axis n
        As the model takes them. The first is run; whole numbers also as real ones.

    Notes
    -----
    An attack gives a model the item that it looks for, and asks for the gradient by it: torch allows nobody
    to write into such an item. Costs one or two forward passes of one item, whose errors are left to others.

    Examples
    --------
    >>> network = nn.Sequential(nn.Hardtanh(0.0, 1.0, inplace=True), nn.Linear(2, 3))
    >>> own = sparing(network, np.zeros((1, 2), np.float32))
    >>> item = torch.tensor([[2.0, 3.0]])
    >>> _ = own(item)
    >>> item
    tensor([[2., 3.]])
    """
    if not isinstance(model, nn.Module) or isinstance(model, torch.jit.ScriptModule):
        return model
    tried = [items[:1]] if items.dtype.kind == "f" else [items[:1], items[:1].astype(np.float64)]
    once = copied(model)  # a call may change what a model keeps, or give a lazy layer its shape
    if not any(_changes(once, inputs_of(once, one)) for one in tried):
        return model
    own: nn.Module = copied(model)
    own.register_forward_pre_hook(_cloned)
    return own


def _changes(model: nn.Module, inputs: Tensor) -> bool:
    written = inputs._version
    try:
        with evaluating(model), torch.no_grad(), forked(inputs):
            model(inputs)
    except Exception:  # a model may raise anything
        return False
    return inputs._version > written


def _cloned(model: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(one.clone() if isinstance(one, Tensor) else one for one in given)
