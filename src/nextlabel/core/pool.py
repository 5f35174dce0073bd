"""What a pool is: items with stable ids, content loaded when asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, final

from nextlabel.maths.axes import Array, Positions

__all__ = ["Pool", "View"]


@final
@dataclass(frozen=True)
class View:
    """One item, ready to be shown to a person.

    Parameters
    ----------
    medium : str
        ``"image"``, ``"text"`` or ``"row"``.
    content : object
        An array of pixels, a string, or a mapping from column to value.
    """

    medium: str
    content: Any


class Pool(Protocol):
    """Items with stable ids; what others implement by shape."""

    @property
    def ids(self) -> Sequence[str]:
        """The ids, given by the data, all different, in the order of positions."""

    @property
    def fingerprint(self) -> str:
        """A digest of ids and content: equal pools have equal fingerprints."""

    def take(self, positions: Positions) -> Array:
        """The items at these positions, in this order, first axis n."""

    def show(self, id: str) -> View:
        """One item as a person should see it."""
