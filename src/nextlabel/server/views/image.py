"""An image: where the browser fetches it, by position and never by the name of a file."""

from collections.abc import Mapping
from typing import Any, ClassVar, final

from nextlabel.core.pool import Pool
from nextlabel.server.media import media_address
from nextlabel.server.view import ViewKind

__all__ = ["Image"]


@final
class Image(ViewKind):
    """An image at ``/media/<position>?seal=<digest>``; the file is opened when the browser asks for it."""

    medium: ClassVar[str] = "image"

    def fields(self, pool: Pool, id: str, position: int) -> Mapping[str, Any]:
        """``url``, and ``alt``: the item's number and id."""
        return {"medium": "image", "url": media_address(pool, position), "alt": f"Item {position + 1}: {id}"}
