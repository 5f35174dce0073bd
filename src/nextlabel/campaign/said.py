"""What annotators have said of items since the beginning, also what was changed or taken back since."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import final

from nextlabel.campaign.item_sheet import reason_cell
from nextlabel.core.store import Entry
from nextlabel.core.task import Label

__all__ = ["Said", "ever_said"]


@final
@dataclass(frozen=True)
class Said:
    """All that one annotator ever said of one item.

    Parameters
    ----------
    names : set of labels
        In the words of then; of several classes an item, sorted by name.
    labels : set of labels
        The same as they are called now.
    reasons : set of str
        Of skips, as sheets have them.

    Examples
    --------
    >>> Said({"cat"}, {"feline"}, {"dark"}).has("cat", "feline", "")
    True
    """

    names: set[Label] = field(default_factory=set)
    labels: set[Label] = field(default_factory=set)
    reasons: set[str] = field(default_factory=set)

    def has(self, name: Label | None, label: Label | None, reason: str) -> bool:
        """Whether a row says nothing new: the same words, or what these words mean now."""
        if reason or name is None or label is None:
            return reason in self.reasons
        return _each(name, {}) in self.names or _each(label, {}) in self.labels


def ever_said(entries: Iterable[Entry], ids: Collection[str]) -> dict[tuple[str, str], Said]:
    """What was said of some items, by id and annotator.

    Parameters
    ----------
    entries : iterable of Entry
        A whole journal.
    ids : collection of str

    Notes
    -----
    Takes one pass over the journal, and one over what was said for each revision of the classes.

    Examples
    --------
    >>> begun = {"event": "created", "task": {"classes": ["cat"]}}
    >>> told = {"event": "told", "annotator": "anna", "labels": {"a": "cat", "b": "cat"}}
    >>> revised = {"event": "revised", "classes": ["feline"], "mapping": {"cat": "feline"}}
    >>> ever_said([begun, told, revised, told], {"a"})
    {('a', 'anna'): Said(names={'cat'}, labels={'feline'}, reasons=set())}
    """
    said: dict[tuple[str, str], Said] = defaultdict(Said)
    wanted = set(ids)
    now: dict[str, str] = {}  # what each name means, as `State.class_now` says
    for entry in entries:
        if entry["event"] == "created":
            now = {name: name for name in entry["task"]["classes"]}
        elif entry["event"] == "revised":
            mapping = entry["mapping"]
            now = {old: mapping[label] for old, label in now.items()}
            now.update((name, name) for name in entry["classes"])
            for one in said.values():
                renamed = {_each(label, mapping) for label in one.labels}
                one.labels.clear()
                one.labels.update(renamed)
        elif entry["event"] == "told":
            for id in wanted & entry["labels"].keys():
                one, name = said[id, entry["annotator"]], entry["labels"][id]
                one.names.add(_each(name, {}))
                one.labels.add(_each(name, now))
        elif entry["event"] == "skipped":
            for id in wanted.intersection(entry["ids"]):
                said[id, entry["annotator"]].reasons.add(reason_cell(entry["reason"]))
    return dict(said)


def _each(label: str | Iterable[str], names: Mapping[str, str]) -> Label:
    """A label in other names, of several classes the same whatever order they were said in."""
    if isinstance(label, str):
        return names.get(label, label)
    return tuple(sorted({names.get(one, one) for one in label}))
