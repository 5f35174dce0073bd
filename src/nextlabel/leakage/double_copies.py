"""A copy of a model that computes in double precision, also where the model itself asks for single."""

from types import MethodType
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nextlabel.core.disclosure import Array
from nextlabel.errors import DisclosureError
from nextlabel.leakage.batches import evaluating, outputs_of
from nextlabel.leakage.model_copies import copied

__all__ = ["doubled"]

_SINGLE = (torch.float32, torch.FloatTensor)
_NAMED = "torch.FloatTensor"
_KIND_OF = Tensor.dtype.__get__  # type: ignore[attr-defined]


def doubled(model: nn.Module, item: Array) -> nn.Module:
    """A copy of a model in double precision; one that turns its items into float32 makes them float64 there.

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is.
    item : array, first axis 1
        One that the model takes, to try it on.

    Returns
    -------
    torch.nn.Module
        In the mode of the model, with parameters of the same names. Where it takes no item in double
        precision whatever is done, the plain copy, which raises when it is called.

    Notes
    -----
    A forward pass that says ``x.float()``, as of whole numbers, that makes ``torch.zeros(4)``, or that holds
    a tensor which is no buffer, meets weights in double precision and fails, or goes on in double precision
    with rounded items. Where either happens, whatever is of float32 in the copy is of float64, and says that
    it is of float32. Costs two forward passes of one item.

    Examples
    --------
    >>> class Floats(nn.Linear):
    ...     def forward(self, x):
    ...         return super().forward(x.float())
    >>> made = doubled(Floats(3, 2), torch.zeros(1, 3).numpy())
    >>> made(torch.zeros(1, 3, dtype=torch.float64)).dtype
    torch.float64
    """
    own: nn.Module = copied(model).double()
    if isinstance(own, torch.jit.ScriptModule):
        return own
    uneven = _uneven(item)
    plain = _said(own, uneven)
    own.forward = MethodType(_forward, own)  # of an instance, so that copies of it have their own
    fine = _said(own, uneven)
    if fine is None or (plain is not None and torch.equal(plain, fine)):
        del own.forward
    return own


def _uneven(item: Array) -> Array:
    """Real numbers that float32 does not hold, and that end below the next whole number."""
    if not np.issubdtype(item.dtype, np.floating):
        return item
    shares = np.linspace(0.1, 0.7, item.size).reshape(item.shape)
    return np.asarray(np.floor(item.astype(np.float64)) + shares)


def _forward(model: nn.Module, *items: Any, **named: Any) -> Any:
    with _Doubling():
        return type(model).forward(model, *items, **named)


@final
class _Doubling(TorchFunctionMode):
    """Within it, what asks for float32, holds it or makes it has float64, and says that it is float32."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.float:
            func = Tensor.double
        made = func(*_wider(tuple(args)), **_wider(dict(kwargs or {})))
        if func == _KIND_OF:
            return torch.float32 if made is torch.float64 else made
        return _wider(made)


def _wider(one: Any) -> Any:
    """In double precision what is of single, in containers too."""
    if isinstance(one, Tensor):
        return one.double() if one.dtype is torch.float32 else one
    if type(one) in (tuple, list):
        return type(one)(map(_wider, one))
    if type(one) is dict:
        return {name: _wider(value) for name, value in one.items()}
    is_single = one == _NAMED if isinstance(one, str) else any(one is single for single in _SINGLE)
    return torch.float64 if is_single else one


def _said(model: nn.Module, item: Array) -> Tensor | None:
    try:
        with evaluating(model):
            return outputs_of(model, item)
    except DisclosureError:
        return None
