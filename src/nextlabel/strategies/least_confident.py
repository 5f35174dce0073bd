"""Least confidence: ask about the items whose most probable class is least probable."""

from dataclasses import dataclass
from typing import final

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Scorer
from nextlabel.maths.axes import Probabilities, Scores, reads
from nextlabel.maths.uncertainty import (
    Prediction,
    Reduction,
    check_reading,
    check_two_classes,
    uncertainty,
)

__all__ = ["LeastConfident", "least_confident"]


@reads("n c", probabilities=True)
def least_confident(proba: Probabilities) -> Scores:
    """One minus the probability of the most probable class.

    Parameters
    ----------
    proba : array of float, axes (n, c)
        Class probabilities; rows sum to one.

    Returns
    -------
    array of float64, axes (n,)
        Between 0 and 1 − 1/c.

    Raises
    ------
    SignalError
        Wrong axes, one class, or rows that do not sum to one.

    Notes
    -----
    1 − p₍₁₎. Time O(n·c).

    References
    ----------
    Lewis, Gale. A sequential algorithm for training text classifiers. SIGIR 1994.

    Examples
    --------
    >>> least_confident(np.array([[0.75, 0.25], [0.5, 0.5]])).tolist()
    [0.25, 0.5]
    """
    check_two_classes(proba, "proba")
    # a row may sum to a little more than one, and so may its largest value
    return np.asarray(np.maximum(1.0 - proba.max(axis=1).astype(np.float64), 0.0))


@final
@dataclass(frozen=True)
class LeastConfident(Scorer):
    """Prefers a most probable class of low probability; needs class probabilities; costs O(n·c).

    Parameters
    ----------
    of : str
        ``"proba"``, ``"mean_proba"`` (averaged over draws), or ``"marginals"`` (several classes an item).
    reduce : str or None
        For marginals: ``"sum"`` or ``"max"`` over the classes of min(p, 1 − p).

    Raises
    ------
    ParameterError
        An unknown reading, marginals without `reduce`, or `reduce` without marginals.

    Notes
    -----
    Pointwise: a batch may hold near duplicates. Time O(n·c).

    Fails where probabilities are badly calibrated, as with few labels; and since it reads one of them, a
    close race of two classes and a flat rest score alike.

    References
    ----------
    Lewis, Gale. A sequential algorithm for training text classifiers. SIGIR 1994.

    Examples
    --------
    >>> from nextlabel import select
    >>> select("least_confident", proba=[[0.9, 0.1], [0.6, 0.4]], batch=1, seed=0)
    array([1])
    """

    of: Prediction = "proba"
    reduce: Reduction | None = None

    def __post_init__(self) -> None:
        check_reading("LeastConfident", self.of, self.reduce)

    @property
    def needs(self) -> frozenset[str]:
        """The prediction that is read."""
        return frozenset({self.of})

    def score(self, signals: Signals, rng: np.random.Generator) -> Scores:
        """One minus the largest probability."""
        return uncertainty(least_confident, signals[self.of], self.of, self.reduce)
