"""What the newest model says of items, a chunk at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, final

import numpy as np

from nextlabel.campaign.models import Models
from nextlabel.campaign.parts import learner_part
from nextlabel.campaign.turn import Turn
from nextlabel.core.learner import Model
from nextlabel.core.pool import Pool
from nextlabel.core.rng import generator
from nextlabel.core.task import Label, Task
from nextlabel.errors import CampaignError
from nextlabel.maths.axes import Positions, Probabilities, Scores
from nextlabel.maths.parameters import checked_whole

if TYPE_CHECKING:
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.campaign.state import State

__all__ = [
    "CHUNK",
    "Guesses",
    "Predicted",
    "Remembered",
    "final_model",
    "kept_model",
    "predicted",
    "predictions",
]

CHUNK = 65_536
"""Items that a model is asked about at once."""

_STREAM = 31  # of random numbers: not one that a campaign's rounds draw from
_HALF = 0.5


class Guesses(Protocol):
    """What a model says of items: what exports need of it."""

    @property
    def model(self) -> str:
        """Fingerprint."""

    def of(self, id: str) -> tuple[Label, float] | None:
        """The label and the confidence of an item; None where nothing was predicted of it."""

    def probability(self, id: str, label: Label) -> float | None:
        """How probable the model takes a label of an item to be; None where that is not known."""


@final
@dataclass(frozen=True, eq=False)
class Remembered:
    """Predictions of which the label and its confidence were kept, and no other probabilities.

    Parameters
    ----------
    task : Task
    model : str
        Fingerprint.
    said : callable
        From an id to the label and its confidence; None where nothing was predicted of the item.
    """

    task: Task
    model: str
    said: Callable[[str], tuple[Label, float] | None]

    def of(self, id: str) -> tuple[Label, float] | None:
        """The label and the confidence of an item."""
        return self.said(id)

    def probability(self, id: str, label: Label) -> float | None:
        """How probable a label is: known of the one predicted, and of the other one of two classes."""
        known = self.said(id)
        if known is None:
            return None
        if known[0] == label:
            return known[1]
        return 1.0 - known[1] if not self.task.is_several and len(self.task.classes) == 2 else None


@final
@dataclass(frozen=True, eq=False)
class Predicted:
    """What a model says of some items.

    Parameters
    ----------
    task : Task
    ids : sequence of str
        Axes (n,).
    proba : array of float, axes (n, c)
        The probability of each class; of several classes an item, of each by itself.
    model : str
        Fingerprint.
    """

    task: Task
    ids: Sequence[str]
    proba: Probabilities
    model: str

    @cached_property
    def labels(self) -> list[Label]:
        """The most probable class of each item; of several an item, those as probable as not or more."""
        if self.task.is_several:
            return self.task.decode(self.proba >= _HALF)
        return self.task.decode(self.proba.argmax(axis=1))

    @cached_property
    def confidence(self) -> Scores:
        """How probable each of these labels is, axes (n,); of several classes, its least sure one.

        Independence of the classes is not assumed: the whole label may be less probable than that.
        """
        if self.task.is_several:
            return np.asarray(np.maximum(self.proba, 1 - self.proba).min(axis=1), dtype=np.float64)
        return np.asarray(self.proba.max(axis=1), dtype=np.float64)

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {id: place for place, id in enumerate(self.ids)}

    def __contains__(self, id: object) -> bool:
        return id in self._places

    def of(self, id: str) -> tuple[Label, float] | None:
        """The label and the confidence of an item; None where nothing was predicted of it."""
        place = self._places.get(id)
        return None if place is None else (self.labels[place], float(self.confidence[place]))

    def probability(self, id: str, label: Label) -> float | None:
        """How probable the model takes a label of an item to be.

        Parameters
        ----------
        id : str
        label : label
            Of several classes, the number is that of its least sure class, those left out among them.

        Returns
        -------
        float or None
            None where nothing was predicted of the item.
        """
        place = self._places.get(id)
        if place is None:
            return None
        row = self.proba[place]
        code = self.task.encode([label])[0]
        if self.task.is_several:
            return float(np.where(code == 1, row, 1 - row).min())
        return float(row[code])

    def mapping(self) -> dict[str, tuple[Label, float]]:
        """The label and the confidence of every item, by id."""
        return dict(zip(self.ids, zip(self.labels, self.confidence.tolist(), strict=True), strict=True))


def predictions(campaign: "Campaign", positions: Positions | None = None, *, chunk: int = CHUNK) -> Predicted:
    """What the newest model of a campaign says of its items, whatever was told since it was fitted.

    Parameters
    ----------
    campaign : Campaign
        Opened whole; call its `fit` first for a model of the labels as they are now.
    positions : array of int64, axes (n,), optional
        Which items; all of them when left out.
    chunk : int
        As for `predicted`.

    Raises
    ------
    CampaignError
        No model was fitted yet, or its file has gone.
    MissingSignal
        The model gives no probabilities.

    Notes
    -----
    Fits nothing, writes nothing. Cost and memory as for `predicted`.
    """
    model = campaign.newest()
    if model is None:
        message = (
            "Predictions need a model that was fitted; this campaign has none, or its file has gone. "
            "Label some items, then call campaign.fit()."
        )
        raise CampaignError(message)
    state, pool = campaign.state, campaign.pool
    if positions is None:
        positions = np.arange(len(pool.ids), dtype=np.int64)
    return predicted(model, state.task, pool, positions, seed=state.created.seed, chunk=chunk)


def predicted(
    model: Model, task: Task, pool: Pool, positions: Positions, *, seed: int, chunk: int = CHUNK
) -> Predicted:
    """What a model says of the items of any pool like the one that it was trained on.

    Parameters
    ----------
    model : Model
        Fitted with labels.
    task : Task
        Of the model.
    pool : Pool
    positions : array of int64, axes (n,)
    seed : int
        Of the random numbers that a model may draw.
    chunk : int
        Items at once; a model may take smaller steps by itself.

    Returns
    -------
    Predicted
        In the order of the positions.

    Raises
    ------
    MissingSignal
        The model gives no probabilities.

    Notes
    -----
    Memory: n × c probabilities in float32, and what the model needs for one chunk.
    """
    checked_whole(chunk, "chunk", least=1, of="predicted", advice="Leave it out.")
    name = "marginals" if task.is_several else "proba"
    proba = np.empty((len(positions), len(task.classes)), dtype=np.float32)
    for begin in range(0, len(positions), chunk):
        piece = positions[begin : begin + chunk]
        rng = generator(seed, _STREAM, begin)
        proba[begin : begin + len(piece)] = model.signals(pool, piece, {name}, rng)[name]
    ids = pool.ids
    return Predicted(task, [ids[one] for one in positions.tolist()], proba, model.fingerprint)


def kept_model(journal: Path, state: "State", fingerprint: str | None = None) -> Model | None:
    """A model of a campaign, read from beside its journal; the data are not needed for it.

    Parameters
    ----------
    journal : Path
    state : State
    fingerprint : str, optional
        The newest model when left out.

    Returns
    -------
    Model or None
        None where none was fitted, its file has gone or is damaged, or the learner could not be written
        down.

    Raises
    ------
    CampaignError, MissingExtra
        The learner cannot be made.
    """
    wanted = fingerprint or (None if state.newest is None else state.newest.model)
    if wanted is None or state.created.learner is None:
        return None
    learner = learner_part(state.created.learner, journal.parent, from_journal=True).learner
    return Models.beside(journal).load(wanted, learner)


def final_model(campaign: "Campaign") -> Model:
    """A model fitted anew to every label, those of the control reserve and of certificates among them.

    Parameters
    ----------
    campaign : Campaign
        Opened whole.

    Returns
    -------
    Model
        To be used outside the campaign. It is kept nowhere, asks nothing, and nothing that was measured is
        about it: what measures has trained it.

    Raises
    ------
    NoLabels
        There are no labels, and the learner offers nothing without any.

    Notes
    -----
    A note in the journal says that such a model was made. In the campaigns that were compared, training the
    model that leaves on the control labels too won back half or more of what setting them aside had cost.
    """
    state, pool = campaign.refresh(), campaign.pool
    labels, index = state.labels(), state.roster.index
    labelled = np.array([index[id] for id in labels], dtype=np.int64)
    codes = state.task.encode(labels.values())
    turn = Turn(pool, state.task, state.created.seed, state.round, labelled, codes, state.unlabelled())
    model = campaign.learner.fit_many(pool, [turn.fit()], task=state.task)[0]
    campaign.note(
        f"A model of all {len(labels):,} labels, control included, was made for export: {model.fingerprint}."
    )
    return model
