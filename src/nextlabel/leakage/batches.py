"""A batch as a model takes it: items and targets as tensors, and the model in evaluation mode meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.disclosure import Array
from nextlabel.errors import DisclosureError
from nextlabel.learners.layers import last_linear

__all__ = ["array_of", "evaluating", "inputs_of", "last_layer_of", "targets_of"]


def inputs_of(model: nn.Module, items: Array) -> Tensor:
    """Items as a tensor: in the model's precision where they are real numbers, else as they are.

    Parameters
    ----------
    model : torch.nn.Module
        Its first parameter says the precision and the device.
    items : array, first axis b
        Real numbers, or whole ones such as token ids.
    """
    weights = next(model.parameters())
    found = torch.as_tensor(np.array(items), device=weights.device)
    return found.to(weights.dtype) if found.is_floating_point() else found


def targets_of(labels: Array, outputs: Tensor, loss: str) -> Tensor:
    """Labels as a tensor that `nextlabel.leakage.gradients.joined_loss` takes.

    Parameters
    ----------
    labels : array
        Classes, probabilities, values or token ids, as `nextlabel.leakage.messages.full` has them.
    outputs : Tensor, last axis c
        What the model says of the items.
    loss : str
        One of `Knowledge.losses`.

    Raises
    ------
    DisclosureError
        Other axes than the outputs have, or whole numbers that are no classes.

    Examples
    --------
    >>> targets_of(np.array([0, 1]), torch.zeros(2, 3), "cross_entropy")
    tensor([0, 1])
    """
    found = torch.as_tensor(np.array(labels), device=outputs.device)
    if loss == "squared_error" or found.is_floating_point():
        if found.numel() != outputs.numel() or len(found) != len(outputs):
            raise _refused(labels, outputs, "one number for each output of the model", loss)
        return found.reshape(outputs.shape).to(outputs.dtype)
    found = found.long()
    if found.shape != outputs.shape[:-1]:
        raise _refused(labels, outputs, f"of the axes {tuple(outputs.shape[:-1])}", loss)
    asked = found[found != -100] if loss == "language_model" else found
    if asked.numel() == 0 or int(asked.min()) < 0 or int(asked.max()) >= outputs.shape[-1]:
        raise _refused(labels, outputs, f"whole numbers from 0 to {outputs.shape[-1] - 1}", loss)
    return found


def last_layer_of(model: nn.Module, items: Array) -> str:
    """The name of the linear layer that is executed last, whose output is the logits.

    Parameters
    ----------
    model : torch.nn.Module
        Run twice, on the first item.
    items : array, first axis b
        As the model takes them.

    Raises
    ------
    LearnerError
        The model does not end in a linear layer.

    Examples
    --------
    >>> last_layer_of(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), np.zeros((1, 3)))
    '2'
    """
    inputs = inputs_of(model, items[:1])
    with evaluating(model), torch.no_grad():
        return last_linear(model, inputs, int(model(inputs).shape[-1]))


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """In evaluation mode within, and each module back in its own mode afterwards."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, was_training in before:
            module.training = was_training


def array_of(found: Tensor) -> Array:
    """As NumPy has it; NumPy has no bfloat16, which becomes float32 and holds the same numbers."""
    found = found.detach().cpu()
    numbers: Array = (found.float() if found.dtype == torch.bfloat16 else found).numpy()
    return numbers


def _refused(labels: Array, outputs: Tensor, expected: str, loss: str) -> DisclosureError:
    given = np.asarray(labels)
    ends = f", from {given.min():g} to {given.max():g}" if given.size else ""
    return DisclosureError(
        f"Labels must be {expected} (loss {loss!r}, outputs of the axes {tuple(outputs.shape)}); received "
        f"{given.dtype} of the axes {given.shape}{ends}. Give labels that this model can be trained with."
    )
