"""A model as an ONNX file says what the model says: texts and rows in, names and probabilities out."""

import json
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from nextlabel import arrays, build, classes, multilabel
from nextlabel.core.rng import generator
from nextlabel.errors import DatasetMissing, LearnerError, MissingExtra
from nextlabel.learners.onnx_text import spellings
from nextlabel.learners.sklearn import SklearnLearner

pytest.importorskip("skl2onnx", reason="needs the extra: pip install 'nextlabel[app]'")
runtime: Any = pytest.importorskip("onnxruntime", reason="needs onnxruntime, which reads ONNX files")

TASK = classes("x", "y", "never labelled", "z")
LABELS = np.array([0, 1, 3] * 10)
SEVERAL = multilabel("p", "q", "r")
RNG = np.random.default_rng(6)
WORDS = [
    "red",
    "Blue",
    "CAT",
    "dog",
    "ÉCOLE",
    "Naïve",
    "naïve",
    "x2",
    "don't",
    "a",
    "foo_bar",
    "東京",
    "Привет",
]
TEXTS = np.array(
    [" ".join(RNG.choice(WORDS, 8)) for _ in range(56)] + ["", " \n", "привет ПРИВЕТ", "nothing known"],
    dtype=object,
)
NUMBERS = RNG.normal(size=(60, 4)) * [1, 100, 1e-3, 0] + [0, 1e6, 5, 7]
ROWS = np.empty((60, 4), dtype=object)
ROWS[:, 0] = RNG.choice(np.array(["red", "blue", None, float("nan")], dtype=object), 60)
ROWS[:, 1] = RNG.choice(np.array(["yes", "no"], dtype=object), 60)
ROWS[:, 2] = NUMBERS[:, 1] * 1000  # single precision would lose what differs
ROWS[:, 3] = [None if one < 0.3 else one for one in RNG.random(60)]


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


def run(file: bytes, **inputs: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], dict[str, str]]:
    session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    label, probabilities = session.run(["label", "probabilities"], inputs)
    return label, probabilities, session.get_modelmeta().custom_metadata_map


def cells(rows: NDArray[Any]) -> dict[str, NDArray[Any]]:
    names = [[["" if one is None or one != one else one] for one in rows[:, place]] for place in (0, 1)]
    numbers = [rows[:, place].astype(np.float64)[:, None] for place in (2, 3)]
    columns = [np.array(names[0], dtype=object), np.array(names[1], dtype=object), *numbers]
    return {f"column_{place}": column for place, column in enumerate(columns, start=1)}


def agree(model: Any, items: NDArray[Any], **inputs: NDArray[Any]) -> None:
    """To 1e-5, a tenth of what is promised: float32 has 6e-8, and sums of a hundred terms lose two digits."""
    label, probabilities, metadata = run(model.onnx(TASK), **inputs)
    proba = said(model, items)[:, [0, 1, 3]]
    np.testing.assert_allclose(probabilities, proba, atol=1e-5)
    assert label.tolist() == [["x", "y", "z"][one] for one in probabilities.argmax(axis=1)]
    assert json.loads(metadata["classes"]) == ["x", "y", "z"]


@pytest.mark.parametrize(
    "settings",
    [{}, {"is_sublinear": False}, {"words": [1, 1]}, {"words": [2, 3]}, {"most_terms": 9}],
    ids=str,
)
def test_texts_are_read_as_the_model_reads_them(settings: Any) -> None:
    model = fit(TEXTS, {"name": "tfidf", "least_texts": 1, **settings})
    agree(model, TEXTS, text=TEXTS)
    agree(model, TEXTS[-4:-2], text=TEXTS[-4:-2])  # not one word in all that is asked


def test_what_a_wrong_weight_of_terms_would_do_is_seen() -> None:
    """skl2onnx's own log(1 + t) instead of 1 + log t is outside the tolerance, so the test can fail."""
    right = fit(TEXTS, {"name": "tfidf", "least_texts": 1})
    wrong = fit(TEXTS, {"name": "tfidf", "least_texts": 1, "is_sublinear": False})
    wrong.estimator = right.estimator
    assert np.abs(said(wrong, TEXTS) - said(right, TEXTS)).max() > 1e-3


