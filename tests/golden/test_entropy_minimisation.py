"""The learner of entropy minimisation: its objective, what it chooses, what it warns of, what it keeps."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import arrays, build, classes
from nextlabel.core.learner import Model
from nextlabel.errors import ConvergenceError, LearnerError, MissingSignal, ParameterError, UnknownName
from nextlabel.learners import entropy_minimisation
from nextlabel.learners.entropy_minimisation import (
    PENALTIES,
    EntropyMinimisation,
    EntropyMinimisationModel,
    FarFromLabels,
)
from nextlabel.maths.regression import gradient, softmax_regression
from nextlabel.readers.arrays import ArrayPool
from nextlabel.testing.learners import PROMISES, check

Floats = NDArray[np.float64]
TASK = classes("low", "high", "never")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pool(seed: int = 0, n: int = 40) -> tuple[ArrayPool, NDArray[np.int64]]:
    """Two blobs that overlap a little, and the class of each item."""
    of = np.arange(n) % 2
    return arrays(rng(seed).normal(size=(n, 2)) + 1.5 * of[:, None]), of


def fitted(
    learner: EntropyMinimisation, labelled: Any, seed: int = 0, **more: Any
) -> EntropyMinimisationModel:
    items, of = pool()
    where = np.asarray(labelled)
    others = np.setdiff1d(np.arange(len(of)), where)
    return learner.fit(items, where, of[where], others, rng(seed), task=TASK, **more)


def proba(model: Model, n: int = 40) -> Floats:
    return np.asarray(model.signals(pool()[0], np.arange(n), {"proba"}, rng())["proba"], np.float64)


def test_the_head_is_where_the_objective_is_flat() -> None:
    items, of = pool()
    labelled, others = np.arange(10), np.arange(10, 40)
    for reduction in ("sum", "mean"):
        model = fitted(EntropyMinimisation(0.3, 0.5, reduction), labelled)
        assert model.head is not None
        slope = gradient(
            model.head,
            items.items[labelled],
            np.eye(2)[of[labelled]],
            penalty=0.5,
            unlabelled=items.items[others],
            entropy_weight=0.3,
            reduction=reduction,
        )
        assert np.abs(slope).max() < 1e-5


def test_without_weight_or_pool_it_is_ridge_logistic_regression() -> None:
    items, of = pool()
    where, none = np.arange(12), np.empty(0, np.int64)
    expected = softmax_regression(items.items[where], np.eye(2)[of[where]], penalty=2.0)
    alone = EntropyMinimisation(5.0, 2.0).fit(items, where, of[where], none, rng(), task=TASK)
    for model in (fitted(EntropyMinimisation(0.0, 2.0), where), alone):
        assert model.head is not None
        np.testing.assert_allclose(model.head.matrix, expected.matrix, atol=1e-6)


def test_a_larger_weight_makes_surer_predictions() -> None:
    def doubt(weight: float) -> float:
        said = np.maximum(proba(fitted(EntropyMinimisation(weight, 1.0), np.arange(8))), 1e-300)
        return float(-(said * np.log(said)).sum())

    found = [doubt(weight) for weight in (0.0, 0.05, 0.2, 1.0)]
    assert (np.diff(found) < 0.0).all()


def test_classes_without_a_label_have_probability_zero() -> None:
    model = fitted(EntropyMinimisation(), [0, 1, 2, 3])
    said = proba(model)
    assert said.shape == (40, 3)
    assert (said[:, 2] == 0.0).all()
    logits = model.signals(pool()[0], np.arange(40), {"logits"}, rng())["logits"]
    np.testing.assert_allclose(logits[:, :2].max(axis=1) - logits[:, 2], 1000.0, rtol=1e-6)


def test_one_class_gives_a_constant() -> None:
    assert (proba(fitted(EntropyMinimisation(), [1, 3]))[:, 1] == 1.0).all()


def test_an_entropy_that_makes_everything_one_class_is_warned_of() -> None:
    # three classes labelled at one end of the pool, of which the last lies nearest to all the rest
    items = arrays(np.concatenate([[[0.0], [0.1], [0.2]], np.linspace(1.0, 3.0, 60)[:, None]]))
    learner = EntropyMinimisation(10.0, 1.0)
    message = (
        r"60 unlabelled items that differ from those of the 3 .* by 0\.6\d in total .* weight of 10 it may"
    )
    with pytest.warns(FarFromLabels, match=message):
        learner.fit(items, np.arange(3), np.arange(3), np.arange(3, 63), rng(), task=classes("a", "b", "c"))


def test_nearness_of_the_classes_is_not_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(EntropyMinimisation(1.0, 1.0), np.arange(8))
        fitted(EntropyMinimisation(0.0, 1.0), np.arange(8))


def test_what_is_not_given_is_of_the_largest_held_out_likelihood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entropy_minimisation, "PENALTIES", (10.0, 0.1))
    monkeypatch.setattr(entropy_minimisation, "ENTROPY_WEIGHTS", (0.0, 0.1))
    items, of = pool()
    where, others = np.arange(7), np.arange(7, 40)
    model = fitted(EntropyMinimisation(None, None), where)
    features = np.asarray(items.items, np.float64)
    # the dealing of folds is the generator's: items in a random order of each class, dealt out in turn
    fold = np.empty(7, np.int64)
    fold[np.lexsort((rng().random(7), of[where]))] = np.arange(7) % 5
    held_out = {}
    for penalty in (10.0, 0.1):
        for weight in (0.0, 0.1):
            total = 0.0
            for item in where:
                kept = where[fold != fold[item]]
                head = softmax_regression(
                    features[kept],
                    np.eye(2)[of[kept]],
                    penalty=penalty,
                    unlabelled=features[others],
                    entropy_weight=weight,
                )
                total += float(head.log_proba(features[item][None])[0, of[item]])
            held_out[weight, penalty] = total
    assert (model.entropy_weight, model.penalty) == max(held_out, key=lambda pair: held_out[pair])


def test_each_fold_holds_its_share_of_each_class() -> None:
    targets = np.eye(3)[np.repeat([0, 1, 2], [11, 5, 4])]
    for seed in range(10):
        fold = entropy_minimisation._folds(targets, rng(seed))
        shares = np.stack([targets[fold == part].sum(axis=0) for part in range(5)])
        assert shares.sum() == 20
        assert (np.ptp(shares, axis=0) <= 1).all()
    assert sorted(entropy_minimisation._folds(targets[:3], rng()).tolist()) == [0, 1, 2]


def test_every_fold_counts_in_what_is_chosen() -> None:
    items, of = pool(n=40)
    features = np.asarray(items.items, np.float64)
    for seed in range(8):
        where = rng(seed).choice(40, 8, replace=False)
        where = np.concatenate([where, np.setdiff1d([0, 1], where)])  # both classes, at least once
        model = fitted(EntropyMinimisation(0.0, None), where, seed=seed)
        fold, likelihood = entropy_minimisation._folds(np.eye(2)[of[where]], rng(seed)), []
        for penalty in PENALTIES:
            of_items = np.empty(len(where))
            for part in range(5):
                kept, out = where[fold != part], where[fold == part]
                head = softmax_regression(features[kept], np.eye(2)[of[kept]], penalty=penalty)
                of_items[fold == part] = head.log_proba(features[out])[np.arange(len(out)), of[out]]
            likelihood.append(of_items.sum())
        assert model.penalty == PENALTIES[int(np.argmax(likelihood))]


def test_other_labelled_items_make_another_fingerprint() -> None:
    one, other, again = (fitted(EntropyMinimisation(), rows) for rows in ([0, 1], [0, 3], [0, 1]))
    assert one.fingerprint == again.fingerprint != other.fingerprint


def test_one_of_the_two_may_be_given() -> None:
    assert fitted(EntropyMinimisation(None, 0.7), np.arange(6)).penalty == 0.7
    chosen = fitted(EntropyMinimisation(0.02, None), np.arange(6))
    assert chosen.entropy_weight == 0.02
    assert chosen.penalty in PENALTIES


def test_of_a_single_label_nothing_can_be_held_out() -> None:
    model = fitted(EntropyMinimisation(None, None), [3])
    assert (model.entropy_weight, model.penalty) == (0.1, 1.0)
    model = fitted(EntropyMinimisation(0.5, None), [3])
    assert (model.entropy_weight, model.penalty) == (0.5, 1.0)


def test_without_labels_there_is_the_embedding_alone() -> None:
    none = np.empty(0, np.int64)
    items, _ = pool()
    model = EntropyMinimisation().fit(items, none, none, np.arange(40), rng(), task=TASK)
    said = model.signals(items, np.arange(40), {"embedding"}, rng())
    np.testing.assert_allclose(said["embedding"], items.items, rtol=1e-6)
    with pytest.raises(MissingSignal, match="A model of entropy minimisation was asked for 'proba'"):
        model.signals(items, np.arange(40), {"proba"}, rng())


def test_features_are_learnt_and_lent(tmp_path: Path) -> None:
    texts = arrays(["a good film", "a bad film", "good and fine", "bad and dull", "fine", "dull"] * 3)
    learner = EntropyMinimisation(features="tfidf")
    labelled, labels, others = np.arange(4), np.array([0, 1, 0, 1]), np.arange(4, 18)
    model = learner.fit(texts, labelled, labels, others, rng(), task=classes("good", "bad"))
    again = learner.fit(texts, labelled, labels, others, rng(), task=classes("good", "bad"), previous=model)
    assert again.features is model.features
    assert again.fingerprint == model.fingerprint
    said = model.signals(texts, np.array([4, 5]), {"proba", "embedding"}, rng())
    assert said["proba"].argmax(axis=1).tolist() == [0, 1]
    model.save(tmp_path / "model")
    loaded = learner.load(tmp_path / "model")
    assert loaded.fingerprint == model.fingerprint
    assert (loaded.entropy_weight, loaded.penalty) == (0.1, 1.0)
    np.testing.assert_array_equal(
        loaded.signals(texts, np.array([4, 5]), {"proba"}, rng())["proba"], said["proba"]
    )


def test_a_model_without_labels_is_kept_too(tmp_path: Path) -> None:
    none = np.empty(0, np.int64)
    learner = EntropyMinimisation()
    model = learner.fit(pool()[0], none, none, np.arange(40), rng(), task=TASK)
    model.save(tmp_path / "model")
    assert learner.load(tmp_path / "model").fingerprint == model.fingerprint


@pytest.mark.parametrize("content", [b"", b"something else", b"PK\x03\x04"])
def test_a_foreign_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(content)
    with pytest.raises(LearnerError, match=r"written by EntropyMinimisationModel.save was expected; .*model"):
        EntropyMinimisation().load(path)
    np.savez(path, said=np.arange(3))
    with pytest.raises(LearnerError, match="holds something else"):
        EntropyMinimisation().load(Path(f"{path}.npz"))


def test_texts_without_features_are_refused() -> None:
    texts = arrays(["good", "bad", "fine"])
    with pytest.raises(LearnerError, match=r"items as numbers; they are of type .*features='tfidf'"):
        EntropyMinimisation().fit(
            texts, np.arange(2), np.arange(2), np.array([2]), rng(), task=classes("good", "bad")
        )


def test_separable_classes_without_penalty_are_refused() -> None:
    items = arrays([[0.0], [1.0], [2.0]])
    with pytest.raises(ConvergenceError, match="give one above 0"):
        EntropyMinimisation(0.0, 0.0).fit(
            items, np.array([0, 2]), np.array([0, 1]), np.array([1]), rng(), task=classes("a", "b")
        )


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"entropy_weight": -1.0}, ParameterError, "'entropy_weight' must be .* at least 0; received -1.0"),
        ({"penalty": float("nan")}, ParameterError, "'penalty' must be .* at least 0; received nan"),
        ({"reduction": "max"}, ParameterError, "'reduction' must be 'sum' or 'mean'; received 'max'"),
        ({"chunk": 0}, ParameterError, "'chunk' must be a whole number from 1 up; received 0"),
        ({"features": "bert"}, UnknownName, "'bert' are not named features"),
    ],
)
def test_parameters_out_of_range_are_refused(
    wrong: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        EntropyMinimisation(**wrong)


def test_other_settings_keep_every_promise() -> None:
    check(build("learner", {"name": "entropy_minimisation", "features": "scale", "reduction": "mean"}))


@pytest.mark.parametrize("promise", ["determinism", "one_label", "save_and_load", "round_trip"])
def test_what_is_chosen_keeps_the_promises_that_it_touches(promise: str) -> None:
    PROMISES[promise](build("learner", {"name": "entropy_minimisation", "entropy_weight": None}))
