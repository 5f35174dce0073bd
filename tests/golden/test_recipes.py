"""Recipes in a grid: each wraps each learner, and shares a fit with nobody who has another learner."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import build, classes
from nextlabel.core.signals import derivable
from nextlabel.core.spec import Spec
from nextlabel.errors import MissingSignal, ParameterError, UnknownName
from nextlabel.experiment.bench import run_settings
from nextlabel.experiment.compared import arms, compared
from nextlabel.experiment.curves import Results
from nextlabel.experiment.grid import Grid, Setting, settings
from nextlabel.experiment.recipes import Recipe, pair
from nextlabel.experiment.runner import Cell, Experiment
from nextlabel.experiment.wording import facts
from nextlabel.learners.ensemble import Ensemble
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.readers.arrays import arrays

MEMBERS = {"name": "pair", "as": "three", "strategy": "margin", "wraps": {"name": "ensemble", "members": 3}}
ALONE = {"name": "pair", "as": "alone", "strategy": "margin"}


def grid(**changes: Any) -> Grid:
    given: dict[str, Any] = {
        "datasets": ["digits"],
        "learners": [{"name": "sklearn", "estimator": "logistic"}],
        "strategies": ["margin", MEMBERS, ALONE],
        "budget": 40,
        "start": 20,
        "batch": 10,
        "seeds": 2,
        "test": 1000,
        "pool": 200,
        "ceiling_seeds": 1,
        **changes,
    }
    return Grid(**given)


def curve(results: Results, name: str) -> list[list[float]]:
    return [[float(one) for one in row] for row in results.accuracy(name)]


def test_a_recipe_wraps_each_learner_of_the_grid() -> None:
    two = [{"name": "sklearn", "estimator": "logistic"}, {"name": "sklearn", "estimator": "random_forest"}]
    given = [{**spec, "as": spec["estimator"]} for spec in two]
    for one, spec in zip(settings(grid(learners=given)), two, strict=True):
        learner = build("learner", spec)
        assert one.experiment.learner_of("margin") == one.experiment.learner_of("alone") == learner
        assert one.experiment.learner_of("three") == Ensemble(learner, members=3)
        assert one.experiment.learners == {"three": Ensemble(learner, members=3)}


def test_an_arm_with_a_learner_of_its_own_is_what_that_learner_gives_by_itself(tmp_path: Path) -> None:
    few = {"name": "random_forest", "n_estimators": 5}
    forest = {"name": "sklearn", "estimator": few}  # whose members differ
    (together,) = run_settings(tmp_path / "a", settings(grid(learners=[forest])))
    alone = grid(
        learners=[{"name": "ensemble", "of": forest, "members": 3}],
        strategies=[{"name": "margin", "as": "three"}],
    )
    (other,) = run_settings(tmp_path / "b", settings(alone))
    assert curve(together, "three") == curve(other, "three")
    assert curve(together, "three") != curve(together, "margin")


def test_arms_step_together_only_with_arms_of_an_equal_learner() -> None:
    (one,) = settings(grid())
    groups = [tuple(cell.strategy for cell in group) for group in one.experiment.groups(1)]
    assert groups == [("margin", "alone", "random")] * 2 + [("three",)] * 2


def test_equal_learners_that_stack_share_a_stack() -> None:
    learner = {"name": "torch", "network": {"name": "mlp", "hidden": [4]}}
    (one,) = settings(grid(learners=[learner]))
    assert one.experiment.learner.stacks
    groups = [{cell.strategy for cell in group} for group in one.experiment.groups(1)]
    assert groups == [{"margin", "alone", "random"}, {"three"}, {"three"}]


def test_a_learner_of_its_own_is_part_of_the_name_of_the_cell() -> None:
    (one,) = settings(grid())
    spec = one.experiment.spec
    assert spec(Cell("three", 0), "")["learner"]["name"] == "ensemble"
    assert spec(Cell("margin", 0), "")["learner"]["name"] == "sklearn"
    assert spec(Cell("", 0), "")["strategy"] is None
    said = facts(one.protocol())
    assert said["Learners of their own"].startswith("three: ensemble (of sklearn (")
    assert "Learners of their own" not in facts(settings(grid(strategies=["margin"]))[0].protocol())


def test_a_ceiling_is_of_the_learner_that_wraps_nothing(tmp_path: Path) -> None:
    forest = [{"name": "sklearn", "estimator": {"name": "random_forest", "n_estimators": 5}}]
    (first,) = run_settings(tmp_path, settings(grid(learners=forest, strategies=[MEMBERS], lead="three")))
    (second,) = run_settings(tmp_path / "b", settings(grid(learners=forest, strategies=["margin"])))
    assert first.protocol["ceiling"] == second.protocol["ceiling"]


def test_all_strategies_and_recipes_stand_side_by_side() -> None:
    (one,) = settings(
        grid(strategies=["all", {"name": "ensemble_vr", "as": "votes", "members": 2}], lead="votes")
    )
    assert {"margin", "badge", "votes"} <= set(one.experiment.strategies)
    assert "bald" in one.left_out
    assert "votes" not in one.left_out


def test_a_recipe_is_built_with_its_settings() -> None:
    strategies, recipes = arms(compared([{"name": "ceal", "strategy": "entropy"}, "margin"], "random", {}))
    assert [*strategies] == ["ceal", "margin", "random"]
    assert strategies["ceal"] == build("strategy", "entropy")
    assert [*recipes] == ["ceal"]


TEXTS = {"name": "sklearn", "estimator": "logistic", "features": "tfidf"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ceal", TEXTS),
        ("hast", TEXTS),
        ("nest", TEXTS),
        ("verips", {**TEXTS, "estimator": "mlp"}),
        ("ensemble_vr", {**TEXTS, "estimator": "mlp"}),
        ("learning_loss", {"name": "torch", "network": "mlp", "train": "sgd", "features": "tfidf"}),
    ],
)
def test_each_recipe_has_a_learner_of_its_own_for_other_items_than_images(name: str, expected: Any) -> None:
    recipe = build("recipe", name)
    own = recipe.own(TEXTS, name, is_image=False)
    assert own == expected
    assert recipe.picks().needs <= derivable(recipe.around(build("learner", own)).provides)
    images = recipe.own(TEXTS, name, is_image=True)
    assert images == (recipe.learner or expected)


@pytest.mark.parametrize("name", ["bgadl", "dbal"])
def test_a_recipe_that_needs_images_says_so(name: str) -> None:
    recipe = build("recipe", name)
    assert recipe.own(TEXTS, name, is_image=True) is recipe.learner
    with pytest.raises(ParameterError, match=f"The recipe '{name}' needs images, all of one size") as refused:
        recipe.own(TEXTS, name, is_image=False)
    given = re.search(r"--learner '(.*)'\.$", str(refused.value))
    assert (given is None) == bool(recipe.wraps)
    if given is not None:  # what it advises reads such items
        named = build("learner", Spec.read(json.loads(given[1])))
        named.require(arrays(np.array(["a text", "another"], dtype=object)), classes("no", "yes"))


def test_unknown_recipes_are_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"not a registered recipe\. Did you mean 'ensemble_vr'"):
        arms({"ensemble_rv": Spec("ensemble_rv")})
    with pytest.raises(UnknownName, match=r"not a registered strategy\. Did you mean 'margin'"):
        arms({"margn": Spec("margn")})


@pytest.mark.parametrize(
    "wraps", ["ensemble", {"members": 3}, {"name": "ensemble", "of": "torch"}], ids=["name", "none", "of"]
)
def test_a_wrapper_is_named_with_its_settings_and_left_open(wraps: Any) -> None:
    with pytest.raises(ParameterError, match=f"'wraps' must be .* received {wraps!r}".replace("{", r"\{")):
        Recipe("margin", wraps)


def test_a_learner_that_lacks_what_the_recipe_needs_is_refused_before_anything_runs() -> None:
    with pytest.raises(MissingSignal, match=r"BALD needs .* SklearnLearner"):
        settings(grid(strategies=["dbal"]))


def test_a_learner_belongs_to_a_strategy() -> None:
    given: dict[str, Any] = {"dataset": build("dataset", "digits"), "learner": SklearnLearner("logistic")}
    with pytest.raises(ParameterError, match="the strategies random; received one for 'margin'"):
        Experiment(
            **given,
            strategies={"random": build("strategy", "random")},
            start=20,
            batch=10,
            budget=40,
            test=500,
            learners={"margin": SklearnLearner("logistic")},
        )


def test_a_setting_without_recipes_is_what_it_was() -> None:
    (one,) = settings(grid(strategies=["margin"]))
    assert isinstance(one, Setting)
    assert one.experiment.learners == {}
    assert "learners" not in one.protocol()
    assert pair("margin").around(one.experiment.learner) is one.experiment.learner
    assert np.isfinite(one.experiment.run().accuracy("margin")).all()
