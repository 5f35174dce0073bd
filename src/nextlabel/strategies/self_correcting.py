"""Self-correcting: a scorer on draws, and what its batch is worth without the luck of the draws."""

from dataclasses import dataclass
from typing import cast, final

import numpy as np

from nextlabel.core.signals import Signals, derivable
from nextlabel.core.strategy import Picks, Scorer, Strategy
from nextlabel.errors import ParameterError
from nextlabel.maths.axes import Draws, checked_batch
from nextlabel.maths.maxima import self_correcting
from nextlabel.maths.parameters import checked_number, settle

__all__ = ["SelfCorrecting"]


@final
@dataclass(frozen=True)
class SelfCorrecting(Strategy):
    """Prefers what its scorer prefers, and says what the batch is worth; needs draws; costs three scorings.

    Parameters
    ----------
    of : Scorer
        Reads nothing but draws, or what follows from them.
    beta : float
        From 0: how much the value is corrected for the choice of the largest scores; 1 removes all of it.

    Raises
    ------
    ParameterError
        `of` is not a scorer, or needs more than draws; or beta is not a finite number from 0 up.

    Notes
    -----
    Items are ranked by their scores on all m draws: that finds the best most often. But the mean of the best
    scores is too large, since chance has helped to choose them. So the value of the batch is estimated
    from two halves: one chooses the best b, the other says what they are worth, and the same with the halves
    exchanged; the value is the mean of both. That is never too large on average, and too small by what
    a choice on half of the draws loses. Of an odd number of draws the last is left out; of one draw no
    value can be told. Where a score is itself biased on few draws, as BALD is by some 1/m, so is the
    value. Time three times that of the scorer, O(n·m·c) for most; memory that of the scorer and O(n).

    Fails where its scorer fails; and the value is of no use where draws are not independent of one another.

    References
    ----------
    Zhu, Rigotti. Self-correcting Q-learning. AAAI 2021, arXiv 2012.01100. van Hasselt. Double Q-learning.
    NeurIPS 2010.

    Examples
    --------
    >>> from nextlabel import build
    >>> method = build("strategy", {"name": "self_correcting", "of": "bald"})
    >>> draws = [[[0.5, 0.5]] * 4, [[1.0, 0.0], [0.0, 1.0]] * 2]
    >>> picks = method.pick(Signals({"draws": draws}), 1, np.random.default_rng(0))
    >>> picks.positions.tolist(), round(picks.value, 4)
    ([1], 0.6931)
    """

    of: Scorer
    beta: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(cast(object, self.of), Scorer):
            message = (
                f"SelfCorrecting's 'of' must be a scorer, whose scores are averaged; received {self.of!r}. "
                "Use for example 'bald' or 'mean_std'."
            )
            raise ParameterError(message)
        if self.of.needs_labelled or not self.of.needs <= derivable({"draws"}):
            more = [f"{one!r} of labelled items" for one in sorted(self.of.needs_labelled)]
            needed = [*(repr(one) for one in sorted(self.of.needs)), *more]
            message = (
                "SelfCorrecting's 'of' must need draws alone, or what follows from them; "
                f"{type(self.of).__name__} needs {', '.join(needed)}. Use for example 'bald' or 'mean_std'."
            )
            raise ParameterError(message)
        advice = "Use 1.0, which removes the whole bias."
        settle(self, {"beta": checked_number(self.beta, "beta", least=0, of="SelfCorrecting", advice=advice)})

    @property
    def needs(self) -> frozenset[str]:
        """The draws, which are halved."""
        return frozenset({"draws"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """The scorer's picks from all draws, and the value of the batch from two halves."""
        checked_batch(batch, signals.n)
        draws = signals["draws"]

        def on(some: Draws) -> Signals:
            return Signals({"draws": some}, class_counts=signals.class_counts)

        picks = self.of.pick(on(draws), batch, rng)
        half = draws.shape[1] // 2
        if not half:
            return picks
        one, other = (self.of.score(on(some), rng) for some in (draws[:, :half], draws[:, half : 2 * half]))
        values = [
            self_correcting(first, second, beta=self.beta, batch=batch)
            for first, second in ((one, other), (other, one))
        ]
        return Picks(picks.positions, scores=picks.scores, value=float(np.mean(values)))
