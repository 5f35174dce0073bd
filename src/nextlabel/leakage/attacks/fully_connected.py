"""Items from the gradient of a fully connected first layer, in closed form; and how many there are."""

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.errors import DisclosureError, LearnerError
from nextlabel.leakage.closed_forms.dense_layers import DenseLayers, dense_layers, first_of, layers_of_size
from nextlabel.leakage.closed_forms.known_items import Explained, answers_behind, explained
from nextlabel.leakage.closed_forms.layer_gradients import (
    LayerGradient,
    drift,
    gradient_of,
    last_layer,
    spectrum_of_items,
)
from nextlabel.leakage.closed_forms.lone_units import ReadLayer, lone_items
from nextlabel.leakage.closed_forms.looked_up import looked_up
from nextlabel.leakage.closed_forms.single_inputs import item_behind, later_layer, single_input
from nextlabel.leakage.messages import as_gradient
from nextlabel.leakage.precisions import widened
from nextlabel.maths.row_space import Spectrum, spectrum_of

__all__ = ["FullyConnected"]

_FAR = 0.1  # of a message's length: what is further away does not explain it
_HALF = 0.5  # of an update of several steps: its residual is that of the mean gradient
_NOISE = 10.0  # times the noise that the rows show: what it may leave of the residual
_ONE = 1e-4  # of a message's length: what is left when one item explains it
_ROUNDED = 16.0  # rounding units: of a few hundred steps, each of which rounds the weights by less than half
_CLOSE = 1e-3  # of a message's length: what an item that was followed back may leave of it in any case
_EVIDENT = 1e-3  # of the rows' length
_LISTED = 64  # singular values in the details


@final
@dataclass(frozen=True)
class FullyConnected(Attack):
    """Solves for the input of a linear layer with a bias; needs its gradient; costs O(m·d) for one item.

    Notes
    -----
    Of one item row r of dL/dW is db_r times x, so that x = Σ_r db_r·dW_r / Σ_r db_r², which averages
    rounding. Where the first layer with weights is linear, x is the item. Where its weight or bias is not
    sent, x is what enters the first layer of which both are, and is followed back through the layers before,
    as `followed` says: where ReLU leaves as many units on as an item has values, a last layer alone gives
    the item. Else it gives the features that enter it.

    Of several items dL/dW = Σ_i δ_i x_i': its row space lies within the span of the items, and is that span
    where it has as many dimensions (a softmax over C classes leaves a last layer C − 1). The details hold
    the singular values, the rank, where they fall last, and the gap. An item that is alone in a unit, as ReLU
    makes many, is recovered with a certificate, as `lone_items` says, which is held against its own part of
    the gradient; so are items behind what is alone in a unit of a later layer, where the first is not sent.
    `ReluSparsity` goes on from there. O(m·d) for one item, O(m·d·min(m, d)) for the singular values.

    Under the squared error the targets of a single item follow from what the model says of it.

    Of an update of one item the ratio needs neither the rate nor the number of steps: what enters the first
    layer is the item at every step, so that all changes of the weights are δ_t x' and of the biases δ_t, and
    their sums have the ratio x as well. Where rate or steps are not known, an input is given as recovered
    only if the rows are those of one input up to the rounding of the weights; the rest of the message, which
    has a scale, is not held against it, and no label is solved for.

    Of one record of a table whose categories the model looks up, `looked_up` reads what entered the first
    linear layer column by column.

    Fails where no layer has a bias: one item is then known up to its scale; where another layer with
    weights comes first; where noise is as large as the gradient. Items that leave more of the message than
    rounding, and the noise that the rows of the first layer show, are given as failed.

    References
    ----------
    Phong, Aono, Hayashi, Wang, Moriai. Privacy-preserving deep learning via additively homomorphic
    encryption. IEEE TIFS 2018. Section III.

    Examples
    --------
    >>> from torch import nn
    >>> from nextlabel.leakage.messages import full
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).double()
    >>> item = np.array([[[0.1, 0.2], [0.3, 0.4]]])
    >>> sent, known = full(model, item, np.array([2])), Knowledge(model, (2, 2), 3)
    >>> found = FullyConnected().recover(sent, known, np.random.default_rng(0))
    >>> found.outcome, np.allclose(found.items, item, atol=1e-12)
    ('recovered', True)
    """

    @property
    def reads(self) -> frozenset[str]:
        """Gradients and updates."""
        return frozenset({"full", "last_layer", "update"})

    @property
    def recovers(self) -> frozenset[str]:
        """Items, or the features of one where only the last layer can be read."""
        return frozenset({"features", "items", "labels"})

    @property
    def cost(self) -> str:
        """A formula and a factorisation or two."""
        return "closed_form"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """The items, or the features of one; and the rank in the details."""
        knowledge = widened(knowledge)
        items = disclosure.items if knowledge.batch is None else knowledge.batch
        if disclosure.kind == "update" and items == 1 and None in (knowledge.steps, knowledge.rate):
            return _unscaled(disclosure, knowledge)
        remark = drift(knowledge, disclosure)
        try:
            gradient = as_gradient(disclosure, knowledge)
            first = _first_layer(gradient, knowledge)
            if isinstance(first, str):
                whole = looked_up(gradient, knowledge) if items == 1 else None
                return whole or _features(gradient, knowledge, items, first, remark)
        except (DisclosureError, LearnerError) as cause:
            return Recovery("refused", str(cause))
        found, seen = first
        if found.is_zero:
            return _by_another(gradient, seen, knowledge, items, remark)
        if found.weight is None or found.bias is None or not found.bias.any():
            return _by_later(_without_one(found, _spectrum(found)), gradient, knowledge, items, remark)
        if items == 1:
            return _single(found, seen, gradient, knowledge, remark)
        spectrum = spectrum_of_items(found.singular_values, found.precision, items)
        return _several(found, seen, gradient, knowledge, spectrum, items)


