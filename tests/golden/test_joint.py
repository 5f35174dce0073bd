"""Joint entropies against brute-force enumeration and closed forms."""

import math
import re
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.information import mutual_information
from nextlabel.maths.joint import (
    Configurations,
    conditional_entropy,
    every_configuration,
    information_gain,
    joint_entropy,
    sampled_configurations,
    sampled_joint_entropy,
)

CERTAIN = np.array([[[1.0, 0.0], [0.0, 1.0]]])  # two draws, each certain of another class


def softmax_draws(n: int, m: int, c: int, *, seed: int = 0) -> NDArray[np.float64]:
    exponentials = np.exp(2.0 * np.random.default_rng(seed).normal(size=(n, m, c)))
    return np.asarray(exponentials / exponentials.sum(axis=2, keepdims=True))


def probability(draws: NDArray[np.float64], labels: tuple[int, ...]) -> float:
    """The definition: the mean over draws of the product over items."""
    each = [np.prod([draws[i, m, y] for i, y in enumerate(labels)]) for m in range(draws.shape[1])]
    return float(np.mean(each))


def brute_force(draws: NDArray[np.float64]) -> float:
    items, _, classes = draws.shape
    all_labels = product(range(classes), repeat=items)
    return -sum(p * math.log(p) for labels in all_labels if (p := probability(draws, labels)) > 0.0)


@pytest.mark.parametrize("items", [1, 2, 3, 4])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_exact_entropy_equals_brute_force(items: int, classes: int) -> None:
    draws = softmax_draws(items, 5, classes, seed=items)
    assert joint_entropy(draws) == pytest.approx(brute_force(draws), abs=1e-12)


def test_no_items_have_entropy_zero() -> None:
    assert joint_entropy(CERTAIN[:0]) == 0.0


def test_configurations_come_in_lexicographic_order_the_last_item_fastest() -> None:
    draws = softmax_draws(3, 4, 2)
    expected = [probability(draws, labels) for labels in product(range(2), repeat=3)]
    every = every_configuration(draws)
    assert every.weights == pytest.approx(expected, abs=1e-15)
    assert every.log_probability == pytest.approx(np.log(expected), abs=1e-12)


def test_the_posterior_is_bayes_rule() -> None:
    draws = softmax_draws(2, 3, 2)
    posterior = every_configuration(draws).posterior
    likelihood = draws[0, :, 1] * draws[1, :, 0]  # labels (1, 0): the third configuration
    assert posterior[2] == pytest.approx(likelihood / likelihood.sum(), abs=1e-15)


def test_impossible_configurations_are_left_out() -> None:
    every = every_configuration(np.repeat(CERTAIN, 3, axis=0))
    assert every.weights.tolist() == [0.5, 0.5]
    assert every.posterior.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_copy_of_an_item_that_draws_are_certain_of_adds_nothing() -> None:
    assert joint_entropy(CERTAIN[[0, 0]]) == pytest.approx(np.log(2.0), abs=1e-15)
    assert information_gain(CERTAIN, every_configuration(CERTAIN)).tolist() == [0.0]


def test_independent_items_add_up() -> None:
    # four draws, all combinations of two certain answers: the labels are independent fair coins
    yes, no = [1.0, 0.0], [0.0, 1.0]
    draws = np.array([[yes, yes, no, no], [yes, no, yes, no]])
    assert joint_entropy(draws) == pytest.approx(2.0 * np.log(2.0), abs=1e-15)
    assert information_gain(draws[1:], every_configuration(draws[:1]))[0] == pytest.approx(np.log(2.0))


def test_conditional_entropy_is_the_difference_of_joint_entropies() -> None:
    draws = softmax_draws(6, 4, 3)
    conditional = conditional_entropy(draws, every_configuration(draws[:3]))
    before = brute_force(draws[:3])
    for item in range(6):
        after = brute_force(draws[[0, 1, 2, item]])
        assert conditional[item] == pytest.approx(after - before, abs=1e-12)


def test_the_gain_without_labels_is_the_mutual_information() -> None:
    draws = softmax_draws(50, 6, 4)
    gain = information_gain(draws, every_configuration(draws[:0]))
    assert gain == pytest.approx(mutual_information(draws), abs=1e-14)


