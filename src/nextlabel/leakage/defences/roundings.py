"""Fewer bits for the numbers of a message: half precisions and eight bits."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from nextlabel.core.defence import Defence, changed
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.errors import DisclosureError
from nextlabel.maths.parameters import checked_flag, settle

__all__ = ["BFloat16", "Float16", "Int8"]


@dataclass(frozen=True)
class _Rounded(Defence, ABC):
    largest: ClassVar[float]
    digits: ClassVar[str]

    @property
    def strength(self) -> None:
        """There is nothing to vary."""
        return

    @property
    def sentence(self) -> str:
        """The format, and that it hides nothing by intent."""
        return f"Every number is rounded to {self.name}, of {self.digits}, to the nearest."

    def apply(self, disclosure: Disclosure, rng: np.random.Generator) -> Disclosure:
        """The message rounded, in arrays of the precision it came in."""
        for name, one in disclosure.arrays.items():
            largest = float(np.abs(one).max(initial=0.0))
            if largest > self.largest:
                message = (
                    f"{self.name} holds numbers up to {self.largest:g}; the array {name!r} goes to "
                    f"{largest:g}. Divide the loss by a number first, or choose another format."
                )
                raise DisclosureError(message)
        return changed(disclosure, self._rounded)

    @abstractmethod
    def _rounded(self, array: Array) -> Array:
        """Each number as the format holds it."""


@final
@dataclass(frozen=True)
class Float16(_Rounded):
    """Rounds every number to IEEE half precision.

    Examples
    --------
    >>> message = Disclosure("full", {"bias": np.array([0.1])}, items=1)
    >>> float(Float16().apply(message, np.random.default_rng(0))["bias"][0])
    0.0999755859375
    """

    name: ClassVar[str] = "float16"
    largest: ClassVar[float] = 65504.0
    digits: ClassVar[str] = "11 binary digits"

    def _rounded(self, array: Array) -> Array:
        return array.astype(np.float16)


@final
@dataclass(frozen=True)
class BFloat16(_Rounded):
    """Rounds every number to bfloat16, which has the range of float32 and a third of its digits.

    Examples
    --------
    >>> message = Disclosure("full", {"bias": np.array([0.1])}, items=1)
    >>> float(BFloat16().apply(message, np.random.default_rng(0))["bias"][0])
    0.10009765625
    """

    name: ClassVar[str] = "bfloat16"
    largest: ClassVar[float] = 3.3895313892515355e38
    digits: ClassVar[str] = "8 binary digits"

    def _rounded(self, array: Array) -> Array:
        bits = array.astype(np.float32).view(np.uint32)
        # half of what is cut off, less one where the last kept digit is even: ties go to even ones
        half = np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
        return ((bits + half) & np.uint32(0xFFFF0000)).view(np.float32)


@final
@dataclass(frozen=True)
class Int8(Defence):
    """Rounds each array to 255 equally spaced numbers, from minus to plus its largest magnitude.

    Parameters
    ----------
    is_stochastic : bool
        Whether a number is rounded up with the probability by which it lies above the lower neighbour, so
        that it is kept on average; else to the nearest, of two equally near to the even multiple.

    Raises
    ------
    ParameterError
        Neither True nor False.

    Examples
    --------
    >>> message = Disclosure("full", {"bias": np.array([127.0, 3.4, -0.6])}, items=1)
    >>> Int8().apply(message, np.random.default_rng(0))["bias"].tolist()
    [127.0, 3.0, -1.0]
    """

    is_stochastic: bool = False

    name: ClassVar[str] = "int8"

    def __post_init__(self) -> None:
        settle(self, {"is_stochastic": checked_flag(self.is_stochastic, "is_stochastic", of=self.name)})

    @property
    def strength(self) -> None:
        """There is nothing to vary."""
        return

    @property
    def sentence(self) -> str:
        """The steps, and how numbers between them are rounded."""
        how = (
            "up or down at random, so that they are kept on average"
            if self.is_stochastic
            else "to the nearest"
        )
        return (
            "Each array is sent as whole numbers from -127 to 127 times one step, its largest magnitude over "
            f"127; numbers are rounded {how}."
        )

    def apply(self, disclosure: Disclosure, rng: np.random.Generator) -> Disclosure:
        """The message rounded, in arrays of the precision it came in."""

        def rounded(one: Array) -> Array:
            step = float(np.abs(one).max(initial=0.0)) / 127
            if step == 0.0:  # of zeros, or of numbers too small to be told from them
                return np.zeros_like(one)
            units = one.astype(np.float64) / step
            whole = np.floor(units + rng.random(one.shape)) if self.is_stochastic else np.rint(units)
            return np.clip(whole, -127, 127) * step

        return changed(disclosure, rounded)

    def __str__(self) -> str:
        return "int8:stochastic" if self.is_stochastic else "int8"
