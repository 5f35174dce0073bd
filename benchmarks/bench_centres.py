"""Exact greedy k-centre against a pass over the pool for every pick."""

import time
from collections.abc import Callable

import numpy as np

from benchmarks.data import Floats, rectified_mixture
from benchmarks.measure import Row, cpu_seconds, median, shown
from nextlabel.maths.axes import Positions
from nextlabel.maths.centres import greedy_centres
from nextlabel.maths.distances import LANES
from nextlabel.maths.kernels.centres import squared
from nextlabel.maths.kernels.compiler import compiled

N, BATCH, GIVEN = 50_000, 1_000, 10


def rows() -> list[Row]:
    points = rectified_mixture(N)[1]
    points.flags.writeable = False
    centres = points[:GIVEN]

    def ours() -> Positions:
        return greedy_centres(points, BATCH, centres=centres, rng=np.random.default_rng(0))[0]

    lazy = median(cpu_seconds(ours, repeats=5))
    _twin(points[:50], 2, centres, np.arange(50))  # compiled before it is measured
    order = np.random.default_rng(0).permutation(N)
    sequence, twin = _timed(lambda: _twin(points, BATCH, centres, order))
    _, product = _timed(lambda: _matrix_vector(points, BATCH, centres))
    is_equal = bool((ours() == sequence).all())
    what = f"k-centre, n = {N:,}, d = 512, b = {BATCH:,}"
    return [
        Row(
            f"{what}: against a matrix-vector product for every pick",
            shown(lazy),
            shown(product),
            f"{product / lazy:.0f} times",
            "10 times",
            product / lazy >= 10.0,
        ),
        Row(
            f"{what}: against the same row kernel over all rows for every pick",
            shown(lazy),
            shown(twin),
            f"{twin / lazy:.0f} times",
            "4 times, the same sequence",
            twin / lazy >= 4.0 and is_equal,
        ),
    ]


def _timed(call: Callable[[], Positions]) -> tuple[Positions, float]:
    """One run and its CPU seconds: enough for forms that take that many."""
    before = time.process_time()
    result = call()
    return result, time.process_time() - before


@compiled
def _twin(points, batch, centres, order):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """For every centre the row kernel over all rows, then the first of the farthest in the permutation."""
    n, lanes = len(points), np.empty(LANES)
    nearest = np.full(n, np.inf)
    positions = np.empty(batch, np.int64)
    for k in range(len(centres) + batch):
        if k < len(centres):
            centre = centres[k]
        else:
            pick = order[0]
            for i in order[1:]:
                if nearest[i] > nearest[pick]:
                    pick = i
            positions[k - len(centres)] = pick
            nearest[pick] = -1.0
            centre = points[pick]
        for i in range(n):
            nearest[i] = min(nearest[i], squared(points[i], centre, lanes))
    return positions


def _matrix_vector(points: Floats, batch: int, centres: Floats) -> Positions:
    """The usual NumPy form: the expansion of a square, with one matrix-vector product for every centre."""
    norms = np.einsum("nd,nd->n", points, points)
    nearest = np.full(len(points), np.inf, np.float32)
    picks: list[int] = []

    def meet(centre: Floats) -> None:
        np.minimum(nearest, norms - 2.0 * (points @ centre) + centre @ centre, out=nearest)

    for centre in centres:
        meet(centre)
    for _ in range(batch):
        picks.append(int(nearest.argmax()))
        meet(points[picks[-1]])
        nearest[picks[-1]] = -1.0
    return np.array(picks)
