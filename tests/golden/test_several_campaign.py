"""A campaign whose items may have several classes: what is told, what most say, what follows."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import Campaign, arrays, build, classes, multilabel, names, spec_of
from nextlabel.campaign.events import Asked, Told, read_entry, to_entry
from nextlabel.campaign.folding import fold
from nextlabel.campaign.history import history
from nextlabel.campaign.majority import majority
from nextlabel.core.task import Label, Task
from nextlabel.errors import (
    CampaignError,
    LabelError,
    LearnerError,
    MissingSignal,
    NextlabelError,
    ParameterError,
)
from nextlabel.learners.sklearn import SklearnLearner

TASK = multilabel("cat", "dog", "bird")
MAX = {"name": "margin", "of": "marginals", "reduce": "max"}


def made(path: Path | None = None, strategy: Any = "random", task: Task = TASK, **options: Any) -> Campaign:
    items = np.random.default_rng(1).normal(size=(40, 4)).astype(np.float32)
    return Campaign.create(path, arrays(items), "sklearn", strategy, task, seed=2, **options)


def truth(id: str) -> list[str]:
    return [name for place, name in enumerate(TASK.classes) if int(id) >> place & 1]


def test_answers_are_kept_in_the_tasks_order_and_stand_in_the_journal_as_lists() -> None:
    with made() as campaign:
        assert campaign.tell({"0": {"dog", "cat"}, "1": ["bird", "cat", "bird"], "2": ()}) == 3
        kept = {"0": ("cat", "dog"), "1": ("cat", "bird"), "2": ()}
        assert campaign.state.labels() == campaign.state.training() == kept
        entry = campaign.journal()[-1]
        assert entry["labels"] == {id: list(label) for id, label in kept.items()}
        event = read_entry(entry)
        assert isinstance(event, Told)
        assert event.labels == kept
        assert to_entry(event) == entry
        assert campaign.state.class_counts == {"cat": 2, "dog": 1, "bird": 1}
        assert campaign.state.labelled == 3


def test_a_journal_on_the_disk_says_the_same_when_opened_again(tmp_path: Path) -> None:
    with made(tmp_path / "several.db") as campaign:
        campaign.tell({"0": ["dog", "cat"], "1": []}, suggestions={"0": ["cat"], "1": ["bird", "dog"]})
        items = campaign.pool
        before = campaign.state
    with Campaign.open(tmp_path / "several.db", pool=items) as campaign:
        assert campaign.state == before
        assert campaign.state.task == TASK
        assert campaign.history("1")[0]["suggestion"] == ["dog", "bird"]
        assert campaign.history("1")[0]["label"] == []


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ([], None),
        ([("a", "b")], ("a", "b")),
        ([()], ()),
        ([("a", "b"), ("a",), ("b",)], ("a", "b")),  # nobody said so, and two of three say each
        ([("a", "b"), ("c",), ()], ()),
        ([("a",), ("b",)], ("b",)),  # one against one: the one told last says, of both classes
        ([("b",), ("a",)], ("a",)),
        ([("a", "b"), ("b", "c")], ("b", "c")),
        ([("a",), ("a", "b"), ("b", "c"), ("c",)], ("c",)),  # two of four each; the last says c alone
    ],
)
def test_each_class_is_decided_by_most_and_a_draw_by_the_last(
    said: list[tuple[str, ...]], label: Label | None
) -> None:
    people = [(f"person {place}", one) for place, one in enumerate(said)]
    assert majority(people, multilabel("a", "b", "c")) == label


def test_one_class_is_decided_as_before() -> None:
    task = classes("a", "b", "c")
    assert majority([("x", "a"), ("y", "b"), ("z", "a")], task) == "a"
    assert majority([("x", "a"), ("y", "b")], task) == "b"
    assert majority([], task) is None


def test_a_newer_answer_replaces_and_taking_it_back_leaves_none() -> None:
    with made() as campaign:
        campaign.tell({"0": ["cat"]}, annotator="anna")
        campaign.tell({"0": []}, annotator="anna")
        assert campaign.state.answers("0") == {"anna": ()}
        assert campaign.state.label("0") == ()
        campaign.tell({"0": ["cat", "dog"]}, annotator="ben")
        campaign.tell({"0": ["cat"]}, annotator="eve")
        assert campaign.state.label("0") == ("cat",)
        campaign.retract(["0"], "anna")
        campaign.retract(["0"], "eve")
        assert campaign.state.label("0") == ("cat", "dog")
        campaign.retract(["0"], "ben")
        assert campaign.state.labels() == {}


def test_a_request_is_known_again_whatever_the_order_of_its_classes() -> None:
    with made() as campaign:
        assert campaign.tell({"0": ["cat", "bird"]}, request="r") == 1
        assert campaign.tell({"0": ["bird", "cat", "cat"]}, request="r") == 0
        assert campaign.tell({"0": {"bird", "cat"}}, request="r") == 0
        campaign.revise(["bird", "dog", "cat"])
        assert campaign.tell({"0": ["cat", "bird"]}, request="r") == 0
        with pytest.raises(CampaignError, match="'r' was told before with other content"):
            campaign.tell({"0": ["cat"]}, request="r")


def test_renamed_and_merged_classes_are_read_as_they_are_called_now() -> None:
    with made() as campaign:
        campaign.tell({"0": ["cat", "dog"], "1": ["bird"], "2": ["dog"]})
        campaign.revise(["bird", "pet"], {"cat": "pet", "dog": "pet"})
        assert campaign.state.labels() == {"0": ("pet",), "1": ("bird",), "2": ("pet",)}
        assert campaign.state.task == multilabel("bird", "pet")
        campaign.tell({"3": ["dog", "bird"]})  # from an old page
        assert campaign.journal()[-1]["labels"] == {"3": ["bird", "dog"]}
        assert campaign.state.label("3") == ("bird", "pet")
        assert campaign.state.class_now(["cat", "dog"]) == ("pet",)
        assert campaign.state.class_now(["cow"]) is None
        assert campaign.state.class_now("bird") is None
        assert campaign.state.class_now(["bird", 3]) is None
        assert campaign.state.class_now(3) is None
        whole = fold(None, map(read_entry, campaign.journal()))
        assert whole == campaign.state


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda one: one.tell({"0": "cat", "1": ["dog"]}),
            LabelError,
            "Each label must be a list of classes out of cat, dog, bird, empty where none applies; 1 of 2 "
            "are not: '0': 'cat' (did you mean ['cat']?).",
        ),
        (
            lambda one: one.tell({"0": ["dog", "catt"]}),
            LabelError,
            "'0': ['dog', 'catt'] (did you mean 'cat'?)",
        ),
        (lambda one: one.tell({"0": ["dog", 7]}), LabelError, "1 of 1 are not: '0': ['dog', 7]. Mend"),
        (lambda one: one.tell({"0": {"dog", "catt"}}), LabelError, "1 of 1 are not: '0': {'"),
        (lambda one: one.tell({"0": None}), LabelError, "'0': None. Mend"),
        (
            lambda one: one.tell({"0": []}, suggestions={"0": ["x"]}),
            LabelError,
            "Each suggestion must be a list",
        ),
        (lambda one: one.revise(["cat", "dog", "bird", "a;b"]), ParameterError, "received 'a;b'"),
        (lambda one: one.revise(["cat", "dog", "(none)"], {"bird": "dog"}), ParameterError, "'(none)'"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    call: Callable[[Campaign], Any], error: type[Exception], says: str
) -> None:
    with made() as campaign:
        with pytest.raises(error, match=re.escape(says)):
            call(campaign)
        assert len(campaign.journal()) == 1


def test_a_task_of_one_class_takes_no_list() -> None:
    with made(task=classes("cat", "dog")) as campaign, pytest.raises(LabelError, match=r"'0': \['cat'\]"):
        campaign.tell({"0": ["cat"]})


def label(campaign: Campaign, rounds: int, batch: int = 5) -> list[Asked]:
    for _ in range(rounds):
        campaign.tell({id: truth(id) for id in campaign.ask(batch).ids})
    events = map(read_entry, campaign.journal())
    return [event for event in events if isinstance(event, Asked)]


def test_auto_asks_typical_items_and_then_what_a_class_is_unsure_of() -> None:
    with made(strategy="auto") as campaign:
        asked = label(campaign, 7)
        assert [event.strategy["name"] for event in asked] == ["typiclust"] + ["margin"] * 6
        assert dict(asked[-1].strategy) == MAX
        assert campaign.advise(5).strategy.to_dict() == MAX
        assert campaign.advise(5).rule == "several classes"


@pytest.mark.parametrize("name", ["margin", "entropy", "least_confident"])
@pytest.mark.parametrize("reduce", ["sum", "max"])
def test_what_reads_marginals_picks_as_on_arrays(name: str, reduce: str) -> None:
    strategy = {"name": name, "of": "marginals", "reduce": reduce}
    with made(strategy=strategy) as campaign:
        label(campaign, 2)
        model = campaign.fit()
        there = campaign.state.available(0.0)
        said = model.signals(campaign.pool, there, {"marginals"}, np.random.default_rng(0))
        scores = build("strategy", strategy).score(said, np.random.default_rng(0))
        query = campaign.ask(4)
        best = [campaign.state.ids[there[row]] for row in np.argsort(-scores)[:4]]
        assert set(query.ids) == set(best)


def test_strategies_of_features_alone_can_be_used() -> None:
    with made(strategy="coreset") as campaign:
        assert len(label(campaign, 3)) == 3


@pytest.mark.parametrize("strategy", ["badge", "margin", "look_ahead"])
def test_a_strategy_that_reads_one_class_is_refused_with_those_that_do_not(strategy: str) -> None:
    says = "no model of several classes an item gives (SklearnLearner gives embedding, marginals). Use 'auto'"
    with pytest.raises(MissingSignal, match=re.escape(says)):
        made(strategy=strategy)


def test_a_changed_label_is_learnt_from() -> None:
    with made(strategy=MAX) as campaign:
        label(campaign, 2)
        before = campaign.fit().fingerprint
        assert campaign.fit().fingerprint == before
        id = next(iter(campaign.state.kept))
        campaign.tell({id: [name for name in TASK.classes if name not in truth(id)]})
        assert campaign.fit().fingerprint != before


def test_predictions_for_measuring_are_the_classes_that_are_as_probable_as_not() -> None:
    from nextlabel.campaign.fitting import turn

    with made() as campaign:
        label(campaign, 4)
        state = campaign.state
        this = turn(state, campaign.pool, state.round, state.unlabelled())
        model = SklearnLearner().fit_many(campaign.pool, [this.fit()], task=TASK)[0]
        found = this.predictions(model, np.arange(6))
        said = model.signals(campaign.pool, np.arange(6), {"marginals"}, np.random.default_rng(0))
        assert (found == (said["marginals"] >= 0.5)).all()
        assert found.dtype == np.int64
        assert this.signals(model, {"marginals"}).class_counts.tolist() == [*state.class_counts.values()]


def test_the_history_tells_a_list() -> None:
    told = {"event": "told", "version": 1, "at": 0.0, "labels": {"a": ["cat", "dog"]}}
    assert history("a", [told]) == [{"event": "told", "at": 0.0, "label": ["cat", "dog"]}]


def examples() -> list[dict[str, Any]]:
    specs = []
    for name in names("strategy"):
        try:
            specs.append(spec_of(build("strategy", name)).to_dict())
        except NextlabelError:
            continue  # a wrapper has no default
    return specs


@pytest.mark.parametrize("spec", examples(), ids=lambda spec: str(spec["name"]))
def test_every_strategy_is_refused_at_the_beginning_or_can_be_used_to_the_end(spec: dict[str, Any]) -> None:
    try:
        campaign = made(strategy=spec)
    except MissingSignal as refused:
        assert "no model of several classes an item gives" in str(refused)  # noqa: PT017
        return
    with campaign:
        label(campaign, 2, batch=20)
        assert campaign.state.labelled == 40


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "stochastic", "of": MAX, "beta": 1.0},
        {"name": "subsample", "of": MAX, "size": 10},
        {"name": "schedule", "of": ["typiclust", MAX], "after": [20]},
        {"name": "mixture", "of": ["random", MAX], "weights": [0.5, 0.5]},
    ],
    ids=lambda spec: str(spec["name"]),
)
def test_what_wraps_a_strategy_that_reads_marginals_can_be_used(spec: dict[str, Any]) -> None:
    with made(strategy=spec) as campaign:
        label(campaign, 2, batch=20)
        assert campaign.state.labelled == 40


@pytest.mark.parametrize("name", ["ensemble", "generative", "learning_loss", "pseudo_label", "self_training"])
def test_a_learner_that_cannot_fit_several_classes_is_refused_before_anybody_labels(name: str) -> None:
    learner = build("learner", {"name": name, "of": "torch"})
    says = f"^{type(learner).__name__} fits one class an item; received a task of several .cat, dog, bird."
    pool = arrays(np.zeros((9, 2)))
    for strategy in ("random", MAX, "auto"):
        with pytest.raises(LearnerError, match=says):
            Campaign.create(None, pool, learner, strategy, TASK, seed=0)
