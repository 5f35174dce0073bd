"""A model handed on as a scikit-learn pipeline says what the model says, without nextlabel."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from nextlabel import arrays, build, classes, multilabel
from nextlabel.core.rng import generator
from nextlabel.errors import DatasetMissing, LearnerError
from nextlabel.learners.column_transformer import missing_name
from nextlabel.learners.portable import ItemFeatures
from nextlabel.learners.sklearn import SklearnLearner

TASK = classes("x", "y", "never labelled", "z")
LABELS = np.array([0, 1, 3] * 10)
SEVERAL = multilabel("p", "q", "r")
RNG = np.random.default_rng(5)
WORDS = ["red", "blue", "Cat", "dog", "ÉCOLE", "naïve", "x2", "don't", "foo_bar"]
TEXTS = np.array([" ".join(RNG.choice(WORDS, 6)) for _ in range(60)], dtype=object)
NUMBERS = RNG.normal(size=(60, 4)) * [1, 100, 1e-3, 0] + [0, 1e6, 5, 7]
IMAGES = (RNG.random((60, 12, 12, 3)) * 255).astype(np.uint8)


def table() -> NDArray[Any]:
    """Names with both kinds of missing cells, numbers with and without, and one column that does not vary."""
    rows = np.empty((60, 5), dtype=object)
    rows[:, 0] = RNG.choice(np.array(["red", "blue", "(missing)", "", None, float("nan")], dtype=object), 60)
    rows[:, 1] = RNG.choice(np.array(["yes", "no"], dtype=object), 60)
    rows[:, 2] = NUMBERS[:, 1]
    rows[:, 3] = [None if one < 0.3 else one for one in RNG.random(60)]
    rows[:, 4] = 7.0
    return rows


ROWS = table()
POOLS: dict[str, tuple[NDArray[Any], Any]] = {
    "texts": (TEXTS, {"name": "tfidf", "least_texts": 1}),
    "runs of characters": (TEXTS, {"name": "tfidf", "unit": "char_wb", "words": [2, 3]}),
    "plain counts": (TEXTS, {"name": "tfidf", "is_sublinear": False}),
    "table": (ROWS, "table"),
    "few names": (ROWS, {"name": "table", "most_names": 1}),
    "scaled": (NUMBERS, "scale"),
    "scaled images": (IMAGES, "scale"),
    "numbers": (NUMBERS, None),
    "images": (IMAGES[..., 0] / 255, None),
    "histograms": (IMAGES, "hog"),
}


def fit(
    items: NDArray[Any], features: Any, estimator: Any = "logistic", labels: Any = LABELS, task: Any = TASK
) -> Any:
    where = np.arange(0, 2 * len(labels), 2)
    rest = np.setdiff1d(np.arange(60), where)
    learner = SklearnLearner(estimator, features=features)
    return learner.fit(arrays(items), where, labels, rest, generator(0), task=task)


def said(model: Any, items: NDArray[Any], name: str = "proba") -> NDArray[Any]:
    array: NDArray[Any] = model.signals(arrays(items), np.arange(len(items)), {name}, generator(0))[name]
    return array


@pytest.mark.parametrize("kind", POOLS)
def test_the_pipeline_says_what_the_model_says(kind: str) -> None:
    items, features = POOLS[kind]
    if kind == "histograms":
        pytest.importorskip("skimage")
    model = fit(items, features)
    made = model.portable(TASK)
    proba = said(model, items)[:, [0, 1, 3]]
    assert made.classes_.tolist() == ["x", "y", "z"]
    np.testing.assert_allclose(made.predict_proba(items), proba, atol=1e-6)
    assert made.predict(items).tolist() == made.classes_[proba.argmax(axis=1)].tolist()


@pytest.mark.parametrize("kind", ["texts", "table", "few names", "scaled"])
def test_its_features_are_those_of_the_model_bit_for_bit(kind: str) -> None:
    items, features = POOLS[kind]
    model = fit(items, features)
    made, own = model.portable(TASK)[:-1].transform(items), model.features.rows(items)
    assert made.dtype == own.dtype
    if kind == "texts":
        made, own = made.toarray(), own.toarray()
    np.testing.assert_array_equal(made, own)


def test_cells_that_were_never_seen_are_read_as_the_model_reads_them() -> None:
    model = fit(ROWS, "table")
    other = ROWS[:4].copy()
    other[0] = [None, None, float("nan"), None, None]
    other[1] = ["green", "perhaps", -1.0, 2.0, 8.0]
    other[2] = [5.0, "no", "3", 1, True]
    other[3, 0] = "(missing)"
    np.testing.assert_allclose(
        model.portable(TASK).predict_proba(other), said(model, other)[:, [0, 1, 3]], atol=1e-6
    )


def test_a_missing_cell_has_a_name_that_no_cell_has() -> None:
    plain = missing_name(["(missing)"])
    assert missing_name([plain, "a", f"\ufdd0{plain}"]) == f"\ufdd0\ufdd0{plain}"


ESTIMATORS: dict[str, Any] = {
    "mlp": {"name": "mlp", "max_iter": 30},
    "random_forest": {"name": "random_forest", "n_estimators": 7},
    "another": GaussianNB(),
    "a loss with probabilities": SGDClassifier(loss="log_loss"),
}


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("labels", [LABELS, LABELS % 2, LABELS * 0 + 1], ids=["three", "two", "one"])
def test_every_estimator_says_names(name: str, labels: NDArray[Any]) -> None:
    numbers = NUMBERS / [1, 1e6, 1, 1]
    model = fit(numbers, None, ESTIMATORS[name], labels)
    made = model.portable(TASK)
    present = np.unique(labels)
    proba = said(model, numbers)[:, present]
    np.testing.assert_allclose(made.predict_proba(numbers), proba, atol=1e-6)
    clear = np.ptp(np.sort(np.pad(proba, ((0, 0), (1, 0))), axis=1)[:, -2:], axis=1) > 1e-6
    expected = [TASK.classes[present[one]] for one in proba.argmax(axis=1)]
    assert made.predict(numbers)[clear].tolist() == np.array(expected)[clear].tolist()
    assert clear.mean() > 0.5


def test_the_model_itself_is_left_as_it_was() -> None:
    model = fit(NUMBERS, "scale", ESTIMATORS["mlp"])
    before = model.fingerprint, said(model, NUMBERS).tobytes()
    model.portable(TASK)
    assert model.estimator.classes_.tolist() == [0, 1, 3]
    assert (model.fingerprint, said(model, NUMBERS).tobytes()) == before


def test_a_pipeline_of_somebody_else_is_handed_on_whole() -> None:
    model = fit(TEXTS, None, make_pipeline(CountVectorizer(), GaussianNBOfCounts()))
    made = model.portable(TASK)
    np.testing.assert_allclose(made.predict_proba(TEXTS), said(model, TEXTS)[:, [0, 1, 3]], atol=1e-6)
    assert set(made.predict(TEXTS)) <= {"x", "y", "z"}


class GaussianNBOfCounts(GaussianNB):  # type: ignore[misc]
    """Reads sparse counts."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(X.toarray(), y)

    def predict_joint_log_proba(self, X: Any) -> Any:
        return super().predict_joint_log_proba(X.toarray())

    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba(X.toarray() if hasattr(X, "toarray") else X)


