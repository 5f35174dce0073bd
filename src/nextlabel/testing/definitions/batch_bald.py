"""BatchBALD: greedily the batch whose labels together say most of the model, by all joint labels."""

from collections.abc import Sequence

import numpy as np

from nextlabel.maths.axes import Array
from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = ["DEFINITION", "memory"]

_ROUNDING = 1e-9  # nats: entropies of order one cancel


def _entropy(proba: Array) -> Array:
    return np.asarray(-(proba * np.log(np.where(proba > 0.0, proba, 1.0))).sum(axis=-1))


def _information(draws: Array) -> float:
    """H of the labels of all these items together, less the mean over draws of their entropies."""
    joint = np.ones((draws.shape[1], 1))
    for item in draws:
        joint = (joint[:, :, None] * item[:, None, :]).reshape(len(joint), -1)
    return float(_entropy(joint.mean(axis=0)) - _entropy(draws).mean(axis=1).sum())


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    draws = np.asarray(question.signals["draws"], np.float64)
    known = list(picked)
    gains = [-np.inf if one in known else _information(draws[[*known, one]]) for one in range(len(draws))]
    return first_of(gains, picked, slack=_ROUNDING)


DEFINITION = Definition(
    "batch_bald",
    frozenset({"draws"}),
    weights=_weights,
    is_law=False,
    moderate={"n": 2000, "c": 10, "m": 8, "d": 32, "b": 4, "l": 20},
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs."""
    n, m, c = sizes["n"], sizes["m"], sizes["c"]
    configurations, candidates = 10_000, 1_000
    return 100.0 * n + 32.0 * configurations * (m + c) + 8.0 * min(n, candidates) * m * c + 4e6
