"""Whether more labels would still change what the model says: advice, and never a stop."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, final
from zlib import crc32

import numpy as np

from nextlabel.campaign.replacing import replacing
from nextlabel.campaign.state import State
from nextlabel.core.rng import generator
from nextlabel.core.task import Label, Task
from nextlabel.errors import LabelError
from nextlabel.evaluation.words import percent, points
from nextlabel.maths.parameters import checked_number, checked_whole

__all__ = ["LARGEST", "PRICE", "Snapshot", "Snapshots", "StoppingAdvice", "advice", "change100", "stop_set"]

LARGEST: Final = 2_000
"""The most items of a stop set."""

PRICE: Final = 1.0
"""Points of accuracy that 100 labels are worth, unless somebody says otherwise."""

_NEAREST, _FARTHEST, _SPAN = 80, 120, 100
_APART = 5  # labels between snapshots that are kept
_LIKELY, _HARDLY, _SMALL = 0.15, 0.5, 0.4
_STREAM = crc32(b"stop set")


def stop_set(state: State) -> tuple[str, ...]:
    """The items whose predictions are compared between models: 2,000 at most, the same all along.

    Parameters
    ----------
    state : State

    Returns
    -------
    tuple of str
        A uniform draw of the items that the campaign began with, without the control reserve; with a stream
        of random numbers of its own. O(items).
    """
    is_open = np.ones(len(state.created.ids), dtype=bool)
    is_open[list(state.created.reserve)] = False
    places = np.flatnonzero(is_open)
    size = min(LARGEST, len(places))
    chosen = generator(state.created.seed, _STREAM).choice(places, size=size, replace=False)
    return tuple(state.created.ids[k] for k in chosen.tolist())


def change100(then: Mapping[str, Label], now: Mapping[str, Label], labels_between: int) -> float | None:
    """The share of predictions that 100 labels changed.

    Parameters
    ----------
    then, now : mapping of str to label
        What two models say of the same items.
    labels_between : int
        How many labels the newer model was trained on more than the older one.

    Returns
    -------
    float or None
        Between 0 and 1: the share that differs, scaled in proportion from 80 to 120 labels to 100; None for
        models that are nearer or farther apart: wait for another.

    Raises
    ------
    LabelError
        The items of the two are not the same, or there are none.

    Notes
    -----
    Between 33,000 pairs of models of campaigns on eight data sets it told apart whether the next 100 labels
    would gain a point (area under the curve .88), which the number of labels (.76) or the agreement of
    successive models (.74) did less well, and it does not depend on the size of the batch.

    References
    ----------
    Bloodgood, Vijay-Shanker. A method for stopping active learning based on stabilizing predictions and the
    need for user-adjustable stopping. CoNLL, 2009: the stop set.

    Examples
    --------
    >>> change100({"a": "cat", "b": "dog"}, {"a": "cat", "b": "cat"}, 100)
    0.5
    """
    if not now or then.keys() != now.keys():
        message = (
            "Two models are compared by what they say of the same items, at least one; received "
            f"{len(then):,} predictions and {len(now):,}, {len(then.keys() & now.keys()):,} in common. "
            "Predict the stop set with both."
        )
        raise LabelError(message)
    return _scaled(sum(then[id] != label for id, label in now.items()), len(now), labels_between)


@final
@dataclass(frozen=True)
class StoppingAdvice:
    """What the last 100 labels changed, and what the next 100 may bring.

    Parameters
    ----------
    change : float or None
        As `change100` gives it; None where it is not known yet.
    price : float
        Points of accuracy that 100 labels are worth to whoever asks.
    """

    change: float | None
    price: float = PRICE

    @property
    def likely(self) -> float | None:
        """The gain in accuracy that the next 100 labels brought in the middle of all cases seen."""
        return None if self.change is None else _LIKELY * self.change

    @property
    def most(self) -> float | None:
        """The gain that they passed in few cases."""
        return None if self.change is None else _HARDLY * self.change

    @property
    def is_small(self) -> bool:
        """Whether the next 100 labels are hardly worth their price."""
        return self.change is not None and _SMALL * self.change * 100.0 < self.price

    def values(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "change100": self.change,
            "price": self.price,
            "likely": self.likely,
            "most": self.most,
            "is_small": self.is_small,
            "sentence": self.sentence(),
        }

    def sentence(self) -> str:
        """Advice in words; it says that a gain is small, never how good the model is."""
        if self.change is None or self.likely is None or self.most is None:
            return (
                "No advice yet on when to stop: it compares models that are about 100 labels apart. "
                "Go on labelling."
            )
        said = (
            f"The last 100 or so labels changed {percent(self.change)} of predictions; the next 100 are "
            f"likely to bring about {points(self.likely)} of accuracy, hardly more than {points(self.most)}"
        )
        if self.is_small:
            return (
                f"{said}. With this model and this way of picking, little is left to gain: a certificate "
                "would tell how many labels are wrong. Another model may still gain."
            )
        return f"{said}, by the experience with other data."


def advice(change: float | None, *, price: float = PRICE) -> StoppingAdvice:
    """Advice on when to stop.

    Parameters
    ----------
    change : float or None
        As `change100` gives it.
    price : float
        Points of accuracy that 100 labels are worth: advice to stop comes earlier when it is larger.

    Raises
    ------
    ParameterError
        A change outside 0 to 1, or a price that is not above 0.

    Examples
    --------
    >>> advice(0.02).is_small, advice(0.06).is_small, advice(0.06, price=3.0).is_small
    (True, False, True)
    """
    if change is not None:
        change = checked_number(change, "change", least=0, most=1, advice="Give what change100 gives.")
    price = checked_number(price, "price", above=0, advice="Give for example 1.0, a point of accuracy.")
    return StoppingAdvice(change, price)


@final
@dataclass(frozen=True)
class Snapshot:
    """What a model said of the stop set, as positions in a list of labels; and what had changed by then.

    Parameters
    ----------
    labels : int
        How many the model was trained on.
    codes : tuple of int
        For each item of the stop set.
    change : float or None
        `change100` against the snapshot that was nearest to 100 labels before.
    """

    labels: int
    codes: tuple[int, ...]
    change: float | None


@final
@dataclass(frozen=True)
class Snapshots:
    """What models said of the stop set at growing numbers of labels, and a curve of what changed.

    Parameters
    ----------
    key : str
        Of which campaign and classes; others begin a new series.
    kept : tuple of Snapshot
        Those of the last 120 labels, oldest first.
    curve : tuple of (int, float)
        Labels, and what the 100 before them had changed.

    Notes
    -----
    A file beside the models holds it as JSON, replaced as a whole. It is worth no more than the time to fit
    models again: where the file is lost or unreadable, the series begins anew.
    """

    key: str = ""
    kept: tuple[Snapshot, ...] = ()
    curve: tuple[tuple[int, float], ...] = ()

    @classmethod
    def path(cls, journal: Path) -> Path:
        """Where the snapshots of a journal are: ``reviews.db.models/stopping.json``."""
        return journal.with_name(f"{journal.name}.models") / "stopping.json"

    @classmethod
    def load(cls, path: Path) -> "Snapshots":
        """Read a file; empty where there is none that can be read."""
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            kept = tuple(Snapshot(int(one[0]), tuple(map(int, one[1])), one[2]) for one in said["kept"])
            curve = tuple((int(labels), float(change)) for labels, change in said["curve"])
            return cls(str(said["key"]), kept, curve)
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return cls()

    def save(self, path: Path) -> None:
        """Write a file as a whole: under another name, forced to the disk, and renamed.

        Raises
        ------
        CampaignError
            The folder cannot be written.
        """
        kept = [[one.labels, one.codes, one.change] for one in self.kept]
        text = json.dumps({"key": self.key, "kept": kept, "curve": self.curve}, separators=(",", ":"))
        with suppress(OSError):  # what stands in the way is said when the file is written
            path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, replace=True) as file:
            file.write(text)

    @property
    def change(self) -> float | None:
        """`change100` of the newest model; None where none is old enough, or there is a gap."""
        return self.kept[-1].change if self.kept else None

    def of(self, state: State) -> "Snapshots":
        """These, where they are of this campaign; else an empty series of it.

        Parameters
        ----------
        state : State
            The file outlives its journal where somebody deletes only that, and begins another.
        """
        key = _key(state)
        return self if self.key == key else Snapshots(key)

    def take(self, state: State, predictions: Mapping[str, Label], labels: int) -> "Snapshots":
        """The series with one more model.

        Parameters
        ----------
        state : State
        predictions : mapping of str to label
            Of the stop set, and perhaps of other items.
        labels : int
            How many the model was trained on. Where there is a snapshot at this count, or a later one, since
            labels were changed or taken back, it gives way.

        Raises
        ------
        LabelError
            An item of the stop set has no prediction, or one outside the task.
        """
        labels = checked_whole(labels, "labels", least=0, advice="Give Fitted.labels.")
        codes = _codes(stop_set(state), predictions, state.task)
        series = self.of(state)
        before = tuple(one for one in series.kept if labels - _FARTHEST <= one.labels < labels)
        now = Snapshot(labels, codes, _change(before, codes, labels))
        curve = tuple(one for one in series.curve if one[0] < labels)
        if now.change is not None:
            curve = (*curve, (labels, now.change))
        return replace(series, kept=(*_thinned(before), now), curve=curve)


def _scaled(differing: int, items: int, labels_between: int) -> float | None:
    if not _NEAREST <= labels_between <= _FARTHEST:
        return None
    return min(1.0, differing / items * _SPAN / labels_between)


def _change(before: Sequence[Snapshot], codes: Sequence[int], labels: int) -> float | None:
    """`change100` against the snapshot nearest to 100 labels ago; of two as near, the older one."""
    if not before or not codes:
        return None
    then = min(before, key=lambda one: abs(labels - one.labels - _SPAN))
    differing = sum(a != b for a, b in zip(then.codes, codes, strict=True))
    return _scaled(differing, len(codes), labels - then.labels)


def _thinned(kept: Sequence[Snapshot]) -> tuple[Snapshot, ...]:
    """One for every five labels, so that a model after every label does not fill the disk."""
    first = {one.labels // _APART: one for one in reversed(kept)}
    return tuple(first[block] for block in sorted(first))


def _codes(ids: Sequence[str], predictions: Mapping[str, Label], task: Task) -> tuple[int, ...]:
    """A whole number for each label: the class, or a bit for each of several."""
    missing = [id for id in ids if id not in predictions]
    if missing:
        message = (
            f"Every item of the stop set needs a prediction; {len(missing):,} of {len(ids):,} have none, the "
            f"first {missing[0]!r}. Predict stop_set(state)."
        )
        raise LabelError(message)
    known: dict[Label, int] = {}
    for label in {_hashable(predictions[id]) for id in ids}:
        names = task.check(label)
        several = (names,) if isinstance(names, str) else names
        known[label] = sum(1 << task.classes.index(name) for name in several)
    return tuple(known[_hashable(predictions[id])] for id in ids)


def _hashable(label: Any) -> Label:
    """A label as predictions may bring it: JSON gives lists."""
    return label if isinstance(label, str) else tuple(label)


def _key(state: State) -> str:
    created = state.created
    said = [created.at, created.seed, created.pool_fingerprint, state.task.classes]
    return blake2b(json.dumps(said).encode(), digest_size=16).hexdigest()
