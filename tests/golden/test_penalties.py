"""The penalty matrix of BADGE's authors, worked by hand."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.penalties import compared_checkpoints, error_ratios, penalties


def test_checkpoints_are_the_start_and_doubling_batches_while_random_has_more_to_gain() -> None:
    labels = np.arange(100, 2001, 100)  # batches 0 to 19
    climbing = np.linspace(0.5, 0.9, 20)  # 99 % of the end, 0.891, is passed after batch 19
    assert compared_checkpoints(labels, climbing).tolist() == [0, 1, 2, 4, 8, 16]
    early = np.where(np.arange(20) < 5, climbing, 0.9)  # passed after batch 5
    assert compared_checkpoints(labels, early).tolist() == [0, 1, 2, 4]


def test_the_first_checkpoint_beyond_is_left_out_with_all_after_it() -> None:
    # of batches 1, 2, 4 random is beyond 99 % of its end, 0.99, after batch 2, and below again after batch 4
    noisy = [0.2, 0.5, 0.995, 0.6, 0.7, 1.0]
    assert compared_checkpoints([10, 20, 30, 40, 50, 60], noisy).tolist() == [0, 1]
    # what happens between them is not looked at
    assert compared_checkpoints([10, 20, 30, 40, 50, 60], [0.2, 0.5, 0.6, 0.995, 0.7, 1.0]).tolist() == [
        0,
        1,
        2,
        4,
    ]


@pytest.mark.parametrize(("height", "expected"), [(0.991, [0, 1]), (0.989, [0, 1, 2]), (0.96, [0, 1, 2])])
def test_the_bound_is_99_percent_of_the_end(height: float, expected: list[int]) -> None:
    assert compared_checkpoints([10, 20, 30, 40], [0.2, 0.5, height, 1.0]).tolist() == expected


def test_where_random_is_there_at_once_the_start_counts_alone() -> None:
    assert compared_checkpoints([10, 20, 30, 40], [0.9, 0.9, 0.9, 0.9]).tolist() == [0]


def test_where_random_learns_nothing_every_doubling_counts() -> None:
    assert compared_checkpoints([10, 20, 30], [0.0, 0.0, 0.0]).tolist() == [0, 1, 2]


def test_a_last_batch_that_was_cut_short_does_not_count_nor_as_the_end() -> None:
    assert compared_checkpoints([10, 20, 30, 40, 45], [0.1, 0.2, 0.3, 0.4, 0.5]).tolist() == [0, 1, 2]
    # 0.398 is beyond 99 % of 0.4, the end of the last whole batch, and not of 0.5
    assert compared_checkpoints([10, 20, 30, 40, 45], [0.1, 0.2, 0.398, 0.4, 0.5]).tolist() == [0, 1]
    assert compared_checkpoints([10, 20, 30, 40, 50, 55], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]).tolist() == [
        0,
        1,
        2,
    ]


def by_the_script(
    labels: list[int], curves: np.ndarray[Any, Any], random: int
) -> tuple[list[int], np.ndarray[Any, Any]]:
    """The rule of the authors' scripts/agg_results.py, in other words: one setting, its first five runs."""
    end, batch = curves[random, :, -1].mean(), labels[1] - labels[0]
    checkpoints = [labels[0]]
    while (count := labels[0] + 2 ** (len(checkpoints) - 1) * batch) <= labels[-1]:
        if curves[random, :, labels.index(count)].mean() / end > 0.99:
            break
        checkpoints.append(count)
    wins = np.zeros((len(curves), len(curves)))
    for count in checkpoints:
        for i, j in permutations(range(len(curves)), 2):
            gaps = (curves[i, :, labels.index(count)] - curves[j, :, labels.index(count)])[:5]
            if gaps.any() and gaps.mean() > 0 and ttest_1samp(gaps, 0.0).pvalue < 0.05:
                wins[i, j] += 1.0 / len(checkpoints)
    return checkpoints, wins


