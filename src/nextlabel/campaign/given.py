"""What callers give a campaign: texts, lists and labels, checked before anything is done with them."""

from collections.abc import Iterable, Mapping
from typing import Any

from nextlabel.errors import ParameterError

__all__ = ["checked_list", "checked_mapping", "checked_text", "checked_word", "written_text"]


def checked_text(value: object, name: str, *, of: str) -> str:
    """A text, which may be empty.

    Parameters
    ----------
    value : object
        What was given.
    name : str
        How errors call the parameter.
    of : str
        Whose parameter it is, for the message.

    Raises
    ------
    ParameterError
        Anything else, None too.

    Examples
    --------
    >>> checked_text("Ada", "annotator", of="tell")
    'Ada'
    """
    if isinstance(value, str):
        return str(value)
    raise _refused(value, name, of, "text", f"Give for example {name}={_EXAMPLES.get(name, 'Ada')!r}.")


def checked_word(value: object, name: str, *, of: str) -> str | None:
    """A text, or None where there is none; as `checked_text`."""
    return None if value is None else checked_text(value, name, of=of)


def checked_list(values: Any, name: str, *, of: str) -> tuple[Any, ...]:
    """Several things; a lone text would be read letter by letter, and is refused.

    Parameters
    ----------
    values : object
        What was given; each of them is checked later, against the pool or the task.
    name, of : str
        As for `checked_text`.

    Raises
    ------
    ParameterError
        A text, bytes, or nothing that can be gone through.

    Examples
    --------
    >>> checked_list({"12": "cat"}, "ids", of="skip")
    ('12',)
    """
    if isinstance(values, Iterable) and not isinstance(values, str | bytes):
        return tuple(values)
    lone = values if isinstance(values, str) else "12"
    raise _refused(values, name, of, f"a list of {name}", f"Give for example {[lone]}, also for one.")


def checked_mapping(values: Any, name: str, *, of: str, example: str) -> dict[Any, Any]:
    """From one text to another, such as from ids to labels; as `checked_list`."""
    if isinstance(values, Mapping):
        return dict(values)
    raise _refused(values, name, of, "a mapping", f"Give for example {example}.")


def written_text(value: Any, *, may_lack: bool) -> str | None:
    """What a journal holds where text belongs: early versions kept a number, or null, that they were given.

    Examples
    --------
    >>> written_text(5, may_lack=False), written_text(None, may_lack=False), written_text(None, may_lack=True)
    ('5', '', None)
    """
    if value is None:
        return None if may_lack else ""
    return str(value)


_EXAMPLES = {"token": "3f8c", "request": "page 1", "reason": "blurred", "text": "a remark", "name": "margin"}


def _refused(value: object, name: str, of: str, expected: str, advice: str) -> ParameterError:
    return ParameterError(f"{of}'s {name!r} must be {expected}; received {value!r}. {advice}")
