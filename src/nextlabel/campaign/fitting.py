"""The model of a campaign: fitted when what it learns from has changed, loaded otherwise."""

from dataclasses import dataclass
from typing import final

import numpy as np

from nextlabel.campaign.events import Event, Fitted, read_entry
from nextlabel.campaign.journal import Journal
from nextlabel.campaign.models import Models
from nextlabel.campaign.rebuilding import Parts
from nextlabel.campaign.repeating import fitted_again
from nextlabel.campaign.state import State
from nextlabel.campaign.turn import Turn
from nextlabel.core.learner import Model
from nextlabel.core.pool import Pool
from nextlabel.maths.axes import Positions

__all__ = ["Learned", "Trainer", "turn"]


def turn(state: State, pool: Pool, round: int, unlabelled: Positions) -> Turn:
    """A turn of this campaign.

    Parameters
    ----------
    state : State
    pool : Pool
        In the journal's order.
    round : int
    unlabelled : array of int64, axes (u,)
        Positions that a learner may look at, or that a strategy may pick.
    """
    labels, index = state.training(), state.roster.index
    labelled = np.array([index[id] for id in labels], dtype=np.int64)
    task = state.task
    return Turn(pool, task, state.created.seed, round, labelled, task.encode(labels.values()), unlabelled)


@final
@dataclass(frozen=True, eq=False)
class Learned:
    """A model, and the turn that it was fitted in.

    Parameters
    ----------
    fingerprint : str
    model : Model
    turn : Turn
        With the labels that the model was trained on, which more may have joined since.
    is_new : bool
        Whether a fit was made for it in this call.
    """

    fingerprint: str
    model: Model
    turn: Turn
    is_new: bool


