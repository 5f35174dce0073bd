"""The model of a campaign: fitted when what it learns from has changed, loaded otherwise."""

from typing import final

import numpy as np

from nextlabel.campaign.events import Fitted
from nextlabel.campaign.journal import Journal
from nextlabel.campaign.models import Models
from nextlabel.campaign.rebuilding import Parts
from nextlabel.campaign.state import State
from nextlabel.campaign.turn import Turn
from nextlabel.core.learner import Model
from nextlabel.core.pool import Pool
from nextlabel.maths.axes import Positions

__all__ = ["Trainer", "turn"]


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

    def model(self, journal: Journal, parts: Parts) -> tuple[str, Model]:
        """The fingerprint and the model of the labels as they are now.

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
        What is fitted is decided by the labels, the seed and the round of the first fit to them: where a
        file was lost, the same model is fitted again.
        """
        while True:
            state = journal.state
            known = self._known(state, parts)
            found = None if known is None else self._found(known.model, parts)
            if known is not None and found is not None:
                return known.model, found
            fitted, model = self._fit(state, parts, known, journal.clock())
            self._at_hand = (fitted.model, model)
            if known is not None and known.model == fitted.model:
                continue
            # somebody else may have written: the model stays good as long as the labels do
            while journal.state.changed <= fitted.through and not self._is_known_since(
                journal.state, state, parts
            ):
                if journal.offer([fitted]):
                    break

    def _known(self, state: State, parts: Parts) -> Fitted | None:
        """The newest model, where it is of this learner and of the labels as they are."""
        newest = state.newest
        if newest is None or newest.through < state.changed or newest.learner != parts.learner.fingerprint:
            return None
        return newest

    def _is_known_since(self, state: State, before: State, parts: Parts) -> bool:
        return state.newest is not before.newest and self._known(state, parts) is not None

    def _found(self, fingerprint: str, parts: Parts) -> Model | None:
        if self._at_hand is None or self._at_hand[0] != fingerprint:
            loaded = self._models.load(fingerprint, parts.learner.learner)
            self._at_hand = None if loaded is None else (fingerprint, loaded)
        return None if self._at_hand is None else self._at_hand[1]

    def _previous(self, state: State, parts: Parts, known: Fitted | None) -> tuple[str | None, Model | None]:
        """The model to go on from: the last one that had labels, or that of the fit that is repeated."""
        newest = state.newest
        if known is not None:
            wanted = known.previous
        elif newest is None or not newest.labels or newest.learner != parts.learner.fingerprint:
            wanted = None
        else:
            wanted = newest.model
        found = None if wanted is None else self._found(wanted, parts)
        return (None if found is None else wanted), found

    def _fit(self, state: State, parts: Parts, known: Fitted | None, now: float) -> tuple[Fitted, Model]:
        round = state.round if known is None else known.round
        this = turn(state, parts.pool, round, state.unlabelled())
        name, previous = self._previous(state, parts, known)
        model = parts.learner.learner.fit_many(parts.pool, [this.fit(previous)], task=this.task)[0]
        fingerprint = self._models.save(model)
        labels, learner, through = len(this.labels), parts.learner.fingerprint, state.position
        return Fitted(now, fingerprint, learner, round, labels, through, name), model
