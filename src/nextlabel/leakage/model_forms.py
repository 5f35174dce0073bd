"""Whether a model can be run as a function of its parameters, as attacks do."""

from typing import Final

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from nextlabel.errors import DisclosureError

__all__ = ["check_form"]

_EXPECTED: Final = "The model must be a plain module, which torch runs with other weights than its own;"
_SPREAD: Final = (nn.DataParallel, nn.parallel.DistributedDataParallel)


def check_form(model: nn.Module) -> None:
    """Refuse a model that torch does not run with other weights than its own, and say what to give instead.

    Parameters
    ----------
    model : torch.nn.Module

    Raises
    ------
    DisclosureError
        A scripted model, one spread over devices, or one whose parameters have no shape yet.

    Examples
    --------
    >>> check_form(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)))
    """
    fault = _of_kind(model) or _unfilled(model)
    if fault:
        message = f"{_EXPECTED} {fault}"
        raise DisclosureError(message)


def _of_kind(model: nn.Module) -> str:
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        return "this one is scripted or traced. Give the module that it was scripted or traced from."
    spread = [name for name, module in model.named_modules() if isinstance(module, _SPREAD)]
    if not spread:
        return ""
    place = f"{spread[0]}.module" if spread[0] else "its attribute 'module'"
    kind = type(model.get_submodule(spread[0])).__name__
    return f"{spread[0] or 'this one'} is a {kind}. Give {place}, the model within it, in its place."


def _unfilled(model: nn.Module) -> str:
    parameters = model.named_parameters(remove_duplicate=False)
    unfilled = [name for name, one in parameters if isinstance(one, UninitializedParameter)]
    unfilled += [name for name, one in model.named_buffers() if isinstance(one, UninitializedBuffer)]
    if not unfilled:
        return ""
    return (
        f"{unfilled[0]!r} has no shape yet, as of a lazy module. Run one batch of items through it, and then "
        "load the weights at which messages are made."
    )
