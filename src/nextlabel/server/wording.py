"""Numbers and moments as people say them."""

from datetime import UTC, datetime

__all__ = ["amount", "moment", "percent", "saying"]


def amount(number: float) -> str:
    """A number with its thousands apart.

    Examples
    --------
    >>> amount(12000)
    '12,000'
    """
    return f"{number:,.0f}"


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
