"""Twenty perceptrons trained together against one after the other: 256 labels, batches of 64, 3 epochs."""

import numpy as np
import torch

from benchmarks.measure import Row, cpu_seconds, median, shown
from nextlabel import arrays, classes
from nextlabel.core.learner import Fit, Model
from nextlabel.core.rng import generator
from nextlabel.core.task import Task
from nextlabel.learners.torch import TorchLearner
from nextlabel.learners.training import AdamTraining
from nextlabel.readers.arrays import ArrayPool

REPLICATES, LABELS, TESTED = 20, 256, 2_000
TRAINING = {"epochs": 3, "runs_all_epochs": True}
SIZES = ((64, 64, 10, 3.0), (16, 256, 26, 0.0), (784, 128, 10, 0.0))  # only the first has a promise


def rows() -> list[Row]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [row(*size) for size in SIZES]
    finally:
        torch.set_num_threads(before)


def row(features: int, hidden: int, answers: int, promise: float) -> Row:
    pool, labels, task = blobs(features, answers)
    network = {"name": "mlp", "hidden": [hidden]}
    together = TorchLearner(network, train={"name": "adam", **TRAINING}, device="cpu")
    # an object is not recognised, and trained by the plain routine
    apart = TorchLearner(network, train=AdamTraining(epochs=3, runs_all_epochs=True), device="cpu")

    def fits() -> list[Fit]:
        return [
            Fit(
                where := generator(number).permutation(2_000)[:LABELS],
                labels[where],
                where[:0],
                generator(number),
            )
            for number in range(REPLICATES)
        ]

    def stacked() -> list[Model]:
        return together.fit_many(pool, fits(), task=task)

    def plain() -> list[Model]:
        return apart.fit_many(pool, fits(), task=task)

    agree = agreement(pool, stacked(), plain())
    ours, slow = [], []
    for _ in range(9):  # in turn, so that both meet the same load
        ours.append(median(cpu_seconds(stacked, 1)))
        slow.append(median(cpu_seconds(plain, 1)))
    ratio = median(slow) / median(ours)
    return Row(
        f"{REPLICATES} perceptrons {features}-{hidden}-{answers} trained together, {LABELS} labels, 3 epochs",
        f"{shown(median(ours))}; the same class for {agree:.2%} of {TESTED:,} items",
        shown(median(slow)),
        f"{ratio:.1f} times",
        f"{promise:g} times, the same predictions" if promise else "the same predictions",
        ratio >= promise and agree == 1.0,
    )


def blobs(features: int, answers: int) -> tuple[ArrayPool, np.ndarray[tuple[int], np.dtype[np.int64]], Task]:
    rng = np.random.default_rng(0)
    labels = rng.integers(answers, size=2_000 + TESTED)
    items = rng.normal(size=(answers, features))[labels] + rng.normal(size=(len(labels), features))
    return arrays(items.astype(np.float32)), labels, classes(*map(str, range(answers)))


def agreement(pool: ArrayPool, some: list[Model], others: list[Model]) -> float:
    tested = np.arange(2_000, 2_000 + TESTED)
    same = []
    for one, other in zip(some, others, strict=True):
        found, expected = (
            model.signals(pool, tested, {"logits"}, generator(0))["logits"].argmax(1)
            for model in (one, other)
        )
        same.append(float((found == expected).mean()))
    return min(same)
