"""The law of the first draw of a stochastic batch."""

from dataclasses import dataclass
from typing import final

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

from nextlabel import Signals
from nextlabel.core.strategy import Scorer
from nextlabel.maths.axes import Scores
from nextlabel.strategies.stochastic import Stochastic

FALSE_ALARM = 1e-6
RUNS = 40_000
SCORES = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
RANKS = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
BETA = 1.5

LAWS = {"power": SCORES**BETA, "softmax": np.exp(BETA * SCORES), "softrank": RANKS**-BETA}
TWINS = {"power": SCORES, "softmax": np.exp(SCORES), "softrank": 1.0 / RANKS}


@final
@dataclass(frozen=True)
class Given(Scorer):
    """The scores above, whatever the signals."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset()

    def score(self, signals: Signals, rng: np.random.Generator) -> Scores:
        return SCORES


def passes(counts: NDArray[np.int64], weights: NDArray[np.float64]) -> bool:
    expected = counts.sum() * weights / weights.sum()
    statistic = ((counts - expected) ** 2 / expected).sum()
    return bool(statistic <= chi2.isf(FALSE_ALARM, len(counts) - 1))


@pytest.mark.parametrize("kind", ["power", "softmax", "softrank"])
def test_the_first_draw_follows_the_weights(kind: str, seed: int) -> None:
    """Null law: the first item is i with probability w_i / Σ w, w = s^1.5, e^{1.5 s} or rank^{−1.5}.

    Statistic: chi-square with 4 degrees of freedom over 40,000 picks from a pool of 5; rejected above its
    quantile at 1 − 1e-6, so a correct implementation fails with probability 1e-6. The twin forgets beta; it
    passes with a chance below 1e-16 (noncentral chi-square, softmax; the others far below).
    """
    rng = np.random.default_rng(seed)
    signals = Signals({}, n=5)
    method = Stochastic(Given(), beta=BETA, kind=kind)  # type: ignore[arg-type]
    first = [method.pick(signals, 1, rng).positions[0] for _ in range(RUNS)]
    assert passes(np.bincount(first, minlength=5), LAWS[kind])
    twin = rng.choice(5, p=TWINS[kind] / TWINS[kind].sum(), size=RUNS)
    assert not passes(np.bincount(twin, minlength=5), LAWS[kind])


@pytest.mark.parametrize("kind", ["power", "softmax", "softrank"])
def test_a_beta_near_zero_draws_uniformly(kind: str, seed: int) -> None:
    """Null law: as beta goes to 0 the first item is each of 5 with probability 1/5.

    Statistic: chi-square with 4 degrees of freedom over 10,000 picks with beta 1e-9, whose weights differ
    from equal ones by less than 1e-8; a correct implementation fails with probability 1e-6. The twin keeps
    beta at 1, and passes with a chance below 1e-16.
    """
    rng = np.random.default_rng(seed)
    signals, runs = Signals({}, n=5), 10_000
    counts = {}
    for beta in (1e-9, 1.0):
        method = Stochastic(Given(), beta=beta, kind=kind)  # type: ignore[arg-type]
        first = [method.pick(signals, 1, rng).positions[0] for _ in range(runs)]
        counts[beta] = np.bincount(first, minlength=5)
    assert passes(counts[1e-9], np.ones(5))
    assert not passes(counts[1.0], np.ones(5))
