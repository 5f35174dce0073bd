"""How a cell begins: a drawn start set, some of each class, or nothing at all; and a pool that is cut."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from nextlabel import Campaign, Strategy, arrays, build, classes
from nextlabel.campaign.turn import Turn
from nextlabel.core.dataset import Dataset
from nextlabel.experiment.runner import Cell, Experiment, run_group
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.strategies.class_balanced import ClassBalanced
from nextlabel.strategies.coreset import CoreSet
from nextlabel.strategies.entropy import Entropy
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.mixture import Mixture
from nextlabel.strategies.random import Random
from nextlabel.strategies.schedule import Schedule
from nextlabel.strategies.subsample import Subsample
from nextlabel.strategies.typiclust import TypiClust

STRATEGIES: Mapping[str, Strategy] = {
    "typiclust": TypiClust(),
    "margin": Margin(),
    "entropy": Entropy(),
    "random": Random(),
}


def experiment(counts: tuple[int, ...] = (30, 27, 3), **changes: Any) -> Experiment:
    """Three clusters on a line with so many items each."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(counts)), counts)
    items = (labels[:, None] + 0.3 * rng.standard_normal((len(labels), 2))).astype(np.float32)
    data = Dataset("clusters", "three clusters", arrays(items), labels, classes("a", "b", "c"))
    given: dict[str, Any] = {"start": 0, "batch": 5, "budget": 15, "seeds": 2, "test": 10, **changes}
    return Experiment(data, SklearnLearner("logistic"), STRATEGIES, **given)


def labels_of(one: Experiment, positions: Any) -> list[int]:
    return [int(label) for label in np.asarray(one.dataset.labels)[positions]]


@pytest.mark.parametrize("seed", range(20))
def test_a_start_of_each_class_has_as_many_of_each(seed: int) -> None:
    one = experiment(per_class=2)
    test, start, rest = one.split(seed)
    found = np.bincount(labels_of(one, start), minlength=3)
    in_pool = np.bincount(labels_of(one, np.concatenate([start, rest])), minlength=3)
    assert len(start) == one.started == one.sizes[0] == 6
    assert sorted([*test, *start, *rest]) == list(range(60))
    assert (found >= np.minimum(2, in_pool)).all()  # a class that lacks items is made up for by others


def test_a_uniform_draw_may_come_beside_some_of_each_class() -> None:
    one = experiment(start=3, per_class=1)
    _, start, _ = one.split(0)
    assert len(set(start.tolist())) == one.started == 6
    assert set(labels_of(one, start)) == {0, 1, 2}


@pytest.mark.parametrize("seed", [0, 1])
def test_a_cut_pool_is_the_beginning_of_the_whole_one(seed: int) -> None:
    whole, cut = experiment(start=4), experiment(start=4, pool=25)
    test, start, rest = cut.split(seed)
    assert test.tolist() == whole.split(seed)[0].tolist()
    assert start.tolist() == whole.split(seed)[1].tolist()
    assert len(rest) == 21
    assert set(rest) < set(whole.split(seed)[2])
    asked = {int(id) for batch in run_group(cut, (Cell("margin", seed),))[0].queried for id in batch}
    assert asked <= {*start.tolist(), *rest.tolist()}


def test_without_a_start_those_who_can_pick_and_the_others_share_a_draw() -> None:
    one = experiment()
    runs = {run.strategy: run for run in run_group(one, one.groups(1)[0])}
    drawn = [str(place) for place in one.opening(0)]
    for name in ("margin", "entropy", "random"):
        assert list(runs[name].queried[0]) == drawn
    assert set(runs["typiclust"].queried[0]) != set(drawn)
    assert runs["typiclust"].labels == runs["margin"].labels == (5, 10, 15)


def test_the_opening_pick_is_the_strategy_s_own_on_the_embedding() -> None:
    one = Experiment(
        experiment().dataset,
        SklearnLearner("logistic"),
        {"coreset": CoreSet(), "random": Random()},
        start=0,
        batch=4,
        budget=8,
        seeds=2,
        test=10,
    )
    (run,) = run_group(one, (Cell("coreset", 0),))
    _, _, pool = one.split(0)
    turn = Turn(one.dataset.pool, one.dataset.task, 0, 0, pool[:0], pool[:0], pool)
    model = one.learner.fit(
        one.dataset.pool, pool[:0], pool[:0], pool, np.random.default_rng(0), task=one.dataset.task
    )
    said = turn.signals(model, CoreSet().needs, CoreSet().needs_labelled)
    picked = pool[turn.pick(CoreSet(), said, 4, "coreset").positions]
    assert list(run.queried[0]) == [str(place) for place in picked]


def test_a_learner_with_nothing_to_offer_without_labels_leaves_all_to_the_draw() -> None:
    pytest.importorskip("torch")
    one = Experiment(
        experiment().dataset,
        build(
            "learner",
            {
                "name": "torch",
                "network": {"name": "mlp", "hidden": [4]},
                "train": {"name": "adam", "epochs": 2},
            },
        ),
        {"typiclust": TypiClust(), "random": Random()},
        start=0,
        batch=4,
        budget=8,
        seeds=2,
        test=10,
    )
    runs = run_group(one, one.groups(1)[0])
    assert len({run.queried[0] for run in runs if run.seed == 0}) == 1


def test_seeds_that_are_named_are_run() -> None:
    one = experiment(start=4, seeds=[7, 3])
    assert one.run().seeds == (3, 7)
    assert one.protocol()["seeds"] == [7, 3]
    assert (
        one.run().of("margin")[1].queried
        == run_group(experiment(start=4, seeds=8), (Cell("margin", 7),))[0].queried
    )


def test_a_schedule_opens_by_its_first_method_which_needs_less_than_all() -> None:
    schedule = Schedule((TypiClust(), Margin()), (10,))
    assert schedule.opening == TypiClust()
    assert Schedule((schedule, Margin()), (12,)).opening == TypiClust()
    one = experiment()
    named = {"typiclust": schedule, "margin": Margin()}
    sizes: dict[str, Any] = {"start": 0, "batch": 5, "budget": 15, "seeds": 2, "test": 10}
    cells = (Cell("typiclust", 0), Cell("margin", 0))
    plain, _ = run_group(one, cells)
    scheduled, margin = run_group(Experiment(one.dataset, one.learner, named, **sizes), cells)
    assert scheduled.queried[0] == plain.queried[0] != margin.queried[0]


def test_wrappers_open_by_what_they_wrap() -> None:
    schedule = Schedule((TypiClust(), Margin()), (10,))
    assert Subsample(schedule, size=9).opening == Subsample(TypiClust(), size=9)
    assert ClassBalanced(schedule).opening == ClassBalanced(TypiClust())
    assert Mixture((schedule, Random()), (3.0, 1.0)).opening == Mixture((TypiClust(), Random()), (3.0, 1.0))
    for plain in (Subsample(Margin()), ClassBalanced(Margin()), Mixture((Margin(), Random())), Margin()):
        assert plain.opening is plain


def test_a_campaign_by_a_schedule_opens_so_too() -> None:
    pool, task = experiment().dataset.pool, classes("a", "b", "c")
    schedule = Schedule((TypiClust(), Margin()), (10,))
    with Campaign.create(None, pool, "sklearn", schedule, task, seed=0) as campaign:
        assert campaign.state.created.opening["name"] == "typiclust"  # type: ignore[index]
    with Campaign.create(None, pool, "sklearn", schedule, task, seed=0, opening="random") as campaign:
        assert campaign.state.created.opening["name"] == "random"  # type: ignore[index]
