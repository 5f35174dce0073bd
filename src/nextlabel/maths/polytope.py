"""The polytope of relaxed batches: so many items in all, each in at most one class, classes with a cap."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Polytope", "best_vertex", "class_cap", "largest_first"]

_Floats = NDArray[np.float64]
_Whole = NDArray[np.int64]

_ROUNDING = 1e-9  # shares are decimal: (1/3 + 0.1) · 30 is 13


def class_cap(batch: int, classes: int, slack: float) -> int:
    """How many items of one batch may be guessed to be of one class.

    Parameters
    ----------
    batch : int
        b, from 1.
    classes : int
        K, from 2.
    slack : float
        ε, from 0: how far the share of a class may lie above 1/K.

    Returns
    -------
    int
        Between 1 and b; b is no cap at all.

    Notes
    -----
    ⌊(1/K + ε)·b⌋, and ⌈b/K⌉ where K of these are fewer than b. With fewer items than classes, ε is 1 − 1/K.

    References
    ----------
    Guo, Schuurmans. Discriminative batch mode active learning. NeurIPS 2007. Section 4.

    Examples
    --------
    >>> class_cap(10, 2, 0.1), class_cap(5, 2, 0.0), class_cap(2, 3, 0.1), class_cap(1, 2, 0.1)
    (6, 3, 2, 1)
    """
    if batch < classes:
        return batch
    floor = int(np.floor(min(1.0, 1.0 / classes + slack) * batch + _ROUNDING))
    return min(batch, max(floor, -(-batch // classes)))


@final
@dataclass(frozen=True)
class Polytope:
    """Matrices of axes (n, k), entries from 0, rows of sum at most 1, columns at most `cap`, `total` in all.

    Its corners are matrices of 0 and 1: batches with a guessed class for each item.

    Parameters
    ----------
    items, classes : int
        n and k.
    total : int
        b, between 1 and n.
    cap : int
        Between ⌈b/k⌉ and b; b is no cap at all.

    Examples
    --------
    >>> Polytope(4, 2, total=2, cap=2).even()[0].tolist()
    [0.25, 0.25]
    """

    items: int
    classes: int
    total: int
    cap: int

    @property
    def is_capped(self) -> bool:
        """Whether the cap takes anything away."""
        return self.cap < self.total

    def even(self) -> _Floats:
        """The matrix whose entries are all equal."""
        return np.full((self.items, self.classes), self.total / (self.items * self.classes))

    def corner(self, items: _Whole, classes: _Whole) -> _Floats:
        """The matrix of a batch and its guessed classes."""
        matrix = np.zeros((self.items, self.classes))
        matrix[items, classes] = 1.0
        return matrix

    def excess(self, point: _Floats) -> float:
        """By how much the worst of the constraints is broken; 0 inside.

        Examples
        --------
        >>> box = Polytope(2, 2, total=1, cap=1)
        >>> box.excess(np.array([[1.0, 0.0], [0.0, 0.0]])), box.excess(np.array([[1.0, 0.5], [0.0, 0.0]]))
        (0.0, 0.5)
        """
        broken = (
            -float(point.min()),
            float(point.sum(axis=1).max()) - 1.0,
            float(point.sum(axis=0).max()) - self.cap if self.is_capped else 0.0,
            abs(float(point.sum()) - self.total),
        )
        return max(0.0, *broken)


def largest_first(polytope: Polytope, point: _Floats, worth: _Floats) -> tuple[_Whole, _Whole]:
    """A batch near a relaxed one: its largest entries whose item is unused and whose class is not full.

    Parameters
    ----------
    polytope : Polytope
    point : array of float64, axes (n, k)
        The relaxed batch.
    worth : array of float64, axes (n, k)
        Larger first among equal entries; then the first in the order of the items.

    Returns
    -------
    items, classes : arrays of int64, axes (b,)
        In the order taken. A corner of the polytope gives itself.

    Notes
    -----
    It never gets stuck: there are b items or more, and k·cap is b or more. Time O(n·k·log(n·k)).

    Examples
    --------
    >>> relaxed = np.array([[0.5, 0.4], [0.6, 0.0], [0.1, 0.4]])
    >>> items, classes = largest_first(Polytope(3, 2, total=2, cap=1), relaxed, relaxed)
    >>> items.tolist(), classes.tolist()
    ([1, 0], [0, 1])
    """
    order = np.lexsort((-worth.ravel(), -point.ravel()))
    room = np.full(polytope.classes, polytope.cap)
    is_free = np.ones(polytope.items, bool)
    items: list[int] = []
    classes: list[int] = []
    for entry in order.tolist():
        item, label = divmod(entry, polytope.classes)
        if is_free[item] and room[label] > 0:
            items.append(item)
            classes.append(label)
            is_free[item] = False
            room[label] -= 1
            if len(items) == polytope.total:
                break
    return np.array(items, np.int64), np.array(classes, np.int64)


def best_vertex(polytope: Polytope, gain: _Floats) -> tuple[_Whole, _Whole]:
    """The batch and classes of the largest sum of gains: the linear programme over the polytope, exactly.

    Parameters
    ----------
    polytope : Polytope
    gain : array of float64, axes (n, k)
        Of each item in each class; finite.

    Returns
    -------
    items, classes : arrays of int64, axes (b,)
        Of equal items the first in their order.

    Notes
    -----
    Where the best class of each of the best b items breaks no cap, they are the answer. Otherwise the
    transport problem is solved by the simplex method, whose corners are whole, on the b best items of each
    class: of any other item in a class, one of these b is unused and as good. Time O(n·k) and a programme
    of at most k·b variables; memory O(n·k).

    Examples
    --------
    >>> gain = np.array([[3.0, 2.9], [2.0, 0.0], [0.0, 1.0]])
    >>> items, classes = best_vertex(Polytope(3, 2, total=2, cap=1), gain)
    >>> sorted(zip(items.tolist(), classes.tolist()))
    [(0, 1), (1, 0)]
    """
    label = gain.argmax(axis=1)
    items = np.argsort(-gain.max(axis=1), kind="stable")[: polytope.total]
    if np.bincount(label[items], minlength=polytope.classes).max() <= polytope.cap:
        return items.astype(np.int64), label[items].astype(np.int64)
    return _transported(polytope, gain)


def _transported(polytope: Polytope, gain: _Floats) -> tuple[_Whole, _Whole]:
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    best = np.argsort(-gain, axis=0, kind="stable")[: polytope.total]
    items, labels = best.T.ravel(), np.repeat(np.arange(polytope.classes), polytope.total)
    used, rows = np.unique(items, return_inverse=True)
    one, pair = np.ones(len(items)), np.arange(len(items))
    limits = coo_array(
        (np.concatenate([one, one]), (np.concatenate([rows, len(used) + labels]), np.tile(pair, 2))),
        shape=(len(used) + polytope.classes, len(items)),
    )
    most = np.concatenate([np.ones(len(used)), np.full(polytope.classes, float(polytope.cap))])
    values = gain[items, labels]
    size = max(float(np.abs(values).max()), np.finfo(np.float64).tiny)
    solved = linprog(
        -values / size,
        A_ub=limits.tocsr(),
        b_ub=most,
        A_eq=one[None, :],
        b_eq=[float(polytope.total)],
        bounds=(0.0, 1.0),
        method="highs-ds",
    )
    chosen = np.flatnonzero(solved.x > 0.5)
    return items[chosen].astype(np.int64), labels[chosen].astype(np.int64)
