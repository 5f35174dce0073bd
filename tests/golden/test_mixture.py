"""Several methods in one batch: who has which place, and that there are always picks enough."""

import re
from dataclasses import dataclass
from itertools import product
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Signals, build, spec_of
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import BatchSizeError, ParameterError
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.mixture import Mixture, places
from nextlabel.strategies.random import Random


@final
@dataclass(frozen=True)
class InOrder(Strategy):
    """Picks the items of an order that is given, and no more of them than it is asked for."""

    order: tuple[int, ...]
    reads: str = "loss"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.reads})

    @property
    def needs_labelled(self) -> frozenset[str]:
        return frozenset({self.reads})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        return Picks(np.array(self.order[:batch], np.int64))


UP, DOWN = InOrder(tuple(range(20))), InOrder(tuple(range(19, -1, -1)))


def picked(method: Mixture, batch: int, seed: int = 0, n: int = 20) -> list[int]:
    found: list[int] = method.pick(Signals({}, n=n), batch, np.random.default_rng(seed)).positions.tolist()
    return found


@pytest.mark.parametrize("seed", range(5))
def test_a_place_in_four_is_the_second_methods(seed: int) -> None:
    found = picked(Mixture((UP, DOWN), weights=(3, 1)), 8, seed)
    assert sorted(found) == [0, 1, 2, 3, 4, 5, 18, 19]
    assert [one for one in found if one < 10] == [0, 1, 2, 3, 4, 5]  # each method's own order stays
    assert [one for one in found if one > 10] == [19, 18]


def test_without_weights_all_have_the_same_share() -> None:
    found = picked(Mixture((UP, DOWN)), 6)
    assert sum(one < 10 for one in found) == 3


@pytest.mark.parametrize(
    ("weights", "batch"), list(product([(3, 1), (1, 1, 1), (0.7, 0.2, 0.1)], [1, 7, 30]))
)
def test_a_share_is_rounded_down_or_up(weights: tuple[float, ...], batch: int) -> None:
    share = batch * np.array(weights) / sum(weights)
    for seed in range(50):
        counts = np.bincount(places(weights, batch, rng=np.random.default_rng(seed)), minlength=len(weights))
        assert counts.sum() == batch
        assert (counts >= np.floor(share - 1e-9)).all()
        assert (counts <= np.ceil(share + 1e-9)).all()


def test_weights_of_any_size_make_a_whole_batch() -> None:
    for weights in ([1e308, 1e308, 1e308], [1e-300, 2e-300], [1e300, 1e-300], [0.1] * 1_000):
        for batch in (1, 7):
            due = places(weights, batch, rng=np.random.default_rng(0))
            assert len(due) == batch
            assert due.max() < len(weights)


def test_shares_that_are_whole_but_for_rounding_are_kept() -> None:
    weights = [0.1] * 10  # their sum is a little below 1
    for seed in range(200):
        assert np.bincount(places(weights, 10, rng=np.random.default_rng(seed))).tolist() == [1] * 10


def test_a_methods_places_are_spread_over_the_batch() -> None:
    for seed in range(20):
        due = places([3, 1], 40, rng=np.random.default_rng(seed))
        for end in range(1, 41):
            assert abs((due[:end] == 1).sum() - end / 4) <= 1.0


def test_a_part_with_one_place_has_the_one_in_the_middle() -> None:
    # four places are due at 1/8, 3/8, 5/8 and 7/8 of the batch, a single one at 1/2
    for seed in range(20):
        assert places([4, 1], 5, rng=np.random.default_rng(seed)).tolist() == [0, 0, 1, 0, 0]


def test_an_item_that_two_methods_want_is_taken_once() -> None:
    found = picked(Mixture((UP, UP, UP)), 9)
    assert found == list(range(9))


