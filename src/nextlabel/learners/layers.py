"""Finding the last linear layer of any network, and reading what goes into it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from nextlabel.errors import LearnerError

__all__ = ["checked_logits", "embedded", "embedding_place", "last_linear"]

_TOLERANCE = 1e-4  # of float32 rounding in a log-softmax of logits of usual size


def last_linear(network: nn.Module, items: Tensor, classes: int) -> str:
    """The name of the linear layer that is executed last, whose output is the logits.

    Parameters
    ----------
    network : torch.nn.Module
        Any network; it is run once, in evaluation mode.
    items : Tensor, first axis n
        A few items.
    classes : int
        How many logits are expected.

    Raises
    ------
    LearnerError
        No linear layer was executed, or the network does something to its output that is more than
        to add a number to all logits of an item.

    Notes
    -----
    A log-softmax at the end is accepted, since it adds one number to all logits of an item.

    Examples
    --------
    >>> last_linear(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), torch.zeros(1, 3), 2)
    '2'
    """
    executed: list[tuple[str, nn.Module]] = []
    linear: dict[str, Tensor] = {}

    def note(name: str, module: nn.Module, output: object) -> None:
        executed.append((name, module))
        if isinstance(module, nn.Linear) and isinstance(output, Tensor):
            linear.pop(name, None)  # a layer executed twice counts where it was executed last
            linear[name] = output.clone()  # what follows may write into it

    handles = [
        module.register_forward_hook(lambda module, _, output, name=name: note(name, module, output))
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) or not list(module.children())
    ]
    try:
        output = _evaluated(network, items)
    finally:
        for handle in handles:
            handle.remove()
    logits = checked_logits(output, len(items), classes)
    end = _described(*executed[-1]) if executed else "no layer at all"
    if not linear:
        message = (
            f"The embedding is the input of the last linear layer; {type(network).__name__} executes no "
            f"torch.nn.Linear and ends with {end}. Name the module whose output is the embedding: "
            "embedding='...'."
        )
        raise LearnerError(message)
    name, found = next(reversed(linear.items()))
    if found.shape == logits.shape:
        added = logits - found
        if torch.allclose(added, added[:, :1], rtol=_TOLERANCE, atol=_TOLERANCE):
            return name
    message = (
        f"The output of a network must be that of its last linear layer; {type(network).__name__} goes on "
        f"after {_described(name, network.get_submodule(name))} and ends with {end}. Return the logits, "
        "without a softmax, or name the module whose output is the embedding: embedding='...'."
    )
    raise LearnerError(message)


def checked_logits(output: object, items: int, classes: int) -> Tensor:
    """A network's output, when it is logits of the task.

    Raises
    ------
    LearnerError
        Not a tensor of axes (n, c), or probabilities.
    """
    if not isinstance(output, Tensor) or output.shape != (items, classes):
        shape = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
        message = (
            f"A network must return logits, a tensor of axes (items, classes), here ({items}, {classes}); "
            f"received {shape}. Give it one output for each class."
        )
        raise LearnerError(message)
    is_proba = bool((output >= 0).all()) and torch.allclose(output.sum(1), output.new_ones(items), atol=1e-5)
    if is_proba and classes > 1:
        message = (
            "A network must return logits; what it returned is not negative and sums to one for each item, "
            "as probabilities do. Leave out the softmax at its end."
        )
        raise LearnerError(message)
    return output


@contextmanager
def embedded(network: nn.Module, module: str, is_input: bool) -> Iterator[list[Tensor]]:
    """Collects what goes into a module, or comes out of it, in forward passes within this scope.

    Raises
    ------
    LearnerError
        The network has no such module, or its output is not a tensor.
    """
    if module not in dict(network.named_modules()):
        known = ", ".join(name for name, _ in network.named_modules() if name)
        message = (
            f"{module!r} is not a module of {type(network).__name__}. Its modules are: {known}. "
            "Use one of these as embedding."
        )
        raise LearnerError(message)
    seen: list[Tensor] = []

    def keep(_: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        value = inputs[0] if is_input else output
        if not isinstance(value, Tensor):
            message = (
                f"The embedding must be a tensor; the module {module!r} returns {type(value).__name__}. "
                "Name another module."
            )
            raise LearnerError(message)
        seen[:] = [value.flatten(1).clone()]  # what follows may write into it

    handle = network.get_submodule(module).register_forward_hook(keep)
    try:
        yield seen
    finally:
        handle.remove()


def embedding_place(network: nn.Module, items: Tensor, classes: int, module: str | None) -> tuple[str, bool]:
    """The module to watch for the embedding, and whether its input is wanted or its output.

    Parameters
    ----------
    network : torch.nn.Module
        Any network; it is run once, in evaluation mode.
    items : Tensor, first axis n
        A few items.
    classes : int
        How many logits are expected.
    module : str or None
        The module whose output is the embedding; None for the input of the linear layer executed last.

    Raises
    ------
    LearnerError
        No such module, one that is not executed, or a network that does not return logits.
    """
    if module is None:
        return last_linear(network, items, classes), True
    with embedded(network.eval(), module, is_input=False) as seen, torch.no_grad():
        checked_logits(network(items), len(items), classes)
    if not seen:
        message = (
            f"The embedding is the output of {module!r}, which {type(network).__name__} does not execute. "
            "Name a module that takes part in the forward pass."
        )
        raise LearnerError(message)
    return module, False


def _evaluated(network: nn.Module, items: Tensor) -> object:
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            return network(items)
    finally:
        network.train(was_training)


def _described(name: str, module: nn.Module) -> str:
    return f"{type(module).__name__} {name!r}" if name else type(module).__name__
