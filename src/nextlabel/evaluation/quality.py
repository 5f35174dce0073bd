"""How good the model is on new items: from control items alone, at counts that were set beforehand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, final
from zlib import crc32

import numpy as np

from nextlabel.campaign.state import State
from nextlabel.core.rng import generator
from nextlabel.core.task import Label, Task
from nextlabel.errors import CampaignError, LabelError
from nextlabel.evaluation.words import between, count
from nextlabel.maths.axes import Array
from nextlabel.maths.bands import ratio_band
from nextlabel.maths.macro_f1 import class_f1, macro_f1, macro_f1_bootstrap

__all__ = [
    "LOOKS",
    "QUALITY",
    "Look",
    "band",
    "due",
    "look",
    "looks",
    "newest",
    "reached",
    "sentence",
    "wanted",
]

QUALITY: Final = "quality"
"""How the journal calls a look."""

LOOKS: Final = tuple(-(-50 * 5**k // 4**k) for k in range(17))
"""The counts of control items at which the model is looked at, each a quarter more than the last."""

_MOST_SKIPPED = 0.1
_STREAM = crc32(b"macro-F1")


def band(right: int, asked: int) -> tuple[float, float]:
    """Between which accuracies the model lies, when so many of the control items are right.

    Wide, since it may be looked at 17 times: that all bands of a campaign are right holds in at least 95 of
    100 campaigns.

    Parameters
    ----------
    right : int
        Control items that the model has right.
    asked : int
        Control items of the look: one of `LOOKS`.

    Returns
    -------
    (float, float)
        Shares.

    Raises
    ------
    ParameterError
        Counts that contradict one another.

    Examples
    --------
    >>> tuple(round(end, 4) for end in band(84, 98))
    (0.7291, 0.9416)
    """
    found = ratio_band(right, asked)
    return found.low, found.high


@final
@dataclass(frozen=True)
class Look:
    """What was seen of a model at one look; of the items in the reserve's order, the first so many.

    Parameters
    ----------
    look : int
        Which one, from 0.
    asked : int
        Control items of this look.
    right : int
        Those that the model has right; of several classes an item, the whole set of them.
    skipped : int
        Those that nobody answered, since somebody skipped them.
    low, high : float or None
        The band of the accuracy on new items like those of the pool; None where there is none.
    why : str
        Why there is no band; else empty.
    macro_f1, macro_f1_low, macro_f1_high : float or None
        Of the items answered, with percentiles of a bootstrap: indicative, no band.
    f1 : mapping of str to (float or None)
        Of each class, likewise indicative; None for one that was neither there nor predicted.
    labels : int
        How many the model was trained on.
    items : int
        In the pool that the reserve was drawn from.
    through : int
        How many entries of the journal had been read.
    kind : str
        Of the task: ``"class"`` or ``"classes"``.
    """

    look: int
    asked: int
    right: int
    skipped: int
    low: float | None
    high: float | None
    why: str
    macro_f1: float | None
    macro_f1_low: float | None
    macro_f1_high: float | None
    f1: Mapping[str, float | None]
    labels: int
    items: int
    through: int
    kind: str = "class"

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Look":
        """From the values of a journal's entry; what a later version may add is left aside."""
        return cls(**{one.name: values[one.name] for one in fields(cls) if one.name in values})

    def values(self) -> dict[str, Any]:
        """As JSON values, for `Campaign.measure`."""
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}

    def sentence(self) -> str:
        """What may be said of the model that was looked at."""
        of = f"{self.right:,} of {count(self.asked, 'control item')} right"
        if self.kind == "classes":
            of += " in their whole set of classes"
        if self.skipped:
            of += f", {self.skipped:,} skipped"
        model = f"the model trained on {count(self.labels, 'label')}"
        if self.low is None or self.high is None:
            return f"Accuracy of {model}: no band ({of}). {self.why}"
        return (
            f"Accuracy on new items like the {self.items:,} of the pool, of {model}: "
            f"{between(self.low, self.high)} ({of}). In at least 95 of 100 campaigns "
            "every such band holds the truth, at whichever look one stops."
        )

    def indication(self) -> str:
        """The macro-F1, which has no band."""
        if self.macro_f1 is None or self.macro_f1_low is None or self.macro_f1_high is None:
            return ""
        return (
            f"Counting every class alike, rare ones too, the score is {self.macro_f1:.2f} where 1 would be "
            f"perfect (macro-F1). That is a rough figure without a band: with other control items it may "
            f"well be from {self.macro_f1_low:.2f} to {self.macro_f1_high:.2f}. Do not hold it "
            "against a target."
        )


def reached(state: State) -> int:
    """How many items, from the beginning of the reserve's order, are each answered or skipped.

    Whoever answered them, and whether they were asked or told unasked: the beginning of the order is a
    uniform draw of the pool in any case. With several answers wanted of each, the first counts here.
    """
    order = state.reserve[: len(state.created.reserve)]  # items that came later are another draw
    return next((k for k, id in enumerate(order) if not _is_settled(state, id)), len(order))


def due(state: State) -> int | None:
    """Which look is due: the last one whose count is reached, if none so late was measured; else None.

    Several at once, after many answers, are one: the earlier ones would show the same model with less.

    Parameters
    ----------
    state : State

    Returns
    -------
    int or None
        An index into `LOOKS`.
    """
    if not state.control:
        return None
    items = reached(state)
    last = max((one.look for one in looks(state)), default=-1)
    open_looks = [k for k, wanted in enumerate(LOOKS) if wanted <= items and k > last]
    return open_looks[-1] if open_looks else None


