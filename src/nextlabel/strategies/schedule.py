"""Schedule: another method after a given number of labels."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, cast, final

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import ParameterError
from nextlabel.maths.axes import checked_batch
from nextlabel.maths.parameters import checked_whole, settle

__all__ = ["Schedule"]


@final
@dataclass(frozen=True)
class Schedule(Strategy):
    """Prefers what its first method prefers, then its next one, by the count of labels; needs what all do.

    Parameters
    ----------
    of : tuple of Strategy
        The methods in the order of use; a list in a specification.
    after : tuple of int
        With how many labels each method but the first begins: increasing, from 1.

    Raises
    ------
    ParameterError
        Fewer than two methods, something else than strategies, or numbers that are not one for each method
        but the first, or that do not increase.

    Notes
    -----
    The count of labels is that of the class counts, or of the labelled rows where there are more of those.
    Nothing else is remembered: a campaign that is closed, opened again or corrected goes on with
    the method that its labels call for. The signals needed are those of all methods together, at every count;
    before there is any label, those of the first.
    The picks, scores and propensities are those of the method in use: where it changes, so does the unit of
    the scores. Time and memory are those of one method, and O(c).

    Fails where labels are no measure of how far a model has come: the right number depends on the data, and
    so far on experience.

    References
    ----------
    Hacohen, Dekel, Weinshall. Active learning on a budget: opposite strategies suit high and low budgets.
    ICML 2022.

    Examples
    --------
    >>> from nextlabel import select
    >>> proba = [[0.9, 0.1], [0.5, 0.5], [0.7, 0.3]]
    >>> method = {"name": "schedule", "of": ["random", "margin"], "after": [2]}
    >>> select(method, proba=proba, labels=[0, 1], batch=1, seed=0)
    array([1])
    """

    is_random: ClassVar[bool] = True

    of: tuple[Strategy, ...]
    after: tuple[int, ...]

    def __post_init__(self) -> None:
        methods = cast(object, self.of)
        right = isinstance(methods, tuple | list) and all(isinstance(one, Strategy) for one in methods)
        if not right or len(self.of) < 2:
            message = (
                "Schedule's 'of' must be a list of two strategies or more, one after another; "
                f"received {self.of!r}. Use for example ['typiclust', 'badge']."
            )
            raise ParameterError(message)
        settle(self, {"of": tuple(self.of), "after": self._checked_counts(self.after)})

    def _checked_counts(self, given: object) -> tuple[int, ...]:
        expected = f"{len(self.of) - 1} increasing whole number{'s' if len(self.of) > 2 else ''} from 1 up"
        if isinstance(given, tuple | list) and len(given) == len(self.of) - 1:
            counts = tuple(checked_whole(one, "after", least=1, of="Schedule") for one in given)
            if all(one < other for one, other in pairwise(counts)):
                return counts
        message = (
            f"Schedule's 'after' must be {expected}, the counts of labels with which each strategy but the "
            f"first begins; received {given!r}. "
            f"Give for example {[100 * 2**k for k in range(len(self.of) - 1)]}."
        )
        raise ParameterError(message)

    @property
    def needs(self) -> frozenset[str]:
        """What any of the methods needs."""
        return frozenset[str]().union(*(one.needs for one in self.of))

    @property
    def needs_labelled(self) -> frozenset[str]:
        """What any of the methods needs of the labelled rows."""
        return frozenset[str]().union(*(one.needs_labelled for one in self.of))

    @property
    def opening(self) -> Strategy:
        """The first method, which may need less than all of them together."""
        return self.of[0].opening

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """The picks of the method that is due."""
        checked_batch(batch, signals.n)
        several = signals.labels is not None and signals.labels.ndim == 2  # an item counts for each class
        labels = (
            len(signals.labels) if several and signals.labels is not None else int(signals.class_counts.sum())
        )
        if signals.labelled is not None:
            labels = max(labels, signals.labelled.n)
        return self.of[bisect_right(self.after, labels)].pick(signals, batch, rng)
