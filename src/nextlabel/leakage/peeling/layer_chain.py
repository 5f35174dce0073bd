"""The layers that a network executes one after another, found by running it once."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from nextlabel.errors import LearnerError
from nextlabel.leakage.batches import evaluating, logits_of
from nextlabel.leakage.closed_forms.item_readings import Reading, reading_of

__all__ = ["Stage", "executed_chain"]

_SCALED = " or to scale and shift each"


@final
@dataclass(frozen=True, eq=False)
class Stage:
    """One executed layer.

    Parameters
    ----------
    name : str
        As the network calls the module.
    module : torch.nn.Module
        The layer.
    entering, leaving : tuple of int
        The shape of one item before and after it.
    typical : float
        The root mean square of what entered it, for an item of values between 0 and 1.
    reading : Reading, optional
        Of a first stage that is no module: how the network scales and shifts the item by itself.
    """

    name: str
    module: nn.Module
    entering: tuple[int, ...]
    leaving: tuple[int, ...]
    typical: float = 1.0
    reading: Reading | None = None

    @property
    def title(self) -> str:
        """How messages call the layer."""
        if self.reading is not None:
            return "what the network does to the item first"
        kind = type(self.module).__name__
        return f"{kind} {self.name!r}" if self.name else kind


def executed_chain(model: nn.Module, item_shape: tuple[int, ...]) -> tuple[Stage, ...]:
    """The layers of a network in the order in which they are executed.

    Parameters
    ----------
    model : torch.nn.Module
        It is run once, in evaluation mode, on an item of random values.
    item_shape : tuple of int
        The shape of one item.

    Returns
    -------
    tuple of Stage

    Raises
    ------
    LearnerError
        The network is no chain: a layer is executed twice, or what enters a layer is not what left the one
        before (in another shape at most), as with shortcuts, branches, and functions that are no modules; or
        it does not take real numbers of that shape.

    Notes
    -----
    Two values that are equal by chance would hide a break; the item is drawn from 2³² values for that reason.
    Before the first layer values may be moved, scaled and shifted, each by itself, by functions that are no
    modules, as where a network standardises its input: that is then a stage of its own.

    Examples
    --------
    >>> chain = executed_chain(nn.Sequential(nn.Flatten(), nn.Linear(6, 2), nn.Tanh()), (2, 3))
    >>> [stage.title for stage in chain]
    ["Flatten '0'", "Linear '1'", "Tanh '2'"]
    """
    seen: list[tuple[str, nn.Module, Tensor, Tensor]] = []
    entered: dict[str, Tensor] = {}
    handles = []
    for name, module in model.named_modules():
        if list(module.children()):
            continue

        def before(_: nn.Module, inputs: tuple[object, ...], name: str = name) -> None:
            if len(inputs) != 1 or not isinstance(inputs[0], Tensor):
                message = f"A chain of layers was expected; {name!r} takes more than one tensor."
                raise LearnerError(message)
            entered[name] = inputs[0].clone()  # the layer may write into it

        def after(module: nn.Module, _: object, output: object, name: str = name) -> None:
            if not isinstance(output, Tensor):
                message = f"A chain of layers was expected; {name!r} returns {type(output).__name__}."
                raise LearnerError(message)
            seen.append((name, module, entered[name], output.clone()))

        handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    item = _random_item(model, item_shape)
    try:
        with evaluating(model), torch.no_grad():
            output = logits_of(model(item))
    except LearnerError:
        raise
    except Exception as cause:  # a model may raise anything
        message = (
            f"A chain of layers was expected, which takes real numbers of the shape {item_shape}; given "
            f"such, {type(model).__name__} raised {type(cause).__name__}: "
            f"{str(cause).strip().partition(chr(10))[0]}"
        )
        raise LearnerError(message) from cause
    finally:
        for handle in handles:
            handle.remove()
    scaled = _scaled(model, seen, item)  # without the hooks, which its copy would have too
    _check(seen, seen[0][2] if scaled else item, output, type(model).__name__)
    return scaled + tuple(
        Stage(
            name,
            module,
            tuple(entering.shape[1:]),
            tuple(leaving.shape[1:]),
            float(entering.double().square().mean().sqrt()),
        )
        for name, module, entering, leaving in seen
    )


def _scaled(
    model: nn.Module, seen: list[tuple[str, nn.Module, Tensor, Tensor]], item: Tensor
) -> tuple[Stage, ...]:
    """A stage for what is done to the values of an item before the first layer; none where nothing is."""
    if not seen or _same(item, seen[0][2]):
        return ()
    name, _, entering, _ = seen[0]
    if entering.numel() != item.numel():
        return ()
    with evaluating(model):
        reading = reading_of(model, name, tuple(item.shape[1:]))
    if reading is None:
        return ()
    typical = float(item.double().square().mean().sqrt())
    return (Stage("", nn.Identity(), tuple(item.shape[1:]), tuple(entering.shape[1:]), typical, reading),)


def _random_item(model: nn.Module, item_shape: tuple[int, ...]) -> Tensor:
    like = next(model.parameters(), torch.zeros(()))
    stream = torch.Generator().manual_seed(0)
    return torch.rand((1, *item_shape), generator=stream).to(like)


def _check(
    seen: list[tuple[str, nn.Module, Tensor, Tensor]], item: Tensor, output: object, kind: str
) -> None:
    modules = [module for _, module, _, _ in seen]
    twice = [name for name, module, _, _ in seen if modules.count(module) > 1]
    if twice:
        message = f"A chain of layers was expected, each executed once; {kind} executes {twice[0]!r} again."
        raise LearnerError(message)
    value, last = item, "the item"
    for name, _, entering, leaving in seen:
        if not _same(value, entering):
            message = (
                f"A chain of layers was expected; {kind} does more between {last} and {name!r} than to hand "
                f"the values on{_SCALED if last == 'the item' else ''}, such as a shortcut or a function "
                "that is no module."
            )
            raise LearnerError(message)
        value, last = leaving, repr(name)
    if not seen or not isinstance(output, Tensor) or not _same(value, output):
        message = f"A chain of layers was expected; {kind} does more after {last} than to hand the values on."
        raise LearnerError(message)


def _same(left: Tensor, right: Tensor) -> bool:
    return left.numel() == right.numel() and torch.equal(left.flatten(), right.flatten())