def wanted(state: State) -> tuple[str, ...]:
    """The control items that the look which is due needs predictions of; none where none is due."""
    index = due(state)
    return () if index is None else state.reserve[: LOOKS[index]]


def look(state: State, predictions: Mapping[str, Label], *, labels: int | None = None) -> Look:
    """Take the look that is due.

    Parameters
    ----------
    state : State
    predictions : mapping of str to label
        What one model says of the items `wanted`, and perhaps of others.
    labels : int, optional
        How many that model was trained on; by default, as the newest.

    Returns
    -------
    Look
        To be written in the journal at once, before anybody sees it: a look that was taken and not written
        may not be taken again with another model.

    Raises
    ------
    CampaignError
        No look is due.
    LabelError
        A control item has no prediction, or one outside the task.
    """
    index = due(state)
    if index is None:
        message = (
            "A look at the quality must be one that is due; received a state with "
            f"{count(reached(state), 'control item')} answered or skipped, and the next look is "
            f"{_next_in_words(state)}. Show the last one until then: newest(state)."
        )
        raise CampaignError(message)
    ids = state.reserve[: LOOKS[index]]
    known = {id: label for id in ids if (label := state.label(id)) is not None}
    said = {id: _prediction(id, predictions, state.task) for id in known}
    right = sum(said[id] == label for id, label in known.items())
    skipped = len(ids) - len(known)
    why = _why_no_band(skipped, len(ids))
    low, high = (None, None) if why else (band(right, len(ids))[0], band(right + skipped, len(ids))[1])
    if labels is None:
        labels = 0 if state.newest is None else state.newest.labels
    f1, whole, ends = _indications(state, index, known, said)
    return Look(
        look=index,
        asked=len(ids),
        right=right,
        skipped=skipped,
        low=low,
        high=high,
        why=why,
        macro_f1=whole,
        macro_f1_low=ends[0],
        macro_f1_high=ends[1],
        f1=f1,
        labels=labels,
        items=len(state.created.ids),
        through=state.position,
        kind=state.task.kind,
    )


def looks(state: State) -> tuple[Look, ...]:
    """All looks of a campaign, in their order."""
    return tuple(Look.read(one.values) for one in state.measured if one.what == QUALITY)


def newest(state: State) -> Look | None:
    """The last look; None where there was none."""
    return next((Look.read(one.values) for one in reversed(state.measured) if one.what == QUALITY), None)


def sentence(state: State) -> str:
    """What may be said of the model's quality now.

    Examples
    --------
    >>> from nextlabel.campaign.events import Created
    >>> from nextlabel.campaign.folding import fold
    >>> begun = Created(0.0, 0, {"kind": "class", "classes": ("cat", "dog")}, ("a", "b"), "", None, None, "",
    ...                 None, None, "random", 0.0, (), "0")
    >>> sentence(fold(None, [begun]))
    'Quality: not measured: no control share was asked for. A certificate can be had at the end.'
    """
    last = newest(state)
    if last is not None:
        return f"{last.sentence()}{_since(state, last)}"
    if not state.control:
        return f"Quality: not measured: {state.control_reason}.{_certificate(state)}"
    return (
        f"Quality: not measured yet; {reached(state):,} of the first {LOOKS[0]} control items are answered."
    )


def _certificate(state: State) -> str:
    """That one can be had, while it can and there is none."""
    if state.certifying is not None:
        return " What is known of the labels is in the certificate."
    is_left = len(state.kept) < len(state.roster) and not state.is_stopped
    return " A certificate can be had at the end." if is_left else ""


def _is_settled(state: State, id: str) -> bool:
    return id in state.kept or id in state.skips


def _prediction(id: str, predictions: Mapping[str, Label], task: Task) -> Label:
    if id not in predictions:
        message = (
            f"A look needs a prediction for every control item; received none for {id!r}. "
            "Predict quality.wanted(state)."
        )
        raise LabelError(message)
    return task.check(predictions[id])


def _why_no_band(skipped: int, asked: int) -> str:
    if skipped <= _MOST_SKIPPED * asked:
        return ""
    return (
        f"More than a tenth of the control items were skipped, {skipped} of {asked}, and nobody knows how "
        "the model does on these. Answer them, and the next look has a band."
    )


def _indications(
    state: State, index: int, known: Mapping[str, Label], said: Mapping[str, Label]
) -> tuple[dict[str, float | None], float | None, tuple[float | None, float | None]]:
    """F1 of each class, their mean, and its resampled ends."""
    if not known:
        return {}, None, (None, None)
    truth, predicted = _table(state.task, known.values()), _table(state.task, said.values())
    f1 = {
        name: _number(one) for name, one in zip(state.task.classes, class_f1(truth, predicted), strict=True)
    }
    rng = generator(state.created.seed, _STREAM, index)
    ends = macro_f1_bootstrap(truth, predicted, rng=rng)
    return f1, _number(macro_f1(truth, predicted)), (_number(ends.low), _number(ends.high))


def _table(task: Task, labels: Iterable[Label]) -> Array:
    codes = task.encode(labels)
    return codes if codes.ndim == 2 else np.eye(len(task.classes), dtype=np.int64)[codes]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _next_in_words(state: State) -> str:
    if not state.control:
        return f"none ({state.control_reason})"
    last = max((one.look for one in looks(state)), default=-1)
    return f"at {LOOKS[last + 1]:,}" if last + 1 < len(LOOKS) else "none (all were taken)"


def _since(state: State, last: Look) -> str:
    if state.revised > last.through:
        return " The classes have changed since: it speaks of those before."
    if state.is_released:
        return " The control items were released since: newer models are trained on them, and not measured."
    if last.look == len(LOOKS) - 1:
        return " It was the last look that the schedule has."
    return ""
