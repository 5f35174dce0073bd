"""Noise has the law it is said to have, and random rounding keeps numbers on average."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr

from nextlabel.core.defence import Defence
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.leakage.defences.noises import Gaussian, Laplace, Private
from nextlabel.leakage.defences.roundings import Int8

DRAWS = 20_000
LEVEL = 1e-6


def of_zeros(defence: Defence, seed: int) -> Array:
    given = Disclosure("full", {"a": np.zeros(DRAWS // 2), "b": np.zeros((2, DRAWS // 4))}, items=1)
    found = defence.apply(given, np.random.default_rng(seed))
    return np.concatenate([one.ravel() for one in found.arrays.values()])


def distance(values: Array, law: Callable[[Array], Array]) -> float:
    """The largest distance between the empirical distribution and a law."""
    at = law(np.sort(values))
    steps = np.arange(len(values) + 1) / len(values)
    return float(max((steps[1:] - at).max(), (at - steps[:-1]).max()))


def bound() -> float:
    """DKW: the distance exceeds t with a probability of at most 2·exp(-2·n·t²)."""
    return float(np.sqrt(np.log(2 / LEVEL) / (2 * DRAWS)))


def laplace(values: Array) -> Array:
    """Of standard deviation 0.3: b = 0.3/√2."""
    found: Array = stats.laplace(scale=0.3 / np.sqrt(2)).cdf(values)
    return found


@pytest.mark.parametrize(
    ("defence", "law"),
    [
        (Gaussian(0.3), lambda x: ndtr(x / 0.3)),
        (Laplace(0.3), laplace),
        (Private(0.6, clip=0.5), lambda x: ndtr(x / 0.3)),
    ],
    ids=["gaussian", "laplace", "private"],
)
def test_noise_has_its_law_and_its_standard_deviation(
    defence: Defence, law: Callable[[Array], Array], seed: int
) -> None:
    """Law: the noise's distribution is the stated one; statistic: Kolmogorov's distance over 20,000 draws.

    DKW bounds the chance of a false alarm by 1e-6 at 0.019. Twins: a scale taken for a variance (0.09), or
    for Laplace's b (a deviation of 0.42), lie at 0.2 and 0.07 and more.
    """
    values = of_zeros(defence, seed)
    assert distance(values, law) <= bound()


@pytest.mark.parametrize(
    ("twin", "law"),
    [
        (lambda x: x * 0.09 / 0.3, lambda x: ndtr(x / 0.3)),  # the scale as a variance, squared once more
        (lambda x: x * np.sqrt(0.3) / 0.3, lambda x: ndtr(x / 0.3)),  # the scale as a variance
    ],
)
def test_a_scale_taken_for_a_variance_is_found(
    twin: Callable[[Array], Array], law: Callable[[Array], Array], seed: int
) -> None:
    """The broken twins of the test above: both lie beyond the bound."""
    assert distance(twin(of_zeros(Gaussian(0.3), seed)), law) > bound()


def test_a_laplace_scale_taken_for_b_is_found(seed: int) -> None:
    """The broken twin: b = 0.3 has the standard deviation 0.42, and lies beyond the bound."""
    assert distance(np.sqrt(2) * of_zeros(Laplace(0.3), seed), laplace) > bound()


def rounded(seed: int, *, is_biased: bool = False) -> int:
    """How often 0.3 of a step is rounded up."""
    given = np.append(np.full(DRAWS, 0.3), 127.0)
    if is_biased:
        given[:-1] = 0.27
    found = Int8(is_stochastic=True).apply(Disclosure("full", {"a": given}, 1), np.random.default_rng(seed))
    return int((found["a"][:-1] == 1.0).sum())


def test_random_rounding_keeps_numbers_on_average(seed: int) -> None:
    """Law: each number 0.3 of a step above its lower neighbour goes up with probability 0.3, by itself.

    Statistic: how many of 20,000 go up, binomial; both tails together below 1e-6. Twin: 0.27.
    """
    low, high = stats.binom(DRAWS, 0.3).ppf([LEVEL / 2, 1 - LEVEL / 2])
    assert low <= rounded(seed) <= high
    assert not low <= rounded(seed, is_biased=True) <= high
