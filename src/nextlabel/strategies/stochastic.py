"""Stochastic batches: draw items by their scores, where taking the best would take copies of one."""

from dataclasses import dataclass
from typing import ClassVar, Literal, cast, final, get_args

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Scorer, Strategy
from nextlabel.errors import ParameterError
from nextlabel.maths.axes import Scores, checked_batch
from nextlabel.maths.parameters import checked_choice, checked_number, settle
from nextlabel.maths.ranking import drawn_by_weight, ranks

__all__ = ["Stochastic"]

_Kind = Literal["power", "softmax", "softrank"]


@final
@dataclass(frozen=True)
class Stochastic(Strategy):
    """Prefers high scores by chance, so that copies seldom fill a batch; needs what its scorer needs.

    Parameters
    ----------
    of : Scorer
        Gives the scores.
    beta : float
        Above 0; larger comes closer to taking the best, towards 0 to a uniform choice.
    kind : str
        The weight of an item with score s: ``"power"`` (s − lowest)^β, where the scorer's `lowest` is 0 for
        most and −1 for margin; ``"softmax"`` e^{βs}; ``"softrank"`` rank^{−β}, rank 1 for the best.

    Raises
    ------
    ParameterError
        `of` is not a scorer, `beta` is not a finite number above 0, the kind is unknown, or power is asked of
        a scorer that has no lowest score. When picking: power, and a score below the scorer's lowest.

    Notes
    -----
    Items are drawn without replacement, each time in proportion to the weights of those left, by adding
    Gumbel noise to the logarithms of the weights. Propensities are the probabilities of each draw given those
    before it, and, for softrank, given the random order of equal scores. Items of weight zero only fill the
    batch, uniformly. Time O(n + b log b) beside the scores; O(n log n) for softrank.

    Fails where its scorer fails; a β near 0 comes close to a random choice, a large one lets copies fill the
    batch again.

    References
    ----------
    Kirsch, Farquhar, Atighehchian, Jesson, Branchaud-Charron, Gal. Stochastic batch acquisition: a simple
    baseline for deep active learning. TMLR 2023, arXiv 2106.12059. Section 3.

    Examples
    --------
    >>> from nextlabel import select
    >>> proba = [[1.0, 0.0], [0.5, 0.5], [0.6, 0.4]]
    >>> sorted(select({"name": "stochastic", "of": "entropy"}, proba=proba, batch=2, seed=0).tolist())
    [1, 2]
    """

    is_random: ClassVar[bool] = True

    of: Scorer
    beta: float = 1.0
    kind: _Kind = "power"

    def __post_init__(self) -> None:
        if not isinstance(cast(object, self.of), Scorer):
            message = (
                f"Stochastic's 'of' must be a scorer, whose scores are perturbed; received {self.of!r}. "
                "Use for example 'bald', 'entropy' or 'margin'."
            )
            raise ParameterError(message)
        advice = "Use 1.0, or more to come closer to the best scores."
        beta = checked_number(self.beta, "beta", above=0, of="Stochastic", advice=advice)
        settle(self, {"beta": beta})
        checked_choice(self.kind, "kind", get_args(_Kind), of="Stochastic")
        if self.kind == "power" and np.isneginf(self.of.lowest):
            message = (
                f"Stochastic of kind 'power' needs scores with a lowest value, which {self.of!r} has not. "
                "Use kind='softmax' or kind='softrank'."
            )
            raise ParameterError(message)

    @property
    def needs(self) -> frozenset[str]:
        """What the scorer needs."""
        return self.of.needs

    @property
    def needs_labelled(self) -> frozenset[str]:
        """What the scorer needs of the labelled rows."""
        return self.of.needs_labelled

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """Draws without replacement, with their propensities; scores are the scorer's own."""
        checked_batch(batch, signals.n)
        scores = np.asarray(self.of.score(signals, rng), dtype=np.float64)
        positions, propensities = drawn_by_weight(self._log_weights(scores, rng), batch, rng=rng)
        return Picks(positions, scores=scores[positions], propensities=propensities)

    def _log_weights(self, scores: Scores, rng: np.random.Generator) -> Scores:
        if self.kind == "softrank":
            return np.asarray(-self.beta * np.log(ranks(scores, rng=rng)))
        if self.kind == "softmax":
            # differences, so that a large beta does not overflow
            return np.asarray(self.beta * (scores - scores.max()))
        above = scores - self.of.lowest
        if above.min() < 0.0:
            position = int(above.argmin())
            message = (
                f"Stochastic of kind 'power' needs scores from {self.of.lowest:g} up, the lowest that "
                f"{type(self.of).__name__} declares; the item at {position} scores {scores[position]:g}. "
                "Use kind='softmax' or kind='softrank', or correct the scorer's 'lowest'."
            )
            raise ParameterError(message)
        largest = above.max()
        if largest == 0.0:
            return np.full(len(above), -np.inf)
        with np.errstate(divide="ignore"):  # a weight of zero has the logarithm of minus infinity
            return np.asarray(self.beta * np.log(above / largest))
