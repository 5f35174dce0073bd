"""ASReview's CSV: the columns of the data, then what was decided, 1 for relevant and 0 for irrelevant."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nextlabel.campaign.formats.columns import own_id
from nextlabel.campaign.formats.content import Export
from nextlabel.campaign.formats.matching import ID, Matching
from nextlabel.campaign.formats.statements import moment
from nextlabel.campaign.sheets import Row, read_header, read_sheet, write_sheet
from nextlabel.core.pool import Pool
from nextlabel.core.task import Task
from nextlabel.errors import LabelError, ParameterError, ReaderError

if TYPE_CHECKING:
    from nextlabel.campaign.state import State

__all__ = ["LABELS", "read", "relevant", "write"]

LABELS = ("asreview_label", "included", "label_included", "included_label", "included_final")
"""What ASReview calls the column of decisions: now, and in older exports."""

_PREFIX = "asreview_"
_SAID = ("asreview_label", "asreview_time", "asreview_note", "asreview_user_name")
_RELEVANT = ("relevant", "included", "include")
_MEANING = {"1": True, "1.0": True, "0": False, "0.0": False, "": None, "-1": None, "-1.0": None}
_FEW = 10


def relevant(task: Task, positive: str | None) -> tuple[str, str]:
    """The class that ASReview calls relevant, and the other one.

    Parameters
    ----------
    task : Task
        Of two classes, one an item.
    positive : str or None
        The relevant class; may be left out where a class is called relevant, included or include.

    Raises
    ------
    ParameterError
        Another number of classes, or it is not known which one is meant.
    """
    if task.is_several or len(task.classes) != 2:
        message = (
            "ASReview knows two classes, one an item; this campaign has "
            f"{', '.join(task.classes)}{', several an item' if task.is_several else ''}. Use another format."
        )
        raise ParameterError(message)
    known = [name for name in task.classes if name.casefold() in _RELEVANT]
    meant = positive if positive is not None else (known[0] if len(known) == 1 else None)
    if meant not in task.classes:
        message = (
            f"The class that is relevant to ASReview must be {' or '.join(task.classes)}; received "
            f"{'none' if meant is None else repr(meant)}. Name it: --positive {task.classes[0]}."
        )
        raise ParameterError(message)
    first, second = task.classes
    return (first, second) if meant == first else (second, first)


def write(path: Path, export: Export, *, replace: bool = False) -> int:
    """Write the items of a campaign.

    Parameters
    ----------
    path : Path
    export : Export
        `positive` says which class is relevant.
    replace : bool
        Write over a file that is there.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    ParameterError
        The task has not two classes, or it is not known which one is relevant.
    CampaignError
        The file is there already, or cannot be written; nothing was.

    Notes
    -----
    The columns of the data, but for those that begin with ``asreview_``, which ASReview writes anew as well;
    ``nextlabel_id``, unless one of these is the id; then ``asreview_label``, ``asreview_time`` in UTC,
    ``asreview_note`` and ``asreview_user_name``. A skip has no place there: its label is empty.
    """
    positive, _ = relevant(export.state.task, export.positive)
    owned = export.owned
    header = () if owned is None else owned.header
    kept = [place for place, title in enumerate(header) if not title.strip().casefold().startswith(_PREFIX)]
    titles = [header[place] for place in kept]
    has_id = own_id(export.state.pool_source, titles) is not None
    notes = _notes(export)

    def rows() -> Iterator[list[str]]:
        for id in export.ids:
            cells = () if owned is None else owned.cells(id)
            label = export.state.label(id)
            said = [one for one in export.statements.get(id, ()) if one.label is not None]
            when = moment(max((one.at for one in said if one.at is not None), default=None))
            yield [
                *(cells[place] for place in kept),
                *(() if has_id else (id,)),
                "" if label is None else str(int(label == positive)),
                "" if when is None else f"{when:%Y-%m-%d %H:%M:%S}",
                "; ".join(notes.get(id, ())),
                "; ".join(one.annotator for one in said),
            ]

    columns = [*titles, *(() if has_id else (ID,)), *_SAID]
    return write_sheet(path, columns, rows(), is_raw=export.is_raw, replace=replace)


def _notes(export: Export) -> dict[str, list[str]]:
    notes: dict[str, list[str]] = defaultdict(list)
    for entry in export.entries:
        if entry["event"] == "noted" and entry["text"]:
            for id in entry["ids"]:
                notes[id].append(entry["text"])
    return notes


def read(
    path: Path,
    state: "State",
    *,
    positive: str | None = None,
    pool: Callable[[], Pool] | None = None,
    annotator: str = "",
    encoding: str | None = None,
) -> list[Row]:
    """The decisions of an export of ASReview.

    Parameters
    ----------
    path : Path
        A CSV file with a column of `LABELS`: 1, 0, or nothing where nobody has decided.
    state : State
    positive : str, optional
        As for `relevant`.
    pool : callable, optional
        Makes the pool, for rows that carry no id; these are found by their content.
    annotator : str
        Who decided, in place of what the file says.
    encoding : str, optional
        As for `read_sheet`.

    Returns
    -------
    list of Row
        As `tell_rows` takes them; rows that nobody has decided are left out.

    Raises
    ------
    ReaderError
        The sheet cannot be read, or has no column of decisions.
    LabelError
        Rows that no item is like, or with another label; they are listed, and nothing is told.
    ParameterError
        The task has not two classes, or it is not known which one is relevant.
    """
    classes = dict(zip((True, False), relevant(state.task, positive), strict=True))
    column = next((name for name in LABELS if name in read_header(path, encoding)), None)
    if column is None:
        message = (
            f"{path} must have one of the columns {', '.join(LABELS)}; it has none. Export it from ASReview "
            "with its labels."
        )
        raise ReaderError(message)
    matching, rows = Matching(state, pool), []
    faults: list[str] = []
    for row in read_sheet(path, needs=(column,), encoding=encoding):
        cell = row.cells[column].strip()
        id = matching.id(row.cells)
        meaning = _MEANING.get(cell, cell)
        if isinstance(meaning, str):
            faults.append(f"line {row.line}: {cell!r} is neither 1 nor 0 nor nothing")
        elif meaning is not None and id is None:
            faults.append(f"line {row.line}: no item of this campaign has its id or its content")
        elif meaning is not None:
            name = annotator or _one_name(row.cells.get("asreview_user_name", ""))
            cells = {"id": str(id), "label": classes[meaning], "skip": "", "annotator": name}
            rows.append(Row(row.line, cells))
    if faults:
        more = f"\n  and {len(faults) - _FEW} more" if len(faults) > _FEW else ""
        listed = "".join(f"\n  {one}" for one in faults[:_FEW])
        message = (
            f"Each decided row of {path} must be of an item of this campaign, 1 or 0; {len(faults)} are not:"
            f"{listed}{more}\nMend these rows and tell the file again; nothing was told."
        )
        raise LabelError(message)
    return rows


def _one_name(cell: str) -> str:
    """Who decided, where it was one person."""
    return "" if ";" in cell else cell.strip()
