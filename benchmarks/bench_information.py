"""BALD from draws to scores, and BatchBALD lazy against evaluating every candidate at every step."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import dropout_draws, random_draws
from benchmarks.measure import Row, cpu_seconds, median, shown
from nextlabel.core.signals import Signals
from nextlabel.maths.joint import every_configuration, information_gain
from nextlabel.strategies.bald import BALD
from nextlabel.strategies.batch_bald import batch_bald

Floats = NDArray[np.floating]


def rows() -> list[Row]:
    return [bald_row(), batch_bald_row(), exhausted_batch_bald_row()]


def bald_row() -> Row:
    """From draws to scores with all checks, against four lines of NumPy over the whole array."""
    draws = random_draws(50_000, 20, 10)
    rng = np.random.default_rng(0)

    def ours() -> Floats:
        return BALD().score(Signals({"draws": draws}), rng)

    off = np.abs(ours() - plain_bald(draws)).max()
    if off > 1e-6:
        raise AssertionError(f"the scores differ by {off:g} nats")
    # in turn, several times: a busy neighbour slows both
    pairs = [(cpu_seconds(ours, 1)[0], cpu_seconds(lambda: plain_bald(draws), 1)[0]) for _ in range(11)]
    fast, plain = (median([pair[which] for pair in pairs]) for which in (0, 1))
    return Row(
        what="BALD, draws to scores, n = 50,000, T = 20, K = 10",
        ours=shown(fast),
        plain=shown(plain),
        ratio=f"{plain / fast:.3g} times",
        promise="2 times the plain NumPy form, same scores to 1e-6",
        kept=plain / fast >= 2.0,
    )


def batch_bald_row() -> Row:
    """Monte-Carlo dropout in front of the last layer."""
    return lazy_row(
        "BatchBALD exact, n = 1,000, T = 20, K = 10, b = 5",
        dropout_draws(1_000, 20, 10),
        "15 times the full evaluation, same sequence",
        15.0,
    )


def exhausted_batch_bald_row() -> Row:
    """Draws in such contradiction that three labels tell nearly all: every bound is loose."""
    return lazy_row(
        "BatchBALD exact, the same, draws exhausted by three labels",
        random_draws(1_000, 20, 10),
        "same sequence, no slower",
        1.0,
    )


def lazy_row(what: str, draws: Floats, promise: str, least: float) -> Row:
    """Lazy greedy against the evaluation of every candidate at every step, with the same joint code."""

    def ours() -> NDArray[np.int64]:
        return batch_bald(draws, 5, rng=np.random.default_rng(0))

    if ours().tolist() != full_batch_bald(draws, 5):
        raise AssertionError("the lazy and the full evaluation pick differently")
    fast = median(cpu_seconds(ours, 11))
    plain = median(cpu_seconds(lambda: full_batch_bald(draws, 5), 3))
    return Row(what, shown(fast), shown(plain), f"{plain / fast:.3g} times", promise, plain / fast >= least)


def plain_bald(draws: Floats) -> Floats:
    mean = draws.mean(axis=1)
    entropy = -np.sum(mean * np.log(np.maximum(mean, 1e-30)), axis=-1)
    expected = -np.sum(draws * np.log(np.maximum(draws, 1e-30)), axis=-1).mean(axis=-1)
    return entropy - expected


def full_batch_bald(draws: Floats, batch: int) -> list[int]:
    picked: list[int] = []
    for _ in range(batch):
        gains = information_gain(draws, every_configuration(draws[picked]))
        gains[picked] = -np.inf
        picked.append(int(gains.argmax()))
    return picked
