"""The exact interval for flaws among finitely many items, against fractions and every case of a few."""

from fractions import Fraction
from itertools import pairwise
from math import comb

import pytest

from nextlabel.errors import ParameterError
from nextlabel.maths.hypergeometric import flaws_interval


def chance(x: int, flaws: int, sample: int, items: int) -> Fraction:
    return Fraction(comb(flaws, x) * comb(items - flaws, sample - x), comb(items, sample))


def slow_interval(x: int, sample: int, items: int, side: Fraction) -> list[int]:
    """Every number of flaws that neither tail speaks against, in fractions."""
    kept = []
    for flaws in range(items + 1):
        law = [chance(seen, flaws, sample, items) for seen in range(sample + 1)]
        if sum(law[: x + 1]) > side and sum(law[x:]) > side:
            kept.append(flaws)
    return kept


@pytest.mark.parametrize(
    ("flaws", "sample", "items", "both", "upper"),
    [
        (0, 100, 1000, (0, 34), 28),
        (3, 100, 1000, (7, 82), 73),
        (0, 300, 2370, (0, 27), 22),
        (5, 300, 2370, (15, 87), 79),
        (30, 300, 4000, (279, 552), 527),
        (2, 50, 50, (2, 2), 2),
    ],
)
def test_the_ends_are_those_worked_out(
    flaws: int, sample: int, items: int, both: tuple[int, int], upper: int
) -> None:
    assert flaws_interval(flaws, sample, items) == both
    assert flaws_interval(flaws, sample, items, sided="upper") == (flaws, upper)


@pytest.mark.parametrize(("items", "sample"), [(1, 1), (7, 3), (13, 13), (24, 9)])
def test_the_interval_is_that_of_exact_fractions(items: int, sample: int) -> None:
    for x in range(sample + 1):
        kept = slow_interval(x, sample, items, Fraction(1, 40))
        assert flaws_interval(x, sample, items) == (kept[0], kept[-1])
        assert kept == list(range(kept[0], kept[-1] + 1))


@pytest.mark.parametrize("sided", ["two", "upper"])
@pytest.mark.parametrize(("items", "sample", "level"), [(30, 10, 0.05), (30, 10, 0.025), (41, 30, 0.05)])
def test_no_number_of_flaws_is_missed_more_often_than_the_level(
    items: int, sample: int, level: float, sided: str
) -> None:
    """Every true number of flaws, every sample count: the exact chance of a miss."""
    ends = [flaws_interval(x, sample, items, level=level, sided=sided) for x in range(sample + 1)]  # type: ignore[arg-type]
    misses = [
        float(sum(chance(x, flaws, sample, items) for x, (a, b) in enumerate(ends) if not a <= flaws <= b))
        for flaws in range(items + 1)
    ]
    assert max(misses) <= level
    if (items, sample, level, sided) == (30, 10, 0.05, "two"):
        assert round(max(misses), 4) == 0.0450


def test_an_interval_without_its_worst_count_would_miss_too_often() -> None:
    """The broken twin of the test before: ends drawn in by one on each side."""
    ends = [flaws_interval(x, 10, 30) for x in range(11)]
    misses = [
        sum(chance(x, flaws, 10, 30) for x, (a, b) in enumerate(ends) if not a < flaws < b)
        for flaws in range(31)
    ]
    assert max(misses) > 0.05


@pytest.mark.parametrize("sided", ["two", "upper"])
def test_more_flaws_never_lower_an_end(sided: str) -> None:
    ends = [flaws_interval(x, 60, 400, sided=sided) for x in range(61)]  # type: ignore[arg-type]
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(ends))


def test_a_million_items_are_no_trouble() -> None:
    low, high = flaws_interval(3, 300, 1_000_000)
    assert 2_000 < low < 3_000
    assert 28_000 < high < 30_000


def test_contradictory_counts_are_refused() -> None:
    with pytest.raises(ParameterError, match="received 4 flaws in a sample of 3 of 9 items"):
        flaws_interval(4, 3, 9)
    with pytest.raises(ParameterError, match="received 1 flaws in a sample of 10 of 9 items"):
        flaws_interval(1, 10, 9)
    with pytest.raises(ParameterError, match="'sided' must be 'two' or 'upper'; received 'lower'"):
        flaws_interval(1, 2, 9, sided="lower")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="'level' must be"):
        flaws_interval(1, 2, 9, level=0.0)
