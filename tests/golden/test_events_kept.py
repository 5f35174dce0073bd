"""A journal of the second form, kept as a file: it opens for ever, and means what it meant."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from nextlabel import Campaign
from nextlabel.campaign.events import read_entry, to_entry
from nextlabel.campaign.folding import fold
from nextlabel.campaign.state import State
from nextlabel.core.store import Entry
from nextlabel.stores.sqlite import SQLiteStore

DATA = Path(__file__).parents[1] / "data"


def kept() -> list[Entry]:
    return kept_in(DATA / "journal-2.db")


def kept_in(file: Path) -> list[Entry]:
    store = SQLiteStore(file, read_only=True)
    try:
        return list(store.read(0))
    finally:
        store.close()


def summary(state: State) -> dict[str, Any]:
    """A state as JSON values, orders included."""
    said: dict[str, Any] = {
        "position": state.position,
        "round": state.round,
        "classes": state.task.classes,
        "labels": [[id, state.label(id), state.answers(id)] for id in state.kept],
        "training": state.training(),
        "skipped": state.skipped,
        "begun": list(state.begun),
        "held": {str(now): {who: state.held_by(who, now) for who in PEOPLE} for now in (1e6, 1e6 + 1000)},
        "spoken": {
            who: [[one.position, one.id, one.before, one.skip_before] for one in all_of_them]
            for who, all_of_them in state.spoken.items()
        },
        "requests": dict(state.requests),
        "walled": sorted(state.walled),
        "sample": state.sample,
        "certificates": state.certificates,
        "measured": [dict(one.values) for one in state.measured],
        "fits": state.fits,
        "changed": state.changed,
        "unlabelled": state.unlabelled().tolist(),
    }
    read: dict[str, Any] = json.loads(json.dumps(said))
    return read


PEOPLE = ("Ada", "Bob", "Cyd")


def test_a_journal_of_the_second_form_folds_to_what_was_recorded() -> None:
    state = fold(None, [read_entry(entry) for entry in kept()])
    recorded = json.loads((DATA / "journal-2.json").read_text("utf-8"))
    assert summary(state) == recorded


def test_it_holds_what_came_with_the_second_form() -> None:
    entries = kept()
    forms = {(entry["event"], entry["version"]) for entry in entries}
    new = {"created", "told", "skipped", "retracted", "noted"}
    assert {(name, 2) for name in new} | {("certifying", 1), ("measured", 1)} <= forms
    undoing = [entry["event"] for entry in entries if entry.get("undoes") is not None]
    assert undoing == ["told", "skipped", "retracted"]
    assert (entries[0]["overlap"], entries[0]["candidates"]) == (2, 8)


def test_its_entries_are_written_again_as_they_stand() -> None:
    for entry in kept():
        assert json.loads(json.dumps(to_entry(read_entry(entry)))) == entry


@pytest.mark.parametrize("name", ["journal-1.db", "journal-2.db"])
def test_nothing_is_migrated_so_that_nothing_can_break_in_between(tmp_path: Path, name: str) -> None:
    """An old journal is read as it is: opening it changes no byte, and going on only appends to it."""
    file = tmp_path / name
    shutil.copy(DATA / name, file)
    before, entries = file.read_bytes(), kept_in(file)
    with Campaign.open(file, only_answers=True) as campaign:
        id = campaign.state.ids[0]
        first = campaign.state.task.classes[0]
        label = first if campaign.state.task.kind == "class" else [first]
        campaign.refresh()
        assert file.read_bytes() == before
        campaign.tell({id: label}, annotator="Eve")
    after = kept_in(file)
    assert after[:-1] == entries
    assert after[-1]["event"] == "told"
    assert sorted(one.name for one in tmp_path.iterdir()) == [name]
