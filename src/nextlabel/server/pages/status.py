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
    looks = now["curve"]
    last = looks[-1] if looks else None
    changes = [
        {"labels": labels, "share": share} for labels, share in now["stopping"].get("curve", ()) if labels > 0
    ]
    return {
        "status": now,
        "band": None if last is None or last["low"] is None else band(last["low"], last["high"]),
        "last": last,
        "curve": curve(looks),
        "changes": curve(changes),
        "bars": bars(now["class_counts"]),
        "coefficients": _coefficients(now["agreement"]["all"]["parts"]),
    }


def _coefficients(parts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A row for each number on agreement: what it is, its value, of how many items, or why it is missing."""
    rows: list[Mapping[str, Any]] = []
    for name, part in parts.items():
        of = f" ({name})" if name else ""
        rows.append({"name": f"Krippendorff's alpha{of}", **part["krippendorff"]})
        rows.append({"name": f"Fleiss' kappa{of}", **part["fleiss"]})
        rows += [{"name": f"Cohen's kappa{of}: {one['a']}, {one['b']}", **one} for one in part["cohen"]]
    return rows
