"""The best of many scores, ranks, and draws by weight, where the answer is known."""

import re

import numpy as np
import pytest

from nextlabel.errors import BatchSizeError, SignalError
from nextlabel.maths.ranking import drawn_by_weight, ranks, top


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("batch", [1, 2, 499, 999, 1_000])
def test_the_best_come_first_in_order(batch: int) -> None:
    scores = rng().normal(size=1_000)
    assert top(scores, batch, rng=rng(1)).tolist() == np.argsort(-scores)[:batch].tolist()


def test_positions_are_int64() -> None:
    assert top(np.zeros(3), 2, rng=rng()).dtype == np.int64


def test_minus_infinity_comes_last() -> None:
    scores = np.array([-np.inf, 1.0, -np.inf, 2.0])
    picked = top(scores, 4, rng=rng()).tolist()
    assert picked[:2] == [3, 1]
    assert sorted(picked[2:]) == [0, 2]
    assert sorted(top(np.full(3, -np.inf), 3, rng=rng()).tolist()) == [0, 1, 2]


def test_ties_are_broken_by_the_generator() -> None:
    scores = np.array([1.0, 0.5, 0.5, 0.5, 1.0])
    found = {tuple(top(scores, 3, rng=rng(seed)).tolist()) for seed in range(200)}
    # two orders of the best two, three items in the last place: each misses 200 draws with (5/6)^200
    assert found == {(a, b, c) for a, b in ((0, 4), (4, 0)) for c in (1, 2, 3)}


def test_a_permutation_of_the_scores_permutes_the_best() -> None:
    scores = rng().normal(size=100)
    order = rng(1).permutation(100)
    assert order[top(scores[order], 10, rng=rng(2))].tolist() == top(scores, 10, rng=rng(2)).tolist()


def test_scores_are_left_as_they_were() -> None:
    scores = rng().normal(size=50)
    before = scores.copy()
    scores.flags.writeable = False
    top(scores, 7, rng=rng())
    ranks(scores, rng=rng())
    drawn_by_weight(scores, 7, rng=rng())
    assert scores.tolist() == before.tolist()


@pytest.mark.parametrize("batch", [0, 4, -1])
def test_a_batch_that_does_not_fit_is_refused(batch: int) -> None:
    says = re.escape(f"between 1 and the 3 items at hand; received {batch}")
    with pytest.raises(BatchSizeError, match=says):
        top(np.zeros(3), batch, rng=rng())
    with pytest.raises(BatchSizeError, match=says):
        drawn_by_weight(np.zeros(3), batch, rng=rng())


def test_scores_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(SignalError, match="received nan at position 1"):
        top(np.array([0.0, np.nan]), 1, rng=rng())
    with pytest.raises(SignalError, match=re.escape("received shape (2, 1)")):
        ranks(np.zeros((2, 1)), rng=rng())
    with pytest.raises(SignalError, match="the item at 2 has an infinite one"):
        drawn_by_weight(np.array([0.0, -np.inf, np.inf]), 1, rng=rng())


def test_the_best_has_rank_one() -> None:
    assert ranks(np.array([0.3, 0.9, 0.1, 0.5]), rng=rng()).tolist() == [3, 1, 4, 2]


def test_equal_scores_share_their_ranks_at_random() -> None:
    found = {tuple(ranks(np.array([0.5, 0.9, 0.5]), rng=rng(seed)).tolist()) for seed in range(60)}
    assert found == {(2, 1, 3), (3, 1, 2)}


def test_propensities_are_those_of_draws_without_replacement() -> None:
    weights = np.array([0.5, 0.3, 0.15, 0.05])
    for seed in range(20):
        positions, propensities = drawn_by_weight(np.log(weights), 4, rng=rng(seed))
        left = weights[positions][::-1].cumsum()[::-1]
        assert propensities == pytest.approx(weights[positions] / left, abs=1e-12)


def test_propensities_keep_small_weights_beside_large_ones() -> None:
    # by subtraction from the total, 1 + e^-50 − 1 would be 0
    positions, propensities = drawn_by_weight(np.array([-50.0, 0.0, -50.0]), 3, rng=rng())
    assert positions[0] == 1
    assert propensities.tolist() == pytest.approx([1.0, 0.5, 1.0], abs=1e-12)


def test_a_weight_of_zero_only_fills() -> None:
    log_weights = np.array([-np.inf, 0.0, -np.inf, -3.0, -np.inf])
    positions, propensities = drawn_by_weight(log_weights, 4, rng=rng())
    assert set(positions[:2].tolist()) == {1, 3}
    assert propensities[1:].tolist() == pytest.approx([1.0, 1.0 / 3.0, 1.0 / 2.0])


def test_without_any_weight_the_draw_is_uniform() -> None:
    _, propensities = drawn_by_weight(np.full(4, -np.inf), 3, rng=rng())
    assert propensities.tolist() == pytest.approx([1 / 4, 1 / 3, 1 / 2])


def test_a_common_summand_changes_nothing() -> None:
    log_weights = rng().normal(size=20)
    straight, shifted = (drawn_by_weight(log_weights + c, 5, rng=rng(1)) for c in (0.0, 1_000.0))
    assert straight[0].tolist() == shifted[0].tolist()
    assert straight[1] == pytest.approx(shifted[1], rel=1e-9)
