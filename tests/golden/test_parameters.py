"""The checks of parameters: what they accept, what they make of it, and what they say otherwise."""

import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from nextlabel.errors import ParameterError
from nextlabel.maths.parameters import (
    checked_choice,
    checked_flag,
    checked_number,
    checked_whole,
    settle,
)

NO_NUMBERS: list[Any] = ["3", None, True, np.True_, [3], {}, float("nan"), 1j, np.array([3])]


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers_of_any_kind_become_python_ints(value: Any) -> None:
    assert json.dumps(checked_whole(value, "size", least=3)) == "3"


@pytest.mark.parametrize("value", [*NO_NUMBERS, 2, -7, 3.0, np.float64(4.0)])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    says = f"'size' must be a whole number from 3 up; received {value!r}. Give for example 3."
    with pytest.raises(ParameterError, match=re.escape(says)):
        checked_whole(value, "size", least=3)


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1.0), np.int16(1)])
def test_numbers_of_any_kind_become_python_floats(value: Any) -> None:
    assert json.dumps(checked_number(value, "share", above=0.0, most=1.0, advice="Try.")) == "1.0"


@pytest.mark.parametrize("value", [*NO_NUMBERS, 0.0, 1.5, float("inf"), 10**400])
def test_what_is_no_number_in_the_range_is_refused(value: Any) -> None:
    says = f"Method's 'share' must be a number above 0 and at most 1; received {value!r}. Give a share."
    with pytest.raises(ParameterError, match=re.escape(says)):
        checked_number(value, "share", above=0.0, most=1.0, of="Method", advice="Give a share.")


@pytest.mark.parametrize(
    ("ends", "inside", "outside", "words"),
    [
        ({"above": 2.0}, 2.5, 2.0, "a finite number above 2"),
        ({"least": 2.0}, 2.0, 1.5, "a finite number of at least 2"),
        ({"below": 2.0}, 1.5, 2.0, "a number below 2"),
        ({"most": 2.0}, 2.0, 2.5, "a number at most 2"),
        ({"least": 0.0, "below": 1.0}, 0.0, 1.0, "a number of at least 0 and below 1"),
        ({}, -3.0, np.inf, "a finite number"),
        ({"above": 0.0, "is_finite": False}, np.inf, 0.0, "a number above 0"),
        ({"least": 0.0}, 0.0, 10**400, "a finite number of at least 0"),
        ({"least": 0.0}, 0.0, -(10**400), "a finite number of at least 0"),
    ],
)
def test_ends_of_a_range_belong_to_it_as_said(
    ends: dict[str, Any], inside: float, outside: float, words: str
) -> None:
    assert checked_number(inside, "x", advice="Change it.", **ends) == inside
    with pytest.raises(ParameterError, match=re.escape(f"'x' must be {words}; received {outside!r}. Ch")):
        checked_number(outside, "x", advice="Change it.", **ends)


@pytest.mark.parametrize("value", ["x", None, 1, ["plain"], {}, np.array(["plain", "odd"])])
def test_what_is_not_among_the_options_is_refused(value: Any) -> None:
    says = f"'kind' must be 'plain', 'odd' or 'new'; received {value!r}. Choose one of these."
    with pytest.raises(ParameterError, match=re.escape(says)):
        checked_choice(value, "kind", ("plain", "odd", "new"))
    with pytest.raises(ParameterError, match=re.escape(f"A's 'kind' must be 'one'; received {value!r}. No.")):
        checked_choice(value, "kind", ("one",), of="A", advice="No.")


def test_an_option_comes_back_as_a_plain_word() -> None:
    assert type(checked_choice(np.str_("odd"), "kind", ("plain", "odd"))) is str


@pytest.mark.parametrize("value", ["no", None, 1, 0.0, [], np.int64(1)])
def test_what_is_neither_yes_nor_no_is_refused(value: Any) -> None:
    says = f"A's 'bias' must be True or False; received {value!r}. Give one of the two."
    with pytest.raises(ParameterError, match=re.escape(says)):
        checked_flag(value, "bias", of="A")


@pytest.mark.parametrize("value", [True, np.True_])
def test_yes_of_any_kind_becomes_a_python_bool(value: Any) -> None:
    assert checked_flag(value, "bias") is True


def test_checked_values_settle_in_a_frozen_dataclass() -> None:
    @dataclass(frozen=True)
    class Box:
        size: int

        def __post_init__(self) -> None:
            settle(self, {"size": checked_whole(self.size, "size", least=1)})

    given: Any = np.int64(4)
    assert type(Box(given).size) is int
