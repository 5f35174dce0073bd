"""Labels to an accuracy that somebody wants, strategy by strategy."""

from dataclasses import dataclass
from typing import final

import numpy as np

from nextlabel.experiment.comparison import CONFIDENCE
from nextlabel.experiment.curves import Results
from nextlabel.maths.intervals import Interval, reach_interval
from nextlabel.maths.summaries import labels_to_reach

__all__ = ["Reach", "reaches"]


@final
@dataclass(frozen=True)
class Reach:
    """How many labels reach an accuracy that somebody wants.

    Parameters
    ----------
    needed : float
        Labels after which the strategy's mean curve first reaches it; infinite where it never does.
    interval : Interval
        Of `needed`, 95 %, over seeds; without an upper end where more than the budget may be needed.
    """

    needed: float
    interval: Interval


def reaches(results: Results, level: float) -> dict[str, Reach]:
    """Labels that each strategy needs to reach an accuracy, the baseline not left out.

    Parameters
    ----------
    results : Results
        Runs of at least two seeds.
    level : float
        The accuracy, from 0 to 1.

    Returns
    -------
    dict of str to Reach
        In the order of the experiment.

    Raises
    ------
    ParameterError
        Fewer than two seeds or checkpoints.

    Notes
    -----
    The interval inverts a t test of the accuracies of all seeds against the level, a constant
    (`nextlabel.maths.intervals.reach_interval`): no seed has to reach it by itself.
    """
    found = {}
    for name in results.strategies:
        curves = results.accuracy(name)
        found[name] = Reach(
            needed=labels_to_reach(results.labels, curves.mean(axis=0), level),
            interval=reach_interval(
                results.labels, curves, np.full(len(curves), level), confidence=CONFIDENCE
            ),
        )
    return found
