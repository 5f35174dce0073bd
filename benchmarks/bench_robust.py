"""Robust core-set against greedy k-centre: a mixture with 2 % outliers, 1 % of the items left out."""

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Row, shown
from nextlabel.maths.centres import greedy_centres
from nextlabel.maths.covering import Covering, covering_centres
from nextlabel.maths.distances import squared_distances_to

CLUSTERS, OUTLIERS, SHARE, LIMIT = 20, 0.02, 0.01, 60.0
T = TypeVar("T")


def rows() -> list[Row]:
    return [_row(500, 10, is_small=True), _row(2_000, 20, is_small=False)]


def mixture(n: int, features: int = 2) -> NDArray[np.float64]:
    """Normal clusters whose means lie about 5 apart, and a few items drawn uniformly from a wide box."""
    draw = np.random.default_rng(0)
    far = round(OUTLIERS * n)
    middles = 5.0 * draw.standard_normal((CLUSTERS, features))
    clustered = middles[draw.integers(CLUSTERS, size=n - far)] + draw.standard_normal((n - far, features))
    return np.concatenate([clustered, draw.uniform(-50.0, 50.0, size=(far, features))])


def _row(n: int, batch: int, *, is_small: bool) -> Row:
    points = mixture(n)
    out = int(SHARE * n)
    rng = np.random.default_rng(0)
    greedy, plain = _timed(lambda: greedy_centres(points, batch, rng=rng)[0])
    found, ours = _timed(lambda: covering_centres(points, batch, outliers=out, seconds=LIMIT, rng=rng))
    ratio = _radius(points, found.positions, out) / _radius(points, greedy, out)
    promise = "0.9 of greedy's radius" if not is_small else "proven the smallest, 0.9 of greedy's radius"
    kept = ratio <= 0.9 and (found.is_proven or not is_small)
    what = f"robust core-set, n = {n:,}, b = {batch}, {out} outliers left out, at most {LIMIT:.0f} s"
    return Row(what, shown(ours), shown(plain), f"{ratio:.2f} of the radius, {_says(found)}", promise, kept)


def _says(found: Covering) -> str:
    return f"gap {found.gap:.1%}" + (" (proven)" if found.is_proven else "")


def _radius(points: NDArray[np.float64], chosen: NDArray[np.int64], out: int) -> float:
    near = np.sqrt(np.min([squared_distances_to(points, points[one]) for one in chosen], axis=0))
    return float(np.sort(near)[len(points) - 1 - out])


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    before = time.process_time()
    result = call()
    return result, time.process_time() - before
