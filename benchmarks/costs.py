"""What every strategy costs at 10⁴, 10⁵ and 10⁶ items: ``python -m benchmarks.costs [name ...]``.

Without names, all are measured and written: the page docs/reference/costs.md, and docs/reference/costs.json,
from which the page of each method takes its figures. A subprocess measures each cell, so that what fails
there, or takes all memory, is a word in the table.
"""

import json
import platform
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import random_draws, rectified_mixture
from benchmarks.measure import shown
from nextlabel.core.registry import REGISTRY
from nextlabel.core.signals import Signals, derivable, signal_kind
from nextlabel.core.strategy import Strategy
from nextlabel.testing.examples import example

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "costs.md"
KEPT = PAGE.with_suffix(".json")
SIZES = (10_000, 100_000, 1_000_000)
Arrays = dict[str, NDArray[np.floating]]
FEATURES, CLASSES, DRAWS, BATCH, LABELLED = 64, 10, 10, 100, 100
SECONDS, GIGABYTES, GIGABYTE = 60.0, 8.0, 1e9
BRIEF = 5.0  # so short a run is repeated: the first also loads kernels

# The exponents of n in time and memory that the docstrings state, where they are not 1.
EXPONENTS = {
    "cluster_margin": (1, 0),
    "dal": (0, 1),
    "probcover": (2, 2),
    "robust_coreset": (0, 0),
    "submodular": (2, 1),
}


@dataclass(frozen=True)
class Cell:
    """One strategy at one size: CPU seconds and peak memory, measured or estimated; why it was not run."""

    seconds: float
    gigabytes: float
    reason: str = ""

    def __str__(self) -> str:
        return f"not run: {self.reason}" if self.reason else shown(self.seconds)


def main(wanted: list[str]) -> int:
    table = {}
    for name in wanted or REGISTRY["strategy"]:
        table[name] = row(name)
        print(f"{name}: {'; '.join(str(cell) for cell in table[name])}", flush=True)
    if not wanted:
        PAGE.write_text(page(table), encoding="utf-8")
        kept = {
            "sizes": SIZES,
            "batch": BATCH,
            "measured": measured_on(),
            "rows": {
                name: [{**asdict(one), "text": str(one)} for one in cells] for name, cells in table.items()
            },
        }
        KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        print(f"wrote {PAGE.name} and {KEPT.name}")
    return 0


def row(name: str) -> list[Cell]:
    cells: list[Cell] = []
    for n in SIZES:
        cells.append(expected(name, n, cells[-1]) if cells else Cell(0.0, 0.0))
        if not cells[-1].reason:
            cells[-1] = measured(name, n, cells[-1])
    return cells


def expected(name: str, n: int, smaller: Cell) -> Cell:
    """The most to expect: the size before, and the growth that the docstring states."""
    larger = n / SIZES[SIZES.index(n) - 1]
    of_time, of_memory = EXPONENTS.get(name, (1, 1))
    seconds, gigabytes = larger**of_time * smaller.seconds, larger**of_memory * smaller.gigabytes
    if seconds > SECONDS:
        return Cell(seconds, gigabytes, f"up to {seconds:,.0f} s by its stated growth")
    if gigabytes > GIGABYTES:
        return Cell(seconds, gigabytes, f"up to {gigabytes:,.0f} GB by its stated growth")
    return Cell(seconds, gigabytes)


def measured(name: str, n: int, estimate: Cell) -> Cell:
    command = [sys.executable, "-m", "benchmarks.costs", "--cell", name, str(n)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3 * SECONDS)
    except subprocess.TimeoutExpired:
        return Cell(estimate.seconds, estimate.gigabytes, f"more than {SECONDS:.0f} s")
    if done.returncode:
        reason = "more than 8 GB" if "MemoryError" in done.stderr else done.stderr.splitlines()[-1]
        return Cell(estimate.seconds, estimate.gigabytes, reason)
    return Cell(**json.loads(done.stdout))


