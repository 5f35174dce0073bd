"""BatchBALD: closed forms, and the lazy sequence against the evaluation of every candidate."""

import re
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import Signals, select
from nextlabel.errors import BatchSizeError, ParameterError
from nextlabel.maths.information import expected_entropy, mutual_information
from nextlabel.maths.joint import every_configuration, information_gain, joint_entropy
from nextlabel.strategies.batch_bald import BatchBALD, batch_bald

YES: list[float] = [1.0, 0.0]
NO: list[float] = [0.0, 1.0]
TIE = 1e-10  # as the documentation says


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def softmax_draws(n: int, m: int, c: int, *, scale: float = 2.0, seed: int = 0) -> NDArray[np.float64]:
    exponentials = np.exp(scale * np.random.default_rng(seed).normal(size=(n, m, c)))
    return np.asarray(exponentials / exponentials.sum(axis=2, keepdims=True))


def full_evaluation(draws: NDArray[np.floating], batch: int, seed: int) -> list[int]:
    """The plain form: every candidate at every step; the first tied in one permutation wins."""
    precedence = rng(seed).permutation(len(draws))
    picked: list[int] = []
    for _ in range(batch):
        gains = information_gain(draws, every_configuration(draws[picked]))
        gains[picked] = -np.inf
        tied = np.flatnonzero(gains >= gains.max() - TIE)
        picked.append(int(tied[np.argmin(precedence[tied])]))
    return picked


