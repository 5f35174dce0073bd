"""The biases of estimates of a maximum, against their closed forms."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import norm

from nextlabel import Signals
from nextlabel.maths.maxima import self_correcting, single
from nextlabel.strategies.mean_std import MeanSTD
from nextlabel.strategies.self_correcting import SelfCorrecting

FALSE_ALARM = 1e-6
LIMIT = float(norm.isf(FALSE_ALARM / 2))
CANDIDATES, DRAWS, RUNS = 50, 100, 4_000
MOST = float(quad(lambda x: x * 50 * norm.pdf(x) * norm.cdf(x) ** 49, -9, 9)[0])  # of 50 normal numbers
Floats = NDArray[np.float64]


def agrees(found: Floats, expected: float) -> bool:
    """Whether the mean is within the two-sided limit of a normal law, by its own standard error."""
    return bool(abs(found.mean() - expected) <= LIMIT * found.std(ddof=1) / np.sqrt(len(found)))


def halves(seed: int) -> Floats:
    """Means of the two halves of 100 standard normal draws, of 50 candidates in every run."""
    rng = np.random.default_rng(seed)
    means: Floats = rng.normal(size=(RUNS, 2, CANDIDATES)) * np.sqrt(2.0 / DRAWS)
    return means


def miscorrected(value: Floats, other: Floats, *, beta: float) -> float:
    """The twin: the halves exchanged, and another degree."""
    return self_correcting(other, value, beta=1.0 - beta / 2.0)


@pytest.mark.parametrize("beta", [0.0, 0.25, 0.5, 0.75, 1.0, 1.5])
def test_the_bias_on_disjoint_halves_is_that_of_the_closed_form(beta: float, seed: int) -> None:
    """Null law: of 50 scores equal to 0 with errors of variance 1/50, the estimate has the mean
    √(1/50)·e(50)·(1 − β)/√((1 − β)² + β²).

    Statistic: the mean over 4,000 runs in its standard errors, of standard normal law (each run is a mean of
    a truncated normal number, so the sum of 4,000 is normal to well below the level); two-sided limit at
    1e-6. The standard error is 0.0022, so a bias off by 0.011 is seen. The twin exchanges the halves
    and corrects to another degree, 1 − β/2.
    """
    expected = np.sqrt(2.0 / DRAWS) * MOST * (1.0 - beta) / np.hypot(1.0 - beta, beta)
    means = halves(seed)

    def mean(estimate: Callable[..., float]) -> Floats:
        return np.array([estimate(one, other, beta=beta) for one, other in means])

    assert agrees(mean(self_correcting), expected)
    assert not agrees(mean(miscorrected), expected)


def test_the_maximum_of_all_draws_is_too_large_by_its_closed_form(seed: int) -> None:
    """Null law: mean 0.1·e(50) = 0.225. Statistic and limit as above; the twin is the mean of both maxima."""
    means = halves(seed)
    found = np.array([single(one) for one in means.mean(axis=1)])
    assert agrees(found, 0.1 * MOST)
    assert not agrees(np.array([(single(one) + single(other)) / 2 for one, other in means]), 0.1 * MOST)


def test_the_value_of_a_batch_does_not_profit_from_the_choice(seed: int) -> None:
    """Null law: items whose draws have one law have one expected score on half of the draws, whatever it is.

    So the value of a batch at β = 1 minus the mean score of all items on the halves has mean 0. Statistic:
    the mean of the difference over 600 pools in its standard errors; two-sided limit at 1e-6. The twin takes
    β = 0.
    """
    rng = np.random.default_rng(seed)
    right: list[float] = []
    wrong: list[float] = []
    for _ in range(600):
        p = rng.beta(2.0, 2.0, size=(40, 6))
        signals = Signals({"draws": np.stack([p, 1.0 - p], axis=2)})
        level = np.mean(
            [
                MeanSTD().score(Signals({"draws": signals["draws"][:, half]}), rng).mean()
                for half in (slice(0, 3), slice(3, 6))
            ]
        )
        for beta, found in ((1.0, right), (0.0, wrong)):
            value = SelfCorrecting(MeanSTD(), beta=beta).pick(signals, 4, rng).value
            assert value is not None
            found.append(value - level)
    assert agrees(np.array(right), 0.0)
    assert not agrees(np.array(wrong), 0.0)
