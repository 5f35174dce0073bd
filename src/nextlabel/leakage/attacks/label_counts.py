"""How many items of each class a message speaks of, from the last layer's gradient and a mean prediction."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, final

import numpy as np
import torch
from scipy.special import softmax

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.errors import DisclosureError, LearnerError
from nextlabel.leakage.batches import logits_of
from nextlabel.leakage.closed_forms.dense_layers import probe_of
from nextlabel.leakage.closed_forms.layer_gradients import LayerGradient, drift, last_layer_gradient
from nextlabel.learners.layers import embedded
from nextlabel.maths.axes import Floats
from nextlabel.maths.integer_simplex import nearest_counts
from nextlabel.maths.parameters import checked_choice

__all__ = ["LabelCounts", "Source"]

_PROBES = 64
_FLAT = 0.02  # probabilities of random items that spread less than this are near-constant
_UNSURE = 0.25  # of an item: a standard error of a count beyond which counts are not claimed
_FAR = 0.5  # of an item: a count that had to be rounded by more fits no batch
_LEFT = 0.5  # of the message's length: counts that leave more, and more than their error, explain nothing
_SPREAD = 3.0  # standard errors

Source = Literal["auto", "public", "solved", "untrained"]

_SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "public": "the mean prediction of {size:,} public items",
        "untrained": "the model's prediction of random items, which hardly varies",
        "solved": "the predictions at the mean features of each class, solved for together with the counts",
    }
)


@final
@dataclass(frozen=True)
class LabelCounts(Attack):
    """Counts the classes in a batch by the last layer's gradient; needs cross-entropy; costs O(c²·d).

    Parameters
    ----------
    prediction : str
        Where the batch's mean prediction comes from: ``"public"`` items; ``"untrained"``, the prediction of
        random items, right where it hardly varies; ``"solved"``, from the gradient itself, exact for one
        item; ``"auto"``, the first of these that is at hand (the second only where it hardly varies), and
        ``"solved"`` for one item.

    Raises
    ------
    ParameterError
        Another word.

    Notes
    -----
    Of the mean loss of B items dL/db_c = mean p_c − n_c/B, so that n_c = B·(mean p_c − dL/db_c); of the sum
    of losses without B. The counts are then the nearest whole numbers from 0 up with the sum B, exactly.

    Solved for: row c of dL/dW over dL/db_c is near the mean features of the items of class c where other
    items are given little of c. With P_k the prediction there, Σ_k n_k·(P_k − e_k) = B·dL/db is a linear
    system for the counts.

    Counts are claimed where the batch's mean prediction is sure enough: of public items, where the standard
    error that the spread of single predictions leaves, times B, stays below a quarter of an item; of random
    items, where half the range of predictions does; solved for, with one item, where it is exact; and where
    the rounding of the counts leaves at most half of the message, or what that error may leave. Of one item
    that is predicted surely the gradient is too small to be counted by. Time O(c²·d) and one pass over the
    public items.

    Without a bias the rows of dL/dW stand for it, along the mean features of public items.

    Fails where the items of the batch are predicted unlike the public ones, as by a trained model on few
    items; the mean prediction used is named in the reason. A batch may be larger than the number of classes.

    References
    ----------
    Ma, Sun, Cui, Li, Guan, Liu. Instance-wise batch label restoration via gradients in federated learning.
    ICLR 2023.

    Wainakh et al. User-level label leakage from gradients in federated learning. PoPETs 2022.

    Examples
    --------
    >>> from torch import nn
    >>> sent = Disclosure("full", {"weight": np.zeros((2, 3)), "bias": np.array([-0.25, 0.25])}, items=4)
    >>> known = Knowledge(nn.Linear(3, 2), (3,), 2, public=np.zeros((1, 3), np.float32))
    >>> with torch.no_grad():
    ...     known.model.bias.zero_() is None
    False
    >>> LabelCounts().recover(sent, known, np.random.default_rng(0)).counts
    array([3, 1])
    """

    prediction: Source = "auto"

    def __post_init__(self) -> None:
        checked_choice(
            self.prediction, "prediction", ("auto", "public", "solved", "untrained"), of="LabelCounts"
        )

    @property
    def reads(self) -> frozenset[str]:
        """Gradients and updates."""
        return frozenset({"full", "last_layer", "update"})

    @property
    def recovers(self) -> frozenset[str]:
        """Counts."""
        return frozenset({"counts"})

    @property
    def cost(self) -> str:
        """A formula over the last layer."""
        return "labels"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """The counts; in the details what they were before rounding."""
        if knowledge.loss != "cross_entropy":
            reason = f"Counts of classes are read under cross-entropy; the loss is {knowledge.loss}."
            return Recovery("refused", reason)
        try:
            found = last_layer_gradient(disclosure, knowledge)
        except (DisclosureError, LearnerError) as cause:
            return Recovery("refused", str(cause))
        if found.is_zero:
            return Recovery("failed", "The last layer's gradient is zero: no class stands out.")
        items = disclosure.items if knowledge.batch is None else knowledge.batch
        return self._counted(found, knowledge, items, drift(knowledge, disclosure))

    def _counted(self, found: LayerGradient, knowledge: Knowledge, items: int, remark: str) -> Recovery:
        share = 1.0 if knowledge.reduction == "mean" else 1.0 / items
        proba, features = _seen(found, knowledge)
        signal = _signal(found, features if knowledge.public is not None else None)
        if signal is None:
            reason = (
                "Without a bias the rows of the gradient are compared with the features of public items, and "
                "none are given."
            )
            return Recovery("refused", reason)
        has_both = found.weight is not None and found.bias is not None
        source = self._source(knowledge, proba, items, has_both)
        if source == "public" and knowledge.public is None:
            return Recovery("refused", "The mean prediction is asked of public items, and none are given.")
        if source == "solved":
            wanted = _solved(found, signal * share, items)
        else:
            wanted = items * (proba.mean(0) - signal * share)
        if wanted is None:
            return Recovery("refused", "To solve for the predictions, both weight and bias must be shared.")
        counts = nearest_counts(wanted, items)
        rounding = float(np.abs(wanted - counts).max())
        words = _SOURCES[source].format(size=len(proba))
        reason = f"The message was read with {words}; no count was rounded by more than {rounding:.2g}."
        size = float(np.linalg.norm(signal * share))
        error = _error(source, proba, items)
        if error > _UNSURE:
            size_of = f"by {error:.2g} of an item and more" if np.isfinite(error) else "by any number"
            reason += f" A count may be off {size_of}: the estimate does not tell them apart."
        apart = float(np.linalg.norm(wanted - counts))
        residual = apart / items / size
        is_explained = residual <= _LEFT or apart <= _SPREAD * error * np.sqrt(len(wanted))
        if not is_explained:
            reason += f" Whole counts leave {residual:.2g} of it unexplained: too little is left to count by."
        return Recovery(
            "recovered" if error <= _UNSURE and rounding < _FAR and is_explained else "failed",
            reason + remark,
            counts=counts,
            residual=residual,
            details={"before_rounding": [float(value) for value in wanted], "prediction": source},
        )

    def _source(self, knowledge: Knowledge, proba: Floats, items: int, has_both: bool) -> str:
        if self.prediction != "auto":
            return self.prediction
        if items == 1 and has_both:
            return "solved"  # exact: the features of the one item follow, and with them its prediction
        if knowledge.public is not None:
            return "public"
        return "untrained" if float(np.ptp(proba, axis=0).max()) < _FLAT else "solved"


def _error(source: str, proba: Floats, items: int) -> float:
    """How far a count may be off, as far as the predictions say; infinite where nothing says it."""
    if source == "solved":
        return 0.0 if items == 1 else float("inf")
    if source == "untrained":  # real items may differ from random ones all in one direction
        return 0.5 * items * float(np.ptp(proba, axis=0).max())
    # the batch's mean scatters around that of all items, and so does the mean that is known
    return float(np.sqrt(items * (1.0 + items / len(proba)) * proba.var(axis=0).max()))


def _seen(found: LayerGradient, knowledge: Knowledge) -> tuple[Floats, Floats]:
    """Predictions and features of the public items, or of random ones."""
    items = probe_of(knowledge, _PROBES)
    if knowledge.public is not None:
        given = torch.as_tensor(np.asarray(knowledge.public))
        items = given.to(items.device, items.dtype)
    with torch.no_grad(), embedded(knowledge.model, found.layer.name, is_input=True) as features:
        logits = logits_of(knowledge.model(items))
    return softmax(_floats(logits), axis=-1), _floats(features[0])


def _signal(found: LayerGradient, features: Floats | None) -> Floats | None:
    """The gradient by the bias, or what stands for it: how far each row goes along the mean features."""
    if found.bias is not None:
        return found.bias
    if features is None or found.weight is None:
        return None
    mean = features.mean(0)
    return np.asarray(found.weight @ mean / (mean @ mean))


def _solved(found: LayerGradient, signal: Floats, items: int) -> Floats | None:
    """Counts, before rounding, from the gradient alone."""
    if found.weight is None or found.bias is None:
        return None
    classes = len(signal)
    floor = 1e-12 * np.abs(found.bias).max()
    divisor = np.where(np.abs(found.bias) > floor, found.bias, floor)
    features = found.weight / divisor[:, None]
    proba = softmax(found.layer.outputs_of(features), axis=-1)
    # the system has rank c − 1, as its columns add up to zero: the sum of the counts is known
    system = np.vstack([proba.T - np.eye(classes), np.full(classes, 1.0)])
    known = np.append(items * signal, items)
    return np.asarray(np.linalg.lstsq(system, known, rcond=None)[0])


def _floats(values: torch.Tensor) -> Floats:
    return values.detach().cpu().double().numpy()
