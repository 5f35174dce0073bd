"""What makes codes of items and items of codes: the seam between a generator and who trains on its items."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from nextlabel.errors import LearnerError
from nextlabel.maths.axes import Array, Labels

__all__ = ["Autoencoder", "Coder", "Fitted", "Identity", "IdentityCoder"]


@final
@dataclass(frozen=True)
class Fitted:
    """How the fit of an autoencoder ended.

    Parameters
    ----------
    epochs : int
        How many were run in this fit.
    losses : tuple of tuple of str and float
        Names of the parts of the loss, and their means over the last whole epoch; none where none was run.
    fault : str
        Why it is not to be used, in words; empty where it is.
    """

    epochs: int = 0
    losses: tuple[tuple[str, float], ...] = ()
    fault: str = ""


class Coder(ABC):
    """A fitted autoencoder: items to codes, and codes of a class to items."""

    @property
    @abstractmethod
    def fitted(self) -> Fitted:
        """How its fit ended."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """A digest of what it has learnt."""

    @abstractmethod
    def encode(self, items: Array) -> Array:
        """The codes of items, axes (n, d), without noise.

        Parameters
        ----------
        items : array, first axis n
            As the pool gives them.
        """

    @abstractmethod
    def decode(self, codes: Array, labels: Labels) -> Array:
        """Items of these codes and classes, first axis n, in the shape and type of the pool's.

        Parameters
        ----------
        codes : array, axes (n, d)
        labels : array of int64, axes (n,)
        """

    @abstractmethod
    def drawn(self, labels: Labels, rng: np.random.Generator) -> Array:
        """Items of these classes with codes from the prior, first axis n.

        Parameters
        ----------
        labels : array of int64, axes (n,)
        rng : numpy.random.Generator
        """

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write it to a file that `Autoencoder.load` reads."""


class Autoencoder(ABC):
    """How a coder is trained: a value that can be written down."""

    @property
    def has_prior(self) -> bool:
        """Whether its coders can draw items of a class."""
        return True

    @abstractmethod
    def check_items(self, items: Array) -> None:
        """Refuse items that it cannot be fitted to.

        Parameters
        ----------
        items : array, first axis n
            At least one, as the pool gives it.

        Raises
        ------
        LearnerError
            Items of another form.
        """

    @abstractmethod
    def fit(
        self, items: Array, labels: Labels, classes: int, rng: np.random.Generator, previous: Coder | None
    ) -> Coder:
        """A coder for these items.

        Parameters
        ----------
        items : array, first axis n
            All that have labels, at least one, as the pool gives them.
        labels : array of int64, axes (n,)
        classes : int
            How many there are, labelled or not.
        rng : numpy.random.Generator
            All randomness comes from here.
        previous : Coder or None
            That of the fit before, of this autoencoder, to go on from.

        Returns
        -------
        Coder
            One that must not be used says so in `Coder.fitted`; no error is raised for it.
        """

    @abstractmethod
    def load(self, path: Path) -> Coder:
        """The coder that `Coder.save` wrote there."""


@final
@dataclass(frozen=True)
class Identity(Autoencoder):
    """Gives every item back as it is: to train on each item labelled since the start twice.

    Notes
    -----
    The control for what a generator adds beyond the weight of a second item. Items must be numbers of one
    shape, as for any autoencoder, since the gates measure how far from one another items are.

    Examples
    --------
    >>> items = np.array([[1, 2], [3, 4]])
    >>> coder = Identity().fit(items, np.array([0, 1]), 2, np.random.default_rng(0), None)
    >>> coder.decode(coder.encode(items), np.array([0, 1])).tolist()
    [[1, 2], [3, 4]]
    """

    @property
    def has_prior(self) -> bool:
        """No: it knows no items but those given."""
        return False

    def check_items(self, items: Array) -> None:
        """Refuse what is no array of numbers.

        Raises
        ------
        LearnerError
            Items of another type, for example texts.
        """
        if items.dtype.kind not in "fiub":
            message = (
                "'identity' gives numbers back, between which distances can be told; received items of shape "
                f"{items.shape[1:]} and type {items.dtype}. Use generation='none', or the learner that is "
                "wrapped."
            )
            raise LearnerError(message)

    def fit(
        self, items: Array, labels: Labels, classes: int, rng: np.random.Generator, previous: Coder | None
    ) -> "IdentityCoder":
        """A coder that knows the shape of an item, and nothing else."""
        return IdentityCoder(items.shape[1:])

    def load(self, path: Path) -> "IdentityCoder":
        """The coder saved there."""
        return IdentityCoder(tuple(int(side) for side in Path(path).read_text("utf-8").split()))


@final
@dataclass(frozen=True)
class IdentityCoder(Coder):
    """Items as rows, and rows as items.

    Parameters
    ----------
    shape : tuple of int
        Of one item.
    """

    shape: tuple[int, ...]

    @property
    def fitted(self) -> Fitted:
        """No epoch was needed."""
        return Fitted()

    @property
    def fingerprint(self) -> str:
        """The shape, which is all there is."""
        return f"identity{self.shape}"

    def encode(self, items: Array) -> Array:
        """The items as rows."""
        return items.reshape(len(items), -1)

    def decode(self, codes: Array, labels: Labels) -> Array:
        """The rows as items."""
        return codes.reshape(len(codes), *self.shape)

    def drawn(self, labels: Labels, rng: np.random.Generator) -> Array:
        """Nothing can be drawn.

        Raises
        ------
        LearnerError
            Always: `Identity.has_prior` says so.
        """
        message = (
            f"Items from a prior need an autoencoder that has one; received 'identity', asked for "
            f"{len(labels)} items. Use 'vae_acgan', or generation='reconstruction'."
        )
        raise LearnerError(message)

    def save(self, path: Path) -> None:
        """Write the shape."""
        Path(path).write_text(" ".join(map(str, self.shape)), "utf-8")
