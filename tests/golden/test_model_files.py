"""Models saved side by side share their features, and each is whole by itself."""

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import arrays, classes
from nextlabel.campaign.models import Models
from nextlabel.core.rng import generator
from nextlabel.errors import LearnerError
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.learners.sklearn_model import FORMAT

TEXTS = np.array([f"a {'good' if n % 2 else 'bad'} film of {n % 7} parts" for n in range(40)], dtype=object)
POOL = arrays(TEXTS)
TASK = classes("bad", "good")
LEARNER = SklearnLearner(features="tfidf")


def model(labels: int, pool: Any = POOL, previous: Any = None) -> Any:
    where = np.arange(labels)
    rest = np.arange(labels, len(pool.ids))
    return LEARNER.fit(pool, where, where % 2, rest, generator(0), task=TASK, previous=previous)


def proba(of: Any) -> Any:
    return of.signals(POOL, np.arange(40), {"proba"}, generator(0))["proba"]


def shared(folder: Path) -> set[int]:
    """The files of features in the folders of models: which there are, without names."""
    return {one.stat().st_ino for one in folder.glob("*/features-*.npz")}


def test_models_on_one_pool_share_one_file_of_features(tmp_path: Path) -> None:
    models = Models(tmp_path)
    names = [models.save(model(labels)) for labels in (4, 6, 8)]
    assert len(set(names)) == 3
    assert len(shared(tmp_path)) == 1
    models.save(model(4, arrays(TEXTS[:20])))
    assert len(shared(tmp_path)) == 2


def test_a_model_is_whole_where_the_others_are_deleted_or_it_is_moved(tmp_path: Path) -> None:
    models = Models(tmp_path / "models")
    first, second = model(4), model(6)
    names = models.save(first), models.save(second)
    models.prune([names[1]])
    loaded = models.load(names[1], LEARNER)
    np.testing.assert_array_equal(proba(loaded), proba(second))
    moved = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "models" / names[1], moved)
    shutil.rmtree(tmp_path / "models")
    assert LEARNER.load(moved).fingerprint == second.fingerprint


def test_saving_again_in_the_same_place_leaves_the_others_alone(tmp_path: Path) -> None:
    first, other = model(4), model(4, arrays(TEXTS[:20]))
    for name in ("one", "two"):
        first.save(tmp_path / name)
    other.save(tmp_path / "one")
    assert LEARNER.load(tmp_path / "one").fingerprint == other.fingerprint
    assert LEARNER.load(tmp_path / "two").fingerprint == first.fingerprint
    first.save(tmp_path / "two")
    first.save(tmp_path / "one")
    assert LEARNER.load(tmp_path / "one").fingerprint == first.fingerprint
    assert len(shared(tmp_path)) == 2


def test_a_damaged_file_of_features_is_neither_read_nor_linked(tmp_path: Path) -> None:
    models = Models(tmp_path)
    name = models.save(model(4))
    (file,) = (tmp_path / name).glob("features-*")
    whole = file.read_bytes()
    file.write_bytes(whole[:-40] + b"\0" * 40)
    assert models.load(name, LEARNER) is None
    again = models.save(model(6))
    assert models.load(again, LEARNER) is not None
    assert len(shared(tmp_path)) == 2
    models.save(model(4))
    assert models.load(name, LEARNER) is not None
    assert len(shared(tmp_path)) == 1


def test_features_of_another_model_are_refused(tmp_path: Path) -> None:
    model(4).save(tmp_path / "one")
    model(4, arrays(TEXTS[:20])).save(tmp_path / "two")
    (mine,), (other,) = ((tmp_path / name).glob("features-*") for name in ("one", "two"))
    shutil.copy(other, mine)
    with pytest.raises(
        LearnerError, match=rf"features in {mine} must be what was saved there; they are others"
    ):
        LEARNER.load(tmp_path / "one")


def test_where_files_cannot_be_linked_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("no links on this file system")

    monkeypatch.setattr(os, "link", refuse)
    model(4).save(tmp_path / "one")
    model(6).save(tmp_path / "two")
    assert len(shared(tmp_path)) == 2
    assert LEARNER.load(tmp_path / "two").fingerprint == model(6).fingerprint


def test_a_model_without_features_is_one_file(tmp_path: Path) -> None:
    plain = SklearnLearner()
    pool = arrays(np.arange(8.0).reshape(4, 2))
    made = plain.fit(pool, np.arange(2), np.arange(2), np.arange(2, 4), generator(0), task=TASK)
    made.save(tmp_path / "model")
    assert (tmp_path / "model").is_file()
    assert plain.load(tmp_path / "model").fingerprint == made.fingerprint


def test_a_file_of_a_former_version_is_read_and_replaced(tmp_path: Path) -> None:
    made = model(4)
    former = {
        "format": FORMAT,
        "estimator": made._pickled,
        "place": "features",
        "scores": "logits",
        "classes": 2,
        "present": (0, 1),
        "converged": True,
        "features": made.features.to_bytes(),
    }
    (tmp_path / "model").write_bytes(pickle.dumps(former))
    assert LEARNER.load(tmp_path / "model").fingerprint == made.fingerprint
    made.save(tmp_path / "model")
    assert (tmp_path / "model").is_dir()
    assert LEARNER.load(tmp_path / "model").fingerprint == made.fingerprint


def test_a_loaded_model_lends_features_that_are_kept_in_memory_again(tmp_path: Path) -> None:
    """Without it every look at the pool would read all texts anew."""
    model(4).save(tmp_path / "model")
    loaded = LEARNER.load(tmp_path / "model")
    after = model(6, previous=loaded)
    assert after.features is loaded.features
    assert loaded.features is not None
    assert loaded.features.on(POOL).kept is not None
