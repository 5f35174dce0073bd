"""Every registered strategy keeps every promise; a new registry line is tested at once."""

from typing import Any

import pytest

from nextlabel import build, names
from nextlabel.core.registry import resolve
from nextlabel.core.strategy import Strategy
from nextlabel.errors import BrokenPromise
from nextlabel.testing.examples import example
from nextlabel.testing.processes import elsewhere
from nextlabel.testing.strategies import PROMISES, answers

TOGETHER = "determinism_across_processes"  # starts a process; here one is started for all strategies
# parameters that change a method enough to deserve the contract of their own
VARIANTS: list[dict[str, Any]] = [
    {"name": "badge", "first": "uniform"},
    {"name": "badge", "include_bias": True},
    {"name": "badge", "geometry": "hyperbolic"},
    {"name": "badge", "geometry": "ball", "curvature": 0.01},
    {"name": "class_balanced", "of": "badge", "share": 0.5},
    {"name": "dal", "queries": 2, "class_weight": None},
    {"name": "cdal", "of": "proba"},
    {"name": "cdal", "reduce": "sum"},
    {  # of few candidates, so that the pool holds more, and with half the ascents: each is many refits
        "name": "discriminative_batch",
        "objective": "expected",
        "counted": "pool",
        "exchanges": 1,
        "starts": ["even"],
        "candidates": 8,
    },
    {"name": "discriminative_batch", "refit": False},
    {"name": "emoc", "labels": "map", "of": "logits", "normalise": True},
    {"name": "emoc", "jacobian": "full"},
    {"name": "coreset", "geometry": "hyperbolic"},
    {"name": "coreset", "geometry": "ball", "curvature": 0.01},
    {"name": "entropy", "of": "marginals", "reduce": "sum"},
    {"name": "kecor", "of": "embedding", "entropy_mode": "additive"},
    {"name": "kecor", "of": "descriptor", "entropy": "class_histogram"},
    {"name": "look_ahead", "refit": "frozen", "loss": "zero_one"},
    {"name": "look_ahead", "refit": "last_layer", "weights": "pessimistic"},
    {"name": "look_ahead", "weights": "uniform", "sequential": True},
    {"name": "margin", "of": "mean_proba"},
    {"name": "mixture", "of": ["badge", "bald", "random"], "weights": [3, 1, 1]},
    {"name": "schedule", "of": ["typiclust", "badge"], "after": [100]},
    {"name": "self_correcting", "of": "bald"},
    {"name": "robust_coreset", "outliers": 1},
    {"name": "robust_coreset", "outliers": 3, "metric": "cosine"},
    {"name": "stochastic", "of": "bald", "kind": "softmax"},
    {"name": "stochastic", "of": "entropy", "kind": "softrank", "beta": 4.0},
    {"name": "submodular", "function": "graph_cut"},
    {"name": "submodular", "function": "log_det"},
    {"name": "submodular", "measure": "conditional_gain", "similarity": "gradient"},
    {"name": "submodular", "measure": "mutual_information", "query_classes": [0, 2]},
    {"name": "submodular", "measure": "mutual_information", "query_classes": [0, 2], "mutual": "flvmi"},
    {"name": "submodular", "function": "log_det", "measure": "mutual_information", "query_classes": [0, 2]},
    {
        "name": "submodular",
        "function": "log_det",  # that of facility location is soon worth no item any more, and draws
        "measure": "conditional_mutual_information",
        "query_classes": [1],
    },
    {"name": "submodular", "solver": "stochastic"},
    {"name": "subsample", "of": "margin", "size": 8},
    {"name": "subsample", "of": {"name": "badge"}, "size": 8},
    {"name": "typiclust", "geometry": "hyperbolic", "curvature": 0.5},
    {"name": "typiclust", "geometry": "ball", "curvature": 0.01},
    {"name": "variation_ratio", "form": "mean"},
]


def keeps(strategy: Strategy, promise: str, request: pytest.FixtureRequest) -> None:
    if promise in strategy.exceptions:
        reason = strategy.exceptions[promise]
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True, raises=BrokenPromise))
    PROMISES[promise](strategy)


@pytest.mark.parametrize("promise", [one for one in PROMISES if one != TOGETHER])
@pytest.mark.parametrize("name", names("strategy"))
def test_every_registered_strategy_keeps_the_promise(
    name: str, promise: str, request: pytest.FixtureRequest
) -> None:
    keeps(example("strategy", name), promise, request)


@pytest.mark.parametrize("promise", [one for one in PROMISES if one != TOGETHER])
@pytest.mark.parametrize("spec", VARIANTS, ids=lambda spec: "-".join(map(str, spec.values())))
def test_a_strategy_with_other_parameters_keeps_the_promise(
    spec: dict[str, Any], promise: str, request: pytest.FixtureRequest
) -> None:
    keeps(build("strategy", spec), promise, request)


def test_every_strategy_picks_the_same_in_another_process() -> None:
    every = [*(example("strategy", name) for name in names("strategy"))]
    every += [build("strategy", spec) for spec in VARIANTS]
    asked = [one for one in every if TOGETHER not in one.exceptions]
    assert len(asked) > len(names("strategy"))
    here, there = answers(0, *asked), elsewhere(answers, 0, *asked)
    assert [one for one, picks, others in zip(asked, here, there, strict=True) if picks != others] == []


@pytest.mark.parametrize("spec", ["random", "badge"])
def test_a_strategy_by_itself_picks_the_same_in_another_process(spec: str) -> None:
    PROMISES[TOGETHER](build("strategy", spec))


@pytest.mark.parametrize("name", names("strategy"))
def test_every_exception_names_a_promise_and_a_reason(name: str) -> None:
    exceptions = resolve("strategy", name).exceptions
    assert exceptions.keys() <= PROMISES.keys()
    assert all(len(reason) > 20 for reason in exceptions.values())
