"""Generated images beside labels: what is made and left out, what is carried, and the plain method."""

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import arrays, build, classes, multilabel, spec_of
from nextlabel.core.dataset import Dataset
from nextlabel.core.learner import Learner, Model
from nextlabel.core.rng import generator
from nextlabel.core.task import Task
from nextlabel.errors import LearnerError, NoLabels, ParameterError, UnknownName
from nextlabel.experiment.runner import Experiment
from nextlabel.learners.autoencoder import Autoencoder, Coder, Fitted, Identity, IdentityCoder
from nextlabel.learners.generated import errors_of, is_collapsed
from nextlabel.learners.generative import Generative, GenerativeModel
from nextlabel.learners.precomputed import Precomputed
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.learners.torch import TorchLearner
from nextlabel.testing.examples import example

TASK = classes("a", "b", "c")
ITEMS, START, BATCH = 48, 6, 4
NONE = np.empty(0, np.int64)
SMALL = TorchLearner(
    {"name": "mlp", "hidden": [6], "dropout": 0.2}, train={"name": "adam", "epochs": 3}, draws=3, device="cpu"
)
QUICK: dict[str, Any] = {
    "name": "vae_acgan",
    "latent": 4,
    "channels": 4,
    "epochs": 100,
    "more_epochs": 5,
    "chunk": 8,
    "learning_rate": 0.01,
    "device": "cpu",
}
LEARNERS: Mapping[str, Learner] = {"sklearn": SklearnLearner(), "torch": SMALL}


