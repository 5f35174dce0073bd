"""Whole numbers that a model reads as numbers, and not as token ids."""

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.disclosure import Array
from nextlabel.errors import DisclosureError
from nextlabel.leakage.batches import forked, outputs_of
from nextlabel.leakage.model_copies import copied

__all__ = ["as_read"]

_FEW = 8  # items on which the model is tried
_FRACTIONS = (0.1, 0.4)  # within which values are exceeded: rounding leaves these off too
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

    Raises
    ------
    DisclosureError
        The model reads them as numbers, and otherwise than the same real numbers.

    Notes
    -----
    They are numbers if it matters by which fractions they are exceeded: whoever looks a token id up cuts the
    fraction off, and whoever asks whether it is the padding finds any fraction alike. Only values above 1 are
    tried where there are any: of smaller ones a mask may be made by arithmetic. Costs four forward passes of
    at most eight items.

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
    if items.dtype.kind not in "biu" or not _are_numbers(model, _few(items)):
        return items, public
    return items.astype(np.float64), None if public is None else np.asarray(public, np.float64)


def _few(items: Array) -> Array:
    """Items that hold values above 1, where there are any."""
    holds = np.flatnonzero((items > 1).reshape(len(items), -1).any(axis=1))
    return np.array(items[holds[:_FEW]] if len(holds) else items[:_FEW])


def _are_numbers(model: nn.Module, items: Array) -> bool:
    telling = items > 1
    if not telling.any():
        telling[:] = True
    own = copied(model).eval()

    def said(values: Array) -> Tensor:
        with forked(torch.zeros(())):  # of a model that draws, the same each time
            torch.manual_seed(0)
            return outputs_of(own, values)

    reals = items.astype(np.float64)
    # not all alike: a model may take off what the values of an item have in common
    shares = np.linspace(*_FRACTIONS, items.size)
    try:
        some, others = (
            said(reals + np.where(telling, one.reshape(items.shape), 0.0)) for one in (shares, shares[::-1])
        )
        alike, whole = said(reals), said(items).to(some.dtype)
    except DisclosureError:  # it takes whole numbers alone, or real ones alone, or neither
        return False
    if not whole.isfinite().all() or torch.equal(some, others):
        return False
    if alike.shape != whole.shape or float((whole - alike).norm()) > _ALIKE * float(whole.norm()):
        message = (
            f"Whole numbers that a model reads as numbers are audited as real ones; {type(model).__name__} "
            f"answers {items.dtype} otherwise than the same real numbers, as where it divides by 255 what is "
            "of whole numbers, and nothing else. Give the real numbers that its layers read, for example "
            "items.astype('float32') / 255."
        )
        raise DisclosureError(message)
    return True
