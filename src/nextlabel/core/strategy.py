"""What a strategy is: it declares the signals it needs, reads them, and picks a batch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.signals import Signals
from nextlabel.maths.axes import Positions, Scores, checked_batch
from nextlabel.maths.ranking import top

__all__ = ["Picks", "Scorer", "Strategy"]


@final
@dataclass(frozen=True, eq=False)
class Picks:
    """A batch in the order wanted, and why where the method can say.

    Parameters
    ----------
    positions : array of int64, axes (b,)
        Distinct positions into the pool that was asked about, most wanted first.
    scores : array of float, axes (b,), optional
        The acquisition score of each pick, larger is more wanted.
    propensities : array of float, axes (b,), optional
        The probability with which each pick was drawn given those before it.
    value : float, optional
        An estimate of the mean score of the batch that does not profit from having picked the largest.
    """

    positions: Positions
    scores: NDArray[np.float64] | None = None
    propensities: NDArray[np.float64] | None = None
    value: float | None = None


class Strategy(ABC):
    """Picks a batch from what a model says of each item. Fields of a subclass are its hyperparameters."""

    exceptions: ClassVar[Mapping[str, str]] = {}
    """Promises of the contract that the method does not keep, each with the reason."""

    @property
    def is_random(self) -> bool:
        """Whether the picks depend on the generator beyond the breaking of ties."""
        return False

    @property
    @abstractmethod
    def needs(self) -> frozenset[str]:
        """The signals read of the unlabelled items."""

    @property
    def needs_labelled(self) -> frozenset[str]:
        """The signals read of the labelled items."""
        return frozenset()

    @property
    def opening(self) -> "Strategy":
        """The strategy to ask before anything is labelled: itself, unless a method has another for that."""
        return self

    @abstractmethod
    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """The next items to label, most wanted first.

        Parameters
        ----------
        signals : Signals
            Holds at least what `needs` names.
        batch : int
            How many, between 1 and the number of items.
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        Picks

        Raises
        ------
        BatchSizeError
            The batch is below 1 or above the number of items.
        MissingSignal
            A needed signal is neither given nor derivable.
        """


class Scorer(Strategy):
    """A strategy that gives every item one number; larger is more wanted."""

    @property
    def lowest(self) -> float:
        """A number that no score is below: 0, unless a method says otherwise.

        Minus infinity where there is none. Methods that draw items in proportion to their scores
        measure the scores from here.
        """
        return 0.0

    @abstractmethod
    def score(self, signals: Signals, rng: np.random.Generator) -> Scores:
        """The acquisition score of each item.

        Parameters
        ----------
        signals : Signals
            Holds at least what `needs` names.
        rng : numpy.random.Generator
            For scores that are estimates; most leave it alone.

        Returns
        -------
        array of float, axes (n,)
            Finite; larger is more wanted.
        """

    @final
    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """The items of the largest scores, equal scores in random order."""
        checked_batch(batch, signals.n)
        scores = np.asarray(self.score(signals, rng), dtype=np.float64)
        positions = top(scores, batch, rng=rng)
        return Picks(positions, scores=scores[positions])
