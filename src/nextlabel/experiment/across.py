"""What data sets say together: mean ranks, the Bayesian signed rank, and whether the ranking is stable."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import MissingExtra
from nextlabel.experiment.comparison import areas
from nextlabel.experiment.curves import Results
from nextlabel.experiment.penalty import common_strategies
from nextlabel.experiment.verdicts import LEAST_SEEDS
from nextlabel.maths.axes import Array
from nextlabel.maths.ranks import critical_difference, friedman_p, kendall_tau, mean_ranks
from nextlabel.maths.summaries import area_under_budget_curve

__all__ = [
    "LEAST_SETS_POSTERIOR",
    "LEAST_SETS_RANKS",
    "STABLE",
    "Agreement",
    "Posterior",
    "Ranks",
    "agreements",
    "posteriors",
    "ranking",
]

LEAST_SETS_RANKS: Final = 10
LEAST_SETS_POSTERIOR: Final = 5
STABLE: Final = 0.6
_NUISANCES: Final = ("batch", "start", "learner")
_SAMPLES: Final = 10_000


@final
@dataclass(frozen=True)
class Ranks:
    """Mean ranks over data sets.

    Parameters
    ----------
    strategies : tuple of str
        The best first.
    ranks : tuple of float
        1 is the best.
    sets : int
        Over how many data sets; several settings of one data set count once, by their mean area.
    p_value : float or None
        Of Friedman's test; None where there are too few data sets or strategies for it.
    difference : float or None
        Nemenyi's critical difference at 5 %; None likewise.
    """

    strategies: tuple[str, ...]
    ranks: tuple[float, ...]
    sets: int
    p_value: float | None
    difference: float | None

    def sentence(self) -> str:
        """What the ranks allow to say."""
        if self.p_value is None or self.difference is None:
            return (
                f"No test: Friedman's asks for 3 strategies and about {LEAST_SETS_RANKS} data sets, and "
                f"there are {len(self.strategies)} and {self.sets}. "
                "The mean ranks describe these data sets alone."
            )
        if self.p_value >= 0.05:
            return (
                f"Over {self.sets} data sets the ranks are not distinguishable "
                f"(Friedman's test, p {self.p_value:.2g})."
            )
        return (
            f"Over {self.sets} data sets the ranks differ (Friedman's test, p {self.p_value:.2g}); mean "
            f"ranks closer than {self.difference:.2f} are not distinguishable (Nemenyi's test, 5 %)."
        )


@final
@dataclass(frozen=True)
class Posterior:
    """How probable it is, after these data sets, that one strategy is better than another on the next.

    Parameters
    ----------
    strategy, other : str
    sets : int
        Over how many data sets.
    rope : float
        Region of practical equivalence, in accuracy.
    better, equal, worse : float
        Probabilities that `strategy` is better by more than rope, within it, or worse; they sum to 1.
    """

    strategy: str
    other: str
    sets: int
    rope: float
    better: float
    equal: float
    worse: float


@final
@dataclass(frozen=True)
class Agreement:
    """How far the ranking of the strategies survives one change that should not matter.

    Parameters
    ----------
    nuisance : str
        batch, start, learner, or seeds (one half of them against the other).
    first, second : int
        Positions of the two settings; the same for the halves of the seeds.
    tau : float
        Kendall's tau-b of the mean areas.
    """

    nuisance: str
    first: int
    second: int
    tau: float


def ranking(settings: Sequence[Results]) -> Ranks:
    """Mean ranks of the strategies over data sets, with Friedman's test where it may be made.

    Parameters
    ----------
    settings : sequence of Results
        Each with `dataset` in its protocol; strategies that did not run everywhere are left out.

    Returns
    -------
    Ranks
    """
    names, table = common_strategies(settings), _by_set(settings)
    ranks = mean_ranks(table)
    order = np.argsort(ranks, kind="stable")
    is_tested = len(table) >= LEAST_SETS_RANKS and len(names) >= 3
    return Ranks(
        strategies=tuple(names[i] for i in order),
        ranks=tuple(float(ranks[i]) for i in order),
        sets=len(table),
        p_value=friedman_p(table) if is_tested else None,
        difference=critical_difference(len(names), len(table)) if is_tested else None,
    )


def posteriors(
    settings: Sequence[Results], lead: str, *, rope: float, seed: int = 0
) -> tuple[Posterior, ...]:
    """The Bayesian signed rank of the lead against each other strategy.

    Parameters
    ----------
    settings : sequence of Results
        Each with `dataset` in its protocol.
    lead : str
    rope : float
        Region of practical equivalence, in accuracy, above 0.
    seed : int
        Of the sampler.

    Returns
    -------
    tuple of Posterior
        Settings with fewer than five seeds are left out, as of these no verdict is given. Empty where fewer
        than five data sets remain, or where the lead did not run in all of them.

    Raises
    ------
    MissingExtra
        Baycomp is not installed.

    References
    ----------
    Benavoli, Corani, Demšar, Zaffalon. Time for a change: a tutorial for comparing multiple classifiers
    through Bayesian analysis. Journal of Machine Learning Research 18, 2017.
    """
    enough = [one for one in settings if len(one.seeds) >= LEAST_SEEDS]
    sets = {_key(one, "dataset") for one in enough}
    if len(sets) < LEAST_SETS_POSTERIOR or lead not in common_strategies(enough):
        return ()
    names, table = common_strategies(enough), _by_set(enough)
    ours = table[:, names.index(lead)]
    return tuple(
        Posterior(lead, name, len(table), rope, *_probabilities(ours, theirs, rope, seed))
        for name, theirs in zip(names, table.T, strict=True)
        if name != lead
    )


def agreements(settings: Sequence[Results]) -> tuple[Agreement, ...]:
    """Kendall's tau of the ranking between settings that differ in one nuisance, and between halves of seeds.

    Parameters
    ----------
    settings : sequence of Results
        Each with `dataset`, `learner`, `start` and `batch` in its protocol.

    Returns
    -------
    tuple of Agreement
        Only where at least three strategies are ranked, and four seeds are halved.
    """
    found = []
    for (i, one), (j, two) in itertools.combinations(enumerate(settings), 2):
        differ = [key for key in _NUISANCES if _key(one, key) != _key(two, key)]
        common = common_strategies([one, two])
        if _key(one, "dataset") == _key(two, "dataset") and len(differ) == 1 and len(common) >= 3:
            means = ([float(areas(results, name).mean()) for name in common] for results in (one, two))
            found.append(Agreement(differ[0], i, j, kendall_tau(*means)))
    for i, one in enumerate(settings):
        if len(one.seeds) >= 4 and len(one.strategies) >= 3:
            table = np.stack([areas(one, name) for name in one.strategies])
            halves = (table[:, half::2].mean(axis=1) for half in (0, 1))
            found.append(Agreement("seeds", i, i, kendall_tau(*halves)))
    return tuple(found)


def _by_set(settings: Sequence[Results]) -> NDArray[np.float64]:
    """Mean area, axes (g, a): a data set a row (mean over its settings), a strategy a column."""
    names = common_strategies(settings)
    found: dict[str, list[Array]] = {}
    for results in settings:
        curves = np.stack([results.accuracy(name).mean(axis=0) for name in names])
        found.setdefault(_key(results, "dataset"), []).append(area_under_budget_curve(results.labels, curves))
    return np.stack([np.mean(rows, axis=0) for rows in found.values()])


def _key(results: Results, name: str) -> str:
    protocol: Mapping[str, Any] = results.protocol
    return json.dumps(protocol.get(name), sort_keys=True)


def _probabilities(ours: Array, theirs: Array, rope: float, seed: int) -> tuple[float, float, float]:
    try:
        from baycomp import SignedRankTest
    except ModuleNotFoundError as cause:
        message = (
            "The Bayesian signed rank needs the library 'baycomp', which is not installed. "
            "Install it with: pip install 'nextlabel[plot]'."
        )
        raise MissingExtra(message, extra="plot") from cause
    # baycomp calls "left" where the first is larger
    left, within, right = SignedRankTest.probs(ours, theirs, rope, nsamples=_SAMPLES, random_state=seed)
    return float(left), float(within), float(right)
