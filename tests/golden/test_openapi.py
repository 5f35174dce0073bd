"""The description of the calls is true: every route has an entry, and every entry a route."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import Campaign, arrays, classes
from nextlabel.campaign.export import FORMATS
from nextlabel.evaluation.certificate import certificate
from nextlabel.evaluation.quality import look
from nextlabel.evaluation.report import status
from nextlabel.server.api import ANSWERS
from nextlabel.server.openapi import BODIES, CALLS, description
from nextlabel.server.schema import check
from nextlabel.server.schemas import SCHEMAS


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

    said = description()
    walk([said["paths"], said["components"]])
    assert named == set(SCHEMAS)
    assert set(BODIES) == {path for (method, path) in CALLS if method == "POST"}


def test_what_an_action_is_goes_by_references_as_a_discriminator_needs_them() -> None:
    action = description()["components"]["schemas"]["Action"]
    assert action["discriminator"]["propertyName"] == "kind"
    assert {tuple(one) for one in action["oneOf"]} == {("$ref",)}
    named = [one["$ref"].rpartition("/")[2] for one in action["oneOf"]]
    assert action["discriminator"]["mapping"] == {
        SCHEMAS[name]["properties"]["kind"]["const"]: f"#/components/schemas/{name}" for name in named
    }


def test_every_format_of_an_export_is_described() -> None:
    parameter = description()["paths"]["/api/export"]["get"]["parameters"][0]
    assert parameter["schema"]["enum"] == list(FORMATS)


def test_a_call_says_who_may_call_and_what_may_come_back() -> None:
    said = description("nextlabel_1f")
    ways = said["components"]["securitySchemes"]
    assert [list(one) for one in said["security"]] == [["token"], ["session"]]
    assert (ways["session"]["in"], ways["session"]["name"]) == ("cookie", "nextlabel_1f")
    for each in said["paths"].values():
        for one in each.values():
            assert "X-Nextlabel-Person" in [parameter["name"] for parameter in one["parameters"]]
            assert {"405", "429", "500", "507"} <= set(one["responses"])


def test_the_status_is_described_whole(tmp_path: Path) -> None:
    """A campaign with looks, a certificate under way, several people, and nothing left undescribed."""
    rng = np.random.default_rng(0)
    ids = [str(one) for one in range(600)]
    pool = arrays(rng.normal(size=(600, 2)), ids=ids)
    path = tmp_path / "a.db"
    with Campaign.create(
        path, pool, "sklearn", "random", classes("no", "yes"), 0, overlap=2, control=0.1
    ) as campaign:
        told = {id: ("no", "yes")[int(id) % 2] for id in (*campaign.state.reserve[:50], *ids[:100])}
        for name in ("ann", "bob"):
            campaign.tell(told, annotator=name)
        model = campaign.fit().fingerprint
        found = look(campaign.state, told, labels=100)
        campaign.measure("quality", found.values(), model=model)
        campaign.certify(5)
        for name in ("ann", "bob"):
            campaign.tell({id: "no" for id in campaign.state.sample}, annotator=name)
        done = certificate(campaign.state, {id: "yes" for id in campaign.state.sample})
        assert done is not None
        campaign.measure("certificate", done.values(), model=done.model)
        said = json.loads(json.dumps(status(campaign.state, campaign.journal())))
    assert len(said["quality"]["looks"]) == len(said["curve"]) == said["certificate"]["number"] == 1
    assert said["agreement"]["control"]["parts"][""]["cohen"]
    described = SCHEMAS["Status"]["properties"]
    of_the_server = {"training", "strategy", "people", "set_aside"}
    assert set(described) - set(said) == of_the_server
    for name, one in said.items():
        check(one, described[name], name)
        assert described[name].get("additionalProperties") is not True


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
