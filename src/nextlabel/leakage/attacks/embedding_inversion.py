"""From a gradient embedding back to the model's guess, the features and, where units suffice, the item."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from scipy.special import softmax

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.errors import LearnerError
from nextlabel.leakage.blank_items import takes_only_tokens
from nextlabel.leakage.closed_forms.dense_layers import Dense, DenseLayers, dense_layers
from nextlabel.leakage.closed_forms.embedding_scale import Explanation, Rounding, explanations, noised
from nextlabel.leakage.closed_forms.feature_inversion import Inversion, inverted
from nextlabel.leakage.closed_forms.followed_features import (
    FollowedFeatures,
    features_of,
    followed,
    range_of,
)
from nextlabel.leakage.closed_forms.layer_gradients import last_layer
from nextlabel.leakage.closed_forms.sketches import unsketched
from nextlabel.leakage.precisions import are_signs, rounding_of, widened
from nextlabel.maths.axes import Floats

__all__ = ["EmbeddingInversion"]

_NOISE = 3.0
_ERROR = 32.0  # rounding units that features may be off
_UNSURE = 0.02  # of the largest feature: a coarser message says no less of which units are on
_SEEN = 4.0  # times the noise of a feature: what is above it is on
_TOLD = 0.5  # of how far the features of another item are away: those of the right one are nearer
_SAME = 1e-5  # of the largest number of a class: single precision, in which the model computes
_COARSE = 1.5  # times the largest feature that there is: noise may make it so large
_BESIDE = 0.5  # of the range of values: an item further out is that of another length
_CLOSE = 1e-3  # of the features: what an item's features may be away from those sought


@final
@dataclass(frozen=True)
class EmbeddingInversion(Attack):
    """Inverts the gradient embeddings that BADGE selects by; needs the last layer's weights; costs O(c·d).

    Notes
    -----
    An embedding is (p − e_ŷ) ⊗ z. Its only row of the opposite sign is the model's own guess ŷ, not the true
    label. The scale of z follows from what the model would predict there, as `explanations` says; where
    several scales give the same embedding, as they mostly do with two classes, or both labels do, as they do
    of two classes where features have either sign, the layers before decide where they can. Where they give
    different ones, the one that fits best is taken: noise and rounding make it less exact, and leave nothing
    open. Then `inverted` follows the features back to the item; the item counts only
    if the model makes the features of it again, which also checks every unit that is off.

    A sketch of at least as many numbers as an embedding has, by a known matrix of full rank, is solved first.
    A narrower one is refused: its linear equations leave all embeddings that differ by the matrix's kernel.
    Since an embedding follows from z alone, d numbers or little more may fix it, but only through equations
    in z that are not linear, which have no closed form and are not tried.

    Time O(c·d·min(c, d)) an item for the features, O(m·d²) for a layer of m units and d inputs.

    Fails where the prediction is one-hot, so that the embedding is zero; with two classes, unless the layers
    before the last single out a scale; items where fewer units are on than an item has values, or where
    the network before the last layer is not made of linear layers.

    References
    ----------
    Ash, Zhang, Krishnamurthy, Langford, Agarwal. Deep batch active learning by diverse, uncertain gradient
    lower bounds. ICLR 2020. Section 3, whose embedding is inverted here.

    Examples
    --------
    >>> import torch
    >>> from nextlabel.leakage.messages import embedding
    >>> from nextlabel.learners.networks import mlp
    >>> with torch.random.fork_rng(devices=[]):
    ...     _ = torch.manual_seed(0)
    ...     model = mlp((4,), 3, hidden=(40,)).double().eval()
    >>> items = np.array([[0.1, 0.2, 0.3, 0.4]])
    >>> found = EmbeddingInversion().recover(
    ...     embedding(model, items), Knowledge(model, (4,), 3), np.random.default_rng(0)
    ... )
    >>> found.outcome, np.allclose(found.items, items, atol=1e-8)
    ('recovered', True)
    """

    @property
    def reads(self) -> frozenset[str]:
        """Embeddings."""
        return frozenset({"embedding"})

    @property
    def recovers(self) -> frozenset[str]:
        """Features, items, and the model's guesses as labels."""
        return frozenset({"features", "items", "labels"})

    @property
    def cost(self) -> str:
        """A formula and a factorisation or two."""
        return "closed_form"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """The model's guesses and features of the rows that can be solved for, and their items."""
        if disclosure.kind != "embedding":
            return Recovery("refused", f"The attack reads gradient embeddings, not {disclosure.kind!r}.")
        told, knowledge = knowledge, widened(knowledge)
        try:
            layer = last_layer(knowledge)
        except LearnerError as cause:
            return Recovery("refused", str(cause))
        sent = disclosure.arrays.get("embedding")
        rows = unsketched(disclosure, knowledge, layer) if sent is None else sent
        if isinstance(rows, str):
            return Recovery("refused", rows)
        if rows.ndim != 3 or rows.shape[1:] != layer.weight.shape:
            reason = (
                f"Embeddings of this model have {layer.weight.shape[0]} classes and {layer.weight.shape[1]} "
                f"features; the message has the axes {rows.shape}."
            )
            return Recovery("refused", reason)
        precision, least = rounding_of(rows, told)
        if sent is None and knowledge.sketch is not None:
            precision *= float(np.linalg.cond(knowledge.sketch))
        return _recovered(rows.astype(np.float64), _Target(layer, knowledge, Rounding(precision, least)))


