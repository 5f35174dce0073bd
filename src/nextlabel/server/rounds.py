"""What the trainer does in one round: plan, predict, look at the quality, tidy up."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, final

import numpy as np

from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.parts import learner_part
from nextlabel.campaign.predicting import predicted
from nextlabel.campaign.state import State
from nextlabel.campaign.turn import is_telling
from nextlabel.core.learner import Model
from nextlabel.core.task import Label
from nextlabel.errors import CampaignError, MissingSignal
from nextlabel.evaluation import certificate, quality, stopping
from nextlabel.maths.axes import Positions
from nextlabel.server.predictions import Predictions, campaign_id, predictions_file

__all__ = ["Rounds"]


@final
class Rounds:
    """The rounds of one campaign, in the process that trains.

    Parameters
    ----------
    campaign : Campaign
        Opened whole.
    say : callable
        Is given what the parent is to know.
    """

    def __init__(self, campaign: Campaign, say: Callable[[dict[str, Any]], None]) -> None:
        self._campaign = campaign
        self._say = say
        self._seen: tuple[Any, ...] | None = None
        self._position = -1
        self._model: str | None = None

    def turn(self, state: State, batch: int, *, is_wanted: bool) -> bool:
        """Do what there is to do.

        Parameters
        ----------
        state : State
            As it is now.
        batch : int
            How many items a plan should hold.
        is_wanted : bool
            Whether a plan is wanted though nothing has changed.

        Returns
        -------
        bool
            Whether there was anything.
        """
        is_new = self._now(state) != self._seen
        if is_new or is_wanted:
            self._say({"said": "fitting", "changed": state.changed})
            self._plan(state, batch)
            self._seen = self._now(state)
        if state.position == self._position:
            return is_new or is_wanted
        self._position = state.position
        self._measure()
        return True

    def give_up(self, state: State) -> None:
        """Leave the labels as they are alone, until something changes."""
        self._seen, self._position = self._now(state), state.position

    def _now(self, state: State) -> tuple[Any, ...]:
        """What a plan follows from, beside what is out."""
        ends = state.is_stopped, state.is_released, state.is_certifying
        return state.changed, len(state.roster), state.revised, *ends

    def _plan(self, state: State, batch: int) -> None:
        try:
            plan = None if state.is_stopped else self._campaign.plan(batch).to_json()
        except CampaignError:  # nothing is left to ask; the model is wanted all the same
            plan = None
        self._say({"said": "plan", "plan": plan, "changed": state.changed})
        newest = self._campaign.state.newest
        if state.active_labels and (newest is None or newest.through < state.changed):
            self._campaign.fit()  # no strategy read a model: people and measurements do
        model, newest = self._campaign.newest(), self._campaign.state.newest
        if model is not None and newest is not None and newest.labels and newest.model != self._model:
            self._say({"said": "trained", "remarks": list(model.remarks)})
            self._compare(model, newest.labels)
            if is_telling(state.task.encode(state.training().values())):
                self._predict(model)
                self._model = newest.model

    def _predict(self, model: Model) -> None:
        """The file that the page reads: what strategies see, what is labelled, the control items issued."""
        state, pool = self._campaign.state, self._campaign.pool
        index = state.roster.index
        more = [index[id] for id in (*state.kept, *state.control_order())]
        places = np.union1d(state.unlabelled(), np.array(more, np.int64)).astype(np.int64)
        try:
            said = predicted(model, state.task, pool, places, seed=state.created.seed)
        except MissingSignal:  # a model that gives no probabilities: the page shows none
            return
        own = campaign_id(state.created)
        kept = Predictions.made(said.model, state.task.classes, places, said.labels, said.confidence, own)
        kept.write(predictions_file(self._file))
        self._say({"said": "predictions", "model": said.model})

    @property
    def _file(self) -> Path:
        path = self._campaign.path
        if path is None:
            raise CampaignError(
                "A campaign that is trained in another process is a file; received one in memory."
            )
        return path

    def _compare(self, model: Model, labels: int) -> None:
        """What the last labels changed: what this model says of the stop set is kept."""
        state, file = self._campaign.state, stopping.Snapshots.path(self._file)
        places = [state.roster.index[id] for id in stopping.stop_set(state)]
        taken = stopping.Snapshots.load(file).take(state, self._labels(model, places), labels)
        taken.save(file)

    def _measure(self) -> None:
        """A look at the quality, and a certificate, where they are due."""
        state = self._campaign.refresh()
        if quality.due(state) is not None and state.newest is not None and state.newest.labels:
            model = self._campaign.model(state.newest.model)
            if model is not None:
                said = self._labels(model, [state.roster.index[id] for id in quality.wanted(state)])
                values = quality.look(state, said).values()
                self._campaign.measure(quality.QUALITY, values, model=state.newest.model)
        if certificate.is_due(state) and state.certifying is not None:
            model = self._frozen(state.certifying.model)
            said = self._labels(model, [state.roster.index[id] for id in state.certifying.ids])
            found = certificate.certificate(state, said, entries=self._campaign.journal())
            if found is not None:
                self._campaign.measure(certificate.CERTIFICATE, found.values(), model=state.certifying.model)

    def _frozen(self, fingerprint: str) -> Model:
        """The model that a certificate is about."""
        learner = self._campaign.state.created.learner
        part = learner_part(learner, self._file.parent, from_journal=True)
        model = self._campaign.models.load(fingerprint, part.learner)
        if model is None:
            raise CampaignError(_lost(fingerprint))
        return model

    def _labels(self, model: Model, positions: list[int]) -> Mapping[str, Label]:
        state, pool = self._campaign.state, self._campaign.pool
        places: Positions = np.array(positions, np.int64)
        said = predicted(model, state.task, pool, places, seed=state.created.seed)
        return dict(zip(said.ids, said.labels, strict=True))


def _lost(fingerprint: str) -> str:
    return (
        f"A certificate is about the model that was frozen for it, {fingerprint[:12]}; its file has gone "
        "from the folder of models. Put it back from a copy, or begin another certificate."
    )
