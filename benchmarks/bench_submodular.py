"""Facility location: lazy greedy in blocks against naive greedy on the whole matrix of similarities."""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.data import Floats, rectified_mixture
from benchmarks.measure import Row, cpu_seconds, median, shown
from nextlabel.maths.axes import Positions
from nextlabel.strategies.submodular import submodular

FEATURES, BATCH = 64, 200
SMALL, LARGE = 2_000, 20_000
MOST_BYTES = 1e9


def rows() -> list[Row]:
    return [_against_naive(), _memory()]


def _against_naive() -> Row:
    points = rectified_mixture(SMALL, features=FEATURES)[1]
    seconds = median(cpu_seconds(lambda: _lazy(points), repeats=3))
    before = time.process_time()
    expected = _naive(points)
    plain = time.process_time() - before
    is_equal = bool((_lazy(points) == expected).all())
    return Row(
        f"facility location, n = {SMALL:,}, d = {FEATURES}, b = {BATCH}: lazy against naive greedy",
        shown(seconds),
        shown(plain),
        f"{plain / seconds:.0f} times",
        "the same sequence",
        is_equal,
    )


def _memory() -> Row:
    """In a process of its own, so that no other benchmark's peak is read."""
    command = [sys.executable, "-m", "benchmarks.bench_submodular"]
    done = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    matrix = 8.0 * LARGE**2
    return Row(
        f"facility location, n = {LARGE:,}, d = {FEATURES}, b = {BATCH}, lazy: peak memory of the process",
        f"{done['bytes'] / 1e6:.0f} MB; {shown(done['seconds'])}",
        f"{matrix / 1e9:.1f} GB for the matrix alone",
        f"{matrix / done['bytes']:.0f} times",
        "below 1 GB",
        done["bytes"] < MOST_BYTES,
    )


def _lazy(points: Floats) -> Positions:
    return submodular(points, BATCH, rng=np.random.default_rng(0))


def _naive(points: Floats) -> Positions:
    """The definition: all gains anew for every pick.

    Ties are real: two items that are near each other alone gain the same. One permutation breaks them.
    """
    units = points.astype(np.float64)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    similarity = np.maximum(units @ units.T, 0.0)
    held, rank = np.zeros(len(points)), np.random.default_rng(0).permutation(len(points))
    picks: list[int] = []
    for _ in range(BATCH):
        gains = np.maximum(similarity - held, 0.0).sum(axis=1)
        gains[picks] = -np.inf
        tied = np.flatnonzero(gains >= gains.max() - 1e-10)
        picks.append(int(tied[rank[tied].argmin()]))
        held = np.maximum(held, similarity[picks[-1]])
    return np.array(picks)


def _measured() -> dict[str, float]:
    points = rectified_mixture(LARGE, features=FEATURES)[1]
    before = time.process_time()
    _lazy(points)
    return {"seconds": time.process_time() - before, "bytes": _peak()}


def _peak() -> float:
    """Bytes; of this program alone where the system says so, since a child begins with its parent's peak."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return 1024.0 * int(line.split()[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


if __name__ == "__main__":
    print(json.dumps(_measured()))
