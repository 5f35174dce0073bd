"""One call of `ask`: what it has picked, kept while others write."""

from typing import final

from nextlabel.campaign.asking import Active, Basis, Chosen, Room, chosen, drawn, room
from nextlabel.campaign.fitting import Trainer
from nextlabel.campaign.journal import Journal
from nextlabel.campaign.picking import Picker, picker
from nextlabel.campaign.rebuilding import Parts
from nextlabel.campaign.state import State

__all__ = ["Proposal", "without_picking"]

_MOST = 20  # picks in one call, before a shorter batch is asked


@final
class Proposal:
    """Fits once at most, and picks again only when others have taken what was picked.

    Parameters
    ----------
    journal : Journal
    trainer : Trainer
    batch : int
        Items wanted.
    holder : str
        Who asks.

    Notes
    -----
    What is picked stays picked while it may be asked, whatever else is written. Where every one of so many
    picks has met others who were faster, what is left of the last one is asked.
    """

    def __init__(self, journal: Journal, trainer: Trainer, batch: int, holder: str) -> None:
        self._journal = journal
        self._trainer = trainer
        self._batch = batch
        self._holder = holder
        self._by: Picker | None = None
        self._active: Active | None = None
        self._picks = 0

    def items(self, state: State, now: float, parts: Parts) -> tuple[Basis, Chosen] | None:
        """Who picks and what is to be asked; None where the journal has moved on, since a model was fitted.

        Parameters
        ----------
        state : State
            The journal's, as it is now.
        now : float
            Seconds since 1970.
        parts : Parts

        Raises
        ------
        CampaignError
            Nothing is left to ask.
        """
        there = room(state, now, self._batch, holder=self._holder)
        if not there.active and (there.begun or there.sample):
            return without_picking(state, there, parts.learner.fingerprint)
        by, active = self._by, None if self._active is None else self._active.left(state, there)
        if by is not None and active is not None and len(active.rows) == there.active:
            return _basis(by, parts), chosen(state, there, active)
        if by is not None and active is not None and active.rows and self._picks >= _MOST:
            there = room(state, now, self._batch, len(active.rows), holder=self._holder)
            return _basis(by, parts), chosen(state, there, active)
        if by is None or not by.is_settled:
            by = self._by = picker(self._journal, parts, self._trainer, self._batch)
            if self._journal.state is not state:
                return None
        self._active = drawn(state, there, by.of(state, parts.pool))
        self._picks += 1
        return _basis(by, parts), chosen(state, there, self._active)


def without_picking(state: State, there: Room, learner: str) -> tuple[Basis, Chosen]:
    """What is asked where no strategy picks: items that others have begun, or those of a certificate.

    Of the former the last strategy is written down; a certificate's are drawn uniformly.

    Parameters
    ----------
    state : State
    there : Room
    learner : str
        Fingerprint.
    """
    nothing = Active((), has_scores=False, has_propensities=False)
    strategy = None if there.sample else state.picking
    return Basis({"name": "random"} if strategy is None else strategy, learner), chosen(state, there, nothing)


def _basis(by: Picker, parts: Parts) -> Basis:
    return Basis(by.part.to_dict(), parts.learner.fingerprint, by.fingerprint, by.part.why)
