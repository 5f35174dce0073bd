"""What a pool is: items with stable ids, content loaded when asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, final

from nextlabel.core.spec import Spec
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
        """A digest of ids and content, whatever their order: equal pools have equal fingerprints."""

    @property
    def source(self) -> Spec | None:
        """The registered reader or data set that makes this pool again; None where nobody knows."""

    @property
    def columns(self) -> Mapping[str, Sequence[str]]:
        """What else the data say of each item, as text, in the order of `ids`: a label, for example."""

    def take(self, positions: Positions) -> Array:
        """The items at these positions, in this order, first axis n."""

    def show(self, id: str) -> View:
        """One item as a person should see it."""
