"""The scikit-learn learner: where logits and embeddings come from, absent classes, randomness, refusals."""

import pickle
import re
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from nextlabel import arrays, classes, spec_of
from nextlabel.core.rng import generator
from nextlabel.core.signals import Signals
from nextlabel.errors import LearnerError, MissingSignal, NoLabels, ParameterError, UnknownName
from nextlabel.learners.sklearn import SklearnLearner, SklearnModel
from nextlabel.readers.arrays import ArrayPool

TASK = classes("a", "b", "c", "d")
ROWS = np.random.default_rng(0).normal(size=(30, 3)) + 3.0 * np.eye(3)[np.arange(30) % 3]
POOL = arrays(ROWS)
ALL = np.arange(30)


def fitted(
    estimator: Any = "logistic",
    labels: Any = ALL[:12] % 3,
    *,
    pool: ArrayPool = POOL,
    seed: int = 0,
    **settings: Any,
) -> SklearnModel:
    learner = SklearnLearner(estimator, **settings)
    where = np.arange(len(labels))
    return learner.fit(pool, where, np.asarray(labels), ALL[20:], generator(seed), task=TASK)


def said(model: SklearnModel, names: Collection[str], pool: ArrayPool = POOL) -> Signals:
    return model.signals(pool, np.arange(len(pool.ids)), names, generator(0))


def mlp(**settings: Any) -> dict[str, Any]:
    return {"name": "mlp", "hidden_layer_sizes": [5], "max_iter": 30, **settings}


@pytest.mark.parametrize("labels", [ALL[:12] % 3, ALL[:12] % 2, ALL[:12] % 2 * 3], ids=["abc", "ab", "ad"])
@pytest.mark.parametrize(
    "estimator", ["logistic", mlp(), mlp(hidden_layer_sizes=[4, 3]), "random_forest"], ids=str
)
def test_probabilities_are_those_of_the_estimator(estimator: Any, labels: Any) -> None:
    model = fitted(estimator, labels)
    expected = np.zeros((30, 4))
    expected[:, np.unique(labels)] = model.estimator.predict_proba(ROWS)
    proba = said(model, {"proba"})["proba"]
    np.testing.assert_allclose(proba, expected, atol=1e-6)
    assert (proba[:, np.setdiff1d(np.arange(4), labels)] == 0.0).all()


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_the_hidden_layer_leads_to_the_logits(activation: str) -> None:
    model = fitted(mlp(activation=activation, hidden_layer_sizes=[6, 5]), np.arange(12) % 4)
    signals = said(model, {"embedding", "logits", "residual"})
    assert signals["embedding"].shape == (30, 5)
    last = model.estimator
    logits = signals["embedding"] @ last.coefs_[-1] + last.intercepts_[-1]
    np.testing.assert_allclose(signals["logits"], logits, atol=1e-5)
    np.testing.assert_allclose(signals["proba"], last.predict_proba(ROWS), atol=1e-6)


def test_residuals_of_confident_items_do_not_round_to_zero() -> None:
    pool = arrays(np.array([[-400.0], [400.0], [-1.0], [1.0]]))
    model = fitted(LogisticRegression(C=1e6), [0, 1], pool=pool)
    assert (said(model, {"proba"}, pool)["proba"][0].max()) == 1.0
    assert 0.0 < -said(model, {"residual"}, pool)["residual"][0, 0] < 1e-6


def test_residuals_of_absent_classes_are_zero() -> None:
    residual = said(fitted("logistic", [0, 1, 0, 1]), {"residual"})["residual"]
    assert (residual[:, 2:] == 0.0).all()
    assert (residual[:, :2] != 0.0).all()


@pytest.mark.parametrize("estimator", ["logistic", mlp(), "random_forest", KNeighborsClassifier(1)], ids=str)
def test_one_class_is_predicted_for_certain(estimator: Any) -> None:
    proba = said(fitted(estimator, [2, 2]), {"proba"})["proba"]
    np.testing.assert_array_equal(proba, np.tile([0.0, 0.0, 1.0, 0.0], (30, 1)))


def test_one_class_leaves_the_steps_of_a_pipeline() -> None:
    model = fitted(make_pipeline(StandardScaler(), LogisticRegression()), [1, 1, 1])
    embedding = said(model, {"embedding"})["embedding"]
    np.testing.assert_allclose(embedding, StandardScaler().fit(ROWS[:3]).transform(ROWS), atol=1e-5)


def test_the_embedding_of_a_pipeline_is_its_last_transformer() -> None:
    pipeline = Pipeline([("scale", StandardScaler()), ("clip", StandardScaler()), ("end", GaussianNB())])
    first, last, raw = (
        said(fitted(pipeline, embedding=place), {"embedding"})["embedding"]
        for place in ("scale", None, "features")
    )
    once = StandardScaler().fit(ROWS[:12])
    np.testing.assert_allclose(first, once.transform(ROWS), atol=1e-5)
    twice = StandardScaler().fit(once.transform(ROWS[:12]))
    np.testing.assert_allclose(last, twice.transform(once.transform(ROWS)), atol=1e-5)
    np.testing.assert_allclose(raw, ROWS, rtol=1e-6)


def test_the_hidden_layer_of_a_pipeline_is_found() -> None:
    pipeline = make_pipeline(StandardScaler(), "passthrough", MLPClassifier((5,), max_iter=10))
    model = fitted(pipeline)
    assert said(model, {"embedding"})["embedding"].shape == (30, 5)
    np.testing.assert_allclose(
        said(model, {"proba"})["proba"][:, :3], model.estimator.predict_proba(ROWS), atol=1e-6
    )


