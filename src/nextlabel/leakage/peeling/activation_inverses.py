"""What went into an activation, from what came out, and how far that can be trusted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, final

import numpy as np
from torch import nn

from nextlabel.maths.axes import Bools, Floats

__all__ = ["Function", "Inverse", "inverse_of"]

Function = Callable[[Floats], Floats]

_SURE = 5.0  # a rectified value this many standard errors above 0 is taken to be active
_RARE = 0.1  # fewer units than this, as expected, are left to the check of the answer


@final
@dataclass(frozen=True, eq=False)
class Inverse:
    """An activation read backwards; its functions take the values that came out.

    Parameters
    ----------
    before : callable
        What went in.
    slope : callable
        The derivative of the activation there.
    bend : callable
        How fast the slope changes with the value that came out.
    low, high : float
        The values that come out lie between these.
    jump : float
        By how much the slope jumps at 0.
    is_rectifier : bool
        Whether everything below 0 comes out as 0.
    """

    before: Function
    slope: Function
    bend: Function
    low: float = -np.inf
    high: float = np.inf
    jump: float = 0.0
    is_rectifier: bool = False

    def read(
        self, value: Floats, error: Floats, is_up: Bools | None = None, *, is_doubting: bool = True
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """What went in, its standard error, the slope there, and the standard error of the slope.

        Parameters
        ----------
        value : array of float64
            What came out.
        error : array of float64
            Its standard error, above 0 and finite.
        is_up : array of bool, optional
            Whether what went in was above 0, where that is known.
        is_doubting : bool
            Whether the slope of a value within its error of a kink counts as unsure; otherwise the side on
            which the value lies is taken.

        Returns
        -------
        tuple of four arrays of float64
            The second is infinite on the flat part of a rectifier, of which nothing can be read.

        Notes
        -----
        A value within its error of the end of the range, as in saturation, is read as if it lay that far
        inside: what went in stays finite, and its error is large.
        """
        room = np.minimum(error, 0.25 * (self.high - self.low))
        inside = np.clip(value, self.low + room, self.high - room)
        if is_up is not None and self.jump:
            inside = np.where(is_up, np.maximum(inside, 0.0), np.minimum(inside, -1e-300))
            is_flat = ~is_up & self.is_rectifier
            jump = np.zeros_like(value)
        else:
            is_near = np.abs(value) < _SURE * error
            is_flat = (value < _SURE * error) & self.is_rectifier
            jump = self._unseen(value, error) if self.is_rectifier else np.where(is_near, self.jump, 0.0)
            jump = jump if is_doubting else np.zeros_like(value)
        slope = np.where(is_flat, 0.0, self.slope(inside))
        unsure = np.abs(self.bend(inside)) * room + jump
        with np.errstate(divide="ignore", over="ignore"):
            away = np.where(is_flat, np.inf, error / slope)
        return np.where(is_flat, 0.0, self.before(inside)), away, slope, np.minimum(unsure, 1.0)

    def _unseen(self, value: Floats, error: Floats) -> Floats:
        # a unit may be active by less than can be seen; how likely, from the size of those that can
        share = np.clip(_SURE * error / max(float(np.sqrt((value**2).mean())), 1e-300), 0.0, 1.0)
        is_near = value < _SURE * error
        expected = float(share[is_near].sum())
        return np.where(is_near, np.sqrt(share), 0.0) if expected > _RARE else np.zeros_like(value)


def inverse_of(module: nn.Module) -> Inverse | None:
    """The inverse of an activation, or None for one that has none.

    Parameters
    ----------
    module : torch.nn.Module
        ReLU, LeakyReLU, ELU, Sigmoid, Tanh, Softplus, or Softsign.

    Examples
    --------
    >>> before, _, slope, _ = inverse_of(nn.Sigmoid()).read(np.array([0.5]), np.array([1e-9]))
    >>> before.tolist(), slope.tolist()
    ([0.0], [0.25])
    """
    made = _INVERSES.get(type(module))
    return None if made is None else made(module)


def _zero(value: Floats) -> Floats:
    return np.zeros_like(value)


def _one(value: Floats) -> Floats:
    return np.ones_like(value)


def _same(value: Floats) -> Floats:
    return value


def _leaky(module: Any) -> Inverse | None:
    below = float(module.negative_slope)
    if below <= 0.0:
        return None

    def slope(value: Floats) -> Floats:
        return np.where(value < 0.0, below, 1.0)

    return Inverse(lambda value: value / slope(value), slope, _zero, jump=abs(1.0 - below))


def _elu(module: Any) -> Inverse | None:
    depth = float(module.alpha)
    if depth <= 0.0:
        return None

    def before(value: Floats) -> Floats:
        return np.where(value < 0.0, np.log1p(np.minimum(value, 0.0) / depth), value)

    return Inverse(
        before,
        lambda value: np.where(value < 0.0, value + depth, 1.0),
        lambda value: np.where(value < 0.0, 1.0, 0.0),
        low=-depth,
        jump=abs(1.0 - depth),
    )


def _softplus(module: Any) -> Inverse:
    beta = float(module.beta)
    return Inverse(
        lambda value: value + np.log(-np.expm1(-beta * value)) / beta,
        lambda value: -np.expm1(-beta * value),
        lambda value: beta * np.exp(-beta * value),
        low=0.0,
    )


def _sigmoid(_: nn.Module) -> Inverse:
    return Inverse(
        lambda value: np.log(value) - np.log1p(-value),
        lambda value: value * (1.0 - value),
        lambda value: 1.0 - 2.0 * value,
        low=0.0,
        high=1.0,
    )


def _tanh(_: nn.Module) -> Inverse:
    return Inverse(np.arctanh, lambda value: 1.0 - value**2, lambda value: 2.0 * value, low=-1.0, high=1.0)


def _softsign(_: nn.Module) -> Inverse:
    return Inverse(
        lambda value: value / (1.0 - np.abs(value)),
        lambda value: (1.0 - np.abs(value)) ** 2,
        lambda value: 2.0 * (1.0 - np.abs(value)),
        low=-1.0,
        high=1.0,
    )


def _relu(_: nn.Module) -> Inverse:
    return Inverse(_same, _one, _zero, low=0.0, jump=1.0, is_rectifier=True)


_INVERSES: Mapping[type[nn.Module], Callable[[nn.Module], Inverse | None]] = MappingProxyType(
    {
        nn.ELU: _elu,
        nn.LeakyReLU: _leaky,
        nn.ReLU: _relu,
        nn.Sigmoid: _sigmoid,
        nn.Softplus: _softplus,
        nn.Softsign: _softsign,
        nn.Tanh: _tanh,
    }
)
