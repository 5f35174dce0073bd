"""How a figure is measured: CPU seconds of one thread, medians, all forms of a comparison in one run."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table.

    what: the operation and its sizes; ours, plain: formatted figures; ratio: measured, where one is
    promised; promise: the words of the promise; kept: whether the measurement keeps it; None where
    nothing was promised.
    """

    what: str
    ours: str
    plain: str
    ratio: str
    promise: str
    kept: bool | None


def cpu_seconds(call: Callable[[], object], repeats: int) -> list[float]:
    """CPU seconds of each of so many calls, after one that is not counted."""
    call()
    seconds = []
    for _ in range(repeats):
        before = time.process_time()
        call()
        seconds.append(time.process_time() - before)
    return seconds


def median(seconds: list[float]) -> float:
    return statistics.median(seconds)


def shown(seconds: float) -> str:
    """Seconds in the unit that reads best, three figures."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} µs"
    if seconds < 1.0:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.3g} s"
