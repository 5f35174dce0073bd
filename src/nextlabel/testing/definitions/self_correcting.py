"""BALD with a value beside it: the picks are BALD's, ranked on all draws."""

from collections.abc import Sequence

import numpy as np

from nextlabel.maths.axes import Array
from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "memory"]

_ROUNDING = 1e-9  # nats: entropies of order one cancel


def _entropy(proba: Array) -> Array:
    return np.asarray(-(proba * np.log(np.where(proba > 0.0, proba, 1.0))).sum(axis=-1))


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    draws = np.asarray(question.signals["draws"], np.float64)
    information = _entropy(draws.mean(axis=1)) - _entropy(draws).mean(axis=1)
    return first_of(information, picked, slack=_ROUNDING)


DEFINITION = Definition(
    "self_correcting", frozenset({"draws"}), weights=_weights, is_law=False, parameters={"of": "bald"}
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs: three scorings."""
    return 72.0 * sizes["n"] * sizes["c"] + 300.0 * sizes["n"] + 8e6
