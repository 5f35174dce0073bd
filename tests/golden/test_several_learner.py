"""Scikit-learn classifiers of several classes an item: what they say, against closed forms and plain fits."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nextlabel import arrays, build, multilabel
from nextlabel.core.learner import Learner
from nextlabel.errors import LabelError, LearnerError, MissingSignal
from nextlabel.learners.precomputed import Precomputed
from nextlabel.learners.several import fitted_several, marginals, of_several
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.learners.sklearn_model import SklearnModel
from nextlabel.maths.axes import Array, Labels

RNG = np.random.default_rng(0)
ITEMS = RNG.normal(size=(60, 5)).astype(np.float32)
TRUTH: Labels = (ITEMS[:, :3] + 0.3 * RNG.normal(size=(60, 3)) > 0).astype(np.int64)
POOL = arrays(ITEMS)
TASK = multilabel("a", "b", "c")
SEEN, REST = np.arange(40), np.arange(40, 60)


def fit(learner: Learner, labels: Labels = TRUTH[:40], classes: Any = TASK) -> SklearnModel:
    model = learner.fit(POOL, SEEN[: len(labels)], labels, REST, np.random.default_rng(3), task=classes)
    assert isinstance(model, SklearnModel)
    return model


def said(model: SklearnModel, name: str = "marginals") -> Array:
    return model.signals(POOL, REST, {name}, np.random.default_rng(0))[name]


def test_each_class_is_fitted_as_if_it_were_alone() -> None:
    found = said(fit(SklearnLearner()))
    for number in range(3):
        alone = LogisticRegression(max_iter=1000).fit(ITEMS[:40], TRUTH[:40, number])
        assert found[:, number] == pytest.approx(alone.predict_proba(ITEMS[40:])[:, 1], abs=1e-6)


def test_one_class_is_a_question_of_yes_or_no() -> None:
    yes = multilabel("yes")
    alone = LogisticRegression(max_iter=1000).fit(ITEMS[:40], TRUTH[:40, 0])
    expected = alone.predict_proba(ITEMS[40:])[:, 1]
    found = said(fit(SklearnLearner(), TRUTH[:40, :1], yes))
    assert found[:, 0] == pytest.approx(expected, abs=1e-6)
    assert found.shape == (20, 1)
    network = said(fit(SklearnLearner({"name": "mlp", "max_iter": 20}), TRUTH[:40, :1], yes))
    assert network.shape == (20, 1)
    assert np.corrcoef(network[:, 0], expected)[0, 1] > 0.5


@pytest.mark.parametrize("estimator", ["logistic", "random_forest"])
def test_what_all_or_none_have_follows_the_rule_of_succession(estimator: str) -> None:
    labels = TRUTH[:10].copy()
    labels[:, 0], labels[:, 2] = 1, 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = said(fit(SklearnLearner(estimator), labels))
    assert found[:, 0] == pytest.approx(np.full(20, 11 / 12), abs=1e-6)
    assert found[:, 2] == pytest.approx(np.full(20, 1 / 12), abs=1e-6)
    assert np.ptp(found[:, 1]) > 0
    one = said(fit(SklearnLearner(estimator), np.array([[1, 0, 1]])))
    assert one == pytest.approx(np.tile([2 / 3, 1 / 3, 2 / 3], (20, 1)), abs=1e-6)


def test_a_constant_class_of_words_and_of_texts_is_constant_too() -> None:
    texts = np.array(["good film", "bad film", "long film", "short good film"], dtype=object)
    pool = arrays(texts)
    learner = SklearnLearner(features="tfidf")
    labels = np.array([[1, 0], [0, 0], [1, 0]])
    model = learner.fit(
        pool, np.arange(3), labels, np.array([3]), np.random.default_rng(0), task=multilabel("x", "y")
    )
    found = model.signals(pool, np.arange(4), {"marginals"}, np.random.default_rng(0))["marginals"]
    assert found[:, 1] == pytest.approx(np.full(4, 1 / 5), abs=1e-6)
    assert found[0, 0] > found[1, 0]


def test_a_network_has_an_output_for_each_class_and_its_hidden_layer() -> None:
    settings = {"hidden_layer_sizes": (7,), "max_iter": 30, "random_state": 0}
    model = fit(SklearnLearner(MLPClassifier(**settings)))
    number = int(np.random.default_rng(3).integers(2**31))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = MLPClassifier(**{**settings, "random_state": number}).fit(ITEMS[:40], TRUTH[:40])
    assert said(model) == pytest.approx(alone.predict_proba(ITEMS[40:]), abs=1e-6)
    assert said(model, "embedding").shape == (20, 7)
    assert not model.converged


def test_the_steps_of_a_pipeline_are_fitted_once_with_all_classes() -> None:
    learner = SklearnLearner(make_pipeline(StandardScaler(), LogisticRegression()))
    model = fit(learner)
    scaled = StandardScaler().fit(ITEMS[:40])
    alone = LogisticRegression().fit(scaled.transform(ITEMS[:40]), TRUTH[:40, 2])
    expected = alone.predict_proba(scaled.transform(ITEMS[40:]))[:, 1]
    assert said(model)[:, 2] == pytest.approx(expected, abs=1e-6)
    assert said(model, "embedding") == pytest.approx(scaled.transform(ITEMS[40:]), abs=1e-5)


def test_certain_items_stay_above_zero_and_below_one() -> None:
    items = np.array([[-1e6], [1e6]], np.float32)
    estimator = of_several(LogisticRegression())
    assert fitted_several(estimator, np.array([[-1.0], [1.0]] * 20), np.array([[0], [1]] * 20))
    found = marginals(estimator, items, 1)
    assert found.dtype == np.float32
    assert 0 < found[0, 0] < 1e-6
    assert 1 - 1e-6 < found[1, 0] < 1


def test_models_are_saved_and_loaded(tmp_path: Path) -> None:
    labels = TRUTH[:40].copy()
    labels[:, 1] = 0
    learner = SklearnLearner()
    model = fit(learner, labels)
    model.save(tmp_path / "model")
    loaded = learner.load(tmp_path / "model")
    assert loaded.fingerprint == model.fingerprint
    assert (said(loaded) == said(model)).all()


def test_without_labels_there_is_an_embedding_alone() -> None:
    model = fit(SklearnLearner(), np.empty((0, 3), np.int64))
    assert said(model, "embedding") == pytest.approx(ITEMS[40:])
    with pytest.raises(MissingSignal, match="'marginals'"):
        said(model)
    assert fit(SklearnLearner(), np.empty(0, np.int64)).fingerprint == model.fingerprint


def test_what_a_learner_provides_depends_on_the_task() -> None:
    learner = SklearnLearner()
    assert learner.provides_for(TASK) == {"marginals", "embedding"}
    one = build("learner", "torch")
    assert one.provides_for(TASK) == frozenset()
    assert Precomputed({"marginals": np.full((60, 3), 0.5)}).provides_for(TASK) == {"marginals"}


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (TRUTH[:40, :2], "axes (labelled, 3); received shape (40, 2)"),
        (TRUTH[:40] * 2, "must be 0 or 1"),
        (TRUTH[:40, 0], "axes (labelled, 3); received shape (40,)"),
        (TRUTH[:40].astype(float), "of type float64"),
        (TRUTH[:39], "received 40 positions and 39 labels"),
    ],
)
def test_labels_of_another_form_are_refused(labels: Any, says: str) -> None:
    with pytest.raises(LabelError, match=re.escape(says)):
        SklearnLearner().fit(POOL, SEEN, labels, REST, np.random.default_rng(0), task=TASK)


@pytest.mark.parametrize(
    ("learner", "called"),
    [
        ({"name": "torch", "device": "cpu"}, "TorchLearner"),
        ({"name": "ensemble", "of": "sklearn"}, "Ensemble"),
        ({"name": "entropy_minimisation"}, "EntropyMinimisation"),
    ],
)
def test_a_learner_of_one_class_says_so(learner: dict[str, Any], called: str) -> None:
    says = f"{called} fits one class an item; received a task of several (a, b, c). Use the learner 'sklearn'"
    with pytest.raises(LearnerError, match=re.escape(says)):
        fit(build("learner", learner))


def test_an_estimator_that_refuses_is_quoted_with_its_classes() -> None:
    learner = SklearnLearner(make_pipeline(SelectKBest(k=2), LogisticRegression()))
    with pytest.raises(LearnerError, match="on 40 labels of 3 classes, and refuses"):
        fit(learner)
