"""Deep leakage from gradients in one call: a model and its gradients in, dummy data and label out."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.progress import reporting
from nextlabel.core.rng import generator
from nextlabel.errors import ConvergenceError, DisclosureError, ParameterError
from nextlabel.leakage.attacks.gradient_matching import GradientMatching
from nextlabel.leakage.batches import array_of, evaluating, outputs_of
from nextlabel.leakage.blank_items import takes_only_tokens
from nextlabel.leakage.checks import check
from nextlabel.leakage.in_place import sparing
from nextlabel.learners.networks import Images
from nextlabel.maths.parameters import checked_choice, checked_whole

__all__ = ["Gradients", "deep_leakage_from_gradients"]

_INNER = 20  # evaluations of an iteration, as torch's L-BFGS makes of one step

Gradients = Mapping[str, Any] | Iterable[Any]


def deep_leakage_from_gradients(
    model: nn.Module,
    gradients: Gradients,
    *,
    item_shape: tuple[int, ...] | None = None,
    classes: int | None = None,
    batch: int = 1,
    iterations: int = 300,
    label: Literal["optimised", "analytic"] = "optimised",
    restarts: int = 1,
    seed: int = 0,
    loss: str = "cross_entropy",
    reduction: str = "mean",
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """Dummy data and label whose gradient is the one given, as the published listing makes them.

    Parameters
    ----------
    model : torch.nn.Module
        With the weights at which the gradients were taken, in evaluation mode. It is left alone.
    gradients : mapping, or iterable of tensors or arrays
        By the names of the parameters, or in their order, as `torch.autograd.grad` gives them.
    item_shape : tuple of int, optional
        Of one item. Told by the model where it begins with nextlabel's layer for images or with a linear
        layer.
    classes : int, optional
        How many outputs; the model is asked unless said.
    batch : int
        How many items the gradients speak of.
    iterations : int
        Of 20 evaluations each; it ends before where the gradient is matched up to rounding.
    label : str
        ``"optimised"`` together with the data, or ``"analytic"``, read off the last layer's gradient.
    restarts : int
        Starts that go on together; the one with the nearest gradient is given back.
    seed : int
        Of the random starts.
    loss, reduction : str
        As in `nextlabel.core.attack.Knowledge`.
    progress : callable, optional
        Told the iteration and how many there are; the last call is told that all are done, also where the
        gradient was matched before. Without it, whoever listens by
        `nextlabel.core.progress.reporting`, such as a bar, hears of every evaluation.

    Returns
    -------
    dummy_data : Tensor, axes (batch, ...)
    dummy_label : Tensor, axes (batch, c)
        Probabilities of the classes, the largest that of the label; the values of a regression. Both on
        the model's device and in its precision.

    Raises
    ------
    ConvergenceError
        The gradient of no start is finite.
    DisclosureError
        Gradients of other names, number or shapes, none at all, or of another loss where that shows; a model
        in training mode with batch normalisation or dropout; an item shape that the model does not tell, or
        a model of token ids; gradients that are all zero.
    ParameterError
        An item shape that is no sequence of whole numbers from 1 up, a size that makes no sense, or a label
        that is neither optimised nor analytic.

    Notes
    -----
    Time as of `GradientMatching`, which does the work and says, as an attack, how it ended; this function
    gives the best found without a verdict.

    Departs from the listing: the label is given as probabilities, the loss is scaled by the gradient's
    length, and the optimiser searches along its steps.

    References
    ----------
    Zhu, Liu, Han. Deep leakage from gradients. NeurIPS 2019. Algorithm 1.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from nextlabel.leakage import deep_leakage_from_gradients
    >>> model = nn.Sequential(nn.Linear(4, 6), nn.Sigmoid(), nn.Linear(6, 3))
    >>> loss = nn.functional.cross_entropy(model(torch.tensor([[0.1, 0.9, 0.4, 0.2]])), torch.tensor([2]))
    >>> gradients = torch.autograd.grad(loss, list(model.parameters()))
    >>> data, label = deep_leakage_from_gradients(model, gradients, iterations=20, restarts=4)
    >>> data.shape, int(label.argmax())
    (torch.Size([1, 4]), 2)
    """
    iterations = checked_whole(iterations, "iterations", least=1)
    checked_choice(label, "label", ("optimised", "analytic"))
    sent = Disclosure("full", _named(model, gradients), checked_whole(batch, "batch", least=1))
    weights = next(model.parameters())
    shape = _said_shape(item_shape) if item_shape is not None else _told_shape(model)
    model = sparing(model, np.zeros((1, *shape), np.float32))
    if takes_only_tokens(Knowledge(model, shape, 2)):
        raise _no_steps(model)
    knowledge = Knowledge(
        model,
        shape,
        classes if classes is not None else _told_classes(model, shape),
        loss=loss,
        reduction=reduction,
        batch=batch,
    )
    check(sent, knowledge)
    attack = GradientMatching(label=label, restarts=restarts, evaluations=_INNER * iterations)
    heard = 0

    def hear(_: str, done: int, of: int) -> None:
        nonlocal heard
        if done // _INNER > heard and progress is not None:
            heard = done // _INNER
            progress(heard, of // _INNER)

    with reporting(hear) if progress is not None else nullcontext():
        found = attack.recover(sent, knowledge, generator(seed))
    if found.items is None:
        kind = ConvergenceError if found.outcome == "failed" else DisclosureError
        raise kind(f"Dummy data need finite gradients that can be matched. {found.reason}")
    data = torch.as_tensor(found.items).to(weights.device, weights.dtype)
    targets = np.asarray(found.details["targets"], dtype=np.float64)
    return data, torch.as_tensor(targets).to(weights.device, weights.dtype)


def _named(model: nn.Module, gradients: Gradients) -> dict[str, Array]:
    if isinstance(gradients, str | bytes) or not isinstance(gradients, Mapping | Iterable):
        message = (
            "Gradients must be a mapping of names to arrays, or arrays in the order of the parameters; "
            f"received {gradients!r}. Give what torch.autograd.grad(loss, list(model.parameters())) gives."
        )
        raise DisclosureError(message)
    if isinstance(gradients, Mapping):
        return {str(name): _array(one, str(name)) for name, one in gradients.items()}
    wanted = [name for name, one in model.named_parameters() if one.requires_grad]
    listed = list(gradients)
    names = wanted if len(wanted) == len(listed) else [str(place) for place in range(len(listed))]
    given = [_array(one, name) for one, name in zip(listed, names, strict=True)]
    if len(given) != len(wanted):
        message = (
            f"Gradients in order must be one for each of the {len(wanted)} trainable parameters of the "
            f"model; received {len(given)}. Give them by name: a mapping."
        )
        raise DisclosureError(message)
    return dict(zip(wanted, given, strict=True))


def _array(one: Any, name: str) -> Array:
    if one is None:
        message = (
            f"Every gradient must be an array; that of {name!r} is None, as torch has it of a parameter that "
            "the loss does not reach or that no backward pass filled. Give zeros of its shape where the loss "
            "does not reach it."
        )
        raise DisclosureError(message)
    return array_of(one) if isinstance(one, Tensor) else np.asarray(one)


def _said_shape(shape: Any) -> tuple[int, ...]:
    if isinstance(shape, str | bytes) or not isinstance(shape, Iterable):
        example = (shape,) if isinstance(shape, int) and shape > 0 else (3, 32, 32)
        message = (
            f"'item_shape' must be a tuple, the length of each axis of one item; received {shape!r}. Give "
            f"for example item_shape={example}."
        )
        raise ParameterError(message)
    return tuple(checked_whole(one, f"item_shape[{axis}]", least=1) for axis, one in enumerate(shape))


def _told_shape(model: nn.Module) -> tuple[int, ...]:
    first = next((one for one in model.modules() if not list(one.children())), model)
    if isinstance(first, nn.Linear):
        return (first.in_features,)
    if isinstance(first, Images):
        sides = tuple(int(side) for side in first.sides)
        if first.is_grey:
            return sides
        return (*sides, first.channels) if first.has_channels_last else (first.channels, *sides)
    if isinstance(first, nn.Embedding | nn.EmbeddingBag):
        raise _no_steps(model)
    message = (
        f"The shape of an item must be given: {type(model).__name__} begins with {type(first).__name__}, "
        "which takes several. Give for example item_shape=(3, 32, 32)."
    )
    raise DisclosureError(message)


def _no_steps(model: nn.Module) -> DisclosureError:
    message = (
        f"Dummy data are moved by small steps, which token ids do not have: {type(model).__name__} embeds "
        "such. Give nextlabel.leakage.audit attacks='text_matching', which moves their embeddings."
    )
    return DisclosureError(message)


def _told_classes(model: nn.Module, shape: tuple[int, ...]) -> int:
    with evaluating(model):  # training mode is refused by the check, which names the layers
        return int(outputs_of(model, np.zeros((1, *shape), np.float32)).shape[-1])
