"""What the numbers of the last layer say of the loss: its scale, its labels, and whose model it was."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.errors import LearnerError
from nextlabel.leakage.batches import array_of, evaluating, inputs_of, last_layer_of, logits_of
from nextlabel.leakage.body_evidence import UNSEEN_BODY, are_unlike, body_fault, has_body
from nextlabel.leakage.closed_forms.dense_layers import numbers_of
from nextlabel.leakage.label_evidence import label_evidence

__all__ = ["Evidence", "evidence"]

_CLEAN = 1e-5  # what float32 leaves, as a share, of what must vanish; noise and few bits leave more
_ROUNDING = 3e-6  # of probabilities in float32 that sum to 1
_CLOSE = 1e-3  # of probabilities computed twice from float32 numbers
_LEAST = 3e-6  # of the last bias's gradient: where it is less, the label's 1 − p has no digits left


@final
@dataclass(frozen=True)
class Evidence:
    """What was found: a contradiction, if there is one, and what is worth saying.

    Parameters
    ----------
    fault : str
        What the message cannot be, and what it looks like; empty where nothing contradicts.
    remarks : tuple of str
        Sentences for the report.
    """

    fault: str = ""
    remarks: tuple[str, ...] = ()


@final
@dataclass(frozen=True, eq=False)
class _Layer:
    """The last layer: its gradient, axes (c, d) and (c,), and its weights."""

    weight: Array | None
    bias: Array | None
    matrix: Array
    offset: Array

    @property
    def is_signs(self) -> bool:
        """Whether magnitudes were taken away: what is left says nothing of a scale."""
        parts = [one for one in (self.weight, self.bias) if one is not None]
        return all(len(np.unique(np.abs(one[one != 0]))) <= 1 for one in parts)

    @property
    def features(self) -> Array | None:
        """What went into the layer where the gradient is plainly that of one item; else None."""
        if self.weight is None or self.bias is None or float(np.abs(self.bias).max()) < _LEAST:
            return None
        found: Array = self.bias @ self.weight / (self.bias @ self.bias)
        apart = np.linalg.norm(self.weight - np.outer(self.bias, found))
        return found if apart <= _CLEAN * np.linalg.norm(self.weight) else None

    def is_balanced(self, items: int) -> bool:
        """Whether the bias's gradient sums to zero, as that of softmax cross-entropy does."""
        if self.bias is None:
            return True
        return abs(float(self.bias.sum())) <= _CLEAN * float(np.abs(self.bias).sum()) + _ROUNDING * items


def evidence(disclosure: Disclosure, knowledge: Knowledge, item: Array) -> Evidence:
    """What the gradient of the last layer says of the loss that a message was made with.

    Parameters
    ----------
    disclosure : Disclosure
        Of kind ``"full"``, ``"last_layer"`` or ``"update"``, named and shaped as the model.
    knowledge : Knowledge
        What the message is said to be.
    item : array, axes (1, ...)
        Any item, to find the last layer with.

    Returns
    -------
    Evidence

    Notes
    -----
    For cross-entropy, δ_c = ∂L/∂b_c is p_c − q_c averaged or summed over items, p the model's probabilities
    and q the labels. So Σ_c δ_c = 0, and the entries below zero sum to at most 1 under the mean and to at
    most B under the sum. Of one item, ∂L/∂W = δ ⊗ z gives the features z exactly, whatever the scale; z gives
    p, and p − δ must be the label: a factor, another loss and other weights leave their traces; but a factor
    below 1 is the trace of a soft label too, unless the label is known. Where ∂L/∂W is not δ ⊗ z, the message
    was changed on the way, and nothing is concluded from it. Where the first layer tells the item, the model
    at it must give z.

    Fails where the last layer has no bias or is frozen, where the model does not end in a linear layer, after
    several local steps, and largely for several items: any δ of the right signs is some batch's at some
    weights. A remark then says why, and that what is stated of weights and loss was taken as true.
    """
    name = _name_of_last(knowledge, item)
    layer = None if name is None else _last_layer(name, disclosure, knowledge)
    found = Evidence() if layer is None else _found(layer, disclosure, knowledge)
    if found.fault:
        return found
    unseen = _unseen(name, layer, disclosure, knowledge)
    if unseen or name is None or layer is None or layer.features is None or not has_body(knowledge, name):
        return Evidence(remarks=(*found.remarks, *unseen))
    return _with_body(found, body_fault(disclosure, knowledge, name, layer.features), layer)


