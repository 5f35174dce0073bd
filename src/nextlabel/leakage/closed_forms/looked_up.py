"""A record with categories that a model looks up: what enters the first linear layer tells all columns."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.blank_items import looks_values_up
from nextlabel.leakage.closed_forms.followed_features import features_of
from nextlabel.leakage.closed_forms.known_items import as_items, explained
from nextlabel.leakage.closed_forms.single_inputs import single_input
from nextlabel.maths.axes import Floats

__all__ = ["looked_up"]

_Mask = NDArray[np.bool_]

_HALF = 0.4  # of a step between categories: a column that is looked up changes nothing by so little
_NEAR = 1e-3  # of the length of what enters the layer: what another row, or another record, may not be off by
_ROUNDING = 1e-5  # of the largest number: single precision moves it by less
_TRIED = 4  # records of numbers, to see that columns add up
_MOST = 10_000_000  # numbers of all records that are tried for one column: 80 MB
_WIDEST = 1_024  # columns, each of which is tried by itself


def looked_up(gradient: Disclosure, knowledge: Knowledge) -> Recovery | None:
    """The record of a message of one, some of whose columns are categories that the model looks up in tables.

    Parameters
    ----------
    gradient : Disclosure
        Of kind ``"full"``, of one record.
    knowledge : Knowledge

    Returns
    -------
    Recovery or None
        None of models that look nothing up, of messages without that layer's weight and bias, and where what
        enters the layer is not the sum of what single columns send into it, or does not tell them all.

    Notes
    -----
    Weight over bias of the first linear layer is what entered it. Columns are tried one by one beside a
    record of zeros: those that change nothing by a fraction are looked up, and all their categories are
    tried; the others are solved for. The record counts only if it makes what entered, and the message. Time
    O(columns + categories) passes through the layers before.
    """
    if not looks_values_up(knowledge):
        return None
    layer = _first_linear(knowledge)
    weight, bias = (gradient.arrays.get(f"{layer}.{part}") for part in ("weight", "bias"))
    if weight is None or bias is None or weight.ndim != 2 or not bias.any():
        return None
    entered, _ = single_input(weight.astype(np.float64), bias.astype(np.float64))
    item = _item(entered, layer, knowledge)
    if item is None:
        return None
    close = explained(item[None], gradient, knowledge)
    if close.residual is None or close.residual > _NEAR:
        return None
    return Recovery(
        "recovered",
        "what entered the first linear layer is what these categories and numbers send into it",
        items=item[None],
        labels=close.answers,
        residual=close.residual,
    )


def _first_linear(knowledge: Knowledge) -> str:
    """The linear layer that is executed first; empty where there is none."""
    order: list[str] = []
    handles = [
        module.register_forward_pre_hook(lambda _, __, name=name: order.append(name))
        for name, module in knowledge.model.named_modules()
        if isinstance(module, nn.Linear)
    ]
    try:
        with torch.no_grad():
            knowledge.model(as_items(np.zeros((1, *knowledge.item_shape)), knowledge))
    finally:
        for handle in handles:
            handle.remove()
    return next(iter(order), "")


def _item(entered: Floats, layer: str, knowledge: Knowledge) -> Floats | None:
    width = int(np.prod(knowledge.item_shape))
    if width > _WIDEST:
        return None

    def sent(rows: Floats) -> Floats:
        return features_of(rows.reshape(len(rows), *knowledge.item_shape), layer, knowledge)

    still = sent(np.zeros((1, width)))[0]
    if still.shape != entered.shape:
        return None
    slopes = _told(sent(_HALF * np.eye(width)) - still, still) / _HALF
    is_number = slopes.any(axis=1)
    tried = np.random.default_rng(0).normal(size=(_TRIED, width)) * is_number
    straight = still + tried @ slopes
    if np.linalg.norm(sent(tried) - straight) > _NEAR * np.linalg.norm(straight):
        return None
    moves = {
        int(column): _told(_table(int(column), width, sent, knowledge) - still, still)
        for column in np.flatnonzero(~is_number)
    }
    told = _categories(moves, entered - still, np.logical_not(slopes.any(axis=0)))
    if told is None:
        return None
    row, left = np.zeros(width), entered - still
    for column, category in told.items():
        row[column] = category
        left = left - moves[column][category]
    if is_number.any():
        row[is_number], _, rank, _ = np.linalg.lstsq(slopes[is_number].T, left, rcond=None)
        if rank < int(is_number.sum()):
            return None
    made = sent(row[None])[0]
    is_made = np.linalg.norm(made - entered) <= _NEAR * np.linalg.norm(entered)
    return row.reshape(knowledge.item_shape) if is_made else None


def _told(moved: Floats, still: Floats) -> Floats:
    """By how much columns move what enters, without what rounding makes of passes of other sizes."""
    least = _ROUNDING * max(np.abs(still).max(initial=0.0), np.abs(moved).max(initial=0.0))
    return np.where(np.abs(moved) > least, moved, 0.0)


def _categories(moves: dict[int, Floats], left: Floats, is_free: _Mask) -> dict[int, int] | None:
    """The category of each column by the places that it alone moves; None where one has none of its own."""
    told: dict[int, int] = {}
    for column, rows in moves.items():
        own = is_free & rows.any(axis=0)
        for other, others in moves.items():
            own &= (other == column) | ~others.any(axis=0)
        if not own.any():
            return None
        told[column] = int(np.linalg.norm(rows[:, own] - left[own], axis=1).argmin())
    return told


def _table(column: int, width: int, sent: Callable[[Floats], Floats], knowledge: Knowledge) -> Floats:
    """What each category of a column sends, beside zeros in the others, axes (k, d)."""
    sizes = {one.num_embeddings for one in knowledge.model.modules() if isinstance(one, nn.Embedding)}
    for size in sorted((one for one in sizes if one * width <= _MOST), reverse=True):
        rows = np.zeros((size, width))
        rows[:, column] = np.arange(size)
        try:
            return sent(rows)
        except (IndexError, RuntimeError):  # its table is one of the smaller ones
            continue
    return sent(np.zeros((1, width)))
