"""Features learnt without labels: what they are, of which items, how often, and what is kept with a model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import arrays, build, classes, spec_of
from nextlabel.core.learner import Fit, Learner
from nextlabel.core.rng import generator
from nextlabel.errors import LearnerError, NoLabels, ParameterError, UnknownName
from nextlabel.learners import encode_numbers, features
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.learners.torch import TorchLearner
from nextlabel.readers.arrays import ArrayPool

TASK = classes("a", "b", "c")
ROWS = np.random.default_rng(0).normal(size=(40, 3)) * [1.0, 100.0, 0.01] + [0.0, 5000.0, 1.0]
POOL = arrays(ROWS)
LABELLED, UNLABELLED = np.arange(0, 20, 2), np.arange(1, 20, 2)
QUICK = {"name": "adam", "epochs": 2}

LEARNERS: dict[str, Learner] = {
    "sklearn": SklearnLearner(features="scale"),
    "torch": TorchLearner({"name": "mlp", "hidden": []}, train=QUICK, device="cpu", features="scale"),
    "torch with dropout": TorchLearner(
        {"name": "mlp", "dropout": 0.5}, train=QUICK, device="cpu", features="scale", draws=2
    ),
}


def fit(learner: Learner, pool: ArrayPool = POOL, previous: Any = None, labelled: Any = LABELLED) -> Any:
    return learner.fit(pool, labelled, labelled % 3, UNLABELLED, generator(0), task=TASK, previous=previous)


def embedding(model: Any, pool: ArrayPool = POOL, positions: Sequence[int] = range(40)) -> Any:
    return model.signals(pool, np.array(positions), {"embedding"}, generator(0))["embedding"]


@pytest.mark.parametrize("name", ["sklearn", "torch"])
def test_numbers_are_scaled_by_the_items_of_the_fit_and_no_others(name: str) -> None:
    known = ROWS[:20]
    expected = (ROWS - known.mean(axis=0)) / known.std(axis=0)
    np.testing.assert_allclose(embedding(fit(LEARNERS[name])), expected, rtol=1e-5, atol=1e-5)


def test_labels_do_not_change_features() -> None:
    learner = SklearnLearner(features="scale")
    none = learner.fit(POOL, LABELLED[:0], LABELLED[:0], np.arange(20), generator(9), task=TASK)
    np.testing.assert_array_equal(embedding(none), embedding(fit(learner)))


def test_columns_that_do_not_vary_become_zero() -> None:
    pool = arrays(np.full((40, 2), 0.1) * [1.0, 3e7])
    assert not embedding(fit(LEARNERS["sklearn"], pool), pool).any()


def test_images_are_flattened_and_scaled() -> None:
    pool = arrays(ROWS.reshape(40, 3, 1))
    np.testing.assert_array_equal(
        embedding(fit(LEARNERS["torch"], pool), pool), embedding(fit(LEARNERS["torch"]))
    )


def test_a_mean_over_several_pieces_is_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = embedding(fit(LEARNERS["sklearn"]))
    monkeypatch.setattr(features, "_PIECE", 7)
    np.testing.assert_allclose(embedding(fit(LEARNERS["sklearn"])), expected, atol=1e-5)


@pytest.mark.parametrize("name", LEARNERS)
def test_features_of_the_same_items_are_learnt_once(name: str) -> None:
    """Another labelled set out of the same items; then another set of items, and another pool."""
    learner = LEARNERS[name]
    first = fit(learner)
    again = learner.fit(POOL, UNLABELLED, UNLABELLED % 3, LABELLED, generator(1), task=TASK, previous=first)
    assert again.features is first.features  # type: ignore[attr-defined]
    assert fit(learner, previous=first, labelled=LABELLED[:-1]).features is not first.features
    assert fit(learner, arrays(ROWS + 1.0), previous=first).features is not first.features
    assert fit(learner).features is not first.features
    assert fit(learner).fingerprint == first.fingerprint


@pytest.mark.parametrize("name", LEARNERS)
def test_several_trainings_share_the_features_of_the_same_items(name: str) -> None:
    learner = LEARNERS[name]
    fits = [
        Fit(LABELLED, LABELLED % 3, UNLABELLED, generator(1)),
        Fit(LABELLED, LABELLED % 3, np.arange(20, 40), generator(2)),
        Fit(UNLABELLED, UNLABELLED % 3, LABELLED, generator(3)),
    ]
    made: Any = learner.fit_many(POOL, fits, task=TASK)
    assert made[2].features is made[0].features is not made[1].features
    for one, rng in zip(range(3), (1, 2, 3), strict=True):
        single = learner.fit(
            POOL, fits[one].labelled, fits[one].labels, fits[one].unlabelled, generator(rng), task=TASK
        )
        assert single.fingerprint == made[one].fingerprint


@pytest.mark.parametrize("name", LEARNERS)
def test_features_are_saved_with_the_model(name: str, tmp_path: Path) -> None:
    learner, model = LEARNERS[name], fit(LEARNERS[name])
    model.save(tmp_path / "model")
    loaded: Any = learner.load(tmp_path / "model")
    assert loaded.fingerprint == model.fingerprint
    assert loaded.features.basis == model.features.basis
    np.testing.assert_array_equal(embedding(loaded), embedding(model))
    assert fit(learner, previous=loaded).features is loaded.features


def test_features_are_part_of_the_fingerprint() -> None:
    plain = SklearnLearner().fit(POOL, LABELLED, LABELLED * 0, UNLABELLED, generator(0), task=TASK)
    scaled = LEARNERS["sklearn"].fit(POOL, LABELLED, LABELLED * 0, UNLABELLED, generator(0), task=TASK)
    other = LEARNERS["sklearn"].fit(POOL, LABELLED, LABELLED * 0, LABELLED[:1], generator(0), task=TASK)
    assert len({plain.fingerprint, scaled.fingerprint, other.fingerprint}) == 3


@pytest.mark.parametrize("bound", [0, 10**9])
def test_what_is_kept_of_a_pool_changes_nothing(bound: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features of the whole pool are made once where they are small; another pool is read as it comes."""
    monkeypatch.setattr(features, "_KEPT_BYTES", bound)
    monkeypatch.setattr(features, "_PIECE", 7)
    made: list[int] = []
    plain = encode_numbers._Scaled.rows

    def counted(reader: Any, items: Any) -> Any:
        made.append(len(items))
        return plain(reader, items)

    monkeypatch.setattr(encode_numbers._Scaled, "rows", counted)
    model = fit(LEARNERS["sklearn"])
    while_fitting = sum(made)
    there = embedding(model)
    assert while_fitting == (40 if bound else 7 + 7 + 10)  # of the pool, of what was learnt of, to fit
    assert sum(made) - while_fitting == (0 if bound else 40)
    other = arrays(ROWS[::-1].copy())
    np.testing.assert_array_equal(embedding(model, other), there[::-1])


