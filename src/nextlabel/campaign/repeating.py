"""Models that a learner goes on from, fitted again as the journal tells where their files are lost."""

from collections.abc import Callable, Sequence

from nextlabel.campaign.events import Event, Fitted
from nextlabel.campaign.folding import fold
from nextlabel.campaign.state import State
from nextlabel.core.learner import Model

__all__ = ["fitted_again"]


def fitted_again(
    events: Sequence[Event],
    wanted: str,
    kept: Callable[[str], Model | None],
    fit: Callable[[State, Fitted, Model | None], Model],
) -> Model | None:
    """The model that a journal knows under a fingerprint, made as it was made.

    Parameters
    ----------
    events : sequence of Event
        All of the journal.
    wanted : str
        The fingerprint.
    kept : callable
        The model of a fingerprint where it is still there.
    fit : callable
        A model of the labels of a state, in the round of a fit, that goes on from the model given.

    Returns
    -------
    Model or None
        None where no fit of that fingerprint is in the journal. On another machine, or with other versions
        of libraries, a model that is close to it.

    Notes
    -----
    Each fit names the one that it went on from. They are followed back to one that is still there, or to one
    that went on from none, and then repeated in their order, each from the labels that it has seen. Cost: as
    many fits; one model is held at a time.
    """
    chain, model = _back_from(events, wanted, kept)
    state: State | None = None
    for one in reversed(chain):
        done = 0 if state is None else state.position
        state = fold(state, events[done : one.through])
        model = fit(state, one, model)
    return model


def _back_from(
    events: Sequence[Event], wanted: str, kept: Callable[[str], Model | None]
) -> tuple[list[Fitted], Model | None]:
    """The fits to repeat, the last one first, and the model that the first of them goes on from."""
    chain: list[Fitted] = []
    name = wanted
    for event in reversed(events):
        if not isinstance(event, Fitted) or event.model != name:
            continue
        chain.append(event)
        if event.previous is None:
            break
        name = event.previous
        if (found := kept(name)) is not None:
            return chain, found
    return chain, None
