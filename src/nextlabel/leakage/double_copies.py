"""A copy of a model that computes in double precision, also where the model itself asks for single."""

from types import MethodType
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nextlabel.core.disclosure import Array
from nextlabel.leakage.batches import evaluating, inputs_of
from nextlabel.leakage.model_copies import copied

__all__ = ["doubled"]

_SINGLE, _DOUBLE = torch.float32, torch.float64


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
    A forward pass that says ``x.float()``, as of whole numbers, meets weights in double precision and fails.
    In the copy each such request for float32 is one for float64. Costs a forward pass of one item, or two.

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
    if _takes(own, item) or isinstance(own, torch.jit.ScriptModule):
        return own
    own.forward = MethodType(_forward, own)  # of an instance, so that copies of it have their own
    if not _takes(own, item):
        del own.forward
    return own


def _forward(model: nn.Module, *items: Any, **named: Any) -> Any:
    with _Doubling():
        return type(model).forward(model, *items, **named)


@final
class _Doubling(TorchFunctionMode):
    """Within it, what asks for float32 is given float64."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.float:
            func = Tensor.double
        args = tuple(_DOUBLE if one is _SINGLE else one for one in args)
        named = {name: _DOUBLE if one is _SINGLE else one for name, one in (kwargs or {}).items()}
        return func(*args, **named)


def _takes(model: nn.Module, item: Array) -> bool:
    try:
        with evaluating(model), torch.no_grad():
            model(inputs_of(model, item))
    except Exception:  # a model may raise anything
        return False
    return True
