"""What a model says of items, as arrays, for those who hold the truth; and the network of the controls."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from nextlabel.core.disclosure import Array
from nextlabel.core.rng import generator
from nextlabel.errors import LearnerError, ParameterError
from nextlabel.leakage.batches import evaluating, inputs_of, last_layer_of, logits_of, outputs_of
from nextlabel.leakage.checks import check_weights
from nextlabel.leakage.model_copies import copied
from nextlabel.leakage.model_forms import check_form
from nextlabel.leakage.model_modes import check_evaluation
from nextlabel.learners.layers import embedded
from nextlabel.learners.networks import Flat

__all__ = ["answers", "known_leak", "logits_alone"]

_CHUNK = 256


def answers(model: Any, items: Array) -> tuple[Array, Array | None]:
    """The outputs of a model for items, and what goes into its last linear layer.

    Parameters
    ----------
    model : torch.nn.Module
        Left in the mode and with the weights it has.
    items : array, first axis n
        As the model takes them.

    Returns
    -------
    tuple of array and (array or None)
        Outputs, axes (n, ...), and features, axes (n, d): None where the model does not end in a linear
        layer whose output is its own, or where outputs have more axes, as of text.

    Raises
    ------
    DisclosureError
        The model cannot be run with other weights, its own are not finite, it draws or mixes the items of a
        batch in evaluation mode, it does not take the items, or it gives no tensor with a row for each.
    ParameterError
        It is no module.

    Notes
    -----
    A copy of the model in evaluation mode is run, in chunks. Time of one forward pass, and of two of eight
    items and one of one to see that it answers each by itself, in the same way each time.
    """
    if not isinstance(model, nn.Module):
        message = (
            f"The model must be a torch.nn.Module; received {type(model).__name__}. Give the network with "
            "the weights at which messages are made."
        )
        raise ParameterError(message)
    check_form(model)
    check_weights(model)
    frozen = copied(model).eval()
    check_evaluation(frozen, items)
    chunks = [items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK)]
    outputs = torch.cat([outputs_of(frozen, part) for part in chunks])
    found = outputs.double().cpu().numpy()
    return found, _features(frozen, items, chunks) if found.ndim == 2 else None


def logits_alone(model: nn.Module, items: Array) -> nn.Module:
    """A model that returns its logits: itself, or a copy where it returns an object that holds them.

    Parameters
    ----------
    model : torch.nn.Module
        Of the transformers library, for example; left alone. The copy has the same names and the same mode.
    items : array, first axis n
        As the model takes them; the first is run.

    Examples
    --------
    >>> model = nn.Linear(3, 2)
    >>> logits_alone(model, np.zeros((1, 3), np.float32)) is model
    True
    """
    with evaluating(model), torch.no_grad():
        said = model(inputs_of(model, items[:1]))
    if isinstance(said, torch.Tensor):
        return model
    own: nn.Module = copied(model)
    own.register_forward_hook(lambda module, given, said: logits_of(said))
    return own


def known_leak(inputs: Sequence[int], classes: int, *, hidden: int = 64, seed: int = 0) -> nn.Module:
    """A network known to leak: fully connected with biases, so that one item's gradient holds the item.

    Parameters
    ----------
    inputs : sequence of int
        The shape of one item.
    classes : int
        How many logits.
    hidden : int
        Units of the hidden layer.
    seed : int
        Draws the weights, without touching torch's global stream.

    Notes
    -----
    dL/dW = δ xᵀ and dL/db = δ: any unit with δ ≠ 0 gives x = (dL/dW)ᵣ / (dL/db)ᵣ.

    Examples
    --------
    >>> known_leak((8, 8), 10)(torch.zeros(2, 8, 8)).shape
    torch.Size([2, 10])
    """
    features = int(np.prod(inputs))
    # torch's own initial values would be drawn from its global stream
    network = nn.Sequential(
        Flat(),
        nn.Linear(features, hidden, device="meta"),
        nn.ReLU(),
        nn.Linear(hidden, classes, device="meta"),
    ).to_empty(device="cpu")
    rng = generator(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            reach = 1.0 / np.sqrt(parameter.shape[-1])
            drawn = rng.uniform(-reach, reach, tuple(parameter.shape))
            parameter.copy_(torch.as_tensor(drawn, dtype=parameter.dtype))
    return network.eval()


def _features(model: nn.Module, items: Array, chunks: Sequence[Array]) -> Array | None:
    try:
        name = last_layer_of(model, items)
    except LearnerError:
        return None
    found = []
    with embedded(model, name, is_input=True) as seen, torch.no_grad():
        for part in chunks:
            model(inputs_of(model, part))
            found.append(seen[0].double().cpu())
    return torch.cat(found).numpy()
