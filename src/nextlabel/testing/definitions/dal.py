"""Discriminative active learning: what is least like the labelled items comes first.

A network that is trained has no plain form. But of modes that stand far apart it must find those without
a labelled item or an earlier pick, and take from them first; which of them comes first is free. Asked are
pools whose modes are copies of single points. Training ends now and then before such a mode is found: on the
hardest of these pools about one seed in twelve.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, uniform

__all__ = ["DEFINITION", "memory"]

_MODES = np.array([[0.0, 0.0], [16.0, 0.0], [0.0, 16.0], [16.0, 16.0]])
_NEAR = 4.0


def _weights(question: Question, picked: Sequence[int]) -> Weights:
    points = np.asarray(question.signals["embedding"], np.float64)
    known = points[list(picked)]
    if question.labelled is not None:
        known = np.concatenate([np.asarray(question.labelled["embedding"], np.float64), known])
    left = uniform(question.n, picked)
    if question.labelled is None or not len(known):
        return left
    apart = np.sqrt(((points[:, None] - known[None]) ** 2).sum(axis=2)).min(axis=1)
    unseen = left * (apart > _NEAR)
    return unseen if unseen.any() else left


def _questions(rng: np.random.Generator) -> Iterable[Question]:
    for pool, seen, batch in (
        ([0, 1], [0], 1),
        ([0, 0, 1, 2], [0, 0], 2),
        ([0, 0, 0, 1, 1, 2], [0, 0, 0], 2),
        ([0, 0, 1, 1, 2, 2, 3], [0, 1], 2),
    ):
        modes = _MODES[rng.permutation(len(_MODES))]
        labelled = {"embedding": modes[seen]}
        yield Question({"embedding": modes[rng.permutation(pool)]}, batch, labelled=labelled)


DEFINITION = Definition(
    "dal",
    frozenset({"embedding"}),
    frozenset({"embedding"}),
    weights=_weights,
    is_law=False,
    questions=_questions,
    often=0.75,
    moderate={"n": 2_000, "c": 3, "m": 2, "d": 8, "b": 2, "l": 20},
)


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs.

    Positions; the features of eleven items for each labelled one, scaled, and those of an epoch; and the
    network with its moments and a chunk of its layers, which is wide from 30 features up.
    """
    seen = 11.0 * (sizes["l"] + sizes["b"])
    network = 2e7 if sizes["d"] >= 30 else 1e6
    return 16.0 * sizes["n"] + 80.0 * seen * (sizes["d"] + 1) + network
