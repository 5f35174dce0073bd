"""Entropy: ask about the items whose prediction is most spread over the classes."""

from dataclasses import dataclass
from typing import final

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Scorer
from nextlabel.maths.axes import Scores
from nextlabel.maths.information import entropy
from nextlabel.maths.uncertainty import Prediction, Reduction, check_reading, uncertainty

__all__ = ["Entropy", "entropy"]


@final
@dataclass(frozen=True)
class Entropy(Scorer):
    """Prefers predictions spread over many classes; needs class probabilities; costs O(n·c).

    Parameters
    ----------
    of : str
        ``"proba"``, ``"mean_proba"`` (averaged over draws: "max entropy" of Bayesian deep networks), or
        ``"marginals"`` (several classes an item).
    reduce : str or None
        For marginals: ``"sum"`` or ``"max"`` over the classes of the binary entropy.

    Raises
    ------
    ParameterError
        An unknown reading, marginals without `reduce`, or `reduce` without marginals.

    Notes
    -----
    −Σ p log p in nats. Pointwise: a batch may hold near duplicates. Time O(n·c).

    Fails where classes are many: a little probability spread over unlikely ones outweighs a close race of
    two.

    References
    ----------
    Shannon. A mathematical theory of communication. Bell System Technical Journal 27, 1948.
    Settles, Craven. An analysis of active learning strategies for sequence labeling tasks. EMNLP 2008.

    Examples
    --------
    >>> from nextlabel import select
    >>> select("entropy", proba=[[0.5, 0.5, 0.0], [0.4, 0.3, 0.3]], batch=1, seed=0)
    array([1])
    """

    of: Prediction = "proba"
    reduce: Reduction | None = None

    def __post_init__(self) -> None:
        check_reading("Entropy", self.of, self.reduce)

    @property
    def needs(self) -> frozenset[str]:
        """The prediction that is read."""
        return frozenset({self.of})

    def score(self, signals: Signals, rng: np.random.Generator) -> Scores:
        """The entropy of the prediction, in nats."""
        return uncertainty(entropy, signals[self.of], self.of, self.reduce)
