"""What gradient embeddings say of the model that they were made with, by its last layer."""

from typing import Final

import numpy as np

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.batches import evaluating
from nextlabel.leakage.body_evidence import UNSEEN_BODY, has_body
from nextlabel.leakage.closed_forms.dense_layers import Dense
from nextlabel.leakage.closed_forms.embedding_scale import Rounding, explanations
from nextlabel.leakage.closed_forms.layer_gradients import last_layer
from nextlabel.leakage.loss_evidence import Evidence
from nextlabel.maths.axes import Floats

__all__ = ["embedding_evidence"]

_ROWS = 8  # embeddings that are held against the model, from all over the message
_ROUNDING = 10.0  # rounding units: what more is left of an outer product was added or taken away
_VANISHING = 1e-4  # as a share, what must be left of sums over the classes for 1 − p to have four digits
_ALIKE = 1e-2  # columns are apart by more than that, or rounding to few bits could not be seen
_LEAST = 1e-30  # smaller numbers lose digits before they are zero
_UNCHECKED: Final = "what is stated of the model and its weights is taken as true."


def embedding_evidence(disclosure: Disclosure, knowledge: Knowledge) -> Evidence:
    """Whether gradient embeddings can be those of the model that is stated.

    Parameters
    ----------
    disclosure : Disclosure
        Of kind ``"embedding"``, of the axes that the model gives.
    knowledge : Knowledge

    Returns
    -------
    Evidence

    Notes
    -----
    An embedding is (p − e) ⊗ z, and p follows from z by the last layer: of three classes or more other
    weights, or a number by which all was multiplied, leave no z that fits. Eight embeddings at most are
    tried, a few milliseconds each. Of two classes nearly always some z fits, whatever the weights, and
    nothing is refused.

    Fails where the message was noised, pruned, rounded or sketched, and for all that is before the last
    layer.

    Examples
    --------
    >>> from torch import nn
    >>> from nextlabel.leakage.messages import embedding
    >>> model = nn.Linear(2, 3)
    >>> sent = embedding(model, np.array([[0.5, -1.0]], np.float32))
    >>> embedding_evidence(sent, Knowledge(model, (2,), 3))
    Evidence(fault='', remarks=())
    """
    if "embedding" not in disclosure.arrays:
        said = f"A sketch of gradient embeddings is not held against the model: {_UNCHECKED}"
        return Evidence(remarks=(said,))
    factors = disclosure["embedding"]
    if not factors.any():
        return Evidence()
    with evaluating(knowledge.model):
        layer = last_layer(knowledge)
    precision = float(np.finfo(factors.dtype).eps)
    rows = _chosen(factors.astype(np.float64))
    if not all(_is_outer(row, precision) for row in rows):
        return Evidence(
            remarks=(
                "Gradient embeddings are outer products of two vectors; these are not: they were noised, "
                f"pruned or rounded. They were not held against the model: {_UNCHECKED}",
            )
        )
    if len(layer.weight) == 2:  # the two rows are each other's negative, rounded or not
        return Evidence(
            remarks=(
                "Of two classes, gradient embeddings of other weights, or multiplied by a number, look "
                f"alike: {_UNCHECKED}",
            )
        )
    told = [row for row in rows if _is_told(row)]
    if not told:
        return Evidence(
            remarks=(
                "Over the classes, gradient embeddings sum to zero; of these too few digits are left to see "
                "it: the predictions are very sure, or numbers were rounded or taken away. They were not "
                f"held against the model: {_UNCHECKED}",
            )
        )
    fitting = sum(bool(explanations(row, layer, Rounding(precision), has_sign=False)) for row in told)
    if 2 * fitting < len(told):
        return Evidence(
            f"The gradient embeddings cannot come from this model: of {len(told)} that were held against its "
            f"last layer, {len(told) - fitting} are (p − e) ⊗ z for no features z. They were made at other "
            "weights, or multiplied by a number. Give the weights at which they were made, or divide them by "
            "that number."
        )
    return Evidence(remarks=_open(knowledge, layer, fitting, len(told)))


def _open(knowledge: Knowledge, layer: Dense, fitting: int, tried: int) -> tuple[str, ...]:
    """What is left open by embeddings that fit."""
    said = []
    if fitting < tried:
        said.append(
            f"Of {tried} gradient embeddings {tried - fitting} fit no features by the model's last layer: "
            "these were changed on the way, or made at other weights."
        )
    if has_body(knowledge, layer.name):
        said.append(UNSEEN_BODY)
    return tuple(said)


def _chosen(factors: Floats) -> list[Floats]:
    """A few embeddings that are not zero, from all over the message."""
    told = np.flatnonzero(np.abs(factors).max(axis=(1, 2)) >= _LEAST)
    places = np.linspace(0, len(told) - 1, min(_ROWS, len(told))).round().astype(int)
    return [factors[place] for place in told[places]]


def _is_outer(row: Floats, precision: float) -> bool:
    values = np.linalg.svd(row, compute_uv=False)
    return bool(np.linalg.norm(values[1:]) <= _ROUNDING * precision * values[0])


def _is_told(row: Floats) -> bool:
    """Whether the digits show what is wrong: of a sure prediction 1 − p has few of them.

    Of features all alike, as those of units that are saturated, rounding leaves an outer product.
    """
    columns = np.linalg.norm(row, axis=0)
    seen = columns[columns > 0]
    if not row.any(axis=1).all() or seen.max() - seen.min() <= _ALIKE * seen.max():
        return False
    return float(np.linalg.norm(row.sum(axis=0))) <= _VANISHING * float(np.linalg.norm(row))
