"""One JSON object a line, as a pool."""

import json
from array import array
from collections.abc import Sequence
from typing import Any

from nextlabel.errors import ReaderError
from nextlabel.readers.arrays import ArrayPool
from nextlabel.readers.encodings import lines
from nextlabel.readers.files import Source
from nextlabel.readers.table import Parts, Table, table_pool

__all__ = ["jsonl"]


def jsonl(
    path: Source,
    *,
    id: str | None = None,
    text: str | None = None,
    features: Sequence[str] | None = None,
    label: str | None = None,
    encoding: str | None = None,
) -> ArrayPool:
    """The lines of a file with one JSON object each; keys are columns.

    Parameters
    ----------
    path : str or path
        A file; compressed where its name ends in ``.gz``.
    id : str, optional
        The key that names each item; from the content of the items when left out.
    text : str, optional
        The key whose texts are the items.
    features : sequence of str, optional
        The keys that make the items; all but id and label when left out. Not beside `text`.
    label : str, optional
        The key of labels: never a feature.
    encoding : str, optional
        UTF-8, or what the byte-order mark says, when left out.

    Returns
    -------
    ArrayPool
        As of a CSV file: texts; numbers; or objects where some column is not of numbers. A key that a
        line has not, ``null`` and ``""`` are missing. Every key is in `columns`, as text: lists, objects,
        ``true`` and ``false`` as JSON.

    Raises
    ------
    ReaderError
        The file is not there, empty, of another encoding, has a line that is no JSON object or has a key
        twice, an id twice or none, or no column of a given name; the message says where.

    Notes
    -----
    A string of digits counts as a number, as in a CSV file. Empty lines are passed over.
    """
    columns: dict[str, list[str]] = {}
    begins = array("q")
    for number, line in enumerate(lines(path, encoding), start=1):
        if not line.strip():
            continue
        for name, value in _object(line, number, path).items():
            if name not in columns:
                columns[name] = [""] * len(begins)
            columns[name].append(_as_text(value))
        begins.append(number)
        for cells in columns.values():
            if len(cells) < len(begins):
                cells.append("")
    parts = Parts(id, text, features, label)
    return table_pool(Table(str(path), columns, begins), parts, parts.spec("jsonl", path, encoding=encoding))


def _object(line: str, number: int, path: Source) -> dict[str, Any]:
    try:
        value = json.loads(line, object_pairs_hook=_once)
        if "\\u" in line:
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except json.JSONDecodeError as cause:
        raise ReaderError(_unreadable(number, path, f"{cause.msg} at character {cause.colno}")) from cause
    except (ValueError, RecursionError) as cause:
        raise ReaderError(_unreadable(number, path, str(cause))) from cause
    if not isinstance(value, dict):
        raise ReaderError(_unreadable(number, path, f"the line holds a {type(value).__name__}"))
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} comes twice")
    return made


def _unreadable(number: int, path: Source, why: str) -> str:
    return (
        f"Every line must be one JSON object, each key once; received in line {number} of {str(path)!r} what "
        f"is not: {why}. Mend that line; a file that is one JSON list must be written with one object a line."
    )


def _as_text(value: Any) -> str:
    """A JSON value as the text of a cell; nothing where it is null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
