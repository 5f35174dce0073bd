"""Estimates of joint entropies and gains are unbiased, and ties are fair."""

from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from nextlabel import Signals
from nextlabel.maths.information import expected_entropy, mutual_information
from nextlabel.maths.joint import every_configuration, information_gain, joint_entropy, sampled_joint_entropy
from nextlabel.strategies.batch_bald import BatchBALD, batch_bald

FALSE_ALARM = 1e-6

Floats = NDArray[np.float64]


def softmax_draws(n: int, m: int, c: int, *, scale: float = 2.0) -> Floats:
    exponentials = np.exp(scale * np.random.default_rng(0).normal(size=(n, m, c)))
    return np.asarray(exponentials / exponentials.sum(axis=2, keepdims=True))


def entropies(proba: Floats) -> Floats:
    return np.asarray(-(proba * np.log(proba)).sum(axis=-1))


def bernstein(values: Floats, probability: Floats, runs: int) -> float:
    """How far the mean of so many draws of these values is off, but for a chance of 1e-6.

    P(|mean − μ| ≥ t) ≤ 2 exp(−runs · t² / (2σ² + ⅔ R t)), R the largest deviation; solved for t.
    """
    centre = probability @ values
    variance = probability @ (values - centre) ** 2
    largest = np.abs(values - centre).max()
    level = np.log(2.0 / FALSE_ALARM) / runs
    return float(level * largest / 3.0 + np.sqrt((level * largest / 3.0) ** 2 + 2.0 * level * variance))


def per_item_draws(draws: Floats, size: int, rng: np.random.Generator) -> float:
    """The broken twin: labels of each item from a draw of its own, as with masks drawn anew for each item."""
    items, m, classes = draws.shape
    log_likelihood = np.zeros((size, m))
    for item in range(items - 1):
        model = rng.integers(m, size=size)
        labels = (rng.random(size)[:, None] >= draws[item].cumsum(axis=1)[model]).sum(axis=1)
        log_likelihood += np.log(draws[item].T)[np.minimum(labels, classes - 1)]
    likelihood = np.exp(log_likelihood)
    posterior = likelihood / likelihood.sum(axis=1, keepdims=True)
    return float(np.mean(entropies(posterior @ draws[-1]) - np.log(likelihood.mean(axis=1))))


def test_the_sampled_joint_entropy_is_unbiased(seed: int) -> None:
    """Null law: the mean of 20,000 independent terms −log q(y) + H[last | y] with y drawn from q.

    Their law is known by enumerating the 81 configurations. Statistic: distance of the estimate from the
    exact joint entropy of five items. Bernstein's inequality bounds it in all but 1e-6 of runs. The twin
    draws the labels of each item from a draw of the model of its own.
    """
    rng = np.random.default_rng(seed)
    draws, size = softmax_draws(5, 4, 3), 20_000
    every = every_configuration(draws[:-1])
    terms = entropies(every.posterior @ draws[-1]) - every.log_probability
    exact = joint_entropy(draws)
    assert abs(every.weights @ terms - exact) < 1e-12
    tolerance = bernstein(terms, every.weights, size)
    assert abs(sampled_joint_entropy(draws, size, rng=rng) - exact) <= tolerance
    assert abs(per_item_draws(draws, size, rng) - exact) > tolerance


def test_a_sampled_gain_is_unbiased(seed: int) -> None:
    """Null law: the last gain of a batch of three out of three is the mean of 24 terms H[last | y].

    The first two items have 25 configurations, one more than allowed, so they are sampled; their law is
    known. Statistic: distance of the mean gain over 2,000 batches, 48,000 terms, from the exact gain.
    Bernstein's inequality bounds it in all but 1e-6 of runs. The twin forgets the labels of the first two.
    """
    rng = np.random.default_rng(seed)
    draws, runs = softmax_draws(3, 4, 5, scale=0.5), 2_000
    method, signals = BatchBALD(max_configurations=24), Signals({"draws": draws})
    batches = [method.pick(signals, 3, rng) for _ in range(runs)]
    order = batches[0].positions.tolist()
    assert all(batch.positions.tolist() == order for batch in batches)  # the first two are exact
    every = every_configuration(draws[order[:2]])
    last = draws[order[2:]]
    tolerance = bernstein(entropies(every.posterior @ last[0]), every.weights, 24 * runs)
    exact = float(information_gain(last, every)[0])
    # every single term is above zero, so setting negative means of 24 to zero plays no part
    assert (entropies(every.posterior @ last[0]) > float(expected_entropy(last)[0])).all()
    gains = np.array([batch.scores[2] for batch in batches if batch.scores is not None])
    assert abs(gains.mean() - exact) <= tolerance
    assert abs(float(mutual_information(last)[0]) - exact) > tolerance


def test_equal_items_are_picked_in_every_order_equally_often(seed: int) -> None:
    """Null law: of 4 equal items, each of the 12 ordered pairs has probability 1/12.

    Statistic: chi-square with 11 degrees of freedom over 6,000 runs; rejected above its quantile at
    1 − 1e-6, so a correct implementation fails with probability 1e-6. The twin breaks the tie of the first
    pick alone, and takes the first position that is left for the second.
    """
    rng = np.random.default_rng(seed)
    draws = np.repeat(softmax_draws(1, 3, 2), 4, axis=0)
    cells = {pair: cell for cell, pair in enumerate(permutations(range(4), 2))}

    def passes(pairs: list[tuple[int, int]]) -> bool:
        counts = np.bincount([cells[pair] for pair in pairs], minlength=12)
        expected = len(pairs) / 12
        return bool(((counts - expected) ** 2 / expected).sum() <= chi2.isf(FALSE_ALARM, 11))

    def twin() -> tuple[int, int]:
        first = int(rng.integers(4))
        return first, min({0, 1, 2, 3} - {first})

    picked = [batch_bald(draws, 2, rng=rng).tolist() for _ in range(6_000)]
    assert passes([(first, second) for first, second in picked])
    assert not passes([twin() for _ in range(6_000)])