def test_a_word_is_found_in_small_letters_capitalised_and_in_capitals() -> None:
    assert spellings("cat") == ["cat"]
    assert spellings("école") == ["École", "école"]
    assert spellings("naïve") == ["naÏve", "naïve"]
    assert spellings("привет") == ["ПРИВЕТ", "Привет", "привет"]
    assert spellings("straße") == ["straße"]  # in capitals it is another word
    assert spellings("東京") == ["東京"]


@pytest.mark.parametrize("estimator", ["logistic", "mlp", "random_forest"])
@pytest.mark.parametrize("kind", ["table", "scale", "numbers"])
def test_rows_are_read_as_the_model_reads_them(kind: str, estimator: str) -> None:
    settings = {"mlp": {"max_iter": 30}, "random_forest": {"n_estimators": 5}}.get(estimator, {})
    named = {"name": estimator, **settings}
    if kind == "table":
        agree(fit(ROWS, "table", named), ROWS, **cells(ROWS))
        return
    single = (NUMBERS / [1, 1e6, 1, 1]).astype(np.float32)
    agree(fit(single, "scale" if kind == "scale" else None, named), single, rows=single)


def test_cells_never_seen_are_read_as_the_model_reads_them() -> None:
    other = ROWS[:3].copy()
    other[0] = ["green", "perhaps", -1.0, 2.0]
    other[1] = [None, None, float("nan"), None]
    agree(fit(ROWS, "table"), other, **cells(other))


@pytest.mark.parametrize("estimator", ["logistic", "mlp"])
def test_of_several_classes_an_item_each_has_a_probability(estimator: str) -> None:
    labels = RNG.integers(0, 2, (30, 3))
    labels[:, 2] = 1
    model = fit(TEXTS, "tfidf", estimator, labels, SEVERAL)
    label, probabilities, metadata = run(model.onnx(SEVERAL), text=TEXTS)
    marginals = said(model, TEXTS, "marginals")
    np.testing.assert_allclose(probabilities, marginals, atol=1e-5)
    clear = np.abs(marginals - 0.5) > 1e-5
    np.testing.assert_array_equal(label[clear], (marginals > 0.5)[clear])
    assert metadata == {"classes": '["p", "q", "r"]', "task": "classes", "made_by": "nextlabel"}


def test_real_texts_agree_too() -> None:
    try:
        data = build("dataset", "rt_polarity")
    except DatasetMissing as missing:
        pytest.skip(str(missing))
    items, labels = data.pool.take(np.arange(0, len(data.labels), 10)), data.labels[::10]
    where = np.arange(0, len(items), 5)
    rest = np.setdiff1d(np.arange(len(items)), where)
    model = SklearnLearner(features="tfidf").fit(
        arrays(items), where, labels[where], rest, generator(0), task=data.task
    )
    label, probabilities, _ = run(model.onnx(data.task), text=items)
    np.testing.assert_allclose(probabilities, said(model, items), atol=1e-5)
    assert label.tolist() == model.portable(data.task).predict(items).tolist()


def unsuitable(kind: str) -> Any:
    if kind == "images":
        pytest.importorskip("skimage")
        return fit((RNG.random((60, 9, 9)) * 255).astype(np.uint8), "hog")
    if kind == "characters":
        return fit(TEXTS, {"name": "tfidf", "unit": "char_wb"})
    if kind == "pipeline":
        return fit(TEXTS, None, make_pipeline(CountVectorizer(), LogisticRegression()))
    if kind == "empty name":
        rows = ROWS.copy()
        rows[0, 0] = ""
        return fit(rows, "table")
    return fit(NUMBERS, "scale", labels=LABELS[:0] if kind == "no labels" else LABELS * 0)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("images", "features='tfidf', 'table' or 'scale', or plain numbers; this one reads features='hog'"),
        ("pipeline", "this one reads a pipeline of texts or objects"),
        ("characters", "reads whole words; these features have unit='char_wb'"),
        ("empty name", "in column 1 an empty text is a name and cells are missing too"),
        ("no labels", "must have learnt of labels; this one had none"),
        ("one class", "DummyClassifier must be a classifier that skl2onnx converts; it refuses"),
    ],
)
def test_what_cannot_be_written_is_refused(kind: str, message: str) -> None:
    with pytest.raises(LearnerError, match=message):
        unsuitable(kind).onnx(TASK)


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fit(NUMBERS, "scale")
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(MissingExtra, match=r"ONNX file needs the library 'skl2onnx'.*'nextlabel\[app\]'"):
        model.onnx(TASK)
