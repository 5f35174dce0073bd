"""Noise on a message before it is sent, with and without a limit on the length of what it hides."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, final

import numpy as np

from nextlabel.core.defence import Defence, changed, length_of
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.errors import DisclosureError
from nextlabel.maths.parameters import checked_flag, checked_number, settle

__all__ = ["Gaussian", "Laplace", "Private"]


@dataclass(frozen=True)
class _Noise(Defence, ABC):
    scale: float = 1e-3
    is_relative: bool = False

    def __post_init__(self) -> None:
        advice = "Give a standard deviation, for example 1e-3."
        settle(self, {"scale": checked_number(self.scale, "scale", above=0, of=self.name, advice=advice)})
        settle(self, {"is_relative": checked_flag(self.is_relative, "is_relative", of=self.name)})

    @property
    def strength(self) -> float:
        """The standard deviation."""
        return self.scale

    @property
    def sentence(self) -> str:
        """The law, its standard deviation, and what that is measured against."""
        against = (
            f"{self.scale:.3g} of the root mean square of the message's numbers"
            if self.is_relative
            else f"{self.scale:.3g}, whatever the size of the message's numbers"
        )
        return (
            f"{self.name.capitalize()} noise is added to every number; its standard deviation is {against}."
        )

    def apply(self, disclosure: Disclosure, rng: np.random.Generator) -> Disclosure:
        """The message plus noise, drawn array by array."""
        rms = length_of(disclosure) / np.sqrt(disclosure.size)
        deviation = self.scale * (rms if self.is_relative else 1.0)
        return changed(disclosure, lambda one: one + deviation * self._drawn(one.shape, rng))

    @abstractmethod
    def _drawn(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Numbers of mean 0 and variance 1."""

    def __str__(self) -> str:
        percent = Decimal(repr(self.scale)).scaleb(2).normalize()
        return f"{self.name}:{percent:f}%" if self.is_relative else super().__str__()


@final
@dataclass(frozen=True)
class Gaussian(_Noise):
    """Adds normal noise to every number of the message.

    Parameters
    ----------
    scale : float
        The standard deviation (not the variance), above 0.
    is_relative : bool
        Whether it is a share of the root mean square of all numbers of the message.

    Raises
    ------
    ParameterError
        A scale that is not above 0.

    Notes
    -----
    By itself it bounds nothing: without a limit on the length of each item's gradient there is no epsilon.
    See `Private`.

    Examples
    --------
    >>> message = Disclosure("full", {"bias": np.zeros(3)}, items=1)
    >>> Gaussian(1e-3).apply(message, np.random.default_rng(0))["bias"].shape
    (3,)
    """

    name: ClassVar[str] = "gaussian"

    def _drawn(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return rng.normal(size=shape)


@final
@dataclass(frozen=True)
class Laplace(_Noise):
    """Adds Laplace noise to every number of the message.

    Parameters
    ----------
    scale : float
        The standard deviation, above 0: √2 times the parameter b of the law.
    is_relative : bool
        Whether it is a share of the root mean square of all numbers of the message.

    Raises
    ------
    ParameterError
        A scale that is not above 0.

    Examples
    --------
    >>> print(Laplace(0.1, is_relative=True))
    laplace:10%
    """

    name: ClassVar[str] = "laplace"

    def _drawn(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return rng.laplace(scale=1 / np.sqrt(2), size=shape)


@final
@dataclass(frozen=True)
class Private(Defence):
    """Clips the message of one item to a length and adds normal noise: the Gaussian mechanism.

    Parameters
    ----------
    noise : float
        The standard deviation of the noise in units of ``clip``, above 0.
    clip : float
        The largest length of the whole message, above 0.

    Raises
    ------
    ParameterError
        Noise or a length that is not above 0.

    Notes
    -----
    Of a message of several items it cannot be told what each brought, so `apply` refuses it; a client that
    holds the items clips each by itself: `nextlabel.leakage.defences.private.private_message`, which for
    one item is the same law. What it bounds: `nextlabel.leakage.defences.accounting.epsilon`.

    References
    ----------
    Abadi et al. Deep learning with differential privacy. CCS 2016. Algorithm 1.

    Examples
    --------
    >>> Private(1.1, clip=0.5).sentence
    'The length of each gradient is cut to 0.5, and normal noise of standard deviation 0.55 is added.'
    """

    noise: float = 1.0
    clip: float = 1.0

    name: ClassVar[str] = "private"

    def __post_init__(self) -> None:
        for field, value in (("noise", self.noise), ("clip", self.clip)):
            number = checked_number(value, field, above=0, of="private", advice="Give for example 1.0.")
            settle(self, {field: number})

    @property
    def strength(self) -> float:
        """The noise in units of the length."""
        return self.noise

    @property
    def sentence(self) -> str:
        """The length, and the standard deviation of the noise in plain units."""
        return (
            f"The length of each gradient is cut to {self.clip:.3g}, and normal noise of standard deviation "
            f"{self.noise * self.clip:.3g} is added."
        )

    def apply(self, disclosure: Disclosure, rng: np.random.Generator) -> Disclosure:
        """The message of one item, clipped and noised.

        Raises
        ------
        DisclosureError
            It speaks of several items.
        """
        if disclosure.items != 1:
            message = (
                f"Clipping needs the gradient of each item; the message joins {disclosure.items} of them. "
                "Make it with nextlabel.leakage.defences.private.private_message, or send one item at a time."
            )
            raise DisclosureError(message)
        length = length_of(disclosure)
        factor = min(1.0, self.clip / length) if length else 1.0
        deviation = self.noise * self.clip
        return changed(disclosure, lambda one: factor * one + deviation * rng.normal(size=one.shape))

    def __str__(self) -> str:
        return super().__str__() + ("" if self.clip == 1.0 else f":{self.clip!r}")
