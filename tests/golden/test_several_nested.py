"""Registered things that hold several others: built from lists, written down as lists, filled in examples."""

from dataclasses import dataclass
from typing import final

import numpy as np
import pytest

from nextlabel import Signals, build, spec_of
from nextlabel.core.registry import nested_kinds
from nextlabel.core.spec import Spec
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import ParameterError, UnknownName
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.mixture import Mixture
from nextlabel.strategies.random import Random
from nextlabel.strategies.schedule import Schedule
from nextlabel.testing.examples import example


def test_a_field_of_several_strategies_is_nested() -> None:
    assert nested_kinds(Mixture) == {"of": "strategy"}
    assert nested_kinds(Schedule) == {"of": "strategy"}


@pytest.mark.parametrize(
    "wanted", [["margin", "random"], ("margin", "random"), [Margin(), {"name": "random"}]]
)
def test_a_list_is_built_one_by_one(wanted: object) -> None:
    assert build("strategy", {"name": "mixture", "of": wanted}) == Mixture((Margin(), Random()))


def test_specs_within_specs_are_flattened_in_lists() -> None:
    spec = Spec("mixture", {"of": [Spec("margin"), Spec("subsample", {"of": Spec("badge"), "size": 5})]})
    assert spec.to_dict() == {
        "name": "mixture",
        "of": [{"name": "margin"}, {"name": "subsample", "of": {"name": "badge"}, "size": 5}],
    }
    assert spec_of(build("strategy", spec)).to_dict()["of"][1]["of"]["name"] == "badge"


def test_lists_of_plain_values_stay_as_they_are() -> None:
    assert Spec("mlp", {"hidden": (64, [3, 3])}).to_dict()["hidden"] == [64, [3, 3]]
    assert spec_of(Schedule((Margin(), Random()), (3,))).params["after"] == [3]


def test_an_unknown_name_in_a_list_is_met_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"'margn' is not a registered strategy\. Did you mean 'margin'"):
        build("strategy", {"name": "mixture", "of": ["random", "margn"]})


def test_a_list_where_one_belongs_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"Subsample's 'of' must be a strategy, .*; received \(Margin\("):
        build("strategy", {"name": "subsample", "of": ["margin"]})


def test_what_is_not_registered_cannot_be_written_down_in_a_list() -> None:
    @final
    @dataclass(frozen=True)
    class Own(Strategy):
        @property
        def needs(self) -> frozenset[str]:
            return frozenset()

        def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
            return Picks(np.arange(batch))

    with pytest.raises(UnknownName, match=r"Own \(.*\) is not registered"):
        spec_of(Mixture((Margin(), Own())))


def test_examples_hold_two_small_ones() -> None:
    assert example("strategy", "mixture") == Mixture((Margin(), Random()))
    assert example("strategy", "schedule") == Schedule((Margin(), Random()), (2,))
    assert example("strategy", "class_balanced").of == Margin()
