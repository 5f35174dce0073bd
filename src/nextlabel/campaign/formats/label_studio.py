"""Label Studio's JSON: a task an item, with annotations by people and predictions by the model."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from nextlabel.campaign.formats.content import Export
from nextlabel.campaign.formats.label_studio_config import FROM, SHOWN, object_tag
from nextlabel.campaign.formats.matching import ID
from nextlabel.campaign.formats.statements import Statement, moment
from nextlabel.campaign.item_sheet import reason_cell
from nextlabel.campaign.replacing import replacing
from nextlabel.core.task import Label

if TYPE_CHECKING:
    from nextlabel.campaign.state import State

__all__ = ["write"]

_NAMESPACE = uuid5(NAMESPACE_URL, "nextlabel:annotation")


def write(path: Path, export: Export, *, replace: bool = False) -> int:
    """Write the tasks of a campaign.

    Parameters
    ----------
    path : Path
    export : Export
        With its pool, which shows the items. Predictions, where there are any, are left out of items that
        wait to measure quality by.
    replace : bool
        Write over a file that is there.

    Returns
    -------
    int
        The number of tasks.

    Raises
    ------
    CampaignError
        The file is there already, or cannot be written; nothing was.

    Notes
    -----
    In ``data``: the columns of the data under their names, ``nextlabel_id``, and what is shown under
    ``nextlabel_text``, ``nextlabel_row`` or ``nextlabel_image``. An annotation has `completed_by`, a number,
    with the name in its ``meta``; `was_cancelled` for a skip; `lead_time` in seconds; and a `unique_id` that
    is the same in every export. Memory: one task.
    """
    numbers: dict[str, int] = {}
    with replacing(path, replace=replace) as file:
        file.write("[")
        for count, task in enumerate(_tasks(export, numbers)):
            file.write(",\n" if count else "\n")
            file.write(json.dumps(task, ensure_ascii=False))
        file.write("\n]\n")
    return len(export.ids)


def _tasks(export: Export, numbers: dict[str, int]) -> Iterator[dict[str, Any]]:
    index = export.state.roster.index
    tag = object_tag(export.pool)
    for id in export.ids:
        said = export.statements.get(id, ())
        annotations = [_annotation(id, one, export.state, numbers, tag) for one in said]
        guess = export.predictions.of(id) if export.predictions is not None and export.is_shown(id) else None
        yield {
            "id": index[id] + 1,
            "data": _data(id, export, tag),
            "annotations": annotations,
            "predictions": [] if guess is None else [_prediction(id, *guess, export, tag)],
        }


def _data(id: str, export: Export, tag: str) -> dict[str, Any]:
    owned, pool = export.owned, export.pool
    cells = {} if owned is None else dict(zip(owned.header, owned.cells(id), strict=True))
    if pool is not None:
        view = pool.show(id)
        if isinstance(view.content, Mapping):
            shown: Any = {name: str(value) for name, value in view.content.items()}
        else:
            shown = str(view.content) if tag == "text" else id
        cells[SHOWN[tag]] = shown
    return {**cells, ID: id}


def _annotation(
    id: str, said: Statement, state: "State", numbers: dict[str, int], tag: str
) -> dict[str, Any]:
    name = said.annotator
    number = numbers.setdefault(name, len(numbers) + 1)
    key = json.dumps([state.created.at, state.created.pool_fingerprint, id, name, said.position])
    made: dict[str, Any] = {
        "id": int.from_bytes(uuid5(_NAMESPACE, key).bytes[:6]),
        "unique_id": str(uuid5(_NAMESPACE, key)),
        "completed_by": number,
        "was_cancelled": said.label is None,
        "ground_truth": False,
        "result": [] if said.label is None else _result(id, said.label, tag),
        "meta": {"annotator": name},
    }
    made["result_count"] = len(made["result"])
    if said.label is None:
        made["meta"]["skip"] = reason_cell(said.reason)
    if (when := moment(said.at)) is not None:
        made["created_at"] = made["updated_at"] = when.isoformat().replace("+00:00", "Z")
    if said.seconds is not None:
        made["lead_time"] = said.seconds
    return made


def _prediction(id: str, label: Label, confidence: float, export: Export, tag: str) -> dict[str, Any]:
    assert export.predictions is not None
    return {
        "model_version": export.predictions.model,
        "score": confidence,
        "result": _result(id, label, tag),
    }


def _result(id: str, label: Label, tag: str) -> list[dict[str, Any]]:
    """One region, or none where no class applies."""
    choices = [label] if isinstance(label, str) else list(label)
    if not choices:
        return []
    region = {
        "id": uuid5(_NAMESPACE, id).hex[:10],
        "from_name": FROM,
        "to_name": tag,
        "type": "choices",
        "value": {"choices": choices},
    }
    return [region]
