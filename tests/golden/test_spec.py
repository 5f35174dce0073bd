"""A name and parameters, written down and read back."""

import json
import re
from typing import Any

import pytest

from nextlabel import Spec
from nextlabel.errors import ParameterError


def test_a_spec_is_read_from_a_name_a_mapping_or_a_spec() -> None:
    spec = Spec("stochastic", {"of": "bald", "beta": 2.0})
    assert Spec.read("margin") == Spec("margin")
    assert Spec.read({"name": "stochastic", "of": "bald", "beta": 2.0}) == spec
    assert Spec.read(spec) is spec


def test_nested_specs_are_written_flat() -> None:
    spec = Spec("subsample", {"of": Spec("margin", {"of": "mean_proba"}), "size": 5})
    written = {"name": "subsample", "of": {"name": "margin", "of": "mean_proba"}, "size": 5}
    assert spec.to_dict() == json.loads(spec.to_json()) == written


def test_equal_specs_have_equal_hashes() -> None:
    assert hash(Spec("a", {"b": [1]})) == hash(Spec("a", {"b": [1]}))
    assert Spec("a") != Spec("a", {"b": 1})


def test_the_order_of_parameters_does_not_matter() -> None:
    one, other = Spec("a", {"b": 1, "c": 2}), Spec("a", {"c": 2.0, "b": 1})
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize("source", [3, None, {"of": "margin"}, {"name": 3}, ["margin"]])
def test_anything_else_is_refused(source: Any) -> None:
    says = f"a mapping with the key 'name' and parameters; received {source!r}. Write for example 'badge'"
    with pytest.raises(ParameterError, match=re.escape(says)):
        Spec.read(source)