def _first_layer(gradient: Disclosure, knowledge: Knowledge) -> tuple[LayerGradient, DenseLayers] | str:
    """The first layer's gradient, or why it tells no items."""
    try:
        seen = dense_layers(knowledge)
    except LearnerError as cause:
        return str(cause)
    if seen.order is None:
        return seen.unread
    try:
        return gradient_of(seen.layers[0], gradient), seen
    except DisclosureError:
        return f"The message does not hold the gradient of the first layer, {seen.layers[0].name!r}."


def _features(gradient: Disclosure, knowledge: Knowledge, items: int, why: str, remark: str) -> Recovery:
    """The input of the last layer, for one item."""
    found = gradient_of(last_layer(knowledge), gradient)
    if found.is_zero:
        return Recovery("failed", f"{why} The last layer's gradient is zero.")
    spectrum = _spectrum(found)
    if found.weight is None or found.bias is None:
        return _without_one(found, spectrum, why)
    if items > 1:
        why += f" Of the last layer the features of one item follow; the message speaks of {items}."
        made = Recovery("refused", why, details=_shown(spectrum))
        return _several_by_later(made, gradient, knowledge, items)
    features, apart = single_input(found.weight, found.bias)
    target = None
    if knowledge.loss == "squared_error":  # the answer, less the slope of half a squared error
        outputs = found.layer.outputs_of(features)[None]
        target = np.subtract(*answers_behind(outputs, found.bias[None], found.layer, knowledge))
    told = f"{why} What is recovered are the features that enter the last layer"
    told += "." if apart <= _EVIDENT else f", not exactly: they leave {apart:.2g} of its gradient."
    made = Recovery(
        "recovered" if apart < _FAR else "failed",
        f"{told}{remark}",
        labels=target,
        features=features[None],
        residual=apart,
        details=_shown(spectrum),
    )
    return _by_later(made, gradient, knowledge, items, remark)


def _by_later(
    made: Recovery, gradient: Disclosure, knowledge: Knowledge, items: int, remark: str
) -> Recovery:
    """With the items behind the first later layer that tells its input, where the message bears them out."""
    if items > 1:
        return _several_by_later(made, gradient, knowledge, items)
    behind = item_behind(gradient, knowledge)
    if behind is None:
        return made
    if behind.item is None:
        return made if made.features is None else replace(made, reason=f"{made.reason} {behind.reason}")
    closed = explained(behind.item[None], gradient, knowledge)
    noise = max(made.residual or 0.0, behind.noise)
    refuted = closed.refuted(_HALF if remark else max(_CLOSE, _limit(closed, noise)))
    if refuted:
        return replace(made, reason=f"{made.reason} {refuted}".strip())
    return replace(
        made,
        outcome="recovered",
        reason=(
            f"The input of the layer {behind.layer!r} was followed back to an item of which the model makes "
            f"that input again.{remark}"
        ),
        items=behind.item[None],
        labels=closed.answers,
        residual=closed.residual,
        evaluations=int(closed.residual is not None),
    )