def test_an_equal_pool_in_another_order_is_read_in_its_own() -> None:
    """Fingerprints do not depend on the order of the items; positions do."""
    model = fit(LEARNERS["sklearn"])
    same, turned = arrays(ROWS.copy()), arrays(ROWS[::-1].copy(), ids=POOL.ids[::-1])
    assert same.fingerprint == turned.fingerprint == POOL.fingerprint
    np.testing.assert_array_equal(embedding(model, same), embedding(model))
    np.testing.assert_array_equal(embedding(model, turned), embedding(model)[::-1])
    assert fit(LEARNERS["sklearn"], same, previous=model).features is model.features
    assert fit(LEARNERS["sklearn"], turned, previous=model).features is not model.features


def test_an_ensemble_learns_features_once() -> None:
    ensemble = build(
        "learner",
        {"name": "ensemble", "of": spec_of(LEARNERS["torch"]).to_dict(), "members": 2},
    )
    members: Any = fit(ensemble).members
    assert members[0].features is members[1].features
    assert fit(ensemble).members[0].features.basis == members[0].features.basis


@pytest.mark.parametrize("name", LEARNERS)
def test_features_are_written_down_with_the_learner(name: str) -> None:
    assert build("learner", spec_of(LEARNERS[name]).to_dict()) == LEARNERS[name]


