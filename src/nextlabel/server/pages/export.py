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

_OF_TWO = ("asreview",)  # formats that know two classes, of which one is the relevant one


def export() -> Page:
    """Downloads, a sentence each; for owners."""
    return Page("/export", "Export", "export.html", ("owner",), _context)


def _context(desk: Desk, person: Any, query: Mapping[str, str]) -> Mapping[str, Any]:
    task = desk.campaign(person)["task"]
    names = [one["name"] for one in task["classes"]]
    return {
        "formats": desk.formats(person),
        "titles": _TITLES,
        "classes": names,
        "takes_several": task["kind"] == "classes",
        "is_of_two": task["kind"] == "class" and len(names) == 2,
        "of_two": _OF_TWO,
        "journal": None if desk.path is None else desk.path.name,
    }