def _several_by_later(made: Recovery, gradient: Disclosure, knowledge: Knowledge, items: int) -> Recovery:
    """With the items that are alone in a unit of the first layer of which weight and bias are sent."""
    later = later_layer(gradient, knowledge)
    # of the last layer every class speaks of every item
    if later is None or later.layers[0].activation is None or later.before.order is None:
        return made
    spectrum = spectrum_of_items(later.found.singular_values, later.found.precision, items)
    several = _several(later.found, later, gradient, knowledge, spectrum, items)
    return several if several.outcome == "recovered" else made


def _single(
    found: LayerGradient,
    seen: DenseLayers,
    gradient: Disclosure,
    knowledge: Knowledge,
    remark: str,
) -> Recovery:
    row, apart = single_input(found.joined[:, :-1], found.joined[:, -1])
    # the decomposition of a large layer takes longer than all else, and says nothing of one item
    spectrum = _of_one(found, apart) if apart < _ONE else _spectrum(found)
    item = seen.items_of(row[None])
    closed = explained(item, gradient, knowledge)
    residual = apart if closed.residual is None else closed.residual
    reason = remark
    if spectrum.rank > 1 and spectrum.gap > 1.0:
        reason = (
            f"The gradient of the first layer has rank {spectrum.rank}, one item in one step makes 1: the "
            f"message speaks of more, or was changed on its way, as by pruning or rounding.{remark}"
        )
    limit = _HALF if remark else _limit(closed, _noise(apart, found, gradient))
    refuted = closed.refuted(limit)
    outcome = "recovered" if apart < _FAR and not refuted else "failed"
    if apart >= _FAR:
        reason = f"The rows are {apart:.0%} of their length away from those of one item. {reason}"
    return Recovery(
        outcome,
        f"{refuted}{reason}".strip(),
        items=item,
        labels=closed.answers,
        features=row[None] if len(seen.layers) == 1 else None,
        residual=residual,
        evaluations=int(closed.residual is not None),
        details=_shown(spectrum),
    )


def _by_another(
    gradient: Disclosure, seen: DenseLayers, knowledge: Knowledge, items: int, remark: str
) -> Recovery:
    """The item by another layer of its size, as where the model chooses by the item which one reads it."""
    for layer in layers_of_size(knowledge) if items == 1 else ():
        if layer.weight_name not in gradient.arrays:
            continue
        found = gradient_of(layer, gradient)
        if found.is_zero or found.weight is None or found.bias is None or not found.bias.any():
            continue
        made = _single(found, replace(seen, layers=(layer, *seen.layers[1:])), gradient, knowledge, remark)
        # what the model makes of this item is the message, and this layer is where it begins
        if made.outcome == "recovered" and made.evaluations and first_of(knowledge, made.items) == layer.name:
            reason = f"By the layer {layer.name!r}, which reads this item. {made.reason}".strip()
            return replace(made, reason=reason)
    return Recovery("failed", "The first layer's gradient is zero: no unit speaks of an item.")


def _unscaled(disclosure: Disclosure, knowledge: Knowledge) -> Recovery:
    """The item, or the features, of an update of one item whose rate or number of steps is not known."""
    change = Disclosure("full", dict(disclosure.arrays), disclosure.items)
    try:
        first = _first_layer(change, knowledge)
        seen = None if isinstance(first, str) else first[1]
        found = gradient_of(last_layer(knowledge), change) if isinstance(first, str) else first[0]
    except (DisclosureError, LearnerError) as cause:
        return Recovery("refused", str(cause))
    if found.is_zero:
        return Recovery("failed", "The layer did not change: no unit speaks of an item.")
    spectrum = _spectrum(found)
    if found.weight is None or found.bias is None or not found.bias.any():
        return _without_one(found, spectrum, first if isinstance(first, str) else "")
    row, apart = single_input(found.weight, found.bias)
    limit = _rounding_of(found)
    unknown = " and ".join(name for name in ("steps", "rate") if getattr(knowledge, name) is None)
    reason = (
        f"Without knowing the {unknown}, the ratio of the changes of weights and biases was read, which is "
        f"free of scale; the rows are {apart:.2g} of their length away from those of one input, and rounding "
        f"may leave {limit:.2g}."
    )
    items = None if seen is None else seen.items_of(row[None])
    if isinstance(first, str):
        reason = f"{first} {reason} It is what enters the last layer."
        behind = item_behind(change, knowledge) if apart <= limit else None
        if behind is not None and behind.item is not None:
            items = behind.item[None]
            reason += f" The input of the layer {behind.layer!r} was followed back to the item."
    return Recovery(
        "recovered" if apart <= limit else "failed",
        reason,
        items=items,
        features=row[None] if seen is None or len(seen.layers) == 1 else None,
        residual=apart,
        details=_shown(spectrum),
    )


