"""Answers on a sheet: all rows are checked before anything is told, and telling twice changes nothing."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, final

from nextlabel.campaign.batch_sheet import MARK, unguarded
from nextlabel.campaign.formats.csv import read
from nextlabel.campaign.item_sheet import is_item_row, is_said, reason_cell, whose
from nextlabel.campaign.label_cells import LabelCells, cell_form
from nextlabel.campaign.said import Said, ever_said
from nextlabel.campaign.sheets import Row, harmless
from nextlabel.core.task import Label
from nextlabel.errors import LabelError

if TYPE_CHECKING:
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.campaign.state import State

__all__ = ["Told", "tell_rows", "tell_sheet"]

_SHOWN = 10  # bad rows listed in one message


@final
@dataclass(frozen=True)
class Told:
    """What a sheet has changed.

    Parameters
    ----------
    labels : mapping of str to int
        How many answers were told, for each label as a cell has it.
    skipped : int
        Items skipped.
    unchanged : int
        Answers and skips that stood in the journal already.
    kept : tuple of str
        Ids whose row its annotator has said before, and changed or taken back since: what was said last
        stays.
    later : int
        Rows without an answer, of items that wait for one.
    standing : tuple of str
        Ids whose row is empty, and whose answer or skip stands in the journal all the same.
    contested : tuple of str
        Ids that were skipped on the sheet, and that answers of others keep labelled.
    outvoted : tuple of str
        Ids whose row of items was changed to what its annotator says already; the item keeps the label
        that others give it.
    """

    labels: Mapping[str, int]
    skipped: int
    unchanged: int
    kept: tuple[str, ...]
    later: int
    standing: tuple[str, ...] = ()
    contested: tuple[str, ...] = ()
    outvoted: tuple[str, ...] = ()


@final
@dataclass(frozen=True)
class _Answer:
    line: int
    id: str
    name: Label | None  # in the words of the sheet, which may be an old name; None is no label
    label: Label | None  # what it is called now
    reason: str
    annotator: str
    token: str
    is_item: bool  # from a sheet of items, which says what stands and not what this annotator has told


@final
@dataclass(frozen=True)
class _Content:
    """What the rows of a sheet say: answers, and what needs none."""

    answers: list[_Answer] = field(default_factory=list)
    known: list[int] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    later: list[int] = field(default_factory=list)


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
        are any. A row with a label is an answer: a class, or of several classes an item, those that apply
        with semicolons between them, ``(none)`` where none does. One with a word under ``skip`` is skipped,
        the word being the reason, and takes the annotator's own answer back; one with neither is left as
        it is. Also an export of items: rows that say what stands are nothing new, and those that
        were changed are of the one who answered the item.
    annotator : str
        Who answered, where the sheet does not say; when left out, who asked for the sheet.
    encoding : str, optional
        Of the sheet; see `read_sheet`.
    is_again : bool
        Tell also what was told before in the same words, where that was changed or taken back since.

    Returns
    -------
    Told

    Raises
    ------
    ReaderError
        The sheet cannot be read.
    LabelError
        Ids that the campaign does not have, labels outside its classes, rows with two answers, an item
        answered twice by one annotator, tokens of another campaign, or a changed row of an item that
        several have answered; rows are named by their lines. Nothing was told.

    Notes
    -----
    A row that says what its annotator said of the item before, and changed or took back since, is old: it
    is kept back, and named in the result. Classes renamed since are read as `Campaign.revise` says, on the
    sheet and in the journal; a row in the very words of an earlier answer is old too, whatever these words
    mean now. An answer to a query that still waits for it is never old. The whole journal is read where
    rows cannot be told to be new without it. The new rows of one annotator and query are one request, named
    by its content, so that two who tell a sheet at once tell it once. A label may be written in other
    capitals than its class, where only one class is meant.
    """
    rows = read(path, campaign.refresh(), encoding=encoding)
    return tell_rows(campaign, path, rows, annotator=annotator, is_again=is_again)


