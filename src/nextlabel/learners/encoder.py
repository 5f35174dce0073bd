"""What turns items into features without their labels: settings, and what was learnt of some items."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from nextlabel.maths.axes import Array

__all__ = ["Encoder", "Passes", "Reader"]

Passes = Callable[[], Iterator[Array]]
"""Each call goes once over the items to learn of, in pieces, always in the same order."""


class Reader(ABC):
    """Turns items into features, the same way for all."""

    @abstractmethod
    def rows(self, items: Array) -> Any:
        """What a classifier reads: a dense array or a sparse matrix, axes (n, d), or dense (n, ...).

        Raises
        ------
        LearnerError
            Items of another kind than the features are made of.
        """

    def dense(self, rows: Any) -> Array:
        """What a network reads, and the embedding: an array of float32, axes (n, d), of such rows."""
        array: Array = rows
        return array


class Encoder(ABC):
    """How features are made: a value, the settings and nothing else."""

    piece: ClassVar[int] = 4096
    """How many items are read at once at most: fewer where each takes long, so that progress is told."""

    def require(self, items: Array) -> None:  # noqa: B027 (most have nothing to refuse)
        """Refuse what cannot work here, before anything depends on it: a library or a file that is missing.

        Parameters
        ----------
        items : array
            One of those that are to be encoded, or a few.

        Raises
        ------
        LearnerError, MissingExtra
            These features cannot be made of these items on this machine.
        """

    @abstractmethod
    def learnt(self, passes: Passes) -> dict[str, Array]:
        """What must be known of the items, as arrays that can be saved.

        Parameters
        ----------
        passes : callable
            Goes over the items.

        Returns
        -------
        dict of str to array
            A function of the settings and of what these items hold, and of nothing else: neither of their
            ids, nor of other items, nor of a generator. What needs a random start derives it from them.

        Raises
        ------
        LearnerError
            Items that such features cannot be made of.
        """

    @abstractmethod
    def reader(self, learnt: Mapping[str, Array]) -> Reader:
        """What makes features with that knowledge."""

    def portable(self, learnt: Mapping[str, Array]) -> Any:
        """The same as a fitted transformer of scikit-learn's public classes; None where there is none."""
        return None