@final
@dataclass(frozen=True, eq=False)
class _Traced:
    """Features, and how far they could be followed back to an item."""

    known: Explanation
    back: FollowedFeatures

    @property
    def item(self) -> Floats | None:
        return self.back.item


@final
class _Target:
    """The model, as far as it is needed to check what is recovered."""

    def __init__(self, layer: Dense, knowledge: Knowledge, rounding: Rounding) -> None:
        self.layer, self.knowledge, self.rounding = layer, knowledge, rounding
        self.seen: DenseLayers | None
        try:
            self.seen = dense_layers(knowledge)
        except LearnerError:
            self.seen = None
        chain = self.seen.layers if self.seen is not None else ()
        between = chain[-2].activation if len(chain) > 1 else None
        self._is_unread = any(one.activation is None for one in chain[:-1])
        is_told = between is not None and between.name in ("relu", "sigmoid", "softplus")
        low, self.high = range_of(layer.name, knowledge)
        self.has_sign = is_told or low == 0.0

    def possible(self, options: list[Explanation], rounding: Rounding) -> list[Explanation]:
        """Those whose features no unit keeps from being so large, up to noise; all where that is none."""
        high = self.high * (_COARSE if rounding.is_coarse else 1.0 + _CLOSE)
        return [one for one in options if np.abs(one.features).max() <= high] or options

    def traced(self, one: Explanation, row: Floats, rounding: Rounding) -> _Traced:
        """The item whose features these are, if the model makes them of it again."""
        if self.seen is None:
            return _Traced(one, FollowedFeatures(None, Inversion(None)))
        length = float(np.linalg.norm(one.features))
        # a feature has the error that the numbers of the message have, times its length over theirs
        noise = _SEEN * rounding.of_entries(row) * length / float(np.linalg.norm(row))
        unsure = max(noise / np.abs(one.features).max(), min(_ERROR * rounding.precision, _UNSURE))
        near = max(_CLOSE, _ERROR * rounding.precision, _NOISE * rounding.noise)
        back = followed(one.features, self.seen, self.knowledge, tolerance=float(unsure), near=near)
        if back.item is not None and not self._is_within(back.item):
            back = dataclasses.replace(back, item=None)
        return _Traced(one, back)

    def _is_within(self, item: Floats) -> bool:
        """Whether values are in their range, where it is known; noise puts some a little beside it."""
        low, high = self.knowledge.bounds or (-np.inf, np.inf)
        slack = _BESIDE * (high - low)
        return bool((item >= low - slack).all() and (item <= high + slack).all())

    def is_free(self, one: Explanation) -> bool | None:
        """Whether many items have these features; None where that does not follow from the layers before.

        They have, if any does, where fewer units speak of it than it has values, and where the first layer
        does not tell its input. No units of a deeper layer need tell theirs, which few values may have made.
        Of words nothing follows from counting: they are no numbers that move. Nor of values whose range is
        known, which may end at the record.
        """
        if takes_only_tokens(self.knowledge) or self.knowledge.bounds is not None:
            return None
        if np.count_nonzero(one.features) < np.prod(self.knowledge.item_shape):
            return True
        if self.seen is None or self.seen.order is None or self._is_unread:
            return None
        step = inverted(one.features, self.seen, float(np.finfo(np.float64).eps))
        if step.row is not None:
            return False
        first = self.seen.layers[0]
        # where two inputs have one output, a unit that is not read tells one of two values
        is_read = first.activation is not None and first.activation.is_single_valued
        return True if step.layer == first.name and is_read else None

    def are_alike(self, one: _Traced, other: _Traced) -> bool:
        """Whether the embeddings of two items are the same, number by number."""
        assert one.item is not None
        assert other.item is not None
        features = features_of(np.array([one.item, other.item]), self.layer.name, self.knowledge)
        factors = softmax(self.layer.outputs_of(features), axis=1)
        for factor, label in zip(factors, (one.known.label, other.known.label), strict=True):
            factor[label] = factor[label] - factor.sum()
        ours, theirs = (np.outer(*pair) for pair in zip(factors, features, strict=True))
        return bool((np.abs(ours - theirs) <= _SAME * np.abs(theirs).max(axis=1, keepdims=True)).all())


