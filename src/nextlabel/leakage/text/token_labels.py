"""The targets of known sequences, from the gradient of the layer that makes the logits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.gradients import MessageGradient, relative_distance, tensors_of
from nextlabel.leakage.text.last_tokens import last_tokens
from nextlabel.leakage.text.paddings import padded
from nextlabel.leakage.text.token_places import (
    Place,
    Reading,
    Tokens,
    inputs_at_ends,
    makes_logits_at_ends,
)
from nextlabel.maths.axes import Floats

__all__ = ["Solved", "Told", "solved_targets"]


_FITTING = 0.05  # of the message: what last tokens may leave; a wrong one leaves more
_PRESENT = 0.3  # of the typical weight: a context that is not in the message has none


@final
@dataclass(frozen=True, eq=False)
class Solved:
    """What the last layer says of contexts.

    Parameters
    ----------
    contexts : list of tuples of int
        Sequences, or their beginnings, whose class or next target is meant.
    targets : array of int64, axes (n,)
    weights : array of float64, axes (n,)
        The share of each in the loss, as far as the rows show it; about 0 for one that is not in it.
    """

    contexts: list[tuple[int, ...]]
    targets: Tokens
    weights: Floats

    @property
    def present(self) -> dict[tuple[int, ...], int]:
        """The targets of the contexts that have a part in the loss."""
        largest = np.sort(self.weights)[-max(len(self.weights) // 4, 1) :]
        least = _PRESENT * float(np.median(largest))
        return {
            context: int(target)
            for context, target, weight in zip(self.contexts, self.targets, self.weights, strict=True)
            if weight > least
        }


@final
@dataclass(frozen=True, eq=False)
class Told:
    """Sequences, what the last layer tells of them, and how well all of it explains the message.

    Parameters
    ----------
    sequences : list of tuples of int
        Those whose inputs the layers saw.
    items : list of tuples of int
        With copies, and with tokens that are seen as targets only.
    labels : array of int64, axes (r,), optional
        Classes of the items.
    residual : float, optional
        Of the gradient computed anew; None where the targets are not known.
    """

    sequences: list[tuple[int, ...]]
    items: list[tuple[int, ...]]
    labels: Tokens | None = None
    residual: float | None = None

    @classmethod
    def of(
        cls,
        knowledge: Knowledge,
        disclosure: Disclosure,
        read: Reading,
        sequences: Sequence[tuple[int, ...]],
        padding: int | None = None,
    ) -> "Told":
        """What the last layer tells of sequences, of a model whose texts are filled up with that token."""
        plain = [one for one in sequences if one]
        is_language = knowledge.loss == "language_model"
        head = read.places[-1]
        if not read.is_causal or knowledge.loss == "squared_error":
            return cls(plain, plain)
        (length,) = knowledge.item_shape
        if not is_language and not makes_logits_at_ends(knowledge.model, head, length, padding):
            return cls(plain, plain)
        solved = solved_targets(knowledge.model, head, disclosure, plain, is_each_position=is_language)
        if solved is None:
            return cls._of_one_table(knowledge, disclosure, head, plain, padding)
        targets = solved.present
        if is_language:
            return cls._continued(knowledge, disclosure, plain, targets, padding)
        share = 1.0 if knowledge.reduction == "sum" else 1.0 / disclosure.items
        weights = dict(zip(solved.contexts, solved.weights, strict=True))
        kept = [one for one in plain if one in targets]
        copies = {one: max(round(weights[one] / share), 1) for one in kept}
        if sum(copies.values()) > disclosure.items:
            # weights that add up to more than the batch are none: some sequences are wrong
            copies = dict.fromkeys(kept, 1)
        items = [one for one in kept for _ in range(copies[one])]
        labels = np.array([targets[one] for one in items], dtype=np.int64)
        return cls(kept, items, labels, _residual(knowledge, disclosure, items, labels, padding))

    @classmethod
    def _of_one_table(
        cls,
        knowledge: Knowledge,
        disclosure: Disclosure,
        head: Place,
        plain: list[tuple[int, ...]],
        padding: int | None,
    ) -> "Told":
        """With last tokens where the model predicts the next one from the table that embeds them."""
        (length,) = knowledge.item_shape
        lengths = {len(one) for one in plain}
        is_short = len(lengths) > 1 or lengths != {length - 1}
        if knowledge.loss != "language_model" or max(lengths, default=length) == length:
            return cls(plain, plain)
        if is_short and padding is None:
            return cls(plain, plain)
        found = last_tokens(knowledge, disclosure, head, plain, 0 if padding is None else padding)
        if found is None or found[1] > _FITTING:
            return cls(plain, plain)
        last, residual = found
        return cls(
            plain, [(*one, int(token)) for one, token in zip(plain, last, strict=True)], None, residual
        )

    @classmethod
    def _continued(
        cls,
        knowledge: Knowledge,
        disclosure: Disclosure,
        plain: list[tuple[int, ...]],
        targets: dict[tuple[int, ...], int],
        padding: int | None,
    ) -> "Told":
        """With the last targets as last tokens, where all other targets are tokens that follow."""
        (length,) = knowledge.item_shape
        follow: dict[tuple[int, ...], set[int]] = {}
        for one in plain:
            for end in range(1, len(one)):
                follow.setdefault(one[:end], set()).add(one[end])
        # where texts go on differently from one beginning, one of their tokens is told of it
        is_next = all(targets[one] in after for one, after in follow.items() if one in targets)
        items = [
            (*one, targets[one]) if is_next and len(one) < length and one in targets else one for one in plain
        ]

        def asked(one: tuple[int, ...], end: int) -> int:
            told = targets.get(one[:end], -100)
            return one[end] if is_next and told >= 0 and end < len(one) else told

        found = padded(
            [tuple(asked(one, end) for end in range(1, len(one) + 1)) for one in items],
            max(map(len, items), default=0),
            -100,
        )
        return cls(plain, items, None, _residual(knowledge, disclosure, items, found, padding))


def solved_targets(
    model: Any,
    place: Place,
    disclosure: Disclosure,
    sequences: Sequence[tuple[int, ...]],
    *,
    is_each_position: bool,
) -> Solved | None:
    """The targets of known sequences, solved from the gradient of the last layer.

    Parameters
    ----------
    model : torch.nn.Module
    place : Place
        The layer that makes the logits.
    disclosure : Disclosure
        Holds the gradient of its weight.
    sequences : sequence of tuples of int
    is_each_position : bool
        Whether there is a target at each position, of a causal model, or one of each sequence, which the
        model reads off its last token.

    Returns
    -------
    Solved, or None
        None where there are more contexts than features, or the layer is not in the message.

    Notes
    -----
    The gradient is the sum over contexts of z_i (p_i - e_y) w_i. With as many features as contexts that is
    solved for the rows (p_i - e_y) w_i by least squares; their one negative entry is y, and p_i is known, so
    that the entry gives the weight w_i.
    """
    name = place.weights[0]
    contexts = _contexts(sequences, is_each_position)
    if name not in disclosure.arrays or not contexts:
        return None
    gradient = disclosure[name].astype(np.float64)
    head = model.get_submodule(place.module)
    gradient = gradient if type(head).__name__ == "Conv1D" else gradient.T
    inputs = inputs_at_ends(model, place.module, contexts)
    bias = name.removesuffix("weight") + "bias"
    if bias in disclosure.arrays:
        inputs = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
        gradient = np.concatenate([gradient, disclosure[bias].astype(np.float64)[None]])
    if len(inputs) > inputs.shape[1] or np.linalg.matrix_rank(inputs) < len(inputs):
        return None
    rows = np.linalg.lstsq(inputs.T, gradient, rcond=None)[0]
    with torch.no_grad():
        width = inputs.shape[1] - (bias in disclosure.arrays)
        computed = next(head.parameters()).dtype
        proba = head(torch.as_tensor(inputs[:, :width], dtype=computed)).double().softmax(-1).numpy()
    targets = rows.argmin(axis=1)
    every = np.arange(len(rows))
    weights = rows[every, targets] / (proba[every, targets] - 1.0)
    return Solved(contexts, targets.astype(np.int64), weights)


def _contexts(sequences: Sequence[tuple[int, ...]], is_each_position: bool) -> list[tuple[int, ...]]:
    if not is_each_position:
        return list(sequences)
    return sorted({one[:end] for one in sequences for end in range(1, len(one) + 1)})


def _residual(
    knowledge: Knowledge,
    disclosure: Disclosure,
    items: Sequence[tuple[int, ...]],
    targets: Tokens,
    padding: int | None,
) -> float | None:
    """How far the gradient of sequences and targets is from the message; None where it cannot be computed."""
    lengths = {len(one) for one in items}
    if not items or (len(lengths) > 1 and padding is None):
        return None
    tokens = padded(items, max(lengths), 0 if padding is None else padding)
    gradient = MessageGradient.known(knowledge, disclosure)
    found = gradient(torch.as_tensor(tokens), torch.as_tensor(targets))
    return relative_distance(found, tensors_of(disclosure))
