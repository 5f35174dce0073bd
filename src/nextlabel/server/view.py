"""What a view is: which medium it shows, and what the browser needs to show an item of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from nextlabel.core.pool import Pool

__all__ = ["ViewKind"]


class ViewKind(ABC):
    """How items of one medium reach the browser."""

    medium: ClassVar[str]
    """What `nextlabel.core.pool.View` calls it; also the name under which the view is registered."""

    @abstractmethod
    def fields(self, pool: Pool, id: str, position: int) -> Mapping[str, Any]:
        """What the browser needs to show one item.

        Parameters
        ----------
        pool : Pool
        id : str
            Of the item.
        position : int
            Of the item in the pool, from 0.

        Returns
        -------
        mapping of str to object
            JSON values, ``medium`` among them. Nothing in them is markup: the browser shows them as text.
        """
