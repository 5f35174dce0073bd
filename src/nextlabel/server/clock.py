"""A clock that leases can trust: it never jumps, and still follows the wall."""

import time
from collections.abc import Callable
from threading import Lock
from typing import final

__all__ = ["SteadyClock"]

_SLEW = 1 / 60


def _since_boot() -> float:
    """Seconds that pass also while the machine sleeps, where the system counts those."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


@final
class SteadyClock:
    """Seconds since 1970 that only grow.

    When somebody sets the machine's clock an hour ahead, every lease would end at once, and others would be
    asked what people have before them; an hour back, none would end. This clock starts with the wall, runs
    with a counter that nobody sets, and moves towards the wall by a second a minute at most.

    Parameters
    ----------
    wall : callable
        Seconds since 1970, as the machine says.
    steady : callable
        Seconds since some moment; never goes back.

    Examples
    --------
    >>> wall, steady = [1_000.0], [0.0]
    >>> clock = SteadyClock(lambda: wall[0], lambda: steady[0])
    >>> wall[0], steady[0] = 1_000 + 3_600 + 60, 60  # an hour ahead, within a minute
    >>> clock()
    1061.0
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = _since_boot
    ) -> None:
        self._wall, self._steady = wall, steady
        self._said, self._at = wall(), steady()
        self._lock = Lock()

    def __call__(self) -> float:
        """The time now."""
        with self._lock:
            now = self._steady()
            passed = max(0.0, now - self._at)
            ahead = self._wall() - (self._said + passed)
            most = passed * _SLEW
            self._said += passed + min(max(ahead, -most), most)
            self._at = now
            return self._said
