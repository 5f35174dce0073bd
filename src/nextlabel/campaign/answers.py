"""Answers on a sheet: all rows are checked before anything is told, and telling twice changes nothing."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, final

from nextlabel.campaign.batch_sheet import MARK, unguarded
from nextlabel.campaign.sheets import Row, harmless, read_sheet
from nextlabel.errors import LabelError

if TYPE_CHECKING:
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.campaign.state import State

__all__ = ["Told", "tell_sheet"]

_SHOWN = 10  # bad rows listed in one message
_NEEDED = ("id", "label")


@final
@dataclass(frozen=True)
class Told:
    """What a sheet has changed.

    Parameters
    ----------
    labels : mapping of str to int
        How many answers were told, for each class that was named.
    skipped : int
        Items skipped.
    unchanged : int
        Answers and skips that stood in the journal already.
    kept : int
        Answers that this sheet has told before and that were changed since: the newer ones stay.
    later : int
        Rows without an answer.
    """

    labels: Mapping[str, int]
    skipped: int
    unchanged: int
    kept: int
    later: int


@final
@dataclass(frozen=True)
class _Answer:
    line: int
    id: str
    label: str
    reason: str
    annotator: str
    token: str


def tell_sheet(
    campaign: "Campaign",
    path: Path,
    *,
    annotator: str = "",
    encoding: str | None = None,
    is_again: bool = False,
) -> Told:
    """Tell a campaign the answers of a sheet.

    Parameters
    ----------
    campaign : Campaign
    path : Path
        A CSV file with the columns ``id`` and ``label``; ``skip``, ``token`` and ``annotator`` where there
        are any. A row with a label is an answer; one with a word under ``skip`` is skipped, the word being
        the reason; one with neither is left for later.
    annotator : str
        Who answered, where the sheet does not say; when left out, who asked for the sheet.
    encoding : str, optional
        Of the sheet; see `read_sheet`.
    is_again : bool
        Tell also what this very sheet has told before, where answers were changed since.

    Returns
    -------
    Told

    Raises
    ------
    ReaderError
        The sheet cannot be read.
    LabelError
        Ids that the campaign does not have, labels outside its classes, rows with two answers, or an item
        answered twice by one annotator; rows are named by their lines. Nothing was told.

    Notes
    -----
    The rows of one annotator and query are one request, named by its content: told again, it is passed
    over, also after a kill in the middle. Only answers that are new are written.
    """
    rows = read_sheet(path, needs=_NEEDED, encoding=encoding)
    campaign.refresh()
    state = campaign.state
    answers = list(_checked(path, rows, state, annotator))
    counts: Counter[str] = Counter()
    unchanged = kept = skipped = 0
    for (name, token), labels in _runs(answers):
        new = {id: label for id, label in labels.items() if state.answers(id).get(name) != label}
        unchanged += len(labels) - len(new)
        request = _request(name, labels)
        if request in state.requests and not is_again:
            kept += len(new)
        elif new:
            campaign.tell(new, annotator=name, token=token or None, request=None if is_again else request)
            counts.update(new.values())
    passed = sorted((one for one in answers if one.reason), key=_reason)
    for (reason, name, token), run in groupby(passed, key=_reason):
        ids = [one.id for one in run]
        fresh = [id for id in ids if (name, reason) not in state.skips.get(id, ())]
        unchanged += len(ids) - len(fresh)
        if fresh:
            campaign.skip(fresh, reason, annotator=name, token=token or None)
            skipped += len(fresh)
    return Told(counts, skipped, unchanged, kept, len(rows) - len(answers))


def _reason(answer: _Answer) -> tuple[str, str, str]:
    return answer.reason, answer.annotator, answer.token


def _runs(answers: Sequence[_Answer]) -> Iterator[tuple[tuple[str, str], dict[str, str]]]:
    """Labels that can be told together: few runs, and the answers to each item in the order of its rows."""
    before: Counter[str] = Counter()
    runs: dict[tuple[int, str, str], dict[str, str]] = {}
    for one in answers:
        if one.label:
            runs.setdefault((before[one.id], one.annotator, one.token), {})[one.id] = one.label
            before[one.id] += 1
    for key in sorted(runs):
        yield key[1:], runs[key]


def _request(annotator: str, labels: Mapping[str, str]) -> str:
    content = json.dumps([annotator, sorted(labels.items())])
    return f"sheet {blake2b(content.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def _checked(path: Path, rows: Sequence[Row], state: "State", annotator: str) -> Iterator[_Answer]:
    """The answers of a sheet, or one message with all that is wrong with it."""
    answers: list[_Answer] = []
    faults: list[str] = []
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        label, reason = _label(row, state.task.classes), _stripped(row, "skip")
        if not label and not reason:
            continue
        token = _known_token(_stripped(row, "token"), state)
        holder = state.leases[token].holder if token in state.leases else ""
        name = _stripped(row, "annotator") or annotator or holder
        id = _known_id(row, state)
        fault = _fault(id, label, reason, state, hints=len(faults) < _SHOWN)
        if not fault and token and token not in state.leases:
            fault = f"{token!r} is the token of no query of this campaign"
        first = seen.setdefault((id, name), row.line)
        if not fault and first != row.line:
            fault = f"{id!r} has an answer in line {first} already"
        if fault:
            faults.append(f"line {row.line}: {fault}")
        answers.append(_Answer(row.line, id, label, reason, name, token))
    if faults:
        more = f"\n  and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        listed = "".join(f"\n  {one}" for one in faults[:_SHOWN])
        message = (
            f"Each answered row of {path} must have an id of the campaign and one of its classes "
            f"({', '.join(state.task.classes)}); {len(faults)} of {len(answers)} have not:{listed}{more}\n"
            "Mend these rows and tell the sheet again; nothing was told."
        )
        raise LabelError(message)
    yield from answers


def _label(row: Row, classes: Sequence[str]) -> str:
    cell = row.cells["label"]
    return cell if cell in classes else cell.strip()


def _stripped(row: Row, column: str) -> str:
    return row.cells.get(column, "").strip()


def _known_token(cell: str, state: "State") -> str:
    """The token that a cell means; as it is where there is none."""
    return cell.removeprefix(MARK) if cell.removeprefix(MARK) in state.leases else cell


def _known_id(row: Row, state: "State") -> str:
    """The id that a row means; the cell as it is where there is none."""
    cell = row.cells["id"]
    is_batch = "token" in row.cells  # only such sheets guard their ids
    meant = (
        *((unguarded(cell), cell) if is_batch else (cell, unguarded(cell))),
        harmless(cell),
        cell.strip(),
    )
    return next((id for id in meant if id in state.roster), cell)


def _fault(id: str, label: str, reason: str, state: "State", *, hints: bool) -> str:
    """What is wrong with an answer; looking for what may have been meant takes long, where there are many."""
    classes = state.task.classes
    if not id.strip():
        return "it has an answer and no id"
    if id not in state.roster:
        return f"{id!r} is not an id of this campaign{_nearest(id.strip(), state.asked if hints else ())}"
    if label and reason:
        return f"it has the label {label!r} and is skipped ({reason!r}) at once"
    if label and label not in classes:
        return f"{label!r} is not one of the classes{_nearest(label, classes if hints else ())}"
    return ""


def _nearest(word: str, known: Collection[str]) -> str:
    folded = {one.casefold(): one for one in known}
    near = get_close_matches(word.casefold(), folded, n=1)
    return f" (did you mean {folded[near[0]]!r}?)" if near else ""