@pytest.mark.parametrize("seed", range(10))
def test_picks_are_enough_whatever_the_methods_want(seed: int) -> None:
    """Of b picks each, fewer than b are taken when a place is filled; here the orders are at their worst."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    orders = [InOrder(tuple(rng.permutation(n).tolist())) for _ in range(3)]
    for batch in range(1, n + 1):
        found = picked(Mixture(tuple(orders), weights=tuple(rng.random(3) + 0.01)), batch, seed, n)
        assert len(set(found)) == batch


def test_asking_for_one_pick_less_would_not_be_enough() -> None:
    """Both want the same two items: the second place needs the second pick of whoever has it."""
    found = picked(Mixture((InOrder((0, 1)), InOrder((0, 1)))), 2, n=2)
    assert found == [0, 1]


def test_a_method_without_a_place_is_not_asked() -> None:
    @final
    @dataclass(frozen=True)
    class Never(Strategy):
        @property
        def needs(self) -> frozenset[str]:
            return frozenset()

        def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
            raise AssertionError

    found = picked(Mixture((UP, Never()), weights=(1e12, 1e-12)), 3)
    assert found == [0, 1, 2]


def test_methods_have_streams_of_their_own() -> None:
    first = Mixture((Random(), UP)).pick(Signals({}, n=20), 6, np.random.default_rng(0)).positions
    other = Mixture((Random(), DOWN)).pick(Signals({}, n=20), 6, np.random.default_rng(0)).positions
    streams = np.random.default_rng(0).spawn(2)
    drawn = Random().pick(Signals({}, n=20), 6, streams[0]).positions.tolist()
    assert drawn[0] in first.tolist()
    assert drawn[0] in other.tolist()


def test_neither_scores_nor_propensities_are_given() -> None:
    picks = Mixture((Random(), Random())).pick(Signals({}, n=4), 2, np.random.default_rng(0))
    assert picks.scores is None
    assert picks.propensities is None
    assert picks.positions.dtype == np.int64


def test_it_needs_what_any_of_its_methods_needs() -> None:
    method = Mixture((InOrder((0,), "loss"), InOrder((0,), "embedding"), Random()))
    assert method.needs == method.needs_labelled == {"embedding", "loss"}


def test_it_is_written_down_with_its_methods_and_read_back() -> None:
    inner = {"name": "subsample", "of": {"name": "mixture", "of": ["badge", "bald"]}, "size": 9}
    built = build("strategy", {"name": "mixture", "of": ["margin", inner], "weights": [3, 1]})
    written = spec_of(built).to_dict()
    assert written["weights"] == [3.0, 1.0]
    assert [one["name"] for one in written["of"]] == ["margin", "subsample"]
    assert [one["name"] for one in written["of"][1]["of"]["of"]] == ["badge", "bald"]
    assert build("strategy", written) == built
    assert hash(build("strategy", written)) == hash(built)
    assert build("strategy", {"name": "mixture", "of": [Margin(), "random"]}).of == (Margin(), Random())


def test_a_batch_above_the_pool_is_refused() -> None:
    with pytest.raises(BatchSizeError, match="the 4 items at hand; received 5"):
        picked(Mixture((UP,)), 5, n=4)


@pytest.mark.parametrize("of", [(), "margin", ("margin",), Margin()])
def test_something_else_than_strategies_is_refused(of: Any) -> None:
    says = f"Mixture's 'of' must be a list of strategies, which share the batch; received {of!r}"
    with pytest.raises(ParameterError, match=re.escape(says)):
        Mixture(of)


def test_a_single_name_is_refused_where_a_list_belongs() -> None:
    with pytest.raises(ParameterError, match=r"must be a list of strategies, .*; received Margin\("):
        build("strategy", {"name": "mixture", "of": "margin"})


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 2.0, 3.0), 2.0, "ab"[:1]])
def test_as_many_weights_as_strategies_are_expected(weights: Any) -> None:
    says = f"Mixture's 'weights' must be 2 numbers, one for each strategy; received {weights!r}"
    with pytest.raises(ParameterError, match=re.escape(says)):
        Mixture((UP, DOWN), weights=weights)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("inf"), "3", True])
def test_a_weight_that_is_no_share_is_refused(weight: Any) -> None:
    says = f"Mixture's 'weights' must be a finite number above 0; received {weight!r}"
    with pytest.raises(ParameterError, match=re.escape(says)):
        Mixture((UP, DOWN), weights=(1.0, weight))
