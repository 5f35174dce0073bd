"""A row of a table: the columns' names and values, in the order of the table."""

from collections.abc import Mapping
from typing import Any, ClassVar, final

from nextlabel.core.pool import Pool
from nextlabel.server.view import ViewKind
from nextlabel.server.wording import cell

__all__ = ["Row"]

_MOST = 10_000  # characters of one cell


@final
class Row(ViewKind):
    """A table of two columns; a cell longer than 10,000 characters is cut there, and ends in an ellipsis."""

    medium: ClassVar[str] = "row"

    def fields(self, pool: Pool, id: str, position: int) -> Mapping[str, Any]:
        """``fields``: a list of pairs, name and value; what is missing is an empty text."""
        content = pool.show(id).content
        return {"medium": "row", "fields": [[str(name), _short(cell(content[name]))] for name in content]}


def _short(text: str) -> str:
    return text if len(text) <= _MOST else text[:_MOST] + "…"