def tell_rows(
    campaign: "Campaign", path: Path, rows: Sequence[Row], *, annotator: str = "", is_again: bool = False
) -> Told:
    """Tell a campaign the answers of rows that were read from a file of any kind.

    Parameters
    ----------
    campaign : Campaign
    path : Path
        Where they are from, for messages.
    rows : sequence of Row
        With the cells ``id`` and ``label``; others as for `tell_sheet`.
    annotator, is_again
        As for `tell_sheet`.

    Returns
    -------
    Told

    Raises
    ------
    LabelError
        As for `tell_sheet`; nothing was told.
    """
    state = campaign.refresh()
    content = _checked(path, rows, state, annotator.strip())
    old = set() if is_again else _old(campaign, state, content.answers)
    fresh = [one for one in content.answers if not _stands(one, state) and one not in old]
    labelled = [one for one in content.answers if one.label is not None]
    outvoted = [one for one in labelled if one.is_item and _stands(one, state)]
    counts: Counter[str] = Counter()
    for (name, token), run in _runs(fresh):
        request = None if is_again else _request(name, token, run)
        labels = {one.id: one.name for one in run if one.name is not None}
        campaign.tell(labels, annotator=name, token=token or None, request=request)
        counts.update(state.task.text(one.label) for one in run if one.label is not None)
    passed = [one for one in content.answers if one.reason and one not in old]
    skipped = [one for one in fresh if one.reason]
    for (reason, name, token), skips in groupby(sorted(skipped, key=_reason), key=_reason):
        campaign.skip([one.id for one in skips], reason, annotator=name, token=token or None)
    return Told(
        counts,
        len(skipped),
        len(content.known) + len(content.answers) - len(fresh) - len(old) - len(outvoted),
        _ids([one for one in content.answers if one in old]),
        len(content.later),
        tuple(dict.fromkeys(content.standing)),
        tuple(id for id in _ids(passed) if id in campaign.state.kept),
        _ids(outvoted),
    )


def _ids(answers: Sequence[_Answer]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.id for one in answers))


def _stands(one: _Answer, state: "State") -> bool:
    """Whether its annotator says so already."""
    label = state.answers(one.id).get(one.annotator)
    if not one.reason:
        return label == one.label
    said = {name: reason_cell(why) for name, why in state.skips.get(one.id, ())}
    return said.get(one.annotator) == one.reason and label is None


def _old(campaign: "Campaign", state: "State", answers: Sequence[_Answer]) -> set[_Answer]:
    """What its annotator has said before, and does not say now."""

    def is_doubtful(one: _Answer) -> bool:
        is_awaited = bool(one.token) and state.held.get(one.id) == one.token
        return not is_awaited and not _stands(one, state)

    doubtful = [one for one in answers if is_doubtful(one)]
    if not doubtful:
        return set()
    said = ever_said(campaign.journal(), {one.id for one in doubtful})
    none = Said()
    return {
        one
        for one in doubtful
        if said.get((one.id, one.annotator), none).has(one.name, one.label, one.reason)
    }


def _reason(answer: _Answer) -> tuple[str, str, str]:
    return answer.reason, answer.annotator, answer.token


def _runs(answers: Sequence[_Answer]) -> Iterator[tuple[tuple[str, str], list[_Answer]]]:
    """Labels that can be told together: few runs, and the answers to each item in the order of its rows."""
    before: Counter[str] = Counter()
    runs: dict[tuple[int, str, str], list[_Answer]] = {}
    for one in answers:
        if one.label is not None:
            runs.setdefault((before[one.id], one.annotator, one.token), []).append(one)
            before[one.id] += 1
    for key in sorted(runs):
        yield key[1:], runs[key]


