"""Run in the environment `speed`: two methods of nextlabel and of scikit-activeml in turn, as JSON."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from skactiveml.pool import ProbCover, TypiClust

import nextlabel
from benchmarks.data import Floats, rectified_mixture
from benchmarks.measure import median
from nextlabel.maths.clustering import k_means
from nextlabel.maths.coverage import covered_by, pure_radius

N, FEATURES, BATCH = 10_000, 64, 100


def figures() -> dict[str, Any]:
    points = rectified_mixture(N, features=FEATURES)[1]
    unlabelled = np.full(N, np.nan)
    labels = k_means(points, 10, rng=np.random.default_rng(0))
    radius = pure_radius(points, labels)

    def covering() -> Any:
        strategy = {"name": "probcover", "radius": radius}
        return nextlabel.select(strategy, embedding=points, batch=BATCH, seed=0)

    def their_covering() -> Any:
        return ProbCover(deltas=[radius], random_state=0).query(points, unlabelled, batch_size=BATCH)

    def typical() -> Any:
        return nextlabel.select("typiclust", embedding=points, batch=BATCH, seed=0)

    def their_typical() -> Any:
        return TypiClust(random_state=0).query(points, unlabelled, batch_size=BATCH)

    typical(), their_typical()  # compiled and loaded before anything is measured
    covering()
    picks, seconds = _in_turn(covering, their_covering, repeats=1)
    others, typical_seconds = _in_turn(typical, their_typical, repeats=3)
    return {
        "radius": radius,
        "probcover": seconds,
        "typiclust": typical_seconds,
        "covered": [_covered(points, one, radius) for one in picks],
        "spread": [_spread(points, one) for one in others],
    }


def _in_turn(*calls: Callable[[], Any], repeats: int) -> tuple[list[Any], list[float]]:
    """The last answer of each, and the median of its CPU seconds; called in turn."""
    answers: list[Any] = [None] * len(calls)
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for which, call in enumerate(calls):
            before = time.process_time()
            answers[which] = call()
            seconds[which].append(time.process_time() - before)
    return answers, [median(one) for one in seconds]


def _covered(points: Floats, picks: Any, radius: float) -> int:
    return int(covered_by(points, points[np.asarray(picks)], radius).sum())


def _spread(points: Floats, picks: Any) -> float:
    """The mean distance of an item to the nearest pick."""
    chosen = points[np.asarray(picks)].astype(np.float64)
    squares = (points.astype(np.float64) ** 2).sum(1)[:, None] - 2.0 * points @ chosen.T + (chosen**2).sum(1)
    return float(np.sqrt(np.maximum(squares.min(axis=1), 0.0)).mean())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(figures()), encoding="utf-8")
