"""What callers give a campaign: texts, lists and labels, checked before anything is done with them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nextlabel.core.task import Task
from nextlabel.errors import ParameterError
from nextlabel.maths.parameters import checked_number

__all__ = [
    "checked_list",
    "checked_mapping",
    "checked_name",
    "checked_names",
    "checked_path",
    "checked_renames",
    "checked_seconds",
    "checked_task",
    "checked_text",
    "checked_word",
    "written_text",
]

_CENTURY = 100 * 365.25 * 24 * 3600.0


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
        Anything else, None too, and text that holds the character NUL.

    Examples
    --------
    >>> checked_text("Ada", "annotator", of="tell")
    'Ada'
    """
    if isinstance(value, str) and "\0" not in value:
        return str(value)
    expected = "text without the character NUL" if isinstance(value, str) else "text"
    raise _refused(value, name, of, expected, f"Give for example {name}={_EXAMPLES.get(name, 'Ada')!r}.")


def checked_name(value: object, name: str, *, of: str) -> str:
    """As `checked_text`, without the spaces around it: they would make two people of one.

    Examples
    --------
    >>> checked_name(" Ada ", "annotator", of="tell")
    'Ada'
    """
    return checked_text(value, name, of=of).strip()


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


def checked_names(values: Any, name: str, *, of: str) -> tuple[str, ...]:
    """Several texts, such as classes; as `checked_list`."""
    names = checked_list(values, name, of=of)
    for one in names:
        if not isinstance(one, str):
            raise _refused(one, name, of, "a list of text", "Give for example ['cat', 'dog'].")
    return names


def checked_renames(values: Any, name: str, *, of: str) -> dict[str, str]:
    """From one text to another: both are checked, as by `checked_mapping`."""
    example = "{'old': 'new'}"
    renames = checked_mapping(values, name, of=of, example=example)
    for old, new in renames.items():
        if not isinstance(old, str) or not isinstance(new, str):
            raise _refused(
                {old: new}, name, of, "a mapping from text to text", f"Give for example {example}."
            )
    return renames


def checked_path(value: Any, *, of: str) -> Path:
    """The path of a journal.

    Raises
    ------
    ParameterError
        Neither a text nor a path.
    """
    if isinstance(value, str | Path):
        return Path(value)
    raise _refused(value, "path", of, "a file name", "Give for example 'reviews.db'.")


def checked_task(value: Any, *, of: str) -> Task:
    """A task.

    Raises
    ------
    ParameterError
        Anything else, such as the names of classes alone.
    """
    if isinstance(value, Task):
        return value
    raise _refused(value, "task", of, "a task", "Give for example nextlabel.classes('cat', 'dog').")


def checked_seconds(
    value: object, name: str, *, above: float | None = None, least: float | None = None, of: str, advice: str
) -> float:
    """How long a lease is: a hundred years at most; otherwise as `checked_number`."""
    return checked_number(value, name, above=above, least=least, most=_CENTURY, of=of, advice=advice)


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
