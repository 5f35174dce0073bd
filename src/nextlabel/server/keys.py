"""Which key stands for which class: a letter of its name where one is free."""

from collections.abc import Sequence
from unicodedata import normalize

__all__ = ["MOST_KEYS", "class_keys"]

MOST_KEYS = 10
"""So many classes have keys; beyond, people type the beginning of a name."""


def class_keys(names: Sequence[str]) -> tuple[str, ...]:
    """The key of each class, beside the digits 1 to 9 and 0 that follow their order.

    Parameters
    ----------
    names : sequence of str
        Of the classes, all different.

    Returns
    -------
    tuple of str
        For each class the first letter of its name that no class before it took, small and without
        accents; empty where its letters are all taken, and for all of them where there are more than
        `MOST_KEYS`. Initials come first, so that a later class keeps its initial before an earlier one
        takes it for want of another.

    Notes
    -----
    Letters that have a capital count: they are on keyboards. Of other scripts only the digits serve.

    Examples
    --------
    >>> class_keys(["positive", "negative", "neutral"])
    ('p', 'n', 'e')
    >>> class_keys(["spam", "sport", "politics"])
    ('s', 'o', 'p')
    """
    if len(names) > MOST_KEYS:
        return ("",) * len(names)
    letters = [_letters(name) for name in names]
    keys = [""] * len(names)
    for place, own in enumerate(letters):
        if own and own[0] not in keys:
            keys[place] = own[0]
    for place, own in enumerate(letters):
        keys[place] = keys[place] or next((letter for letter in own if letter not in keys), "")
    return tuple(keys)


def _letters(name: str) -> list[str]:
    """The letters of a name that a keyboard is likely to have, small, in order."""
    plain = normalize("NFKD", name).lower()
    return [
        letter
        for letter in plain
        if letter.isalpha() and letter != letter.upper() and len(letter.upper()) == 1
    ]
