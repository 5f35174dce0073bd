"""Verdicts on planted gains: better, worse, practically equal, not distinguishable, none."""

import math

import pytest

from nextlabel.errors import ParameterError
from nextlabel.experiment.curves import Results, Run
from nextlabel.experiment.verdicts import (
    BETTER,
    EQUAL,
    NONE,
    UNDECIDED,
    WORSE,
    joint_intervals,
    standings,
    verdicts,
)

HARD = (0.0, 0.05, -0.03, 0.02, -0.04, 0.01)
NOISE = (0.001, -0.002, 0.001, 0.002, -0.001, -0.001)


def results(seeds: int = 6, **gains: float) -> Results:
    """Flat curves of 0.7 and how hard a seed is; a gain, with a little noise, lifts the area by itself."""
    runs = [
        Run(name, seed, (10, 20), (height, height), ((), ()), (0.0, 0.0), (0.0,))
        for name, gain in {**gains, "random": 0.0}.items()
        for seed in range(seeds)
        for height in [0.7 + HARD[seed] + gain + (NOISE[(seed + len(name)) % 6] if gain else 0.0)]
    ]
    return Results({}, runs)


def test_each_verdict_has_its_case() -> None:
    found = {
        one.strategy: one.verdict
        for one in standings(results(badge=0.05, margin=0.002, entropy=-0.05), "random", rope=0.01)
    }
    assert found == {"badge": BETTER, "margin": EQUAL, "entropy": WORSE}
    wide = [[0.1, 0.0], [-0.1, 0.0], [0.05, 0.0], [-0.02, 0.0], [0.0, 0.0]]
    assert verdicts(wide, rope=0.01) == (UNDECIDED, EQUAL)


def test_without_a_region_nothing_is_practically_equal() -> None:
    assert standings(results(margin=0.002), "random")[0].verdict in (BETTER, UNDECIDED)
    assert verdicts([[0.0]] * 5) == (UNDECIDED,)


def test_practically_equal_is_said_even_where_a_difference_is_sure() -> None:
    gains = [[0.0020], [0.0021], [0.0022], [0.0020], [0.0021]]
    assert verdicts(gains) == (BETTER,)
    assert verdicts(gains, rope=0.01) == (EQUAL,)


@pytest.mark.parametrize("seeds", [2, 4])
def test_fewer_than_five_seeds_give_no_verdict(seeds: int) -> None:
    assert {one.verdict for one in standings(results(seeds, badge=0.05, entropy=-0.05), "random")} == {NONE}


def test_a_standing_holds_what_was_found() -> None:
    one = standings(results(badge=0.05), "random")[0]
    assert (one.strategy, one.seeds) == ("badge", 6)
    assert one.gain == pytest.approx(0.05)
    assert one.interval == one.own_interval  # of one strategy they are the same
    assert one.own_interval.holds(0.05)
    assert one.bootstrap.holds(0.05)
    assert one.p_signed_rank == pytest.approx(2 / 64)
    assert one.p_holm == one.p_value < 1e-6


def test_intervals_widen_with_the_number_of_strategies() -> None:
    # two seeds: the quantile of the Cauchy law at 1 − 0.05/2k is cot(π · 0.05/2k)
    for many in (1, 2, 5):
        interval = joint_intervals([[0.0] * many, [2.0] * many])[0]
        assert interval.high == pytest.approx(1.0 + 1.0 / math.tan(math.pi * 0.05 / (2 * many)))


def test_holm_names_a_second_strategy_where_bonferroni_would_not() -> None:
    # five seeds, four degrees of freedom: 2.776 is the quantile for 5 %, 3.495 for 2.5 %
    clear, near = (0.9, 1.0, 1.1, 1.0, 1.0), (0.3, 1.8, 0.4, 1.7, 0.8)
    gains = list(zip(clear, near, strict=True))
    assert verdicts(gains) == (BETTER, BETTER)
    assert joint_intervals(gains)[1].low < 0.0
    assert verdicts([(-a, b) for a, b in gains]) == (WORSE, BETTER)


def test_the_baseline_alone_has_no_standing() -> None:
    assert standings(results(), "random") == ()


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"'rope' .* received -0\.1.*one point of accuracy"):
        standings(results(badge=0.1), "random", rope=-0.1)
    with pytest.raises(
        ParameterError, match=r"needs 'uniform' among the strategies .* received badge, random"
    ):
        standings(results(badge=0.1), "uniform")
