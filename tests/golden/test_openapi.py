"""The description of the calls is true: every route has an entry, and every entry a route."""

from pathlib import Path
from typing import Any

import pytest

from nextlabel.server.api import ANSWERS
from nextlabel.server.openapi import BODIES, CALLS, SCHEMAS, description


def test_every_call_is_described_and_every_description_is_a_call() -> None:
    assert set(ANSWERS) == set(CALLS)
    said = {(method.upper(), path) for path, each in description()["paths"].items() for method in each}
    assert said == set(CALLS)


def test_every_schema_that_is_named_is_there_and_is_named() -> None:
    named = set[str]()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                named.add(value["$ref"].rpartition("/")[2])
            for one in value.values():
                walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    walk(description()["paths"])
    assert named <= set(SCHEMAS)
    assert set(SCHEMAS) - named == {"Action", "Item"}  # written out where they are used
    assert set(BODIES) == {path for (method, path) in CALLS if method == "POST"}


def test_names_of_operations_are_different() -> None:
    names = [one["operationId"] for each in description()["paths"].values() for one in each.values()]
    assert len(set(names)) == len(names) == len(CALLS)


def test_the_page_of_reference_names_every_call() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "api.md"
    text = page.read_text(encoding="utf-8")
    assert [path for method, path in CALLS if f"## {method} {path}" not in text] == []


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_one_of_json_schema(name: str) -> None:
    meta = pytest.importorskip("jsonschema_rs", reason="needs jsonschema-rs, which schemathesis brings").meta
    meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **SCHEMAS[name]})
