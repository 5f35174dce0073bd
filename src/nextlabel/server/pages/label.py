"""The page on which one labels: one item a screen, one key a decision."""

from collections.abc import Mapping
from typing import Any

from nextlabel.server.keys import MOST_KEYS
from nextlabel.server.page import Desk, Page

__all__ = ["label"]

_LONG = 24  # characters of a class beyond which the choices stand in fewer, wider columns


def label() -> Page:
    """One item a screen; the script beside it keeps what is said until the server has it."""
    return Page("/", "Label", "label.html", ("annotator", "owner"), _context)


def _context(desk: Desk, person: Any, query: Mapping[str, str]) -> Mapping[str, Any]:
    task = desk.campaign(person)["task"]
    choices = [
        {"name": one["name"], "key": one["key"], "digit": str((place + 1) % 10)}
        for place, one in enumerate(task["classes"])
    ]
    return {
        "choices": choices,
        "is_typed": len(choices) > MOST_KEYS,
        "has_long_names": any(len(one["name"]) > _LONG for one in choices),
        "takes_several": task["kind"] == "classes",
        "letters": {one["key"] for one in choices},
    }