@pytest.mark.parametrize("kind", [SklearnLearner, TorchLearner])
@pytest.mark.parametrize(
    ("named", "error", "message"),
    [
        (
            "scales",
            UnknownName,
            "'scales' are not named features. The names are: encoder, hog, scale, table, tfidf",
        ),
        (
            {"name": "scale", "by": 2},
            ParameterError,
            r"'scale' have no such setting \(.*'by'.*They take: none",
        ),
        (5, ParameterError, "'features' must be a name or a mapping with the key 'name'; received 5"),
    ],
)
def test_features_that_are_not_known_are_refused(
    kind: Any, named: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        kind(features=named)


def test_features_of_no_items_are_refused() -> None:
    with pytest.raises(NoLabels, match="The features 'scale' are learnt of labelled and unlabelled items"):
        LEARNERS["sklearn"].fit(POOL, LABELLED[:0], LABELLED[:0], LABELLED[:0], generator(0), task=TASK)


def test_items_that_cannot_be_scaled_are_refused() -> None:
    holes = ROWS.copy()
    holes[3, 1] = np.nan
    with pytest.raises(LearnerError, match=r"must be finite; 1 of 3 columns hold nan .* features='table'"):
        fit(LEARNERS["sklearn"], arrays(holes))
    with pytest.raises(LearnerError, match="features='scale' takes numbers; the items are of type <U3"):
        fit(LEARNERS["sklearn"], arrays(["one"] * 40))
    with pytest.raises(LearnerError, match=r"Items must have 3 numbers, .* received 2"):
        embedding(fit(LEARNERS["sklearn"]), arrays(ROWS[:, :2]))


def table(*rows: Sequence[Any]) -> ArrayPool:
    return arrays(np.array(rows, dtype=object))


def encoded(pool: ArrayPool, settings: Any = "table", learnt_of: int | None = None) -> Any:
    """The features of a whole pool, learnt of its first items."""
    where = np.arange(len(pool.ids) if learnt_of is None else learnt_of)
    learner = SklearnLearner(features=settings, embedding="features")
    model = learner.fit(pool, where[:0], where[:0], where, generator(0), task=TASK)
    return embedding(model, pool, range(len(pool.ids)))


def test_names_have_a_column_each_and_numbers_one() -> None:
    """The numbers 1, 3, 3, 5 have the mean 3 and the deviation √2."""
    pool = table(["red", 1], ["blue", 3], ["red", 3], ["red", 5.0])
    third = np.array([-2.0, 0.0, 0.0, 2.0]) / np.sqrt(2.0)
    expected = np.column_stack([[0, 1, 0, 0], [1, 0, 1, 1], third])
    np.testing.assert_allclose(encoded(pool), expected, atol=1e-6)


def test_missing_cells_are_marked_where_the_items_learnt_of_have_some() -> None:
    pool = table(["a", 1.0], ["b", None], [None, 3.0], ["a", float("nan")], [None, None])
    expected = [[1, 0, 0, -1, 0], [0, 1, 0, 0, 1], [0, 0, 1, 1, 0], [1, 0, 0, 0, 1], [0, 0, 1, 0, 1]]
    np.testing.assert_allclose(encoded(pool, learnt_of=4), expected)
    late = table(["a", 1.0], ["b", 3.0], [None, None])
    np.testing.assert_allclose(encoded(late, learnt_of=2), [[1, 0, -1], [0, 1, 1], [0, 0, 0]])


def test_names_that_are_not_known_or_too_rare_are_zeros() -> None:
    pool = table(["a"], ["a"], ["b"], ["b"], ["c"], ["d"])
    expected = [[1, 0], [1, 0], [0, 1], [0, 1], [0, 0], [0, 0]]
    np.testing.assert_array_equal(encoded(pool, learnt_of=4), expected)
    np.testing.assert_array_equal(encoded(pool, {"name": "table", "most_names": 2}), expected)


def test_a_number_among_names_is_a_name() -> None:
    np.testing.assert_array_equal(encoded(table(["a"], [2.0], ["2.0"])), [[0, 1], [1, 0], [1, 0]])
    np.testing.assert_array_equal(encoded(arrays(np.array([["x"], ["y"]]))), [[1, 0], [0, 1]])


def test_columns_of_one_number_or_none_are_zero() -> None:
    pool = table([7.0, None], [7.0, None])
    np.testing.assert_array_equal(encoded(pool), [[0, 0, 1], [0, 0, 1]])


def test_a_table_of_numbers_is_as_scaled() -> None:
    np.testing.assert_allclose(encoded(POOL), encoded(POOL, "scale"), rtol=1e-6, atol=1e-6)
    holes = ROWS.copy()
    holes[0, 1] = np.nan
    assert encoded(arrays(holes)).shape == (40, 4)


def test_rows_that_do_not_fit_the_table_are_refused() -> None:
    model = fit(SklearnLearner(features="table"), table(*[["a", 1.0]] * 40))
    with pytest.raises(LearnerError, match=r"Rows must have 2 cells, .* received 1"):
        embedding(model, table(["a"]), [0])
    model = fit(SklearnLearner(features="table"), table(*[[1.0], [2.0]] * 20))
    with pytest.raises(LearnerError, match=r"numbers alone .* could not convert string to float: 'x'"):
        embedding(model, table(["x"]), [0])
    with pytest.raises(
        LearnerError, match=r"rows of names and numbers.* received items of shape \(\) and type <U"
    ):
        fit(SklearnLearner(features="table"), arrays(["a text"] * 40))


TEXTS = ["the red cat sat", "the red dog sat", "a blue bird sang", "the blue bird", "cat and dog", "zebra"]


def test_texts_are_weighted_words_of_unit_length() -> None:
    """ "red" and "the" come in 2 and 3 of 6 texts: ln(7/3) + 1 and ln(7/4) + 1; "zebra" is too rare."""
    pool = arrays(np.array(TEXTS * 2, dtype=object))
    learner = SklearnLearner(features={"name": "tfidf", "words": [1, 1]})
    model = learner.fit(pool, np.arange(3), np.arange(3), np.arange(3, 6), generator(0), task=TASK)
    assert model.features is not None
    rows = model.features.on(pool).take(np.array([0, 3, 5]))
    weights = dict(zip(["bird", "blue", "cat", "dog", "red", "sat", "the"], rows.toarray()[0], strict=True))
    assert weights["red"] / weights["the"] == pytest.approx((np.log(7 / 3) + 1) / (np.log(7 / 4) + 1))
    np.testing.assert_allclose(np.asarray(rows.multiply(rows).sum(1)).ravel(), [1.0, 1.0, 0.0])
    assert model.estimator.coef_.shape[1] == 7


def test_the_dense_form_keeps_inner_products() -> None:
    """With as many dimensions as the rank, 5 of 6 texts, exactly; with fewer, the projection on the best."""
    pool = arrays(np.array(TEXTS, dtype=object))
    model = fit(SklearnLearner(features="tfidf"), arrays(np.array(TEXTS * 7, dtype=object)))
    rows = model.features.on(pool).take(np.arange(6)).toarray()
    dense = embedding(model, pool, range(6))
    np.testing.assert_allclose(dense @ dense.T, rows @ rows.T, atol=1e-5)
    few = embedding(
        fit(
            SklearnLearner(features={"name": "tfidf", "dimensions": 2}),
            arrays(np.array(TEXTS * 7, dtype=object)),
        ),
        pool,
        range(6),
    )
    assert few.shape == (6, 2)


def test_texts_reach_a_network_in_their_dense_form() -> None:
    pool = arrays(np.array(TEXTS * 7, dtype=object))
    learner = TorchLearner(
        {"name": "mlp", "hidden": []}, train=QUICK, device="cpu", features={"name": "tfidf", "dimensions": 3}
    )
    sparse = SklearnLearner(features={"name": "tfidf", "dimensions": 3})
    np.testing.assert_allclose(
        embedding(fit(learner, pool), pool), embedding(fit(sparse, pool), pool), atol=1e-6
    )


@pytest.mark.parametrize("estimator", ["logistic", "random_forest", {"name": "mlp", "max_iter": 5}])
def test_estimators_read_texts(estimator: Any, tmp_path: Path) -> None:
    pool = arrays(np.array(TEXTS * 7, dtype=object))
    learner = SklearnLearner(estimator, features="tfidf")
    model = fit(learner, pool)
    proba = model.signals(pool, np.arange(40), {"proba"}, generator(0))["proba"]
    model.save(tmp_path / "model")
    loaded = learner.load(tmp_path / "model")
    np.testing.assert_array_equal(
        loaded.signals(pool, np.arange(40), {"proba"}, generator(0))["proba"], proba
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"words": [2, 1]}, r"'words' must be the shortest and the longest run.* received \[2, 1\]"),
        ({"words": 2}, "'words' must be .* received 2"),
        ({"least_texts": 0}, "'least_texts' must be a whole number from 1 up; received 0"),
        ({"most_terms": 0}, "'most_terms' must be a whole number from 1 up; received 0"),
        ({"dimensions": 1.5}, "'dimensions' must be a whole number from 1 up; received 1.5"),
        ({"is_sublinear": "yes"}, "'is_sublinear' must be True or False; received 'yes'"),
        ({"unit": "char"}, "'unit' must be 'word' or 'char_wb'; received 'char'"),
    ],
)
def test_settings_of_texts_outside_their_range_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        SklearnLearner(features={"name": "tfidf", **settings})


