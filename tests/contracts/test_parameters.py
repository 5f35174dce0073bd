"""Every registered strategy checks every field, and keeps what can be written down."""

import dataclasses
import json
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest

from nextlabel import build, names
from nextlabel.core.registry import nested_kinds, resolve, spec_of
from nextlabel.errors import ParameterError
from nextlabel.testing.examples import example

WRONG: list[Any] = ["x", None, float("nan"), [1], {}]
SCALARS: dict[type, Any] = {bool: np.True_, int: np.int64(3), float: np.float64(1.0)}


def fields(*, nested: bool) -> list[tuple[str, str]]:
    """Strategies and their fields; those that hold another registered thing, or the others."""
    return [
        (name, one.name)
        for name in names("strategy")
        for one in dataclasses.fields(resolve("strategy", name))
        if (one.name in nested_kinds(resolve("strategy", name))) == nested
    ]


def kinds(name: str, field: str) -> tuple[Any, ...]:
    """The types that a field is declared to take; of a tuple, a list too, as a spec holds it."""
    hint = get_type_hints(resolve("strategy", name))[field]
    options = (hint,) if get_origin(hint) is tuple else get_args(hint) or (hint,)
    has_tuple = any(get_origin(one) is tuple for one in options)
    return (*(one for one in options if get_origin(one) is not tuple), *((tuple, list) if has_tuple else ()))


def written(name: str, **changes: Any) -> dict[str, Any]:
    return {**spec_of(example("strategy", name)).to_dict(), **changes}


@pytest.mark.parametrize("value", [*WRONG, True, np.array([1, 2])], ids=repr)
@pytest.mark.parametrize(("name", "field"), fields(nested=False))
def test_a_value_of_another_type_is_refused_by_name(name: str, field: str, value: Any) -> None:
    if type(value) in kinds(name, field):
        return
    with pytest.raises(ParameterError) as caught:
        build("strategy", written(name, **{field: value}))
    assert f"{resolve('strategy', name).__name__}'s {field!r} must be " in str(caught.value)
    received = tuple(value) if isinstance(value, list) else value  # a list of a spec becomes a tuple
    assert f"; received {received!r}. " in str(caught.value)


@pytest.mark.parametrize("value", [None, float("nan"), (1,), {}, "entropy"], ids=repr)
@pytest.mark.parametrize(("name", "field"), fields(nested=True))
def test_what_is_no_strategy_is_refused_by_name(name: str, field: str, value: Any) -> None:
    with pytest.raises(ParameterError) as caught:
        dataclasses.replace(example("strategy", name), **{field: value})
    assert f"{resolve('strategy', name).__name__}'s {field!r} must be " in str(caught.value)
    assert f"; received {value!r}. " in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), [1], {}], ids=repr)
@pytest.mark.parametrize(("name", "field"), fields(nested=True))
def test_what_describes_no_strategy_is_refused(name: str, field: str, value: Any) -> None:
    with pytest.raises(ParameterError, match="A spec must be a name"):
        build("strategy", written(name, **{field: value}))


@pytest.mark.parametrize(("name", "field"), fields(nested=False))
def test_a_scalar_of_numpy_is_kept_as_a_number_of_python(name: str, field: str) -> None:
    kind = next((one for one in kinds(name, field) if one in SCALARS), None)
    if kind is None:
        return  # a choice, not a number
    default = getattr(example("strategy", name), field)
    scalar = type(SCALARS[kind])(default) if type(default) is kind else SCALARS[kind]
    strategy = build("strategy", written(name, **{field: scalar}))
    assert type(getattr(strategy, field)) is kind
    assert build("strategy", json.loads(spec_of(strategy).to_json())) == strategy
