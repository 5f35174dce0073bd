"""One JSON object a line, as a pool."""

import json
from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from nextlabel.readers.arrays import ArrayPool
from nextlabel.readers.encodings import Encoding, encoding_of, escaped, raw_lines, wrong_text
from nextlabel.readers.faults import Faults
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
    skip_faulty: bool = False,
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
        As of a CSV file.
    skip_faulty : bool
        Whether lines that are no JSON object are left out, and listed in the pool's `faults`. When false, one
        such line refuses the file.

    Returns
    -------
    ArrayPool
        As of a CSV file: texts; numbers; or objects where some column is not of numbers. A key that a
        line has not, ``null`` and ``""`` are missing. Every key is in `columns`, as text: lists, objects,
        ``true`` and ``false`` as JSON.

    Raises
    ------
    ReaderError
        The file is not there, empty, of an encoding that nobody can tell, has a line that is no JSON object
        or has a key twice, an id twice or none, or no column of a given name; the message says where, the
        attribute `faults` lists all lines at fault.

    Notes
    -----
    A string of digits counts as a number, as in a CSV file. Empty lines are passed over.
    """
    parts = Parts(id, text, features, label, skip_faulty)
    found = encoding_of(path, encoding, is_skipping=skip_faulty)
    faults = Faults(str(path), is_skipping=skip_faulty)
    columns: dict[str, list[str]] = {}
    begins = array("q")
    for number, value in _objects(path, found, faults):
        for name, cell in value.items():
            if name not in columns:
                columns[name] = [""] * len(begins)
            columns[name].append(_as_text(cell))
        begins.append(number)
        for cells in columns.values():
            if len(cells) < len(begins):
                cells.append("")
    faults.refuse()
    table = Table(str(path), columns, begins, faults)
    return table_pool(table, parts, parts.spec("jsonl", path, encoding=found.to_say(encoding)))


def _objects(path: Source, encoding: Encoding, faults: Faults) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each object with its line; none from the first fault that refuses the file."""
    for number, line in enumerate(raw_lines(path, encoding), start=1):
        wrong = wrong_text(line) or (escaped(line) if encoding.is_damaged else None)
        if wrong is not None:
            faults.add(number, *wrong)
        elif line.strip():
            value = _object(line)
            if isinstance(value, str):
                faults.add(number, "JSON", value)
            elif not faults.is_refused:
                yield number, value


def _object(line: str) -> dict[str, Any] | str:
    """The object that a line holds; in words what is wrong where it holds none."""
    try:
        value = json.loads(line, object_pairs_hook=_once)
        if "\\u" in line:
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except json.JSONDecodeError as cause:
        return f"{cause.msg} at character {cause.colno}"
    except (ValueError, RecursionError) as cause:
        return str(cause)
    return value if isinstance(value, dict) else f"the line holds a {type(value).__name__}"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} comes twice")
    return made


def _as_text(value: Any) -> str:
    """A JSON value as the text of a cell; nothing where it is null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