def images(items: int = ITEMS) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Three patterns of 8 × 8, each more or less bright from top to bottom, and which one each item is of."""
    rng = np.random.default_rng(3)
    of = np.arange(items) % 3
    slope = np.linspace(-1, 1, 8)[:, None] * rng.normal(scale=0.4, size=(items, 1, 1))
    made = rng.random((3, 8, 8))[of] + slope + 0.05 * rng.normal(size=(items, 8, 8))
    return made.astype(np.float32), of


IMAGES, TRUTH = images()
POOL = arrays(IMAGES)


@final
@dataclass(frozen=True)
class Telling(Learner):
    """Passes everything on, and keeps what it was given."""

    of: Learner
    seen: Any

    @property
    def provides(self) -> frozenset[str]:
        return self.of.provides

    def fit(
        self,
        pool: Any,
        labelled: NDArray[np.int64],
        labels: NDArray[np.int64],
        unlabelled: NDArray[np.int64],
        rng: np.random.Generator,
        *,
        task: Task,
        previous: Model | None = None,
    ) -> Model:
        self.seen.append((pool.take(labelled), labels, unlabelled, deepcopy(rng).random(), previous))
        return self.of.fit(pool, labelled, labels, unlabelled, rng, task=task, previous=previous)

    def load(self, path: Path) -> Model:
        return self.of.load(path)


@final
@dataclass(frozen=True)
class Making(Autoencoder):
    """An identity, but for what it does to the rows, and for what it says of its fit."""

    change: Any = None
    fault: str = ""

    def check_items(self, items: NDArray[Any]) -> None:
        pass

    def fit(
        self,
        items: NDArray[Any],
        labels: NDArray[np.int64],
        classes: int,
        rng: np.random.Generator,
        previous: Coder | None,
    ) -> "Made":
        return Made(IdentityCoder(items.shape[1:]), self.change, self.fault, previous is not None)

    def load(self, path: Path) -> "Made":
        return Made(Identity().load(path), self.change, self.fault, False)


@final
@dataclass(frozen=True)
class Made(Coder):
    """What it makes."""

    of: IdentityCoder
    change: Any
    fault: str
    went_on: bool

    @property
    def fitted(self) -> Fitted:
        return Fitted(3, (("reconstruction", 0.5),), self.fault)

    @property
    def fingerprint(self) -> str:
        return self.of.fingerprint

    def encode(self, items: NDArray[Any]) -> NDArray[Any]:
        return self.of.encode(items)

    def decode(self, codes: NDArray[Any], labels: NDArray[np.int64]) -> NDArray[Any]:
        made = self.of.decode(codes, labels)
        return made if self.change is None else np.asarray(self.change(made, labels))

    def drawn(self, labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        rows = rng.normal(size=(len(labels), *self.of.shape)).astype(np.float32)
        return rows if self.change is None else np.asarray(self.change(rows, labels))

    def save(self, path: Path) -> None:
        self.of.save(path)


def fitted(
    learner: Learner,
    labels: int,
    previous: Model | None = None,
    *,
    seed: int = 0,
    task: Task = TASK,
    pool: Any = POOL,
) -> Any:
    """A fit to the labels of the first items."""
    where, others = np.arange(labels), np.arange(labels, ITEMS)
    return learner.fit(pool, where, TRUTH[:labels], others, generator(seed), task=task, previous=previous)


def rounds(learner: Learner, many: int) -> list[GenerativeModel]:
    models: list[GenerativeModel] = []
    for number in range(many):
        models.append(fitted(learner, START + BATCH * number, models[-1] if models else None, seed=number))
    return models


@pytest.mark.parametrize("kind", LEARNERS)
def test_after_r_rounds_the_training_set_has_grown_by_two_batches_a_round(kind: str) -> None:
    """Told are r·b, trained on are |L₀| + 2·r·b; and each second item is the first, with its label."""
    learner = Telling(LEARNERS[kind], [])
    models = rounds(Generative(learner, autoencoder="identity"), 4)
    for round, (items, labels, others, drawn, inner) in enumerate(learner.seen):
        told = START + round * BATCH
        assert len(items) == len(labels) == START + 2 * round * BATCH
        assert np.array_equal(items, np.concatenate([IMAGES[:told], IMAGES[START:told]]))
        assert labels.tolist() == [*TRUTH[:told], *TRUTH[START:told]]
        assert others.tolist() == list(range(told, ITEMS))
        assert drawn == generator(round).random()
        assert inner is (models[round - 1].of if round else None)
        report = models[round].report
        assert (report.made, report.used, report.too_far, report.disagreed) == (round * BATCH,) * 2 + (0, 0)
        assert report.error == (0.0 if round else None)


@pytest.mark.parametrize("kind", LEARNERS)
def test_an_identity_is_training_on_each_new_item_twice(kind: str) -> None:
    learner = LEARNERS[kind]
    found = rounds(Generative(learner, autoencoder="identity"), 2)[-1]
    told = START + BATCH
    twice = arrays(np.concatenate([IMAGES, IMAGES[START:told]]))
    where = np.concatenate([np.arange(told), np.arange(ITEMS, ITEMS + BATCH)])
    labels = np.concatenate([TRUTH[:told], TRUTH[START:told]])
    expected = learner.fit(twice, where, labels, np.arange(told, ITEMS), generator(1), task=TASK)
    assert found.of.fingerprint == expected.fingerprint
    assert found.of.fingerprint != fitted(learner, told, seed=1).fingerprint


def test_what_an_identity_makes_is_worth_exactly_as_much() -> None:
    """a(x') = a(x): the same draws of the same model."""
    model = fitted(SMALL, 9)
    coder = Identity().fit(IMAGES, TRUTH, 3, generator(0), None)
    again = arrays(coder.decode(coder.encode(IMAGES), TRUTH))
    for name in ("proba", "expected_entropy", "mean_proba"):
        one, other = (model.signals(p, np.arange(ITEMS), {name}, generator(5))[name] for p in (POOL, again))
        assert np.array_equal(one, other)


def experiment(learner: Learner, strategies: list[str]) -> dict[str, list[Any]]:
    """Per strategy, what was asked for and how right the models were."""
    dataset = Dataset("patterns", "three patterns", POOL, TRUTH, TASK)
    made = {name: example("strategy", name) for name in strategies}
    ran = Experiment(dataset, learner, made, start=6, batch=4, budget=14, seeds=2, test=20).run()
    return {name: [(run.queried, run.accuracy) for run in ran.of(name)] for name in strategies}


@pytest.mark.parametrize("kind", LEARNERS)
def test_without_generation_it_is_the_plain_method_bit_for_bit(kind: str) -> None:
    learner, some = LEARNERS[kind], ["random", "margin", "badge"]
    assert experiment(Generative(learner, "none"), some) == experiment(learner, some)


def test_generation_changes_what_is_learnt() -> None:
    """The twin of the test above: it would see a difference."""
    learner = LEARNERS["sklearn"]
    assert experiment(Generative(learner, autoencoder="identity"), ["margin"]) != experiment(
        learner, ["margin"]
    )


@pytest.mark.parametrize("kind", LEARNERS)
@pytest.mark.parametrize("generation", ["none", "reconstruction", "random"])
def test_the_first_training_is_the_plain_one(kind: str, generation: Any) -> None:
    learner = LEARNERS[kind]
    model = fitted(Generative(learner, generation, QUICK), 9)
    assert model.of.fingerprint == fitted(learner, 9).fingerprint
    assert model.start == {str(number) for number in range(9)}
    assert model.report.skipped == (
        "generation is off" if generation == "none" else "no item was labelled since the start"
    )


def test_a_training_on_the_same_labels_makes_nothing() -> None:
    first = fitted(Generative(SklearnLearner(), autoencoder=QUICK), 9)
    assert fitted(Generative(SklearnLearner(), autoencoder=QUICK), 9, first).report.made == 0


def halves(made: NDArray[Any], labels: NDArray[np.int64]) -> NDArray[Any]:
    """Every other one far away."""
    far = made.copy()
    far[::2] += 50.0
    return far


def test_a_far_reconstruction_is_left_out() -> None:
    learner = Telling(SklearnLearner(), [])
    report = rounds(Generative(learner, autoencoder=Making(halves), must_agree=False), 2)[-1].report
    assert (report.made, report.too_far, report.disagreed, report.used) == (4, 2, 0, 2)
    assert np.array_equal(learner.seen[-1][0][-2:], IMAGES[[START + 1, START + 3]])
    assert learner.seen[-1][1][-2:].tolist() == TRUTH[[START + 1, START + 3]].tolist()
    ungated = Generative(learner, autoencoder=Making(halves), most_error=None, must_agree=False)
    assert rounds(ungated, 2)[-1].report.used == 4


def test_the_gate_is_a_share_of_the_variance_of_the_labelled_items() -> None:
    """Shifted by s, the error is s² over the mean variance of a pixel; the gate takes it in at that value."""
    shift = np.float32(0.25)
    shifted = Making(lambda made, labels: made + shift)
    told = START + BATCH
    share = errors_of(IMAGES[START:told] + shift, IMAGES[START:told], IMAGES[:told])
    by_hand = 0.25**2 / IMAGES[:told].astype(np.float64).var(axis=0).mean()
    np.testing.assert_allclose(share, by_hand, rtol=1e-5)
    for most, used in ((share.max(), BATCH), (share.min() * 0.999, 0)):
        learner = Generative(SklearnLearner(), autoencoder=shifted, most_error=float(most), must_agree=False)
        report = rounds(learner, 2)[-1].report
        assert (report.used, report.too_far) == (used, BATCH - used)
        assert report.error is not None
        assert math.isclose(report.error, share.mean())


def test_an_image_that_the_model_takes_for_another_class_is_left_out() -> None:
    """Each is made into the pattern of the next class: near enough for a wide gate, and told apart."""
    centres = np.stack([IMAGES[one::3].mean(axis=0) for one in range(3)])
    noise = 0.2 * np.random.default_rng(0).normal(size=(ITEMS, 8, 8)).astype(np.float32)
    right = Making(lambda made, labels: centres[labels] + noise[: len(made)])
    wrong = Making(lambda made, labels: centres[(labels + 1) % 3] + noise[: len(made)])
    for generation in ("reconstruction", "random"):
        for autoencoder, used in ((right, BATCH), (wrong, 0)):
            learner = Generative(SklearnLearner(), generation, autoencoder, most_error=None)
            report = rounds(learner, 2)[-1].report
            assert (report.used, report.disagreed) == (used, BATCH - used)
            report = rounds(replace(learner, must_agree=False), 2)[-1].report
            assert (report.used, report.disagreed) == (BATCH, 0)


def test_an_item_that_the_model_got_wrong_has_a_second_image_too() -> None:
    """A model of wrong labels is wrong of the rest: agreement is with its word for an item."""
    learner = Generative(SklearnLearner(), autoencoder="identity")
    where, others = np.arange(START), np.arange(START, ITEMS)
    turned = (TRUTH[:START] + 1) % 3
    first = learner.fit(POOL, where, turned, others, generator(0), task=TASK)
    said = first.signals(POOL, np.arange(START, START + BATCH), {"proba"}, generator(0))["proba"]
    assert (said.argmax(axis=1) != TRUTH[START : START + BATCH]).all()
    assert fitted(learner, START + BATCH, first).report.used == BATCH


def test_random_images_are_as_many_and_of_the_same_classes() -> None:
    told = Telling(SklearnLearner(), [])
    learner = Generative(told, "random", QUICK, must_agree=False)
    report = rounds(learner, 3)[-1].report
    items, labels, *_ = told.seen[-1]
    assert (report.used, report.error, report.fitted.fault) == (2 * BATCH, None, "")
    assert labels.tolist() == [*TRUTH[: START + 2 * BATCH], *TRUTH[START : START + 2 * BATCH]]
    assert not np.isclose(items[-2 * BATCH :], IMAGES[START : START + 2 * BATCH]).all()
    assert items.dtype == np.float32


FAULTS: Mapping[str, tuple[Autoencoder, str]] = {
    "not finite": (Making(lambda made, labels: made * np.nan), "diverged: generated items no longer finite"),
    "all alike": (
        Making(lambda made, labels: np.zeros_like(made)),
        "collapsed: the variance of what it makes is 0.0% of that of the items given",
    ),
    "fault of its own": (Making(fault="class head at chance: so"), "class head at chance: so"),
}


@pytest.mark.parametrize("kind", LEARNERS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_generator_at_fault_is_named_and_not_used(fault: str, kind: str) -> None:
    learner = LEARNERS[kind]
    autoencoder, words = FAULTS[fault]
    model = rounds(Generative(learner, autoencoder=autoencoder), 2)[-1]
    assert (model.report.skipped, model.report.made, model.report.used) == (words, 0, 0)
    assert model.report.fitted.epochs == 3
    assert model.coder is None  # the next begins from scratch
    plain = fitted(learner, START, seed=0)
    assert model.of.fingerprint == fitted(learner, START + BATCH, plain, seed=1).fingerprint


def test_a_training_rate_out_of_all_proportion_loses_no_label() -> None:
    wild = {**QUICK, "learning_rate": 1e30}
    models = rounds(Generative(SklearnLearner(), autoencoder=wild), 3)
    for number, model in enumerate(models[1:], 1):
        assert model.report.skipped.startswith("diverged: ")
        assert (
            model.of.fingerprint == fitted(SklearnLearner(), START + number * BATCH, seed=number).fingerprint
        )


def test_what_collapse_is() -> None:
    """Of two classes, images that are the mean of their class vary, but not within."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 5)
    given = 10.0 * labels[:, None] + rng.normal(size=(10, 3))
    means = np.stack([given[labels == one].mean(axis=0) for one in (0, 1)])[labels]
    assert is_collapsed(means, given, labels).startswith("collapsed: ")
    shrunk = means + 0.11 * (given - means)  # 1.21 % of the variance
    assert is_collapsed(shrunk, given, labels) == ""
    assert "0.8% of" in is_collapsed(means + 0.09 * (given - means), given, labels)
    assert is_collapsed(given[:1], given[:1], labels[:1]) == ""  # one item does not vary
    assert is_collapsed(np.zeros((2, 3)), given[[0, 5]], np.array([0, 1])).startswith("collapsed: ")


def test_where_labelled_items_do_not_vary_any_difference_is_infinite() -> None:
    same = np.ones((3, 2))
    moved = same[:2] + np.array([[0.0], [1.0]])
    assert errors_of(moved, same[:2], same).tolist() == [0.0, np.inf]


def test_nothing_unlabelled_is_no_obstacle() -> None:
    learner = Generative(SklearnLearner(), autoencoder="identity")
    first = fitted(learner, START)
    last = learner.fit(POOL, np.arange(ITEMS), TRUTH, NONE, generator(1), task=TASK, previous=first)
    assert last.report.used == ITEMS - START


def test_without_labels_at_the_start_all_labels_are_new() -> None:
    """The model of no labels cannot be asked, so that agreement waits for the next."""
    learner = Generative(SklearnLearner(), autoencoder="identity")
    if not SklearnLearner().provides_without_labels:
        with pytest.raises(NoLabels):
            fitted(learner, 0)
        return
    first = fitted(learner, 0)
    second = fitted(learner, START, first)
    assert (first.start, second.start) == (frozenset(), frozenset())
    assert second.report.skipped.startswith("the model before cannot judge: ")
    assert fitted(learner, START + 1, second).report.used == START + 1
    assert fitted(replace(learner, must_agree=False), START, first).report.used == START


def test_a_model_that_knows_its_items_alone_is_no_obstacle() -> None:
    learner = Generative(Precomputed({"proba": np.full((ITEMS, 3), 1 / 3)}), autoencoder="identity")
    report = rounds(learner, 2)[-1].report
    assert report.skipped.startswith("the model before cannot judge: Precomputed 'proba' must have one row")


@pytest.mark.parametrize("other", ["plain", "other classes"])
def test_after_a_foreign_model_the_start_is_now(other: str) -> None:
    told = Telling(SklearnLearner(), [])
    learner = Generative(told, autoencoder="identity")
    before: Any = fitted(SklearnLearner(), START)
    if other == "other classes":
        known = rounds(learner, 2)[-1]
        before = GenerativeModel(known.of, known.start, ("a", "b", "d"), known.coder, known.report)
    model = fitted(learner, 9, before)
    assert (len(model.start), model.report.used) == (9, 0)
    assert told.seen[-1][4] is (before if other == "plain" else before.of)


def test_the_start_is_known_by_ids_whatever_the_order() -> None:
    learner = Generative(SklearnLearner(), autoencoder="identity")
    first = fitted(learner, START)
    turned = arrays(IMAGES[::-1].copy(), list(POOL.ids)[::-1])
    where = np.arange(ITEMS)[::-1][: START + 2]
    model = learner.fit(turned, where, TRUTH[: START + 2], NONE, generator(1), task=TASK, previous=first)
    assert model.report.used == 2


def test_a_saved_model_goes_on_as_the_one_in_memory(tmp_path: Path) -> None:
    for generation in ("reconstruction", "random"):
        learner = Generative(SMALL, generation, QUICK, most_error=None, must_agree=False)
        second = rounds(learner, 2)[-1]
        assert second.report.used == BATCH
        second.save(tmp_path / generation)
        loaded = learner.load(tmp_path / generation)
        assert loaded.fingerprint == second.fingerprint
        assert loaded.report == second.report
        ends = [fitted(learner, START + 2 * BATCH, one, seed=7) for one in (second, loaded)]
        assert ends[0].fingerprint == ends[1].fingerprint
        assert ends[0].report.fitted.epochs == QUICK["more_epochs"]
        assert rounds(learner, 2)[-1].fingerprint == second.fingerprint


def test_a_faulty_model_is_saved_too(tmp_path: Path) -> None:
    learner = Generative(SklearnLearner(), autoencoder=Making(fault="diverged: so"))
    model = rounds(learner, 2)[-1]
    model.save(tmp_path / "model")
    assert learner.load(tmp_path / "model").fingerprint == model.fingerprint


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LearnerError, match=r"written by GenerativeModel\.save was expected; .*nothing"):
        Generative(SklearnLearner()).load(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("items", "shape"),
    [
        (np.zeros((9, 5)), r"shape \(5,\) and type float64"),
        (np.zeros((9, 3, 8)), r"shape \(3, 8\) and type float64"),
        (np.array(["a text"] * 9, dtype=object), r"shape \(\) and type object"),
    ],
    ids=["rows", "small", "texts"],
)
def test_items_that_are_no_images_are_refused_at_the_first_fit(items: NDArray[Any], shape: str) -> None:
    learner = Generative(SklearnLearner())
    with pytest.raises(LearnerError, match=f"'vae_acgan' makes images and needs them, .* {shape}"):
        fitted(learner, 3, pool=arrays(items))


@pytest.mark.parametrize(
    ("items", "kind"),
    [
        (np.array(["a text"] * 9, dtype=object), "object"),
        (np.array(["a text"] * 9), "<U6"),
        (np.array([["red", 1.0]] * 9, dtype=object), "object"),
    ],
    ids=["objects", "texts", "cells"],
)
def test_an_identity_needs_numbers(items: NDArray[Any], kind: str) -> None:
    learner = Generative(SklearnLearner(), autoencoder="identity")
    with pytest.raises(LearnerError, match=f"'identity' gives numbers back, .* type {kind}. Use generation="):
        fitted(learner, 3, pool=arrays(items))
    Identity().check_items(np.zeros((2, 3), bool))


def test_several_classes_an_item_are_refused() -> None:
    task = multilabel(TASK.classes)
    labels = np.zeros((3, 3), np.int64)
    learner = Generative(SklearnLearner())
    with pytest.raises(LearnerError, match="Generative fits one class an item"):
        learner.fit(POOL, np.arange(3), labels, NONE, generator(0), task=task)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"of": "sklearn"}, ParameterError, "Generative's 'of' must be a learner; received 'sklearn'"),
        ({"generation": "some"}, ParameterError, "generation.*'some'"),
        ({"most_error": 0.0}, ParameterError, "most_error.*above 0.*received 0"),
        ({"must_agree": 1}, ParameterError, "must_agree.*received 1"),
        ({"autoencoder": 3}, ParameterError, "must be a name, a mapping with one, or .* received 3"),
        (
            {"autoencoder": "vae"},
            UnknownName,
            "'vae' is not a named autoencoder. The names are: identity, vae_",
        ),
        (
            {"autoencoder": {"name": "vae_acgan", "depth": 3}},
            ParameterError,
            "'vae_acgan' has no such setting .*'depth'",
        ),
        (
            {"autoencoder": {"name": "vae_acgan", "epochs": 0}},
            ParameterError,
            "VaeAcgan.*epochs.*received 0",
        ),
        (
            {"autoencoder": "identity", "generation": "random"},
            ParameterError,
            "needs an autoencoder that has one; received .*identity",
        ),
        (
            {"of": Precomputed({"embedding": np.zeros((3, 2))})},
            LearnerError,
            "Generative needs a learner that gives 'proba'",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(settings: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Generative(**{"of": SklearnLearner(), **settings})


def test_a_learner_that_is_not_asked_needs_no_probabilities() -> None:
    learner = Telling(SklearnLearner(), [])
    assert Generative(learner, autoencoder="identity", must_agree=False).provides == learner.provides
    assert Generative(Precomputed({"embedding": np.zeros((ITEMS, 2))}), "none").provides == {"embedding"}


@final
@dataclass(frozen=True)
class Picky(Learner):
    """Refuses any pool but one."""

    of: Learner
    most: int

    @property
    def provides(self) -> frozenset[str]:
        return self.of.provides

    def fit(self, pool: Any, *given: Any, **more: Any) -> Model:
        given[3].random()
        if len(pool.ids) > self.most:
            raise LearnerError(f"{len(pool.ids)} are too many")
        return self.of.fit(pool, *given, **more)

    def load(self, path: Path) -> Model:
        return self.of.load(path)


def test_where_the_learner_cannot_be_fitted_to_them_it_is_fitted_to_the_labels() -> None:
    """With the numbers that it would have drawn."""
    model = rounds(Generative(Picky(SMALL, ITEMS), autoencoder="identity"), 2)[-1]
    assert model.report.skipped == "the learner cannot be fitted to them: 52 are too many"
    assert (model.report.made, model.report.used) == (BATCH, 0)
    assert model.of.fingerprint == fitted(Picky(SMALL, ITEMS), START + BATCH, seed=1).fingerprint
    with pytest.raises(LearnerError, match="48 are too many"):
        rounds(Generative(Picky(SMALL, 3), autoencoder="identity"), 1)


def test_it_remembers_where_anything_is_generated() -> None:
    assert Generative(SMALL).remembers
    assert not Generative(SMALL, "none").remembers
    assert Generative(replace(SMALL, continues=True), "none").remembers


def test_a_setting_survives_being_written_down() -> None:
    learner = Generative(SklearnLearner(), "random", QUICK)
    assert build("learner", spec_of(learner)) == learner