@pytest.mark.parametrize("estimator", ["logistic", "mlp", "random_forest"])
def test_of_several_classes_an_item_each_has_a_column(estimator: str) -> None:
    labels = RNG.integers(0, 2, (30, 3))
    labels[:, 2] = 1
    model = fit(TEXTS, "tfidf", ESTIMATORS.get(estimator, estimator), labels, SEVERAL)
    made = model.portable(SEVERAL)
    marginals = said(model, TEXTS, "marginals")
    np.testing.assert_allclose(made.predict_proba(TEXTS), marginals, atol=1e-6)
    clear = np.abs(marginals - 0.5) > 1e-6
    np.testing.assert_array_equal(made.predict(TEXTS)[clear], (marginals > 0.5)[clear])


READS = """
import sys
from pathlib import Path
sys.modules["nextlabel"] = None
import joblib, numpy as np
for folder in Path(sys.argv[1]).iterdir():
    items = np.load(folder / "items.npy", allow_pickle=True)
    np.save(folder / "said.npy", joblib.load(folder / "model.joblib").predict_proba(items))
"""


def test_files_are_read_without_nextlabel(tmp_path: Path) -> None:
    models = {}
    for kind in ("texts", "table", "scaled", "numbers"):
        items, features = POOLS[kind]
        models[kind] = fit(items, features)
        (tmp_path / kind).mkdir()
        models[kind].write_portable(TASK, tmp_path / kind / "model.joblib")
        np.save(tmp_path / kind / "items.npy", items, allow_pickle=True)
    subprocess.run([sys.executable, "-c", READS, str(tmp_path)], check=True)
    for kind, model in models.items():
        proba = said(model, POOLS[kind][0])[:, [0, 1, 3]]
        np.testing.assert_allclose(np.load(tmp_path / kind / "said.npy"), proba, atol=1e-6)
    words = (tmp_path / "texts" / "model.joblib.txt").read_text()
    assert "Classes: x, y, never labelled, z" in words
    assert "nextlabel must be installed where it is read: no" in words
    assert f"Python {sys.version.split()[0]}, scikit-learn " in words
    assert len(list((tmp_path / "texts").iterdir())) == 4


def test_the_text_says_where_nextlabel_is_needed(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    model = fit(IMAGES, "hog")
    model.write_portable(TASK, tmp_path / "model.joblib")
    assert "read: yes" in (tmp_path / "model.joblib.txt").read_text()
    import joblib

    made = joblib.load(tmp_path / "model.joblib")
    assert isinstance(made.steps[0][1], ItemFeatures)
    np.testing.assert_allclose(made.predict_proba(IMAGES), said(model, IMAGES)[:, [0, 1, 3]], atol=1e-6)
    assert made.steps[0][1].fit(IMAGES) is made.steps[0][1]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "model.joblib").mkdir()
    with pytest.raises(OSError, match=r"model\.joblib"):
        fit(NUMBERS, "scale").write_portable(TASK, tmp_path / "model.joblib")
    assert [one.name for one in tmp_path.iterdir()] == ["model.joblib"]


def test_a_model_without_labels_is_refused() -> None:
    model = fit(NUMBERS, "scale", labels=LABELS[:0])
    with pytest.raises(LearnerError, match="must have learnt of labels; this one had none"):
        model.portable(TASK)


def test_real_texts_agree_too() -> None:
    try:
        data = build("dataset", "rt_polarity")
    except DatasetMissing as missing:
        pytest.skip(str(missing))
    items = data.pool.take(np.arange(0, len(data.labels), 10))
    labels = data.labels[::10]
    where = np.arange(0, len(items), 5)
    learner = SklearnLearner(features="tfidf")
    model = learner.fit(
        arrays(items),
        where,
        labels[where],
        np.setdiff1d(np.arange(len(items)), where),
        generator(0),
        task=data.task,
    )
    np.testing.assert_allclose(model.portable(data.task).predict_proba(items), said(model, items), atol=1e-6)
