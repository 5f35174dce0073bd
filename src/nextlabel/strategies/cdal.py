"""Contextual diversity: items whose classes are confused in other ways (Agarwal et al., 2020)."""

from dataclasses import dataclass
from typing import Literal, final, get_args

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import SignalError
from nextlabel.maths.axes import Array, Positions, Sizes, checked
from nextlabel.maths.divergence import Mixtures, Reduction, divergent_centres, mixtures, predictions
from nextlabel.maths.parameters import checked_choice

__all__ = ["CDAL", "cdal"]

_Reading = Literal["class_mixture", "proba"]


def cdal(
    class_mixture: Array,
    batch: int,
    *,
    rng: np.random.Generator,
    labelled: Array | None = None,
    reduce: Reduction = "mean",
) -> Positions:
    """Positions picked one by one, each the farthest in context from labelled items and picks before it.

    Parameters
    ----------
    class_mixture : array of float, axes (n, c, c)
        Row k of an item is the mean prediction of its regions that are predicted as class k, weighted by
        their entropy; a row of zeros where no region is. Rows are scaled to sum to one.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        Breaks ties: of equal distances, the item first in one permutation wins.
    labelled : array of float, axes (l, c, c), optional
        The same of the labelled items. Without any, the first pick is the item nearest to the middle of the
        pool.
    reduce : {"mean", "sum"}
        Over the classes present in both items.

    Returns
    -------
    array of int64, axes (b,)
        Distinct, in the order picked.

    Raises
    ------
    SignalError
        Wrong axes, unequal numbers of classes, negative values, or values that are not finite.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        An unknown reduction.

    Notes
    -----
    As `CDAL`.

    References
    ----------
    Agarwal, Arora, Anand, Arora. Contextual diversity for active learning. ECCV 2020, arXiv 2008.05723.

    Examples
    --------
    Three items of class 0; the last is confused with class 1 the most:

    >>> proba = np.array([[0.9, 0.05, 0.05], [0.8, 0.1, 0.1], [0.5, 0.45, 0.05]])
    >>> mixture = np.zeros((3, 3, 3))
    >>> mixture[:, 0] = proba
    >>> cdal(mixture, 1, labelled=mixture[:1], rng=np.random.default_rng(0)).tolist()
    [2]
    """
    sizes: Sizes = {}
    pool = mixtures(_from_zero(class_mixture, "n c c", "class_mixture", sizes))
    given = None if labelled is None else mixtures(_from_zero(labelled, "l c c", "labelled", sizes))
    return divergent_centres(pool, batch, given=given, reduce=reduce, rng=rng)[0]


@final
@dataclass(frozen=True)
class CDAL(Strategy):
    """Prefers items whose classes are confused in new ways; needs class_mixture; costs O(n·(l+b)·c).

    Parameters
    ----------
    reduce : {"mean", "sum"}
        Over the classes present in both items: the mean, as in the authors' code, or the sum, as in the
        paper, under which items of many classes are far from each other.
    of : {"class_mixture", "proba"}
        What is read. With "proba", for classification, the distance is the symmetric divergence of the
        probabilities, whatever class is the most probable.

    Raises
    ------
    ParameterError
        An unknown reduction or reading.

    Notes
    -----
    Greedy k-centre from the labelled items. The distance of two items is, class by class, half the
    divergence of one mixture from the other and half that back, over the classes present in both; mixtures
    are smoothed by 1e-8. Without a common class two items are as far as any two could be, 18.4 nats a class:
    a sum over nothing would call them equal. The class mixture that follows from probabilities alone has one
    class an item, the most probable one, so items of different such classes are that far; on either side of a
    border they are nearly alike, and "proba" says so. Without labelled items the first pick is the item
    nearest to the middle of the pool, for each class the mean over the items in which it is present, rather
    than at random.
    Scores are distances: of each pick to the nearest labelled item or earlier pick; there are none where
    nothing is labelled.

    Only the greedy selection is here, not the policy network of the paper. Time at most O(n·(l + b)·c) for
    one region an item, O(n·(l + b)·c²) for all classes in each; memory O(n·c²), and O(n·c) for "proba".

    Fails where predictions are sure, since items of one class are then nearly alike, and, on class mixtures,
    where the model errs in the class itself, which makes strangers of neighbours.

    References
    ----------
    Agarwal, Arora, Anand, Arora. Contextual diversity for active learning. ECCV 2020, arXiv 2008.05723.

    Examples
    --------
    >>> from nextlabel import select
    >>> proba = [[0.9, 0.1], [0.6, 0.4], [0.8, 0.2]]
    >>> seen = {"proba": [[0.9, 0.1]]}
    >>> select({"name": "cdal", "of": "proba"}, proba=proba, labelled=seen, batch=1, seed=0)
    array([1])
    """

    reduce: Reduction = "mean"
    of: _Reading = "class_mixture"

    def __post_init__(self) -> None:
        checked_choice(self.reduce, "reduce", get_args(Reduction), of="CDAL")
        checked_choice(self.of, "of", get_args(_Reading), of="CDAL")

    @property
    def needs(self) -> frozenset[str]:
        """The class mixtures, or the probabilities of which they are made."""
        return frozenset({self.of})

    @property
    def needs_labelled(self) -> frozenset[str]:
        """The same."""
        return frozenset({self.of})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """Each the farthest from the labelled items and the picks before it."""
        read = mixtures if self.of == "class_mixture" else predictions
        given: Mixtures | None = None if signals.labelled is None else read(signals.labelled[self.of])
        pool = read(signals[self.of])
        positions, distances = divergent_centres(pool, batch, given=given, reduce=self.reduce, rng=rng)
        return Picks(positions, scores=distances if np.isfinite(distances[0]) else None)


def _from_zero(values: Array, axes: str, name: str, sizes: Sizes) -> Array:
    array = checked(values, axes, name, sizes)
    if array.size and array.min() < 0.0:
        message = (
            f"{name!r} must hold mean predictions, from 0 up; received values from {array.min():g}. "
            "Give probabilities, and rows of zeros for absent classes."
        )
        raise SignalError(message)
    return array
