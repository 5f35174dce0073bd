"""Items that have a unit of the first layer to themselves, found, certified and taken away one by one."""

from dataclasses import dataclass, field
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.attack import Knowledge
from nextlabel.leakage.closed_forms.dense_layers import Dense
from nextlabel.leakage.closed_forms.known_items import slopes_at
from nextlabel.maths.axes import Floats

__all__ = ["LoneItems", "ReadLayer", "lone_items"]

_BORNE = 8.0  # times what rounding moves slopes by: what certifies an item
_WEAK = 2e-5  # of the slopes: where rounding alone may move them so far, a mixture may pass for an item
_DEAD = 1e-6  # of the largest bias gradient: a unit that is off, or of which rounding is left


class ReadLayer(Protocol):
    """A layer, and the items behind what it reads."""

    @property
    def layers(self) -> tuple[Dense, ...]:
        """The layer first; what else there is does not matter."""

    def items_of(self, rows: Floats) -> Floats:
        """Items of which the layer reads these rows, axes (n, d); NaN where there are none."""


@final
@dataclass(frozen=True, eq=False)
class LoneItems:
    """Certified items, as the first layer reads them, and their labels.

    Parameters
    ----------
    rows : list of array of float64, axes (d,)
    labels : list of int
    slopes : list of array of float64, axes (m,)
        Of each item's loss by the outputs of the first layer.
    """

    rows: list[Floats] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    slopes: list[Floats] = field(default_factory=list)


def lone_items(
    joined: Floats, rank: int, items: int, seen: ReadLayer, knowledge: Knowledge, precision: float
) -> LoneItems:
    """The items of a message that are alone in a unit of a layer, and those alone once they are gone.

    Parameters
    ----------
    joined : array of float64, axes (m, d + 1)
        The gradient by the weight of the layer with that by its bias as the last column.
    rank : int
        Of it.
    items : int
        How many the message speaks of.
    seen : ReadLayer
        Such as `DenseLayers`, of the first layer.
    knowledge : Knowledge
        Under cross-entropy.
    precision : float
        The rounding unit of the message.

    Returns
    -------
    LoneItems

    Notes
    -----
    A unit that is on for one item only has the row δ·(x, 1): x is the row over its last entry. A unit of
    several items gives a mixture of them by the same formula, so each x is certified before it is believed:
    for some label the slopes of its loss by the outputs of the layer must lie in the column space of the
    gradient, which has ``rank`` of m dimensions, and must equal δ at that unit, both up to rounding: by its
    unit, or the first singular value beyond the rank where noise or the weights of an update are coarser,
    times the ratio of the singular values, and of the largest δ to that of the unit. Where that leaves more
    than 2e-5 open, as for items on which a trained model is sure, mixtures would pass by chance and nothing
    is certified. The item's part of the gradient is then taken away, which may leave other items alone.
    Rounds of one forward pass and c backward passes over at most m items, one round more than there are
    items.
    """
    columns, values, _ = np.linalg.svd(joined, full_matrices=False)
    columns, ratio = columns[:, :rank], values[0] / values[rank - 1]
    unit = max(precision, values[rank] / values[0] if rank < len(values) else 0.0)
    share = 1.0 / items if knowledge.reduction == "mean" else 1.0
    scale = float(np.abs(joined[:, -1]).max())
    found, left = LoneItems(), joined.copy()
    while len(found.rows) < items:
        units = np.flatnonzero(np.abs(left[:, -1]) > max(_DEAD, 30 * precision) * scale)
        if not len(units):
            break
        rows = left[units, :-1] / left[units, -1:]
        slopes = share * slopes_at(seen.items_of(rows), seen.layers[0], knowledge)
        before = len(found.rows)
        borne = _BORNE * unit * (ratio + scale / np.abs(left[units, -1]))
        for label, place in _certified(slopes, columns, units, left[:, -1], borne):
            if len(found.rows) < items and _is_new(rows[place], found.rows):
                found.rows.append(rows[place])
                found.labels.append(label)
                found.slopes.append(slopes[label, place])
                left = left - np.outer(slopes[label, place], [*rows[place], 1.0])
        if len(found.rows) == before:
            break
    return found


def _certified(
    slopes: Floats, columns: Floats, units: NDArray[np.int64], bias: Floats, borne: Floats
) -> list[tuple[int, int]]:
    """Labels and places of the rows that are items, the largest unit first, whose row is the most exact."""
    lengths = np.linalg.norm(slopes, axis=2)
    outside = slopes - slopes @ columns @ columns.T
    off = np.linalg.norm(outside, axis=2) / np.maximum(lengths, np.finfo(np.float64).tiny)
    own = slopes[:, np.arange(len(units)), units]
    unlike = np.abs(own - bias[units]) / np.abs(bias[units])
    labels, places = np.nonzero((off < borne) & (unlike < borne) & (borne < _WEAK))
    order = np.argsort(-np.abs(bias[units[places]]), kind="stable")
    return [(int(labels[one]), int(places[one])) for one in order]


def _is_new(row: Floats, known: list[Floats]) -> bool:
    return all(float(np.linalg.norm(row - one)) > 1e-3 * float(np.linalg.norm(one)) for one in known)
