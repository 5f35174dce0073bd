"""What an experiment says: a row for each strategy, and one sentence on the strategy named beforehand."""

import math
import statistics
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.core.rng import generator
from nextlabel.errors import ParameterError
from nextlabel.experiment.curves import Results
from nextlabel.maths.intervals import Interval, bca_interval, reach_interval, student_interval
from nextlabel.maths.summaries import area_under_budget_curve, checked_checkpoints, labels_to_reach

__all__ = ["CONFIDENCE", "Claim", "Row", "Saving", "areas", "claim", "labels_saved", "rows", "savings"]

CONFIDENCE = 0.95


@final
@dataclass(frozen=True)
class Row:
    """One strategy in figures, over all seeds.

    Parameters
    ----------
    strategy : str
    seeds : int
    area_mean, area_sd : float
        Area under the budget curve, mean and standard deviation over seeds.
    area_gain : float
        Mean difference of that area to the baseline's, paired by seed; 0 for the baseline.
    area_interval : Interval
        Of the gain: Student's t.
    final_mean, final_sd : float
        Accuracy at the end of the budget.
    labels_to_final : float
        Where the mean curve first reaches the baseline's mean final accuracy; infinite where it never does.
    selection_seconds : float
        CPU seconds of one selection, the median over rounds and seeds.
    training_seconds : float
        CPU seconds of one fit, the median over rounds and seeds.
    """

    strategy: str
    seeds: int
    area_mean: float
    area_sd: float
    area_gain: float
    area_interval: Interval
    final_mean: float
    final_sd: float
    labels_to_final: float
    selection_seconds: float
    training_seconds: float


@final
@dataclass(frozen=True)
class Saving:
    """How many labels reach what the whole budget bought the baseline.

    Parameters
    ----------
    level : float
        The baseline's mean final accuracy.
    needed : float
        Labels after which the strategy's mean curve first reaches that level; infinite where it never does.
    needed_interval : Interval
        Of `needed`, 95 %, paired over seeds; without an upper end where more than the budget may be needed.
    baseline_needed : float
        Labels after which the baseline's own mean curve first reaches that level: at most the budget.
    share : float
        Labels saved, 1 − needed / baseline_needed; minus infinity where the level is never reached.
    """

    level: float
    needed: float
    needed_interval: Interval
    baseline_needed: float
    share: float


@final
@dataclass(frozen=True)
class Claim:
    """What may be said of the strategy named beforehand against the baseline.

    Parameters
    ----------
    strategy, baseline : str
    seeds : int
    budget : int
        Labels at the end.
    saving : Saving
    area_gain : float
        Mean difference of the areas under the budget curves, paired by seed.
    area_interval : Interval
        Of that difference, 95 %, Student's t.
    area_bootstrap : Interval
        The same by the BCa bootstrap: a second opinion that assumes no normal law.
    """

    strategy: str
    baseline: str
    seeds: int
    budget: int
    saving: Saving
    area_gain: float
    area_interval: Interval
    area_bootstrap: Interval

    @property
    def is_distinguishable(self) -> bool:
        """Whether the interval leaves out what the baseline needed; or 0, where it is the area's."""
        if math.isfinite(self.saving.needed):
            return not self.saving.needed_interval.holds(self.saving.baseline_needed)
        return not self.area_interval.holds(0.0)

    def sentence(self) -> str:
        """The claim in words, with its interval and the number of seeds."""
        name, saving = self.strategy[0].upper() + self.strategy[1:], self.saving
        reached = math.isfinite(saving.needed)
        quoted = _labels(saving.needed_interval, self.budget) if reached else _points(self.area_interval)
        certainty = f"(95 % interval {quoted}, paired over {self.seeds} seeds, Student's t)"
        if reached:
            facts = (
                f"{name} needed {saving.needed:.0f} labels {certainty} where {self.baseline} needed "
                f"{saving.baseline_needed:.0f}: a saving of {_percent(saving.share)} %"
            )
        else:
            side = "higher" if self.area_gain > 0 else "lower"
            facts = (
                f"{name} did not reach {self.baseline}'s final accuracy of {100 * saving.level:.1f} % within "
                f"{self.budget} labels; the area under its curve is {abs(100 * self.area_gain):.1f} points "
                f"{side} {certainty}"
            )
        return f"{facts}{'' if self.is_distinguishable else f', not distinguishable from {self.baseline}'}."


