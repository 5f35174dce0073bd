"""The whole ladder, as ``nextlabel leakage audit`` climbs it: the deep-leakage network, one crop at a time.

Crops of the two photographs bundled with scikit-learn, a network with weights of its own for each seed, the
label unknown, float32 gradients. The mean squared error is scored after the audit, with the truth; no attack
is given it. Costs about six CPU minutes.
"""

import statistics
import time
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images

from benchmarks.measure import Row, shown
from nextlabel.core.rng import generator
from nextlabel.leakage.auditing import audit
from nextlabel.leakage.networks import deep_leakage
from nextlabel.maths.intervals import binomial_interval

SEEDS = 50
PRUNED_SEEDS = 10
CLASSES = 100
LIMIT = 1e-3
SECONDS = 30.0


def rows() -> list[Row]:
    torch.set_num_threads(1)
    made = []
    for side, least, seconds in ((16, 49, None), (32, 45, 10.0)):
        found = [audited(side, seed) for seed in range(SEEDS)]
        errors = [one[0] for one in found]
        spent = statistics.median(one[1] for one in found)
        good = sum(error < LIMIT for error in errors)
        tiny = sum(error < 1e-6 for error in errors)
        within = "" if seconds is None else f", median under {seconds:g} s"
        made.append(
            Row(
                what=f"whole ladder, deep-leakage network, sigmoid, {side} × {side}, batch 1, label unknown, "
                f"{SEEDS} seeds: mean squared error < 1e-3",
                ours=f"{counted(good, SEEDS)}; {tiny} below 1e-6; median {shown(spent)}",
                plain="–",
                ratio="–",
                promise=f"at least {least} of {SEEDS}{within}",
                kept=good >= least and (seconds is None or spent < seconds),
            )
        )
    made.append(pruned())
    return made


def pruned() -> Row:
    """Pruning by 30 %: how many miss the limit of error, and of these how many are still recognisable."""
    found = [audited(16, seed, defences=("prune:30%",)) for seed in range(PRUNED_SEEDS)]
    missed = [verdict for error, _, verdict in found if error >= LIMIT]
    seen = sum(verdict in ("EXACT", "RECOGNISABLE") for verdict in missed)
    return Row(
        what=f"the same at 16 × 16 with 30 % pruned, {PRUNED_SEEDS} seeds: of those with an error of 1e-3 or "
        "more, how many are recognisable all the same",
        ours=f"{seen} of {len(missed)}",
        plain="–",
        ratio="–",
        promise="none",
        kept=None,
    )


def audited(side: int, seed: int, **more: Any) -> tuple[float, float, str]:
    """The mean squared error of the nearest that came back, the CPU seconds, the verdict."""
    rng = generator(seed, side)
    item = crop(rng, side)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = deep_leakage(item.shape, CLASSES).eval()
    label = rng.integers(CLASSES, size=1)
    before = time.process_time()
    report = audit(network, item[None], label, seconds=SECONDS, seed=seed, controls=False, **more)
    spent = time.process_time() - before
    score = report.standings[0].score
    error = float("inf") if score is None or score.mse is None else score.mse
    return error, spent, report.verdict


def counted(count: int, of: int) -> str:
    interval = binomial_interval(count, of)
    return f"{count} of {of} ({np.floor(1000 * interval.low) / 10:.1f} to {100 * interval.high:.1f} %)"


def crop(rng: np.random.Generator, side: int) -> NDArray[np.float32]:
    """A square of a photograph, four by four pixels averaged, axes (side, side, 3), from 0 to 1."""
    image = photographs()[rng.integers(2)]
    row, column = (int(rng.integers(size - 4 * side)) for size in image.shape[:2])
    square = image[row : row + 4 * side, column : column + 4 * side]
    averaged: NDArray[np.float32] = square.reshape(side, 4, side, 4, 3).mean((1, 3), dtype=np.float32)
    return averaged


@cache
def photographs() -> list[NDArray[np.float32]]:
    return [np.asarray(image, np.float32) / np.float32(255) for image in load_sample_images().images]
