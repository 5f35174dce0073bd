"""Every item in a table: found by words, by what was said, by where model and people disagree."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from nextlabel.server.page import Desk, Page

__all__ = ["items"]

_FILTERS = {
    "all": "all items",
    "labelled": "labelled",
    "unlabelled": "not labelled",
    "skipped": "skipped",
    "flagged": "flagged",
    "disagreement": "model and label disagree",
}
_SORTS = {
    "order": "as in the file",
    "disagreement": "disagreement first",
    "confidence": "least sure first",
}


def items() -> Page:
    """A table with search, filters and pages, and a line for each item."""
    return Page("/items", "Items", "items.html", ("annotator", "owner"), _context)


def _context(desk: Desk, person: Any, query: Mapping[str, str]) -> Mapping[str, Any]:
    found = desk.items(person, query)
    here = found["page"]
    campaign = desk.campaign(person)
    is_quiet = campaign.get("suggestions") is False  # no item is found by what the model says
    return {
        "found": found,
        "asked": {
            "search": query.get("search", ""),
            "filter": query.get("filter") or "all",
            "label": query.get("label", ""),
            "sort": query.get("sort") or "order",
        },
        "is_quiet": is_quiet,
        "filters": _without_model(_FILTERS) if is_quiet else _FILTERS,
        "sorts": _without_model(_SORTS) if is_quiet else _SORTS,
        "classes": [one["name"] for one in campaign["task"]["classes"]],
        "previous": _address(query, here - 1) if here > 1 else None,
        "following": _address(query, here + 1) if here < found["pages"] else None,
    }


def _without_model(words: Mapping[str, str]) -> dict[str, str]:
    return {key: title for key, title in words.items() if key not in ("disagreement", "confidence")}


def _address(query: Mapping[str, str], page: int) -> str:
    kept = {key: value for key, value in query.items() if key != "page" and value}
    return f"/items?{urlencode({**kept, 'page': page})}"
