"""Why an item was asked: what a journal says of it."""

from collections.abc import Iterable
from typing import Any

from nextlabel.core.store import Entry

__all__ = ["history"]

_PARALLEL = ("arms", "ranks", "scores", "propensities")


def history(id: str, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The events that name an item, cut to what they say of it.

    Parameters
    ----------
    id : str
    entries : iterable of Entry
        A journal, or some of it.

    Returns
    -------
    list of dict
        In the journal's order. Of a query: ``arm``, ``rank``, ``score``, ``propensity``, and what holds for
        the whole of it; of a telling: ``label`` and ``suggestion``.

    Examples
    --------
    >>> history("a", [{"event": "told", "version": 1, "at": 0.0, "labels": {"a": "cat", "b": "dog"}}])
    [{'event': 'told', 'at': 0.0, 'label': 'cat'}]
    """
    return [_of(id, entry) for entry in entries if entry["event"] != "created" and _names(id, entry)]


def _names(id: str, entry: Entry) -> bool:
    return id in entry.get("ids", ()) or (entry["event"] == "told" and id in entry["labels"])


def _of(id: str, entry: Entry) -> dict[str, Any]:
    said: dict[str, Any] = {
        key: value
        for key, value in entry.items()
        if key not in {"version", "ids", "labels", "suggestions", "reserve", *_PARALLEL}
    }
    if entry["event"] == "told":
        said["label"] = entry["labels"][id]
        if entry.get("suggestions"):
            said["suggestion"] = entry["suggestions"].get(id)
    if "arms" in entry:
        place = list(entry["ids"]).index(id)
        names = ("arm", "rank", "score", "propensity")
        for name, parallel in zip(names, _PARALLEL, strict=True):
            said[name] = None if entry[parallel] is None else entry[parallel][place]
    return said