def cell(name: str, n: int) -> Cell:
    """One pick after a warm-up; memory is the peak of the process above that with the arrays at hand."""
    strategy: Strategy = example("strategy", name)
    once(strategy, arrays(strategy, 1_000), 2)
    given = arrays(strategy, n)
    before = peak()
    limit = int(before + GIGABYTES * GIGABYTE)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    seconds = once(strategy, given, BATCH)
    gigabytes = (peak() - before) / GIGABYTE
    return Cell(once(strategy, given, BATCH) if seconds < BRIEF else seconds, gigabytes)


def once(strategy: Strategy, given: Arrays, batch: int) -> float:
    """CPU seconds of a pick; signals are made anew, so that what must be derived is derived in it."""
    labelled = {name: array[:LABELLED] for name, array in given.items()}
    signals = Signals(
        {name: array[LABELLED:] for name, array in given.items()},
        labelled=Signals(labelled),
        labels=np.arange(LABELLED) % CLASSES,
    )
    before = time.process_time()
    strategy.pick(signals, batch, np.random.default_rng(0))
    return time.process_time() - before


def arrays(strategy: Strategy, n: int) -> Arrays:
    """What a model says of the labelled items and n others; draws and rarer signals where they are needed."""
    total = n + LABELLED
    given: Arrays = {}
    if strategy.needs & derivable({"proba", "embedding"}) or not strategy.needs:
        proba, embedding = rectified_mixture(total, features=FEATURES, classes=CLASSES)
        given = {"proba": proba, "embedding": embedding}
    missing = (strategy.needs | strategy.needs_labelled) - derivable(given)
    if missing & derivable({"draws"}):
        parts = [
            random_draws(min(SIZES[0], total - start), DRAWS, CLASSES, seed=start)
            for start in range(0, total, SIZES[0])
        ]
        given = {**given, "draws": np.concatenate(parts)}
        missing = missing - derivable({"draws"})
    rng = np.random.default_rng(0)
    for name in sorted(missing):
        given[name] = stand_in(name, total, rng)
    return given


def stand_in(name: str, total: int, rng: np.random.Generator) -> NDArray[np.floating]:
    """Random numbers of a signal's shape, none below 0."""
    widths = {"n": 0, "n d": FEATURES, "n r": FEATURES, "n c": CLASSES}
    width = widths[signal_kind(name).axes]
    return np.abs(rng.standard_normal((total, width) if width else total, dtype=np.float32))


def peak() -> float:
    """The most memory that this process has held so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def measured_on() -> str:
    """The machine and the versions that decide times."""
    import numba

    from benchmarks.__main__ import processor

    return (
        f"{processor()}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"Numba {numba.__version__}"
    )


def page(table: dict[str, list[Cell]]) -> str:
    lines = [
        "# What strategies cost",
        "",
        "Made by `python -m benchmarks.costs`; do not edit.",
        "",
        f"CPU seconds of one thread for one `pick` of {BATCH} items with default settings, after a warm-up:",
        f"{FEATURES} features, {CLASSES} classes, {LABELLED} labelled items, {DRAWS} draws where needed, "
        "all float32.",
        "Signals that neither follow from these nor from draws are random numbers of their shape.",
        "Deriving signals from these counts. Wrappers wrap margin. What could take more than "
        f"{SECONDS:.0f} s or {GIGABYTES:.0f} GB,",
        "by the size before and the growth that the docstring states, is not run. The data: "
        "`benchmarks/data.py`.",
        "BADGE stays in plain NumPy for small pools, here at 10⁴: sooner done than loading its kernel first.",
        "",
        f"Measured on {measured_on()}.",
        "",
        "| strategy | 10⁴ items | 10⁵ items | 10⁶ items |",
        "| --- | --- | --- | --- |",
    ]
    for name, cells in table.items():
        lines.append(f"| [`{name}`](strategies.md#{name}) | {' | '.join(str(one) for one in cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--cell"]:
        found = cell(sys.argv[2], int(sys.argv[3]))
        print(json.dumps({"seconds": found.seconds, "gigabytes": found.gigabytes}))
    else:
        sys.exit(main(sys.argv[1:]))
