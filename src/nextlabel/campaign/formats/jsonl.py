"""One JSON object a line: written with the types that JSON has, and read back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextlabel.campaign.formats.csv import cell
from nextlabel.campaign.formats.rows import columns_of, require_columns, rows_of, text_of
from nextlabel.campaign.formats.table import Kind, Table
from nextlabel.campaign.replacing import replacing
from nextlabel.campaign.sheets import Row
from nextlabel.core.task import Task
from nextlabel.errors import ReaderError
from nextlabel.readers.encodings import lines

if TYPE_CHECKING:
    from nextlabel.campaign.state import State

__all__ = ["read", "write"]

_SHOWN = 5


def write(path: Path, table: Table, task: Task, *, replace: bool = False) -> int:
    """Write a table, a line each row.

    Parameters
    ----------
    path : Path
    table : Table
    task : Task
    replace : bool
        Write over a file that is there.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    CampaignError
        The file is there already, or cannot be written; nothing was.

    Notes
    -----
    UTF-8. A label of several classes is a list; numbers are numbers; times are texts, as ISO 8601 in UTC;
    what is missing is null. Memory: one row.
    """
    count = 0
    with replacing(path, replace=replace) as file:
        for row in table.rows:
            pairs = zip(table.columns, row, strict=True)
            said = {column.title: _value(value, column.kind, task) for column, value in pairs}
            file.write(f"{json.dumps(said, ensure_ascii=False)}\n")
            count += 1
    return count


def _value(value: Any, kind: Kind, task: Task) -> Any:
    if value is None:
        return None
    if kind == "time":
        return cell(value, kind, task) or None
    return list(value) if isinstance(value, tuple) else value


def read(path: Path, state: "State", *, encoding: str | None = None) -> list[Row]:
    """The answers of a file.

    Parameters
    ----------
    path : Path
        With the keys ``id`` and ``label`` in each object; ``skip`` and ``annotator`` where there are any.
        Those of an export of items as well.
    state : State
    encoding : str, optional
        UTF-8, or what the byte-order mark says, when left out.

    Returns
    -------
    list of Row
        As `tell_rows` takes them.

    Raises
    ------
    ReaderError
        The file cannot be read, lines are no JSON objects (the first few are named), or a key is missing.
    LabelError
        Labels that a model has given.
    """
    faults: list[str] = []
    titles: dict[str, None] = {}
    rows = list(_rows(path, state, encoding, faults, titles))
    if faults:
        more = f"\n  and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        listed = "".join(f"\n  {one}" for one in faults[:_SHOWN])
        message = (
            f"Each line of {path} must be a JSON object of texts, numbers and labels, each key once; "
            f"{len(faults)} are not:{listed}{more}\nMend these lines and tell the file again; "
            "nothing was told."
        )
        raise ReaderError(message)
    if not rows:
        return []  # an export of nothing has no keys either
    header = [_folded(title) for title in titles]  # one name twice where titles differ in capitals alone
    columns = columns_of(header, state)
    require_columns(path, header, columns.needed)
    whole = [Row(row.line, {**dict.fromkeys(header, ""), **row.cells}) for row in rows]
    return rows_of(path, whole, columns)


def _rows(
    path: Path, state: "State", encoding: str | None, faults: list[str], titles: dict[str, None]
) -> Iterator[Row]:
    """The rows; what is wrong, and the titles that there are, are put into the last two."""
    for number, line in enumerate(lines(path, encoding), start=1):
        if not line.strip():
            continue
        try:
            said = json.loads(line, object_pairs_hook=_once)
            if not isinstance(said, dict):
                raise ValueError(f"it holds a {type(said).__name__}")
            titles.update(dict.fromkeys(said))
            yield Row(number, {_folded(name): text_of(value, state.task) for name, value in said.items()})
        except (ValueError, RecursionError) as cause:
            faults.append(f"line {number}: {cause}")


def _folded(title: str) -> str:
    return title.strip().casefold()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} comes twice")
    return made
