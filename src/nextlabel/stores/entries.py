"""Entries as text: JSON, and the digest that ties each to all before it."""

import json
import math
from hashlib import blake2b
from typing import Any

from nextlabel.core.store import Entry
from nextlabel.errors import JournalError

__all__ = ["ORIGIN", "chained", "read_text", "written"]

ORIGIN = "0" * 32
"""What stands before the first digest."""


def chained(before: str, body: bytes) -> str:
    """The digest of an entry, over the digest of the entry before it and its own text.

    Parameters
    ----------
    before : str
        The digest of the entry before; `ORIGIN` for the first.
    body : bytes
        The entry as text in UTF-8.

    Returns
    -------
    str
        32 hexadecimal digits.

    Examples
    --------
    >>> chained(ORIGIN, b"{}") == chained(ORIGIN, b"{}") != chained("1" * 32, b"{}")
    True
    """
    return blake2b(before.encode("utf-8") + body, digest_size=16).hexdigest()


def written(entry: Entry) -> str:
    """An entry as one line of JSON.

    Parameters
    ----------
    entry : mapping
        With ``event`` (str), ``version`` (int) and ``at`` (a finite number). Tuples become lists.

    Raises
    ------
    JournalError
        A key of the three is missing or of another type; a value is not JSON: NaN, an infinity, a key that
        is no string, text with half a surrogate pair, an object.

    Notes
    -----
    Time and memory O(size of the entry).

    Examples
    --------
    >>> written({"event": "noted", "version": 1, "at": 0.5, "text": "ä"})
    '{"event":"noted","version":1,"at":0.5,"text":"ä"}'
    """
    values = dict(entry)
    _check_head(values)
    try:
        text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as cause:
        raise JournalError(_unwritable(values, str(cause))) from cause
    odd = _odd_key(values)
    if odd is not None:
        raise JournalError(_unwritable(values, f"the key {odd[0]!r} is no string"))
    return text


def read_text(body: str) -> dict[str, Any]:
    """The entry that a line of JSON holds.

    Raises
    ------
    ValueError
        It is not JSON, or not an object.

    Examples
    --------
    >>> read_text('{"event":"noted","version":1,"at":0.5}')["event"]
    'noted'
    """
    entry = json.loads(body)
    if not isinstance(entry, dict):
        raise ValueError(f"expected a JSON object; received {type(entry).__name__}")
    return entry


def _check_head(values: dict[str, Any]) -> None:
    event, version, at = (values.get(key) for key in ("event", "version", "at"))
    is_number = isinstance(at, int | float) and not isinstance(at, bool) and math.isfinite(at)
    is_whole = isinstance(version, int) and not isinstance(version, bool)
    if not (isinstance(event, str) and is_whole and is_number):
        message = (
            "An entry needs 'event' (text), 'version' (a whole number) and 'at' (finite seconds since 1970); "
            f"received event={event!r}, version={version!r}, at={at!r}. Write the entry with all three."
        )
        raise JournalError(message)


def _odd_key(value: Any) -> tuple[Any] | None:
    """The first key that is no string: JSON would turn it into one silently."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                return (key,)
        value = value.values()
    for one in value:
        if isinstance(one, dict | list | tuple) and (odd := _odd_key(one)) is not None:
            return odd
    return None


def _unwritable(values: dict[str, Any], why: str) -> str:
    return (
        "An entry holds JSON values: text, finite numbers, true, false, null, lists, and mappings with text "
        f"as keys; the entry {values['event']!r} does not ({why[:200]}). Convert the values first."
    )
