"""An item to run a model on where no item is known, and whether that is one of token ids."""

import numpy as np
import torch
from torch import nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array
from nextlabel.leakage.batches import evaluating, forked, inputs_of, logits_of

__all__ = ["blank_item", "looks_values_up", "takes_only_tokens"]


def blank_item(knowledge: Knowledge) -> Array:
    """A public item, or one of zeros, to run the model on; token ids where the model embeds and takes them.

    Parameters
    ----------
    knowledge : Knowledge
        Its first public item is taken where there is one.

    Notes
    -----
    Of zeros a model may make no number, as one that divides an item by its spread or its sum, or that masks
    the padding away and divides by what is left; or it may not take them, as one that packs texts by their
    lengths: then values, or ones and zeros in turn, are taken instead.

    Examples
    --------
    >>> blank_item(Knowledge(nn.Linear(2, 3), (2,), 3))
    array([[0., 0.]], dtype=float32)
    """
    if knowledge.public is not None and len(knowledge.public):
        return np.asarray(knowledge.public)[:1]
    numbers, tokens = _zeros(knowledge)
    # a model may embed positions, and take real numbers all the same
    taken = _blank(knowledge.model, tokens) if _embeds(knowledge.model) else None
    taken = _blank(knowledge.model, numbers) if taken is None else taken
    return numbers if taken is None else taken


def takes_only_tokens(knowledge: Knowledge) -> bool:
    """Whether the model takes token ids and no real numbers, so that no gradient by an item exists.

    Parameters
    ----------
    knowledge : Knowledge
        For the model and the shape of an item.

    Notes
    -----
    Costs two to four forward passes of one item where the model embeds anything, and nothing elsewhere.

    Examples
    --------
    >>> of_words = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 2))
    >>> takes_only_tokens(Knowledge(of_words, (2,), 2))
    True
    """
    if not _embeds(knowledge.model):
        return False
    numbers, tokens = _zeros(knowledge)
    return _blank(knowledge.model, tokens) is not None and _blank(knowledge.model, numbers) is None


def looks_values_up(knowledge: Knowledge) -> bool:
    """Whether a model that takes real numbers looks some of them up in a table, as columns of categories.

    Parameters
    ----------
    knowledge : Knowledge

    Examples
    --------
    >>> class Mixed(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.table, self.layer = nn.Embedding(5, 3), nn.Linear(4, 2)
    ...
    ...     def forward(self, rows):
    ...         return self.layer(torch.cat([self.table(rows[:, 0].long()), rows[:, 1:]], 1))
    >>> looks_values_up(Knowledge(Mixed(), (2,), 2))
    True
    """
    if not _embeds(knowledge.model):
        return False
    numbers, _ = _zeros(knowledge)
    model = knowledge.model
    return _is_number(model, numbers) is not None and _is_number(model, numbers - 1.0) is None


def _zeros(knowledge: Knowledge) -> tuple[Array, Array]:
    numbers, tokens = (np.zeros((1, *knowledge.item_shape), dtype) for dtype in (np.float32, np.int64))
    return numbers, tokens


def _uneven(blank: Array) -> Array:
    """Values that differ, all above 0; of token ids ones and zeros in turn."""
    if blank.dtype.kind == "f":
        return np.linspace(0.25, 1.0, blank.size, dtype=blank.dtype).reshape(blank.shape)
    return (np.arange(1, blank.size + 1) % 2).astype(blank.dtype).reshape(blank.shape)


def _blank(model: nn.Module, zeros: Array) -> Array | None:
    """Zeros, or values that differ where a model makes no number of those; None where it takes neither."""
    taken = None
    for one in (zeros, _uneven(zeros)):
        is_number = _is_number(model, one)
        if is_number:
            return one
        taken = one if taken is None and is_number is not None else taken
    return taken


def _is_number(model: nn.Module, item: Array) -> bool | None:
    """Whether a model makes numbers of an item; None where it does not take it."""
    inputs = inputs_of(model, item)
    try:
        with evaluating(model), torch.no_grad(), forked(inputs):
            said = logits_of(model(inputs))
    except Exception:  # a model may raise anything
        return None
    return not isinstance(said, torch.Tensor) or bool(said.isfinite().all())


def _embeds(model: nn.Module) -> bool:
    return any(isinstance(module, nn.Embedding | nn.EmbeddingBag) for module in model.modules())
