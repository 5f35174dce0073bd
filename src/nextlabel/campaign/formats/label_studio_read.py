"""Answers from an export of Label Studio: its JSON, with choices."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextlabel.campaign.formats.label_studio_config import FROM
from nextlabel.campaign.formats.matching import Matching
from nextlabel.campaign.item_sheet import reason_cell
from nextlabel.campaign.sheets import Row
from nextlabel.core.pool import Pool
from nextlabel.errors import LabelError, ReaderError

if TYPE_CHECKING:
    from nextlabel.campaign.state import State

__all__ = ["read"]

_FEW = 10


def read(
    path: Path, state: "State", *, pool: Callable[[], Pool] | None = None, annotator: str = ""
) -> list[Row]:
    """The annotations of an export.

    Parameters
    ----------
    path : Path
        Label Studio's JSON, not its JSON-MIN: a list of tasks with ``data`` and ``annotations``.
    state : State
    pool : callable, optional
        Makes the pool, for tasks that do not carry an id of ours; these are found by their content.
    annotator : str
        Who answered where a file has only numbers for people; when left out, ``label-studio-7`` and the like.

    Returns
    -------
    list of Row
        A row for each annotation, as `tell_rows` takes them; tasks are counted from 1. A cancelled
        annotation is a skip. Predictions and drafts are passed over.

    Raises
    ------
    ReaderError
        The file is no list of tasks.
    LabelError
        Tasks that no item is like, and annotations that are no choices; all are listed, nothing is told.

    Notes
    -----
    Of several sets of choices in one project, the one called ``label`` is read, or the only one. The
    whole file is in memory.
    """
    tasks = _tasks(path)
    source = _source(path, tasks)
    matching = Matching(state, pool)
    rows: list[Row] = []
    faults: list[str] = []
    for number, task in enumerate(tasks, start=1):
        try:
            rows += _rows(number, task, state, matching, source, annotator)
        except ValueError as fault:
            faults.append(f"task {number}: {fault}")
    if faults:
        more = f"\n  and {len(faults) - _FEW} more" if len(faults) > _FEW else ""
        listed = "".join(f"\n  {one}" for one in faults[:_FEW])
        message = (
            f"Each task of {path} must be of an item of this campaign, and its annotations choices; "
            f"{len(faults)} of {len(tasks)} are not:{listed}{more}\n"
            "Mend these tasks and tell the file again; nothing was told."
        )
        raise LabelError(message)
    return rows


def _tasks(path: Path) -> list[dict[str, Any]]:
    try:
        tasks: Any = json.loads(path.read_bytes())
    except OSError as cause:
        message = f"{path} must be a file that can be read; the system says: {cause}. Name another."
        raise ReaderError(message) from cause
    except (ValueError, RecursionError) as cause:
        message = f"{path} must be JSON; it cannot be read: {cause}. Export it from Label Studio again."
        raise ReaderError(message) from cause
    is_list = isinstance(tasks, list) and all(isinstance(task, dict) for task in tasks)
    if not is_list or not all(isinstance(task.get("annotations"), list) for task in tasks):
        message = (
            f"{path} must be a list of tasks with annotations; received "
            f"{'tasks without annotations' if is_list else type(tasks).__name__}. Export it from Label "
            "Studio as JSON, which is not JSON-MIN."
        )
        raise ReaderError(message)
    return list(tasks)


def _source(path: Path, tasks: list[dict[str, Any]]) -> str:
    """Which set of choices is meant."""
    names = {
        str(region.get("from_name"))
        for task in tasks
        for annotation in task["annotations"]
        for region in _regions(annotation)
        if region.get("type") == "choices"
    }
    if len(names) > 1 and FROM not in names:
        message = (
            f"{path} must have one set of choices, or one that is called {FROM!r}; received "
            f"{', '.join(map(repr, sorted(names)))}. Take the others away."
        )
        raise ReaderError(message)
    return FROM if FROM in names or not names else names.pop()


def _regions(annotation: Any) -> list[Mapping[str, Any]]:
    result = annotation.get("result") if isinstance(annotation, dict) else None
    return [one for one in result or () if isinstance(one, dict)] if isinstance(result, list) else []


def _rows(
    number: int, task: Mapping[str, Any], state: "State", matching: Matching, source: str, annotator: str
) -> Iterator[Row]:
    data = task.get("data")
    annotations = task["annotations"]
    if not annotations:
        return
    id = matching.id(data) if isinstance(data, dict) else None
    if id is None:
        raise ValueError("no item of this campaign has its id or its content")
    names: set[str] = set()
    for annotation in annotations:
        if not isinstance(annotation, dict):
            raise ValueError(f"an annotation is {type(annotation).__name__}")
        name = _name(annotation, annotator)
        if name in names:
            raise ValueError(f"{name!r} has several annotations, and one answer of each person is told")
        names.add(name)
        cells = {"id": id, "label": "", "skip": "", "annotator": name}
        if annotation.get("was_cancelled"):
            meta = annotation.get("meta")
            reason = meta.get("skip") if isinstance(meta, dict) else None
            cells["skip"] = reason_cell(reason if isinstance(reason, str) else "")
        else:
            cells["label"] = _label(annotation, state, source)
        yield Row(number, cells, "task")


def _label(annotation: Mapping[str, Any], state: "State", source: str) -> str:
    """The choices as a cell; empty for nothing chosen where one class must be."""
    regions = _regions(annotation)
    other = next((one for one in regions if one.get("type") != "choices"), None)
    if other is not None:
        raise ValueError(f"a region is of the type {other.get('type')!r}, and only choices are read")
    meant = [one for one in regions if one.get("from_name") == source]
    if len(meant) > 1:
        raise ValueError(f"an annotation has {len(meant)} regions of choices, and one is read")
    value = meant[0].get("value") if meant else {"choices": []}
    choices = value.get("choices") if isinstance(value, dict) else None
    if not isinstance(choices, list) or not all(isinstance(one, str) for one in choices):
        raise ValueError(f"choices must be a list of texts; received {choices!r}")
    if state.task.is_several:
        return state.task.text(tuple(choices))
    if len(choices) > 1:
        raise ValueError(f"an item has one class, and {len(choices)} were chosen ({', '.join(choices)})")
    return choices[0] if choices else ""


def _name(annotation: Mapping[str, Any], annotator: str) -> str:
    """Who answered: the name that we wrote, an address, or a number."""
    meta, by = annotation.get("meta"), annotation.get("completed_by")
    if isinstance(meta, dict) and isinstance(meta.get("annotator"), str):
        return str(meta["annotator"])
    if isinstance(by, dict):
        return str(by.get("email") or by.get("username") or f"label-studio-{by.get('id')}")
    return annotator or ("" if by is None else f"label-studio-{by}")
