"""The blocks of a network: where features of different depth can be read."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeGuard

import torch
from torch import Tensor, nn

from nextlabel.errors import LearnerError

__all__ = ["are_names", "block_names", "block_outputs", "block_widths"]


def are_names(blocks: object) -> TypeGuard[Sequence[str]]:
    """Whether blocks are named as they are to be: a sequence of strings, at least one."""
    return isinstance(blocks, list | tuple) and bool(blocks) and all(isinstance(one, str) for one in blocks)


def block_names(network: nn.Module, items: Tensor, named: Sequence[str] | None = None) -> tuple[str, ...]:
    """The modules whose outputs are the features of a network's blocks, first to last.

    Parameters
    ----------
    network : torch.nn.Module
    items : tensor, axes (n, ...)
        A few items, which are sent through it where its blocks must be found.
    named : sequence of str, optional
        The names, where they are known.

    Returns
    -------
    tuple of str
        Those that are named; else those that the network has in its attribute `blocks`, as a sequence of
        names; else every `torch.nn.ReLU`, as often as it is executed: of a module `relu`, ``"relu"`` is what
        it says first, ``"relu#2"`` what it says when it is executed again.

    Raises
    ------
    LearnerError
        A name that is no module of the network, or no block that can be found.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> block_names(network, torch.zeros(1, 2))
    ('1',)
    """
    own = getattr(network, "blocks", None)
    found = named if named is not None else (own if are_names(own) else _rectified(network, items))
    modules = dict(network.named_modules())
    lacking = [one for one in found if _module_of(one) not in modules]
    if lacking or not found:
        wanted = f"{', '.join(map(repr, lacking))} is no module of it" if lacking else "none was found"
        message = (
            f"The blocks of {type(network).__name__} must be modules that it executes, or it must execute a "
            f"torch.nn.ReLU; {wanted}. Its modules are: {', '.join(name for name in modules if name)}. Name "
            "some of them, for example blocks=['layer1', 'layer2']."
        )
        raise LearnerError(message)
    return tuple(found)


def block_widths(network: nn.Module, items: Tensor, names: Sequence[str]) -> list[int]:
    """How many features each block has, once they are averaged over space.

    Raises
    ------
    LearnerError
        A block that is not executed, or whose output is not a tensor of numbers, axes (n, channels, ...).
    """
    was_training = network.training
    network.eval()  # two items must not move running statistics
    try:
        with torch.no_grad(), block_outputs(network, names) as outputs:
            network(items)
    finally:
        network.train(was_training)
    unseen = [one for one in names if one not in outputs]
    if unseen:
        message = (
            f"The blocks of {type(network).__name__} must be executed; {', '.join(map(repr, unseen))} is "
            "not. Name modules that take part in the forward pass."
        )
        raise LearnerError(message)
    return [outputs[one].shape[1] for one in names]


@contextmanager
def block_outputs(network: nn.Module, names: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Collects the features of blocks in the first forward pass within this scope.

    Parameters
    ----------
    network : torch.nn.Module
    names : sequence of str
        Modules of it.

    Yields
    ------
    dict of str to tensor, axes (n, d)
        By name, averaged over all axes but the first two; differentiable.
    """
    found: dict[str, Tensor] = {}
    times: Counter[str] = Counter()

    def keep(module: str, output: object) -> None:
        times[module] += 1
        name = _name_of(module, times[module])
        if name not in names:  # a second pass, or an execution that nobody asks for
            return
        if not isinstance(output, Tensor) or not output.is_floating_point() or output.ndim < 2:
            said = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
            message = (
                f"A block's output must be a tensor of numbers, axes (items, channels, ...); that of "
                f"{name!r} is {said}. Name another module."
            )
            raise LearnerError(message)
        found[name] = output.flatten(2).mean(2) if output.ndim > 2 else output.clone()

    handles = [
        network.get_submodule(one).register_forward_hook(lambda _, __, output, one=one: keep(one, output))
        for one in dict.fromkeys(map(_module_of, names))
    ]
    try:
        yield found
    finally:
        for one in handles:
            one.remove()


def _rectified(network: nn.Module, items: Tensor) -> list[str]:
    """The rectifiers in the order in which they are executed, each time that they are."""
    seen: list[str] = []
    handles = [
        module.register_forward_hook(lambda *_, name=name: seen.append(name))
        for name, module in network.named_modules()
        if isinstance(module, nn.ReLU)
    ]
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            network(items)
    finally:
        network.train(was_training)
        for one in handles:
            one.remove()
    return [_name_of(one, seen[: place + 1].count(one)) for place, one in enumerate(seen)]


def _name_of(module: str, time: int) -> str:
    return module if time == 1 else f"{module}#{time}"


def _module_of(name: str) -> str:
    return name.partition("#")[0]
