"""The gradient of a message's loss, as a function that can be differentiated and mapped once more."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.errors import DisclosureError
from nextlabel.leakage.batches import logits_of

__all__ = ["PART", "MessageGradient", "farthest", "joined_loss", "relative_distance", "tensors_of"]

PART: Final = 0.01
"""Of its own length: what may be left of an array of a message whose whole is explained far better."""


def joined_loss(outputs: Tensor, targets: Tensor, loss: str, reduction: str) -> Tensor:
    """The loss of a batch, as one number.

    Parameters
    ----------
    outputs : Tensor, axes (b, c); for a language model (b, t, c)
        Logits, or the values of a regression.
    targets : Tensor
        Class indices (int64) with the axes of ``outputs`` but the last, -100 at positions that do not count;
        or probabilities or values with the axes of ``outputs``.
    loss : str
        One of `nextlabel.core.attack.Knowledge.losses`.
    reduction : str
        ``"mean"`` or ``"sum"`` over the items (of a language model, over the positions that count).

    Returns
    -------
    Tensor, no axes
        The loss, differentiable in outputs and in targets that are no class indices.

    Raises
    ------
    DisclosureError
        Values or probabilities of other axes than the outputs.

    Examples
    --------
    >>> joined_loss(torch.tensor([[3.0], [0.0]]), torch.tensor([[1.0], [0.0]]), "squared_error", "mean")
    tensor(1.)
    """
    if targets.dtype == torch.int64 and loss != "squared_error":
        flat = outputs.reshape(-1, outputs.shape[-1])
        return nn.functional.cross_entropy(flat, targets.reshape(-1), reduction=reduction)
    if targets.shape != outputs.shape:  # or they would be stretched over one another without a word
        message = (
            f"Targets that are no classes must have the axes of the outputs, {tuple(outputs.shape)}; "
            f"received {tuple(targets.shape)}. Give one number for each output."
        )
        raise DisclosureError(message)
    if loss == "squared_error":
        each = 0.5 * ((outputs - targets) ** 2).reshape(len(outputs), -1).sum(1)
    else:
        each = -(targets * outputs.log_softmax(-1)).sum(-1).flatten()
    return each.mean() if reduction == "mean" else each.sum()


@final
class MessageGradient:
    """The gradient that a client would compute of given items.

    It can be differentiated again, and mapped over many batches by `torch.func.vmap`, unless the model has
    operations that torch's transforms refuse, as functions with a backward pass of the old form are: autograd
    takes these.

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode; takes items and returns logits.
    loss, reduction : str
        As in `joined_loss`.
    names : sequence of str, optional
        The parameters to differentiate by; all that require a gradient unless said.
    factor : float
        The loss is multiplied by it before it is differentiated, which multiplies the gradient without a pass
        over it and without losing what is tiny to underflow.

    Attributes
    ----------
    parameters : dict of str to Tensor
        The parameters by name, detached, in the order of the model.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: str,
        reduction: str,
        names: Sequence[str] | None = None,
        factor: float = 1.0,
    ) -> None:
        every = {name: one for name, one in model.named_parameters() if one.requires_grad}
        wanted = every if names is None else {name: every[name] for name in every if name in set(names)}
        self.parameters: dict[str, Tensor] = {name: one.detach() for name, one in wanted.items()}
        held = {name: one.detach() for name, one in model.named_parameters() if name not in wanted}
        self._rest = held | {name: one.detach() for name, one in model.named_buffers()}
        self._model = model
        self._loss, self._reduction, self._factor = loss, reduction, factor
        self._grad = grad(self._value)
        self._is_plain = False  # once torch's transforms have refused the model, they are not asked again

    def __call__(
        self, items: Tensor, targets: Tensor, parameters: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """The gradient, by name.

        Parameters
        ----------
        items : Tensor, axes (b, ...)
            As the model takes them.
        targets : Tensor
            As in `joined_loss`.
        parameters : mapping of str to Tensor, optional
            Other weights at which to differentiate, as after a local step.
        """
        weights = dict(self.parameters if parameters is None else parameters)
        if not self._is_plain:
            try:
                found: dict[str, Tensor] = self._grad(weights, items, targets)
            except RuntimeError:
                if torch._C._are_functorch_transforms_active():
                    raise  # within another transform: who asked for it may do without
            else:
                return found
        found, self._is_plain = self._plainly(weights, items, targets), True
        return found

    def _plainly(self, weights: dict[str, Tensor], items: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The same gradient by autograd, which bears operations with a backward pass of their own."""
        given = (items, targets, *weights.values())
        is_asked_further = torch.is_grad_enabled() and any(one.requires_grad for one in given)
        with torch.enable_grad():
            moved = {
                name: one if one.requires_grad else one.detach().requires_grad_()
                for name, one in weights.items()
            }
            found = torch.autograd.grad(
                self._value(moved, items, targets),
                list(moved.values()),
                create_graph=is_asked_further,
                allow_unused=True,
                materialize_grads=True,
            )
        return dict(zip(moved, found, strict=True))

    def outputs(self, items: Tensor) -> Tensor:
        """What the model says of items, without a gradient."""
        with torch.no_grad():
            said: Tensor = self._outputs(self.parameters, items)
        return said

    def _outputs(self, parameters: Mapping[str, Tensor], items: Tensor) -> Any:
        return logits_of(functional_call(self._model, {**self._rest, **parameters}, (items,)))

    def _value(self, parameters: dict[str, Tensor], items: Tensor, targets: Tensor) -> Tensor:
        value = joined_loss(self._outputs(parameters, items), targets, self._loss, self._reduction)
        return value if self._factor == 1.0 else self._factor * value

    @classmethod
    def known(cls, knowledge: Knowledge, disclosure: Disclosure) -> "MessageGradient":
        """That of a message: by the arrays that it names."""
        return cls(knowledge.model, knowledge.loss, knowledge.reduction, list(disclosure.arrays))


def tensors_of(disclosure: Disclosure, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """The arrays of a message as tensors of one type, copied."""
    return {name: torch.tensor(array, dtype=dtype) for name, array in disclosure.arrays.items()}


def farthest(found: Mapping[str, Tensor], shared: Mapping[str, Tensor]) -> tuple[str, float]:
    """The array that is farthest from what was shared, as a share of its own length, and that share.

    Where one layer holds nearly all of a message's length, the distance of the whole hides the rest.

    Parameters
    ----------
    found, shared : mapping of str to Tensor
        Of equal names and shapes, at least one; the names of ``shared`` count.

    Returns
    -------
    tuple of str and float
        An array of zeros is held against the rounding of the whole in float32.
    """
    whole = sum(float((one.double() ** 2).sum()) for one in shared.values()) ** 0.5
    shares = {}
    for name, one in shared.items():
        length = float(one.double().norm()) or whole * float(torch.finfo(torch.float32).eps) or 1.0
        shares[name] = float((found[name].double() - one.double()).norm()) / length
    return max(shares.items(), key=lambda pair: pair[1])


def relative_distance(found: Mapping[str, Tensor], shared: Mapping[str, Tensor]) -> float:
    """The length of the difference as a share of the length of what was shared; 0 for equal zeros.

    Parameters
    ----------
    found, shared : mapping of str to Tensor
        Of equal names and shapes; the names of ``shared`` count.

    Returns
    -------
    float
        Not negative; infinity where the shared arrays are zero and the found ones are not.
    """
    apart = sum(float(((found[name].double() - one.double()) ** 2).sum()) for name, one in shared.items())
    length = sum(float((one.double() ** 2).sum()) for one in shared.values())
    if length == 0:
        return 0.0 if apart == 0 else float("inf")
    return float((apart / length) ** 0.5)
