"""A newcomer first: `make demo` in a fresh clone, again, and the whole suite. Wall seconds, two cores."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Row, shown

HERE = Path(__file__).parent.parent
FIRST, AGAIN, SUITE = 240.0, 120.0, 720.0


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "nextlabel"
        subprocess.run(["git", "clone", "--quiet", str(HERE), str(clone)], check=True)
        first, again = seconds("demo", clone), seconds("demo", clone)
        seconds(".venv/dev", clone)
        suite = seconds("test", clone)
    return [
        row("`make demo` in a fresh clone, installation included", first, FIRST),
        row("`make demo` again", again, AGAIN),
        row("`make test`, once installed", suite, SUITE),
    ]


def seconds(target: str, clone: Path) -> float:
    """Wall seconds of a make target in the clone, with as many threads as a user's shell would give it."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    environment["NUMBA_CACHE_DIR"] = str(clone / ".numba")  # nothing compiled before
    before = time.perf_counter()
    subprocess.run(["make", target], cwd=clone, env=environment, check=True, capture_output=True)
    return time.perf_counter() - before


def row(what: str, taken: float, limit: float) -> Row:
    return Row(what, shown(taken), "", "", f"{limit:g} s, two cores", taken <= limit)
