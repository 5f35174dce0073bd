"""Every line of the registry leads somewhere, and the lines of a kind are alphabetical."""

import inspect
from pathlib import Path

import pytest

from nextlabel.core.registry import REGISTRY, resolve

LINES = [(kind, name) for kind, lines in REGISTRY.items() for name in lines]


@pytest.mark.parametrize("kind", REGISTRY)
def test_lines_are_alphabetical(kind: str) -> None:
    assert list(REGISTRY[kind]) == sorted(REGISTRY[kind])
    assert list(REGISTRY) == sorted(REGISTRY)


@pytest.mark.parametrize(("kind", "name"), LINES, ids=[f"{kind}-{name}" for kind, name in LINES])
def test_every_line_resolves_to_a_documented_thing(kind: str, name: str) -> None:
    thing = resolve(kind, name)
    assert callable(thing)
    assert inspect.getdoc(thing)
    module, attribute = REGISTRY[kind][name].split(":")
    assert (thing.__module__, thing.__qualname__) == (module, attribute)


@pytest.mark.parametrize(("kind", "name"), LINES, ids=[f"{kind}-{name}" for kind, name in LINES])
def test_every_line_names_the_public_part_of_a_file(kind: str, name: str) -> None:
    module = inspect.getmodule(resolve(kind, name))
    assert module is not None
    assert resolve(kind, name).__name__ in module.__all__


@pytest.mark.parametrize("name", REGISTRY["strategy"])
def test_file_function_and_registry_name_are_one_word(name: str) -> None:
    made = resolve("strategy", name)
    assert Path(inspect.getfile(made)).stem == name
    assert made.__name__.lower() == name.replace("_", "")
    assert issubclass(made, resolve("strategy", "random").__mro__[1])


def test_every_strategy_file_is_registered() -> None:
    folder = Path(inspect.getfile(resolve("strategy", "random"))).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(REGISTRY["strategy"])
