"""The band of several looks: its ends, what all looks together may miss, and that errors never raise it."""

import numpy as np
import pytest
from scipy.stats import binom

from nextlabel.errors import ParameterError
from nextlabel.evaluation.quality import LOOKS, band
from nextlabel.maths.bands import BAND_LEVEL, ratio_band

ENDS = [
    (40, 50, 0.6099, 0.9269),
    (50, 50, 0.8845, 1.0),
    (0, 50, 0.0, 0.1155),
    (45, 63, 0.5366, 0.8557),
    (84, 98, 0.7291, 0.9416),
    (115, 123, 0.8403, 0.9833),
    (180, 191, 0.8705, 0.9820),
    (300, 373, 0.7330, 0.8645),
]


def worst_misses(level: float, shares: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """The sum over looks of the worst chance, over true shares, that a look's band leaves the share out."""
    total = 0.0
    for asked in LOOKS:
        law = binom.pmf(np.arange(asked + 1)[:, None], asked, shares)
        total += np.where(law > level / (asked + 1), 0.0, law).sum(axis=0).max()
    return total


def test_looks_are_at_counts_a_quarter_apart() -> None:
    assert LOOKS == (50, 63, 79, 98, 123, 153, 191, 239, 299, 373, 466, 583, 728, 910, 1137, 1422, 1777)


@pytest.mark.parametrize(("right", "asked", "low", "high"), ENDS)
def test_the_ends_of_a_band_are_those_worked_out(right: int, asked: int, low: float, high: float) -> None:
    assert tuple(round(end, 4) for end in band(right, asked)) == (low, high)


@pytest.mark.parametrize(("right", "asked"), [(40, 50), (0, 50), (50, 50), (1, 1777), (900, 1777), (0, 1)])
def test_a_band_holds_exactly_the_shares_that_keep_the_count_likely_enough(right: int, asked: int) -> None:
    found = ratio_band(right, asked)
    least = BAND_LEVEL / (asked + 1)
    for end, outward in ((found.low, -1.0), (found.high, 1.0)):
        step = 1e-9
        if 0.0 < end < 1.0:
            assert binom.pmf(right, asked, end - outward * step) > least
            assert binom.pmf(right, asked, end + outward * step) < least
    assert found.holds(right / asked)


def test_one_right_item_keeps_the_end_from_nothing_and_one_wrong_item_from_all() -> None:
    low, high = band(1, 50)[0], band(49, 50)[1]
    assert binom.pmf(1, 50, low) == pytest.approx(BAND_LEVEL / 51)
    assert 0.0 < low < 1 / 50
    assert high == pytest.approx(1.0 - low)


def test_all_looks_together_miss_in_less_than_one_campaign_of_twenty() -> None:
    assert round(worst_misses(BAND_LEVEL, np.arange(1, 1000) / 1000), 4) == 0.0462


def test_the_next_larger_level_would_miss_too_often() -> None:
    assert worst_misses(0.12, np.arange(1, 1000) / 1000) > 0.05


@pytest.mark.slow
def test_a_finer_grid_of_shares_leaves_the_sum_below_one_in_twenty() -> None:
    assert worst_misses(BAND_LEVEL, np.arange(1, 20_000) / 20_000) < 0.05


@pytest.mark.parametrize("asked", LOOKS[:9])
def test_more_errors_never_raise_an_end_of_a_band(asked: int) -> None:
    ends = np.array([band(right, asked) for right in range(asked + 1)])
    assert (np.diff(ends, axis=0) >= 0.0).all()
    assert (np.diff(ends, axis=0)[1:-1] > 0.0).all()


def test_a_band_is_wider_than_an_interval_for_one_look() -> None:
    widths = {asked: np.ptp(band(round(0.8 * asked), asked)) for asked in (50, 98, 191, 373)}
    assert {asked: round(100 * width) for asked, width in widths.items()} == {
        50: 32,
        98: 24,
        191: 18,
        373: 13,
    }


def test_a_band_of_contradictory_counts_is_refused() -> None:
    with pytest.raises(ParameterError, match="at most the 50 items asked; received 51"):
        band(51, 50)
    with pytest.raises(ParameterError, match="'asked' must be a whole number from 1 up; received 0"):
        band(0, 0)
    with pytest.raises(ParameterError, match="'level' must be a number above 0 and below 1; received 1"):
        ratio_band(1, 2, level=1.0)
