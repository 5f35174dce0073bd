"""Self-training: who is taken under each rule, with what weight, and the plain learner where nobody is."""

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import arrays, build, classes
from nextlabel.core.dataset import Dataset
from nextlabel.core.learner import Learner, Model
from nextlabel.core.rng import generator
from nextlabel.core.task import Task
from nextlabel.errors import LearnerError, NextlabelError, ParameterError
from nextlabel.experiment.runner import Experiment
from nextlabel.learners.acceptance import Rule
from nextlabel.learners.ensemble import Ensemble
from nextlabel.learners.entropy_minimisation import EntropyMinimisation
from nextlabel.learners.precomputed import Precomputed
from nextlabel.learners.pseudo_label import PseudoLabel
from nextlabel.learners.self_training import SelfTrained, SelfTraining, SelfTrainingModel
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.learners.torch import TorchLearner

TASK = classes("a", "b", "c")
ITEMS = 48
LABELLED = np.arange(6)
LEFT = np.arange(6, ITEMS)
NONE = np.empty(0, np.int64)
SMALL = TorchLearner({"name": "mlp", "hidden": [6]}, train={"name": "adam", "epochs": 30}, device="cpu")
LEARNERS: Mapping[str, Learner] = {"sklearn": SklearnLearner(), "torch": SMALL}