def _rounding_of(found: LayerGradient) -> float:
    """What rounding leaves between the changes of a layer and those of one input, as a share of their length.

    A change is a difference of weights, which are rounded at each step, the larger the coarser. More than a
    thousandth would be no evidence that one input is behind all rows.
    """
    held, bias = found.layer.weight, found.layer.bias
    size = np.sqrt((held**2).sum() + (0.0 if bias is None else (bias**2).sum()))
    share = _ROUNDED * found.precision * (1.0 + float(size / np.linalg.norm(found.joined)))
    return min(_EVIDENT, share)


def _several(
    found: LayerGradient,
    seen: ReadLayer,
    gradient: Disclosure,
    knowledge: Knowledge,
    spectrum: Spectrum,
    items: int,
) -> Recovery:
    details, span = _shown(spectrum), "is" if spectrum.rank == items else "lies within"
    says = (
        f"The gradient of the layer {found.layer.name!r} has rank {spectrum.rank} for {items} items (gap "
        f"{spectrum.gap:.2g}): its row space {span} the span of what enters it."
    )
    if spectrum.rank >= min(found.joined.shape):
        says = f"The rank of {found.layer.name!r} is exhausted by {items} items: no span to read."
        return Recovery("failed", says, details=details)
    if knowledge.loss != "cross_entropy":
        says += " Single items are certified under cross-entropy only."
        return Recovery("refused", says, details=details)
    alone = lone_items(found.joined, spectrum.rank, items, seen, knowledge, found.precision)
    if not alone.rows:
        return Recovery("failed", f"{says} No item is alone in a unit.", details=details)
    rows, closed, weight = np.array(alone.rows), Explained(), found.joined[:, :-1]
    if len(rows) == items:
        # with all slopes known every unit speaks of every item, and rounding averages out
        rows = np.asarray(np.linalg.lstsq(np.array(alone.slopes).T, weight, rcond=None)[0], np.float64)
        closed = explained(seen.items_of(rows), gradient, knowledge)
    refuted = closed.refuted(_limit(closed, spectrum.values[spectrum.rank] / spectrum.values[0]))
    reason = f"{says} {len(rows)} of {items} items are alone in a unit, or were once others were taken away."
    return Recovery(
        "failed" if refuted else "recovered",
        f"{refuted}{reason}",
        items=seen.items_of(rows),
        labels=np.array(alone.labels),
        residual=closed.residual,
        evaluations=int(closed.residual is not None),
        details=details,
    )


def _noise(apart: float, found: LayerGradient, gradient: Disclosure) -> float:
    """The share of noise in the message if it is spread as over the rows of the first layer."""
    rows, columns = found.joined.shape
    usual = apart * float(np.linalg.norm(found.joined)) / np.sqrt(max(rows - 1, 1) * columns)
    length = np.sqrt(sum(float((one.astype(np.float64) ** 2).sum()) for one in gradient.arrays.values()))
    return max(apart, float(usual * np.sqrt(gradient.size) / length))


def _limit(closed: Explained, noise: float) -> float:
    """The residual that items which are right may leave."""
    return min(_FAR, closed.borne + _NOISE * noise)


def _without_one(found: LayerGradient, spectrum: Spectrum, why: str = "") -> Recovery:
    reason = f"{why} Without the gradient of a bias, a layer by itself tells an item up to its scale only."
    if found.weight is None:
        reason = (
            f"{why} The message does not hold the gradient of the weight of the layer {found.layer.name!r}, "
            "as where that is frozen, or parametrised."
        )
    return Recovery("refused", reason.strip(), details=_shown(spectrum))


def _of_one(found: LayerGradient, apart: float) -> Spectrum:
    """Rank one, with what is left of the rows as the second singular value, which is no larger."""
    length = float(np.linalg.norm(found.joined))
    return spectrum_of([length, apart * length], precision=found.precision)


def _spectrum(found: LayerGradient) -> Spectrum:
    return spectrum_of(found.singular_values, precision=found.precision)


def _shown(spectrum: Spectrum) -> dict[str, Any]:
    return {
        "singular_values": [*map(float, spectrum.values[:_LISTED])],
        "rank": spectrum.rank,
        "gap": spectrum.gap,
    }