def test_images_are_flattened() -> None:
    pool = arrays(ROWS.reshape(30, 1, 3))
    np.testing.assert_allclose(
        said(fitted("logistic", pool=pool), {"embedding"}, pool)["embedding"], ROWS, rtol=1e-6
    )


def test_text_needs_a_pipeline_that_reads_it() -> None:
    pool = arrays(["a cat", "a dog", "cat cat"] * 4)
    reader = make_pipeline(CountVectorizer(token_pattern=r"\w+"), LogisticRegression())
    embedding = said(fitted(reader, np.arange(6) % 2, pool=pool), {"embedding"}, pool)["embedding"]
    assert embedding[2].tolist() == [0.0, 2.0, 0.0]
    with pytest.raises(LearnerError, match="An embedding must be numbers; the items are of type <U7"):
        said(fitted(reader, np.arange(6) % 2, pool=pool, embedding="features"), {"embedding"}, pool)


def test_without_labels_only_features_are_offered() -> None:
    model = fitted("logistic", np.empty(0, np.int64))
    np.testing.assert_allclose(said(model, {"embedding"})["embedding"], ROWS, rtol=1e-6)
    with pytest.raises(
        MissingSignal, match=r"A model of no estimator was asked for 'proba', .* derives embedding"
    ):
        said(model, {"proba"})


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        ("mlp", "MLPClassifier must be fitted before it has the embedding 'hidden'; received no labels"),
        (make_pipeline(StandardScaler(), GaussianNB()), "GaussianNB must be .* embedding 'standardscaler'"),
    ],
)
def test_without_labels_a_fitted_embedding_is_refused(estimator: Any, message: str) -> None:
    with pytest.raises(NoLabels, match=message):
        fitted(estimator, np.empty(0, np.int64))


def test_the_generator_alone_decides_the_initial_weights() -> None:
    one, same, other = (fitted(mlp(max_iter=1, learning_rate_init=1e-12), seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.estimator.coefs_[0], same.estimator.coefs_[0])
    assert not np.array_equal(one.estimator.coefs_[0], other.estimator.coefs_[0])
    longer = fitted(mlp(max_iter=1, learning_rate_init=1e-12), ALL[:15] % 3)
    np.testing.assert_allclose(one.estimator.coefs_[0], longer.estimator.coefs_[0], atol=1e-9)


def test_the_randomness_of_nested_estimators_comes_from_the_generator() -> None:
    forest = make_pipeline(StandardScaler(), RandomForestClassifier(3, random_state=5))
    first, same, other = (fitted(forest, seed=seed).fingerprint for seed in (0, 0, 1))
    assert first == same != other
    assert forest.steps[1][1].random_state == 5  # the estimator that was given is not touched
    assert not hasattr(forest.steps[0][1], "mean_")


def test_a_cap_of_iterations_is_told_and_not_warned_about() -> None:
    assert not fitted(mlp(max_iter=1)).converged
    assert fitted("logistic").converged


def test_other_warnings_still_surface() -> None:
    class Loud(GaussianNB):  # type: ignore[misc]
        def fit(self, *given: Any) -> "Loud":
            warnings.warn("the data smell", RuntimeWarning, stacklevel=1)
            super().fit(*given)
            return self

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted(Loud())
    assert [str(one.message) for one in caught] == ["the data smell"]


def test_learners_round_names_are_values_and_round_objects_are_not() -> None:
    assert SklearnLearner({"name": "mlp", "alpha": 1.0}) == SklearnLearner({"name": "mlp", "alpha": 1.0})
    assert SklearnLearner({"name": "mlp", "alpha": 1.0}) != SklearnLearner("mlp")
    estimator = GaussianNB()
    assert SklearnLearner(estimator) == SklearnLearner(estimator)
    with pytest.raises(
        ParameterError, match=r"'sklearn' holds an object: .* GaussianNB is not JSON serializable"
    ):
        spec_of(SklearnLearner(estimator)).to_json()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            {"estimator": "perceptron"},
            UnknownName,
            "'perceptron' is not a named estimator. The names are: logistic",
        ),
        (
            {"estimator": {"name": "mlp", "depth": 3}},
            ParameterError,
            "'mlp' has no such setting .*depth.*: activation",
        ),
        ({"estimator": LinearRegression()}, LearnerError, "with predict_proba; LinearRegression has none"),
        ({"embedding": "hidden"}, LearnerError, "LogisticRegression is one of 'features'; received 'hidden'"),
        (
            {"estimator": make_pipeline(StandardScaler(), MLPClassifier()), "embedding": "scaler"},
            LearnerError,
            "one of 'standardscaler', 'features', 'hidden'; received 'scaler'",
        ),
        ({"chunk": 0}, ParameterError, "'chunk' must be a whole number from 1 up; received 0"),
    ],
)
def test_a_wrong_setting_is_refused_at_once(settings: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SklearnLearner(**settings)


def test_what_the_estimator_refuses_is_quoted() -> None:
    pool = arrays(np.where(ROWS[3, 0] == ROWS, np.nan, ROWS))
    with pytest.raises(
        LearnerError, match=r"LogisticRegression .* on 12 labels of 3 classes, and refuses: Input X"
    ):
        fitted("logistic", pool=pool)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(LearnerError, match=r"SklearnModel.save was expected; .*other holds something else"):
        SklearnLearner().load(path)


@pytest.mark.parametrize("estimator", [LogisticRegression, 3])
def test_what_is_no_estimator_object_is_refused(estimator: Any) -> None:
    with pytest.raises(LearnerError, match=re.escape(f"scikit-learn classifier; received {estimator!r}")):
        SklearnLearner(estimator)
