"""Mean standard deviation: ask about the items whose class probabilities vary most over draws."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Scorer
from nextlabel.maths.axes import Scores, reads

__all__ = ["MeanSTD", "mean_std"]


@reads("n c")
def mean_std(spread: NDArray[np.floating]) -> Scores:
    """Standard deviation over draws of the class probabilities, averaged over classes.

    Parameters
    ----------
    spread : array of float, axes (n, c)
        Standard deviation over draws of each class's probability.

    Returns
    -------
    array of float64, axes (n,)
        Between 0 and 0.5.

    Raises
    ------
    SignalError
        Wrong axes, or values that are not finite.

    Notes
    -----
    Mean over c of √(mean over m of p² − (mean over m of p)²). Time O(n·c).

    References
    ----------
    Kampffmeyer, Salberg, Jenssen. Semantic segmentation of small objects and modeling of uncertainty in
    urban remote sensing images using deep convolutional neural networks. CVPR workshops 2016.

    Examples
    --------
    >>> mean_std(np.array([[0.5, 0.5], [0.0, 0.0]])).tolist()
    [0.5, 0.0]
    """
    return np.asarray(spread.astype(np.float64).mean(axis=1))


@final
@dataclass(frozen=True)
class MeanSTD(Scorer):
    """Prefers class probabilities that vary over draws; needs draws or their spread; costs O(n·c).

    Notes
    -----
    Here for comparison. Time O(n·c) from the spread; O(n·m·c) where it is derived from draws.

    Fails where draws vary without contradicting one another, which counts as much as disagreement: reported
    as weak, at times below random.

    References
    ----------
    Gal, Islam, Ghahramani. Deep Bayesian active learning with image data. ICML 2017, arXiv 1703.02910.

    Examples
    --------
    >>> from nextlabel import select
    >>> draws = [[[0.5, 0.5], [0.5, 0.5]], [[0.6, 0.4], [0.2, 0.8]]]
    >>> select("mean_std", draws=draws, batch=1, seed=0)
    array([1])
    """

    @property
    def needs(self) -> frozenset[str]:
        """The standard deviation over draws of each class's probability."""
        return frozenset({"spread"})

    def score(self, signals: Signals, rng: np.random.Generator) -> Scores:
        """The standard deviation, averaged over classes."""
        return mean_std(signals["spread"])
