"""What a message says of the weights before the last layer: whether they are those that are stated."""

from typing import Final

import numpy as np
import torch

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.batches import array_of, evaluating, inputs_of
from nextlabel.leakage.closed_forms.dense_layers import Dense, DenseLayers, dense_layers
from nextlabel.learners.layers import embedded
from nextlabel.maths.axes import Floats

__all__ = ["UNSEEN_BODY", "are_unlike", "body_fault", "has_body"]

UNSEEN_BODY: Final = (
    "The checks before the attacks do not see the weights before the last layer in this message: they are "
    "taken as stated. Of another model with the same last layer these checks find nothing amiss."
)
"""What is said where the layers before the last one could not be held against the message."""

_CLEAN = 1e-5  # as a share, what float32 leaves of an outer product of two vectors
_LEAST = 1e-6  # a slope that is less has lost digits in the sums that made it
_CLOSE = 1e-3  # of the features, which are computed twice from float32 numbers
_FAR = 0.1  # of the features: few bits make less
_UNLIKE = 1e-2
_ROUNDING = 1e-6  # of the sums that make them


def has_body(knowledge: Knowledge, last: str) -> bool:
    """Whether there are weights beside those of the last layer.

    Parameters
    ----------
    knowledge : Knowledge
        For the model.
    last : str
        The name of its last linear layer.
    """
    own = {id(one) for one in knowledge.model.get_submodule(last).parameters()}
    return any(id(one) not in own for one in knowledge.model.parameters())


def are_unlike(slope: Floats) -> bool:
    """Whether rounding and pruning would show in an outer product with this slope.

    Of rows that are one another's copy, or their negative, each loses the same, and an outer product is left.

    Parameters
    ----------
    slope : array of float64, axes (c,)

    Examples
    --------
    >>> are_unlike(np.array([0.3, -0.3])), are_unlike(np.array([0.3, -0.5, 0.2]))
    (False, True)
    """
    sizes = np.abs(slope[slope != 0.0])
    return len(sizes) > 1 and float(sizes.max() - sizes.min()) > _UNLIKE * float(sizes.max())


def body_fault(disclosure: Disclosure, knowledge: Knowledge, last: str, features: Floats) -> str | None:
    """What is wrong with the weights before the last layer, where a message of one item shows them.

    Parameters
    ----------
    disclosure : Disclosure
        Of one item; of kind ``"full"``, or an update after one step, whatever its rate.
    knowledge : Knowledge
    last : str
        The name of the last linear layer.
    features : array of float64, axes (d,)
        What entered the last layer, by its own gradient.

    Returns
    -------
    str or None
        Empty where the weights are those that made the message; None where nothing settles it.

    Notes
    -----
    Where the first layer is linear with a bias and reads the item, ∂L/∂W = δ ⊗ x and ∂L/∂b = δ give the item
    x, and the model at x must give the features that the last layer tells. Costs two forward passes.

    Fails where the first layer is a convolution or an embedding, or has no bias or no gradient in the
    message, and where the message was changed on the way.

    Examples
    --------
    >>> from torch import nn
    >>> from nextlabel.leakage.messages import full
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)).eval()
    >>> item = np.array([[0.5, -1.0]], np.float32)
    >>> known = Knowledge(model, (2,), 2)
    >>> inner = model[:2](torch.tensor(item))[0].detach().numpy()
    >>> body_fault(full(model, item, np.array([1])), known, "2", inner)
    ''
    """
    try:
        with evaluating(knowledge.model):
            seen = dense_layers(knowledge)
    except Exception:  # a model may raise anything
        return None
    first = seen.layers[0]
    item = None if seen.order is None or first.name == last else _item(disclosure, seen, first)
    if item is None:
        return None
    made, terms = _features_of(knowledge, last, item)
    if made.shape != features.shape or not np.isfinite(made).all():
        return None
    apart = float(np.linalg.norm(made - features))
    if apart <= _CLOSE * float(np.linalg.norm(features)) + _ROUNDING * terms:
        return ""
    share = apart / max(float(np.linalg.norm(features)), 1e-300)
    if share < _FAR:
        return None
    return (
        "The message cannot come from this model: by its first layer it is of one item, of which the model "
        f"makes features that are {share:.2g} of their length away from those that the last layer tells. "
        "The weights before the last layer are others. Give the weights at which the message was made."
    )


def _item(disclosure: Disclosure, seen: DenseLayers, first: Dense) -> Floats | None:
    """The one item that the gradient of the first layer is exactly that of."""
    names = [f"{first.name}.{part}" if first.name else part for part in ("weight", "bias")]
    if any(name not in disclosure.arrays for name in names):
        return None
    weight, bias = (disclosure[name].astype(np.float64) for name in names)
    if weight.ndim != 2 or float(np.abs(bias).max()) < _LEAST or not are_unlike(bias):
        return None
    row = bias @ weight / (bias @ bias)
    apart = np.linalg.norm(weight - np.outer(bias, row))
    return seen.items_of(row[None]) if apart <= _CLEAN * np.linalg.norm(weight) else None


def _features_of(knowledge: Knowledge, last: str, item: Floats) -> tuple[Floats, float]:
    """What the model makes of an item, and the length of the terms that are summed in its first layer."""
    model = knowledge.model
    like = next(model.parameters())
    inputs = inputs_of(model, item.astype(np.float64)).to(like.dtype)
    with evaluating(model), torch.no_grad(), embedded(model, last, is_input=True) as found:
        model(inputs)
    made = array_of(found[0]).astype(np.float64).reshape(-1)
    largest = max(float(one.detach().abs().max()) for one in model.parameters() if one.numel())
    return made, largest * float(np.abs(item).sum())
