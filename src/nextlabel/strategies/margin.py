"""Margin: ask about the items whose two most probable classes are nearly as probable."""

from dataclasses import dataclass
from typing import final

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Scorer
from nextlabel.maths.axes import Scores
from nextlabel.maths.uncertainty import (
    Prediction,
    Reduction,
    check_reading,
    margin,
    uncertainty,
)

__all__ = ["Margin", "margin"]


@final
@dataclass(frozen=True)
class Margin(Scorer):
    """Prefers a small lead of the most probable class; needs class probabilities; costs O(n·c).

    Parameters
    ----------
    of : str
        ``"proba"``, ``"mean_proba"`` (averaged over draws), or ``"marginals"`` (several classes an item).
    reduce : str or None
        For marginals: ``"sum"`` or ``"max"`` over the classes of −|2p − 1|.

    Raises
    ------
    ParameterError
        An unknown reading, marginals without `reduce`, or `reduce` without marginals.

    Notes
    -----
    Pointwise: a batch may hold near duplicates. Time O(n·c).

    Fails where the model is confidently wrong: regions far from its boundaries are never asked about.

    References
    ----------
    Scheffer, Decomain, Wrobel. Active hidden Markov models for information extraction. IDA 2001.

    Examples
    --------
    >>> from nextlabel import select
    >>> select("margin", proba=[[0.5, 0.5, 0.0], [0.4, 0.3, 0.3]], batch=1, seed=0)
    array([0])
    """

    of: Prediction = "proba"
    reduce: Reduction | None = None

    def __post_init__(self) -> None:
        check_reading("Margin", self.of, self.reduce)

    @property
    def needs(self) -> frozenset[str]:
        """The prediction that is read."""
        return frozenset({self.of})

    @property
    def lowest(self) -> float:
        """Minus one; without bound for a sum over any number of classes."""
        return -np.inf if self.reduce == "sum" else -1.0

    def score(self, signals: Signals, rng: np.random.Generator) -> Scores:
        """Minus the lead of the most probable class."""
        return uncertainty(margin, signals[self.of], self.of, self.reduce)
