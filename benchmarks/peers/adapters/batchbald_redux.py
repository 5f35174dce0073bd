"""batchbald-redux: batches from the logarithms of the draws' probabilities, axes (n, m, c)."""

import gc
from typing import Any

import numpy as np
import torch
from batchbald_redux.batchbald import get_bald_batch, get_batchbald_batch

from benchmarks.peers.held import Held
from nextlabel.testing.conformance import definition_of

PACKAGE = "batchbald-redux"
_EXACT = 10_000  # joint labels enumerated, not sampled, up to this many

NOTE = (
    "Without torchvision, which `batchbald_redux.repeated_mnist` alone imports. It takes logarithms of "
    "probabilities: that of 0 is minus infinity."
)


def _logarithms(draws: Any) -> Any:
    with np.errstate(divide="ignore"):
        return torch.from_numpy(np.log(draws))


def _seeded(seed: int, call: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return call().indices


def _bald(*, batch: int, seed: int, draws: Any) -> Any:
    return _seeded(seed, lambda: get_bald_batch(_logarithms(draws), batch))


def _batch_bald(*, batch: int, seed: int, draws: Any) -> Any:
    return _seeded(
        seed, lambda: get_batchbald_batch(_logarithms(draws), batch, num_samples=_EXACT, dtype=torch.double)
    )


def methods() -> list[Held]:
    gc.freeze()  # toma collects in every call; what is loaded by now need not be looked at again
    return [
        Held("get_bald_batch", _bald, definition_of("bald")),
        Held(
            f"get_batchbald_batch(num_samples={_EXACT})",
            _batch_bald,
            definition_of("batch_bald"),
            "So many that joint entropies are exact, not sampled.",
        ),
    ]
