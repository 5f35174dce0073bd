"""What was made, to take away: tables, other tools' files, the model."""

from collections.abc import Mapping
from typing import Any

from nextlabel.server.page import Desk, Page

__all__ = ["export"]

_TITLES = {
    "answers": "Every answer",
    "asreview": "ASReview",
    "csv": "CSV",
    "jsonl": "JSON lines",
    "label_studio": "Label Studio",
    "label_studio_config": "Label Studio, settings",
    "model": "Model for scikit-learn",
    "onnx": "Model as ONNX",
    "parquet": "Parquet",
}


def export() -> Page:
    """Downloads, a sentence each; for owners."""
    return Page("/export", "Export", "export.html", ("owner",), _context)


def _context(desk: Desk, person: Any, query: Mapping[str, str]) -> Mapping[str, Any]:
    return {"formats": desk.formats(person), "titles": _TITLES}
