"""The control arm of an experiment: as in a campaign, of the items that the start set leaves."""

from collections.abc import Sequence

from nextlabel.campaign.control import due, reserve
from nextlabel.maths.axes import Positions

__all__ = ["active_items", "control_items", "set_aside"]


def set_aside(rest: Positions, share: float, seed: int) -> Positions:
    """The reserve, in the order in which its items are asked.

    Parameters
    ----------
    rest : array of int64, axes (r,)
        The items that may be labelled, without the start set.
    share : float
        Of the control arm; 0 sets nothing aside.
    seed : int
        Of the cell; the reserve is the same for all its strategies.

    Returns
    -------
    array of int64, axes (k,)
        A fifth of the items, 2,000 at most; none of fewer than 500.
    """
    return rest[list(reserve(len(rest), share, seed))]


def control_items(share: float, active: int, control: int, batch: int, held: int) -> int:
    """How many items of the next batch come from the reserve: those due, as far as it goes.

    Parameters
    ----------
    share : float
        Of the control arm.
    active, control : int
        Labelled items of each arm so far, the start set among the active ones.
    batch : int
        Items asked now.
    held : int
        Size of the reserve.
    """
    return min(due(share, active, control, batch), held - control) if held else 0


def active_items(share: float, sizes: Sequence[int], started: int, held: int) -> int:
    """How many items of a whole run are picked or drawn outside the reserve, the start set among them.

    Parameters
    ----------
    share : float
        Of the control arm.
    sizes : sequence of int
        Labelled items of both arms at each checkpoint.
    started : int
        Those of the start set; 0 where the first batch is asked.
    held : int
        Size of the reserve.

    Examples
    --------
    >>> active_items(0.1, (100, 110, 120), started=100, held=2000)
    108
    """
    control, labels = 0, started
    for size in sizes:
        control += (
            control_items(share, labels - control, control, size - labels, held) if size > labels else 0
        )
        labels = size
    return labels - control
