"""What was made, to take away: tables, other tools' files, the model."""

from collections.abc import Mapping
from typing import Any

from nextlabel.server.page import Desk, Page

__all__ = ["export"]


def export() -> Page:
    """Downloads, a sentence each; for owners."""
    return Page("/export", "Export", "export.html", ("owner",), _context)


def _context(desk: Desk, person: Any, query: Mapping[str, str]) -> Mapping[str, Any]:
    return {"formats": desk.formats(person)}
