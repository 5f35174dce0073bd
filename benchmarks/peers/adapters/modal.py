"""modAL: an estimator that answers with the given probabilities; a column of numbers tells rows apart."""

from functools import partial
from typing import Any

import numpy as np
from modAL.models import ActiveLearner
from modAL.uncertainty import entropy_sampling, margin_sampling, uncertainty_sampling
from sklearn.base import BaseEstimator

from benchmarks.peers.held import Held, by_score, global_seed
from nextlabel.testing.conformance import definition_of

PACKAGE = "modAL-python"


class Given(BaseEstimator):  # type: ignore[misc]
    """A fitted classifier that says what the array says of the rows whose numbers it is asked about."""

    def __init__(self, proba: Any = None) -> None:
        self.proba = proba

    def predict_proba(self, X: Any) -> Any:
        return np.array(self.proba[np.asarray(X)[:, 0].astype(int)])


def _query(*, batch: int, seed: int, proba: Any, strategy: Any, sign: float) -> Any:
    learner = ActiveLearner(estimator=Given(proba), query_strategy=strategy)
    numbers = np.arange(len(proba), dtype=float)[:, None]
    with global_seed(seed):
        picks, _, scores = learner.query(
            numbers, n_instances=batch, random_tie_break=True, return_metrics=True
        )
    return by_score(picks, sign * scores)


def methods() -> list[Held]:
    return [
        Held(
            f"{strategy.__name__}(random_tie_break=True)",
            partial(_query, strategy=strategy, sign=sign),
            definition_of(name),
        )
        for strategy, name, sign in (
            (uncertainty_sampling, "least_confident", 1.0),
            (margin_sampling, "margin", -1.0),
            (entropy_sampling, "entropy", 1.0),
        )
    ]


NOTE = (
    "It has no argument for a seed: the adapter seeds NumPy's global generator for the call and puts it "
    "back. A batch comes in no order: the adapter puts the largest of modAL's own scores first. Its "
    "ranked batch (`uncertainty_batch_sampling`) is no method of nextlabel and is not asked."
)
