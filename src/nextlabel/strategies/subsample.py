"""Subsample: offer a method a random part of the pool, where the whole is too much for it."""

from dataclasses import dataclass, replace
from typing import ClassVar, cast, final

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import ParameterError
from nextlabel.maths.axes import checked_batch
from nextlabel.maths.parameters import checked_whole, settle

__all__ = ["Subsample"]


@final
@dataclass(frozen=True)
class Subsample(Strategy):
    """Prefers what its method prefers among a random part of the pool; costs that method at the size.

    Parameters
    ----------
    of : Strategy
        Picks from the part.
    size : int
        How many items are offered, or as many as the batch where that is more; all of them where the
        pool is no larger.

    Raises
    ------
    ParameterError
        `of` is not a strategy, or the size is not a whole number from one up.

    Notes
    -----
    The part is a uniform draw without replacement, anew in every call; labelled rows are passed on whole.
    Scores are those of the method. Propensities are passed on only where the whole pool is offered:
    which items were in the part is itself a draw. Time O(n) for the draw, then that of the method at `size`
    items; signals are derived for the part alone.

    Fails where its method fails, and where what matters is rare: the part may hold none of it.

    References
    ----------
    Gal, Islam, Ghahramani. Deep Bayesian active learning with image data. ICML 2017, arXiv 1703.02910,
    whose reproductions score a random part of the pool.

    Examples
    --------
    >>> from nextlabel import select
    >>> proba = [[0.9, 0.1], [0.5, 0.5], [0.7, 0.3]]
    >>> select({"name": "subsample", "of": "margin", "size": 3}, proba=proba, batch=1, seed=0)
    array([1])
    """

    is_random: ClassVar[bool] = True

    of: Strategy
    size: int = 10_000

    def __post_init__(self) -> None:
        if not isinstance(cast(object, self.of), Strategy):
            message = (
                f"Subsample's 'of' must be a strategy, to whom items are offered; received {self.of!r}. "
                "Use for example 'coreset' or 'badge'."
            )
            raise ParameterError(message)
        advice = "Say how many items the method shall see, for example 10000."
        settle(self, {"size": checked_whole(self.size, "size", least=1, of="Subsample", advice=advice)})

    @property
    def needs(self) -> frozenset[str]:
        """What the method needs."""
        return self.of.needs

    @property
    def needs_labelled(self) -> frozenset[str]:
        """What the method needs of the labelled rows."""
        return self.of.needs_labelled

    @property
    def opening(self) -> Strategy:
        """The same with the method's own opening, where it has another."""
        first = self.of.opening
        return self if first is self.of else replace(self, of=first)

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """The method's picks from a random part of the pool, as positions in the whole."""
        checked_batch(batch, signals.n)
        size = max(self.size, batch)
        if size >= signals.n:
            return self.of.pick(signals, batch, rng)
        part = np.sort(rng.choice(signals.n, size=size, replace=False)).astype(np.int64)
        picks = self.of.pick(signals.take(part), batch, rng)
        return Picks(part[picks.positions], scores=picks.scores)
