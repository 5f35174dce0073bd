"""BatchBALD: the batch whose labels together say most about the model."""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.maths.axes import Draws, Positions, Scores, checked_batch, reads
from nextlabel.maths.information import mutual_information
from nextlabel.maths.joint import (
    every_configuration,
    information_gain,
    sampled_configurations,
)
from nextlabel.maths.parameters import checked_whole, settle

__all__ = ["BatchBALD", "batch_bald"]

_TIE = 1e-10  # nats; rounding is below 1e-12, so equal items are tied in every order of evaluation


@reads("n m c", probabilities=True)
def batch_bald(
    draws: Draws,
    batch: int,
    *,
    rng: np.random.Generator,
    max_configurations: int = 10_000,
    candidates: int | None = 1_000,
) -> Positions:
    """Greedy maximisation of the mutual information between the labels of a batch and the model.

    Parameters
    ----------
    draws : array of float, axes (n, m, c)
        Class probabilities under each draw, the same m models for every item; rows sum to one.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        Breaks ties, and draws configurations.
    max_configurations : int
        The gain is exact while the items picked so far have at most so many joint labels, cᵏ for k
        items; beyond, it is estimated from so many drawn ones.
    candidates : int or None
        Once the gain is estimated, only so many items are considered, those of the largest gain last known
        (or as many as are still to be picked, where that is more); None for all. Exact picks consider all.

    Returns
    -------
    array of int64, axes (b,)
        Distinct, in the order picked.

    Raises
    ------
    SignalError
        Wrong axes, or rows that do not sum to one.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        `max_configurations` or `candidates` is not a whole number from one up.

    Notes
    -----
    The gain of item i beside the set S is H(y_S, y_i) − H(y_S) − mean over m of H[p_i], and falls as S
    grows. So while it is exact, an earlier gain is a bound, and few items are evaluated anew (lazy greedy);
    the picks are those of evaluating every item, so that copies of a picked item do not hide others. An
    estimate gives no bound: then all candidates, chosen by their last bounds before the first estimate, are
    evaluated at every step, on configurations drawn anew. Gains within 1e-10 nats of the best are tied; the
    item that comes first in one random permutation wins.

    Time O(n·m·c) for the mutual information of each item; then O(k·M·m·c) a step, with M configurations and k
    items evaluated: while exact a handful, or most of the pool where bounds are loose, that is, where few
    labels exhaust the draws (n = 20,000, m = 20, c = 10, b = 4: 0.2 to 2 seconds); all candidates once
    sampled. Memory beside the draws O(n + M·(m + c)), and a copy of the candidates' draws once sampled.

    References
    ----------
    Kirsch, van Amersfoort, Gal. BatchBALD: efficient and diverse batch acquisition for deep Bayesian active
    learning. NeurIPS 2019, arXiv 1906.08158. Algorithm 1.

    Minoux. Accelerated greedy algorithms for maximizing submodular set functions. 1978.

    Examples
    --------
    The second item is a copy of the first, so the third is worth more beside it:

    >>> copies = [[[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]]] * 2
    >>> other = [[[0.8, 0.2], [0.8, 0.2], [0.2, 0.8], [0.2, 0.8]]]
    >>> int(batch_bald(np.array(copies + other), 2, rng=np.random.default_rng(0))[1])
    2
    """
    given = _checked(max_configurations, candidates)
    return _greedy(draws, batch, rng, **given)[0]


def _greedy(
    draws: Draws, batch: int, rng: np.random.Generator, max_configurations: int, candidates: int | None
) -> tuple[Positions, Scores]:
    """The picks, and what each label tells in addition to those before it, in nats."""
    checked_batch(batch, len(draws))
    bounds = mutual_information(draws)
    precedence = rng.permutation(len(draws))
    lazy = _LazyGains(draws, bounds)
    picked: list[int] = []
    gains: list[float] = []
    for step in range(batch):
        if draws.shape[2] ** step > max_configurations:
            left = np.flatnonzero(np.isfinite(bounds))
            left = left[np.lexsort((precedence[left], -bounds[left]))]
            kept = max(batch - step, candidates or len(draws))  # cuts at the first sampled step alone
            left, dropped = left[:kept], left[kept:]
            bounds[dropped] = -np.inf
            sampled = sampled_configurations(draws[picked], max_configurations, rng=rng)
            bounds[left] = information_gain(draws[left], sampled)
        elif step:
            lazy.lower(picked)
        tied = np.flatnonzero(bounds >= bounds.max() - _TIE)
        best = int(tied[np.argmin(precedence[tied])])
        picked.append(best)
        gains.append(float(bounds[best]))
        bounds[best] = -np.inf
    return np.array(picked, np.int64), np.array(gains)


