"""A verdict on each strategy of a setting, all of them together wrong as seldom as one alone would be."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.core.rng import generator
from nextlabel.experiment.comparison import CONFIDENCE, areas
from nextlabel.experiment.curves import Results
from nextlabel.maths.comparisons import holm, paired_t_p, signed_rank_p
from nextlabel.maths.intervals import Interval, bca_interval, student_interval
from nextlabel.maths.parameters import checked_number

__all__ = [
    "BETTER",
    "EQUAL",
    "LEAST_SEEDS",
    "LEVEL",
    "NONE",
    "UNDECIDED",
    "WORSE",
    "Standing",
    "joint_intervals",
    "standings",
    "verdicts",
]

BETTER: Final = "better"
WORSE: Final = "worse"
EQUAL: Final = "practically equal"
UNDECIDED: Final = "not distinguishable"
NONE: Final = "no verdict"

LEVEL: Final = 0.05
"""The chance that strategies that equal the baseline are named, all of a setting together."""

LEAST_SEEDS: Final = 5
"""Of fewer seeds no verdict is given."""


@final
@dataclass(frozen=True)
class Standing:
    """One strategy beside the baseline, by the area under the budget curve, paired by seed.

    Parameters
    ----------
    strategy : str
    seeds : int
    gain : float
        Mean difference of the areas.
    interval : Interval
        Of the gain, Student's t; those of all strategies of the setting hold together in 95 % of experiments.
    own_interval : Interval
        The same at 95 % for this strategy alone.
    bootstrap : Interval
        As `own_interval`, by the BCa bootstrap: a second opinion that assumes no normal law.
    p_value : float
        Of the paired t test, two-sided.
    p_holm : float
        The same after Holm's procedure over all strategies of the setting.
    p_signed_rank : float
        Of Wilcoxon's signed rank test, two-sided, for this strategy alone.
    verdict : str
        One of `BETTER`, `WORSE`, `EQUAL`, `UNDECIDED`, `NONE`.
    """

    strategy: str
    seeds: int
    gain: float
    interval: Interval
    own_interval: Interval
    bootstrap: Interval
    p_value: float
    p_holm: float
    p_signed_rank: float
    verdict: str


def standings(
    results: Results, baseline: str, *, rope: float | None = None, seed: int = 0
) -> tuple[Standing, ...]:
    """How each strategy stands to the baseline, in the order of the experiment.

    Parameters
    ----------
    results : Results
        Runs of at least two seeds.
    baseline : str
        What the others are compared with, by its name in the experiment.
    rope : float, optional
        Region of practical equivalence, in accuracy: a gain that surely lies between −rope and rope is
        practically none. None says so of no strategy.
    seed : int
        Of the bootstrap's resamples.

    Returns
    -------
    tuple of Standing
        Without the baseline.

    Raises
    ------
    ParameterError
        The baseline is not in the experiment, there are fewer than two seeds, or rope is not positive.

    Notes
    -----
    Better and worse are said where Holm's p-value is below 0.05. If no strategy differs from the baseline,
    one at least is called better in about 2.5 % of experiments, however many strategies there are, and surely
    (of normal differences) in at most 5 %: Holm's procedure bounds better and worse together. Seeds that lean
    to one side break this: with five to ten of them and a baseline that errs by an exponential law, one of
    three equals is called better in about 6 % (`benchmarks/claims.py`).

    Practically equal is said where the whole interval lies within the region, even where it leaves out 0; of
    a strategy outside the region it is said in at most 2.5 %. Intervals are Bonferroni's, because those that
    go with Holm's procedure say no more than a sign: a row may be named while its interval touches 0. Of
    fewer than five seeds there is no verdict: whether differences are normal cannot be seen, and Student's
    law rests on it.
    """
    if rope is not None:
        rope = checked_number(rope, "rope", above=0, advice="Give for example 0.01, one point of accuracy.")
    reference = areas(results, baseline)
    names = [name for name in results.strategies if name != baseline]
    if not names:
        return ()
    gains = np.stack([areas(results, name) - reference for name in names], axis=1)
    p_values = paired_t_p(gains)
    adjusted = holm(p_values)
    intervals = joint_intervals(gains)
    return tuple(
        Standing(
            strategy=name,
            seeds=len(values),
            gain=float(values.mean()),
            interval=interval,
            own_interval=student_interval(values, confidence=CONFIDENCE),
            bootstrap=bca_interval(values, rng=generator(seed), confidence=CONFIDENCE),
            p_value=float(p_value),
            p_holm=float(p_holm),
            p_signed_rank=signed_rank_p(values),
            verdict=verdict,
        )
        for name, values, interval, p_value, p_holm, verdict in zip(
            names, gains.T, intervals, p_values, adjusted, verdicts(gains, rope=rope), strict=True
        )
    )


def joint_intervals(gains: ArrayLike) -> tuple[Interval, ...]:
    """Student's t intervals of several mean gains that hold together in 95 % of experiments.

    Parameters
    ----------
    gains : array of float, axes (s, k)
        A row for each seed, a column for each strategy; columns may depend on one another in any way.

    Returns
    -------
    tuple of Interval

    Raises
    ------
    ParameterError
        Fewer than two seeds.
    """
    table = np.asarray(gains, dtype=np.float64)
    return tuple(student_interval(values, confidence=1.0 - LEVEL / table.shape[1]) for values in table.T)


def verdicts(gains: ArrayLike, *, rope: float | None = None) -> tuple[str, ...]:
    """The verdict on each of several strategies, as `standings` describes it.

    Parameters
    ----------
    gains : array of float, axes (s, k)
        Paired differences to the baseline: a row for each seed, a column for each strategy.
    rope : float, optional
        Region of practical equivalence.

    Returns
    -------
    tuple of str

    Raises
    ------
    ParameterError
        Fewer than two seeds.

    Examples
    --------
    >>> verdicts([[0.02, 0.0], [0.02, -0.01], [0.03, 0.01], [0.01, 0.01], [0.02, -0.02]])
    ('better', 'not distinguishable')
    """
    table = np.asarray(gains, dtype=np.float64)
    return tuple(
        _verdict(float(mean), interval, float(p_holm), len(table), rope)
        for mean, interval, p_holm in zip(
            table.mean(axis=0), joint_intervals(table), holm(paired_t_p(table)), strict=True
        )
    )


def _verdict(gain: float, interval: Interval, p_holm: float, seeds: int, rope: float | None) -> str:
    if seeds < LEAST_SEEDS:
        return NONE
    if rope is not None and -rope < interval.low and interval.high < rope:
        return EQUAL
    if p_holm >= LEVEL:
        return UNDECIDED
    return BETTER if gain > 0.0 else WORSE
