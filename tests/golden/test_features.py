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
    assert while_fitting == (40 if bound else 7 + 10)
    assert sum(made) - while_fitting == (0 if bound else 40)
    other = arrays(ROWS[::-1].copy())
    np.testing.assert_array_equal(embedding(model, other), there[::-1])


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
        ("scales", UnknownName, "'scales' are not named features. The names are: scale"),
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
