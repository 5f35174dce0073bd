"""A text as it is, line breaks included."""

from collections.abc import Mapping
from typing import Any, ClassVar, final

from nextlabel.core.pool import Pool
from nextlabel.server.view import ViewKind

__all__ = ["Text"]

_MOST = 100_000  # characters: a screen of a browser becomes slow beyond, and nobody reads so far


@final
class Text(ViewKind):
    """A text; what is longer than 100,000 characters is cut there, and says so."""

    medium: ClassVar[str] = "text"

    def fields(self, pool: Pool, id: str, position: int) -> Mapping[str, Any]:
        """``text``, and ``left_out``: how many characters were cut from its end."""
        text = str(pool.show(id).content)
        return {"medium": "text", "text": text[:_MOST], "left_out": max(0, len(text) - _MOST)}
