"""The checks of parameters: whole numbers, numbers, choices, and yes or no.

Each gives the value back as Python's own type, so that what is kept can be written down as JSON: NumPy's
numbers are accepted and converted. A bool is no number, and nan is none either.

A parameter that the chosen form of a method does not read is checked and then left alone, so that one setting
can be held while forms are compared; its description says what reads it. Refused is what the chosen form
could not do at all: a cosine in hyperbolic space, or a sum over classes of what has one score.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from nextlabel.errors import ParameterError

__all__ = ["checked_choice", "checked_flag", "checked_number", "checked_whole", "settle"]

C = TypeVar("C", bound=str)


def checked_whole(value: object, name: str, *, least: int, of: str = "", advice: str = "") -> int:
    """A whole number from `least` up.

    Parameters
    ----------
    value : object
        What was given.
    name : str
        How errors call the parameter.
    least : int
        The smallest that makes sense.
    of : str
        Whose parameter it is, for the message.
    advice : str
        What to do instead; by default, to give the smallest.

    Returns
    -------
    int

    Raises
    ------
    ParameterError
        Anything else.

    Examples
    --------
    >>> checked_whole(np.int64(3), "size", least=1)
    3
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least:
        return int(value)
    advice = advice or f"Give for example {least}."
    raise _refused(value, name, f"a whole number from {least} up", of, advice)


def checked_number(
    value: object,
    name: str,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
    is_finite: bool = True,
    of: str = "",
    advice: str,
) -> float:
    """A number in a range.

    Parameters
    ----------
    value : object
        What was given.
    name : str
        How errors call the parameter.
    above, least : float, optional
        The lower end of the range, left out of it or part of it.
    below, most : float, optional
        The upper end of the range, left out of it or part of it.
    is_finite : bool
        Whether infinity is refused.
    of : str
        Whose parameter it is, for the message.
    advice : str
        What to do instead.

    Returns
    -------
    float

    Raises
    ------
    ParameterError
        Anything else; nan always.

    Examples
    --------
    >>> checked_number(1, "share", above=0, most=1, advice="Give a share.")
    1.0
    """
    ends = {"above": above, "of at least": least, "below": below, "at most": most}
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        number = _as_float(value)
        holds = (
            (above is None or number > above)
            and (least is None or number >= least)
            and (below is None or number < below)
            and (most is None or number <= most)
        )
        if holds and not np.isnan(number) and not (is_finite and np.isinf(number)):
            return number
    words = [f"{word} {end:g}" for word, end in ends.items() if end is not None]
    finite = "finite " if is_finite and below is None and most is None else ""
    raise _refused(value, name, f"a {finite}number {' and '.join(words)}".rstrip(), of, advice)


def checked_choice(value: object, name: str, options: Sequence[C], *, of: str = "", advice: str = "") -> C:
    """One of a few words.

    Parameters
    ----------
    value : object
        What was given.
    name : str
        How errors call the parameter.
    options : sequence of str
        All that make sense.
    of : str
        Whose parameter it is, for the message.
    advice : str
        What to do instead; by default, to choose one of these.

    Returns
    -------
    str

    Raises
    ------
    ParameterError
        Anything else.

    Examples
    --------
    >>> checked_choice("cosine", "metric", ("euclidean", "cosine"))
    'cosine'
    """
    if isinstance(value, str) and value in options:
        return options[options.index(value)]
    *others, last = map(repr, options)
    expected = f"{', '.join(others)} or {last}" if others else last
    raise _refused(value, name, expected, of, advice or "Choose one of these.")


def checked_flag(value: object, name: str, *, of: str = "") -> bool:
    """Yes or no.

    Parameters
    ----------
    value : object
        What was given.
    name : str
        How errors call the parameter.
    of : str
        Whose parameter it is, for the message.

    Returns
    -------
    bool

    Raises
    ------
    ParameterError
        Anything but True and False.

    Examples
    --------
    >>> checked_flag(np.True_, "include_bias")
    True
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise _refused(value, name, "True or False", of, "Give one of the two.")


def settle(thing: object, checked: Mapping[str, Any]) -> None:
    """Keep checked values in the fields of a frozen dataclass, from its ``__post_init__``.

    Parameters
    ----------
    thing : object
        An instance of a dataclass, under construction.
    checked : mapping of str to object
        Values by the names of fields.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Dozen:
    ...     eggs: int = 12
    ...
    ...     def __post_init__(self):
    ...         settle(self, {"eggs": checked_whole(self.eggs, "eggs", least=0)})
    >>> Dozen(np.int64(12))
    Dozen(eggs=12)
    """
    for name, value in checked.items():
        object.__setattr__(thing, name, value)


def _as_float(value: int | float | np.integer[Any] | np.floating[Any]) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number beyond float64
        return np.inf if value > 0 else -np.inf


def _refused(value: object, name: str, expected: str, of: str, advice: str) -> ParameterError:
    subject = f"{of}'s {name!r}" if of else repr(name)
    return ParameterError(f"{subject} must be {expected}; received {value!r}. {advice}")
