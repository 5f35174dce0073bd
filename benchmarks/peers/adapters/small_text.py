"""small-text: a classifier that answers with the given arrays; the data set is the row numbers."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from small_text import BALD, BreakingTies, GreedyCoreset, LeastConfidence, PredictionEntropy, RandomSampling
from small_text.integrations.pytorch.query_strategies import BADGE

from benchmarks.peers.held import Held, by_score, global_seed, single_picks, with_labels
from nextlabel.testing.conformance import definition_of
from nextlabel.testing.definitions.badge import definition as badge

PACKAGE = "small-text"

NOTE = (
    "It has no argument for a seed: the adapter seeds NumPy's global generator for the call, puts it back. "
    "A batch by confidence comes in no order: the adapter puts the largest of its own scores first. "
    "Where BADGE and the core-set are asked for a whole pool, which comes in the order of its rows, the "
    "adapter asks for all but one and lets the last follow."
)


class Given:
    """A trained classifier that says what the arrays say of the rows whose numbers it is asked about."""

    def __init__(self, *, proba: Any = None, embedding: Any = None, draws: Any = None) -> None:
        self.proba, self.embedding, self.draws = proba, embedding, draws

    def predict_proba(self, dataset: Any, dropout_sampling: int = 1) -> Any:
        return np.array((self.proba if dropout_sampling == 1 else self.draws)[dataset])

    def embed(self, dataset: Any, return_proba: bool = False, pbar: Any = None) -> Any:
        embedding = np.array(self.embedding[dataset])
        if not return_proba:
            return embedding
        return embedding, None if self.proba is None else np.array(self.proba[dataset])


def _query(strategy: Any, model: Given, n: int, batch: int, seed: int, labelled: int = 0) -> Any:
    pool, seen = np.arange(n), np.arange(n, n + labelled)
    with global_seed(seed):
        return strategy.query(model, np.arange(n + labelled), pool, seen, np.zeros(labelled, int), n=batch)


def _in_order(strategy: Any, model: Given, n: int, batch: int, seed: int, labelled: int = 0) -> Any:
    """A whole pool comes in the order of its rows: all but one are asked for, and the last one follows."""
    if batch < n or n == 1:
        return _query(strategy, model, n, batch, seed, labelled)
    picks = _query(strategy, model, n, n - 1, seed, labelled)
    return np.concatenate([picks, np.setdiff1d(np.arange(n), picks)])


def _confidence(*, batch: int, seed: int, proba: Any, kind: Any) -> Any:
    strategy = kind()
    picks = _query(strategy, Given(proba=proba), len(proba), batch, seed)
    sign = -1.0 if strategy.lower_is_better else 1.0
    return by_score(picks, sign * np.asarray(strategy.scores_)[picks])


def _bald(*, batch: int, seed: int, draws: Any) -> Any:
    count = draws.shape[1]
    return _query(BALD(dropout_samples=count), Given(draws=draws), len(draws), batch, seed)


def _badge(*, batch: int, seed: int, proba: Any, embedding: Any) -> Any:
    return _in_order(BADGE(proba.shape[1]), Given(proba=proba, embedding=embedding), len(proba), batch, seed)


def _coreset(*, batch: int, seed: int, embedding: Any, labelled: Mapping[str, Any], labels: Any) -> Any:
    points = np.concatenate([embedding, labelled["embedding"]])
    strategy = GreedyCoreset(distance_metric="euclidean", normalize=False)
    return _in_order(strategy, Given(embedding=points), len(embedding), batch, seed, len(labels))


def _random(*, batch: int, seed: int, embedding: Any) -> Any:
    return _query(RandomSampling(), Given(embedding=embedding), len(embedding), batch, seed)


def methods() -> list[Held]:
    return [
        *(
            Held(kind.__name__, partial(_confidence, kind=kind), definition_of(name))
            for kind, name in (
                (BreakingTies, "margin"),
                (PredictionEntropy, "entropy"),
                (LeastConfidence, "least_confident"),
            )
        ),
        Held(
            "BALD",
            _bald,
            single_picks("bald"),
            "Single picks alone: a batch comes in no order, its scores are not kept.",
        ),
        Held("RandomSampling", _random, definition_of("random")),
        Held(
            "BADGE",
            _badge,
            badge("uniform"),
            "Held against the form whose first pick is uniform, as scikit-learn's `kmeans_plusplus` begins.",
        ),
        Held(
            'GreedyCoreset("euclidean", normalize=False)',
            _coreset,
            with_labels("coreset"),
            "Asked with labelled rows alone: it begins after a first labelled batch, by its documentation.",
        ),
    ]