def test_a_setting_of_tables_outside_its_range_is_refused() -> None:
    with pytest.raises(ParameterError, match="'most_names' must be a whole number from 1 up; received 0"):
        SklearnLearner(features={"name": "table", "most_names": 0})


def test_texts_that_share_nothing_or_are_none_are_refused() -> None:
    with pytest.raises(
        LearnerError, match="Texts must share terms; there are none in 2 texts or more: After"
    ):
        encoded(arrays(np.array(["one", "two"], dtype=object)), "tfidf")
    with pytest.raises(
        LearnerError, match=r"takes texts, axes \(n,\); received items of shape \(\) and type int"
    ):
        encoded(arrays(np.array(["one", 2], dtype=object)), "tfidf")
    with pytest.raises(LearnerError, match=r"takes texts.* received items of shape \(3,\) and type float64"):
        encoded(POOL, "tfidf")


WORDS: dict[str, list[Any]] = {
    "tfidf": [f"{('red', 'blue', 'green')[i % 3]} cat number{i % 7} word{i * i % 11}" for i in range(40)],
    "scale": [[i * i % 7 / 3.0, i / 11.0] for i in range(40)],
    "table": [[f"name{i % 5}", i / 7.0, None if i % 9 == 0 else i % 4] for i in range(40)],
}
OTHERS: dict[str, Any] = {
    "tfidf": "a wholly new text, red",
    "scale": [99.0, -3.0],
    "table": ["new", 1e3, None],
}


@pytest.mark.parametrize("named", [{"name": "tfidf", "dimensions": 5}, {"name": "scale"}, {"name": "table"}])
def test_other_items_of_the_pool_change_no_feature(named: dict[str, Any]) -> None:
    """Items 0 to 19 are learnt of, the rest are for testing: bit for bit. One of the 20 changes others."""
    content, new = WORDS[named["name"]], OTHERS[named["name"]]
    kind = None if named["name"] == "scale" else object

    def signals(changed: Sequence[int], ids: Sequence[str] | None = None) -> Any:
        items = [new if i in changed else one for i, one in enumerate(content)]
        learner = SklearnLearner(features=named, embedding="features")
        pool = arrays(np.array(items, dtype=kind), ids=ids)
        return fit(learner, pool).signals(pool, np.arange(20), {"embedding", "proba"}, generator(0))

    before, after, within = signals([]), signals(range(20, 40)), signals([7])
    renamed = signals([], [f"another {i}" for i in range(40)])
    unchanged = [i for i in range(20) if i != 7]
    for name in ("embedding", "proba"):
        assert before[name].tobytes() == after[name].tobytes() == renamed[name].tobytes()
        assert not np.array_equal(before[name][unchanged], within[name][unchanged])
