"""Ranks over data sets, against Demšar's tables and cases worked by hand."""

import math

import pytest

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.ranks import alike_groups, critical_difference, friedman_p, kendall_tau, mean_ranks


def test_ties_share_the_mean_of_their_ranks() -> None:
    assert mean_ranks([[0.9, 0.8, 0.8], [0.1, 0.2, 0.3]]).tolist() == [2.0, 2.25, 1.75]


def test_friedman_worked_by_hand() -> None:
    # rank sums 4, 8, 12 over 4 sets: 12/(4·3·4)·(16 + 64 + 144) − 3·4·4 = 8; 2 degrees: e^(−4)
    assert friedman_p([[3.0, 2.0, 1.0]] * 4) == pytest.approx(math.exp(-4.0))
    assert friedman_p([[0.5, 0.5, 0.5]] * 4) == 1.0


@pytest.mark.parametrize(("scores", "says"), [([[1.0, 2.0]] * 3, "2 and 3"), ([[1.0, 2.0, 3.0]], "3 and 1")])
def test_friedman_needs_three_strategies_and_two_sets(scores: list[list[float]], says: str) -> None:
    with pytest.raises(ParameterError, match=f"at least 3 strategies and 2 data sets; received {says}"):
        friedman_p(scores)


@pytest.mark.parametrize(
    ("strategies", "tabulated"),
    [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031), (10, 3.164)],
)
def test_the_critical_difference_is_demsars(strategies: int, tabulated: float) -> None:
    found = critical_difference(strategies, 14)
    assert found == pytest.approx(tabulated * math.sqrt(strategies * (strategies + 1) / 84.0), rel=5e-4)


def test_a_critical_difference_refuses_what_makes_no_sense() -> None:
    with pytest.raises(ParameterError, match=r"'strategies' .* received 1"):
        critical_difference(1, 10)
    with pytest.raises(ParameterError, match=r"'sets' .* received 1"):
        critical_difference(3, 1)
    with pytest.raises(ParameterError, match=r"'level' .* received 1\.5"):
        critical_difference(3, 10, level=1.5)


def test_groups_are_maximal_and_need_two() -> None:
    groups = [group.tolist() for group in alike_groups([1.0, 1.4, 3.0, 3.2, 5.0], 0.5)]
    assert groups == [[0, 1], [2, 3]]
    assert alike_groups([1.0, 2.0], 0.5) == []
    assert [group.tolist() for group in alike_groups([1.0, 1.2, 1.3], 0.5)] == [[0, 1, 2]]


def test_tau_counts_pairs() -> None:
    assert kendall_tau([1, 2, 3, 4], [1, 2, 3, 4]) == pytest.approx(1.0)
    assert kendall_tau([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1.0)
    # one of six pairs turned round: (5 − 1) / 6
    assert kendall_tau([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(4 / 6)
    assert kendall_tau([1, 1, 1], [1, 2, 3]) == 0.0
    assert kendall_tau([1, 2, 3], [1, 1, 1]) == 0.0


def test_tau_refuses_what_is_no_pair_of_rankings() -> None:
    with pytest.raises(ParameterError, match="at least 2 strategies; received 1"):
        kendall_tau([1.0], [2.0])
    with pytest.raises(SignalError, match="'first' says 2, 'second' has shape"):
        kendall_tau([1.0, 2.0], [1.0, 2.0, 3.0])
