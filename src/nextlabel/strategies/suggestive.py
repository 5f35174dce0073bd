"""Suggestive annotation: of the most uncertain items, those that stand for the pool (Yang et al., 2017)."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.maths.axes import Embeddings, Positions, Scores, Sizes, checked, checked_batch
from nextlabel.maths.greedy import greedy
from nextlabel.maths.parameters import checked_whole, settle
from nextlabel.maths.ranking import top
from nextlabel.maths.similarity import factor_directions, taken
from nextlabel.maths.submodular import FacilityLocation

__all__ = ["Suggestive", "suggestive"]


def suggestive(
    uncertainty: Scores,
    descriptor: Embeddings,
    batch: int,
    *,
    rng: np.random.Generator,
    candidates: int = 16,
) -> Positions:
    """Positions taken one by one from the most uncertain items, each bringing most of the pool nearer.

    Parameters
    ----------
    uncertainty : array of float, axes (n,)
        Of each item, for example the spread of an ensemble's predictions averaged over pixels.
    descriptor : array of float, axes (n, d)
        Summary of each item, for example the spatial mean of the deepest features.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        Breaks ties, of uncertainty and of gain.
    candidates : int
        How many of the most uncertain items are considered, or as many as the batch where that is more.

    Returns
    -------
    array of int64, axes (b,)
        Distinct, in the order taken.

    Raises
    ------
    SignalError
        Wrong axes, unequal lengths, or values that are not finite.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        The number of candidates is not a whole number from one up.

    Notes
    -----
    As `Suggestive`.

    References
    ----------
    Yang, Zhang, Chen, Zhang, Chen. Suggestive annotation: a deep active learning framework for biomedical
    image segmentation. MICCAI 2017, arXiv 1706.04737. Section 2.3.

    Examples
    --------
    Two candidates point where most of the pool lies; the second of them adds nothing:

    >>> descriptor = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])
    >>> uncertainty = np.array([0.9, 0.8, 0.7, 0.1, 0.1])
    >>> rng = np.random.default_rng(0)
    >>> picked = suggestive(uncertainty, descriptor, 2, candidates=3, rng=rng)
    >>> int(picked[0]) in (0, 1), int(picked[1])
    (True, 2)
    """
    return _suggested(uncertainty, descriptor, batch, candidates, rng)[0]


@final
@dataclass(frozen=True)
class Suggestive(Strategy):
    """Prefers uncertain items that stand for the pool; needs uncertainty and descriptor; costs one pass each.

    Parameters
    ----------
    candidates : int
        How many of the most uncertain items are considered, or as many as the batch where that is more.

    Raises
    ------
    ParameterError
        The number of candidates is not a whole number from one up.

    Notes
    -----
    F(A) = Σ_x max_{i∈A} cos(i, x) over the whole pool, negative cosines counted as 0 so that F(∅) = 0 and
    nothing lowers it; greedy over the candidates, so that F is at least 1 − 1/e of the most that as many
    candidates can have. Scores are gains in F: from 0, never rising. A descriptor of zeros is like nothing.

    With a batch of as many as the candidates or more, the picks are the most uncertain items, in the order of
    their gains. Time O(k·n·d) for k candidates to begin with, then less for each of the b picks; memory
    O(n·d), and blocks of 32 MB.

    Fails where the uncertain items are all of one sort, since no other item is considered, and where
    outliers are the most uncertain.

    References
    ----------
    Yang, Zhang, Chen, Zhang, Chen. Suggestive annotation: a deep active learning framework for biomedical
    image segmentation. MICCAI 2017, arXiv 1706.04737. Section 2.3.

    Examples
    --------
    >>> from nextlabel import select
    >>> descriptor = [[1.0, 0.0], [0.0, 1.0], [0.1, 1.0], [0.0, 1.0]]
    >>> select("suggestive", uncertainty=[0.9, 0.5, 0.4, 0.3], descriptor=descriptor, batch=1, seed=0)
    array([2])
    """

    candidates: int = 16

    def __post_init__(self) -> None:
        settle(self, {"candidates": _checked(self.candidates)})

    @property
    def needs(self) -> frozenset[str]:
        """What a structured learner says of each item as a whole."""
        return frozenset({"uncertainty", "descriptor"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """Each the candidate that brings the pool nearest to the batch."""
        return Picks(*_suggested(signals["uncertainty"], signals["descriptor"], batch, self.candidates, rng))


def _suggested(
    uncertainty: Scores, descriptor: Embeddings, batch: int, candidates: int, rng: np.random.Generator
) -> tuple[Positions, NDArray[np.float64]]:
    candidates = _checked(candidates)
    sizes: Sizes = {}
    uncertainty = checked(uncertainty, "n", "uncertainty", sizes)
    descriptor = checked(descriptor, "n d", "descriptor", sizes)
    n = len(uncertainty)
    checked_batch(batch, n)
    considered = top(uncertainty, min(n, max(candidates, batch)), rng=rng)
    pool = factor_directions(descriptor)
    picked, gains = greedy(FacilityLocation(taken(pool, considered), pool), batch, rng=rng)
    return considered[picked], gains


def _checked(candidates: object) -> int:
    advice = "Give for example 16, twice the batch."
    return checked_whole(candidates, "candidates", least=1, of="Suggestive", advice=advice)
