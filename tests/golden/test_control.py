"""The control reserve: sizes, shares, order, places."""

import pytest

from nextlabel.campaign.control import checked_share, due, extra, mixed, reserve
from nextlabel.errors import ParameterError


@pytest.mark.parametrize(
    ("items", "size"),
    [
        (499, 0),
        (500, 100),
        (501, 101),
        (504, 101),
        (506, 102),
        (9_999, 2_000),
        (10_000, 2_000),
        (50_000, 2_000),
    ],
)
def test_the_reserve_is_a_fifth_of_the_pool_and_2000_at_most(items: int, size: int) -> None:
    drawn = reserve(items, 0.1, seed=0)
    assert len(drawn) == len(set(drawn)) == size
    assert all(0 <= one < items for one in drawn)


def test_without_a_share_there_is_no_reserve() -> None:
    assert reserve(1_000, 0.0, seed=0) == ()


def test_the_reserve_is_drawn_from_the_seed() -> None:
    assert reserve(1_000, 0.1, seed=1) == reserve(1_000, 0.1, seed=1) != reserve(1_000, 0.1, seed=2)


def test_the_reserve_grows_by_a_fifth_of_the_new_items() -> None:
    drawn = extra(1_000, 11, seed=0)
    assert len(set(drawn)) == 3
    assert all(1_000 <= one < 1_011 for one in drawn)
    assert extra(1_000, 11, seed=0) == drawn != extra(1_000, 12, seed=0)


@pytest.mark.parametrize("share", [0, 0.05, 0.1, 0.2])
def test_shares_that_can_be_measured_with_are_accepted(share: float) -> None:
    assert checked_share(share) == share


@pytest.mark.parametrize(
    ("share", "says"),
    [
        (0.04, r"must be 0 or from 0\.05 to 0\.2; received 0\.04\. Give 0"),
        (0.21, r"control.* a number of at least 0 and at most 0\.2; received 0\.21"),
        (-0.1, r"received -0\.1"),
        (True, "received True"),
    ],
)
def test_other_shares_are_refused(share: object, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        checked_share(share)


def test_control_items_follow_the_active_ones_at_the_share() -> None:
    # one at a time, share 1/5: every fifth item is a control item, when four active ones went before
    arms = ""
    for _ in range(20):
        is_control = due(0.2, arms.count("a"), arms.count("c"), 1)
        arms += "c" if is_control else "a"
    assert arms == "aaaac" * 4


@pytest.mark.parametrize("share", [0.05, 0.07, 0.1, 0.15, 0.2])
@pytest.mark.parametrize("batch", [1, 7, 20, 100])
def test_what_is_due_is_the_most_that_the_share_allows(share: float, batch: int) -> None:
    hundredths = round(share * 100)
    active = control = 0
    for _ in range(30):
        more = due(share, active, control, batch)
        active, control = active + batch - more, control + more
        # m ≤ s/(1−s)·n, and one more in place of an active item would be too many
        assert control * (100 - hundredths) <= hundredths * active
        assert (control + 1) * (100 - hundredths) > hundredths * (active - 1)


def test_a_tenth_is_a_tenth_though_its_float_is_more() -> None:
    assert due(0.1, active=0, control=0, batch=10) == 1
    assert due(0.07, active=0, control=0, batch=100) == 7  # 0.07 * 100 is 7.000000000000001 in floats
    assert due(0.15, active=0, control=0, batch=20) == 3


@pytest.mark.parametrize(("active", "control"), [(0, 5), (0, 100)])
def test_no_control_item_is_due_where_there_are_enough(active: int, control: int) -> None:
    assert due(0.1, active, control, 10) == 0


def test_a_batch_is_never_more_than_the_batch() -> None:
    assert due(0.2, active=1_000, control=0, batch=10) == 10


def test_both_arms_keep_their_order_at_places_of_the_round() -> None:
    active, control = list("abcdefgh"), list("XYZ")
    seen = {tuple(mixed(active, control, seed=0, round=round)) for round in range(50)}
    assert len(seen) > 25
    for one in seen:
        assert [item for item in one if item.islower()] == active
        assert [item for item in one if item.isupper()] == control
    assert mixed(active, control, 0, 3) == mixed(active, control, 0, 3)


def test_without_control_items_the_batch_is_as_it_was_picked() -> None:
    assert mixed(list("cab"), [], seed=0, round=0) == list("cab")


def test_each_extension_draws_by_itself() -> None:
    """Of 500 items 100 are drawn: that two draws are alike has a chance below 1e-100."""
    places = [tuple(one - before for one in extra(before, 500, seed=0)) for before in (500, 1000, 1500)]
    assert len({reserve(500, 0.1, seed=0), *places}) == 4
