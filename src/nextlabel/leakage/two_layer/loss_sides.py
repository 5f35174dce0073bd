"""Lengths and sides of items that a gradient's form leaves open, read off the loss that made it."""

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from scipy.special import softmax

from nextlabel.core.attack import Knowledge
from nextlabel.leakage.closed_forms.dense_layers import Dense
from nextlabel.leakage.closed_forms.embedding_scale import Rounding, explanations
from nextlabel.leakage.label_evidence import are_soft
from nextlabel.leakage.two_layer.network import TwoLayerMessage
from nextlabel.maths.axes import Floats

__all__ = ["Settled", "settled_by_loss"]

_CLOSE = 1e-3  # of a share: what the loss leaves of it on the right side, beside what the fit left
_NOISE = 10.0  # times what the fit leaves of the message: the error of a share
_DISTINCT = 30.0  # so many times worse is the other side, where the loss tells them apart


@final
@dataclass(frozen=True, eq=False)
class Settled:
    """Items with what was asked of them, and what is known of either.

    Parameters
    ----------
    rows : array of float64, axes (b, d)
        Extended items.
    shares : array of float64, axes (b, k)
        The derivative of the joined loss by each output of each item.
    has_signs, has_lengths : bool
        Whether something told which way round items are, and how long.
    """

    rows: Floats
    shares: Floats
    has_signs: bool
    has_lengths: bool


def settled_by_loss(message: TwoLayerMessage, knowledge: Knowledge, found: Settled, many: int) -> Settled:
    """Items turned round or lengthened as cross-entropy, or targets that are known, say.

    Parameters
    ----------
    message : TwoLayerMessage
    knowledge : Knowledge
        For the loss, and targets that are known.
    found : Settled
        Each row one item.
    many : int
        By which the sum of the losses was divided.

    Returns
    -------
    Settled
        As given where the loss tells nothing.

    Notes
    -----
    The shares r of an item are those of a loss: of softmax cross-entropy with one class, many·r = p − e. An
    item and its opposite with −r give one gradient of an odd activation, but of −r more than one number is
    below zero, where there are three classes. Of a rectifier, an item c times as long with r/c gives one
    gradient, and c·(p(c) − e) must be what was found at length 1: the equation of a gradient embedding, whose
    lengths `explanations` gives; of several one is given. With targets that are known a share says what was
    asked of its item. Of two classes two lengths may be left, and of targets that are not known all.

    Time O(b·m·k) and a search along a line for each item.
    """
    residual = message.residual(found.rows, found.shares)
    is_classes = knowledge.loss == "cross_entropy" and not are_soft(knowledge.labels)
    if not is_classes and (knowledge.loss != "squared_error" or knowledge.labels is None):
        return found
    if not found.has_signs:
        targets = None if is_classes else np.asarray(knowledge.labels, np.float64)
        return _with_sides(message, found, many, targets, residual)
    return found if found.has_lengths or not is_classes else _with_lengths(message, found, many, residual)


def _with_sides(
    message: TwoLayerMessage, found: Settled, many: int, targets: Floats | None, residual: float
) -> Settled:
    if message.activation.odd_about is None:
        return found
    misses = np.array(
        [_misses(message, way * found.rows, way * many * found.shares, targets) for way in (1.0, -1.0)]
    )
    right, other = misses.min(axis=0), misses.max(axis=0)
    close = _CLOSE + _NOISE * residual
    if not bool(((right <= close) & (other > _DISTINCT * np.maximum(right, close / _DISTINCT))).all()):
        return found
    ways = np.where(misses[0] <= misses[1], 1.0, -1.0)[:, None]
    return Settled(ways * found.rows, ways * found.shares, True, found.has_lengths)


def _misses(message: TwoLayerMessage, rows: Floats, slopes: Floats, targets: Floats | None) -> Floats:
    """How far slopes are from those of one class, or of a known target, axes (b,), of their length."""
    outputs = message.outputs_of(rows)
    if targets is None:
        made = softmax(outputs, axis=1) - np.eye(slopes.shape[1])[slopes.argmin(axis=1)]
        apart = np.linalg.norm(made - slopes, axis=1)
    else:
        asked = outputs - slopes
        apart = np.linalg.norm(asked[:, None] - targets.reshape(1, -1, slopes.shape[1]), axis=2).min(axis=1)
    return np.asarray(apart / np.maximum(np.linalg.norm(slopes, axis=1), 1e-300))


def _with_lengths(message: TwoLayerMessage, found: Settled, many: int, residual: float) -> Settled:
    features = message.activation(found.rows @ message.weights.T)
    head = Dense("", message.head, message.head_bias, None)
    rounding = Rounding(_NOISE * max(residual, message.precision))
    lengths, is_told = [], True
    for feature, share in zip(features, found.shares, strict=True):
        options = explanations(
            many * np.outer(share, feature), head, rounding, has_sign=False, is_guess=False
        )
        scales = [
            float(np.linalg.norm(one.features) / np.linalg.norm(feature))
            for one in options
            if float(one.features @ feature) > 0.0 and (one is options[0] or one.is_twin_of(options[0]))
        ]
        if not scales:
            return found
        is_told = is_told and len(scales) == 1
        lengths.append(scales[0])
    scale = np.array(lengths)[:, None]
    return replace(found, rows=scale * found.rows, shares=found.shares / scale, has_lengths=is_told)
