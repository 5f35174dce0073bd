"""One item: what was said of it, by whom and when, and the place to change it."""

from collections.abc import Mapping
from typing import Any

from nextlabel.errors import ParameterError
from nextlabel.server.page import Desk, Page

__all__ = ["item"]


def item() -> Page:
    """One item whole, its history in words, and its label to change."""
    return Page("/item", "Item", "item.html", ("annotator", "owner"), _context)


def _context(desk: Desk, person: Any, query: Mapping[str, str]) -> Mapping[str, Any]:
    campaign = desk.campaign(person)
    number, most = query.get("number", ""), campaign["items"]
    if not (number.isascii() and number.isdigit() and len(number) < 12 and 1 <= int(number) <= most):
        message = (
            f"The number of an item must be between 1 and {most:,}; received {number!r}. "
            "Find the item on the page of items."
        )
        raise ParameterError(message)
    place = int(number)
    one = desk.item(person, place)
    mine = (one["mine"] or {}).get("label")
    return {
        "item": one,
        "chosen": [mine] if isinstance(mine, str) else list(mine or ()),
        "classes": [each["name"] for each in campaign["task"]["classes"]],
        "takes_several": campaign["task"]["kind"] == "classes",
        "previous": place - 1 if place > 1 else None,
        "following": place + 1 if place < most else None,
    }
