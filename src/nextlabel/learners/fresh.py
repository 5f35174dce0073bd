"""A fresh network for every fit: of a registered name, or of somebody's function."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import torch
from torch import nn

from nextlabel.core.registry import resolve
from nextlabel.core.spec import Spec
from nextlabel.errors import LearnerError, ParameterError

__all__ = ["begin_at", "fresh_network", "network_maker", "network_name", "set_bias"]


def network_name(source: Any) -> str:
    """How errors call a network: its registered name, quoted, or that of the function.

    Examples
    --------
    >>> network_name(Spec("mlp"))
    "'mlp'"
    """
    if isinstance(source, Spec):
        return repr(source.name)
    return str(getattr(source, "__name__", type(source).__name__))


def network_maker(source: Any) -> Callable[..., nn.Module]:
    """The function that makes the network, checked to take what it will be given.

    Raises
    ------
    LearnerError
        A module, or anything else that is neither a name nor a function.
    UnknownName
        The name is not registered.
    ParameterError
        Settings that the function does not take.
    """
    is_function = callable(source) and not isinstance(source, nn.Module)
    if not isinstance(source, Spec) and not is_function:
        message = (
            "'network' must be a name, or a function that makes a fresh module, network(inputs, "
            f"classes), so that every fit starts anew; received {type(source).__name__}. "
            "Give for example network=lambda inputs, classes: MyNetwork(classes)."
        )
        raise LearnerError(message)
    maker: Callable[..., nn.Module] = resolve("network", source.name) if isinstance(source, Spec) else source
    try:
        signature(maker).bind((), 1, **_settings(source))
    except TypeError as cause:
        message = (
            f"The network {network_name(source)} is called as network(inputs, classes) with the settings "
            f"{list(_settings(source))}, which it does not take: {cause}. It takes {signature(maker)}."
        )
        raise ParameterError(message) from cause
    return maker


def fresh_network(source: Any, inputs: tuple[int, ...], classes: int, device: torch.device) -> nn.Module:
    """A network with new weights, drawn from torch's global generator, on a device.

    Raises
    ------
    LearnerError
        The function returns something else.
    """
    network: Any = network_maker(source)(inputs, classes, **_settings(source))
    if not isinstance(network, nn.Module):
        message = (
            f"The function {network_name(source)} must return a torch.nn.Module; received "
            f"{type(network).__name__}. Return the module that it makes."
        )
        raise LearnerError(message)
    on_device: nn.Module = network.to(device)
    return on_device


def begin_at(network: nn.Module, other: nn.Module | None) -> None:
    """Give a network the weights of another of the same shapes; any other leaves it as it is."""
    if other is None:
        return
    given, own = other.state_dict(), network.state_dict()
    if {name: one.shape for name, one in given.items()} == {name: one.shape for name, one in own.items()}:
        network.load_state_dict(given)


def set_bias(network: nn.Module, place: tuple[str, bool], bias: float | None) -> None:
    """Let the last linear layer begin with these biases, where the embedding is its input."""
    module, is_input = place
    if bias is None or not is_input:
        return
    last = network.get_submodule(module)
    if isinstance(last, nn.Linear) and last.bias is not None:
        nn.init.constant_(last.bias, bias)


def _settings(source: Any) -> Mapping[str, Any]:
    return source.params if isinstance(source, Spec) else {}
