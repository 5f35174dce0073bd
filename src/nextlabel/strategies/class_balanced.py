"""Batches with as many items of each class as predictions allow (Bang et al., 2024)."""

from dataclasses import dataclass, replace
from typing import ClassVar, cast, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.labels import class_counts as counted
from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import ParameterError
from nextlabel.maths.axes import Array, Counts, Positions, Probabilities, checked_batch, checked_probabilities
from nextlabel.maths.parameters import checked_number, settle

__all__ = ["ClassBalanced", "class_balanced"]

_ROUNDING = 1e-9  # 0.1 · 30 is a little more than 3


def class_balanced(
    proba: Probabilities,
    batch: int,
    *,
    rng: np.random.Generator,
    class_counts: Counts | None = None,
) -> Positions:
    """Positions picked one by one, each of the class that has fewest labels so far.

    An item counts as of its most probable class. A class of whose items none is left is passed over.

    Parameters
    ----------
    proba : array of float, axes (n, c)
        Class probabilities of the candidates.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        Draws among classes of equal counts, and among the items of a class.
    class_counts : array of int, axes (c,), optional
        Labelled items of each class; none when left out.

    Returns
    -------
    array of int64, axes (b,)
        Distinct, in the order picked.

    Raises
    ------
    SignalError
        Wrong axes, rows that do not sum to one, or counts that are not one for each class.
    BatchSizeError
        The batch is below 1 or above n.

    Notes
    -----
    Departs from the authors' code, where picks become random for good once the rarest class has no candidate
    left. Time O(n·c + b·c), memory O(n·c).

    References
    ----------
    Bang, Ahn, Lee. Active prompt learning in vision language models. CVPR 2024, arXiv 2311.11178.

    Examples
    --------
    With five, none and two labels of three classes, three of the second and one of the third are next:

    >>> proba = np.eye(3)[[0, 0, 1, 1, 1, 2, 2]]
    >>> found = class_balanced(proba, 4, class_counts=[5, 0, 2], rng=np.random.default_rng(0))
    >>> np.bincount(proba[found].argmax(axis=1)).tolist()
    [0, 3, 1]
    """
    proba = checked_probabilities(proba, "n c", "proba")
    checked_batch(batch, len(proba))
    counts = counted(class_counts, None, proba.shape[1]).copy()
    classes = _most_probable(proba, rng)
    shuffled = rng.permutation(len(proba))
    by_class = shuffled[np.argsort(classes[shuffled], kind="stable")]
    left = np.bincount(classes, minlength=len(counts))
    ends = np.cumsum(left)  # the next item of a class stands before its end
    picks = np.empty(batch, np.int64)
    for place in range(batch):
        level = np.where(left > 0, counts, np.iinfo(np.int64).max)
        rarest = np.flatnonzero(level == level.min())
        one = rarest[rng.integers(len(rarest))]
        picks[place] = by_class[ends[one] - left[one]]
        left[one] -= 1
        counts[one] += 1
    return picks


@final
@dataclass(frozen=True)
class ClassBalanced(Strategy):
    """Prefers classes with few labels among what its method proposes; needs that and proba; costs O(n·c).

    Parameters
    ----------
    of : Strategy
        Proposes candidates.
    share : float
        How much of the pool it proposes, above 0 and at most 1; never fewer items than the batch.

    Raises
    ------
    ParameterError
        `of` is not a strategy, or the share is not a number above 0 and at most 1.

    Notes
    -----
    An item counts as of its most probable class, equal ones drawn; each pick is a uniform draw from the
    candidates of the class with fewest labels, those of this batch included. Classes without candidates are
    passed over. Since there are at least as many candidates as picks, nothing is ever drawn regardless of
    class. Where all items are candidates, the method is not asked. Scores are not passed on: they are
    not what orders the picks. Time O(n + b·c) and memory O(γn·c) beside the method's own, which is asked for
    γn items at once: dear where its cost grows with the batch.

    Fails where predictions are wrong: a class that is never predicted is never balanced, and a class
    predicted for others takes their labels.

    References
    ----------
    Bang, Ahn, Lee. Active prompt learning in vision language models. CVPR 2024, arXiv 2311.11178.

    Examples
    --------
    Margin alone would ask about the first item, as which the model sees what there is enough of:

    >>> from nextlabel import select
    >>> proba = [[0.6, 0.4], [0.4, 0.6], [0.9, 0.1]]
    >>> method = {"name": "class_balanced", "of": "margin", "share": 0.6}
    >>> select(method, proba=proba, labels=[0, 0], batch=1, seed=0)
    array([1])
    """

    is_random: ClassVar[bool] = True

    of: Strategy
    share: float = 0.1

    def __post_init__(self) -> None:
        if not isinstance(cast(object, self.of), Strategy):
            message = (
                f"ClassBalanced's 'of' must be a strategy, which proposes candidates; received {self.of!r}. "
                "Use for example 'entropy', 'coreset' or 'badge'."
            )
            raise ParameterError(message)
        advice = "Say what share of the pool shall be proposed, for example 0.1."
        share = checked_number(self.share, "share", above=0, most=1, of="ClassBalanced", advice=advice)
        settle(self, {"share": share})

    @property
    def needs(self) -> frozenset[str]:
        """What the method needs, and the class probabilities."""
        return self.of.needs | {"proba"}

    @property
    def needs_labelled(self) -> frozenset[str]:
        """What the method needs of the labelled rows."""
        return self.of.needs_labelled

    @property
    def opening(self) -> Strategy:
        """The same with the method's own opening, where it has another."""
        first = self.of.opening
        return self if first is self.of else replace(self, of=first)

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """Draws from the method's candidates, class by class."""
        checked_batch(batch, signals.n)
        # two streams, so that the draws are the same whatever the method has drawn
        proposing, drawing = rng.spawn(2)
        size = max(batch, int(np.ceil(self.share * signals.n - _ROUNDING)))
        candidates = np.arange(signals.n)
        if size < signals.n:
            candidates = np.sort(self.of.pick(signals, size, proposing).positions)
        picked = class_balanced(
            signals["proba"][candidates], batch, class_counts=signals.class_counts, rng=drawing
        )
        return Picks(candidates[picked].astype(np.int64))


def _most_probable(proba: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """The most probable class of each row, equally probable ones drawn."""
    is_most = proba == proba.max(axis=1, keepdims=True)
    classes: NDArray[np.int64] = is_most.argmax(axis=1).astype(np.int64)
    tied = np.flatnonzero(is_most.sum(axis=1) > 1)
    if len(tied):
        classes[tied] = np.where(is_most[tied], rng.random((len(tied), proba.shape[1])), -1.0).argmax(axis=1)
    return classes
