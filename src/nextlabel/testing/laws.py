"""What a method should pick, in its plainest form: the law of the next pick, given the picks before it.

NumPy alone: a definition must be right at a glance, not fast.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.maths.axes import Array

__all__ = ["SIZES", "Definition", "Question", "Sizes", "Weights", "first_of", "uniform"]

Weights = NDArray[np.float64]
Sizes = Mapping[str, int]
"""How many items ("n"), classes ("c"), draws ("m"), features ("d", "r"), picks ("b"), labelled rows ("l")."""

SIZES: Sizes = MappingProxyType({"n": 3000, "c": 10, "m": 8, "d": 32, "b": 10, "l": 20})
"""The question on which memory is measured, unless a definition says otherwise."""

_TIE = 1e-9


@final
@dataclass(frozen=True, eq=False)
class Question:
    """Arrays as `nextlabel.select` takes them, and how many picks are wanted.

    Parameters
    ----------
    signals : mapping of str to array
        What a model says of the n unlabelled items.
    batch : int
        Between 1 and n.
    labelled : mapping of str to array, optional
        Signals of the labelled rows.
    labels : array of int, axes (labelled,), optional
        Class indices of the labelled rows.
    """

    signals: Mapping[str, Array]
    batch: int
    labelled: Mapping[str, Array] | None = None
    labels: Array | None = None

    @property
    def n(self) -> int:
        """Number of unlabelled items."""
        return len(next(iter(self.signals.values())))


@final
@dataclass(frozen=True, eq=False)
class Definition:
    """The plain definition of a method, against which any implementation of it can be held.

    One of `weights` and `worth` is given. `weights` is for methods that pick one after another: it says how
    probable each item is as the next pick. `worth` is for methods that look for the best whole batch: it says
    what a batch is worth, and the best one is found by trying all.

    Parameters
    ----------
    name : str
        The registered name.
    needs, needs_labelled : frozenset of str
        Signals read of the unlabelled items, and of the labelled rows.
    weights : callable, optional
        From a question and the picks so far (a sequence of positions) to an array (n,): zero for what cannot
        come next (what was picked before among it), else in proportion to its probability. Equal weights are
        ties. Where `is_law` is false only zero or not zero counts.
    worth : callable, optional
        From a question and the positions of a batch to a number, larger is better; minus infinity for a batch
        that must not come at all.
    is_law : bool
        Whether weights are probabilities, or only say what is admissible.
    questions : callable, optional
        From a generator to questions that suit the method, smallest first; by rule from the table of signals
        when left out.
    further : callable, optional
        From a generator to questions beside those by rule, for what does not act on small random pools: a
        filter, a budget, a cap.
    share : float
        For `worth`: how much of the way from the worst batch to the best must be reached.
    often : float
        For how large a share of seeds picks must have weight: below one for methods that train a model by
        chance, and may miss what they look for.
    reads_labels : bool
        Whether the classes of the labelled rows matter.
    is_scale_free : bool
        Whether multiplying all features by one positive number leaves the law alone. Such a method is also
        asked about features whose squares leave float32, and about features far from the origin.
    parameters : mapping of str to Any
        Parameters, other than its defaults, with which an implementation must be set up to be held against
        this definition: those that a wrapper cannot do without, or that fix what is else found by chance.
    moderate : mapping of str to int
        Sizes of the question on which memory is measured, where the ordinary ones (`SIZES`) take too long.
    """

    name: str
    needs: frozenset[str]
    needs_labelled: frozenset[str] = frozenset()
    weights: Callable[[Question, Sequence[int]], Weights] | None = None
    worth: Callable[[Question, Sequence[int]], float] | None = None
    is_law: bool = True
    questions: Callable[[np.random.Generator], Iterable[Question]] | None = None
    further: Callable[[np.random.Generator], Iterable[Question]] | None = None
    share: float = 1.0
    often: float = 1.0
    reads_labels: bool = False
    is_scale_free: bool = False
    parameters: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    moderate: Sizes = field(default_factory=lambda: SIZES)


def first_of(scores: ArrayLike, picked: Sequence[int] = (), *, slack: float = 0.0) -> Weights:
    """One for each item of the largest score among those not picked, zero for the others.

    Scores that differ by less than a billionth of the largest in size count as equal.

    Parameters
    ----------
    scores : array of float, axes (n,)
        Larger is more wanted; minus infinity is never wanted.
    picked : sequence of int
        What is no longer to be had.
    slack : float
        Scores that differ by no more than this count as equal too: the rounding of sums that cancel.

    Returns
    -------
    array of float, axes (n,)

    Examples
    --------
    >>> first_of([3.0, 1.0, 3.0, 2.0]).tolist(), first_of([3.0, 1.0, 3.0, 2.0], [0, 2]).tolist()
    ([1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0])
    """
    left = np.array(scores, np.float64)
    left[list(picked)] = -np.inf
    finite = np.abs(left[np.isfinite(left)])
    slack = max(slack, _TIE * (finite.max() if len(finite) else 0.0))
    wanted: Weights = ((left >= left.max() - slack) & np.isfinite(left)).astype(np.float64)
    return wanted


def uniform(n: int, picked: Sequence[int] = ()) -> Weights:
    """One for each item not picked.

    Examples
    --------
    >>> uniform(3, [1]).tolist()
    [1.0, 0.0, 1.0]
    """
    weights = np.ones(n)
    weights[list(picked)] = 0.0
    return weights
