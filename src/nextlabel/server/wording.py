"""Numbers and moments as people say them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

__all__ = ["amount", "cell", "learning", "moment", "no_curve", "percent", "saying"]


def amount(number: float) -> str:
    """A number with its thousands apart.

    Examples
    --------
    >>> amount(12000)
    '12,000'
    """
    return f"{number:,.0f}"


def cell(value: Any) -> str:
    """A value of a table; what is missing is an empty text.

    Examples
    --------
    >>> cell(54.0), cell(float("nan")), cell("Rome")
    ('54', '', 'Rome')
    """
    if value is None or value != value:  # NaN is the one value that differs from itself
        return ""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def learning(training: Mapping[str, Any]) -> str:
    """What the model does now, of the part ``training`` of the status.

    Examples
    --------
    >>> learning({"state": "idle", "model_labels": 0})
    'There is no model yet: it learns once items are labelled.'
    >>> learning({"state": "idle", "model_labels": 1200}), learning({"state": "failed", "model_labels": 0})
    ('The model is up to date; it knows 1,200 labels.', 'Training failed.')
    """
    known, now = training["model_labels"], training["state"]
    words = {
        "idle": "The model is up to date"
        if known
        else "There is no model yet: it learns once items are labelled",
        "fitting": "The model is learning from the newest labels"
        if known
        else "The first model is on its way",
        "starting": "What trains the model is starting",
        "failed": "Training failed",
    }
    knows = f"; it knows {amount(known)} {'label' if known == 1 else 'labels'}" if known else ""
    return f"{words[now]}{knows}."


def no_curve(quality: Mapping[str, Any]) -> str:
    """Why there is no learning curve, of the part ``quality`` of the status.

    Examples
    --------
    >>> no_curve({"next_at": 50})
    'It begins with the first look, at 50 answered control items.'
    >>> no_curve({"next_at": None})
    'There is none: it is drawn from control items, and none are asked in this campaign.'
    """
    if quality["next_at"] is None:
        return "There is none: it is drawn from control items, and none are asked in this campaign."
    return f"It begins with the first look, at {amount(quality['next_at'])} answered control items."


def percent(share: float) -> str:
    """A share from 0 to 1, in whole percent.

    A share that is not quite nothing or everything does not read as if it were.

    Examples
    --------
    >>> percent(0.834), percent(0.9996), percent(0.002), percent(1.0)
    ('83 %', 'over 99 %', 'under 1 %', '100 %')
    """
    if 0 < share < 0.005:
        return "under 1 %"
    if 0.995 <= share < 1:
        return "over 99 %"
    return f"{share * 100:.0f} %"


def moment(at: float) -> str:
    """A moment in seconds since 1970, as the browser's clock element takes it (UTC, to the second).

    Examples
    --------
    >>> moment(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def saying(label: object) -> str:
    """A label in words: a class, or several, or none of them.

    Examples
    --------
    >>> saying("dog"), saying(["dog", "cat"]), saying([]), saying(None)
    ('dog', 'dog, cat', 'none of them', '')
    """
    if label is None:
        return ""
    if isinstance(label, str):
        return label
    names = [str(one) for one in label] if isinstance(label, list | tuple) else [str(label)]
    return ", ".join(names) or "none of them"
