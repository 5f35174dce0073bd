"""What the columns of an export are called: the data keep their names, and ours give way."""

import re
from collections.abc import Collection, Mapping

__all__ = ["BEFORE", "ITEM_COLUMNS", "found", "own_id", "titles"]

BEFORE = "nextlabel_"
"""Before one of our columns, where the data have one of its name already."""

ITEM_COLUMNS = ("label", "annotator", "time", "arm", "probability", "skip", "answers", "agreeing", "batch")
"""What is said of an item, after the columns of the data."""


def titles(names: Collection[str], taken: Collection[str]) -> dict[str, str]:
    """What our columns are called beside those of the data.

    Parameters
    ----------
    names : collection of str
        Ours, in small letters.
    taken : collection of str
        Columns of the data, whose names stay.

    Returns
    -------
    dict of str to str
        From our name to the title: ``nextlabel_`` stands before it once more often than before that name in
        any column of the data, in whatever capitals; so `found` can tell which one is ours.

    Examples
    --------
    >>> titles(("label", "time"), ("Label", "body"))
    {'label': 'nextlabel_label', 'time': 'time'}
    """
    folded = [name.strip().casefold() for name in taken]
    return {name: f"{BEFORE * (_most(name, folded) + 1)}{name}" for name in names}


def found(name: str, header: Collection[str]) -> str | None:
    """Which column of a file is ours; None where none is.

    Parameters
    ----------
    name : str
    header : collection of str
        In small letters.

    Examples
    --------
    >>> found("label", ["label", "nextlabel_label"]), found("time", ["label"])
    ('nextlabel_label', None)
    """
    most = _most(name, header)
    return None if most < 0 else f"{BEFORE * most}{name}"


def _most(name: str, header: Collection[str]) -> int:
    """How often the prefix stands before a name at most; −1 where the name is not there."""
    pattern = re.compile(f"((?:{BEFORE})*){re.escape(name)}")
    matches = (pattern.fullmatch(one) for one in header)
    return max((len(match[1]) // len(BEFORE) for match in matches if match), default=-1)


def own_id(source: Mapping[str, object] | None, header: Collection[str]) -> str | None:
    """The column of the data that names the items, where it can be told from the others.

    Parameters
    ----------
    source : mapping or None
        What the pool was made from.
    header : collection of str

    Examples
    --------
    >>> own_id({"name": "csv", "id": "Key"}, ["Key", "body"]), own_id({"id": "Key"}, ["key", "KEY"])
    ('Key', None)
    """
    name = None if source is None else source.get("id")
    if not isinstance(name, str):
        return None
    same = [one for one in header if one.strip().casefold() == name.strip().casefold()]
    return same[0] if len(same) == 1 else None
