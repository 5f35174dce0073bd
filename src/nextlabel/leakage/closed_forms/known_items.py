"""What follows once the items of a message are known: their labels, and how well they explain the message."""

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.errors import DisclosureError, LearnerError
from nextlabel.leakage.batches import inputs_of, logits_of
from nextlabel.leakage.blank_items import blank_item
from nextlabel.leakage.closed_forms.dense_layers import Dense
from nextlabel.leakage.closed_forms.layer_gradients import LayerGradient, gradient_of, last_layer
from nextlabel.leakage.gradients import MessageGradient, relative_distance, tensors_of
from nextlabel.learners.layers import embedded
from nextlabel.maths.axes import Floats

__all__ = ["Explained", "answers_behind", "as_items", "explained", "slopes_at"]

_HARD = 0.05  # a label that far from one-hot is soft
_ROUNDING = 64.0  # times what one operation rounds by: a model makes many in a row


@final
@dataclass(frozen=True, eq=False)
class Explained:
    """Labels of known items, and the distance between their message and the one received.

    Parameters
    ----------
    labels : array of int64, axes (b,), or None
        Of the largest parts where labels are soft; None where they do not follow.
    is_hard : bool
        Whether each label is one class.
    residual : float or None
        As a share of the length of the message; None where it cannot be computed.
    borne : float
        What rounding may leave of the residual of items that are right.
    targets : array of float64, axes (b, k), or None
        Under the squared error, in place of labels.
    """

    labels: NDArray[np.int64] | None = None
    is_hard: bool = False
    residual: float | None = None
    borne: float = 0.0
    targets: Floats | None = None

    @property
    def answers(self) -> NDArray[Any] | None:
        """Labels, or targets under the squared error."""
        return self.labels if self.targets is None else self.targets

    def refuted(self, limit: float) -> str:
        """What the rest of the message says against the items; empty where it says nothing.

        Parameters
        ----------
        limit : float
            The residual that items which are right may leave.
        """
        if self.residual is None or self.residual <= limit:
            return ""
        return (
            f"What was solved for leaves {self.residual:.2g} of the message, and rounding and noise would "
            f"leave less than {limit:.2g}: the message is not that of these items alone, or was changed. "
        )


def explained(items: Floats, gradient: Disclosure, knowledge: Knowledge) -> Explained:
    """The labels of known items, solved for from the last layer, and how well both explain a gradient.

    Parameters
    ----------
    items : array of float, axes (b, ...)
        All items of the message.
    gradient : Disclosure
        Of kind ``"full"`` or ``"last_layer"``.
    knowledge : Knowledge
        Under cross-entropy labels are solved for; under the squared error targets are.

    Returns
    -------
    Explained

    Notes
    -----
    With features Z and outputs known, dL/d[W, b] of the last layer is A'·[Z, 1] with A the prediction minus
    the label: classes times features equations for classes times items unknown, solved by least squares
    where items do not outnumber features. Predictions are rounded by the unit of the type times the largest
    sum of terms in an output, which is held against the length of A: of sure predictions little is left.
    Time O(b·d·(b + c)) and one gradient of the model.
    """
    try:
        found = gradient_of(last_layer(knowledge), gradient)
    except (DisclosureError, LearnerError):
        return Explained()
    inputs = as_items(items, knowledge)
    with torch.no_grad(), embedded(knowledge.model, found.layer.name, is_input=True) as seen:
        outputs = logits_of(knowledge.model(inputs)).double().cpu().numpy()
    features = seen[0].double().cpu().numpy()
    if found.weight is None:
        design = np.ones((len(items), 1))
    else:
        design = features if found.bias is None else np.column_stack([features, np.ones(len(items))])
    if len(items) > np.linalg.matrix_rank(design):
        return Explained()
    share = len(items) if knowledge.reduction == "mean" else 1.0
    apart = np.asarray(np.linalg.lstsq(design.T, share * found.joined.T, rcond=None)[0], np.float64)
    if knowledge.loss == "squared_error":
        outputs, apart = answers_behind(found.layer.outputs_of(features), apart, found.layer, knowledge)
    closed = _closed(inputs, outputs, apart, gradient, knowledge)
    return replace(closed, borne=_borne(found, features, apart, inputs))


def _borne(found: LayerGradient, features: Floats, apart: Floats, inputs: Tensor) -> float:
    """What rounding leaves of predictions minus labels, as a share of their length."""
    precision = max(found.precision, torch.finfo(inputs.dtype).eps)
    terms = float((np.abs(features) @ np.abs(found.layer.weight).T).max())
    length = max(float(np.linalg.norm(apart)), float(np.finfo(np.float64).tiny))
    return float(_ROUNDING * precision * (1.0 + terms) * np.sqrt(apart.size) / length)


