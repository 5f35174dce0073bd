"""Whole numbers that a model reads as numbers, and not as token ids."""

import numpy as np
import torch
from torch import nn

from nextlabel.core.disclosure import Array
from nextlabel.leakage.batches import inputs_of, logits_of, outputs_of
from nextlabel.leakage.model_copies import copied

__all__ = ["as_read"]

_FEW = 8  # items on which the model is tried
_ALIKE = 1e-3  # of the outputs' length: what single precision may make of them


def as_read(model: nn.Module, items: Array, public: Array | None = None) -> tuple[Array, Array | None]:
    """Items as float64 where the model reads whole numbers, or yes and no, as numbers; else as they are.

    Parameters
    ----------
    model : torch.nn.Module
    items : array, first axis n
        Whole numbers may be token ids, or the values of a table or of pixels.
    public : array, first axis p, optional
        Other items, treated alike.

    Notes
    -----
    They are numbers if the model answers them alike as real numbers, and a gradient reaches some of them: a
    table of embeddings, or a mask, lets none through. Costs two forward passes of at most eight items, and a
    backward pass.

    Examples
    --------
    >>> class Pixels(nn.Linear):
    ...     def forward(self, x):
    ...         return super().forward(x / 255)
    >>> as_read(Pixels(3, 2), np.ones((4, 3), np.uint8))[0].dtype
    dtype('float64')
    >>> as_read(nn.Sequential(nn.Embedding(5, 3), nn.Flatten()), np.ones((4, 3), np.int64))[0].dtype
    dtype('int64')
    """
    if items.dtype.kind not in "biu" or not _are_numbers(model, items[:_FEW]):
        return items, public
    return items.astype(np.float64), None if public is None else np.asarray(public, np.float64)


def _are_numbers(model: nn.Module, items: Array) -> bool:
    try:
        own = copied(model).eval()
        whole = outputs_of(own, items).double()
        reals = inputs_of(own, items.astype(np.float64)).requires_grad_()
        alike = logits_of(own(reals))
        (reached,) = torch.autograd.grad(alike.sum(), reals, allow_unused=True)
    except Exception:  # a model may raise anything; one that lets no gradient through does
        return False
    if reached is None or whole.shape != alike.shape:
        return False
    return float((whole - alike.detach()).norm()) <= _ALIKE * float(whole.norm())
