"""What somebody did, newest first."""

from collections.abc import Mapping
from typing import Any

from nextlabel.campaign.state import State
from nextlabel.core.task import Label
from nextlabel.errors import RequestError
from nextlabel.server.chronicle import Act, Chronicle
from nextlabel.server.people import Person
from nextlabel.server.showing import Showing

__all__ = ["history", "label_now", "whole"]

_MOST = 500


def whole(query: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """A whole number of a query.

    Raises
    ------
    RequestError
        Anything else, or out of its range.

    Examples
    --------
    >>> whole({"page": "3"}, "page", 1, 1, 100)
    3
    """
    text = query.get(name) or str(default)
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
    if not least <= number <= most:
        message = f"{name} must be a whole number from {least:,} to {most:,}; received {text[:40]!r}."
        raise RequestError(f"{message} Leave it out for {default:,}.")
    return number


def label_now(state: State, label: Label | None) -> Any:
    """A label as it is called now; what it was called where that class has gone."""
    now = state.class_now(label)
    return label if now is None else now


def history(
    chronicle: Chronicle, showing: Showing, state: State, person: Person, query: Mapping[str, str]
) -> dict[str, Any]:
    """One page of what somebody did.

    Parameters
    ----------
    chronicle : Chronicle
    showing : Showing
    state : State
    person : Person
        Who asks; an owner may name somebody else by ``person``.
    query : mapping of str to str
        ``limit``, ``before`` (a position), ``person``.

    Returns
    -------
    dict
        ``entries``, newest first, and ``older``: what to give as ``before`` for the next, or None.

    Raises
    ------
    RequestError
        A number that is none, or somebody else's history asked for by an annotator.
    """
    limit = whole(query, "limit", 50, 1, _MOST)
    before = whole(query, "before", 10**11 - 1, 0, 10**11 - 1)
    who = query.get("person") or person.name
    if who != person.name and not person.is_owner:
        message = (
            f"Annotators see what they did themselves; {person.name} asked for {who[:80]!r}. Ask an owner."
        )
        raise RequestError(message, status=403, kind="role")
    acts = chronicle.of(who)
    found: list[Act] = []
    for one in reversed(acts):
        if one.position < before and one.position >= 0:
            found.append(one)
        if len(found) > limit:
            break
    more = len(found) > limit
    found = found[:limit]
    return {
        "entries": [_entry(chronicle, showing, state, one) for one in found],
        "older": found[-1].position if more else None,
        "person": who,
    }


def _entry(chronicle: Chronicle, showing: Showing, state: State, one: Act) -> dict[str, Any]:
    kind = "undo" if one.undoes is not None else one.kind
    return {
        "position": one.position,
        "at": one.at,
        "kind": kind,
        "id": one.id,
        "number": None if one.id is None else state.roster.index[one.id] + 1,
        "label": label_now(state, one.label) if one.label is not None else None,
        "reason": one.text,
        "line": "" if one.id is None else showing.line(one.id),
        "undone": chronicle.is_undone(one.position),
    }