@final
class Trainer:
    """Keeps the last model at hand.

    Parameters
    ----------
    models : Models
        Where models are kept beside the journal.
    """

    def __init__(self, models: Models) -> None:
        self._models = models
        self._at_hand: tuple[str, Model] | None = None

    @property
    def models(self) -> Models:
        """Where models are kept."""
        return self._models

    def kept(self, fingerprint: str, parts: Parts) -> Model | None:
        """The model of a fingerprint, if it is at hand or on the disk."""
        if self._at_hand is not None and self._at_hand[0] == fingerprint:
            return self._at_hand[1]
        return self._models.load(fingerprint, parts.learner.learner)

    def newest(self, state: State, parts: Parts) -> Model | None:
        """The newest model, whatever labels came since; None where there is none, or its file is gone."""
        newest = state.newest
        if newest is None or newest.learner != parts.learner.fingerprint:
            return None
        return self._found(newest.model, parts)

    def model(self, journal: Journal, parts: Parts) -> Learned:
        """The model of the labels as they are when this begins.

        Parameters
        ----------
        journal : Journal
            Moves on when a model is fitted.
        parts : Parts
            The learner, and the pool as it is now.

        Raises
        ------
        NoLabels
            There are no labels, and the learner offers nothing without any.
        CampaignError
            The model cannot be kept.

        Notes
        -----
        Fits once at most, whatever others write meanwhile: labels that arrive during a fit are for the next
        one. Where somebody else has recorded a model of the labels as they are after the fit, that one is
        taken, and this one is not kept. What is fitted is decided by the labels, the seed and the round of
        the first fit to them: where a file was lost, the same model is fitted again. Where a learner that
        remembers is to go on from a model whose file was lost, that one is fitted again first, and so are
        those before it back to one that is still there: as many fits as were lost.
        """
        state = journal.state
        known = self._known(state, parts)
        found = None if known is None else self._found(known.model, parts)
        if known is not None and found is not None:
            seen = turn(state, parts.pool, state.round, state.unlabelled())
            return Learned(known.model, found, seen, is_new=False)
        fitted, learned = self._fit(journal, parts, known)
        theirs = self._theirs(state, journal.refresh(), learned, parts)
        if theirs is not None:
            return theirs
        self._models.save(learned.model)
        while not _is_recorded(journal.state, fitted) and not journal.offer([fitted], _is_fitted):
            pass  # somebody else has fitted one; this stays a model of what it has seen
        self._models.prune(_wanted(journal.state) | {learned.fingerprint})
        return learned

    def _theirs(self, before: State, now: State, ours: Learned, parts: Parts) -> Learned | None:
        """What somebody else has fitted meanwhile to the labels as they are now."""
        known = None if now.newest is before.newest else self._known(now, parts)
        found = None if known is None else self._found(known.model, parts)
        if known is None or found is None:
            self._at_hand = (ours.fingerprint, ours.model)
            return None
        return Learned(known.model, found, turn(now, parts.pool, now.round, now.unlabelled()), is_new=True)

    def _known(self, state: State, parts: Parts) -> Fitted | None:
        """The newest model, where it is of this learner and of the labels as they are."""
        newest = state.newest
        if newest is None or newest.through < state.changed or newest.learner != parts.learner.fingerprint:
            return None
        return newest

    def _found(self, fingerprint: str, parts: Parts) -> Model | None:
        if self._at_hand is None or self._at_hand[0] != fingerprint:
            loaded = self._models.load(fingerprint, parts.learner.learner)
            self._at_hand = None if loaded is None else (fingerprint, loaded)
        return None if self._at_hand is None else self._at_hand[1]

    def _previous(
        self, journal: Journal, parts: Parts, known: Fitted | None
    ) -> tuple[str | None, Model | None]:
        """The model to go on from: the last one that had labels, or that of the fit that is repeated."""
        newest = journal.state.newest
        if known is not None:
            wanted = known.previous
        elif newest is None or not newest.labels or newest.learner != parts.learner.fingerprint:
            wanted = None
        else:
            wanted = newest.model
        found = None if wanted is None else self._found(wanted, parts)
        if found is None and wanted is not None and parts.learner.learner.remembers:
            found = self._lost(journal, wanted, parts)
        return (None if found is None else wanted), found

    def _lost(self, journal: Journal, wanted: str, parts: Parts) -> Model | None:
        """A model whose file is gone, from the fits before it: what comes after it depends on it."""

        def fit(state: State, fitted: Fitted, previous: Model | None) -> Model:
            this = turn(state, parts.pool, fitted.round, state.unlabelled())
            return _made(this, previous, parts)

        events = [read_entry(entry) for entry in journal.entries()]
        return fitted_again(events, wanted, lambda name: self.kept(name, parts), fit)

    def _fit(self, journal: Journal, parts: Parts, known: Fitted | None) -> tuple[Fitted, Learned]:
        state, now = journal.state, journal.clock()
        round = state.round if known is None else known.round
        this = turn(state, parts.pool, round, state.unlabelled())
        name, previous = self._previous(journal, parts, known)
        model = _made(this, previous, parts)
        learned = Learned(model.fingerprint, model, this, is_new=True)
        self._at_hand = (learned.fingerprint, model)
        labels, learner, through = len(this.labels), parts.learner.fingerprint, state.position
        return Fitted(now, learned.fingerprint, learner, round, labels, through, name), learned


def _made(this: Turn, previous: Model | None, parts: Parts) -> Model:
    return parts.learner.learner.fit_many(parts.pool, [this.fit(previous)], task=this.task)[0]


def _wanted(state: State) -> set[str]:
    """Models that may be read again: the last few, and those of the newest certificates, begun and issued."""
    frozen = () if state.certifying is None else (state.certifying.model,)
    issued = [one.model for one in state.measured if one.what == "certificate"]
    return {*state.fits, *frozen, *issued[-1:]}


def _is_fitted(event: Event) -> bool:
    return isinstance(event, Fitted)


def _is_recorded(state: State, fitted: Fitted) -> bool:
    """Whether the newest model is this one, and is known to have seen what it has seen."""
    newest = state.newest
    if newest is None or newest.model != fitted.model:
        return False
    return newest.through >= min(fitted.through, state.changed)
