"""baal: heuristics on arrays of predictions, axes (n, c) or (n, c, m)."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from baal.active import heuristics
from baal.active.heuristics.stochastics import PowerSampling

from benchmarks.peers.held import Held, global_seed, proportional, single_picks
from nextlabel.testing.conformance import definition_of
from nextlabel.testing.laws import Question, Weights

PACKAGE = "baal"

NOTE = (
    "Except for Random it has no argument for a seed: the adapter seeds the global generators of NumPy and "
    "torch for the call and puts them back."
)


def _ranked(made: Callable[..., Any], predictions: Any, batch: int, seed: int) -> Any:
    with global_seed(seed), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return np.asarray(made(batch, seed).get_ranks(predictions)[0])[:batch]


def _proba(*, batch: int, seed: int, proba: Any, made: Callable[..., Any]) -> Any:
    return _ranked(made, np.array(proba), batch, seed)


def _draws(*, batch: int, seed: int, draws: Any, made: Callable[..., Any]) -> Any:
    return _ranked(made, np.array(np.asarray(draws).transpose(0, 2, 1)), batch, seed)


def _any(*, batch: int, seed: int, embedding: Any, made: Callable[..., Any]) -> Any:
    return _ranked(made, np.array(embedding), batch, seed)


def _entropy(question: Question) -> Weights:
    proba = np.asarray(question.signals["proba"], np.float64)
    total: Weights = -(proba * np.log(np.where(proba > 0.0, proba, 1.0))).sum(axis=1)
    return total


def methods() -> list[Held]:
    scores = (
        ("Margin", "margin", _proba),
        ("Entropy", "entropy", _proba),
        ("Certainty", "least_confident", _proba),
        ("BALD", "bald", _draws),
    )
    return [
        *(
            Held(
                cls,
                partial(ask, made=lambda batch, seed, cls=cls: getattr(heuristics, cls)()),
                definition_of(name),
            )
            for cls, name, ask in scores
        ),
        Held(
            "Random(seed=...)",
            partial(_any, made=lambda batch, seed: heuristics.Random(seed=seed)),
            definition_of("random"),
        ),
        Held(
            "PowerSampling(Entropy())",
            partial(_proba, made=lambda batch, seed: PowerSampling(heuristics.Entropy(), query_size=batch)),
            proportional("stochastic", _entropy),
            "The definition of `stochastic`, with the entropy as the score.",
            documented={
                "zeros_and_ones": "where fewer items than are asked for have a score above zero, all are "
                "drawn from evenly, and a warning says so"
            },
        ),
        Held(
            "BatchBALD(num_samples=1, num_draw=500)",
            partial(_draws, made=lambda batch, seed: heuristics.BatchBALD(num_samples=batch, num_draw=500)),
            single_picks("batch_bald"),
            "Single picks alone: the order within its batches is not kept, by its documentation, and the "
            "joint entropy of several picks is estimated from draws.",
        ),
    ]