def _request(annotator: str, token: str, run: Sequence[_Answer]) -> str:
    content = json.dumps([annotator, token, sorted((one.id, one.name) for one in run)])
    return f"sheet {blake2b(content.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def _checked(path: Path, rows: Sequence[Row], state: "State", annotator: str) -> _Content:
    """What a sheet says, or one message with all that is wrong with it."""
    content = _Content()
    faults: list[str] = []
    seen: dict[tuple[str, str | None], int] = {}
    cells = LabelCells(state)
    for row in rows:
        one = _read(row, state, annotator, cells)
        if fault := _fault(one, row, state, seen, hints=len(faults) < _SHOWN):
            faults.append(f"{row.unit} {row.line}: {fault}")
        else:
            _sort(one, state, content)
    if faults:
        more = f"\n  and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        listed = "".join(f"\n  {one}" for one in faults[:_SHOWN])
        many = len(content.answers) + len(content.known) + len(faults)
        message = (
            f"Each answered row of {path} must have an id of the campaign and {cell_form(state.task)}; "
            f"{len(faults)} of {many} have not:{listed}{more}\n"
            "Mend these rows and tell the sheet again; nothing was told."
        )
        raise LabelError(message)
    return content


def _read(row: Row, state: "State", annotator: str, cells: LabelCells) -> _Answer:
    """What a row says; the annotator of a changed row of items is the one who answered."""
    said, reason = cells.words(row.cells["label"]), _stripped(row, "skip")
    now = state.class_now(said)
    label = said if now is None else now
    id, token = _known_id(row, state), _known_token(_stripped(row, "token"), state)
    holder = state.leases[token].holder if token in state.leases else ""
    is_item = is_item_row(row)
    name = _stripped(row, "annotator") or annotator or holder
    if is_item:
        name = whose(row, id, state, annotator) or ""
    return _Answer(row.line, id, said, label, reason, name, token, is_item)


def _sort(one: _Answer, state: "State", content: _Content) -> None:
    """Put a sound row where it belongs."""
    if one.label is not None or one.reason:
        if one.is_item and is_said(one.id, one.label, one.reason, state):
            content.known.append(one.line)
        else:
            content.answers.append(one)
        return
    said = {*state.answers(one.id), *dict(state.skips.get(one.id, ()))}
    if said if one.is_item else one.annotator in said:
        content.standing.append(one.id)
    else:
        content.later.append(one.line)


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


def _fault(
    one: _Answer, row: Row, state: "State", seen: dict[tuple[str, str | None], int], *, hints: bool
) -> str:
    """What is wrong with a row; `seen` has the lines of those before it."""
    is_answered = one.label is not None or bool(one.reason)
    if is_answered and (fault := _wrong(one, state, hints=hints)):
        return fault
    if one.token and one.token not in state.leases:
        return f"{one.token!r} is the token of no query of this campaign"
    if not is_answered:
        return ""
    first = seen.setdefault((one.id, None if one.is_item else one.annotator), one.line)
    if first != one.line:
        return f"{one.id!r} has an answer in {row.unit} {first} already"
    if one.is_item and not is_said(one.id, one.label, one.reason, state):
        return _ownerless(one, row, state)
    return ""


def _ownerless(one: _Answer, row: Row, state: "State") -> str:
    if whose(row, one.id, state, one.annotator) is not None:
        return ""
    several = ", ".join(map(repr, state.answers(one.id) or dict(state.skips[one.id])))
    return f"{one.id!r} was changed, and is of {several}; name the annotator who changes it (--annotator)"


def _wrong(one: _Answer, state: "State", *, hints: bool) -> str:
    """What is wrong with an answer; looking for what may have been meant takes long, where there are many."""
    classes, id = state.task.classes, one.id
    if not id.strip():
        return "it has an answer and no id"
    if id not in state.roster:
        return f"{id!r} is not an id of this campaign{_nearest(id.strip(), state.asked if hints else ())}"
    if one.label is None:
        return ""
    if one.reason:
        return f"it has the label {state.task.text(one.label)!r} and is skipped ({one.reason!r}) at once"
    named = (one.label,) if isinstance(one.label, str) else one.label
    unknown = next((name for name in named if name not in state.task.index), None)
    if unknown is None:
        return ""
    return f"{unknown!r} is not one of the classes{_nearest(unknown, classes if hints else ())}"


def _nearest(word: str, known: Collection[str]) -> str:
    folded = {one.casefold(): one for one in known}
    near = get_close_matches(word.casefold(), folded, n=1)
    return f" (did you mean {folded[near[0]]!r}?)" if near else ""
