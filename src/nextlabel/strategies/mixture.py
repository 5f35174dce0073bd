"""Mixture: several methods share the places of a batch."""

from dataclasses import dataclass, replace
from typing import ClassVar, cast, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import ParameterError
from nextlabel.maths.axes import checked_batch
from nextlabel.maths.parameters import checked_number, settle

__all__ = ["Mixture", "places"]


def places(weights: ArrayLike, batch: int, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Which part each place of a batch is given to.

    Parameters
    ----------
    weights : array of float, axes (k,)
        Above 0; only their ratios count.
    batch : int
        How many places, from 1.
    rng : numpy.random.Generator
        Rounds the shares, and orders places that are equally due.

    Returns
    -------
    array of int64, axes (b,)
        Positions of parts.

    Notes
    -----
    A part whose share of the batch is q places has ⌊q⌋ or ⌈q⌉ of them, and q on average (systematic
    sampling: one uniform number for all parts). The i-th of its m places is due at (i + ½)/m of
    the batch, so that parts alternate. Time O(b log b).

    References
    ----------
    Madow. On the theory of systematic sampling, II. Annals of Mathematical Statistics 20, 1949.

    Examples
    --------
    >>> places([3, 1], 8, rng=np.random.default_rng(0)).tolist()
    [0, 0, 1, 0, 0, 1, 0, 0]
    """
    shares = np.asarray(weights, np.float64)
    upto = np.cumsum(shares / shares.max())
    upto = batch * (upto / upto[-1])  # the last is the batch, to the bit
    counts = np.diff(np.ceil(upto - rng.random()), prepend=0.0).astype(np.int64)
    part = np.repeat(np.arange(len(counts)), counts)
    nth = np.arange(batch) - np.repeat(np.cumsum(counts) - counts, counts)
    return part[np.lexsort((rng.random(batch), (nth + 0.5) / counts[part]))]


@final
@dataclass(frozen=True)
class Mixture(Strategy):
    """Prefers what its methods prefer, each for its share of the batch; needs and costs what all do.

    Parameters
    ----------
    of : tuple of Strategy
        The methods; a list in a specification.
    weights : tuple of float, optional
        One above 0 for each method, for example ``[3, 1]``; equal ones when left out.

    Raises
    ------
    ParameterError
        No methods, something else than strategies, or weights that are not a finite number above 0 for each.

    Notes
    -----
    A method whose share is q of the b places has ⌊q⌋ or ⌈q⌉ of them and q on average, spread over the
    batch: over many batches of one item each has its share too. A place takes the first of its method's
    picks that no place before has taken. Each method that has a place is asked for b items, from a random
    stream of its own. That is always enough: when a place is filled, at most b − 1 items are taken, so one
    of the b is left. Methods do not know what the others pick.

    Scores are left out: those of different methods have different units. So are propensities: an
    item may come from any method. Time that of all methods and O(b log b); memory that of the largest, and
    O(b).

    Fails where one of its methods fails, by that method's share of the labels.

    References
    ----------
    Baram, El-Yaniv, Luz. Online choice of active learning algorithms. JMLR 5, 2004; with fixed shares here.

    Examples
    --------
    >>> from nextlabel import select
    >>> proba = [[0.9, 0.1], [0.5, 0.5], [0.7, 0.3]]
    >>> method = {"name": "mixture", "of": ["margin", "random"], "weights": [3, 1]}
    >>> 1 in select(method, proba=proba, batch=2, seed=0)
    True
    """

    is_random: ClassVar[bool] = True

    of: tuple[Strategy, ...]
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        methods = cast(object, self.of)
        right = isinstance(methods, tuple | list) and all(isinstance(one, Strategy) for one in methods)
        if not right or not self.of:
            message = (
                "Mixture's 'of' must be a list of strategies, which share the batch; "
                f"received {self.of!r}. Use for example ['badge', 'random']."
            )
            raise ParameterError(message)
        settle(self, {"of": tuple(self.of)})
        if self.weights is not None:
            settle(self, {"weights": self._checked_weights(self.weights)})

    def _checked_weights(self, given: object) -> tuple[float, ...]:
        if not isinstance(given, tuple | list) or len(given) != len(self.of):
            message = (
                f"Mixture's 'weights' must be {len(self.of)} numbers, one for each strategy; "
                f"received {given!r}. Give for example {[1] * len(self.of)}."
            )
            raise ParameterError(message)
        advice = "Leave a strategy out that shall have no place."
        return tuple(checked_number(one, "weights", above=0, of="Mixture", advice=advice) for one in given)

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
        """The same with the methods' own openings, where they have others."""
        first = tuple(one.opening for one in self.of)
        is_same = all(one is other for one, other in zip(first, self.of, strict=True))
        return self if is_same else replace(self, of=first)

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """The methods' picks in turn, each item once."""
        checked_batch(batch, signals.n)
        weights = (1.0,) * len(self.of) if self.weights is None else self.weights
        due = places(weights, batch, rng=rng)
        streams = rng.spawn(len(self.of))
        wanted = {
            part: iter(self.of[part].pick(signals, batch, streams[part]).positions.tolist())
            for part in np.unique(due).tolist()
        }
        taken: dict[int, None] = {}
        for part in due.tolist():
            taken[next(position for position in wanted[part] if position not in taken)] = None
        return Picks(np.array(list(taken), np.int64))
