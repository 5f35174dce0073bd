"""A parameter that the chosen form of a method does not read changes nothing, and its description says so."""

import re
from typing import Any

import numpy as np
import pytest

from nextlabel import build
from nextlabel.core.registry import resolve
from nextlabel.testing.signals import example_signals

WHOLE: dict[str, Any] = {"name": "submodular"}
QUERY: dict[str, Any] = {**WHOLE, "measure": "mutual_information", "query_classes": [1]}
CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"name": "badge"}, {"curvature": 0.5}),
    ({"name": "coreset"}, {"curvature": 0.5}),
    ({"name": "typiclust"}, {"curvature": 0.5}),
    ({"name": "kecor", "of": "embedding"}, {"smoothing": 1.0}),
    ({"name": "kecor", "of": "embedding", "entropy": None}, {"eta": 9.0}),
    ({"name": "look_ahead", "refit": "frozen"}, {"penalty": 9.0}),
    ({"name": "probcover", "radius": 0.5}, {"clusters": 2}),
    ({"name": "probcover", "radius": 0.5}, {"purity": 0.5}),
    ({"name": "robust_coreset", "outliers": 1}, {"share": 0.3}),
    ({"name": "robust_coreset", "outliers": 0}, {"round_up": True}),
    (WHOLE, {"query_classes": [1]}),
    (WHOLE, {"private_classes": [1]}),
    (WHOLE, {"mutual": "flvmi"}),
    (WHOLE, {"eta": 0.1}),
    (WHOLE, {"nu": 0.1}),
    (WHOLE, {"lam": 9.0}),
    (WHOLE, {"jitter": 0.1}),
    (WHOLE, {"missed": 0.9}),
    ({**QUERY, "function": "graph_cut"}, {"eta": 0.1}),
    ({**QUERY, "function": "graph_cut"}, {"mutual": "flvmi"}),
    (QUERY, {"nu": 0.1}),
]


def picked(spec: dict[str, Any]) -> list[int]:
    strategy = build("strategy", spec)
    signals = example_signals(strategy.needs, labelled=strategy.needs_labelled)
    return [int(one) for one in strategy.pick(signals, 6, np.random.default_rng(0)).positions]


@pytest.mark.parametrize(("form", "idle"), CASES, ids=repr)
def test_what_a_form_does_not_read_changes_nothing(form: dict[str, Any], idle: dict[str, Any]) -> None:
    assert picked({**form, **idle}) == picked(form)


@pytest.mark.parametrize(
    ("form", "read"),
    [
        ({"name": "coreset", "geometry": "hyperbolic"}, {"curvature": 1e-6}),
        ({"name": "robust_coreset"}, {"share": 0.5}),
        ({**WHOLE, "function": "graph_cut"}, {"lam": 9.0}),
    ],
    ids=repr,
)
def test_what_a_form_reads_changes_picks(form: dict[str, Any], read: dict[str, Any]) -> None:
    """So that the test above is not blind."""
    assert picked({**form, **read}) != picked(form)


@pytest.mark.parametrize(
    ("name", "field"), sorted({(form["name"], one) for form, idle in CASES for one in idle}), ids=repr
)
def test_descriptions_say_what_reads_a_parameter(name: str, field: str) -> None:
    text = (resolve("strategy", name).__doc__ or "").partition(f"\n    {field} : ")[2]
    described = re.split(r"\n    \w|\n\n", text)[0]  # up to the next parameter, or the end of them
    assert re.search(r"\b[Rr]ead\b", described), described
