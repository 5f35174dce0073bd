"""How long a newcomer waits: the import, the help, and the first selection ever. Wall seconds, medians."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Row, shown

REPEATS = 7
IMPORT, HELP, FIRST, SECOND = 0.2, 0.4, 12.0, 1.0
ITEMS, CLASSES, FEATURES, BATCH = 20_000, 10, 128, 100  # enough for the compiled kernel

SELECT = f"""
import time
import numpy as np
rng = np.random.default_rng(0)
weights = rng.random(({ITEMS}, {CLASSES}), np.float32)
proba = weights / weights.sum(axis=1, keepdims=True)
embedding = rng.random(({ITEMS}, {FEATURES}), np.float32)
before = time.perf_counter()
from nextlabel import select
select("badge", proba=proba, embedding=embedding, batch={BATCH}, seed=0)
print(time.perf_counter() - before)
"""


def rows() -> list[Row]:
    nothing = seconds_of([sys.executable, "-c", "pass"])
    imported = seconds_of([sys.executable, "-c", "import nextlabel"]) - nothing
    helped = seconds_of([sys.executable, "-m", "nextlabel", "--help"])
    with tempfile.TemporaryDirectory() as folder:
        cache = {"NUMBA_CACHE_DIR": folder}
        first, said = selecting(cache)
        second = statistics.median(selecting(cache)[0] for _ in range(REPEATS))
        compiled = any(Path(folder).rglob("*.nbi"))
    announced = "nextlabel: compiling" in said
    what = f'`select("badge")` of {BATCH} from {ITEMS:,}, import included'
    return [
        row("`import nextlabel`, beside the interpreter's own start", imported, IMPORT),
        row("`nextlabel --help`", helped, HELP),
        row(f"{what}, the first ever", first, FIRST, ", with a message", compiled and announced),
        row(f"{what}, in a second process", second, SECOND),
    ]


def row(what: str, seconds: float, limit: float, words: str = "", kept: bool = True) -> Row:
    return Row(what, shown(seconds), "", "", f"{limit:g} s{words}", kept and seconds <= limit)


def seconds_of(command: list[str]) -> float:
    """Wall seconds of a fresh process: the median of several, after one that warms the disk."""
    seconds = []
    for _ in range(REPEATS + 1):
        before = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - before)
    return statistics.median(seconds[1:])


def selecting(environment: dict[str, str]) -> tuple[float, str]:
    """Wall seconds of a selection in a fresh process, and what it said on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", SELECT],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout), done.stderr
