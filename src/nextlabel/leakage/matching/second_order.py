"""What torch must be told so that the gradient of any model can be differentiated once more, and mapped."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

__all__ = ["begin_as_given", "differentiating_twice"]


# torch's own: of operations that it maps one point at a time, and of switches that no one asked for here
_WARNINGS = ("There is a performance drop because we have not yet implemented", "TF32 acceleration on top of")


@contextmanager
def differentiating_twice(model: nn.Module) -> Iterator[None]:
    """Within it torch computes a model by means that have a second derivative.

    Parameters
    ----------
    model : torch.nn.Module
        Of which it is read which layers it has.

    Notes
    -----
    Fused attention, the fused layer of `torch.nn.TransformerEncoder` and, on a GPU, fused recurrent layers
    have a first derivative only; the fused LSTM of a CPU is mapped one point at a time. Each is replaced by
    the same function in plain operations, which take more memory and, for attention, more time. All switches
    are put back afterwards.

    Examples
    --------
    >>> layer = nn.MultiheadAttention(4, 2).eval()
    >>> item = torch.zeros(3, 4, requires_grad=True)
    >>> with differentiating_twice(layer):
    ...     value = layer(item, item, item, need_weights=False)[0].sum()
    ...     slope, = torch.autograd.grad(value, item, create_graph=True)
    >>> torch.autograd.grad(slope.sum(), item)[0].shape
    torch.Size([3, 4])
    """
    layers = list(model.modules())
    with ExitStack() as held:
        held.enter_context(warnings.catch_warnings())
        for begun in _WARNINGS:
            warnings.filterwarnings("ignore", begun)
        held.enter_context(sdpa_kernel(SDPBackend.MATH))
        held.callback(torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled())
        torch.backends.mha.set_fastpath_enabled(False)
        if any(isinstance(one, nn.LSTM) for one in layers):
            held.enter_context(torch.backends.mkldnn.flags(enabled=False))
        if any(isinstance(one, nn.RNNBase) for one in layers):
            held.enter_context(torch.backends.cudnn.flags(enabled=False))
        yield


def begin_as_given(model: nn.Module) -> None:
    """Let recurrent layers begin with zeros that are made of their input; the model is changed.

    Parameters
    ----------
    model : torch.nn.Module
        A copy of one's own.

    Notes
    -----
    Left to themselves they begin with zeros that know nothing of other starts, and add what each start has to
    them in place, which `torch.func.vmap` refuses.

    Examples
    --------
    >>> layer = nn.GRU(2, 3, batch_first=True)
    >>> begin_as_given(layer)
    >>> slope = torch.func.grad(lambda item: layer(item)[0].sum())
    >>> torch.func.vmap(slope)(torch.zeros(5, 1, 4, 2)).shape
    torch.Size([5, 1, 4, 2])
    """
    for one in model.modules():
        if isinstance(one, nn.RNNBase):
            one.register_forward_pre_hook(_with_zeros, with_kwargs=True)


def _with_zeros(
    layer: nn.RNNBase, given: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    if len(given) != 1 or named or not isinstance(given[0], Tensor):
        return None  # it is told how to begin, or the items are of several lengths
    item = given[0]
    depth = layer.num_layers * (2 if layer.bidirectional else 1)
    items = () if item.ndim == 2 else (item.shape[0 if layer.batch_first else 1],)
    state = item.new_zeros((depth, *items, layer.proj_size or layer.hidden_size))
    if isinstance(layer, nn.LSTM):
        return (item, (state, item.new_zeros((depth, *items, layer.hidden_size)))), named
    return (item, state), named
