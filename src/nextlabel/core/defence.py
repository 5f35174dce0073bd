"""What a defence is: it changes a message before it leaves the client."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from nextlabel.core.disclosure import Array, Disclosure

__all__ = ["Defence", "changed", "length_of"]


class Defence(ABC):
    """Changes a message before it leaves the client; what comes back has the same kind, names and shapes.

    An attack is not told of it unless its knowledge says so. A defence is a value: equal parameters, equal
    defences. ``str`` writes one so that `parse` reads it.
    """

    name: ClassVar[str]
    """Its registered name."""

    @property
    @abstractmethod
    def strength(self) -> float | None:
        """What is varied: a larger one hides more. None where there is nothing to vary."""

    @property
    @abstractmethod
    def sentence(self) -> str:
        """What it does, for a reader of the report, with its numbers and what they mean."""

    @abstractmethod
    def apply(self, disclosure: Disclosure, rng: np.random.Generator) -> Disclosure:
        """The message as it is sent.

        Parameters
        ----------
        disclosure : Disclosure
            The message as it was computed; it is not changed.
        rng : numpy.random.Generator
            The only source of randomness.
        """

    def __str__(self) -> str:
        return self.name if self.strength is None else f"{self.name}:{self.strength!r}"


def changed(disclosure: Disclosure, change: Callable[[Array], Array]) -> Disclosure:
    """The message with every array changed, each in the precision it came in.

    Parameters
    ----------
    disclosure : Disclosure
        It is not written to.
    change : callable
        Takes an array and gives one of the same shape.

    Examples
    --------
    >>> message = Disclosure("full", {"bias": np.ones(2, np.float32)}, items=1)
    >>> changed(message, np.negative)["bias"]
    array([-1., -1.], dtype=float32)
    """
    arrays = {name: change(one).astype(one.dtype) for name, one in disclosure.arrays.items()}
    return Disclosure(disclosure.kind, arrays, disclosure.items)


def length_of(disclosure: Disclosure) -> float:
    """The length of a message: the root of the sum of the squares of all its numbers.

    Examples
    --------
    >>> length_of(Disclosure("full", {"weight": np.array([[3.0]]), "bias": np.array([4.0])}, items=1))
    5.0
    """
    return float(np.sqrt(sum(np.sum(one.astype(np.float64) ** 2) for one in disclosure.arrays.values())))
