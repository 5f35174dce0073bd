"""Uniform random choice: the reference that every method must be compared with."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.maths.axes import checked_batch

__all__ = ["Random"]


@final
@dataclass(frozen=True)
class Random(Strategy):
    """Prefers nothing: every batch is equally likely; needs no signal; costs O(n).

    Notes
    -----
    A uniform draw without replacement, so its labels are a fair sample of the pool.
    Time and memory O(n), whatever b.

    Fails where what matters is rare: a class of one item in a thousand costs about a thousand labels an item.

    References
    ----------
    The usual baseline; see Lüth et al. Navigating the pitfalls of active learning evaluation. NeurIPS 2023.

    Examples
    --------
    >>> from nextlabel import select
    >>> select("random", embedding=[[0.0], [1.0], [2.0]], batch=3, seed=0)
    array([2, 0, 1])
    """

    is_random: ClassVar[bool] = True

    @property
    def needs(self) -> frozenset[str]:
        """No signal at all."""
        return frozenset()

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """A uniform draw without replacement; propensities are those of each draw in turn."""
        checked_batch(batch, signals.n)
        positions = rng.choice(signals.n, size=batch, replace=False)
        return Picks(positions.astype(np.int64), propensities=1.0 / (signals.n - np.arange(batch)))