def labels_saved(labels: ArrayLike, curves: ArrayLike, reference: ArrayLike) -> Saving:
    """The saving of one strategy against a baseline, over paired seeds.

    Parameters
    ----------
    labels : array of int, axes (k,)
        Labelled items at each checkpoint, increasing.
    curves, reference : array of float, axes (s, k)
        Accuracy of the strategy and of the baseline; row i of both has the same seed.

    Returns
    -------
    Saving

    Raises
    ------
    ParameterError
        Fewer than two seeds or checkpoints, or labels that do not increase.
    SignalError
        Wrong axes, unequal lengths, or values that are not finite.

    Notes
    -----
    The level is what the whole budget bought the baseline on average, so the baseline needs the budget, or
    less where its own mean curve was there before: both are read off their mean curves by the same rule. A
    curve that is flat or noisy at its end was often there before, so the baseline is given the benefit of its
    luck and the saving, if anything, is understated. Hence the interval is that of `needed` alone, which is
    known to cover; a share has no interval of its own.

    Asking each seed when it reaches the level by itself would not do: half of the baseline's own seeds end
    below their mean, those that never arrive would have to be left out or made up, and the first passage of
    one noisy curve comes early by luck. The interval inverts a paired t test
    instead: it holds each number of labels at which the strategy's accuracy cannot be told from the same
    seed's final accuracy of the baseline (`nextlabel.maths.intervals.reach_interval`). It has no upper end
    whenever the two final accuracies cannot be told apart, so of two equal strategies one claims a saving in
    at most 2.5 % of experiments.

    Examples
    --------
    Twice as steep, with a small disagreement between the two seeds:

    >>> saving = labels_saved([0, 100], [[0.0, 0.99], [0.0, 1.01]], [[0.0, 0.5], [0.0, 0.5]])
    >>> round(saving.needed), saving.baseline_needed, round(saving.share, 2)
    (50, 100.0, 0.5)
    """
    counts, ours = checked_checkpoints(labels, curves)
    _, theirs = checked_checkpoints(labels, reference)
    level = float(theirs.mean(axis=0)[-1])
    needed = labels_to_reach(counts, ours.mean(axis=0), level)
    baseline_needed = labels_to_reach(counts, theirs.mean(axis=0), level)
    return Saving(
        level=level,
        needed=needed,
        needed_interval=reach_interval(counts, ours, theirs[:, -1], confidence=CONFIDENCE),
        baseline_needed=baseline_needed,
        share=1.0 - needed / baseline_needed,
    )


def claim(results: Results, strategy: str, baseline: str, *, seed: int = 0) -> Claim:
    """What may be said of one strategy, named before the experiment, against the baseline.

    Parameters
    ----------
    results : Results
        Runs of at least two seeds.
    strategy, baseline : str
        Names in the experiment.
    seed : int
        Of the bootstrap's resamples.

    Returns
    -------
    Claim

    Raises
    ------
    ParameterError
        A name is not in the experiment, or there are fewer than two seeds.
    """
    curves, reference = _curves(results, strategy), _curves(results, baseline)
    gains = areas(results, strategy) - areas(results, baseline)
    return Claim(
        strategy=strategy,
        baseline=baseline,
        seeds=len(results.seeds),
        budget=int(results.labels[-1]),
        saving=labels_saved(results.labels, curves, reference),
        area_gain=float(gains.mean()),
        area_interval=student_interval(gains, confidence=CONFIDENCE),
        area_bootstrap=bca_interval(gains, rng=generator(seed), confidence=CONFIDENCE),
    )


def rows(results: Results, baseline: str) -> tuple[Row, ...]:
    """A row for each strategy, the largest area first.

    Parameters
    ----------
    results : Results
        Runs of at least two seeds.
    baseline : str
        What the others are compared with, by its name in the experiment.

    Returns
    -------
    tuple of Row

    Raises
    ------
    ParameterError
        The baseline is not in the experiment, or there are fewer than two seeds.
    """
    level = float(_curves(results, baseline).mean(axis=0)[-1])
    reference = areas(results, baseline)
    made = []
    for strategy in results.strategies:
        curves, surface = _curves(results, strategy), areas(results, strategy)
        made.append(
            Row(
                strategy=strategy,
                seeds=len(curves),
                area_mean=float(surface.mean()),
                area_sd=float(surface.std(ddof=1)),
                area_gain=float((surface - reference).mean()),
                area_interval=student_interval(surface - reference, confidence=CONFIDENCE),
                final_mean=float(curves[:, -1].mean()),
                final_sd=float(curves[:, -1].std(ddof=1)),
                labels_to_final=labels_to_reach(results.labels, curves.mean(axis=0), level),
                selection_seconds=statistics.median(
                    second for run in results.of(strategy) for second in run.selection_seconds
                ),
                training_seconds=statistics.median(
                    second for run in results.of(strategy) for second in run.training_seconds
                ),
            )
        )
    return tuple(sorted(made, key=lambda row: -row.area_mean))


def savings(results: Results, baseline: str) -> dict[str, Saving]:
    """What each strategy saved against the baseline, the baseline itself left out.

    Parameters
    ----------
    results : Results
        Runs of at least two seeds.
    baseline : str

    Returns
    -------
    dict of str to Saving

    Raises
    ------
    ParameterError
        The baseline is not in the experiment, or there are fewer than two seeds.
    """
    reference = _curves(results, baseline)
    return {
        name: labels_saved(results.labels, _curves(results, name), reference)
        for name in results.strategies
        if name != baseline
    }


def _curves(results: Results, strategy: str) -> NDArray[np.float64]:
    if strategy not in results.strategies or len(results.seeds) < 2:
        message = (
            f"A comparison needs {strategy!r} among the strategies and at least 2 seeds; received "
            f"{', '.join(results.strategies)} with {len(results.seeds)}. Run what is missing."
        )
        raise ParameterError(message)
    return results.accuracy(strategy)


def areas(results: Results, strategy: str) -> NDArray[np.float64]:
    """Area under the budget curve of each seed, in increasing order, axes (s,).

    Raises
    ------
    ParameterError
        The strategy is not in the experiment, or there are fewer than two seeds.
    """
    return area_under_budget_curve(results.labels, _curves(results, strategy))


def _labels(interval: Interval, budget: int) -> str:
    low = min(interval.low, budget)
    high = f"more than {budget}" if math.isinf(interval.high) else f"{interval.high:.0f}"
    return f"{low:.0f} to {high}"


def _percent(share: float) -> str:
    return f"{round(100 * share)}".replace("-", "−")


def _points(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f} points".replace("-", "−")
