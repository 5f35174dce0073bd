"""Bayesian active learning by disagreement."""

from dataclasses import dataclass
from typing import final

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Scorer
from nextlabel.maths.axes import Probabilities, Scores, Sizes, checked, checked_probabilities
from nextlabel.maths.information import entropy

__all__ = ["BALD", "bald"]


def bald(mean_proba: Probabilities, expected_entropy: Scores) -> Scores:
    """Mutual information between an item's label and the model's parameters.

    High where single draws of the model are confident and contradict one another.

    Parameters
    ----------
    mean_proba : array of float, axes (n, c)
        Class probabilities averaged over draws; rows sum to one.
    expected_entropy : array of float, axes (n,)
        Entropy of a draw's probabilities averaged over draws, in nats.

    Returns
    -------
    array of float64, axes (n,)
        In nats, between 0 and log c.

    Raises
    ------
    SignalError
        Wrong axes, unequal lengths, or rows that do not sum to one.

    Notes
    -----
    H[mean over m of p] − mean over m of H[p]; what rounding leaves below zero is set to 0. Equal draws score
    exactly 0 where both arguments are derived from draws; sums made elsewhere may leave some 1e-16.
    Time O(n·c).

    References
    ----------
    Houlsby, Huszár, Ghahramani, Lengyel. Bayesian active learning for classification and
    preference learning. arXiv 1112.5745, 2011. Section 3.

    Examples
    --------
    Two draws, each certain, in contradiction:

    >>> round(float(bald(np.array([[0.5, 0.5]]), np.array([0.0]))[0]), 4)
    0.6931
    """
    sizes: Sizes = {}
    mean_proba = checked_probabilities(mean_proba, "n c", "mean_proba", sizes)
    expected_entropy = checked(expected_entropy, "n", "expected_entropy", sizes)
    return np.maximum(entropy(mean_proba) - expected_entropy, 0.0)


@final
@dataclass(frozen=True)
class BALD(Scorer):
    """Prefers items on which draws are sure and disagree; needs draws or their sums; costs O(n·c).

    Notes
    -----
    Pointwise: a batch may hold near duplicates, which `BatchBALD` avoids. Time O(n·c) from the mean
    prediction and the expected entropy; O(n·m·c) where these are derived from draws.

    Fails where draws are few or nearly alike: their disagreement is mostly chance then.

    References
    ----------
    Houlsby, Huszár, Ghahramani, Lengyel. Bayesian active learning for classification and
    preference learning. arXiv 1112.5745, 2011. Section 3.

    Gal, Islam, Ghahramani. Deep Bayesian active learning with image data. ICML 2017, arXiv 1703.02910.

    Examples
    --------
    The first item is ambiguous, of the second the draws contradict one another:

    >>> from nextlabel import select
    >>> draws = [[[0.5, 0.5], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0]]]
    >>> select("bald", draws=draws, batch=1, seed=0)
    array([1])
    """

    @property
    def needs(self) -> frozenset[str]:
        """The mean prediction over draws, and the mean of the draws' entropies."""
        return frozenset({"expected_entropy", "mean_proba"})

    def score(self, signals: Signals, rng: np.random.Generator) -> Scores:
        """The mutual information, in nats."""
        return bald(signals["mean_proba"], signals["expected_entropy"])
