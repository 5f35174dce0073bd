"""How far the labelling is: counts, rates and what the trainer does, for the edge of the page."""

from threading import Lock
from typing import Any, final

from nextlabel.campaign.state import State
from nextlabel.server.chronicle import Chronicle
from nextlabel.server.training import Training

__all__ = ["Progress"]


@final
class Progress:
    """Counts that are made once for each state, however many people ask.

    Parameters
    ----------
    chronicle : Chronicle
    training : Training
    """

    def __init__(self, chronicle: Chronicle, training: Training) -> None:
        self._chronicle, self._training = chronicle, training
        self._lock = Lock()
        self._at = -1
        self._waiting = 0

    def of(self, state: State, person: str, banner: str | None) -> dict[str, Any]:
        """How far it is, for one person.

        Parameters
        ----------
        state : State
        person : str
        banner : str or None
            What stands in the way of saving.
        """
        rate = self._chronicle.rate(person)
        left = _left(state, person)
        return {
            "labelled": state.labelled,
            "mine": self._chronicle.count(person),
            "items": len(state.roster),
            "skipped": len(state.skipped),
            "waiting_answers": self._unfinished(state),
            "rate_per_hour": None if rate is None else round(rate, 1),
            "eta_seconds": round(3600 * left / rate) if rate and left else None,
            "certificate": _certificate(state),
            "training": self._training.says(state),
            "saved": banner is None,
            "banner": banner,
        }

    def _unfinished(self, state: State) -> int:
        """Items that have an answer and wait for another person's."""
        if state.created.overlap < 2:
            return 0
        with self._lock:
            if self._at != state.position:
                self._waiting = sum(not state.is_done(id) for id in state.kept)
                self._at = state.position
            return self._waiting


def _certificate(state: State) -> dict[str, int] | None:
    """How much of the sample of a certificate is answered, while one is under way."""
    if not state.sample:
        return None
    from nextlabel.evaluation.certificate import answered

    known = answered(state)
    return None if known is None else {"checked": known[0], "sample": known[1]}


def _left(state: State, person: str) -> int:
    """How many answers are still to come from somebody who labels all that will be asked of them.

    Of the control reserve no more than its share of the rest: what is left of it is asked of nobody.
    """
    if state.is_stopped:
        return 0
    settled = state.labelled + len(state.skipped)
    walled = [id for id in state.walled if id not in state.kept and id not in state.skips]
    sample = frozenset(state.sample)
    reserve = [id for id in walled if id not in sample]
    active = len(state.roster) - settled - len(walled)
    share = state.control
    out = state.out
    control = max(sum(id in out for id in reserve), round(active * share / (1 - share)))
    theirs = sum(id in state.kept and person not in state.said(id) for id in state.begun)
    return active + len(walled) - len(reserve) + min(control, len(reserve)) + theirs
