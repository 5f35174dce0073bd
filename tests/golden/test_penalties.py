"""The penalty matrix of BADGE's authors, worked by hand."""

import numpy as np
import pytest

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.penalties import compared_checkpoints, error_ratios, penalties


def test_checkpoints_double_until_random_is_nearly_there() -> None:
    labels = np.arange(100, 2001, 100)  # batches 0 to 19
    climbing = np.linspace(0.5, 0.9, 20)  # 99 % of the end, 0.891, is reached after batch 19
    assert compared_checkpoints(labels, climbing).tolist() == [1, 2, 4, 8, 16]
    early = np.where(np.arange(20) < 5, climbing, 0.9)  # reached after batch 5
    assert compared_checkpoints(labels, early).tolist() == [1, 2, 4]


def test_where_random_is_there_at_once_the_first_batch_counts_alone() -> None:
    assert compared_checkpoints([10, 20, 30, 40], [0.9, 0.9, 0.9, 0.9]).tolist() == [1]


def test_a_last_batch_that_was_cut_short_does_not_count() -> None:
    assert compared_checkpoints([10, 20, 30, 40, 45], [0.1, 0.2, 0.3, 0.4, 0.5]).tolist() == [1, 2]


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
