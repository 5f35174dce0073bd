"""BADGE's selection against the plain factored form, and at a million items."""

import tracemalloc

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Floats, rectified_mixture, residual_of, tight_clusters
from benchmarks.measure import Row, cpu_seconds, median, shown
from nextlabel import select
from nextlabel.maths.seeding import outer_product_seeds


def plain(residual: Floats, embedding: Floats, batch: int, seed: int) -> NDArray[np.int64]:
    """k-means++ on the two factors as one writes it in NumPy: one pass over the pool for every pick."""
    rng = np.random.default_rng(seed)
    square = (residual**2).sum(1) * (embedding**2).sum(1)
    centre = int(square.argmax())
    picks, nearest = [centre], np.full(len(square), np.inf, np.float32)
    for _ in range(batch - 1):
        distance = (
            square + square[centre] - 2.0 * (residual @ residual[centre]) * (embedding @ embedding[centre])
        )
        nearest = np.minimum(nearest, np.maximum(distance, 0.0))
        nearest[centre] = 0.0
        cumulated = np.cumsum(nearest, dtype=np.float64)
        centre = int(np.searchsorted(cumulated, rng.random() * cumulated[-1], side="right"))
        picks.append(centre)
    return np.array(picks)


def seeds(residual: Floats, embedding: Floats, seed: int) -> None:
    outer_product_seeds(residual, embedding, 1_000, rng=np.random.default_rng(seed))


def rows() -> list[Row]:
    return [*fifty_thousand(), clusters(), million()]


def fifty_thousand() -> list[Row]:
    proba, embedding = rectified_mixture(50_000)
    residual = residual_of(proba)
    ours = median(cpu_seconds(lambda: seeds(residual, embedding, 0), 15))
    slow = median(cpu_seconds(lambda: plain(residual, embedding, 1_000, 0), 2))
    whole = median(
        cpu_seconds(lambda: select("badge", proba=proba, embedding=embedding, batch=1_000, seed=0), 15)
    )
    size = "n = 50,000, K = 10, d = 512, b = 1,000"
    return [
        Row(
            f"BADGE's seeding on residual and embedding, {size}",
            shown(ours),
            shown(slow),
            f"{slow / ours:.0f} times",
            "400 times; 40 ms after warm-up",
            slow / ours >= 400 and ours <= 0.040,
        ),
        Row(
            f'`select("badge", proba, embedding)` end to end, {size}',
            shown(whole),
            "",
            f"{whole / ours:.2f} times the seeding",
            "at most 3 times the seeding",
            whole <= 3 * ours,
        ),
    ]


def clusters() -> Row:
    residual, embedding = tight_clusters(50_000)
    ours = median(cpu_seconds(lambda: seeds(residual, embedding, 0), 9))
    slow = median(cpu_seconds(lambda: plain(residual, embedding, 1_000, 0), 5))
    return Row(
        "BADGE's seeding, 300 tight clusters, n = 50,000, K = 10, d = 8, b = 1,000",
        shown(ours),
        shown(slow),
        f"{slow / ours:.1f} times",
        "5 times",
        slow / ours >= 5,
    )


def million() -> Row:
    proba, embedding = rectified_mixture(1_000_000)
    residual = residual_of(proba)
    n, classes = residual.shape
    ours = median(cpu_seconds(lambda: seeds(residual, embedding, 0), 5))
    tracemalloc.start()
    seeds(residual, embedding, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    allowed = 8 * n * (classes + 4)
    return Row(
        "BADGE's seeding, n = 1,000,000, K = 10, d = 512, b = 1,000",
        f"{shown(ours)}, {peak / 1e6:.0f} MB beside the inputs",
        "",
        f"{peak / n:.0f} bytes an item",
        f"under 0.5 s; memory O(n(K + 4)), that is {allowed / 1e6:.0f} MB in float64",
        ours < 0.5 and peak <= allowed,
    )