@final
class _LazyGains:
    """Bounds on the gains of all items, lowered only as far as the next pick demands."""

    def __init__(self, draws: Draws, bounds: NDArray[np.float64]) -> None:
        self.draws = draws
        self.bounds = bounds
        self.given = [every_configuration(draws[:0])]
        self.known = np.zeros(len(bounds), np.int64)

    def lower(self, picked: list[int]) -> None:
        """Lower the largest bounds until no bound that is not a gain can reach the best gain or tie it.

        A bound is the gain beside the first few picks, as many as `known` says. It is lowered by one pick
        at a time: each makes the evaluation c times as dear, and most bounds fall far enough before the last.
        """
        self.given.append(every_configuration(self.draws[picked]))
        last, best = len(picked), -np.inf
        for item in np.argsort(-self.bounds):
            if self.bounds[item] < best - 2.0 * _TIE:
                return
            one = slice(item, item + 1)
            while self.known[item] < last and self.bounds[item] >= best - 2.0 * _TIE:
                self.known[item] += 1
                self.bounds[one] = information_gain(self.draws[one], self.given[self.known[item]])
            if self.known[item] == last:
                best = max(best, self.bounds[item])


def _checked(max_configurations: int, candidates: int | None) -> dict[str, Any]:
    max_configurations = checked_whole(max_configurations, "max_configurations", least=1, of="BatchBALD")
    if candidates is not None:
        candidates = checked_whole(candidates, "candidates", least=1, of="BatchBALD")
    return {"max_configurations": max_configurations, "candidates": candidates}


@final
@dataclass(frozen=True)
class BatchBALD(Strategy):
    """Prefers batches whose labels together tell most about the model; needs draws; costs O(b·k·M·m·c).

    Parameters
    ----------
    max_configurations : int
        The gain is exact while the items picked so far have at most so many joint labels; beyond, it is
        estimated from so many drawn ones, and the picks depend on the generator.
    candidates : int or None
        Once the gain is estimated, only so many items are considered, those of the largest gain last known
        (or as many as are still to be picked, where that is more); None for all. Exact picks consider all.

    Raises
    ------
    ParameterError
        `max_configurations` or `candidates` is not a whole number from one up.

    Notes
    -----
    Every draw must be the same model for every item: masks drawn anew for each item make the joint
    probability meaningless. Time O(n·m·c) for the mutual information of each item, then O(k·M·m·c) a step
    with M configurations and k items evaluated: while exact a handful, or most of the pool where few labels
    exhaust the draws; all candidates once sampled.

    Fails where the batch asks for more than the draws can tell: m draws hold log m nats at most, and once
    these are used up the remaining picks are close to arbitrary.

    References
    ----------
    Kirsch, van Amersfoort, Gal. BatchBALD: efficient and diverse batch acquisition for deep Bayesian active
    learning. NeurIPS 2019, arXiv 1906.08158. Algorithm 1.

    Examples
    --------
    The first two items tell the same; a batch of two takes one of them, and the third:

    >>> from nextlabel import select
    >>> copies = [[[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]]] * 2
    >>> other = [[[0.8, 0.2], [0.8, 0.2], [0.2, 0.8], [0.2, 0.8]]]
    >>> int(select("batch_bald", draws=copies + other, batch=2, seed=0)[1])
    2
    """

    is_random: ClassVar[bool] = True

    max_configurations: int = 10_000
    candidates: int | None = 1_000

    def __post_init__(self) -> None:
        settle(self, _checked(self.max_configurations, self.candidates))

    @property
    def needs(self) -> frozenset[str]:
        """The draws themselves: sums over draws do not know which items go together."""
        return frozenset({"draws"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """Greedily, the item whose label adds most; scores are the gains."""
        positions, gains = _greedy(signals["draws"], batch, rng, self.max_configurations, self.candidates)
        return Picks(positions, scores=gains)
