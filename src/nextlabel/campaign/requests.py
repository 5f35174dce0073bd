"""What a request says, so that the same one is known when it comes again."""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from nextlabel.campaign.events import Noted, Retracted, Skipped, Told
from nextlabel.core.task import Label

__all__ = ["content", "undone_by"]


def content(event: Told | Skipped | Retracted | Noted) -> str:
    """A digest of what an event says, whatever the order of its labels and the time.

    Parameters
    ----------
    event : event
        What takes something back says whose newest statement it takes back, and no more.

    Returns
    -------
    str
        32 hexadecimal digits.

    Examples
    --------
    >>> content(Told(1.0, {"a": "cat"})) == content(Told(2.0, {"a": "cat"}, request="r"))
    True
    """
    if not isinstance(event, Noted) and event.undoes is not None:
        return undone_by(event.annotator)
    if isinstance(event, Told):
        labels, suggestions = (_unordered(one) for one in (event.labels, event.suggestions))
        return _digest(
            [labels, event.annotator, event.token, event.seconds, event.cost, suggestions, event.model]
        )
    if isinstance(event, Skipped):
        return _digest(["skipped", sorted(set(event.ids)), event.annotator, event.reason, event.token])
    if isinstance(event, Retracted):
        return _digest(["retracted", sorted(set(event.ids)), event.annotator])
    return _digest(["noted", event.text, list(event.ids), event.author])


def undone_by(annotator: str) -> str:
    """The digest of taking back the newest statement of somebody, whatever it was."""
    return _digest(["undone", annotator])


def _digest(said: list[Any]) -> str:
    text = json.dumps(said, sort_keys=True, default=dict)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _unordered(labels: Mapping[str, Label] | None) -> dict[str, Any] | None:
    """Labels of several classes in one order, whatever order the classes had then."""
    if labels is None:
        return None
    lists = (list, tuple, set, frozenset)
    return {id: sorted({*map(str, one)}) if isinstance(one, lists) else one for id, one in labels.items()}
