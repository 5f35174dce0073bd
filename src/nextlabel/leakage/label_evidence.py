"""What the last layer says of the label of one item: that it is soft, or scaled, or not that of this loss."""

from typing import Final

import numpy as np
from scipy.special import expit, softmax

from nextlabel.core.disclosure import Array
from nextlabel.maths.axes import Floats

__all__ = ["are_soft", "label_evidence"]

_CLOSE: Final = 1e-3  # of probabilities computed twice from float32 numbers
_UNIT: Final = 3e-7  # a few rounding units of float32, of a probability near 1


def are_soft(labels: Array | None) -> bool:
    """Whether labels are probabilities of which some name no single class.

    Parameters
    ----------
    labels : array or None

    Examples
    --------
    >>> are_soft(np.array([[0.9, 0.1]])), are_soft(np.array([[0.0, 1.0]])), are_soft(np.array([1]))
    (True, False, False)
    """
    found = np.asarray(labels)
    return found.dtype.kind == "f" and bool(((found != 0) & (found != 1)).any())


def label_evidence(
    logits: Floats, terms: float, bias: Floats, labels: Array | None
) -> tuple[str, tuple[str, ...]]:
    """What the gradient of the last bias says, where it is that of one item whose logits are known.

    Parameters
    ----------
    logits : array of float64, axes (c,)
        That the model gives the item, by the features that the message tells.
    terms : float
        The length of the terms that are summed in a logit, for its rounding.
    bias : array of float64, axes (c,)
        The gradient.
    labels : array or None
        The item's label where it is known: a class, or probabilities.

    Returns
    -------
    tuple of str and (tuple of str)
        What is wrong, empty where nothing is; and remarks.

    Notes
    -----
    The gradient is p − q, p the probabilities and q the label. A number s below 1 that multiplies p − e, e
    one class, leaves no trace: (1 − s) p + s e is a label that gives the same. So a factor is proved where it
    is above 1, which no label gives, and is then the least of all, that of a label of one class; or where the
    label is known. Of two classes every gradient is a multiple of p − e, so that another label is named
    beside the factor where one gives the same.

    Examples
    --------
    Half the gradient of class 1, where p is even: it may be that of a label of 1/4 and 3/4.

    >>> said = label_evidence(np.zeros(2), 0.0, np.array([0.25, -0.25]), None)
    >>> said[0], "soft" in said[1][0], "a factor of 0.5" in said[1][0]
    ('', True, True)
    >>> label_evidence(np.zeros(2), 0.0, np.array([0.25, -0.25]), np.array([1]))[0][:41]
    'The message is 0.5 times the gradient of '
    """
    proba = softmax(logits)
    known = _told(labels, len(proba))
    label = proba - bias
    # logits are exponents: the rounding of their terms is a share of the probabilities
    close = _CLOSE + _UNIT * (terms + 1.0 / float(np.abs(bias).max()))
    factor = _factor(bias, proba, np.eye(len(proba))[bias.argmin()] if known is None else known, close)
    if factor is not None and abs(factor - 1.0) <= 10 * close:
        return "", ()
    is_label = float(label.min()) >= -_CLOSE and abs(float(label.sum()) - 1.0) <= _CLOSE
    if factor is not None and factor > (1 if known is None else 0):
        is_open = known is not None and len(proba) == 2 and is_label
        return _scaled(factor, label if is_open else None, is_known=known is not None), ()
    if known is None and is_label:
        return "", (_open(label, factor),)
    return _other_loss(logits, bias) or _other_weights(label, is_known=known is not None), ()


def _told(labels: Array | None, classes: int) -> Floats | None:
    """The label as a distribution over the classes."""
    if labels is None:
        return None
    found = np.asarray(labels).reshape(-1)
    if found.dtype.kind == "f":
        return found.astype(np.float64) if len(found) == classes else None
    return np.eye(classes)[int(found[0])] if len(found) == 1 and 0 <= found[0] < classes else None


def _factor(bias: Floats, proba: Floats, label: Floats, close: float) -> float | None:
    """The number by which cross-entropy's gradient at a label was multiplied, if that explains it."""
    plain = proba * label.sum() - label
    largest = int(label.argmax())
    plain[largest] = -np.delete(plain, largest).sum()  # p − 1 without the rounding of a p that is nearly 1
    if not plain.any():
        return None
    factor = float(bias @ plain / (plain @ plain))
    return factor if np.abs(bias - factor * plain).max() <= close * np.abs(bias).max() else None


def _scaled(factor: float, other: Floats | None, *, is_known: bool) -> str:
    """That the loss carries a factor; and which other label gives the same, if any does."""
    if not is_known:
        return (
            f"The message is {factor:.4g} times the gradient of cross-entropy of one item at this model, by "
            "its last layer, or more if its label is soft. Divide it by that number, or leave the factor out "
            "of the loss."
        )
    said = (
        f"The message is {factor:.4g} times the gradient of cross-entropy of one item with the label that is "
        "known, at this model, by its last layer"
    )
    if other is None:
        return f"{said}. Divide it by that number, or leave the factor out of the loss."
    shown = ", ".join(f"{share:.3g}" for share in other)
    return (
        f"{said}, or it was made with another label ({shown}). Divide it by that number, or say that label."
    )


def _open(label: Floats, factor: float | None) -> str:
    shown = ", ".join(f"{share:.2f}" for share in np.sort(label)[::-1][:3])
    if factor is None:
        return (
            f"By the last layer the label is not one class (its largest shares are {shown}): it is soft, or "
            "the message was made at other weights."
        )
    return (
        f"By the last layer the label is not one class (its largest shares are {shown}), as where it is "
        f"soft; or it is one class and the loss carries a factor of {factor:.3g}; or the message was made at "
        "other weights. The numbers do not tell which."
    )


def _other_loss(logits: Floats, bias: Floats) -> str:
    for outputs, joined in ((1, "sum"), (len(bias), "mean")):
        label = expit(logits) - outputs * bias
        if bool((np.minimum(np.abs(label), np.abs(label - 1.0)) <= _CLOSE).all()):
            return (
                f"The message is that of a sigmoid on each output (the {joined} of binary cross-entropies), "
                "not of softmax cross-entropy. Give the model softmax logits: for two classes 0 and the "
                "output."
            )
    return ""


def _other_weights(label: Floats, *, is_known: bool) -> str:
    shown = "(" + ", ".join(f"{one:.3g}" for one in label[:4]) + (", ...)" if len(label) > 4 else ")")
    if is_known:
        return (
            "The message cannot come from this model and cross-entropy with the label that is known: by its "
            "last layer the item's probabilities less the gradient should be that label, and are "
            f"{shown}. It was made with another label, at other weights, or with another loss."
        )
    return (
        "The message cannot come from this model and cross-entropy: by its last layer the item's "
        f"probabilities less the gradient should be a label, and are {shown}. It was made at other weights, "
        "or with another loss."
    )