def blobs() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Three clouds around three directions."""
    rng = np.random.default_rng(3)
    of = np.arange(ITEMS) % 3
    spots = np.array([[4.0, 0.0], [-2.0, 3.4], [-2.0, -3.4]])[of] + rng.normal(scale=0.6, size=(ITEMS, 2))
    return spots.astype(np.float32), of


SPOTS, TRUTH = blobs()
POOL = arrays(SPOTS)


@final
@dataclass(frozen=True)
class Telling(Learner):
    """Says what it was told to say in each fit, and keeps what it was given."""

    of: tuple[Learner, ...]
    seen: Any
    takes_weights: bool = True

    @property
    def provides(self) -> frozenset[str]:
        return self.of[0].provides

    def fit(self, pool: Any, *given: Any, task: Task, previous: Model | None = None) -> Model:
        self.seen.append((*given[:3], None, previous, deepcopy(given[3]).random()))
        return self._next().fit(pool, *given, task=task, previous=previous)

    def fit_weighted(
        self, pool: Any, *given: Any, task: Task, weights: Any, previous: Model | None = None
    ) -> Model:
        self.seen.append((*given[:3], weights, previous, deepcopy(given[3]).random()))
        return self._next().fit(pool, *given, task=task, previous=previous)

    def _next(self) -> Learner:
        return self.of[min(len(self.seen), len(self.of)) - 1]

    def load(self, path: Path) -> Model:
        return self.of[0].load(path)


def saying(*opinions: Any, embedding: Any = SPOTS) -> Telling:
    """A model for each opinion, in the order of the fits; the last one says what all later ones say."""
    return Telling(tuple(Precomputed({"proba": one, "embedding": embedding}) for one in opinions), [])


def sure_of(of: Any, confidence: float = 0.9, many: int = 3) -> NDArray[np.float64]:
    """Probabilities of that confidence for the given classes, the rest shared."""
    proba = np.full((len(of), many), (1.0 - confidence) / (many - 1))
    proba[np.arange(len(of)), of] = confidence
    return proba


def fitted(learner: SelfTraining, *, seed: int = 0, previous: Model | None = None) -> SelfTrainingModel:
    given = LABELLED, TRUTH[LABELLED], LEFT, generator(seed)
    return learner.fit(POOL, *given, task=TASK, previous=previous)


def taken(learner: SelfTraining, **options: Any) -> list[int]:
    """The items that the last fit was given beside the labelled ones, and had predicted for labels."""
    told = learner.of
    assert isinstance(told, Telling)
    fitted(learner, **options)
    where, labels, left, *_ = told.seen[-1]
    assert where[:6].tolist() == LABELLED.tolist()
    assert labels[:6].tolist() == TRUTH[LABELLED].tolist()
    if len(where) > 6:
        assert sorted([*where, *left]) == list(range(ITEMS))
    return [int(one) for one in where[6:]]


def test_one_wrong_prediction_within_a_tight_cluster_is_refused() -> None:
    """Item 9 lies among those of class a and is predicted as b, however surely; all others agree."""
    said = TRUTH.copy()
    said[9] = 1
    learner = SelfTraining(saying(sure_of(said)), k=8)
    assert taken(learner) == [one for one in LEFT if one != 9]
    assert fitted(learner).report == SelfTrained(1, 42, 0, 1, 41, (13, 14, 14))


def test_where_all_agree_all_are_taken_with_the_class_that_is_predicted() -> None:
    learner = SelfTraining(saying(sure_of(TRUTH)), k=8)
    assert taken(learner) == LEFT.tolist()
    assert learner.of.seen[-1][1][6:].tolist() == TRUTH[LEFT].tolist()  # type: ignore[attr-defined]


@pytest.mark.parametrize("rule", ["neighbours", "threshold"])
def test_who_is_not_surer_than_the_confidence_is_not_taken(rule: Rule) -> None:
    proba = sure_of(TRUTH)
    proba[20] = [0.5, 0.25, 0.25]
    proba[21] = [0.5 + 1e-9, 0.25, 0.25 - 1e-9]
    learner = SelfTraining(saying(proba), rule, k=4)
    assert taken(learner) == [one for one in LEFT if one not in (20,) and not (one == 21 and TRUTH[21] != 0)]
    assert fitted(learner).report.unsure == 1


def test_only_the_direction_of_an_embedding_counts() -> None:
    stretched = SPOTS * np.random.default_rng(0).uniform(1e-3, 1e3, size=(ITEMS, 1))
    plain, other = (SelfTraining(saying(sure_of(TRUTH), embedding=one), k=6) for one in (SPOTS, stretched))
    assert taken(plain) == taken(other)


def test_labels_weigh_one_and_pseudo_labels_beta_times_the_rarity_of_their_class() -> None:
    """Of 42 items 14 a class, so 5·β = 0.5 beside 1; then 20, 14 and 8 of them; sums are 1."""
    learner = SelfTraining(saying(sure_of(TRUTH)), k=8, beta=0.1)
    fitted(learner)
    weights = learner.of.seen[-1][3]  # type: ignore[attr-defined]
    np.testing.assert_allclose(weights, np.repeat([1.0, 0.5], [6, 42]) / (6 + 21))
    said = TRUTH.copy()
    said[[8, 11, 14, 17, 20, 23]] = 0
    uneven = SelfTraining(saying(sure_of(said)), "threshold", beta=0.2)
    fitted(uneven)
    where, labels, _, weights, *_ = uneven.of.seen[-1]  # type: ignore[attr-defined]
    of = {0: 20, 1: 14, 2: 8}
    expected = [
        1.0 if place < 6 else 0.2 * 10 / (1 + math.exp(-(14 - of[label]) / of[label]))
        for place, label in enumerate(labels)
    ]
    np.testing.assert_allclose(weights, np.array(expected) / sum(expected))
    assert len(where) == 48
    rarest, commonest = (weights[6:][labels[6:] == one][0] for one in (2, 0))
    assert rarest > commonest


@pytest.mark.parametrize("kind", LEARNERS)
def test_the_weights_are_those_that_the_learner_is_trained_with(kind: str) -> None:
    of: Any = LEARNERS[kind]
    confidence = {"sklearn": 0.95, "torch": 0.45}[kind]
    learner = SelfTraining(of, "threshold", beta=0.25, is_balanced=False, confidence=confidence)
    model, plain = fitted(learner), of.fit(POOL, LABELLED, TRUTH[:6], LEFT, generator(0), task=TASK)
    proba = plain.signals(POOL, LEFT, {"proba"}, generator(0))["proba"]
    sure = proba.max(axis=1) > confidence
    assert 0 < sure.sum() == model.report.used < 42
    given = [*LABELLED, *LEFT[sure]], [*TRUTH[:6], *proba[sure].argmax(axis=1)]
    stream = generator(0).spawn(4)[3].spawn(2)[1].spawn(2)[1]
    weights = np.repeat([1.0, 0.25], [6, sure.sum()])
    expected = of.fit_weighted(
        POOL, *map(np.array, given), LEFT[~sure], stream, task=TASK, weights=weights, previous=plain
    )
    assert model.of.fingerprint == expected.fingerprint


def test_with_weights_of_one_any_learner_will_do() -> None:
    learner = SelfTraining(EntropyMinimisation(), "threshold", beta=1.0, is_balanced=False)
    assert fitted(learner).report.used > 0
    told = saying(sure_of(TRUTH))
    fitted(SelfTraining(told, "threshold", beta=1.0, is_balanced=False))
    assert told.seen[-1][3] is None


@pytest.mark.parametrize("kind", [*LEARNERS, "ensemble"])
def test_a_weight_of_nothing_is_the_plain_learner_bit_for_bit(kind: str) -> None:
    of = Ensemble(SMALL, members=2) if kind == "ensemble" else LEARNERS[kind]
    learner, some = SelfTraining(of, beta=0.0), ["margin", "badge", "random"]
    plain = of.fit(POOL, LABELLED, TRUTH[:6], LEFT, generator(0), task=TASK)
    assert fitted(learner).of.fingerprint == plain.fingerprint
    assert experiment(learner, some) == experiment(of, some)


def experiment(learner: Learner, strategies: list[str]) -> dict[str, list[Any]]:
    dataset = Dataset("blobs", "three clouds", POOL, TRUTH, TASK)
    made = {name: build("strategy", name) for name in strategies}
    ran = Experiment(dataset, learner, made, start=6, batch=4, budget=14, seeds=2, test=15).run()
    return {name: [(run.queried, run.accuracy) for run in ran.of(name)] for name in strategies}


@pytest.mark.parametrize("kind", LEARNERS)
def test_the_first_training_is_the_plain_one_and_stays_where_nothing_is_taken(kind: str) -> None:
    plain = LEARNERS[kind].fit(POOL, LABELLED, TRUTH[:6], LEFT, generator(0), task=TASK)
    model = fitted(SelfTraining(LEARNERS[kind], confidence=0.999999))
    assert model.of.fingerprint == plain.fingerprint
    assert model.report == SelfTrained(0, 42, 42, 0, 0, (0, 0, 0))


def test_the_subset_is_drawn_anew_from_the_generator() -> None:
    learner = SelfTraining(saying(sure_of(TRUTH)), "threshold", subset=10, iterations=2)
    sets = [taken(learner, seed=seed) for seed in (1, 1, 2, 3)]
    assert sets[0] == sets[1]
    assert len({tuple(one) for one in sets}) == 3
    assert all(one == sorted(set(one)) and len(one) == 10 for one in sets)
    first, last = (learner.of.seen[at][0][6:].tolist() for at in (1, 2))  # type: ignore[attr-defined]
    assert first != last  # of two iterations


def test_every_iteration_begins_with_the_labels() -> None:
    """What one took is not handed on to the next: the second model is sure of other items than the first."""
    first, second = sure_of(TRUTH, 0.4), sure_of(TRUTH, 0.4)
    first[10:20], second[30:34] = sure_of(TRUTH[10:20]), sure_of(TRUTH[30:34])
    told = saying(first, second)
    model = fitted(SelfTraining(told, "threshold", iterations=3))
    assert [len(seen[0]) - 6 for seen in told.seen] == [0, 10, 4, 4]
    assert told.seen[2][0][6:].tolist() == [30, 31, 32, 33]
    assert model.report == SelfTrained(3, 42, 38, 0, 4, tuple(np.bincount(TRUTH[30:34])))


def test_it_stops_where_nothing_is_taken_any_more() -> None:
    told = saying(sure_of(TRUTH), sure_of(TRUTH, 0.4))
    model = fitted(SelfTraining(told, "threshold", iterations=5))
    assert len(told.seen) == 2
    assert model.report == SelfTrained(1, 42, 42, 0, 0, (0, 0, 0))


@pytest.mark.parametrize("rule", ["entropy_verified", "margin_verified"])
def test_a_second_model_that_cannot_differ_is_refused_before_another_training(rule: Rule) -> None:
    told = Telling((SklearnLearner("logistic"),), [])
    with pytest.raises(LearnerError, match=rf"rule='{rule}' needs a second .* the two that Telling made are"):
        fitted(SelfTraining(told, rule))
    assert len(told.seen) == 2
    inner = PseudoLabel(SklearnLearner("logistic"))
    with pytest.raises(LearnerError, match="the two that PseudoLabel made are copies"):
        fitted(SelfTraining(inner, rule, beta=1.0, is_balanced=False))


def test_a_second_model_of_one_class_may_be_the_first_over_again() -> None:
    learner = SelfTraining(SklearnLearner("logistic"), "entropy_verified")
    where = LABELLED[TRUTH[LABELLED] == 0]
    model = learner.fit(POOL, where, TRUTH[where], LEFT, generator(0), task=TASK)
    assert model.report.looked_at == len(LEFT)


@pytest.mark.parametrize("rule", ["entropy_verified", "margin_verified"])
def test_a_second_model_must_say_the_same(rule: Rule) -> None:
    other = TRUTH.copy()
    other[[12, 30, 31]] = (other[[12, 30, 31]] + 1) % 3
    told = saying(sure_of(TRUTH, 0.98), sure_of(other, 0.98), sure_of(TRUTH))
    learner = SelfTraining(told, rule, confidence=0.8)
    assert taken(learner) == [one for one in LEFT if one not in (12, 30, 31)]
    first, second = told.seen[:2]
    assert second[0].tolist() == LABELLED.tolist()  # on the labels alone
    assert first[5] != second[5]  # from other random numbers


def test_the_second_model_is_fitted_once() -> None:
    told = saying(sure_of(TRUTH, 0.99), sure_of(TRUTH, 0.98), sure_of(TRUTH, 0.99))
    fitted(SelfTraining(told, "entropy_verified", iterations=3))
    assert [len(seen[0]) for seen in told.seen] == [6, 6, 48, 48, 48]


def test_divergence_is_measured_from_labelled_items() -> None:
    """Two labels of class a, 20 of 22 items taken: left out are those that are said to be b the loudest."""
    proba = sure_of(TRUTH)
    proba[[9, 33]] = sure_of(TRUTH[[10, 10]], 0.95)
    told = saying(proba)
    others = np.array([*range(6, ITEMS, 3), *range(7, 31, 3)])
    learner = SelfTraining(told, "neighbour_divergence", k=2)
    model = learner.fit(POOL, np.array([0, 3]), TRUTH[[0, 3]], others, generator(0), task=TASK)
    assert set(others) - set(told.seen[-1][0]) == {9, 33}
    assert model.report == SelfTrained(1, 22, 0, 2, 20, (12, 8, 0))


def test_a_learner_whose_weights_would_not_serve_is_refused_when_it_is_wrapped() -> None:
    careless = Telling(saying(sure_of(TRUTH)).of, [], takes_weights=False)
    with pytest.raises(
        LearnerError, match=r"needs .*fit_weighted.*; Telling as it is set up does not\. .*beta=1\.0"
    ):
        SelfTraining(careless)
    assert SelfTraining(careless, beta=1.0, is_balanced=False).beta == 1.0


def test_without_unlabelled_items_it_is_the_plain_learner() -> None:
    given = np.arange(ITEMS), TRUTH, NONE
    model = SelfTraining(SklearnLearner()).fit(POOL, *given, generator(0), task=TASK)
    assert model.of.fingerprint == SklearnLearner().fit(POOL, *given, generator(0), task=TASK).fingerprint
    assert model.report == SelfTrained(0, 0, 0, 0, 0, (0, 0, 0))


def test_the_learner_is_given_the_models_before_it() -> None:
    told = saying(sure_of(TRUTH))
    foreign = SklearnLearner().fit(POOL, LABELLED, TRUTH[:6], LEFT, generator(0), task=TASK)
    first = fitted(SelfTraining(told, "threshold"), previous=foreign)
    fitted(SelfTraining(told, "threshold"), previous=first)
    assert told.seen[0][4] is foreign
    assert told.seen[1][4] is not None
    assert told.seen[2][4] is first.of


@pytest.mark.parametrize("rule", ["threshold", "entropy_verified"])
def test_features_are_learnt_once_for_all_trainings(rule: Rule) -> None:
    of = SklearnLearner({"name": "mlp", "hidden_layer_sizes": [4], "max_iter": 400}, features="scale")
    first = of.fit(POOL, LABELLED, TRUTH[:6], LEFT, generator(0), task=TASK)
    told = Telling((of,), [])
    model = fitted(SelfTraining(told, rule, confidence=0.01), previous=first)
    assert model.report.used > 0
    assert model.of.features is first.features  # type: ignore[attr-defined]
    assert all(seen[4].features is first.features for seen in told.seen)
    told.seen.clear()
    alone: Any = fitted(SelfTraining(told, rule, confidence=0.01)).of
    assert [seen[4] is None for seen in told.seen] == [True, *[False] * (len(told.seen) - 1)]
    assert all(seen[4].features is alone.features for seen in told.seen[1:])


def test_it_remembers_where_what_it_wraps_does() -> None:
    assert not SelfTraining(SMALL).remembers
    assert SelfTraining(TorchLearner(continues=True)).remembers


@pytest.mark.parametrize("kind", LEARNERS)
def test_a_saved_model_is_whole(kind: str, tmp_path: Path) -> None:
    learner = SelfTraining(LEARNERS[kind], "threshold", confidence=0.4)
    model = fitted(learner)
    assert model.report.used > 0
    model.save(tmp_path / "model")
    loaded = learner.load(tmp_path / "model")
    assert (loaded.fingerprint, loaded.report) == (model.fingerprint, model.report)
    (tmp_path / "model" / "model.json").write_text('{"format": "nextlabel pseudo labels 1"}')
    with pytest.raises(LearnerError, match=r"written by SelfTrainingModel\.save was expected; .*model holds"):
        learner.load(tmp_path / "model")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"of": "sklearn"}, ParameterError, "SelfTraining's 'of' must be a learner; received 'sklearn'"),
        (
            {"of": Precomputed({"proba": np.full((2, 2), 0.5)})},
            LearnerError,
            "SelfTraining needs a learner that gives 'embedding'; Precomputed gives proba",
        ),
        (
            {"of": Precomputed({"embedding": np.zeros((2, 1))}), "rule": "threshold"},
            LearnerError,
            "SelfTraining needs a learner that gives 'proba'; Precomputed gives embedding",
        ),
        ({"rule": "vote"}, ParameterError, "'rule' must be .*'vote'"),
        ({"k": 1}, ParameterError, "'k' must be a whole number from 2 up; received 1"),
        ({"subset": 0}, ParameterError, "'subset' must be a whole number from 1 up; received 0"),
        ({"share": 1.0}, ParameterError, "'share' must be .*below 1; received 1.0"),
        ({"confidence": -0.1}, ParameterError, "'confidence' must be .*at least 0.*received -0.1"),
        ({"beta": -1}, ParameterError, "'beta' must be .*at least 0; received -1"),
        ({"is_balanced": "no"}, ParameterError, "'is_balanced' must be True or False; received 'no'"),
        ({"iterations": 0}, ParameterError, "'iterations' must be a whole number from 1 up; received 0"),
        (
            {"of": EntropyMinimisation()},
            LearnerError,
            r"\(fit_weighted\); EntropyMinimisation does not. .*is_balanced=False",
        ),
    ],
    ids=[
        "of", "embedding", "proba", "rule", "k", "subset", "share", "confidence", "beta", "balanced",
        "iterations", "weights",
    ],
)  # fmt: skip
def test_wrong_parameters_are_refused(
    settings: Mapping[str, Any], error: type[NextlabelError], message: str
) -> None:
    with pytest.raises(error, match=message):
        SelfTraining(**{"of": SklearnLearner(), **settings})