@final
@dataclass
class _Found:
    """What was recovered of each row, in order."""

    labels: dict[int, int] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)
    chosen: list[Explanation] = field(default_factory=list)
    item_rows: list[int] = field(default_factory=list)
    items: list[Floats] = field(default_factory=list)
    ambiguous: list[int] = field(default_factory=list)
    undecided: list[int] = field(default_factory=list)
    unfollowed: list[int] = field(default_factory=list)
    silent: list[int] = field(default_factory=list)
    unexplained: list[int] = field(default_factory=list)
    signs: list[int] = field(default_factory=list)
    wrong: list[int] = field(default_factory=list)
    units: list[int] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def keep(self, place: int, chosen: _Traced) -> None:
        """The features of a row, and the item where there is one."""
        self.labels[place] = chosen.known.label
        self.rows.append(place)
        self.chosen.append(chosen.known)
        self.units.append(chosen.back.step.units)
        if chosen.item is not None:
            self.item_rows.append(place)
            self.items.append(chosen.item)
        elif chosen.back.step.row is not None:
            self.wrong.append(place)


def _recovered(rows: Floats, target: _Target) -> Recovery:
    found = _Found()
    for place, row in enumerate(rows):
        _one(place, row, target, found)
    details = {
        "label_rows": sorted(found.labels),
        "rows": found.rows,
        "item_rows": found.item_rows,
        "ambiguous": found.ambiguous,
        "undecided": found.undecided,
        "unfollowed": found.unfollowed,
        "zero": found.silent,
        "unexplained": found.unexplained,
        "signs": found.signs,
        "units": found.units,
        "candidates": found.options,
    }
    is_open = bool(found.unexplained or found.undecided or found.unfollowed or found.signs)
    outcome = "recovered" if found.rows else ("failed" if is_open else "unidentifiable")
    has_rows, labels = bool(found.rows), dict(sorted(found.labels.items()))
    return Recovery(
        outcome,
        _reason(found, len(rows), target),
        items=np.array(found.items) if found.items else None,
        labels=np.array(list(labels.values())) if labels else None,
        features=np.array([one.features for one in found.chosen]) if has_rows else None,
        residual=max(one.residual for one in found.chosen) if has_rows else None,
        details=details,
    )


