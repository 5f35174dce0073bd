"""All that may be said of a campaign, as JSON values: for the status page, the command line and scripts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from nextlabel.campaign.state import State
from nextlabel.core.store import Entry
from nextlabel.evaluation import certificate as certificates
from nextlabel.evaluation import quality as qualities
from nextlabel.evaluation.agreement import agreement
from nextlabel.evaluation.steering import steered
from nextlabel.evaluation.stopping import PRICE, Snapshots, advice

__all__ = ["SAVING", "sentences", "status"]

SAVING: Final = (
    "No saving shown yet. This version does not measure one: it would take some 300 labels of items drawn at "
    "random to compare with."
)
"""What is said of labels saved."""


def status(
    state: State,
    entries: Iterable[Entry],
    *,
    snapshots: Snapshots | None = None,
    price: float = PRICE,
) -> dict[str, Any]:
    """How far a campaign is, how good its model is on what evidence, and what nobody knows yet.

    Parameters
    ----------
    state : State
    entries : iterable of Entry
        The journal from its beginning.
    snapshots : Snapshots, optional
        Of the campaign's models; without them there is no advice on when to stop.
    price : float
        Points of accuracy that 100 labels are worth.

    Returns
    -------
    dict of str to object
        ``progress``, ``quality``, ``certificate``, ``stopping``, ``agreement``, ``saving``, ``curve``,
        ``class_counts``; each but the last two has a ``sentence`` or is counts alone.

    Notes
    -----
    Every interval in it was fixed when it was written in the journal; none is computed anew. Time
    O(entries + answers).
    """
    taken = (snapshots or Snapshots()).of(state)
    return {
        "progress": _progress(state),
        "quality": _quality(state, entries),
        "certificate": _certificate(state),
        "stopping": _stopping(state, taken, price),
        "agreement": _agreement(state),
        "saving": {"sentence": SAVING},
        "curve": [_point(one) for one in qualities.looks(state)],
        "class_counts": dict(state.class_counts),
    }


def sentences(said: Mapping[str, Any]) -> tuple[str, ...]:
    """What `status` found, in sentences: quality first; nothing of what there is no figure for yet but that.

    Parameters
    ----------
    said : mapping of str to object
        As `status` gives it.
    """
    quality = said["quality"]
    found = [
        quality["sentence"],
        quality["indication"],
        quality["caution"],
        said["certificate"]["sentence"],
        said["stopping"]["sentence"] if said["stopping"]["change100"] is not None else "",
        said["agreement"]["sentence"] if said["agreement"]["items"] else "",
        said["saving"]["sentence"],
    ]
    return tuple(one for one in found if one)


def _progress(state: State) -> dict[str, Any]:
    people = Counter(name for answers in state.kept.values() for name, _ in answers)
    return {
        "items": len(state.roster),
        "labelled": state.labelled,
        "active": state.active_labels,
        "control": state.control_labels,
        "skipped": len(state.skipped),
        "left": len(state.roster) - state.labelled - len(state.skipped),
        "people": dict(sorted(people.items())),
        "stopped": state.stopped,
    }


def _quality(state: State, entries: Iterable[Entry]) -> dict[str, Any]:
    looks, changed = qualities.looks(state), steered(entries)
    last = looks[-1] if looks else None
    after = qualities.LOOKS[0 if last is None else last.look + 1 :]
    reachable = len(state.created.reserve) if state.control else 0
    return {
        "sentence": qualities.sentence(state),
        "indication": "" if last is None else last.indication(),
        "indicative": changed,
        "caution": _caution(changed),
        "looks": [{**one.values(), "sentence": one.sentence()} for one in looks],
        "control_settled": qualities.reached(state),
        "next_at": after[0] if after and after[0] <= reachable else None,
    }


def _caution(changed: str) -> str:
    if not changed:
        return ""
    return (
        f"The {changed} was changed after a look: if the look led to it, later bands are indicative only, "
        "and a certificate is what can be relied on."
    )


def _stopping(state: State, taken: Snapshots, price: float) -> dict[str, Any]:
    """Advice while there is something to go on with; at an end, which end it is."""
    said = {**advice(taken.change, price=price).values(), "curve": [list(point) for point in taken.curve]}
    settled = state.labelled + len(state.skipped)
    walled = sum(id not in state.kept and id not in state.skips for id in state.walled)
    if state.is_stopped:
        said["sentence"] = "The campaign was stopped: nothing is asked any more."
    elif settled == len(state.roster):
        said["sentence"] = "Every item is labelled or skipped: nothing is left to ask."
    elif settled + walled == len(state.roster):
        said["sentence"] = (
            "Every item that a model may learn from is labelled or skipped: what is left was set aside to "
            "measure by."
        )
    return said


def _certificate(state: State) -> dict[str, Any]:
    under_way, done = certificates.answered(state), certificates.issued(state)
    checked, sample = under_way or (None, None)
    return {
        "state": "under way" if under_way else "done" if done else "none",
        "sentence": certificates.sentence(state),
        "checked": checked,
        "sample": sample,
        "number": len(done),
        "newest": done[-1].values() if done else None,
    }


def _agreement(state: State) -> dict[str, Any]:
    found, control = agreement(state), agreement(state, frozenset(state.reserve))
    return {
        "items": found.items,
        "sentence": found.sentence(),
        "all": found.values(),
        "control": control.values() if control.items else None,
    }


def _point(one: qualities.Look) -> dict[str, Any]:
    return {
        "labels": one.labels,
        "asked": one.asked,
        "right": one.right,
        "share": one.right / one.asked,
        "low": one.low,
        "high": one.high,
    }