def _with_body(found: Evidence, fault: str | None, layer: _Layer) -> Evidence:
    if fault and layer.bias is not None and are_unlike(layer.bias) and not layer.is_signs:
        return Evidence(fault)
    return found if fault == "" else Evidence(remarks=(*found.remarks, UNSEEN_BODY))


def _unseen(
    name: str | None, layer: _Layer | None, disclosure: Disclosure, knowledge: Knowledge
) -> tuple[str, ...]:
    """What the numbers leave open, and why, where they are not those of one item at a last layer."""
    of = _of_kind(disclosure, knowledge)
    if not of and layer is None:
        of = "a model that does not end in a linear layer"
    if not of and layer is not None:
        of = _of_layer(str(name), layer, knowledge)
    if not of:
        return ()
    return (
        f"Of {of} the checks cannot rule out other weights, another loss, or another scale of it (a mean or "
        "a sum, a factor): what is stated of these is taken as true.",
    )


def _of_kind(disclosure: Disclosure, knowledge: Knowledge) -> str:
    if knowledge.loss == "language_model":
        return "a language model's message"
    if disclosure.kind == "update" and knowledge.steps != 1:
        return "an update after several local steps, or an unknown number,"
    if disclosure.kind == "update" and knowledge.rate is None:
        return "an update whose rate is not stated"
    return f"a message of {disclosure.items} items" if disclosure.items > 1 else ""


def _of_layer(name: str, layer: _Layer, knowledge: Knowledge) -> str:
    if is_parametrized(knowledge.model.get_submodule(name)):
        return f"a model whose last linear layer, {name!r}, is parametrised (its weight is made of others)"
    if layer.weight is None and layer.bias is None:
        return f"a message without the gradient of the last linear layer, {name!r}, which is frozen,"
    for part, one in (("weight", layer.weight), ("bias", layer.bias)):
        if one is None:
            return f"a message without the gradient of the last linear layer's {part}"
    if knowledge.loss == "squared_error" and knowledge.labels is None:
        return "a squared error of values that are not known"
    if layer.features is None:
        return (
            "a message whose last layer's gradient is not plainly that of one item (it is nearly zero, was "
            "noised, pruned or rounded, or is of more items)"
        )
    return ""


def _found(layer: _Layer, disclosure: Disclosure, knowledge: Knowledge) -> Evidence:
    if knowledge.loss == "language_model" or (layer.weight is None and layer.bias is None):
        return Evidence()
    if knowledge.loss == "squared_error":
        return _of_squares(layer, disclosure, knowledge)
    if layer.bias is None:
        return Evidence(
            remarks=(
                "The last linear layer has no bias in the message: the scale of the loss and the label are "
                "read from its weight alone.",
            )
        )
    if layer.is_signs:
        return Evidence()
    if disclosure.items == 1 and layer.features is not None:
        return _of_one(layer, layer.features, knowledge.labels)
    if not layer.is_balanced(disclosure.items):
        return Evidence(
            remarks=(
                "Over the classes, the last layer's gradient sums to zero for softmax cross-entropy; this "
                f"one does not (its bias: {layer.bias.sum():.3g}): the message was noised, pruned or "
                "rounded, or its loss is another one.",
            )
        )
    fault = _of_scale(layer.bias, disclosure.items, knowledge.reduction)
    if disclosure.items == 1:
        return Evidence(fault, () if fault else _of_signs(layer.bias))
    return Evidence(fault, () if fault else _of_prior(layer.bias, disclosure, knowledge))


def _name_of_last(knowledge: Knowledge, item: Array) -> str | None:
    try:
        return last_layer_of(knowledge.model, item)
    except LearnerError:
        return None


def _last_layer(name: str, disclosure: Disclosure, knowledge: Knowledge) -> _Layer | None:
    """The layer's part of the gradient; None where a message of the kind is no multiple of a gradient."""
    factor = 1.0
    if disclosure.kind == "update":
        if knowledge.steps != 1 or knowledge.rate is None:
            return None
        factor = -1.0 / knowledge.rate
    model: nn.Module = knowledge.model
    layer = model.get_submodule(name)
    names = {id(one): name for name, one in model.named_parameters()}
    found = {
        part: factor * disclosure.arrays[names[id(one)]].astype(np.float64)
        for part, one in layer.named_parameters(recurse=False)
        if names[id(one)] in disclosure.arrays
    }
    matrix, offset = numbers_of(layer)
    return _Layer(
        found.get("weight"), found.get("bias"), matrix, np.zeros(len(matrix)) if offset is None else offset
    )


