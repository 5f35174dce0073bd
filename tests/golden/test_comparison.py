"""What an experiment says, on planted curves: better, worse, the same, never there."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from nextlabel.errors import ParameterError, SignalError
from nextlabel.experiment.comparison import claim, labels_saved, rows
from nextlabel.experiment.curves import Results, Run
from nextlabel.maths.intervals import Interval

LABELS = (0, 50, 100)
RANDOM = [(0.2, 0.6, 0.8), (0.2, 0.6, 0.8), (0.2, 0.6, 0.8)]


def results(**curves: Sequence[tuple[float, ...]]) -> Results:
    """An experiment whose curves are these, a row for each seed."""
    runs = [
        Run(name, seed, LABELS, row, ((), (), ()), (1.0, 1.0, 1.0), (0.1 * (seed + 1), 0.5))
        for name, rows_of in curves.items()
        for seed, row in enumerate(rows_of)
    ]
    return Results({}, runs)


def shifted(curves: Sequence[tuple[float, ...]], *gains: float) -> list[tuple[float, ...]]:
    """The curves, each lifted after the start by its own gain."""
    return [(row[0], *(one + gain for one in row[1:])) for row, gain in zip(curves, gains, strict=True)]


def lifted(curves: Sequence[tuple[float, ...]], *by: float) -> list[tuple[float, ...]]:
    """The curves, each lifted from its start by its own height."""
    return [tuple(one + height for one in row) for row, height in zip(curves, by, strict=True)]


def test_a_better_strategy_saves_labels() -> None:
    # Reaches 0.8 at 50 labels instead of 100, every seed within 0.01.
    better = [(0.2, 0.79, 0.9), (0.2, 0.8, 0.91), (0.2, 0.81, 0.92)]
    said = claim(results(badge=better, random=RANDOM), "badge", "random")
    assert said.saving.needed == pytest.approx(50.0)
    assert said.saving.baseline_needed == 100.0
    assert said.saving.share == pytest.approx(0.5)
    # kept while |mean| <= t(2) · sd / √3, t(2) = 4.3027. After 50 labels sd = 0.01 and the curve climbs
    # 0.0022 a label; before, sd = x / 5,000 and it climbs 0.012: (50 − x) · 0.012 = 4.3027 x / 5,000√3
    share = 4.30265 / math.sqrt(3.0)
    assert said.saving.needed_interval.high == pytest.approx(50.0 + share * 0.01 / 0.0022, rel=1e-5)
    assert said.saving.needed_interval.low == pytest.approx(0.6 / (0.012 + share / 5_000), rel=1e-5)
    assert said.is_distinguishable
    assert said.sentence() == (
        "Badge needed 50 labels (95 % interval 48 to 61, paired over 3 seeds, Student's t) where random "
        "needed 100: a saving of 50 %."
    )


def test_an_interval_that_holds_what_random_needed_is_not_a_saving() -> None:
    noisy = shifted(RANDOM, -0.1, 0.05, 0.1)
    said = claim(results(badge=noisy, random=RANDOM), "badge", "random")
    assert math.isfinite(said.saving.needed)
    assert said.saving.needed_interval.high == math.inf
    assert not said.is_distinguishable
    assert said.sentence().startswith("Badge needed 96 labels (95 % interval ")
    assert " to more than 100, paired over 3 seeds" in said.sentence()
    assert said.sentence().endswith(
        " where random needed 100: a saving of 4 %, not distinguishable from random."
    )


def test_what_never_gets_there_quotes_the_area() -> None:
    worse = shifted(RANDOM, -0.19, -0.2, -0.21)
    said = claim(results(badge=worse, random=RANDOM), "badge", "random")
    assert said.saving.needed == math.inf
    assert said.saving.share == -math.inf
    # gains of −0.2 at 50 and 100 labels and 0 at the start: the trapezoid gives three quarters
    assert said.area_gain == pytest.approx(-0.15)
    assert said.is_distinguishable
    assert said.sentence() == (
        "Badge did not reach random's final accuracy of 80.0 % within 100 labels; the area under its curve "
        "is 15.0 points lower (95 % interval −16.9 to −13.1 points, paired over 3 seeds, Student's t)."
    )


def test_what_never_gets_there_by_chance_is_not_distinguishable() -> None:
    near = shifted(RANDOM, -0.11, 0.0, 0.1)
    said = claim(results(badge=near, random=RANDOM), "badge", "random")
    assert said.saving.needed == math.inf
    assert not said.is_distinguishable
    assert said.sentence().endswith("Student's t), not distinguishable from random.")


def test_a_higher_area_without_the_level_is_said_to_be_higher() -> None:
    early = [(0.2, 0.76, 0.78)] * 3
    said = claim(results(badge=early, random=RANDOM), "badge", "random")
    assert "the area under its curve is 7.5 points higher" in said.sentence()


def test_a_loss_is_a_negative_saving() -> None:
    # random was at its final level after 50 labels already, and is not credited with the rest of its budget
    flat = [(0.2, 0.8, 0.8)] * 3
    late = [(0.2, 0.7, 0.81), (0.2, 0.7, 0.82), (0.2, 0.7, 0.83)]
    said = claim(results(badge=late, random=flat), "badge", "random")
    assert said.saving.baseline_needed == 50.0
    assert said.saving.share == pytest.approx(-0.833, abs=1e-3)
    assert said.saving.needed_interval.low > 50.0
    assert said.is_distinguishable
    assert said.sentence().endswith(" where random needed 50: a saving of −83 %.")


def test_one_strategy_under_two_names_saves_nothing() -> None:
    said = claim(results(twin=RANDOM, random=RANDOM), "twin", "random")
    assert (said.saving.share, said.saving.needed_interval.holds(100.0)) == (0.0, True)
    assert said.area_interval == said.area_bootstrap == Interval(0.0, 0.0)
    assert not said.is_distinguishable


def test_savings_need_paired_seeds() -> None:
    with pytest.raises(SignalError, match="'curves' says 3, 'levels' has shape \\(2,\\)"):
        labels_saved(LABELS, RANDOM, RANDOM[:2])


def test_rows_are_means_over_seeds_the_largest_area_first() -> None:
    table = rows(results(random=RANDOM, margin=shifted(RANDOM, 0.0, 0.1, 0.2)), "random")
    assert [row.strategy for row in table] == ["margin", "random"]
    best, base = table
    assert base.area_mean == pytest.approx((0.4 + 0.7) / 2)
    assert base.area_gain == 0.0
    assert base.area_interval == Interval(0.0, 0.0)
    assert base.labels_to_final == 100.0
    assert best.seeds == 3
    assert best.area_gain == pytest.approx(0.075)
    assert best.area_sd == pytest.approx(0.075)
    assert best.final_mean == pytest.approx(0.9)
    assert best.final_sd == pytest.approx(0.1)
    assert best.labels_to_final == pytest.approx(75.0)
    assert best.selection_seconds == pytest.approx(0.4)  # of 0.1, 0.2, 0.3, 0.5, 0.5, 0.5


def test_a_row_that_never_gets_there_counts_as_more_than_the_budget() -> None:
    table = rows(results(random=RANDOM, entropy=shifted(RANDOM, -0.1, -0.1, -0.1)), "random")
    assert table[-1].labels_to_final > LABELS[-1]


def test_a_name_that_was_not_run_is_refused() -> None:
    with pytest.raises(
        ParameterError, match=r"needs 'badge' among the strategies .* received random, margin with 3"
    ):
        claim(results(random=RANDOM, margin=RANDOM), "badge", "random")


def test_one_seed_is_no_comparison() -> None:
    with pytest.raises(ParameterError, match="at least 2 seeds; received random with 1"):
        rows(results(random=RANDOM[:1]), "random")


def test_the_bootstrap_follows_its_seed() -> None:
    uneven = results(badge=shifted(RANDOM, 0.0, 0.1, 0.3), random=RANDOM)
    first, again, other = (claim(uneven, "badge", "random", seed=one).area_bootstrap for one in (1, 1, 2))
    assert first == again
    assert np.isclose(first.low, other.low, atol=0.02)


def test_what_makes_a_seed_hard_for_both_moves_no_interval() -> None:
    better, hard = [(0.2, 0.79, 0.9), (0.2, 0.8, 0.91), (0.2, 0.81, 0.92)], (-0.1, 0.02, 0.05)
    even = results(badge=better, random=RANDOM)
    uneven = results(badge=lifted(better, *hard), random=lifted(RANDOM, *hard))
    said, expected = claim(uneven, "badge", "random"), claim(even, "badge", "random")
    assert said.saving.needed == pytest.approx(expected.saving.needed)
    for found, known in (
        (said.saving.needed_interval, expected.saving.needed_interval),
        (said.area_interval, expected.area_interval),
        (said.area_bootstrap, expected.area_bootstrap),
        (rows(uneven, "random")[0].area_interval, expected.area_interval),
    ):
        assert (found.low, found.high) == pytest.approx((known.low, known.high))


def test_the_level_is_where_the_baseline_ended_not_its_best() -> None:
    falling = [(0.2, 0.8, 0.7)] * 3
    steady = [(0.2, 0.6, 0.75)] * 3
    saving = labels_saved(LABELS, steady, falling)
    assert saving.level == pytest.approx(0.7)
    # 0.7 lies 5/6 of the way from 0.2 to 0.8, and 2/3 of the way from 0.6 to 0.75
    assert saving.baseline_needed == pytest.approx(50 * 5 / 6)
    assert saving.needed == pytest.approx(50 + 50 * 2 / 3)
    assert (saving.needed_interval.low, saving.needed_interval.high) == pytest.approx((saving.needed,) * 2)
    table = {row.strategy: row for row in rows(results(badge=steady, random=falling), "random")}
    assert table["badge"].labels_to_final == pytest.approx(saving.needed)