def test_many_configurations_and_items_are_taken_in_pieces() -> None:
    # 4^7 = 16,384 configurations of 4 classes are more than one piece of 65,536 numbers holds
    draws = softmax_draws(9, 3, 4)
    every = every_configuration(draws[:7])
    predictive = np.einsum("ym,nmc->nyc", every.posterior, draws)
    expected = -np.einsum("y,nyc,nyc->n", every.weights, predictive, np.log(predictive))
    assert conditional_entropy(draws, every) == pytest.approx(expected, abs=1e-12)


def test_a_gain_does_not_depend_on_the_items_beside_it() -> None:
    draws = softmax_draws(300, 8, 3).astype(np.float32)
    given = every_configuration(draws[:4])
    alone = [float(information_gain(draws[[i]], given)[0]) for i in range(300)]
    assert information_gain(draws, given).tolist() == alone


def test_float32_rows_never_make_a_gain_grow() -> None:
    # rows of float32 sum to one within 1e-7 only; normalised, the gain falls as labels are added
    draws = softmax_draws(200, 5, 3).astype(np.float32)
    before = information_gain(draws, every_configuration(draws[:2]))
    after = information_gain(draws, every_configuration(draws[:3]))
    assert (after <= before + 1e-14).all()
    assert after.min() >= 0.0


def test_sampled_configurations_know_their_own_probability_and_posterior() -> None:
    draws = softmax_draws(3, 4, 2)
    every = every_configuration(draws)
    sampled = sampled_configurations(draws, 200, rng=np.random.default_rng(0))
    assert sampled.weights.tolist() == [1.0 / 200] * 200
    known = {round(float(p), 9): row for p, row in zip(every.log_probability, every.posterior, strict=True)}
    for log_probability, posterior in zip(sampled.log_probability, sampled.posterior, strict=True):
        assert posterior == pytest.approx(known[round(float(log_probability), 9)], abs=1e-12)


def test_labels_of_probability_zero_are_never_sampled() -> None:
    # the last class is impossible, and the steps of its neighbours add up to a little less than one
    draws = np.array([[[0.1] * 10 + [0.0]]] * 50)
    sampled = sampled_configurations(draws, 1_000, rng=np.random.default_rng(0))
    assert np.isfinite(sampled.log_probability).all()


def test_thousands_of_items_do_not_underflow() -> None:
    # each label has probability 0.1 under both draws: 10^-3000 is far below the smallest number
    draws = np.full((3_000, 2, 10), 0.1)
    sampled = sampled_configurations(draws, 3, rng=np.random.default_rng(0))
    assert sampled.log_probability == pytest.approx(np.full(3, -3_000 * np.log(10.0)))
    assert sampled.posterior.tolist() == [[0.5, 0.5]] * 3


def test_a_sampled_entropy_of_one_item_is_exact() -> None:
    # nothing is sampled of no items
    draws = softmax_draws(1, 5, 3)
    sampled = sampled_joint_entropy(draws, 1, rng=np.random.default_rng(0))
    assert sampled == pytest.approx(joint_entropy(draws), abs=1e-14)


def test_configurations_are_drawn_anew_in_every_call() -> None:
    draws, rng = softmax_draws(4, 5, 3), np.random.default_rng(0)
    assert sampled_joint_entropy(draws, 10, rng=rng) != sampled_joint_entropy(draws, 10, rng=rng)


def test_other_draws_than_the_configurations_speak_of_are_refused() -> None:
    given: Configurations = every_configuration(softmax_draws(1, 3, 2))
    says = re.escape("'draws' must have the 3 draws that the configurations speak of; received 5")
    for score in (conditional_entropy, information_gain):
        with pytest.raises(SignalError, match=says):
            score(softmax_draws(1, 5, 2), given)


def test_a_sample_of_none_is_refused() -> None:
    with pytest.raises(
        ParameterError, match=r"'size' must be a whole number from 1 up; received 0\. Ask for some"
    ):
        sampled_configurations(CERTAIN, 0, rng=np.random.default_rng(0))
    with pytest.raises(ParameterError, match=r"'size' must be a whole number from 1 up; received 2\.5"):
        sampled_joint_entropy(CERTAIN, 2.5, rng=np.random.default_rng(0))  # type: ignore[arg-type]
    with pytest.raises(SignalError, match="is estimated for one item at least; received none"):
        sampled_joint_entropy(CERTAIN[:0], 5, rng=np.random.default_rng(0))
