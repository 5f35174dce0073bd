"""A batch as a model takes it: items and targets as tensors, and the model in evaluation mode meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.disclosure import Array
from nextlabel.errors import DisclosureError, LearnerError
from nextlabel.leakage.given import require_classes, require_probabilities
from nextlabel.leakage.pixels import channel_axis
from nextlabel.learners.layers import last_linear

__all__ = [
    "array_of",
    "evaluating",
    "forked",
    "inputs_of",
    "last_layer_of",
    "last_linear_of",
    "logits_of",
    "outputs_of",
    "targets_of",
]


def logits_of(said: Any) -> Any:
    """What a model returned, or the logits in it: models of the transformers library return an object.

    Parameters
    ----------
    said : object
        As a call of the model gives it.

    Examples
    --------
    >>> logits_of(torch.zeros(2)).shape
    torch.Size([2])
    """
    return said if isinstance(said, Tensor) else getattr(said, "logits", said)


def outputs_of(model: nn.Module, items: Array) -> Tensor:
    """What a model says of items, in the mode it has, or a refusal that names what does not fit.

    Parameters
    ----------
    model : torch.nn.Module
    items : array, first axis b
        As the model takes them.

    Returns
    -------
    Tensor, axes (b, ..., c)
        Without a gradient.

    Raises
    ------
    DisclosureError
        The model does not take such items, or gives no tensor with a row for each.

    Examples
    --------
    >>> outputs_of(nn.Linear(3, 2), np.zeros((4, 3), np.float32)).shape
    torch.Size([4, 2])
    """
    given = f"{items.dtype} of the axes {items.shape}"
    try:
        with torch.no_grad():
            said = logits_of(model(inputs_of(model, items)))
    except Exception as cause:  # a model may raise anything
        message = (
            f"The model must take the items; given {given}, it raised {type(cause).__name__}: "
            f"{str(cause).strip().partition(chr(10))[0]}. {_advice(model, items)}"
        )
        raise DisclosureError(message) from cause
    if not isinstance(said, Tensor) or said.ndim < 2 or len(said) != len(items):
        shape = f"axes {tuple(said.shape)}" if isinstance(said, Tensor) else type(said).__name__
        is_flat = isinstance(said, Tensor) and tuple(said.shape) == (len(items),)
        advice = (
            "Keep the last axis, of 1 for one number an item: end without squeeze or Flatten(0)."
            if is_flat
            else "Wrap it in a module that returns the logits alone."
        )
        message = (
            f"The model must give one tensor of logits, of the axes ({len(items)}, classes) for {len(items)} "
            f"items; given {given}, it gives {shape}. {advice}"
        )
        raise DisclosureError(message)
    return said


def inputs_of(model: nn.Module, items: Array) -> Tensor:
    """Items as a tensor: in the model's precision where they are real numbers, else as they are.

    Parameters
    ----------
    model : torch.nn.Module
        Its first parameter says the precision and the device.
    items : array, first axis b
        Real numbers, or whole ones such as token ids.
    """
    weights = next(model.parameters(), torch.zeros(()))
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
        A single output under cross-entropy, soft labels that do not sum to 1, other axes than the outputs
        have, or whole numbers that are no classes.

    Examples
    --------
    >>> targets_of(np.array([0, 1]), torch.zeros(2, 3), "cross_entropy")
    tensor([0, 1])
    """
    require_classes(outputs.shape[-1], loss)
    require_probabilities(np.asarray(labels), loss)
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
        The model does not end in a linear layer, or gives an item more than a row of outputs.

    Examples
    --------
    >>> last_layer_of(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), np.zeros((1, 3)))
    '2'
    """
    inputs = inputs_of(model, items[:1])
    with evaluating(model), torch.no_grad():
        shape = tuple(logits_of(model(inputs)).shape)
        if len(shape) > 2:
            message = (
                "The last layer's gradient and gradient embeddings are audited of models with one row of "
                f"outputs for each item, of the axes (items, classes); this one's have the axes {shape}, as "
                "those of a model that answers at each token. Share 'full', or an 'update', of such a model."
            )
            raise LearnerError(message)
        return last_linear_of(model, inputs, int(shape[-1]))


def last_linear_of(model: nn.Module, inputs: Tensor, classes: int) -> str:
    """As `nextlabel.learners.layers.last_linear`, also of a model that returns an object with its logits.

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode.
    inputs : Tensor, first axis n
        As the model takes them.
    classes : int
        How many logits are expected.

    Raises
    ------
    LearnerError
        The model does not end in a linear layer, or gives other logits.

    Examples
    --------
    >>> last_linear_of(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), torch.zeros(1, 3), 2)
    '2'
    """
    with torch.no_grad():
        said = model(inputs)
    if isinstance(said, Tensor):
        return last_linear(model, inputs, classes)
    return last_linear(_Logits(model), inputs, classes).removeprefix("model.")


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


@contextmanager
def forked(inputs: Tensor) -> Iterator[None]:
    """Torch's random state is put back afterwards, that of the device of the inputs included."""
    with torch.random.fork_rng(devices=[inputs.device] if inputs.device.type == "cuda" else []):
        yield


def array_of(found: Tensor) -> Array:
    """As NumPy has it: gradients of sparse embeddings whole, and bfloat16 as float32, of the same numbers."""
    found = found.detach().cpu()
    found = found.to_dense() if found.is_sparse else found
    numbers: Array = (found.float() if found.dtype == torch.bfloat16 else found).numpy()
    return numbers


@final
class _Logits(nn.Module):
    """A model that returns its logits alone."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, items: Tensor) -> Any:
        return logits_of(self.model(items))


def _advice(model: nn.Module, items: Array) -> str:
    embeds = any(isinstance(module, nn.Embedding | nn.EmbeddingBag) for module in model.modules())
    if items.ndim == 4 and channel_axis(items.shape[1:]) == 2 and _has_convolutions(model):
        return (
            "Of these images the channels are the last axis, and torch's convolutions read them first: "
            "begin the model with items.permute(0, 3, 1, 2)."
        )
    if items.dtype.kind == "f" and items.ndim == 3 and _has_convolutions(model):
        return (
            "These images have no axis of channels, and torch's convolutions read one: begin the model with "
            "items.unsqueeze(1)."
        )
    if items.dtype.kind == "f":
        tokens = " Token ids are whole numbers: int64." if embeds else ""
        return f"Give items of the shape that it takes, for images with the axis of channels.{tokens}"
    if not embeds:
        return "It embeds no token ids: give real numbers, float32, of the shape that it takes."
    ends = f" (they are from {items.min()} to {items.max()})" if items.size else ""
    return (
        f"Give token ids of its vocabulary{ends}, in sequences no longer than its positions "
        f"(they have the axes {items.shape[1:]})."
    )


def _has_convolutions(model: nn.Module) -> bool:
    return any(isinstance(module, nn.Conv2d) for module in model.modules())


def _refused(labels: Array, outputs: Tensor, expected: str, loss: str) -> DisclosureError:
    given = np.asarray(labels)
    ends = f", from {given.min():g} to {given.max():g}" if given.size else ""
    return DisclosureError(
        f"Labels must be {expected} (loss {loss!r}, outputs of the axes {tuple(outputs.shape)}); received "
        f"{given.dtype} of the axes {given.shape}{ends}. Give labels that this model can be trained with."
    )