@pytest.mark.parametrize("runs", [3, 5, 8])
def test_a_setting_is_counted_as_the_authors_script_counts_it(runs: int, seed: int) -> None:
    """Four strategies on one start; random comes near its end after the fourth batch of six."""
    labels, rng = list(range(100, 1301, 200)), np.random.default_rng(seed)
    mean = 0.75 - 0.4 * np.exp(-np.arange(7) / 1.2)
    gains = np.array([0.03, 0.015, 0.0, -0.03])[:, None, None] * (np.arange(7) > 0)
    noise = rng.normal(0.0, 0.006, size=(4, runs, 7)) * (np.arange(7) > 0)
    curves = mean + gains + noise + rng.normal(0.0, 0.01, size=(runs, 1))
    checkpoints, expected = by_the_script(labels, curves, 2)
    at = compared_checkpoints(labels, curves[2].mean(axis=0))
    assert [labels[k] for k in at] == checkpoints
    np.testing.assert_allclose(penalties(curves[:, :5, at]), expected)
    assert expected.any()


def test_a_setting_worked_by_hand() -> None:
    """Random: 0.4, 0.6, 0.8, 0.85, 0.9; 99 % of it is 0.891: the start and batches 1 and 2 count, 4 does not.

    The other is above it by 0.1, give or take little, at both of them, and at the start equal: two of three.
    """
    random = np.tile([0.4, 0.6, 0.8, 0.85, 0.9], (5, 1))
    other = random + np.outer([0.99, 1.0, 1.01, 1.0, 1.0], [0.0, 0.1, 0.1, 0.1, 0.1])
    at = compared_checkpoints([100, 200, 300, 400, 500], random.mean(axis=0))
    assert at.tolist() == [0, 1, 2]
    won = penalties(np.stack([other, random])[:, :, at])
    np.testing.assert_allclose(won, np.array([[0.0, 2.0], [0.0, 0.0]]) / 3.0)


def test_an_entry_is_the_share_of_checkpoints_that_are_won() -> None:
    # three seeds, four checkpoints; a above b by about 0.1 at two, below it at one, uncertain at one
    b = np.full((3, 4), 0.5)
    a = b + np.array([[0.1, 0.11, -0.1, 0.3], [0.11, 0.1, -0.11, -0.3], [0.12, 0.12, -0.12, 0.1]])
    found = penalties([a, b])
    assert found.tolist() == [[0.0, 0.5], [0.25, 0.0]]


def test_the_level_is_two_sided_five_percent() -> None:
    # two degrees of freedom: t must pass 4.3027; mean 1 and sd √3/t give just that
    for ratio, won in ((4.31, 1.0), (4.29, 0.0)):
        sd = np.sqrt(3.0) / ratio
        gains = np.array([1.0 - sd, 1.0, 1.0 + sd])[:, None]
        assert penalties([gains, np.zeros((3, 1))])[0, 1] == won


def test_pairing_takes_out_what_a_seed_makes_hard() -> None:
    hard = np.array([[0.0], [0.2], [0.4]])
    gain = np.array([[0.010], [0.011], [0.012]])
    assert penalties([hard + gain, hard]).tolist() == [[0.0, 1.0], [0.0, 0.0]]


def test_errors_are_multiples_of_randoms() -> None:
    random = np.array([[0.5, 0.7], [0.7, 0.9]])  # errors 0.4 and 0.2
    other = np.array([[0.9, 0.9], [0.9, 0.9]])
    np.testing.assert_allclose(error_ratios([other, random], 1), [[0.25, 0.5], [1.0, 1.0]])


def test_where_random_never_errs_others_err_as_often_or_infinitely() -> None:
    assert error_ratios([[[1.0]], [[0.9]], [[1.0]]], 0).tolist() == [[1.0], [np.inf], [1.0]]


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ParameterError, match="at least 2 seeds; received 1"):
        penalties([[[0.5]], [[0.6]]])
    with pytest.raises(SignalError, match="'curves' must have the axes"):
        penalties([[0.5, 0.6]])
    with pytest.raises(SignalError, match="'curves' must have at least one"):
        error_ratios(np.zeros((2, 3, 0)), 0)
    with pytest.raises(ParameterError, match="at least two checkpoints"):
        compared_checkpoints([10], [0.5])