def _closed(
    inputs: Tensor, outputs: Floats, apart: Floats, gradient: Disclosure, knowledge: Knowledge
) -> Explained:
    """Labels or targets from the outputs and how far these are from them; and the residual."""
    labels = None
    is_hard = False
    targets = outputs - apart
    if knowledge.loss == "cross_entropy":
        shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        targets = shifted / shifted.sum(axis=1, keepdims=True) - apart
        labels = targets.argmax(axis=1)
        hard = np.eye(targets.shape[1])[labels]
        is_hard = bool(np.abs(targets - hard).max() < _HARD)
        targets = hard if is_hard else targets
    message = MessageGradient.known(knowledge, gradient)
    given = torch.tensor(targets, dtype=inputs.dtype, device=inputs.device)
    residual = relative_distance(message(inputs, given), tensors_of(gradient, torch.float64))
    told = targets if knowledge.loss == "squared_error" else None
    return Explained(labels, is_hard, residual, targets=told)


def answers_behind(
    outputs: Floats, slopes: Floats, layer: Dense, knowledge: Knowledge
) -> tuple[Floats, Floats]:
    """What a model makes of the outputs of its last linear layer, and the slopes of the loss by that.

    Parameters
    ----------
    outputs : array of float64, axes (b, m)
        Of the layer.
    slopes : array of float64, axes (b, m)
        Of the loss of each item by them.
    layer : Dense
        Behind which nothing reads the item.
    knowledge : Knowledge

    Returns
    -------
    answers, slopes : arrays of float64, axes (b, k)
        As given, where nothing follows the layer or no slopes go through it.

    Notes
    -----
    A sigmoid, a softplus or a scale may follow: the slopes by the layer's outputs are those by the answers
    times the derivative, which is solved for. k backward passes.
    """
    held: list[Tensor] = []

    def put(_: object, __: object, output: Tensor) -> Tensor:
        given = torch.tensor(outputs, dtype=output.dtype, device=output.device)
        held.append(given.reshape(output.shape).requires_grad_())
        return held[0]

    items = np.repeat(blank_item(knowledge), len(outputs), axis=0)
    handle = knowledge.model.get_submodule(layer.name).register_forward_hook(put)
    try:
        with torch.enable_grad():
            answers = logits_of(knowledge.model(inputs_of(knowledge.model, items)))
            answers = answers.reshape(len(outputs), -1)
            if torch.equal(answers, held[0].reshape(len(outputs), -1)):
                return outputs, slopes  # nothing follows: to all digits, and without a backward pass
            derivatives = [
                torch.autograd.grad(answers[:, place].sum(), held[0], retain_graph=True)[0]
                for place in range(answers.shape[1])
            ]
    except RuntimeError:  # as where the answers do not depend on the layer by any derivative
        return outputs, slopes
    finally:
        handle.remove()
    across = torch.stack(derivatives).reshape(answers.shape[1], *outputs.shape).double().cpu().numpy()
    solved = [np.linalg.lstsq(across[:, item].T, one, rcond=None)[0] for item, one in enumerate(slopes)]
    return answers.detach().double().cpu().numpy(), np.array(solved, np.float64)


def slopes_at(items: Floats, layer: Dense, knowledge: Knowledge) -> Floats:
    """How the loss of each item under each label moves with the outputs of a linear layer.

    Parameters
    ----------
    items : array of float, axes (n, ...)
    layer : Dense
        Of the model.
    knowledge : Knowledge
        Under cross-entropy.

    Returns
    -------
    array of float64, axes (c, n, m)
        The derivative of the loss of item n under label c by output m of the layer.

    Notes
    -----
    By the chain rule Σ_k p_k·J_k − J_c, with J_k the slope of logit k: c backward passes over n items.
    """
    held: list[Tensor] = []

    def cut(_: object, __: object, output: Tensor) -> Tensor:
        held.append(output.detach().requires_grad_())
        return held[0]

    handle = knowledge.model.get_submodule(layer.name).register_forward_hook(cut)
    try:
        with torch.enable_grad():
            logits = logits_of(knowledge.model(as_items(items, knowledge)))
            slopes = torch.stack(
                [
                    torch.autograd.grad(logits[:, place].sum(), held[0], retain_graph=True)[0]
                    for place in range(logits.shape[1])
                ]
            ).double()
    finally:
        handle.remove()
    proba = logits.detach().double().softmax(-1)
    mean = torch.einsum("nc,cnm->nm", proba, slopes)
    return (mean - slopes).cpu().numpy()


def as_items(items: Floats, knowledge: Knowledge) -> Tensor:
    """Items as the model takes them."""
    weights = next(knowledge.model.parameters())
    return torch.tensor(items, dtype=weights.dtype, device=weights.device)