def _one(place: int, row: Floats, target: _Target, found: _Found) -> None:
    if not row.any():
        found.silent.append(place)
        return
    if are_signs(row):
        found.signs.append(place)
        below = np.flatnonzero(row.sum(axis=1) < 0)
        if target.has_sign and len(below) == 1:
            found.labels[place] = int(below[0])
        return
    rounding = noised(row, target.rounding)
    options = target.possible(explanations(row, target.layer, rounding, has_sign=target.has_sign), rounding)
    if not options:
        found.unexplained.append(place)
        return
    traced = [target.traced(one, row, rounding) for one in options]
    twins = [one for one in traced[1:] if one.known.is_twin_of(options[0])]
    if len({options[0].label, *(one.known.label for one in twins)}) == 1:
        found.labels[place] = options[0].label
    if twins:
        chosen = _decided([traced[0], *twins], target, rounding)
    else:
        chosen = next((one for one in traced if one.item is not None), traced[0])
    if isinstance(chosen, _Traced):
        found.keep(place, chosen)
    elif chosen is None:
        found.unfollowed.append(place)
    elif chosen:
        found.ambiguous.append(place)
        found.options[str(place)] = [
            {"label": one.label, "length": float(np.linalg.norm(one.features)), "residual": one.residual}
            for one in (options[0], *(twin.known for twin in twins))
        ]
    else:
        found.undecided.append(place)


def _decided(twins: list[_Traced], target: _Target, rounding: Rounding) -> _Traced | bool | None:
    """Of features that give the same embedding those that an item has; else whether two of them may be.

    A twin is ruled out where it follows what item would have it, and that item has other features. It is as
    good as the other where too few units speak of the item, or where its item gives the same embedding too.
    None where the layers before are not followed, which may allow one alone.
    """
    whole = sorted((one for one in twins if one.item is not None), key=lambda one: one.back.apart)
    if len(whole) == 1:
        return whole[0]
    if whole:
        is_proof = target.are_alike(whole[0], whole[1])
        return whole[0] if not is_proof and whole[0].back.apart < _TOLD * whole[1].back.apart else is_proof
    frees = [target.is_free(one.known) for one in twins]
    if None in frees:
        return None
    free = [one for one, is_free in zip(twins, frees, strict=True) if is_free]
    if len(free) == 1 and not rounding.is_coarse:
        return free[0]
    return len(free) > 1


def _reason(found: _Found, rows: int, target: _Target) -> str:
    words = []
    if found.rows:
        words.append(
            "The labels are the model's own guesses, not the true ones. Of "
            f"{rows} embeddings {len(found.rows)} gave features and {len(found.items)} the item."
        )
    if found.rows and len(found.items) < len(found.rows):
        words.append(_missing(found, target))
    if found.ambiguous:
        words.append(
            f"{len(found.ambiguous)} of {rows} embeddings are explained equally well by several features"
            f"{', as they are with two classes' if len(target.layer.weight) == 2 else ''}: not identifiable."
        )
    if found.undecided:
        words.append(
            f"{len(found.undecided)} of {rows} embeddings are explained by several features, of which the "
            "layers before allow one, and too little of the message is exact to say which."
        )
    if found.unfollowed:
        words.append(
            f"{len(found.unfollowed)} of {rows} embeddings are explained by several features. Whether the "
            "layers before, and the range of values where it is known, allow more than one of them was not "
            "tried to the end."
        )
    if found.silent:
        words.append(f"{len(found.silent)} embeddings are zero: the prediction is one-hot.")
    if found.signs:
        words.append(
            f"{len(found.signs)} embeddings are signs alone: all their numbers are of one size, and the "
            "features are not seen in them."
        )
    if found.unexplained:
        words.append(f"{len(found.unexplained)} embeddings are explained by no features of this model.")
    return " ".join(words)


def _missing(found: _Found, target: _Target) -> str:
    seen = target.seen
    if seen is None or seen.order is None or any(one.activation is None for one in seen.layers[:-1]):
        return "The network before the last layer is not made of linear layers alone: no items follow."
    words = []
    if len(found.items) + len(found.wrong) < len(found.rows):
        words.append(
            f"Where {'other ' if found.wrong else ''}items are missing too few units speak of their input: "
            f"at the fewest {min(found.units)}, for items of {seen.layers[0].weight.shape[1]} values."
        )
    if found.wrong:
        words.insert(
            0,
            f"Of {len(found.wrong)} an item was found whose features are not those of the message: it is "
            "left out, as one that noise, pruning or rounding made.",
        )
    return " ".join(words)