def positions_and_gains(
    draws: NDArray[np.float64], batch: int, generator: np.random.Generator, **settings: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    picks = BatchBALD(**settings).pick(Signals({"draws": draws}), batch, generator)
    assert picks.scores is not None
    return picks.positions, picks.scores


def value(draws: NDArray[np.float64], chosen: list[int]) -> float:
    """Mutual information of the labels of a set with the model, from its definition."""
    return joint_entropy(draws[chosen]) - float(expected_entropy(draws[chosen]).sum())


def test_a_batch_of_one_is_the_item_of_the_largest_mutual_information() -> None:
    draws = softmax_draws(60, 5, 4)
    positions, gains = positions_and_gains(draws, 1, rng())
    assert positions.tolist() == [int(mutual_information(draws).argmax())]
    assert gains.tolist() == pytest.approx([mutual_information(draws).max()], abs=1e-14)


def test_a_copy_of_a_chosen_item_adds_nothing() -> None:
    draws = np.array([[YES, NO], [YES, NO]])
    positions, gains = positions_and_gains(draws, 2, rng())
    assert sorted(positions.tolist()) == [0, 1]
    assert gains.tolist() == pytest.approx([np.log(2.0), 0.0], abs=1e-14)


def test_two_independent_items_over_four_draws_have_two_log_two() -> None:
    draws = np.array([[YES, YES, NO, NO], [YES, NO, YES, NO], [YES, YES, NO, NO]])
    positions, gains = positions_and_gains(draws, 2, rng())
    assert 1 in positions
    assert gains.sum() == pytest.approx(2.0 * np.log(2.0), abs=1e-14)


def test_equal_draws_gain_nothing() -> None:
    draws = np.repeat(softmax_draws(9, 1, 3), 4, axis=1)
    assert positions_and_gains(draws, 4, rng())[1] == pytest.approx(np.zeros(4), abs=1e-14)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("scale", [0.5, 2.0, 6.0])
def test_the_lazy_sequence_is_that_of_the_full_evaluation(seed: int, scale: float) -> None:
    draws = softmax_draws(80, 6, 3, scale=scale, seed=seed)
    positions = batch_bald(draws, 6, rng=rng(seed))
    assert positions.tolist() == full_evaluation(draws, 6, seed)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("is_single", [False, True])
def test_the_lazy_sequence_is_that_of_the_full_evaluation_with_ties(seed: int, is_single: bool) -> None:
    # every item four times over, and certain items of gain zero: ties at every step
    base = softmax_draws(8, 4, 2, seed=seed)
    certain = np.repeat(np.array([[YES]]), 4, axis=1).reshape(1, 4, 2)
    draws: NDArray[np.floating] = np.concatenate([base, base, certain, base, certain, base])
    draws = draws.astype(np.float32) if is_single else draws
    positions = batch_bald(draws, 7, rng=rng(seed))
    assert positions.tolist() == full_evaluation(draws, 7, seed)


def test_gains_never_increase_and_add_up_to_the_value_of_the_batch() -> None:
    draws = softmax_draws(40, 6, 3)
    positions, gains = positions_and_gains(draws, 6, rng())
    assert (np.diff(gains) <= 1e-12).all()
    assert gains.sum() == pytest.approx(value(draws, positions.tolist()), abs=1e-12)


def test_the_value_of_a_set_lies_between_the_largest_and_the_sum_and_knows_no_order() -> None:
    draws = softmax_draws(5, 4, 3)
    alone = mutual_information(draws)
    assert alone.max() <= value(draws, [0, 1, 2, 3]) <= alone[:4].sum()
    assert value(draws, [3, 1, 0, 2]) == pytest.approx(value(draws, [0, 1, 2, 3]), abs=1e-12)


def test_greedy_keeps_its_share_of_the_best_batch() -> None:
    # Nemhauser, Wolsey and Fisher: 1 − 1/e of the optimum, which enumeration finds
    for seed in range(10):
        draws = softmax_draws(9, 4, 2, seed=seed)
        best = max(value(draws, list(chosen)) for chosen in combinations(range(9), 3))
        assert positions_and_gains(draws, 3, rng())[1].sum() >= (1.0 - 1.0 / np.e) * best


def test_the_order_of_draws_is_irrelevant() -> None:
    draws = softmax_draws(40, 6, 3)
    assert batch_bald(draws[:, ::-1], 5, rng=rng()).tolist() == batch_bald(draws, 5, rng=rng()).tolist()


def test_a_permutation_of_the_pool_permutes_the_batch() -> None:
    draws = softmax_draws(40, 6, 3)
    order = rng(7).permutation(40)
    moved = batch_bald(draws[order], 5, rng=rng(1))
    assert order[moved].tolist() == batch_bald(draws, 5, rng=rng(2)).tolist()


def test_ties_are_broken_by_the_generator() -> None:
    draws = np.repeat(softmax_draws(1, 4, 2), 5, axis=0)
    found = {batch_bald(draws, 1, rng=rng(seed))[0] for seed in range(200)}
    assert found == {0, 1, 2, 3, 4}


def test_a_stale_gain_that_ties_the_best_is_evaluated() -> None:
    # beside the certain item, which comes first, an unsure copy of it adds nothing and an unsure independent
    # item as much as alone; by themselves the two are worth the same
    certain = [YES, YES, NO, NO]
    copy = [[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]]
    independent = [[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]]
    alone = float(mutual_information(np.array([independent]))[0])
    for seed in range(20):
        for order in ([certain, copy, independent], [certain, independent, copy]):
            positions, gains = positions_and_gains(np.array(order), 2, rng(seed))
            assert positions.tolist() == [0, order.index(independent)]
            assert gains.tolist() == pytest.approx([np.log(2.0), alone], abs=1e-14)


def test_gains_that_differ_by_rounding_are_tied() -> None:
    # the same draws and classes in other orders: equal gains, of which the last digits differ
    one = softmax_draws(1, 20, 10)[0]
    orders = [(rng(item).permutation(20), rng(item).permutation(10)) for item in range(30)]
    draws = np.array([one[np.ix_(*order)] for order in orders])
    assert len(set(mutual_information(draws).tolist())) > 1
    for seed in range(20):
        assert batch_bald(draws, 1, rng=rng(seed)).tolist() == [int(rng(seed).permutation(30).argmin())]


def test_copies_of_a_picked_item_do_not_hide_others() -> None:
    # 1,200 copies are worth more by themselves than the 20 others, and nothing beside one another
    copies = np.repeat(np.array([[YES, YES, NO, NO]]), 1_200, axis=0)
    others = np.repeat(np.array([[[0.99, 0.01], [0.01, 0.99]] * 2]), 20, axis=0)
    positions, gains = positions_and_gains(np.concatenate([copies, others]), 2, rng())
    assert positions[0] < 1_200 <= positions[1]
    # of an independent item the gain is its own: log 2 less the entropy of 0.99 and 0.01
    entropy = -0.99 * np.log(0.99) - 0.01 * np.log(0.01)
    assert gains.tolist() == pytest.approx([np.log(2.0), np.log(2.0) - entropy], abs=1e-14)


def over_eight_draws(bit: int, sure: float) -> list[list[float]]:
    """An item whose label tells one binary digit of the number of the draw."""
    return [[sure, 1.0 - sure] if draw >> bit & 1 else [1.0 - sure, sure] for draw in range(8)]


@pytest.mark.parametrize(("candidates", "third"), [(None, 4), (3, 4), (2, 3), (1, 3)])
def test_a_sampled_step_evaluates_its_candidates_and_no_others(candidates: int | None, third: int) -> None:
    # The first two picks, exact, tell the first two digits. Two more items tell the second digit again, which
    # adds little; the least sure item tells the third digit, which adds most, but has the smallest bound.
    # Every sampled configuration leaves the same entropies, whichever it is.
    told = [(0, 1.0), (1, 0.99), (1, 0.97), (1, 0.98), (2, 0.9)]
    draws = np.array([over_eight_draws(bit, sure) for bit, sure in told])
    settings = BatchBALD(max_configurations=2, candidates=candidates)
    picks = settings.pick(Signals({"draws": draws}), 3, rng())
    assert picks.positions.tolist() == [0, 1, third]
    exact = information_gain(draws, every_configuration(draws[[0, 1]]))
    assert picks.scores is not None
    assert picks.scores[2] == pytest.approx(exact[third], abs=1e-12)


def test_as_many_candidates_as_are_still_to_be_picked_are_considered_at_least() -> None:
    draws = softmax_draws(10, 4, 2)
    positions = batch_bald(draws, 10, rng=rng(), candidates=1, max_configurations=4)
    assert sorted(positions.tolist()) == list(range(10))


def test_candidates_play_no_part_while_gains_are_exact() -> None:
    draws = softmax_draws(80, 6, 3)
    assert batch_bald(draws, 5, rng=rng(), candidates=1).tolist() == full_evaluation(draws, 5, 0)


def test_beyond_the_exact_configurations_every_item_is_still_picked_once() -> None:
    draws = softmax_draws(12, 4, 3)
    positions, gains = positions_and_gains(draws, 12, rng(), max_configurations=20)
    assert sorted(positions.tolist()) == list(range(12))
    assert (gains >= 0.0).all()
    # 1, 3 and 9 configurations are exact: three picks, whatever the generator
    assert {tuple(batch_bald(draws, 3, rng=rng(s), max_configurations=9)) for s in range(9)} == {
        tuple(positions[:3])
    }


def test_the_class_picks_as_the_function() -> None:
    draws = softmax_draws(20, 4, 3)
    picks = BatchBALD().pick(Signals({"draws": draws}), 4, rng())
    assert picks.positions.tolist() == batch_bald(draws, 4, rng=rng()).tolist()
    assert BatchBALD().needs == {"draws"}


def test_a_batch_larger_than_the_pool_is_refused() -> None:
    with pytest.raises(BatchSizeError, match="the 3 items at hand; received 4"):
        batch_bald(softmax_draws(3, 2, 2), 4, rng=rng())
    with pytest.raises(BatchSizeError, match="the 3 items at hand; received 0"):
        BatchBALD().pick(Signals({"draws": softmax_draws(3, 2, 2)}), 0, rng())


@pytest.mark.parametrize(
    ("name", "bad"), [("max_configurations", 0), ("candidates", -2), ("candidates", 1.5)]
)
def test_parameters_below_one_are_refused(name: str, bad: float) -> None:
    says = re.escape(f"BatchBALD's {name!r} must be a whole number from 1 up; received {bad!r}")
    with pytest.raises(ParameterError, match=says):
        select({"name": "batch_bald", name: bad}, draws=softmax_draws(3, 2, 2), batch=1, seed=0)
    with pytest.raises(ParameterError, match=says):
        batch_bald(softmax_draws(3, 2, 2), 1, rng=rng(), **{name: bad})  # type: ignore[arg-type]
