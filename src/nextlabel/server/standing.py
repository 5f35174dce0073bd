"""How a campaign stands, for the status page: what may be claimed, who labels, what the trainer does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nextlabel.campaign.state import State
from nextlabel.evaluation.report import status
from nextlabel.evaluation.stopping import Snapshots
from nextlabel.server.chronicle import Chronicle
from nextlabel.server.dealing import set_aside
from nextlabel.server.people import Person, Role
from nextlabel.server.training import Training

__all__ = ["standing"]


_FILE = "file"  # in whose name the labels were told that a column of the data had already


def standing(
    state: State,
    journal: Path | None,
    training: Training,
    chronicle: Chronicle,
    known: Mapping[str, Role],
    person: Person,
) -> dict[str, Any]:
    """All that the status page shows.

    Parameters
    ----------
    state : State
    journal : Path or None
    training : Training
    chronicle : Chronicle
    known : mapping of str to role
        The people named beforehand.
    person : Person
        Who asks: annotators see themselves among the people.

    Notes
    -----
    Time O(queries + answers).
    """
    snapshots = None if journal is None else Snapshots.load(Snapshots.path(journal))
    said = status(state, chronicle.choices(state), snapshots=snapshots)
    plan = training.plan
    spec = plan.strategy if plan is not None else state.picking
    people = [
        {
            "name": name,
            "role": _role(name, known),
            "labels": chronicle.count(name),
            "skipped": chronicle.count(name, "skip"),
            "last": chronicle.last(name),
        }
        for name in dict.fromkeys([*known, *chronicle.people()])
        if person.is_owner or name == person.name
    ]
    return {
        **said,
        "set_aside": set_aside(state),
        "training": {**training.says(state), "starts": training.starts},
        "strategy": {
            "spec": None if spec is None else dict(spec),
            "name": state.created.name,
            "why": None if plan is None else plan.why,
        },
        "people": people,
    }


def _role(name: str, known: Mapping[str, Role]) -> str:
    """What somebody may do; ``"file"`` where nobody is meant, but the file that labels came with."""
    if name == _FILE and name not in known:
        return "file"
    return known.get(name, "annotator" if known else "owner")
