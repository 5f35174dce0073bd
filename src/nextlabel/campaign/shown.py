"""What sheets show of an item: the text that was read, or the cells of its row."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from nextlabel.core.pool import Pool

__all__ = ["Shown", "owned", "shown"]

_TEXT = "text"


@final
@dataclass(frozen=True, eq=False)
class Shown:
    """The columns that show items, and how to fill them.

    Parameters
    ----------
    header : tuple of str
        What the columns are called in the sheet.
    names : tuple of str
        What they are called in the data.
    pool : Pool
    """

    header: tuple[str, ...]
    names: tuple[str, ...]
    pool: Pool

    def __post_init__(self) -> None:
        positions = {one: position for position, one in enumerate(self.pool.ids)}
        object.__setattr__(self, "_positions", positions)
        object.__setattr__(self, "_columns", self.pool.columns)  # a pool may make them anew at every look

    def cells(self, id: str) -> list[str]:
        """The cells of one item, in the order of the header; empty ones for an item that has gone.

        Parameters
        ----------
        id : str
        """
        position: int | None = self._positions.get(id)  # type: ignore[attr-defined]
        if position is None:
            return [""] * len(self.names)
        columns: Mapping[str, Sequence[str]] = self._columns  # type: ignore[attr-defined]
        if all(name in columns for name in self.names):
            return [columns[name][position] for name in self.names]
        named = _named(self.pool, id)
        return [_cell(named.get(name)) for name in self.names]


def shown(pool: Pool, *, taken: Collection[str], is_whole: bool = False) -> Shown:
    """The columns of a sheet that show the items of a pool.

    Parameters
    ----------
    pool : Pool
    taken : collection of str
        Names that the sheet's own columns have; a column of the data of such a name is written as
        ``item_`` and its name.
    is_whole : bool
        All columns of the data, not those alone that the items were made of.

    Returns
    -------
    Shown
        Without the columns of ids and labels, which a sheet has itself; without any where an item is an
        image or a row of numbers without names.
    """
    params: Mapping[str, Any] = pool.source.params if pool.source is not None else {}
    own = {params.get("id"), params.get("label")}
    made_of = list(_named(pool, pool.ids[0]))
    names = [name for name in (pool.columns if is_whole and pool.columns else made_of) if name not in own]
    return Shown(tuple(_titles(names, taken)), tuple(names), pool)


def owned(pool: Pool) -> Shown:
    """The columns of the data as they are: all of them, under their names and in their order.

    Parameters
    ----------
    pool : Pool

    Returns
    -------
    Shown
        Of items that are all there is: their text, or the cells of their rows; without any column where
        they are images or rows of numbers without names.
    """
    names = tuple(pool.columns or _named(pool, pool.ids[0]))
    return Shown(names, names, pool)


def _named(pool: Pool, id: str) -> Mapping[str, Any]:
    """An item as cells with names."""
    view = pool.show(id)
    if view.medium == "text":
        params = pool.source.params if pool.source is not None else {}
        return {str(params.get("text") or _TEXT): view.content}
    return view.content if isinstance(view.content, Mapping) else {}


def _cell(value: Any) -> str:
    return "" if value is None or value != value else str(value)  # nan alone differs from itself


def _titles(names: Sequence[str], taken: Collection[str]) -> list[str]:
    used = {name.casefold() for name in taken}
    titles = []
    for name in names:
        title = name
        while title.strip().casefold() in used:
            title = f"item_{title}"
        used.add(title.strip().casefold())
        titles.append(title)
    return titles
