"""BADGE's penalty matrix over settings, and the distribution of errors beside the baseline's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import ParameterError
from nextlabel.experiment.curves import Results
from nextlabel.maths.penalties import compared_checkpoints, error_ratios, penalties

__all__ = ["PUBLISHED_SEEDS", "Penalties", "common_strategies", "median_ratio", "penalty"]

PUBLISHED_SEEDS: Final = 5
"""As many runs of each setting count in the published matrices."""


@final
@dataclass(frozen=True)
class Penalties:
    """Who beats whom how often.

    Parameters
    ----------
    strategies : tuple of str
        Those that ran in every setting.
    matrix : tuple of tuple of float
        Entry (i, j): how often i beats j, the sum over settings of its share of checkpoints.
    penalties : tuple of float
        Column means: how often others beat j; lower is better.
    settings : int
        How many; no entry is larger, nor as large where strategies share their starts.
    seeds : tuple of int
        The fewest and the most seeds of a setting.
    checkpoints : tuple of int
        How many counted, setting by setting.
    ratios : mapping of str to tuple of float
        Mean error over the baseline's, a number for each checkpoint that counted, setting by setting.
    weights : tuple of float
        Of those numbers: one over the checkpoints of the setting, out of all settings; they sum to 1.
    """

    strategies: tuple[str, ...]
    matrix: tuple[tuple[float, ...], ...]
    penalties: tuple[float, ...]
    settings: int
    seeds: tuple[int, int]
    checkpoints: tuple[int, ...]
    ratios: Mapping[str, tuple[float, ...]]
    weights: tuple[float, ...]


def common_strategies(settings: Sequence[Results]) -> tuple[str, ...]:
    """The strategies that ran in every setting, in the order of the first."""
    first, *rest = settings
    return tuple(name for name in first.strategies if all(name in one.strategies for one in rest))


def median_ratio(found: Penalties, name: str) -> float:
    """The weighted median of a strategy's errors beside the baseline's."""
    values = np.asarray(found.ratios[name])
    order = np.argsort(values)
    reached = np.cumsum(np.asarray(found.weights)[order])
    return float(values[order][int(np.searchsorted(reached, 0.5 * reached[-1] - 1e-12))])


def penalty(settings: Sequence[Results], baseline: str, *, most_seeds: int | None = None) -> Penalties:
    """The penalty matrix of BADGE's authors over settings, and the errors beside the baseline's.

    Parameters
    ----------
    settings : sequence of Results
        Runs of at least two seeds each.
    baseline : str
        Its name in every setting.
    most_seeds : int, optional
        So many of each setting count in its tests, the first in order; all where it is left out.

    Returns
    -------
    Penalties

    Raises
    ------
    ParameterError
        No settings, a baseline that did not run in every one of them, or fewer than two seeds.

    Notes
    -----
    Which checkpoints count, who beats whom at each, and where this departs from the authors' script:
    `nextlabel.maths.penalties`. With five seeds at most, the matrix is that of the script: the first five
    runs are tested, and all runs of random say which checkpoints count. A setting with fewer seeds counts
    with those it has, and `Penalties.seeds` says so.
    """
    names = common_strategies(settings) if settings else ()
    if baseline not in names:
        message = (
            f"A penalty matrix needs settings that all ran the baseline {baseline!r}; received "
            f"{len(settings)} settings with {', '.join(names) or 'nothing'} in common. Run what is missing."
        )
        raise ParameterError(message)
    matrix = np.zeros((len(names), len(names)))
    counted: list[int] = []
    ratios: list[NDArray[np.float64]] = []
    for results in settings:
        at = compared_checkpoints(results.labels, results.accuracy(baseline).mean(axis=0))
        curves = np.stack([results.accuracy(name)[:most_seeds, at] for name in names])
        matrix += penalties(curves)
        ratios.append(error_ratios(curves, names.index(baseline)))
        counted.append(len(at))
    joined = np.concatenate(ratios, axis=1)
    seeds = [len(results.seeds[:most_seeds]) for results in settings]
    return Penalties(
        strategies=names,
        matrix=tuple(tuple(map(float, row)) for row in matrix),
        penalties=tuple(map(float, matrix.mean(axis=0))),
        settings=len(settings),
        seeds=(min(seeds), max(seeds)),
        checkpoints=tuple(counted),
        ratios={name: tuple(map(float, row)) for name, row in zip(names, joined, strict=True)},
        weights=tuple(1.0 / (count * len(settings)) for count in counted for _ in range(count)),
    )
