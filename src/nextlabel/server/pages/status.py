"""Where the campaign stands: how much is done, how good it is, and how one knows."""

from collections.abc import Mapping
from typing import Any

from nextlabel.server.charts import band, bars, curve
from nextlabel.server.page import Desk, Page

__all__ = ["status"]


def status() -> Page:
    """Progress, quality with its band, the learning curve, counts, certificate, advice, people."""
    return Page("/status", "Status", "status.html", ("annotator", "owner"), _context)


def _context(desk: Desk, person: Any, query: Mapping[str, str]) -> Mapping[str, Any]:
    now = desk.status(person)
    quality = now["quality"]
    return {
        "status": now,
        "band": band(quality["low"], quality["high"]) if quality.get("low") is not None else None,
        "curve": curve(now["curve"]),
        "bars": bars(now["classes"]),
    }
