"""The span of the items of a two-layer network's gradient: its rank, and the message seen in it."""

from dataclasses import dataclass
from typing import final

import numpy as np

from nextlabel.leakage.two_layer.fit import Reduced
from nextlabel.leakage.two_layer.network import TwoLayerMessage
from nextlabel.maths.axes import Floats
from nextlabel.maths.column_space import rank_of

__all__ = ["Span", "span_of"]


_ROUNDINGS = 300.0  # of the rounding unit of the message: what sums of it leave
_FLOOR = 1e-9
_NOISES = 2.0  # of the noise that the spectrum shows, which is that of the hidden gradient alone
_LEAST_TAIL = 8  # singular values that a noise floor is told by
_UNEVEN = 2.0  # times as much as independent noise: the noise of large entries may be larger
_OBLONG = 1.4  # root of the longer side over the shorter: below, noise ends near zero, as anything may
_STEP = 2.0  # to what is left over: more than a spectrum of full rank has before eight values or more
_LEAST_SPREAD = 1e-10  # of the largest: projected weights that do not spread cannot tell items apart


@final
@dataclass(frozen=True, eq=False)
class Span:
    """The dimensions that items span, in coordinates in which the weights have unit covariance.

    Parameters
    ----------
    basis : array of float64, axes (r, d)
        Orthonormal rows; d values of an item, and one more where there is a bias.
    spread : array of float64, axes (r, r)
        The symmetric root of the second moments of the projected weights.
    values : array of float64
        All singular values of the hidden gradient, from the largest.
    noise : float
        The length of the noise that the spectrum shows, as a share of that of the message.
    enough : float
        A residual that rounding and this noise explain.
    """

    basis: Floats
    spread: Floats
    values: Floats
    noise: float
    enough: float

    @property
    def rank(self) -> int:
        """How many independent items there are."""
        return len(self.basis)

    @property
    def gap(self) -> float | None:
        """The last singular value of the rank over the next; None where there is no next."""
        if self.rank >= len(self.values) or self.values[self.rank] == 0:
            return None
        return float(self.values[self.rank - 1] / self.values[self.rank])

    def items_of(self, coordinates: Floats) -> Floats:
        """Items from their coordinates, axes (b, d)."""
        return np.asarray(np.linalg.solve(self.spread, coordinates.T).T @ self.basis)

    def reduced(self, message: TwoLayerMessage) -> Reduced:
        """The message in these coordinates.

        Notes
        -----
        With P the basis and S the root, v_j = S⁻¹·P·w_j and u_i = S·P·x_i keep every v_j·u_i = w_j·x_i, and
        the rows of the gradient become S·P·G_j.
        """
        activation = message.activation
        free = "nothing"
        if activation.odd_about is not None:
            free = "constant" if activation.odd_about else "nothing"
        elif activation.even_but_for:
            free = "linear"
        return Reduced(
            np.asarray(np.linalg.solve(self.spread, (message.weights @ self.basis.T).T).T),
            message.head,
            message.head_gradient,
            message.hidden_gradient @ self.basis.T @ self.spread,
            activation,
            free,
        )


def span_of(message: TwoLayerMessage) -> Span | str:
    """The span of the items, or why the message does not show it.

    Notes
    -----
    The rank is read at the gap of the spectrum, as `nextlabel.maths.column_space.rank_of` reads it. Zero rows
    of the gradient, of units that no item wakes, are no harm.
    """
    if not message.length:
        return "the gradient is zero: it tells of no item"
    units, width = message.weights.shape
    _, values, right = np.linalg.svd(message.hidden_gradient, full_matrices=False)
    # values that are 0 in every item leave singular values of exactly 0 beyond those of rounding
    rank = rank_of(values, (units, width), message.precision)
    if rank == 0:
        return "no singular value of the hidden gradient stands above its noise"
    noise = _noise(message, values, rank)
    is_rounding = noise <= _ROUNDINGS * message.precision
    if rank >= min(units, width) or not (is_rounding or _is_noise(values, rank, units, width)):
        return (
            f"rank exhausted: the hidden gradient of {units} units and {width} values shows no end of its "
            "singular values, so that it does not tell how many items span it, nor which space they span"
        )
    basis = right[:rank]
    projected = message.weights @ basis.T
    moments, axes = np.linalg.eigh(projected.T @ projected / units)
    if moments[0] <= _LEAST_SPREAD * moments[-1]:
        return "the weights do not spread over the span of the items"
    enough = max(_ROUNDINGS * message.precision, _NOISES * noise, _FLOOR)
    return Span(basis, (axes * np.sqrt(moments)) @ axes.T, values, noise, enough)


def _noise(message: TwoLayerMessage, values: Floats, rank: int) -> float:
    """The noise of the message as a share of it, from what the rank leaves out of the hidden gradient.

    Noise is either as strong in every number of a message or as strong in every array of it, as a share of
    that array; the larger of both counts.
    """
    units, width = message.weights.shape
    entry = np.linalg.norm(values[rank:]) / np.sqrt(max((units - rank) * (width - rank), 1))
    size = units * (width + len(message.head)) + (0 if message.bias_gradient is None else len(message.head))
    alike = np.sqrt(size) / message.length
    relative = np.sqrt(units * width) / np.linalg.norm(values)
    return float(entry * max(alike, relative))


def _is_noise(values: Floats, rank: int, units: int, width: int) -> bool:
    """Whether what the rank leaves out is noise: within the edges of the spectrum of independent numbers.

    The lower edge of a matrix that is nearly square is zero, so that any spectrum is within: what stands out
    of the noise must then stand clear of it.
    """
    tail = values[rank:]
    if len(tail) < _LEAST_TAIL:
        return False
    longer, shorter = np.sqrt(max(units, width)), np.sqrt(min(units, width))
    if longer < _OBLONG * shorter and values[rank - 1] < _STEP * tail[0]:
        return False
    return bool(tail[0] * (longer - shorter) <= _UNEVEN * tail[-1] * (longer + shorter))
