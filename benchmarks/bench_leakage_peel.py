"""The recursive peel on the network of deep leakage from gradients: how often, how exactly, how fast.

Costs about six CPU minutes. Items are crops of the two photographs bundled with scikit-learn, at seeded
places; weights, label and place differ from seed to seed. The truth is compared with afterwards.
"""

import time
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images

from benchmarks.measure import Row, shown
from nextlabel.core.attack import Knowledge
from nextlabel.core.rng import generator
from nextlabel.leakage.attacks.recursive_peel import RecursivePeel
from nextlabel.leakage.messages import full
from nextlabel.leakage.networks import deep_leakage
from nextlabel.maths.intervals import binomial_interval

Items = NDArray[np.float32]
CLASSES = 100


@dataclass(frozen=True)
class Run:
    """One seed: the mean squared error, what the attack said, and what it took."""

    error: float
    outcome: str
    has_label: bool
    seconds: float


def rows() -> list[Row]:
    torch.set_num_threads(1)
    sigmoid = {side: runs("sigmoid", side, 50) for side in (16, 32)}
    others = {name: runs(name, 16, 20) for name in ("leaky_relu", "relu", "tanh", "softplus")}
    others["sigmoid, torch's own weights"] = runs("sigmoid", 16, 20, spread=None)
    others["relu, torch's own weights"] = runs("relu", 16, 20, spread=None)
    wide = {"drawn": runs("relu", 32, 20), "torch's own": runs("relu", 32, 20, spread=None)}
    every = [*sigmoid.values(), *others.values(), *wide.values()]
    return [
        small_row(sigmoid[16]),
        wide_row(sigmoid[32]),
        goal_row(sigmoid[32]),
        *(other_row(name, found) for name, found in others.items()),
        *(rectified_row(name, found) for name, found in wide.items()),
        honest_row([run for group in every for run in group]),
    ]


def small_row(found: list[Run]) -> Row:
    return Row(
        "recursive peel, sigmoid, 16×16, batch 1, label unknown, 50 seeds",
        f"{counted(found, 1e-3)} at MSE < 1e-3, {counted(found, 1e-6)} at < 1e-6; {typical(found)}",
        "-",
        "-",
        "49 of 50 at MSE < 1e-3",
        hits(found, 1e-3) >= 49,
    )


def wide_row(found: list[Run]) -> Row:
    return Row(
        "recursive peel, sigmoid, 32×32, batch 1, label unknown, 50 seeds",
        f"{counted(found, 1e-3)} at MSE < 1e-3; {typical(found)}",
        "-",
        "-",
        "45 of 50 at MSE < 1e-3, median under 10 s CPU",
        hits(found, 1e-3) >= 45 and median(run.seconds for run in found) < 10.0,
    )


def goal_row(found: list[Run]) -> Row:
    return Row(
        "the same, the goal",
        f"{counted(found, 1e-6)} at MSE < 1e-6; {typical(found)}",
        "-",
        "-",
        "99 % at MSE < 1e-6, median under 1 s CPU",
        hits(found, 1e-6) >= 0.99 * len(found) and median(run.seconds for run in found) < 1.0,
    )


def other_row(name: str, found: list[Run]) -> Row:
    return Row(
        f"recursive peel, {name.replace('_', ' ')}, 16×16, 20 seeds",
        f"{counted(found, 1e-3)} at MSE < 1e-3, {counted(found, 1e-6)} at < 1e-6; "
        f"{said(found)}; {typical(found)}",
        "-",
        "-",
        "label every time, no NaN",
        all(run.has_label and np.isfinite(run.error) for run in found),
    )


def rectified_row(name: str, found: list[Run]) -> Row:
    return Row(
        f"recursive peel, ReLU, 32×32, weights {name}, 20 seeds",
        f"{counted(found, 10**-2.5)} at PSNR 25; {said(found)}; {typical(found)}",
        "-",
        "-",
        "goal: 80 % at PSNR 25",
        hits(found, 10**-2.5) >= 0.8 * len(found),
    )


def honest_row(found: list[Run]) -> Row:
    wrong = sum(run.outcome == "recovered" and not run.error <= 1e-3 for run in found)
    return Row(
        f"recursive peel, all {len(found)} runs above: said to be recovered at MSE > 1e-3",
        f"{wrong} of {len(found)}",
        "-",
        "-",
        "none",
        wrong == 0,
    )


def runs(activation: str, side: int, seeds: int, spread: float | None = 0.5) -> list[Run]:
    return [_run(activation, side, seed, spread) for seed in range(seeds)]


def hits(found: list[Run], below: float) -> int:
    return sum(run.error < below for run in found)


def counted(found: list[Run], below: float) -> str:
    """How many runs, with the exact 95 % interval of the share."""
    k, n = hits(found, below), len(found)
    interval = binomial_interval(k, n)
    return f"{k} of {n} ({interval.low:.0%} to {interval.high:.0%})"


def typical(found: list[Run]) -> str:
    slowest = max(run.seconds for run in found)
    return f"median {shown(median(run.seconds for run in found))} CPU, slowest {shown(slowest)}"


def said(found: list[Run]) -> str:
    counts = {
        word: sum(run.outcome == word for run in found) for word in ("recovered", "unidentifiable", "failed")
    }
    return "said: " + ", ".join(f"{word} {count}" for word, count in counts.items() if count)


def _run(activation: str, side: int, seed: int, spread: float | None) -> Run:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = deep_leakage((3, side, side), CLASSES, activation=activation, spread=spread).eval()
    rng = generator(seed, side)
    item, label = _crop(rng, side), int(rng.integers(CLASSES))
    message = full(network, item[None], np.array([label]))
    knowledge = Knowledge(network, item.shape, CLASSES, is_image=True, bounds=(0.0, 1.0))
    before = time.process_time()
    found = RecursivePeel().recover(message, knowledge, generator(seed))
    seconds = time.process_time() - before
    error = float("nan") if found.items is None else float(((found.items[0] - item) ** 2).mean())
    has_label = found.labels is not None and found.labels.tolist() == [label]
    return Run(error, found.outcome, has_label, seconds)


def _crop(rng: np.random.Generator, side: int) -> Items:
    photographs = load_sample_images().images
    whole = photographs[int(rng.integers(len(photographs)))]
    top, left = (int(rng.integers(size - side + 1)) for size in whole.shape[:2])
    crop = whole[top : top + side, left : left + side].transpose(2, 0, 1)
    return np.ascontiguousarray(crop, dtype=np.float32) / 255.0
