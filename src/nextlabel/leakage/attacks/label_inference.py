"""The label of one item, from the sign of the last layer's gradient."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.errors import DisclosureError, LearnerError
from nextlabel.leakage.closed_forms.layer_gradients import LayerGradient, drift, last_layer_gradient
from nextlabel.maths.axes import Floats

__all__ = ["LabelInference", "inferred_label"]

_HARD = 0.05  # a label that far from one-hot is soft
_SOFT = (
    "The label is read as {share} for class {label} and the rest for others: it is soft, or the message is "
    "of several steps, or was changed, as by pruning or rounding."
)
_CLEAR = 0.999  # a sign that explains the rows nearly as well as the other does not tell them apart
_FAR = 0.5  # of a message's length: what is further away is no message of one item


def inferred_label(weight_gradient: ArrayLike | None, bias_gradient: ArrayLike | None) -> int | None:
    """The label of one item from the gradient of the last linear layer, by its signs alone.

    Parameters
    ----------
    weight_gradient : array of float, axes (c, d), or None
        Of the mean or the sum of cross-entropy over one item.
    bias_gradient : array of float, axes (c,), or None
        The same by the bias; preferred where it is there.

    Returns
    -------
    int or None
        None where the signs do not tell: all zero, several negative entries of like size (a soft label or
        several items), or rows of which either sign may be the label's.

    Notes
    -----
    By the bias dL/db_c = p_c − 1[c = y], negative for the label only. Row c of dL/dW is that number times the
    features: without a bias the label is the row that is opposite to all others; where features are all of
    one sign, as after ReLU, it is the row of the other sign, which tells two classes apart as well. Time
    O(c²·d).

    References
    ----------
    Zhao, Mopuri, Bilen. iDLG: improved deep leakage from gradients. arXiv 2001.02610, 2020.

    Examples
    --------
    >>> inferred_label(None, np.array([0.2, -0.7, 0.5]))
    1
    """
    if bias_gradient is not None:
        return _negative(np.asarray(bias_gradient, dtype=np.float64).ravel())
    if weight_gradient is None:
        return None
    rows = np.asarray(weight_gradient, dtype=np.float64)
    if not rows.any():
        return None
    factors, _, features = np.linalg.svd(rows, full_matrices=False)
    factor, feature = factors[:, 0], features[0]
    small = 1e-3 * np.abs(feature).max()
    if feature.min() >= -small or feature.max() <= small:
        return _negative(factor * np.sign(feature.sum()))
    # the label's entry outweighs all others together: half of the whole length, in the true orientation
    lowest, highest = -factor.min(), factor.max()
    if min(lowest, highest) > _CLEAR * max(lowest, highest):
        return None
    return _negative(factor if lowest > highest else -factor)


@final
@dataclass(frozen=True)
class LabelInference(Attack):
    """Reads the label of one item off the last layer's gradient; needs cross-entropy; costs O(c·d).

    Notes
    -----
    By the sign, as `inferred_label`. Where the message has both the weight and the bias, the features of the
    item follow, z = Σ_c db_c·dW_c / Σ_c db_c², and with the model its prediction p = softmax(W·z + b) and the
    whole label y = p − db, soft or hard: that is preferred, since a smoothed label may have no negative
    entry, or one of another class. Time O(c·d); without a bias O(c²·d).

    Fails where the item is predicted so surely that the gradient is zero; where there is no bias and two
    classes, unless features are all of one sign; where more than one item is in the message (`LabelCounts`
    counts them).

    References
    ----------
    Zhao, Mopuri, Bilen. iDLG: improved deep leakage from gradients. arXiv 2001.02610, 2020.

    Examples
    --------
    >>> from torch import nn
    >>> model, gradient = nn.Linear(2, 3), np.array([0.2, -0.7, 0.5])
    >>> sent = Disclosure("full", {"weight": np.outer(gradient, [1.0, 2.0]), "bias": gradient}, items=1)
    >>> LabelInference().recover(sent, Knowledge(model, (2,), 3), np.random.default_rng(0)).labels
    array([1])
    """

    @property
    def reads(self) -> frozenset[str]:
        """Gradients and updates."""
        return frozenset({"full", "last_layer", "update"})

    @property
    def recovers(self) -> frozenset[str]:
        """Labels."""
        return frozenset({"labels"})

    @property
    def cost(self) -> str:
        """A formula over the last layer."""
        return "labels"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """The label, and in the details the whole label where it can be solved for."""
        refusal = _refusal(disclosure, knowledge)
        if refusal:
            return Recovery("refused", refusal)
        try:
            found = last_layer_gradient(disclosure, knowledge)
        except (DisclosureError, LearnerError) as cause:
            return Recovery("refused", str(cause))
        if found.is_zero:
            return Recovery(
                "failed",
                "The last layer's gradient is zero: the item is predicted so surely that no sign is left.",
            )
        return _by_label(found, drift(knowledge, disclosure))


def _refusal(disclosure: Disclosure, knowledge: Knowledge) -> str:
    if knowledge.loss != "cross_entropy":
        return f"The signs of a gradient tell labels under cross-entropy; the loss is {knowledge.loss}."
    items = disclosure.items if knowledge.batch is None else knowledge.batch
    if items > 1:
        return f"The message speaks of {items} items; one label can be read of one item. Use label_counts."
    return ""


def _by_label(found: LayerGradient, remark: str) -> Recovery:
    sign = inferred_label(found.weight, found.bias)
    whole = _whole_label(found)
    if whole is None or found.bias is None:
        return _by_sign(found, sign, remark)
    features, label = whole
    place = int(np.argmax(label))
    hard = np.eye(len(label))[place]
    is_hard = bool(np.abs(label - hard).max() < _HARD)
    is_soft = not is_hard and bool(label.min() > -_HARD)
    if not is_hard and not is_soft:
        return _by_sign(found, sign, remark)
    factor = label + found.bias - (hard if is_hard else label)
    residual = _distance(found, factor, features)
    details: dict[str, Any] = {"label": [round(float(share), 6) for share in label], "is_soft": is_soft}
    reason = "" if is_hard else _SOFT.format(share=f"{label[place]:.3g}", label=place)
    if is_hard and sign is not None and sign != place:
        reason = f"The signs alone would say {sign}; the features and the prediction say {place}."
    outcome = "recovered" if residual < _FAR else "failed"
    if outcome == "failed":
        reason = f"The message is {residual:.0%} of its length away from that of one item. {reason}"
    return Recovery(
        outcome, (reason + remark).strip(), labels=np.array([place]), residual=residual, details=details
    )


def _by_sign(found: LayerGradient, sign: int | None, remark: str) -> Recovery:
    if sign is None:
        return Recovery(
            "failed",
            "No row or entry is alone in its sign: the label is soft, there are several items, or too little "
            f"is shared to tell a class from its opposite.{remark}",
        )
    if found.weight is None:
        return Recovery("recovered", f"By the sign of the bias alone.{remark}", labels=np.array([sign]))
    joined = found.joined
    values = np.linalg.svd(joined, compute_uv=False)
    residual = float(np.sqrt((values[1:] ** 2).sum() / (values**2).sum()))
    outcome = "recovered" if residual < _FAR else "failed"
    reason = (
        f"By signs alone; the rows are {residual:.2g} of their length away from those of one item.{remark}"
    )
    return Recovery(outcome, reason, labels=np.array([sign]), residual=residual)


def _whole_label(found: LayerGradient) -> tuple[Floats, Floats] | None:
    """The features of the item, and its label as a distribution; None without both weight and bias."""
    if found.weight is None or found.bias is None or not found.bias.any():
        return None
    features = found.bias @ found.weight / (found.bias @ found.bias)
    predicted = softmax(found.layer.outputs_of(features))
    return features, np.asarray(predicted - found.bias)


def _distance(found: LayerGradient, factor: Floats, features: Floats) -> float:
    """Between the message and that of an item with these features, as a share of the message's length."""
    explained = np.outer(factor, [*features, 1.0])
    return float(np.linalg.norm(found.joined - explained) / np.linalg.norm(found.joined))


def _negative(entries: Floats) -> int | None:
    """The entry that holds more than half of all that is negative."""
    place = int(np.argmin(entries))
    below = -float(entries[entries < 0].sum())
    return place if below > 0 and -entries[place] > 0.5 * below else None
