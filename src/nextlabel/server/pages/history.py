"""What one has done, newest first, any of it to be changed or taken back."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from nextlabel.server.page import Desk, Page

__all__ = ["history"]


def history() -> Page:
    """A person's own labels, skips and notes, newest first."""
    return Page("/history", "History", "history.html", ("annotator", "owner"), _context)


def _context(desk: Desk, person: Any, query: Mapping[str, str]) -> Mapping[str, Any]:
    found = desk.history(person, query)
    older = found["older"]
    kept = {key: value for key, value in query.items() if key != "before" and value}
    return {
        "entries": found["entries"],
        "older": None if older is None else f"/history?{urlencode({**kept, 'before': older})}",
        "is_first": "before" not in query,
    }