def _of_scale(bias: Array, items: int, reduction: str) -> str:
    """Under the mean, at most 1 of probability is missing; under the sum, at most 1 for each item."""
    below = -float(bias[bias < 0].sum())
    most = 1.0 if reduction == "mean" or items == 1 else float(items)
    if below <= most * (1 + _CLOSE):
        return ""
    looks = (
        "The losses were summed: say reduction='sum', or divide the message by the number of items."
        if reduction == "mean" and below <= items * (1 + _CLOSE)
        else "The loss carries a factor, or the message is of more items than is said."
    )
    return (
        f"The entries below zero of the last bias's gradient sum to at most {most:g} in magnitude for the "
        f"{reduction} of cross-entropy over {items} item{'s' * (items > 1)}; here they sum to {below:.4g}. "
        f"{looks}"
    )


def _of_one(layer: _Layer, features: Array, labels: Array | None) -> Evidence:
    """One item: from its features follow its probabilities, and from these its label."""
    assert layer.bias is not None
    logits = layer.matrix @ features + layer.offset
    terms = float((np.abs(layer.matrix) @ np.abs(features)).max())
    return Evidence(*label_evidence(logits, terms, layer.bias, labels))


def _of_signs(bias: Array) -> tuple[str, ...]:
    largest = float(np.abs(bias).max())
    if largest >= _LEAST and int((bias < -_CLOSE * largest).sum()) > 1:
        return (
            "More than one entry of the last bias's gradient is below zero: the label is soft, or the "
            "message speaks of more items than is said.",
        )
    return ()


def _of_squares(layer: _Layer, disclosure: Disclosure, knowledge: Knowledge) -> Evidence:
    cannot = Evidence(
        remarks=("Whether a squared error was halved cannot be seen in the message: half of it is assumed.",)
    )
    features = layer.features
    if disclosure.items != 1 or knowledge.labels is None or layer.bias is None or features is None:
        return cannot
    bias = layer.bias
    targets = np.asarray(knowledge.labels, np.float64).reshape(-1)
    if targets.shape != bias.shape:
        return cannot
    plain = layer.matrix @ features + layer.offset - targets
    if not plain.any():
        return cannot
    factor = float(bias @ plain / (plain @ plain))
    if np.abs(bias - factor * plain).max() > _CLOSE * np.abs(bias).max():
        return Evidence(
            "The message cannot come from this model, these values and half the squared error: it was made "
            "at other weights, with other values, or with another loss."
        )
    if abs(factor - 1) > 10 * _CLOSE:
        return Evidence(
            f"The message is {factor:.4g} times the gradient of half the squared error, by its last layer "
            "and the values known. Divide it by that number: a squared error without the half gives 2."
        )
    return Evidence()


def _of_prior(bias: Array, disclosure: Disclosure, knowledge: Knowledge) -> tuple[str, ...]:
    """Public items say about what the mean probabilities are; labels then say about what the scale is."""
    if knowledge.labels is None or knowledge.public is None or len(knowledge.public) < 2:
        return ()
    if np.asarray(knowledge.labels).dtype.kind not in "iu":
        return ()
    model = knowledge.model
    with evaluating(model), torch.no_grad():
        proba = array_of(logits_of(model(inputs_of(model, knowledge.public))).softmax(-1)).astype(np.float64)
    shares = np.bincount(np.asarray(knowledge.labels), minlength=len(bias)) / disclosure.items
    spread = proba.std(axis=0, ddof=1) / np.sqrt(disclosure.items) + _CLOSE
    scale = {"mean": 1.0, "sum": 1.0 / disclosure.items}
    away = {
        name: float(np.abs((scale[name] * bias + shares - proba.mean(axis=0)) / spread).max())
        for name in scale
    }
    other = "sum" if knowledge.reduction == "mean" else "mean"
    if away[knowledge.reduction] > 6 and away[other] < 3:
        return (
            f"Judged by the public items, the losses look joined by the {other}, not by the "
            f"{knowledge.reduction}: say reduction={other!r} if that is so. The message itself settles "
            "nothing.",
        )
    return ()
