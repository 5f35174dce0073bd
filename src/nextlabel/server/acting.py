"""One thing that a person did, as the page sends it, done to the campaign."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from nextlabel.campaign.campaign import Campaign
from nextlabel.errors import JournalError, NextlabelError
from nextlabel.server.chronicle import FLAG

__all__ = ["act"]


def act(campaign: Campaign, person: str, action: Mapping[str, Any], lease_seconds: float) -> dict[str, Any]:
    """Do it, once however often it is sent.

    Parameters
    ----------
    campaign : Campaign
    person : str
        Whose action it is.
    action : mapping
        With ``kind`` and ``request``, and what the kind needs: see ``POST /api/actions``.
    lease_seconds : float
        How long somebody holds an item again whose answer they took back.

    Returns
    -------
    dict
        ``request``, ``ok``, and where it was refused, for good, ``kind`` and ``message``.

    Raises
    ------
    JournalError
        Nothing can be written; the same action may be sent again.
    """
    try:
        more = _DOES[action["kind"]](campaign, person, action, lease_seconds)
    except JournalError:
        raise
    except NextlabelError as error:
        return {"request": action["request"], "ok": False, "kind": _kind(error), "message": str(error)}
    return {"request": action["request"], "ok": True, **more}


def _answer(campaign: Campaign, person: str, action: Mapping[str, Any], _: float) -> dict[str, Any]:
    id, shown = action["id"], action.get("suggestion")
    campaign.tell(
        {id: _label(action["label"])},
        annotator=person,
        request=action["request"],
        token=action.get("token"),
        seconds=action.get("seconds"),
        suggestions=None if shown is None else {id: _label(shown)},
        model=action.get("model"),
    )
    return {}


def _skip(campaign: Campaign, person: str, action: Mapping[str, Any], _: float) -> dict[str, Any]:
    campaign.skip(
        [action["id"]],
        action.get("reason") or "",
        annotator=person,
        token=action.get("token"),
        request=action["request"],
    )
    return {}


def _flag(campaign: Campaign, person: str, action: Mapping[str, Any], _: float) -> dict[str, Any]:
    text = f"{FLAG}{action.get('text', '')}".strip()
    campaign.note(text, [action["id"]], author=person, request=action["request"])
    return {}


def _note(campaign: Campaign, person: str, action: Mapping[str, Any], _: float) -> dict[str, Any]:
    about = [] if action.get("id") is None else [action["id"]]
    campaign.note(action["text"], about, author=person, request=action["request"])
    return {}


def _undo(campaign: Campaign, person: str, action: Mapping[str, Any], lease_seconds: float) -> dict[str, Any]:
    taken = campaign.undo(person, request=action["request"], lease_seconds=lease_seconds)
    return {"undone": None, "taken": taken}


def _retract(campaign: Campaign, person: str, action: Mapping[str, Any], _: float) -> dict[str, Any]:
    campaign.retract([action["id"]], person, request=action["request"])
    return {}


_DOES: Mapping[str, Callable[[Campaign, str, Mapping[str, Any], float], dict[str, Any]]] = MappingProxyType(
    {"answer": _answer, "skip": _skip, "flag": _flag, "note": _note, "retract": _retract, "undo": _undo}
)


def _label(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _kind(error: NextlabelError) -> str:
    """A word for what was wrong, from the name of the error: ``label``, ``campaign``, ``parameter``."""
    return type(error).__name__.removesuffix("Error").lower()
