"""All items, page by page: searched, filtered, those first where the model and people disagree."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final

from nextlabel.campaign.state import State
from nextlabel.core.task import Label
from nextlabel.errors import RequestError
from nextlabel.server.histories import label_now, whole
from nextlabel.server.people import Person
from nextlabel.server.showing import Showing

__all__ = ["FILTERS", "SORTS", "Listing"]

FILTERS = ("all", "labelled", "unlabelled", "skipped", "flagged", "disagreement")
"""What may be listed."""

SORTS = ("order", "disagreement", "confidence")
"""In which order."""

_LARGEST = 200
_LONGEST = 200


@final
class Listing:
    """Items in pages.

    Parameters
    ----------
    showing : Showing

    Notes
    -----
    Without search, filter or sort a page costs its own items, however large the pool; a filter costs the
    items that were touched; a search reads every text.
    """

    def __init__(self, showing: Showing) -> None:
        self._showing = showing

    def page(self, state: State, person: Person, query: Mapping[str, str]) -> dict[str, Any]:
        """One page.

        Parameters
        ----------
        state : State
        person : Person
            Annotators see their own answers, owners everybody's.
        query : mapping of str to str
            ``search``, ``filter``, ``label``, ``sort``, ``page`` and ``size``.

        Raises
        ------
        RequestError
            A word or a number that none of these takes.
        """
        filter, sort = _one(query, "filter", FILTERS), _one(query, "sort", SORTS)
        size = whole(query, "size", 50, 1, _LARGEST)
        wanted = whole(query, "page", 1, 1, 10**9)
        search, label = query.get("search", "")[:_LONGEST].casefold(), query.get("label", "")
        found: Sequence[str] = self._filtered(state, person, filter)
        if label:
            found = [id for id in found if _has(self._label(state, person, id), label)]
        if search:
            found = [id for id in found if search in self._text(id)]
        if sort != "order":
            found = self._sorted(state, person, found, sort)
        pages = max(1, -(-len(found) // size))
        here = min(wanted, pages)
        rows = found[(here - 1) * size : here * size]
        return {
            "total": len(found),
            "page": here,
            "pages": pages,
            "items": [self._row(state, person, id) for id in rows],
        }

    def item(self, state: State, person: Person, number: int) -> dict[str, Any]:
        """One item whole.

        Parameters
        ----------
        state : State
        person : Person
        number : int
            From 1, in the order of the journal.

        Raises
        ------
        RequestError
            There is no such item.
        """
        if not 1 <= number <= len(state.roster):
            message = f"Items are numbered from 1 to {len(state.roster):,}; received {number:,}."
            raise RequestError(f"{message} See the page of items.", status=404, kind="missing")
        id = state.ids[number - 1]
        row = self._row(state, person, id)
        _, model = self._showing.suggestion(state, id)
        columns = self._showing.pool.columns
        return {
            **row,
            "view": self._showing.view(state, id),
            "model": model,
            "mine": self._showing.mine(state, person, id),
            "columns": {name: str(cells[number - 1])[:10_000] for name, cells in columns.items()}
            if person.is_owner
            else {},
            "notes": self._notes(person, id),
            "skips": {
                who: reason
                for who, reason in state.skips.get(id, ())
                if person.is_owner or who == person.name
            },
            "history": self._history(state, person, id),
        }

    def _filtered(self, state: State, person: Person, filter: str) -> Sequence[str]:
        if filter == "all":
            return state.ids
        if filter == "flagged":
            return _ordered(state, self._showing.chronicle.flagged())
        if filter == "skipped":
            skipped = state.skips.items()
            return _ordered(
                state, (id for id, said in skipped if _is_theirs(person, (who for who, _ in said)))
            )
        answered = [id for id in state.kept if _is_theirs(person, state.answers(id))]
        if filter == "labelled":
            return _ordered(state, answered)
        if filter == "unlabelled":
            there = frozenset(answered)
            return [id for id in state.ids if id not in there]
        return _ordered(state, (id for id in answered if self._disagrees(state, person, id) > 0))

    def _sorted(self, state: State, person: Person, ids: Sequence[str], sort: str) -> Sequence[str]:
        if sort == "disagreement":
            return sorted(ids, key=lambda id: -self._disagrees(state, person, id))
        return sorted(ids, key=lambda id: self._confidence(state, id))

    def _disagrees(self, state: State, person: Person, id: str) -> float:
        """How sure the model is of another label; 0 where it agrees or says nothing."""
        label = self._label(state, person, id)
        if label is None:
            return 0.0
        said, _ = self._showing.suggestion(state, id)
        return 0.0 if said is None or said["label"] == label else float(said["confidence"])

    def _confidence(self, state: State, id: str) -> float:
        said, _ = self._showing.suggestion(state, id)
        return 2.0 if said is None else float(said["confidence"])

    def _label(self, state: State, person: Person, id: str) -> Label | None:
        """Everybody's label for an owner, their own for an annotator."""
        return state.label(id) if person.is_owner else state.answers(id).get(person.name)

    def _row(self, state: State, person: Person, id: str) -> dict[str, Any]:
        said, _ = self._showing.suggestion(state, id)
        answers = state.answers(id)
        return {
            "id": id,
            "number": state.roster.index[id] + 1,
            "line": self._showing.line(id),
            "label": self._label(state, person, id),
            "answers": {
                who: label for who, label in answers.items() if person.is_owner or who == person.name
            },
            "skipped": _is_theirs(person, (who for who, _ in state.skips.get(id, ()))),
            "suggestion": said,
            "flags": len(self._showing.chronicle.flags(id)),
        }

    def _notes(self, person: Person, id: str) -> list[dict[str, Any]]:
        return [
            {"at": one.at, "author": one.who, "text": one.text, "kind": one.kind}
            for one in self._showing.chronicle.about(id)
            if one.kind in ("note", "flag") and (person.is_owner or one.who == person.name)
        ]

    def _history(self, state: State, person: Person, id: str) -> list[dict[str, Any]]:
        found = []
        for one in self._showing.chronicle.about(id):
            if one.kind in ("note", "flag") or not (person.is_owner or one.who == person.name):
                continue
            who = one.who or "nobody in particular"
            words = {
                "asked": f"Asked of {who}.",
                "answer": f"{who} said {_word(label_now(state, one.label))}.",
                "skip": f"{who} skipped it{f': {one.text}' if one.text else ''}.",
                "retract": f"{who} took that back.",
            }[one.kind]
            found.append(
                {"at": one.at, "text": words, "undone": self._showing.chronicle.is_undone(one.position)}
            )
        return found

    def _text(self, id: str) -> str:
        if self._showing.medium == "image":
            return id.casefold()
        content = self._showing.pool.show(id).content
        if isinstance(content, Mapping):
            return "\n".join(map(str, content.values())).casefold()
        return str(content).casefold()


def _is_theirs(person: Person, who: Iterable[str]) -> bool:
    """Whether somebody's statements count for this person: anybody's for an owner."""
    names = tuple(who)
    return bool(names) if person.is_owner else person.name in names


def _ordered(state: State, ids: Iterable[str]) -> list[str]:
    index = state.roster.index
    return sorted(ids, key=lambda id: index[id])


def _has(said: Label | None, label: str) -> bool:
    return said == label or (isinstance(said, tuple) and label in said)


def _word(label: Any) -> str:
    if isinstance(label, str):
        return label
    return ", ".join(label) if label else "none of them"


def _one(query: Mapping[str, str], name: str, known: Sequence[str]) -> str:
    text = query.get(name) or known[0]
    if text not in known:
        message = (
            f"{name} must be one of {', '.join(known)}; received {text[:40]!r}. Leave it out for {known[0]}."
        )
        raise RequestError(message)
    return text
