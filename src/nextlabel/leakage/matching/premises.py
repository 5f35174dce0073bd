"""What is settled before a message is matched: whether it can be, the labels it tells, how exact it is."""

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.registry import resolve
from nextlabel.leakage.blank_items import looks_values_up, takes_only_tokens

__all__ = ["analytic_labels", "precision_of", "unmatchable"]


def unmatchable(attack: Attack, disclosure: Disclosure, knowledge: Knowledge) -> Recovery | None:
    """How the attack ends where a message cannot be matched; None where it can.

    Parameters
    ----------
    attack : Attack
        Which kinds of message it reads.
    disclosure : Disclosure
    knowledge : Knowledge
    """
    reason = _refusal(attack, disclosure, knowledge) or _unlike(disclosure, knowledge)
    if reason:
        return Recovery("refused", reason)
    if not any(one.any() for one in disclosure.arrays.values()):
        return Recovery("unidentifiable", "The message is zero: all items with a zero gradient explain it.")
    return None


def _refusal(attack: Attack, disclosure: Disclosure, knowledge: Knowledge) -> str:
    if disclosure.kind not in attack.reads:
        return (
            f"{type(attack).__name__} reads messages of kind {', '.join(sorted(attack.reads))}; "
            f"this one is of kind {disclosure.kind!r}."
        )
    if knowledge.loss == "language_model" or takes_only_tokens(knowledge):
        return "Token ids cannot be moved by a gradient: text_matching moves their embeddings."
    if looks_values_up(knowledge):
        return "The model looks some values up in a table, as categories: no gradient moves these."
    if disclosure.kind == "update" and (knowledge.steps is None or knowledge.rate is None):
        return "An update is matched by making its steps: their number and their rate must be known."
    return ""


def _unlike(disclosure: Disclosure, knowledge: Knowledge) -> str:
    named = dict(knowledge.model.named_parameters())
    for name, one in disclosure.arrays.items():
        if name not in named or not named[name].requires_grad:
            return f"The message names {name!r}, which is no trainable parameter of the model."
        if tuple(named[name].shape) != one.shape:
            shape = tuple(named[name].shape)
            return f"{name!r} has the shape {one.shape} in the message and {shape} in the model."
    return ""


def analytic_labels(
    disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator
) -> tuple[NDArray[np.int64] | None, str]:
    """The labels that the last layer's gradient tells in closed form, and how, or why there are none.

    Parameters
    ----------
    disclosure : Disclosure
    knowledge : Knowledge
    rng : numpy.random.Generator

    Returns
    -------
    labels : array of int64, axes (b,), or None
        In ascending order where there are several: which item has which is not told.
    reason : str
    """
    items = disclosure.items if knowledge.batch is None else knowledge.batch
    name = "label_inference" if items == 1 else "label_counts"
    found = resolve("attack", name)().recover(disclosure, knowledge, rng)
    if items == 1:
        return found.labels, found.reason
    if found.counts is None:
        return None, found.reason
    return np.repeat(np.arange(len(found.counts)), found.counts), found.reason


def precision_of(disclosure: Disclosure, knowledge: Knowledge) -> float:
    """How exactly the message says what it says: its rounding, as a share of its length.

    Parameters
    ----------
    disclosure : Disclosure
        What is held in float32 and was rounded to fewer digits counts as having fewer.
    knowledge : Knowledge
        Of an update the rounding is that of the weights, whose difference it is.

    Returns
    -------
    float
        Above 0; 1.2e-7 of a gradient in float32.
    """
    unit = max(_unit(one) for one in disclosure.arrays.values())
    if disclosure.kind != "update":
        return unit
    named = dict(knowledge.model.named_parameters())
    weights = np.sqrt(sum(float((named[name].detach().double() ** 2).sum()) for name in disclosure.arrays))
    change = np.sqrt(sum(float((one.astype(np.float64) ** 2).sum()) for one in disclosure.arrays.values()))
    return float(max(unit, min(1.0, unit * weights / change)))


def _unit(array: Array) -> float:
    """The distance from 1 to the next number, of the fewest digits that hold all values."""
    kind = np.finfo(array.dtype)
    bits = np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")
    held = int(np.bitwise_or.reduce(bits, axis=None)) & ((1 << kind.nmant) - 1)
    if not held:  # powers of two and zeros only
        return float(kind.eps)
    unused = (held & -held).bit_length() - 1
    return float(kind.eps) * 2.0**unused
