"""The message of differentially private gradient descent: each item's gradient clipped, and noise added."""

import warnings
from typing import Any

import numpy as np
import torch
from opacus import GradSampleModule
from opacus.optimizers import DPOptimizer
from torch import nn

from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.errors import DisclosureError
from nextlabel.leakage.batches import array_of, inputs_of, targets_of
from nextlabel.leakage.gradients import joined_loss
from nextlabel.leakage.model_copies import copied
from nextlabel.maths.parameters import checked_choice, checked_number

__all__ = ["private_message"]


def private_message(
    model: nn.Module,
    items: Array,
    labels: Array,
    *,
    rng: np.random.Generator,
    clip: float = 1.0,
    noise: float = 1.0,
    loss: str = "cross_entropy",
    reduction: str = "mean",
) -> Disclosure:
    """The gradient that DP-SGD sends: each item's cut to a length, summed, normal noise added.

    Parameters
    ----------
    model : torch.nn.Module
        It is copied, and not changed.
    items, labels
        As `nextlabel.leakage.messages.full` takes them.
    rng : numpy.random.Generator
        Draws the noise.
    clip : float
        The largest length of an item's gradient, over all parameters together; above 0.
    noise : float
        The standard deviation of the noise that is added to the sum, in units of ``clip``; 0 for none.
    loss : str
        ``"cross_entropy"`` or ``"squared_error"``.
    reduction : str
        ``"mean"``: the noised sum over the number of items, which counts as known; or ``"sum"``.

    Returns
    -------
    Disclosure
        Of kind ``"full"``.

    Raises
    ------
    DisclosureError
        The loss of a language model, whose mean is not one over items, a layer that mixes items, as batch
        normalisation, or one that Opacus cannot take apart, as torch's attention.
    ParameterError
        A length that is not above 0, or noise below 0.

    Notes
    -----
    Opacus computes gradients item by item, clips, adds noise and divides; what it promises is
    `nextlabel.leakage.defences.accounting.epsilon`. Time and memory are those of one gradient for each item.

    References
    ----------
    Abadi et al. Deep learning with differential privacy. CCS 2016. Algorithm 1.

    Examples
    --------
    >>> sent = private_message(
    ...     nn.Linear(3, 2), np.ones((4, 3), np.float32), np.array([0, 1, 1, 0]),
    ...     rng=np.random.default_rng(0), noise=0.0, reduction="sum",
    ... )  # fmt: skip
    >>> sent.items, sent["bias"].shape
    (4, (2,))
    """
    clip = checked_number(clip, "clip", above=0, advice="Give for example 1.0.")
    noise = checked_number(noise, "noise", least=0, advice="Give for example 1.0.")
    options = ("cross_entropy", "squared_error")
    checked_choice(reduction, "reduction", ("mean", "sum"))
    if loss not in options:
        message = (
            f"Clipping needs a loss for each item: {' or '.join(options)}; received {loss!r}. "
            "Share the gradient of one of these."
        )
        raise DisclosureError(message)
    generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
    private = _by_item(copied(model))
    weights = [one for one in private.parameters() if one.requires_grad]
    optimizer = DPOptimizer(
        torch.optim.SGD(weights, lr=1.0),
        noise_multiplier=noise,
        max_grad_norm=clip,
        expected_batch_size=len(items),
        loss_reduction=reduction,
        generator=generator,
    )
    _backward(private, model, items, labels, loss)
    for one in weights:
        if getattr(one, "grad_sample", None) is None:  # a parameter that no output depends on
            one.grad_sample = torch.zeros((len(items), *one.shape), dtype=one.dtype)
    optimizer.pre_step()
    sent = {
        name.removeprefix("_module."): array_of(one.grad)
        for name, one in private.named_parameters()
        if one.requires_grad
    }
    return Disclosure("full", sent, len(items))


def _backward(private: Any, model: nn.Module, items: Array, labels: Array, loss: str) -> None:
    inputs = inputs_of(model, items)
    with warnings.catch_warnings(), torch.enable_grad():
        # its hooks are told of outputs only where items need no gradient, which is all that it needs
        warnings.filterwarnings("ignore", message="Full backward hook is firing")
        outputs = private(inputs)
        total = joined_loss(outputs, targets_of(labels, outputs, loss), loss, "sum")
        try:
            torch.autograd.backward(total)
        except Exception as cause:  # its hooks may raise anything of a layer that they do not know
            raise _refused(model, cause) from cause


def _by_item(model: nn.Module) -> Any:
    model.eval()
    for module in model.modules():
        # Opacus looks at layers in training mode only; dropout has no parameters and stays off
        module.training = bool(list(module.parameters(recurse=False)))
    try:
        return GradSampleModule(model, loss_reduction="sum")
    except Exception as cause:  # Opacus refuses in several ways
        raise _refused(model, cause) from cause


def _refused(model: nn.Module, cause: Exception) -> DisclosureError:
    what = str(cause).strip().partition(chr(10))[0]
    kinds = {type(module) for module in model.modules()}
    advice = (
        "torch's attention by opacus.layers.DPMultiheadAttention"
        if nn.MultiheadAttention in kinds
        else "batch normalisation, for example by group normalisation"
    )
    return DisclosureError(
        f"Clipping needs each item's own gradient, and Opacus cannot take {type(model).__name__} apart: "
        f"{type(cause).__name__}: {what}. Replace {advice}."
    )
